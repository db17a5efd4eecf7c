//! The exit codes: what a script may rely on. They never change their meaning once released.
//!
//! | code | means |
//! |---|---|
//! | 0 | done; for `access`: allowed, or in a grace period |
//! | 1 | a failure of files, storage or network |
//! | 2 | the command line or a file with settings does not fit |
//! | 3 | what was asked for does not exist |
//! | 4 | refused: a signature, a token, some lines of a file (the others went through), or a rebuild that nobody confirmed |
//! | 5 | the folder is open in another process |
//! | 6 | damage was found |
//! | 7 | the history is another one: `verify --expect`, `backup`, `repair` |
//! | 8 | `doctor` found a problem |
//! | 10 | `access`: denied |
//!
//! A script that lets people in on 0 and keeps them out on anything else is right about `access`.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// Files, storage or network failed.
    Failed,
    /// The command line does not fit.
    Usage,
    /// What was asked for does not exist.
    NotFound,
    /// Something was refused.
    Refused,
    /// The folder is open elsewhere.
    Locked,
    /// Something is not as it was written.
    Damaged,
    /// The history is not the one that was expected.
    Unexpected,
    /// A doctor found a problem.
    Unwell,
    /// `access` says no.
    Denied,
}

impl Exit {
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Refused,
        Self::Locked,
        Self::Damaged,
        Self::Unexpected,
        Self::Unwell,
        Self::Denied,
    ];

    /// The number that the shell sees.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Locked => 5,
            Self::Damaged => 6,
            Self::Unexpected => 7,
            Self::Unwell => 8,
            Self::Denied => 10,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done; for access: allowed, or in a grace period",
            Self::Failed => "a failure of files, storage or network",
            Self::Usage => "the command line or a file with settings does not fit",
            Self::NotFound => "what was asked for does not exist",
            Self::Refused => "refused: a signature, a token, some lines of a file, or an unconfirmed rebuild",
            Self::Locked => "the folder is open in another process",
            Self::Damaged => "damage was found",
            Self::Unexpected => "the history is another one: verify --expect, backup, repair",
            Self::Unwell => "doctor found a problem",
            Self::Denied => "access: denied",
        }
    }

    /// The list for `--help`.
    pub(super) fn table() -> String {
        let mut table = String::from("Exit codes:");
        for exit in Self::ALL {
            // Writing into a String cannot fail.
            let _ = write!(table, "\n  {:>2}  {}", exit.code(), exit.meaning());
        }
        table
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_the_coded_one() {
        let source = include_str!("exit.rs");
        let page = include_str!("../../docs/troubleshooting.md");
        for exit in Exit::ALL {
            let start = format!("| {} | ", exit.code());
            let row = source
                .lines()
                .find_map(|line| line.strip_prefix("//! ").filter(|row| row.starts_with(&start)));
            let row = row.unwrap_or_else(|| panic!("{start} is missing above"));
            assert!(page.lines().any(|line| line == row), "{row} is not in docs/troubleshooting.md");
        }
    }

    #[test]
    fn codes_differ() {
        let codes: std::collections::BTreeSet<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
