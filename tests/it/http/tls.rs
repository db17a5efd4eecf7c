//! The same door, encrypted: self-signed certificates made by `openssl`, real handshakes, the same limits.

use std::process::Command;
use std::sync::Arc;

use billfold::http::{Certificate, InvalidCertificate, Keyring, ServeConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::limits::{SOON, limited};
use super::wire::{Server, config, customer_event, delivery, signature};

/// A certificate for `localhost` and its key, as PEM.
pub struct Pair {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
}

impl Pair {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain"), folder.path().join("key"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-out")
            .arg(&chain)
            .arg("-keyout")
            .arg(&key)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { chain: std::fs::read(chain).unwrap(), key: std::fs::read(key).unwrap() }
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.chain, &self.key).unwrap()
    }

    /// A client that trusts this certificate alone.
    async fn connect(&self, server: &Server) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&self.chain).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(server.address).await?;
        TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

fn encrypted(config: ServeConfig, pair: &Pair) -> ServeConfig {
    let mut keyring = Keyring::clone(&config.keys.current());
    keyring.certificate = Some(pair.certificate());
    config.keys.replace(keyring);
    config
}

/// Everything until the server hangs up.
async fn rest(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut without a farewell ends in an error; what came before it counts.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

const ALIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_and_questions_come_encrypted() {
    let pair = Pair::new();
    let server = Server::start(encrypted(config(), &pair)).await;
    let body = customer_event("evt_1", "cus_1");
    let mut stream = pair.connect(&server).await.unwrap();
    stream.write_all(&delivery(body.as_bytes(), Some(&signature(body.as_bytes())))).await.unwrap();
    // The same connection goes on.
    let question = b"GET /v1/customers/cus_1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(question).await.unwrap();
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert!(answers.contains(r#""duplicate":false"#) && answers.contains(r#""id":"cus_1""#), "{answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_encrypt_gets_no_answer() {
    let pair = Pair::new();
    let server = Server::start(encrypted(config(), &pair)).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(ALIVE).await.unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&bytes));
    let stranger = Pair::new();
    assert!(stranger.connect(&server).await.is_err(), "another certificate is not trusted");
    let mut stream = pair.connect(&server).await.unwrap();
    stream.write_all(ALIVE).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_come_ends_the_connection() {
    let pair = Pair::new();
    let server = Server::start(encrypted(limited(|limits| limits.handshake_timeout = SOON), &pair)).await;
    // Nothing at all, and the first bytes of a greeting.
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(begun).await.unwrap();
        let mut bytes = Vec::new();
        let _ = slow.read_to_end(&mut bytes).await;
        assert!(bytes.len() < 16, "hung up");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_ends_an_encrypted_connection_too() {
    let pair = Pair::new();
    let server = Server::start(encrypted(limited(|limits| limits.header_timeout = SOON), &pair)).await;
    for begun in [&b""[..], b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = pair.connect(&server).await.unwrap();
        stream.write_all(begun).await.unwrap();
        assert_eq!(rest(&mut stream).await, "", "hung up");
    }
}

/// An encrypted connection has a place like every other; without one there is not even a handshake.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_connections_are_bounded() {
    let pair = Pair::new();
    let limits = limited(|limits| {
        (limits.connections_max, limits.waiting_max, limits.wait_timeout) = (1, 1, SOON);
    });
    let server = Server::start(encrypted(limits, &pair)).await;
    let silent = pair.connect(&server).await.unwrap();
    assert!(pair.connect(&server).await.is_err(), "there was no place in time");
    drop(silent);
    // The place is free once the server has noticed.
    let mut stream = loop {
        if let Ok(stream) = pair.connect(&server).await {
            break stream;
        }
    };
    stream.write_all(ALIVE).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_and_nothing_is_cut() {
    let (old, new) = (Pair::new(), Pair::new());
    let config = encrypted(config(), &old);
    let keys = config.keys.clone();
    let server = Server::start(config).await;
    let mut before = old.connect(&server).await.unwrap();
    let mut keyring = Keyring::clone(&keys.current());
    keyring.certificate = Some(new.certificate());
    keys.replace(keyring);
    assert!(old.connect(&server).await.is_err());
    let mut after = new.connect(&server).await.unwrap();
    for stream in [&mut before, &mut after] {
        stream.write_all(ALIVE).await.unwrap();
        assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn files_that_hold_no_certificate_say_what_they_lack() {
    let (pair, other) = (Pair::new(), Pair::new());
    let check = |chain: &[u8], key: &[u8], expected| {
        assert_eq!(Certificate::from_pem(chain, key).err(), expected);
    };
    check(&pair.chain, &pair.key, None);
    check(&[&pair.key[..], &pair.chain].concat(), &[&pair.chain[..], &pair.key].concat(), None);
    check(&pair.chain, &other.key, Some(InvalidCertificate::Mismatch));
    check(b"", &pair.key, Some(InvalidCertificate::NoCertificate));
    check(&pair.key, &pair.key, Some(InvalidCertificate::NoCertificate));
    check(&pair.chain, &pair.chain, Some(InvalidCertificate::NoKey));
    check(&pair.chain.repeat(17), &pair.key, Some(InvalidCertificate::TooLong));
    check(
        b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        &pair.key,
        Some(InvalidCertificate::Malformed),
    );
    check(
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &pair.key,
        Some(InvalidCertificate::Unusable),
    );
    assert_eq!(format!("{:?}", pair.certificate()), "<certificate>");
}
