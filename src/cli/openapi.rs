//! `openapi`: the API for programs. The same document as a server's `/openapi.json`.

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use crate::api;

/// Print the API as an OpenAPI 3.1 document
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A running server answers it at /openapi.json.

Examples:
  billfold openapi > openapi.json")]
pub(super) struct OpenapiArgs {}

impl OpenapiArgs {
    #[expect(clippy::unused_self, reason = "every command is run the same way")]
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        out.json(&api::document())?;
        Ok(Exit::Done)
    }
}
