//! Placeholder until the load generator lands.
pub(crate) fn run() {}
