//! A server for one test, and a client that sends whatever bytes it is given.

use std::net::SocketAddr;
use std::sync::Arc;

use billfold::engine::Billfold;
use billfold::http::{Keyring, ServeConfig, ServeError, Token, serve};
use billfold::stripe::signature::sign;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{NOW, secrets};

/// A token that is long enough.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A running server, its folder, and the handle that ends it.
pub struct Server {
    pub address: SocketAddr,
    pub billfold: Billfold,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
    folder: TempDir,
}

/// The clock of every test stands still.
pub fn config() -> ServeConfig {
    let mut config = ServeConfig::new(secrets());
    config.clock = Arc::new(|| NOW);
    config
}

pub fn config_with_token() -> ServeConfig {
    let config = config();
    let mut keyring = Keyring::clone(&config.keys.current());
    keyring.api_token = Some(Token::new(TOKEN).unwrap());
    config.keys.replace(keyring);
    config
}

impl Server {
    pub async fn start(config: ServeConfig) -> Self {
        Self::over(tempfile::tempdir().unwrap(), config).await
    }

    /// The same over a folder that holds something already.
    pub async fn over(folder: TempDir, config: ServeConfig) -> Self {
        let billfold = Billfold::open(folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let ended = tokio::spawn(serve(listener, config, billfold.clone(), shutdown));
        Self { address, billfold, stop, ended, folder }
    }

    pub async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }

    /// One request on a connection of its own.
    pub async fn send(&self, bytes: &[u8]) -> Reply {
        let mut connection = self.connect().await;
        connection.write(bytes).await;
        connection.reply().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, "").await
    }

    /// `headers` are whole lines, each with its line end.
    pub async fn get_with(&self, path: &str, headers: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address).as_bytes()).await
    }

    /// A delivery as the provider sends it.
    pub async fn deliver(&self, body: &[u8]) -> Reply {
        self.send(&delivery(body, Some(&signature(body)))).await
    }

    /// Asks for the shutdown, waits for it, and hands over the folder.
    pub async fn into_folder(self) -> TempDir {
        let Self { billfold, stop, ended, folder, .. } = self;
        stop.send(()).unwrap();
        ended.await.unwrap().unwrap();
        drop(billfold);
        folder
    }

    /// Asks for the shutdown and waits for it.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.asked_to_stop().await.unwrap()
    }

    /// Asks for the shutdown.
    pub fn asked_to_stop(self) -> JoinHandle<Result<(), ServeError>> {
        self.stop.send(()).unwrap();
        self.ended
    }

    /// How often each reason refused a delivery.
    pub fn refusals(&self) -> Value {
        let stats = self.billfold.stats(NOW.seconds(), 3_600).unwrap();
        json!(stats.window.refused_by_reason)
    }
}

/// The signature of a body, made now.
pub fn signature(body: &[u8]) -> String {
    sign(&secrets(), body, NOW.seconds())
}

/// A delivery as bytes on the wire.
pub fn delivery(body: &[u8], signature: Option<&str>) -> Vec<u8> {
    let signature = signature.map(|value| format!("Stripe-Signature: {value}\r\n")).unwrap_or_default();
    let mut bytes = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: billing.example.com\r\n{signature}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A customer's event, as small as it may be.
pub fn customer_event(event: &str, customer: &str) -> String {
    let object = json!({ "id": customer, "object": "customer", "created": 1_700_000_000, "livemode": false, "metadata": {} });
    let event = json!({
        "id": event, "object": "event", "api_version": "2025-03-31.basil", "created": 1_700_000_000,
        "livemode": false, "type": "customer.created", "data": { "object": object },
    });
    event.to_string()
}

/// A raw connection.
pub struct Connection(pub TcpStream);

impl Connection {
    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Writes to a server that may hang up.
    pub async fn try_write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// No more bytes will come.
    pub async fn finish(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// The next answer; none when the server hangs up without one.
    pub async fn reply(&mut self) -> Option<Reply> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            // A connection that is reset is as gone as one that is closed.
            if self.0.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut reply = Reply::parse(&head);
        let length: usize = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = bytes.split_off(head_end);
        while body.len() < length {
            assert_ne!(self.0.read_buf(&mut body).await.unwrap(), 0, "the answer broke off");
        }
        reply.body = body;
        Some(reply)
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: Vec::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The names of its headers, in small letters.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// It is this problem, written as the standard wants it.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, kind: &str, said: &str) -> Value {
        let document = self.json();
        assert_eq!(self.status, status, "{document}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(document["type"], format!("urn:billfold:problem:{kind}"));
        assert_eq!(document["status"], status);
        let detail = document["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail:?} does not say {said:?}");
        document
    }
}

impl Connection {
    /// The status of an answer that has no body, after which the server hangs up.
    pub async fn head(&mut self) -> u16 {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).await.unwrap();
        let head = String::from_utf8(bytes).unwrap();
        assert!(head.ends_with("\r\n\r\n"), "a body: {head}");
        Reply::parse(&head).status
    }
}
