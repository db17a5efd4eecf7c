//! How to serve: keys, clock and limits, each limit with its default as a named constant.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::digest::CtOutput;
use sha2::{Digest as _, Sha256};

use crate::model::time::Millis;
use crate::stripe::signature::Secrets;

use super::cors::Origin;
use super::keyring::Keys;
use super::tokens::{TokenFile, TokenList};

/// The longest webhook body, in bytes.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The bytes of all bodies that are being received at once.
pub const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest head of a request (request line and headers), in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The most headers of a request.
pub const HEADERS_MAX: usize = 100;
/// How long a connection may take to send the next request's head. It also ends idle connections.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a reader may leave an answer unread.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connections may go on after the shutdown was asked for.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections at once; further ones wait for a place.
pub const CONNECTIONS_MAX: usize = 1_024;
/// The most connections that wait for a place; further ones are closed at once.
pub const WAITING_MAX: usize = 256;
/// The most reading requests that are answered at once; further ones wait for their turn.
pub const READS_MAX: usize = 32;
/// How long a connection waits for a place, or a reading request for its turn, before it is told to come later.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// The most readers that wait for new entries of the feed at once, and never more than half of the connections: the rest
/// is for deliveries.
pub const FOLLOWERS_MAX: usize = 512;
/// The shortest bearer token, in bytes.
pub const TOKEN_BYTES_MIN: usize = 16;
/// The longest bearer token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 512;

/// What time it is. Tests pass their own.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What is served, to whom, and within which limits.
#[derive(Clone)]
pub struct ServeConfig {
    /// Endpoints, secrets and token: what may be replaced while the server runs.
    pub keys: Keys,
    /// Further tokens, each with what it may ask: a file that is read anew by itself.
    pub tokens: Option<TokenFile>,
    /// Whose pages may read with a token, in a browser. None, usually; and none as long as no token is needed.
    pub cors_origins: Vec<Origin>,
    /// The clock that signatures and access are judged by.
    pub clock: Clock,
    /// See [`Limits`].
    pub limits: Limits,
}

impl ServeConfig {
    /// What readers may show at this moment.
    #[must_use]
    pub fn known_tokens(&self) -> KnownTokens {
        KnownTokens {
            all_scopes: self.keys.current().api_token.clone(),
            named: self.tokens.as_ref().and_then(TokenFile::current),
        }
    }

    /// The defaults for an endpoint: no token, the system's clock.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self::of(secrets.into())
    }

    /// The same for keys that the caller holds on to, to replace what they open.
    #[must_use]
    pub fn of(keys: Keys) -> Self {
        Self {
            keys,
            tokens: None,
            cors_origins: Vec::new(),
            clock: Arc::new(system_clock),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for ServeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeConfig")
            .field("keys", &self.keys.current())
            .field("tokens", &self.tokens)
            .field("cors_origins", &self.cors_origins)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The system's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is a door: the one place in `http` where time is read")]
pub fn system_clock() -> Millis {
    let now = SystemTime::now();
    let millis = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, i64::saturating_neg),
    };
    Millis(millis)
}

/// What a request may cost. The defaults are this module's constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// See [`BODY_BYTES_MAX`].
    pub body_bytes_max: usize,
    /// See [`BODIES_BYTES_MAX`].
    pub bodies_bytes_max: usize,
    /// See [`HANDSHAKE_TIMEOUT`].
    pub handshake_timeout: Duration,
    /// See [`HEADER_TIMEOUT`].
    pub header_timeout: Duration,
    /// See [`BODY_TIMEOUT`].
    pub body_timeout: Duration,
    /// See [`WRITE_TIMEOUT`].
    pub write_timeout: Duration,
    /// See [`SHUTDOWN_TIMEOUT`].
    pub shutdown_timeout: Duration,
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`WAITING_MAX`].
    pub waiting_max: usize,
    /// See [`READS_MAX`].
    pub reads_max: usize,
    /// See [`WAIT_TIMEOUT`].
    pub wait_timeout: Duration,
    /// See [`FOLLOWERS_MAX`].
    pub followers_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            bodies_bytes_max: BODIES_BYTES_MAX,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            header_timeout: HEADER_TIMEOUT,
            body_timeout: BODY_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            connections_max: CONNECTIONS_MAX,
            waiting_max: WAITING_MAX,
            reads_max: READS_MAX,
            wait_timeout: WAIT_TIMEOUT,
            followers_max: FOLLOWERS_MAX,
        }
    }
}

/// What a process needs files for beside connections: the log, the projections, questions about the past, its log lines.
const FILES_RESERVED: usize = 256;

impl Limits {
    /// The same, but no more connections than a process with so many open files can hold.
    #[must_use]
    pub fn within_open_files(self, files: usize) -> Self {
        let room = files.saturating_sub(FILES_RESERVED);
        if self.connections_max.saturating_add(self.waiting_max) <= room {
            return self;
        }
        // A third of them wait: they are told to come later, which no connection without a file could be.
        let waiting_max = self.waiting_max.min(room / 3).max(1);
        let connections_max = self.connections_max.min(room.saturating_sub(waiting_max)).max(1);
        Self { connections_max, waiting_max, ..self }
    }
}

