//! The lines of docs/architecture.md, held by reading the source: who may know what, and how files look.
//!
//! Comments do not count, nor do tests inside `src`. A rule that gets in the way is changed here and in
//! docs/architecture.md, with its reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The longest file, in lines before its tests.
const FILE_LINES_MAX: usize = 400;
/// The longest function, in lines with its signature and braces.
const FUNCTION_LINES_MAX: usize = 70;

/// Longer files, with the reason why they stay whole.
const LONGER_FILES: &[(&str, &str)] = &[];

/// Crates that only some places may name, and why nobody else may.
const CRATES: &[(&str, &[&str], &str)] = &[
    (
        "sled",
        &["log/sled.rs", "log/sled/", "projection/", "feed/"],
        "another storage engine has to be one room's work",
    ),
    ("zstd", &["log/codec/"], "how a body is stored is the codec's secret"),
    ("warp", &["http/"], "HTTP ends at its door"),
    ("hyper", &["http/"], "HTTP ends at its door"),
    ("hyper_util", &["http/"], "HTTP ends at its door"),
    ("http_body_util", &["http/"], "HTTP ends at its door"),
    (
        "serde_json",
        &["stripe/", "api/", "lab/", "http/", "cli/"],
        "JSON is for what comes in, what is answered, and what the lab sends",
    ),
    (
        "jiff",
        &["stripe/", "api/", "cli/"],
        "times are seconds inside; dates are for what comes in and for people",
    ),
    (
        "tokio",
        &["log/", "feed/", "engine/", "http/", "cli/"],
        "the model and the decoder are plain functions",
    ),
    ("tracing", &["http/", "cli/"], "what is logged is decided where nothing private is at hand"),
    ("tracing_subscriber", &["cli/"], "the program decides where its log goes, the library does not"),
    (
        "schemars",
        &["model/", "api/openapi/"],
        "a type says itself what it looks like, and is asked where the document is made",
    ),
    ("clap", &["cli/"], "the command line ends at its door"),
    ("comfy_table", &["cli/"], "the terminal ends at its door"),
    ("indicatif", &["cli/"], "the terminal ends at its door"),
    ("toml", &["cli/config/"], "one room reads the configuration file"),
    ("tokio_rustls", &["http/"], "HTTP ends at its door, and so does what wraps it"),
    ("rustix", &["engine/doctor.rs"], "the system is asked where the folder is examined"),
    ("ureq", &["cli/"], "nothing but a command asks another server"),
];

/// Which rooms a room may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("stripe", &["model"]),
    ("storage", &[]),
    ("log", &["model", "storage"]),
    ("projection", &["model", "storage"]),
    ("feed", &["model", "storage"]),
    ("engine", &["model", "stripe", "log", "projection", "feed"]),
    ("api", &["model", "stripe", "log", "engine"]),
    ("lab", &["model", "stripe"]),
    ("http", &["model", "stripe", "log", "engine", "api"]),
    ("cli", &["model", "stripe", "log", "engine", "api", "lab", "http"]),
];

/// What the pure rooms never touch.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "std::{",
    "HashMap",
    "HashSet",
    "Instant",
    "SystemTime",
    "async fn",
    "println!",
    "eprintln!",
];

/// Names that say nothing, for files and for types.
const EMPTY_NAMES: &[&str] =
    &["common", "handler", "helper", "helpers", "manager", "message", "misc", "payload", "util", "utils"];

/// Where a machine's own paths begin.
const MACHINE_PATHS: &[&str] = &["/home/", "/root/", "/Users/", "/work/", "C:\\"];

