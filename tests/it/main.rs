//! The integration tests: one binary, one module an area.

mod api;
mod build;
mod bursts;
#[cfg(feature = "cli")]
mod cli;
mod corpus;
mod docs;
#[cfg(feature = "http")]
mod http;
mod support;
mod tidy;
