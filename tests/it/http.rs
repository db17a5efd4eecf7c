//! The server on a real loopback socket, with raw bytes on the wire.

mod deliveries;
mod feed;
mod limits;
#[cfg(feature = "cli")]
mod logs;
mod metrics;
mod mounted;
mod origins;
mod reading;
mod rebuilding;
mod scopes;
pub(crate) mod tls;
mod validators;
mod wire;
