//! `tokens`: bearer tokens with names and scopes. A token is shown once, when it is made; its hash alone is kept.
//!
//! Works on the folder whether a server has it open or not: the server reads the file again when it changes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::DataArgs;
use super::moment::show_seconds;
use super::output::Output;
use super::surroundings::now_seconds;
use super::table;
use crate::api::TokenScope;
use crate::http::{NamedToken, Token, TokenFileError, TokenList, read_tokens};

/// The file's name inside the folder.
const TOKENS_FILE: &str = "tokens.json";
/// What tokens begin with, so that a search for leaked secrets finds them.
const TOKEN_PREFIX: &str = "billfold_";
/// The chance in a token, in bytes.
const TOKEN_CHANCE_BYTES: usize = 32;

/// Where the tokens of a folder are.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join(TOKENS_FILE)
}

/// Bearer tokens for the API, each with a name and scopes: add, list, remove
#[derive(Debug, clap::Subcommand)]
pub(super) enum TokensCommand {
    Add(AddArgs),
    List(ListArgs),
    Remove(RemoveArgs),
}

/// Make a token and print it; it cannot be shown again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Scopes: read (the state, and why it is so), feed (the changes, and readers' places in them), admin (the whole log,
backups, rebuilds). Only the token's hash is kept, in tokens.json of the folder. A running server knows it at once.
As soon as there is that file, nobody reads without a token, not even from this machine.

Examples:
  billfold tokens add dashboard --scope read
  billfold tokens add worker --scope read,feed
  BILLFOLD_API_TOKEN=$(billfold tokens add nightly --scope admin) billfold backup /backups/billfold --url http://127.0.0.1:4242")]
pub(super) struct AddArgs {
    /// What it is called.
    name: String,
    /// What it may ask: read, feed, admin; several with commas.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true, value_parser = parse_scope)]
    scope: Vec<TokenScope>,
    /// Print `{"name", "scopes", "token"}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// List names and scopes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold tokens list
  billfold tokens list --json --data /var/lib/billfold")]
pub(super) struct ListArgs {
    /// Print `{"tokens": [{"name", "scopes", "created"}]}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Remove a token; a running server stops to believe it at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold tokens remove dashboard")]
pub(super) struct RemoveArgs {
    /// What it is called.
    name: String,
    /// Print `{"name", "removed": true, "left": how many}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

fn parse_scope(word: &str) -> Result<TokenScope, String> {
    TokenScope::parse(word)
        .ok_or_else(|| format!("takes {}", TokenScope::ALL.map(TokenScope::as_str).join(", ")))
}

impl TokensCommand {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Add(arguments) => arguments.run(out),
            Self::List(arguments) => arguments.run(out),
            Self::Remove(arguments) => arguments.run(out),
        }
    }
}

impl AddArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let data = self.data.path();
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(|error| unwritten(data, &error))?;
        let text = make_token()?;
        let token = Token::new(&text).map_err(|invalid| Failure::usage(invalid.to_string()))?;
        let scopes: BTreeSet<TokenScope> = self.scope.iter().copied().collect();
        let words = words(&scopes);
        change(data, |list| {
            list.add(&self.name, NamedToken::new(token, scopes, now_seconds()))
                .map_err(|invalid| Failure::usage(invalid.to_string()))
        })?;
        if self.json {
            out.json(&json!({ "name": self.name, "scopes": words, "token": text }))?;
        } else {
            out.text(&format!("{text}\n"))?;
            eprint_line("this is the only time that the token is shown: its hash alone is kept");
        }
        Ok(Exit::Done)
    }
}

impl ListArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let list = read_tokens(&path(self.data.path())).map_err(|error| unread(&error))?;
        if self.json {
            let tokens: Vec<Value> = list
                .iter()
                .map(|(name, token)| {
                    json!({
                        "name": name, "scopes": words(&token.scopes), "created": token.created,
                        "created_rfc3339": show_seconds(token.created.0),
                    })
                })
                .collect();
            out.json(&json!({ "tokens": tokens }))?;
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = list
            .iter()
            .map(|(name, token)| {
                let created = show_seconds(token.created.0);
                vec![name.to_owned(), words(&token.scopes).join(", "), created]
            })
            .collect();
        out.text(&table::texts(&["TOKEN", "SCOPES", "CREATED"], &rows, out.look))?;
        Ok(Exit::Done)
    }
}

impl RemoveArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let left = change(self.data.path(), |list| {
            if list.remove(&self.name) {
                Ok(list.iter().count())
            } else {
                let what = format!("there is no token {}", super::view::clean(&self.name));
                Err(Failure::new(Exit::NotFound, what).remedy("`billfold tokens list` shows the names"))
            }
        })?;
        if self.json {
            out.json(&json!({ "name": self.name, "removed": true, "left": left }))?;
        } else {
            out.text(&format!("{} is no longer believed\n", self.name))?;
        }
        if left == 0 {
            eprint_line(&format!(
                "no token is left: nobody reads until one is added; without {} this machine's programs may again",
                path(self.data.path()).display()
            ));
        }
        Ok(Exit::Done)
    }
}

fn words(scopes: &BTreeSet<TokenScope>) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.as_str()).collect()
}

fn make_token() -> Result<String, Failure> {
    let mut chance = [0; TOKEN_CHANCE_BYTES];
    let source = Path::new("/dev/urandom");
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut chance))
        .map_err(|error| Failure::reading(source, &error))?;
    Ok(format!("{TOKEN_PREFIX}{}", hex::encode(chance)))
}

/// Reads the list, changes it, puts it in its place as a whole. Two commands at once do it one after the other.
fn change<T>(data: &Path, change: impl FnOnce(&mut TokenList) -> Result<T, Failure>) -> Result<T, Failure> {
    let failed = |error: io::Error| unwritten(&path(data), &error);
    let folder = File::open(data).map_err(|error| Failure::reading(data, &error))?;
    folder.lock().map_err(failed)?;
    let mut list = read_tokens(&path(data)).map_err(|error| unread(&error))?;
    let changed = change(&mut list)?;
    // Made for this user alone (0600).
    let mut draft = tempfile::NamedTempFile::new_in(data).map_err(failed)?;
    draft.write_all(list.to_text().as_bytes()).map_err(failed)?;
    draft.as_file().sync_all().map_err(failed)?;
    draft.persist(path(data)).map_err(|error| failed(error.error))?;
    folder.sync_all().map_err(failed)?;
    Ok(changed)
}

fn unread(error: &TokenFileError) -> Failure {
    Failure::usage(error.to_string()).remedy("mend the file, or move it away and make new tokens")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{} cannot be written: {error}", path.display()))
        .remedy("look at its permissions and at the room on the disk")
}
