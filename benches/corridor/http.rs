//! Placeholder until the load generator lands.
pub fn run() {}
