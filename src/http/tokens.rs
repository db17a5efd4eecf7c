//! Tokens with names and scopes: a file that holds their hashes, read again whenever it changes.
//!
//! Never holds a token itself: whoever reads the file can ask nothing with it. Never writes the file: `billfold tokens` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::config::Token;
use crate::api::TokenScope;
use crate::model::time::Seconds;

/// The most tokens of a file: each request is compared with all of them.
pub const TOKENS_MAX: usize = 100;
/// The longest name of a token, in bytes.
pub const TOKEN_NAME_BYTES_MAX: usize = 64;
/// The longest file that is read, in bytes.
const TOKENS_FILE_BYTES_MAX: u64 = 256 * 1024;

/// What is kept of one token.
#[derive(Debug, Clone)]
pub struct NamedToken {
    /// What it may ask.
    pub scopes: BTreeSet<TokenScope>,
    /// When it was made.
    pub created: Seconds,
    token: Token,
}

impl NamedToken {
    /// A token with what it may ask; only its hash is kept.
    #[must_use]
    pub const fn new(token: Token, scopes: BTreeSet<TokenScope>, created: Seconds) -> Self {
        Self { scopes, created, token }
    }

    pub(super) fn matches(&self, presented: &[u8]) -> bool {
        self.token.matches(presented)
    }
}

/// The tokens of a file, by name.
#[derive(Debug, Clone, Default)]
pub struct TokenList(BTreeMap<Box<str>, NamedToken>);

/// What does not fit about a list of tokens.
///
/// *Handling*: the operator mends the file or the command line, as the message says; the tokens before stay valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTokens(Box<str>);

impl InvalidTokens {
    fn new(why: impl Into<Box<str>>) -> Self {
        Self(why.into())
    }
}

impl TokenList {
    /// Every token, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &NamedToken)> {
        self.0.iter().map(|(name, token)| (&**name, token))
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`InvalidTokens`] for a name that is taken or cannot be one, for no scope, or for one token too many.
    pub fn add(&mut self, name: &str, token: NamedToken) -> Result<(), InvalidTokens> {
        let fits = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        if !(1..=TOKEN_NAME_BYTES_MAX).contains(&name.len()) || !name.chars().all(fits) {
            let why =
                format!("a token's name has 1 to {TOKEN_NAME_BYTES_MAX} of the characters a-z A-Z 0-9 . _ -");
            return Err(InvalidTokens::new(why));
        }
        if token.scopes.is_empty() {
            return Err(InvalidTokens::new(format!(
                "the token {name} has no scope: nothing could be asked with it"
            )));
        }
        if self.0.len() >= TOKENS_MAX {
            return Err(InvalidTokens::new(format!(
                "there are {TOKENS_MAX} tokens already: remove one first"
            )));
        }
        if self.0.contains_key(name) {
            return Err(InvalidTokens::new(format!(
                "there is a token {name} already: remove it first, or take another name"
            )));
        }
        self.0.insert(name.into(), token);
        Ok(())
    }

    /// Removes one; false if there is none of this name.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`InvalidTokens`].
    pub fn parse(text: &str) -> Result<Self, InvalidTokens> {
        let file: Value = serde_json::from_str(text)
            .map_err(|error| InvalidTokens::new(format!("it is no JSON: {error}")))?;
        let listed = file.get("tokens").and_then(Value::as_array);
        let listed = listed.ok_or_else(|| InvalidTokens::new("it has no list `tokens`"))?;
        let mut list = Self::default();
        for token in listed {
            let name = token.get("name").and_then(Value::as_str).unwrap_or_default();
            let read = read_token(token).ok_or_else(|| {
                InvalidTokens::new(format!(
                    "its token {:?} does not have `scopes` (of {}), `created` and `sha256` (64 hex digits)",
                    name.chars().take(TOKEN_NAME_BYTES_MAX).collect::<String>(),
                    TokenScope::ALL.map(TokenScope::as_str).join(", ")
                ))
            })?;
            list.add(name, read)?;
        }
        Ok(list)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let tokens: Vec<Value> = self
            .iter()
            .map(|(name, token)| {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                json!({
                    "name": name, "scopes": scopes, "created": token.created, "sha256": hex::encode(token.token.hash()),
                })
            })
            .collect();
        format!("{:#}\n", json!({ "tokens": tokens }))
    }
}

fn read_token(token: &Value) -> Option<NamedToken> {
    let mut hash = [0; 32];
    hex::decode_to_slice(token.get("sha256")?.as_str()?, &mut hash).ok()?;
    let scopes = token.get("scopes")?.as_array()?.iter();
    let scopes: Option<_> = scopes.map(|scope| scope.as_str().and_then(TokenScope::parse)).collect();
    let created = Seconds(token.get("created")?.as_i64()?);
    Some(NamedToken::new(Token::of_hash(hash), scopes?, created))
}

/// A file of tokens that may change while a server runs: removed tokens stop to be believed with the next request.
///
/// Where there is no such file nobody has to show one of its tokens; where there is one, an empty one too, somebody has to.
#[derive(Clone)]
pub struct TokenFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Of the file as it was last looked at, fit or not.
    stamp: Option<Stamp>,
    tokens: Option<Arc<TokenList>>,
}

/// What tells a file from one that was put in its place: device's number of it, length, time of change.
type Stamp = (u64, u64, i64, i64);

/// A file of tokens that cannot be used.
///
/// *Handling*: the operator mends it; a server that runs goes on with the tokens that it knew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct TokenFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: Box<str>,
}

impl TokenFile {
    /// The file at a path; it is read when it is first asked about.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { path: path.into(), known: Mutex::default() }))
    }

    /// Reads the file anew, changed or not. A file that is gone leaves no tokens.
    ///
    /// # Errors
    /// [`TokenFileError`]: what was known before stays known.
    pub fn load(&self) -> Result<(), TokenFileError> {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.stamp = stamp(&self.0.path);
        known.tokens = read(&self.0.path)?.map(Arc::new);
        Ok(())
    }

    /// The tokens as the file has them now; none without a file.
    #[must_use]
    pub fn current(&self) -> Option<Arc<TokenList>> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = (known.stamp, known.tokens.clone());
        drop(known);
        if stamp(&self.0.path) == seen.0 {
            return seen.1;
        }
        match self.load() {
            Ok(()) => tracing::info!("the tokens were read anew"),
            Err(error) => tracing::error!("the tokens stay as they were: {error}"),
        }
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).tokens.clone()
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenFile").field(&self.0.path).finish()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// The tokens of a file; none where there is no file.
fn read(path: &Path) -> Result<Option<TokenList>, TokenFileError> {
    let failed = |reason: String| TokenFileError { path: path.to_owned(), reason: reason.into() };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(format!("it cannot be read: {error}"))),
    };
    let mut text = String::new();
    let read = file.take(TOKENS_FILE_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| failed(format!("it cannot be read: {error}")))?;
    TokenList::parse(&text).map(Some).map_err(|invalid| failed(invalid.to_string()))
}

/// Reads a file of tokens, to change it.
///
/// # Errors
/// [`TokenFileError`].
pub fn read_tokens(path: &Path) -> Result<TokenList, TokenFileError> {
    read(path).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests;
