//! The door for HTTP: the webhook, health and the reading routes. The only place that knows warp and hyper.
//!
//! Never decides anything about billing, never shows a secret, a signature or, in a log line, an id.
//!
//! ```text
//! server → door → receive → Delivery::verify → Billfold::ingest      POST /webhooks/stripe
//!               ↘ guard → api::answer                                 GET  /v1/…
//! ```

mod body;
mod config;
mod cors;
mod crowd;
mod door;
mod endpoint;
mod etag;
mod feed;
mod guard;
mod keyring;
mod metrics;
mod rebuild;
mod receive;
mod reply;
mod request_id;
mod server;
mod stall;
mod tls;
mod tokens;

pub use config::{
    BODIES_BYTES_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, CONNECTIONS_MAX, Clock, Exposed, FOLLOWERS_MAX,
    HANDSHAKE_TIMEOUT, HEAD_BYTES_MAX, HEADER_TIMEOUT, HEADERS_MAX, InvalidToken, KnownTokens, Limits,
    READS_MAX, SHUTDOWN_TIMEOUT, ServeConfig, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN, Token, WAIT_TIMEOUT,
    WAITING_MAX, WRITE_TIMEOUT, check_exposure, system_clock,
};
pub use cors::{InvalidOrigin, Origin};
pub use door::routes;
pub use endpoint::{
    DEFAULT_NAME, DEFAULT_PATH, ENDPOINT_NAME_BYTES_MAX, ENDPOINT_PATH_BYTES_MAX, ENDPOINTS_MAX, Endpoint,
    Endpoints, ExpectedAccount, ExpectedMode, InvalidEndpoint, check_name, check_path,
};
pub use keyring::{Keyring, Keys};
pub use server::{ServeError, serve};
pub use tls::{CHAIN_CERTIFICATES_MAX, Certificate, InvalidCertificate};
pub use tokens::{
    InvalidTokens, NamedToken, TOKEN_NAME_BYTES_MAX, TOKENS_MAX, TokenFile, TokenFileError, TokenList,
    read_tokens,
};