/// The bearer token of the reading routes. Only its hash is kept; `Debug` shows nothing.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// A token as the operator configured it. Blanks around it are dropped.
    ///
    /// # Errors
    /// [`InvalidToken`] for one that is too short, too long, or cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        let length = (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&text.len());
        if length && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(Sha256::digest(text).into()))
        } else {
            Err(InvalidToken)
        }
    }

    pub(super) const fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    pub(super) const fn hash(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time: over hashes, so that not even the length shows.
    pub(super) fn matches(&self, presented: &[u8]) -> bool {
        CtOutput::<Sha256>::new(self.0.into()) == CtOutput::new(Sha256::digest(presented))
    }
}

/// What readers may show, as it is at one moment.
#[derive(Debug, Clone, Default)]
pub struct KnownTokens {
    pub(super) all_scopes: Option<Token>,
    /// None where there is no file of them; an empty list lets nobody in.
    pub(super) named: Option<Arc<TokenList>>,
}

impl KnownTokens {
    /// A token that may ask everything, and named ones.
    #[must_use]
    pub const fn new(all_scopes: Option<Token>, named: Option<Arc<TokenList>>) -> Self {
        Self { all_scopes, named }
    }

    /// Readers have to show one.
    #[must_use]
    pub const fn are_required(&self) -> bool {
        self.all_scopes.is_some() || self.named.is_some()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

/// A token that cannot be one. *Handling*: the operator sets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "BILLFOLD_API_TOKEN has to have {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} printable ASCII characters without spaces: \
     make one with `openssl rand -hex 32`"
)]
pub struct InvalidToken;

/// An address that others can reach, and no token. *Handling*: the operator sets the token or listens on loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "others can reach {address}, and customers' data would be open to all of them: set BILLFOLD_API_TOKEN \
     (`openssl rand -hex 32` makes one), make one with `billfold tokens add`, or listen on 127.0.0.1"
)]
pub struct Exposed {
    /// The address.
    pub address: SocketAddr,
}

/// Refuses to show customers' data to whoever reaches an address that is not loopback.
///
/// # Errors
/// [`Exposed`] for such an address without a token.
pub const fn check_exposure(address: SocketAddr, tokens: &KnownTokens) -> Result<(), Exposed> {
    if tokens.are_required() || address.ip().to_canonical().is_loopback() {
        Ok(())
    } else {
        Err(Exposed { address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, tokens: &KnownTokens, open: bool) {
        let address = address.parse().unwrap();
        let found = check_exposure(address, tokens);
        assert_eq!(found, if open { Ok(()) } else { Err(Exposed { address }) });
    }

    #[test]
    fn only_loopback_is_served_without_a_token() {
        let none = &KnownTokens::default();
        let token = &KnownTokens { all_scopes: Token::new("0123456789abcdef").ok(), named: None };
        let named = &KnownTokens { all_scopes: None, named: Some(Arc::default()) };
        for address in ["127.0.0.1:4242", "127.8.8.8:1", "[::1]:4242", "[::ffff:127.0.0.1]:1"] {
            check(address, none, true);
            check(address, token, true);
        }
        for address in ["0.0.0.0:4242", "[::]:4242", "192.168.1.2:4242", "8.8.8.8:80", "[::ffff:10.0.0.1]:1"]
        {
            check(address, none, false);
            check(address, token, true);
            check(address, named, true);
        }
        let exposed = check_exposure("0.0.0.0:1".parse().unwrap(), none).unwrap_err();
        assert!(exposed.to_string().contains("BILLFOLD_API_TOKEN"));
    }

    #[test]
    fn a_token_is_long_enough_and_fits_into_a_header() {
        for text in
            ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcdéf", &"x".repeat(513)]
        {
            assert_eq!(Token::new(text).err(), Some(InvalidToken), "{text}");
        }
        assert!(Token::new(" 0123456789abcdef\n").is_ok_and(|token| token.matches(b"0123456789abcdef")));
    }

    #[test]
    fn a_token_matches_itself_alone_and_is_never_shown() {
        let token = Token::new("0123456789abcdef").unwrap();
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF"] {
            assert!(!token.matches(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{token:?}"), "<token>");
    }

    #[test]
    fn connections_leave_files_for_the_rest() {
        let all = Limits::default();
        assert_eq!(all.within_open_files(4_096), all);
        let few = all.within_open_files(1_024);
        assert_eq!((few.connections_max, few.waiting_max), (512, 256));
        let none = all.within_open_files(10);
        assert_eq!((none.connections_max, none.waiting_max), (1, 1));
    }

    #[test]
    fn the_system_clock_counts_milliseconds() {
        assert!(system_clock().0 > 1_700_000_000_000);
    }
}
