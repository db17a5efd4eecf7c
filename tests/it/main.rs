//! The integration tests: one binary, one module an area.

mod api;
mod corpus;
mod support;
