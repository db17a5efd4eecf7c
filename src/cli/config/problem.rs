//! What does not fit in a configuration: all of it at once, each with its place and what to do. Never shows a value that
//! may be a secret.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::failure::Failure;

/// Where something stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Place {
    /// The file and the line in it.
    pub(super) file: Option<(String, Option<usize>)>,
    /// The key in the file, the flag or the variable; empty for the file as a whole.
    pub(super) key: String,
}

impl Place {
    /// A flag or a variable.
    pub(super) fn named(name: &str) -> Self {
        Self { file: None, key: name.to_owned() }
    }

    /// A key in a file.
    pub(super) fn in_file(path: &Path, line: Option<usize>, key: &str) -> Self {
        Self { file: Some((path.display().to_string(), line)), key: key.to_owned() }
    }

    fn text(&self) -> String {
        let file = match &self.file {
            Some((file, Some(line))) => format!("{file}:{line}: "),
            Some((file, None)) => format!("{file}: "),
            None => String::new(),
        };
        if self.key.is_empty() { file } else { format!("{file}{}: ", self.key) }
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Problem {
    place: Place,
    what: String,
    help: Option<String>,
    /// The server starts all the same.
    is_warning: bool,
}

impl Problem {
    fn text(&self) -> String {
        format!("{}{}", self.place.text(), self.what)
    }

    fn to_json(&self) -> Value {
        let (file, line) = match &self.place.file {
            Some((file, line)) => (Some(file), *line),
            None => (None, None),
        };
        json!({
            "severity": if self.is_warning { "warning" } else { "error" },
            "file": file,
            "line": line,
            "key": self.place.key,
            "what": self.what,
            "help": self.help,
        })
    }
}

/// Everything that does not fit.
#[derive(Debug, Default)]
pub(in crate::cli) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn error(&mut self, place: Place, what: impl Into<String>, help: impl Into<String>) {
        self.add(place, what.into(), help.into(), false);
    }

    pub(super) fn warning(&mut self, place: Place, what: impl Into<String>, help: impl Into<String>) {
        self.add(place, what.into(), help.into(), true);
    }

    /// A failure of a file or a list that something else has found.
    pub(super) fn failure(&mut self, place: Place, failure: Failure) {
        if let Failure::Told { what, remedy, .. } = failure {
            self.add(place, what, remedy.unwrap_or_default(), false);
        }
    }

    fn add(&mut self, place: Place, what: String, help: String, is_warning: bool) {
        let help = Some(help).filter(|help| !help.is_empty());
        let problem = Problem { place, what, help, is_warning };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// As a person goes through a file, line by line; what stands in none comes last.
    fn sorted(&self) -> Vec<&Problem> {
        let mut sorted: Vec<&Problem> = self.0.iter().collect();
        sorted.sort_by_key(|problem| (problem.place.file.is_none(), problem.place.file.clone()));
        sorted
    }

    fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.sorted().into_iter().filter(|problem| !problem.is_warning)
    }

    /// Whether the server would not start.
    pub(in crate::cli) fn any_error(&self) -> bool {
        self.errors().next().is_some()
    }

    /// What would not stop the server, a line each.
    pub(in crate::cli) fn warnings(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|problem| problem.is_warning).map(Problem::text)
    }

    /// All of them as text: a line each, and what to do on the next one.
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        for problem in self.sorted() {
            let severity = if problem.is_warning { "warning" } else { "error" };
            // Writing into a String cannot fail, here and below.
            let _ = writeln!(text, "{severity}: {}", problem.text());
            if let Some(help) = &problem.help {
                let _ = writeln!(text, "  help: {help}");
            }
        }
        text
    }

    pub(super) fn to_json(&self) -> Vec<Value> {
        self.sorted().into_iter().map(Problem::to_json).collect()
    }

    /// The errors, to end a command with; none if there is none.
    pub(in crate::cli) fn into_failure(self) -> Option<Failure> {
        let errors: Vec<&Problem> = self.errors().collect();
        let (first, more) = errors.split_first()?;
        if more.is_empty() {
            let failure = Failure::usage(first.text());
            return Some(match &first.help {
                Some(help) => failure.remedy(help.clone()),
                None => failure,
            });
        }
        let mut text = format!("{} things in the configuration do not fit", errors.len());
        for problem in errors {
            let _ = write!(text, "\n  {}", problem.text());
            if let Some(help) = &problem.help {
                let _ = write!(text, "\n    help: {help}");
            }
        }
        Some(Failure::usage(text))
    }
}
