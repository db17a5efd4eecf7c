//! TLS: a certificate with its key, as the operator's files have them, and the handshake, within its time.
//!
//! Never shows the key. Never asks clients for certificates.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The most certificates of a chain.
pub const CHAIN_CERTIFICATES_MAX: usize = 16;

/// The one protocol that is spoken inside.
const ALPN: &[u8] = b"http/1.1";

/// A certificate, the chain above it, and its key. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Certificate(Arc<ServerConfig>);

/// Files that hold no usable certificate. *Handling* of all: the operator corrects the files or their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// No certificate in the text. *Handling*: name the file with the whole chain.
    #[error(
        "there is no certificate in it: it has to hold PEM, `-----BEGIN CERTIFICATE-----`, the server's own first"
    )]
    NoCertificate,
    /// Too many. *Handling*: is it a bundle of authorities? Name the chain of this server.
    #[error(
        "there are more than {CHAIN_CERTIFICATES_MAX} certificates in it: is it a bundle of authorities?"
    )]
    TooLong,
    /// A block of PEM is broken. *Handling*: copy the file again.
    #[error("it is no PEM: copy it again, whole")]
    Malformed,
    /// No key in the text. *Handling*: name the file with the private key.
    #[error(
        "there is no private key in it: it has to hold PEM, `-----BEGIN PRIVATE KEY-----`, without a password"
    )]
    NoKey,
    /// Key and certificate are of two pairs. *Handling*: name the files of one pair.
    #[error("the key does not belong to the certificate: name the two files of one pair")]
    Mismatch,
    /// Something that this version cannot use. *Handling*: take an ECDSA (P-256, P-384), Ed25519 or RSA key.
    #[error(
        "the certificate or its key is of a kind that cannot be used: take ECDSA (P-256, P-384), Ed25519 or RSA"
    )]
    Unusable,
}

impl InvalidCertificate {
    /// Whether the key's file is to blame, not the certificate's.
    #[must_use]
    pub const fn is_of_the_key(self) -> bool {
        matches!(self, Self::NoKey | Self::Mismatch)
    }
}

impl Certificate {
    /// Reads a chain (the server's own certificate first) and its key, both as PEM.
    ///
    /// # Errors
    /// [`InvalidCertificate`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .take(CHAIN_CERTIFICATES_MAX + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidCertificate::Malformed)?;
        if chain.is_empty() {
            return Err(InvalidCertificate::NoCertificate);
        }
        if chain.len() > CHAIN_CERTIFICATES_MAX {
            return Err(InvalidCertificate::TooLong);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| InvalidCertificate::NoKey)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| match error {
            Error::InconsistentKeys(_) => InvalidCertificate::Mismatch,
            _ => InvalidCertificate::Unusable,
        })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The handshake on a new connection; none if it fails, or takes longer than `within`.
    pub(super) async fn accept<S>(&self, stream: S, within: Duration) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0));
        match timeout(within, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!("a handshake failed: {error}");
                None
            }
            Err(_) => {
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<certificate>")
    }
}
