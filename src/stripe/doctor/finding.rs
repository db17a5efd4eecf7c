//! What a doctor says: one line each, how bad it is, and what to do. Never a secret, a signature or what a body holds.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done at once.
    Note,
    /// Something has to be done.
    Problem,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Note, Self::Problem];

    /// A stable word: `ok`, `note` or `problem`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word for programs.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, what: what.into(), help: None }
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(check: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { check, level: Level::Note, what: what.into(), help: Some(help.into()) }
    }

    /// To be mended.
    #[must_use]
    pub fn problem(check: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { check, level: Level::Problem, what: what.into(), help: Some(help.into()) }
    }
}
