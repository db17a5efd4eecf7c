//! `billfold.toml` as keys, values and the lines where they stand. Never says what a value is: it may be a secret that
//! does not belong here.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problems};

/// The file's name inside the data folder.
pub(in crate::cli) const FILE_NAME: &str = "billfold.toml";

/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// A key with its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A value, as far as the configuration has any of its sort.
pub(super) enum Value {
    /// A text, or a number as it is written.
    Text(String),
    List(Vec<Value>),
    Table(Vec<Entry>),
    /// Something else; what, in words.
    Other(&'static str),
}

impl Value {
    pub(super) const fn sort(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(sort) => sort,
        }
    }
}

/// A file that could be read.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

impl File {
    /// Reads a file; what cannot be read of it is a problem, the rest goes on.
    pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Self> {
        let whole = Place::in_file(path, None, "");
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
        if let Err(error) = read {
            let what = match error.kind() {
                io::ErrorKind::NotFound => "there is no such file".to_owned(),
                io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
                _ => format!("it cannot be read: {error}"),
            };
            problems.error(whole, what, "look at its place and its permissions");
            return None;
        }
        if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
            problems.error(whole, "it is longer than 64 KiB", "is it the right file?");
            return None;
        }
        Some(Self { path: path.to_path_buf(), entries: parse(&text, path, problems) })
    }

    pub(super) fn place(&self, line: usize, key: &str) -> Place {
        Place::in_file(&self.path, Some(line), key)
    }

    /// A path that stands in the file is meant from the file's folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

fn parse(text: &str, path: &Path, problems: &mut Problems) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    for error in errors {
        let line = error.span().map(|span| line_of(text, span.start));
        broken.extend(line);
        // The words alone: what the library shows of the line may be a secret.
        problems.error(Place::in_file(path, line, ""), error.message(), "this is no TOML (toml.io)");
    }
    let mut entries = entries(text, table.get_ref());
    // What was made of a broken line would only be told a second time.
    entries.retain(|entry| !broken.contains(&entry.line));
    entries
}

fn entries(text: &str, table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            line: line_of(text, key.span().start),
            value: self::value(text, value.get_ref()),
        })
        .collect();
    // As they stand in the file: that is how a person reads what does not fit.
    entries.sort_by_key(|entry| entry.line);
    entries
}

fn value(text: &str, value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(string) => Value::Text(string.to_string()),
        DeValue::Integer(integer) if integer.radix() == 10 => Value::Text(integer.as_str().to_owned()),
        DeValue::Integer(_) => Value::Other("a number that is not decimal"),
        DeValue::Float(_) => Value::Other("a number with a point"),
        DeValue::Boolean(_) => Value::Other("true or false"),
        DeValue::Datetime(_) => Value::Other("a time"),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| self::value(text, item.get_ref())).collect())
        }
        DeValue::Table(table) => Value::Table(entries(text, table)),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
}
