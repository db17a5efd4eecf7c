//! Standard output: JSON for programs, text for people. Whoever stops reading ends the command quietly.

use std::io::{self, BufWriter, Stdout, Write as _};

use serde_json::Value;

use super::failure::Failure;
use super::surroundings::{colours_wanted, stdout_is_terminal};
use super::table::Look;

/// Where a command writes its result.
pub(super) struct Output {
    out: BufWriter<Stdout>,
    /// How tables look on it.
    pub(super) look: Look,
}

impl Output {
    pub(super) fn new() -> Self {
        let look = Look::of_stdout(stdout_is_terminal() && colours_wanted());
        Self { out: BufWriter::new(io::stdout()), look }
    }

    /// Text as it stands.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// A value, indented, and a line's end.
    pub(super) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.out, value).map_err(io::Error::from)?;
        self.text("\n")
    }

    /// A value on one line.
    pub(super) fn json_line(&mut self, value: &Value) -> Result<(), Failure> {
        Ok(serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?)
    }

    /// Hands everything over. Without it an error at the very end would go unseen.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Hands over what there is, while more is to come.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}
