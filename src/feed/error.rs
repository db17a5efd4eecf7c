//! Why the feed cannot be used, and who acts. Never repeats what an entry says.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::cursor::{CURSOR_NAME_BYTES_MAX, CURSORS_MAX};

/// Why the feed did not open, answer or take entries.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// Another process has it open. *Handling*: stop that process, or ask it over HTTP with `--url`.
    #[error("another process has the feed in {} open: stop it, or ask it with --url", path.display())]
    Locked {
        /// The feed's folder.
        path: PathBuf,
    },
    /// The stored bytes make no sense. *Handling*: restore the data folder from a backup; or move the feed's folder
    /// aside, and it is made anew from the log.
    #[error(
        "the feed in {} is damaged ({reason}): restore it from a backup, or move the folder aside: it is then made anew \
         from the log, with other numbers if another version or policy made parts of it, and without its cursors",
        path.display()
    )]
    Damaged {
        /// The feed's folder.
        path: PathBuf,
        /// What does not fit.
        reason: Arc<str>,
    },
    /// A newer version wrote it. *Handling*: upgrade the binary.
    #[error("the feed in {} was written by a newer version than this binary: upgrade it", path.display())]
    NewerFormat {
        /// The feed's folder.
        path: PathBuf,
    },
    /// It is a copy that was broken off. *Handling*: finish the backup that it comes from.
    #[error(
        "the feed in {} is a copy that was broken off: finish that backup first, or move the folder aside: it is then \
         made anew from the log", path.display()
    )]
    Unfinished {
        /// The feed's folder.
        path: PathBuf,
    },
    /// The storage failed. *Handling*: look at the disk, then restart.
    #[error("the feed's storage failed ({reason}): look at the disk, then restart")]
    Storage {
        /// What the storage said.
        reason: Arc<str>,
    },
    /// A sync failed, now or before. *Handling*: mend the disk, then restart.
    #[error("the feed is not gone on with since a sync failed ({reason}): mend the disk, then restart")]
    Poisoned {
        /// What the failed sync said.
        reason: Arc<str>,
    },
    /// The name is none of a cursor. *Handling*: choose another one.
    #[error(
        "a cursor's name has 1 to {CURSOR_NAME_BYTES_MAX} of the characters a-z, A-Z, 0-9, `.`, `_` and `-`"
    )]
    CursorName,
    /// There are as many cursors as there may be. *Handling*: remove those that nobody uses.
    #[error("there are {CURSORS_MAX} cursors already: remove those that nobody uses")]
    TooManyCursors,
    /// The number lies behind the newest entry. *Handling*: name only what was read of this feed; where a feed was restored
    /// from a backup, go back to its newest entry.
    #[error(
        "there is no entry {number} yet, the newest is {head}: name only what was read; after a restore, go on from \
         {head}, so that nothing new is passed over"
    )]
    Ahead {
        /// The number asked for.
        number: u64,
        /// The newest entry.
        head: u64,
    },
}

impl From<sled::Error> for FeedError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => error.into(),
            other => Self::Storage { reason: other.to_string().into() },
        }
    }
}

impl From<io::Error> for FeedError {
    fn from(error: io::Error) -> Self {
        Self::Storage { reason: error.to_string().into() }
    }
}
