//! The integration tests: one binary, one module an area.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that cannot go on says so by panicking; helpers are not seen as tests by the lints"
)]

mod access;
mod api;
mod build;
mod bursts;
#[cfg(feature = "cli")]
mod cli;
mod corpus;
mod docs;
#[cfg(feature = "http")]
mod http;
mod lab;
#[cfg(feature = "http")]
mod openapi;
#[cfg(feature = "cli")]
mod packaging;
#[cfg(feature = "cli")]
mod past;
mod readme;
mod rebuild;
mod recovery;
mod support;
mod tidy;
mod ties;
mod why;
