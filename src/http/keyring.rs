//! What opens the doors: the endpoints with their secrets, the readers' token, the certificate. The one thing that may be replaced
//! while the server runs; a request sees one keyring from its beginning to its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::stripe::signature::Secrets;

use super::config::Token;
use super::endpoint::Endpoints;
use super::tls::Certificate;

/// Everything that is replaced together.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Keyring {
    /// Where deliveries are taken, and by which secrets they are verified.
    pub endpoints: Endpoints,
    /// What readers have to show; none serves them on loopback only.
    pub api_token: Option<Token>,
    /// What connections are encrypted with; none for plain HTTP.
    pub certificate: Option<Certificate>,
}

impl Keyring {
    /// Endpoints alone: no token, plain HTTP.
    #[must_use]
    pub const fn new(endpoints: Endpoints) -> Self {
        Self { endpoints, api_token: None, certificate: None }
    }
}

/// The keyring in use: a handle that all who hold a clone of it see replaced.
#[derive(Debug, Clone)]
pub struct Keys {
    keyring: Arc<RwLock<Arc<Keyring>>>,
    /// A newer keyring was wanted and could not be read.
    stale: Arc<AtomicBool>,
}

impl Keys {
    /// A handle on this keyring.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring: Arc::new(RwLock::new(Arc::new(keyring))), stale: Arc::default() }
    }

    /// The keyring as it is now.
    #[must_use]
    pub fn current(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses another keyring for every request that begins from now on. Nothing under way is disturbed.
    pub fn replace(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
        self.stale.store(false, Ordering::Relaxed);
    }

    /// Notes that another keyring was wanted and does not fit: the old one goes on, and `/metrics` says so.
    pub fn mark_stale(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    /// Whether a newer keyring was wanted and does not fit.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }
}

impl From<Secrets> for Keys {
    /// The usual endpoint alone.
    fn from(secrets: Secrets) -> Self {
        Self::new(Keyring::new(Endpoints::one(secrets)))
    }
}
