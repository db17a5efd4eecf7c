//! `config keys`: every key there is, as a table. `docs/configuration.md` is made of it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::keys::{ENDPOINT_KEYS, KEYS, Key};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// List every key of the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold config keys
  billfold config keys --json")]
pub(in crate::cli) struct KeysArgs {
    /// Print `{"keys": [{"key", "flag", "variable", "default", "reloaded", "meaning"}], "endpoint_keys": […]}`.
    #[arg(long)]
    json: bool,
}

impl KeysArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        if self.json {
            out.json(&json!({
                "keys": KEYS.iter().map(key_json).collect::<Vec<_>>(),
                "endpoint_keys": ENDPOINT_KEYS
                    .iter()
                    .map(|key| json!({ "key": key.name, "default": some(key.default), "meaning": key.meaning }))
                    .collect::<Vec<_>>(),
            }))?;
        } else {
            out.text(&markdown())?;
        }
        Ok(Exit::Done)
    }
}

fn key_json(key: &Key) -> Value {
    json!({
        "key": key.not_in_file.is_none().then_some(key.name),
        "flag": key.flag,
        "variable": key.variable,
        "default": some(key.default),
        "reloaded": key.at_reload,
        "meaning": key.meaning,
    })
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The tables as a page has them.
pub(super) fn markdown() -> String {
    let code = |text: Option<&str>| text.map_or_else(|| "–".to_owned(), |text| format!("`{text}`"));
    let mut page = String::from(
        "| in the file | flag | variable | default | read anew at SIGHUP | is |\n|---|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let (name, flag, variable) =
            (code(key.not_in_file.is_none().then_some(key.name)), code(key.flag), code(key.variable));
        let reloaded = if key.at_reload { "yes" } else { "no" };
        let default =
            if key.default.contains(' ') { key.default.to_owned() } else { code(some(key.default)) };
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(page, "| {name} | {flag} | {variable} | {default} | {reloaded} | {} |", key.meaning);
    }
    page.push_str("\n| under `[[endpoints]]` | default | is |\n|---|---|---|\n");
    for key in ENDPOINT_KEYS {
        let default =
            if key.default.contains(' ') { key.default.to_owned() } else { code(some(key.default)) };
        let _ = writeln!(page, "| `{}` | {default} | {} |", key.name, key.meaning);
    }
    page
}
