//! What a person reads when a command does not work: one line that says what, one that says what to do.
//!
//! Never shows a secret, a signature, a token or a body.

use std::io;
use std::path::Path;

use super::exit::Exit;

/// Why a command ended early.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something to tell.
    Told {
        /// How the process ends.
        exit: Exit,
        /// What happened.
        what: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// Whoever read our output has read enough. Nothing to tell, nothing went wrong.
    ReaderLeft,
}

impl Failure {
    /// A failure with nothing known to do about it.
    pub(super) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self::Told { exit, what: what.into(), remedy: None }
    }

    /// Adds what to do.
    pub(super) fn remedy(self, text: impl Into<String>) -> Self {
        match self {
            Self::Told { exit, what, .. } => Self::Told { exit, what, remedy: Some(text.into()) },
            Self::ReaderLeft => Self::ReaderLeft,
        }
    }

    /// The same, if another process has the folder open.
    pub(super) fn remedy_if_locked(self, text: &str) -> Self {
        match self {
            Self::Told { exit: Exit::Locked, .. } => self.remedy(text),
            other => other,
        }
    }

    /// A command line that clap could not see through.
    pub(super) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// A file that cannot be read.
    pub(super) fn reading(path: &Path, error: &io::Error) -> Self {
        Self::new(Exit::Failed, format!("{} cannot be read: {error}", path.display())).remedy(
            "look at its place and its permissions, at the disk, and at how many files this process may open",
        )
    }

    /// Ends the process: says what is to be said on stderr.
    pub(super) fn report(&self) -> Exit {
        match self {
            Self::Told { exit, what, remedy } => {
                eprint_line(&format!("error: {what}"));
                if let Some(remedy) = remedy {
                    eprint_line(&format!("  help: {remedy}"));
                }
                *exit
            }
            Self::ReaderLeft => Exit::Done,
        }
    }
}

/// Writing to standard output failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderLeft
        } else {
            Self::new(Exit::Failed, format!("the output cannot be written: {error}"))
        }
    }
}

/// A line on stderr that nobody may read: a closed stderr is no reason to panic.
pub(super) fn eprint_line(line: &str) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "{line}");
}
