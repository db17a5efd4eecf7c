//! Where each value comes from: flag over variable over file over default. Every other module asks here.

use std::fmt;
use std::path::PathBuf;

use super::file::{Entry, FILE_NAME, File, Value};
use super::flags::ServeFlags;
use super::keys::{self, ENDPOINT_KEYS, FOLDER_KEYS, KEYS, Key, NEVER_INLINE};
use super::problem::{Place, Problems};
use crate::cli::failure::Failure;
use crate::cli::near::nearest;
use crate::cli::secrets::looks_secret;
use crate::cli::surroundings::variable;

/// The list of endpoints in the file.
pub(super) const ENDPOINTS: &str = "endpoints";

/// Where a value stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Flag(&'static str),
    Variable(&'static str),
    File { line: usize },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { line } => write!(f, "file, line {line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it stood.
#[derive(Debug, Clone)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// All places that may hold a value.
pub(super) struct Sources<'a> {
    pub(super) flags: &'a ServeFlags,
    pub(super) file: Option<File>,
}

impl<'a> Sources<'a> {
    /// Finds the file and reads it.
    pub(super) fn find(flags: &'a ServeFlags, problems: &mut Problems) -> Self {
        let named = flags.config.clone().or_else(|| said(&keys::CONFIG, problems).map(PathBuf::from));
        let path = named.or_else(|| {
            let path = flags.data.path().join(FILE_NAME);
            path.exists().then_some(path)
        });
        let file = path.and_then(|path| File::read(&path, problems));
        let sources = Self { flags, file };
        sources.check_names(problems);
        sources
    }

    /// What is said of a key, and where.
    pub(super) fn text(&self, key: &Key, problems: &mut Problems) -> Option<Setting<String>> {
        if let Some((value, flag)) = self.flags.get(key).zip(key.flag) {
            return Some(Setting { value, origin: Origin::Flag(flag) });
        }
        if let Some((value, name)) = said(key, problems).zip(key.variable) {
            return Some(Setting { value, origin: Origin::Variable(name) });
        }
        let file = self.file.as_ref()?;
        let entry = file.entries.iter().find(|entry| entry.key == key.name && key.not_in_file.is_none())?;
        let value = text_of(file, entry, key.name, problems)?;
        Some(Setting { value, origin: Origin::File { line: entry.line } })
    }

    /// The value of a key, its default where nothing is said or what is said does not fit.
    pub(super) fn read<T>(
        &self,
        key: &Key,
        parse: fn(&str) -> Result<T, String>,
        default: T,
        problems: &mut Problems,
    ) -> Setting<T> {
        let Some(Setting { value, origin }) = self.text(key, problems) else {
            return Setting { value: default, origin: Origin::Default };
        };
        let value = parse(&value).unwrap_or_else(|what| {
            problems.error(self.place(key, &origin), what, "");
            default
        });
        Setting { value, origin }
    }

    /// The place of a value, for whoever has something to say about it.
    pub(super) fn place(&self, key: &Key, origin: &Origin) -> Place {
        match (origin, &self.file) {
            (Origin::File { line }, Some(file)) => file.place(*line, key.name),
            (Origin::Flag(name) | Origin::Variable(name), _) => Place::named(name),
            _ => Place::named(key.name),
        }
    }

    /// The endpoints of the file: the file, and for each the line where it begins and its entries.
    pub(super) fn endpoints(&self, problems: &mut Problems) -> Option<(&File, Vec<&[Entry]>)> {
        let file = self.file.as_ref()?;
        let entry = file.entries.iter().find(|entry| entry.key == ENDPOINTS)?;
        let mut tables = Vec::new();
        let items = match &entry.value {
            Value::List(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for item in items {
            match item {
                Value::Table(entries) if matches!(entry.value, Value::List(_)) => tables.push(&**entries),
                other => problems.error(
                    file.place(entry.line, ENDPOINTS),
                    format!("this is {}, not a list of tables", other.sort()),
                    "begin each endpoint with a line [[endpoints]]",
                ),
            }
        }
        Some((file, tables))
    }

    /// A key that nobody knows is a mistake: what it should do would silently not be done.
    fn check_names(&self, problems: &mut Problems) {
        let Some(file) = &self.file else { return };
        for entry in &file.entries {
            let name = entry.key.as_str();
            let place = || file.place(entry.line, &shown_name(name));
            let known = KEYS.iter().find(|key| key.name == name);
            if let Some(why) = known.and_then(|key| key.not_in_file) {
                problems.error(place(), "this does not belong into the file", why);
            } else if FOLDER_KEYS.contains(&name) {
                let help = "it shapes what is folded, and goes wherever the folder goes: write it into settings.json in the \
                            data folder (`billfold settings --default` prints one)";
                problems.error(place(), "this belongs to the folder, not to the server", help);
            } else if is_secret_name(name) {
                problems.error(place(), "a secret does not belong into the file", NEVER_INLINE);
            } else if known.is_none() && name != ENDPOINTS {
                let names = KEYS.iter().filter(|key| key.not_in_file.is_none()).map(|key| key.name);
                unknown(place(), name, names.chain([ENDPOINTS]), problems);
            }
        }
    }
}

/// Checks the names in an `[[endpoints]]` table.
pub(super) fn check_endpoint_names(file: &File, entries: &[Entry], at: &str, problems: &mut Problems) {
    for entry in entries {
        let name = entry.key.as_str();
        let place = file.place(entry.line, &format!("{at}.{}", shown_name(name)));
        if ENDPOINT_KEYS.iter().any(|key| key.name == name) {
            continue;
        }
        if is_secret_name(name) {
            problems.error(place, "a secret does not belong into the file", NEVER_INLINE);
        } else {
            unknown(place, name, ENDPOINT_KEYS.iter().map(|key| key.name), problems);
        }
    }
}

fn unknown<'k>(
    place: Place,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
    problems: &mut Problems,
) {
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known keys: {}", known.collect::<Vec<_>>().join(", ")),
    };
    problems.error(place, "no such key", help);
}

/// The text of an entry.
pub(super) fn text_of(file: &File, entry: &Entry, shown: &str, problems: &mut Problems) -> Option<String> {
    if let Value::Text(text) = &entry.value {
        if looks_secret(text) {
            problems.error(
                file.place(entry.line, shown),
                "a secret does not belong into the file",
                NEVER_INLINE,
            );
            return None;
        }
        return Some(text.clone());
    }
    let what = format!("this is {}, not a text", entry.value.sort());
    problems.error(file.place(entry.line, shown), what, "");
    None
}

/// What the variable of a key says.
fn said(key: &Key, problems: &mut Problems) -> Option<String> {
    let name = key.variable?;
    match variable(name) {
        Ok(value) => value,
        Err(Failure::Told { what, .. }) => {
            problems.error(Place::default(), what, "");
            None
        }
        Err(Failure::ReaderLeft) => None,
    }
}

/// Names under which people put secrets.
fn is_secret_name(name: &str) -> bool {
    [
        "secret",
        "secrets",
        "signing_secret",
        "webhook_secret",
        "token",
        "api_token",
        "api_tokens",
        "password",
        "tls_password",
    ]
    .contains(&name)
}

/// A key may be a secret that was written where a name belongs.
pub(super) fn shown_name(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if plain && !looks_secret(name) && (1..=40).contains(&name.len()) {
        name.to_owned()
    } else {
        "(not a name)".to_owned()
    }
}