/// One file of `src`, or of another folder.
struct Source {
    /// Below its folder, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The lines before the tests, without comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().zip(1..).map(|(line, number)| (number, line));
        numbered.take(self.lines_before_tests()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn lines_before_tests(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let inline = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1] == "mod tests {");
        inline.unwrap_or(lines.len())
    }

    /// Where the modules lie that this file declares for tests alone, without `.rs`.
    fn test_modules(&self) -> impl Iterator<Item = String> {
        let folder = match self.path.rsplit_once('/') {
            Some((folder, "mod.rs")) => format!("{folder}/"),
            None => String::new(),
            _ => format!("{}/", self.path.trim_end_matches(".rs")),
        };
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        let names = declared.filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1));
        names.map(|name| format!("{folder}{name}")).collect::<Vec<_>>().into_iter()
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }

    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    fn room(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that is text, by path.
fn files(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let base = root().join(folder);
    let mut found = Vec::new();
    if base.is_dir() {
        walk(&base, &mut found);
    }
    found.sort();
    let relative = |path: &Path| path.strip_prefix(&base).unwrap().to_str().unwrap().replace('\\', "/");
    found
        .iter()
        .filter_map(|path| Some(Source { path: relative(path), text: std::fs::read_to_string(path).ok()? }))
        .collect()
}

/// The code of `src` without its tests.
fn sources() -> Vec<Source> {
    let sources: Vec<_> = files("src").into_iter().filter(Source::is_rust).collect();
    assert!(sources.len() > 50, "src was not found");
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    let is_test = |path: &str| {
        let below =
            |test: &String| path.strip_prefix(test.as_str()).is_some_and(|rest| rest.starts_with(['/', '.']));
        tests.iter().any(below)
    };
    sources.into_iter().filter(|source| !is_test(&source.path)).collect()
}

/// Whether `line` names the crate `word`: `word::` that is no part of a longer path, or an import of it.
fn names_crate(line: &str, word: &str) -> bool {
    let path = line.match_indices(&format!("{word}::")).any(|(at, _)| {
        let before = line[..at].strip_suffix("::").map_or(&line[..at], |rest| {
            // `::sled::` begins at the crate's root, `self::sled::` does not.
            if rest.ends_with(|last: char| last.is_alphanumeric() || last == '_') { "x" } else { rest }
        });
        !before.ends_with(|last: char| last.is_alphanumeric() || last == '_')
    });
    path || line.trim() == format!("use {word};") || line.contains(&format!("extern crate {word};"))
}

/// Fails with every finding at once.
#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn crates_are_named_where_they_belong() {
    let mut findings = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (word, places, why) in CRATES {
                if names_crate(line, word) && !source.is_in(places) {
                    findings.push(format!("src/{}:{number} names {word}, but {why}", source.path));
                }
            }
            let codec = source.path.ends_with("codec.rs");
            if names_crate(line, "bincode") && !codec {
                findings.push(format!(
                    "src/{}:{number} names bincode, but bytes are made in codec.rs files",
                    source.path
                ));
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn rooms_know_only_what_lies_below_them() {
    let mut findings = Vec::new();
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    for source in sources().iter().filter(|source| !source.is_in(&["lib.rs", "main.rs"])) {
        let room = source.room();
        let Some(known) = rooms.get(room) else {
            findings.push(format!("src/{} belongs to no room that docs/architecture.md knows", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let other = rest
                    .split(|char: char| !char.is_alphanumeric() && char != '_')
                    .next()
                    .unwrap_or_default();
                if rest.starts_with('{') {
                    findings.push(format!(
                        "src/{}:{number} imports several rooms in one: write them apart",
                        source.path
                    ));
                } else if rooms.contains_key(other) && other != room && !known.contains(&other) {
                    findings.push(format!("src/{}:{number} {room} must not know {other}", source.path));
                }
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn the_model_and_the_decoder_are_pure() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| ["model", "stripe"].contains(&source.room())) {
        for (number, line) in source.code() {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("src/{}:{number} is pure, and must not say {word}", source.path));
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn every_module_says_what_it_is() {
    let undocumented = sources().into_iter().filter(|source| !source.text.starts_with("//!"));
    let findings: Vec<_> =
        undocumented.map(|source| format!("src/{} does not begin with //!", source.path)).collect();
    assert_none(&findings);
}

#[test]
fn files_and_functions_are_short() {
    let mut findings = Vec::new();
    for source in sources() {
        let lines = source.lines_before_tests();
        let excused = LONGER_FILES.iter().any(|(path, _)| *path == source.path);
        if (lines > FILE_LINES_MAX) != excused {
            let what = if excused { "is not too long any more: take it off the list" } else { "is too long" };
            findings.push(format!("src/{} ({lines} lines) {what}", source.path));
        }
        for (number, name, length) in functions(&source) {
            if length > FUNCTION_LINES_MAX {
                findings.push(format!("src/{}:{number} fn {name} has {length} lines", source.path));
            }
        }
    }
    assert_none(&findings);
}

/// Line, name and length of each function. Formatted code closes it with a brace at the indentation of its `fn`.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = source.text.lines().take(source.lines_before_tests()).collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let words = trimmed.split("fn ").next().unwrap_or_default();
        let declares = trimmed.contains("fn ")
            && words.split_whitespace().all(|word| {
                ["async", "const", "unsafe"].contains(&word)
                    || word.starts_with("pub")
                    || word.starts_with("in")
            });
        if !declares {
            continue;
        }
        let closing = format!("{}}}", &line[..line.len() - trimmed.len()]);
        let end = lines[index..].iter().position(|line| *line == closing);
        let one_line = line.ends_with('}') || line.ends_with(';');
        if let Some(end) = end.filter(|_| !one_line) {
            let name = trimmed.split("fn ").nth(1).unwrap_or_default();
            let name = name.split(['(', '<']).next().unwrap_or_default();
            found.push((index + 1, name.to_owned(), end + 1));
        }
    }
    found
}

#[test]
fn names_say_something() {
    let mut findings = Vec::new();
    for source in files("src").iter().chain(&files("tests/it")) {
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            findings.push(format!("{}: the name {part} says nothing", source.path));
        }
    }
    for source in sources() {
        for (number, line) in source.code() {
            let declared =
                ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| line.split_once(word));
            let name: String = declared
                .map(|(_, rest)| rest.chars().take_while(|char| char.is_alphanumeric()).collect())
                .unwrap_or_default();
            let empty = ["Manager", "Handler", "Helper", "Util", "Utils"];
            if empty.iter().any(|ending| name.ends_with(ending)) {
                findings.push(format!("src/{}:{number} the name {name} says nothing", source.path));
            }
            if line.contains("::*;") && line.trim_start().starts_with("pub use") {
                findings
                    .push(format!("src/{}:{number} exports everything: name what is public", source.path));
            }
        }
    }
    assert_none(&findings);
}

/// Whoever sees an error has to know who acts.
#[test]
fn every_error_says_how_to_handle_it() {
    let mut findings = Vec::new();
    for source in sources() {
        let mut docs = String::new();
        let mut of_an_error = false;
        for (line, number) in source.text.lines().take(source.lines_before_tests()).zip(1..) {
            let trimmed = line.trim_start();
            if let Some(doc) = trimmed.strip_prefix("///") {
                let _ = writeln!(docs, "{doc}");
            } else if trimmed.starts_with("#[derive(") {
                of_an_error = trimmed.contains("thiserror::Error");
            } else if trimmed.starts_with("pub enum ") || trimmed.starts_with("enum ") {
                docs.clear();
            } else if trimmed.starts_with("#[error(") && line.starts_with("    ") {
                if of_an_error && !docs.contains("*Handling*") {
                    findings
                        .push(format!("src/{}:{number} does not say who handles it, and how", source.path));
                }
                docs.clear();
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn no_file_knows_a_machine() {
    let mut findings = Vec::new();
    for folder in ["src", "docs", "tests/fixtures", "tests/snapshots", "fuzz", "benches", ".ci"] {
        let found = files(folder);
        for source in found.iter().filter(|source| !source.path.contains("target/")) {
            for path in MACHINE_PATHS.iter().filter(|path| source.text.contains(**path)) {
                findings.push(format!("{folder}/{} holds a path of a machine ({path})", source.path));
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn a_crate_is_told_from_a_module_of_the_same_name() {
    for line in ["use sled::Db;", "let x = sled::open();", "use ::sled::Db;", "use sled;", "(sled::Db, u8)"] {
        assert!(names_crate(line, "sled"), "{line}");
    }
    for line in
        ["pub use self::sled::SledLog;", "mod sled;", "use crate::log::sled::X;", "unsled::x", "my_sled::x"]
    {
        assert!(!names_crate(line, "sled"), "{line}");
    }
}
