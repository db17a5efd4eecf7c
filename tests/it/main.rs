//! The integration tests: one binary, one module an area.

mod api;
mod corpus;
#[cfg(feature = "http")]
mod http;
mod support;
