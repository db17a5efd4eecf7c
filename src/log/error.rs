//! Why a log did not open, append or read, and who acts.
//!
//! Never repeats a body, a signature or a label.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::Position;

/// Why a log did not open. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open. *Handling*: stop that process, or ask it over HTTP with `--url`.
    #[error("another process has the log in {} open: stop it, or ask it with --url", path.display())]
    Locked {
        /// The log's folder.
        path: PathBuf,
    },
    /// The folder cannot be written. *Handling*: give this user the right to write there.
    #[error("the log's folder {} cannot be written: give this user write access to it", path.display())]
    ReadOnly {
        /// The log's folder.
        path: PathBuf,
    },
    /// The disk is full. *Handling*: make room, then open again.
    #[error("the disk that holds {} is full: make room, then start again", path.display())]
    DiskFull {
        /// The log's folder.
        path: PathBuf,
    },
    /// A newer version wrote the log. *Handling*: upgrade the binary.
    #[error("the log in {} has format version {version}, which is newer than this binary: upgrade it", path.display())]
    NewerFormat {
        /// The log's folder.
        path: PathBuf,
        /// The version found there.
        version: u32,
    },
    /// The stored bytes make no sense. *Handling*: keep the folder, restore from a backup.
    #[error("the log in {} is damaged ({reason}): keep the folder and restore a backup", path.display())]
    Damaged {
        /// The log's folder.
        path: PathBuf,
        /// What does not fit.
        reason: Arc<str>,
    },
    /// The storage failed. *Handling*: look at the disk.
    #[error("the log in {} did not open: {reason}", path.display())]
    Storage {
        /// The log's folder.
        path: PathBuf,
        /// What the storage said.
        reason: Arc<str>,
    },
}

/// Why nothing was stored. The provider retries; nothing is lost.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The queue is full. *Handling*: answer 503 and let the provider retry.
    #[error("the log's queue is full: retry later")]
    Overloaded,
    /// A record is longer than the log takes. *Handling*: set a lower limit at the door that let it in.
    #[error("a record is longer than the log takes")]
    TooLarge,
    /// A write or flush failed, now or before. *Handling*: mend the disk, then reopen.
    #[error("the log refuses to append since a write failed ({reason}): mend the disk, then restart")]
    Poisoned {
        /// What the failed write said.
        reason: Arc<str>,
    },
    /// The log was closed. *Handling*: open it again.
    #[error("the log is closed")]
    Closed,
}

/// Why a record could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stored bytes are not what was written. *Handling*: verify the log, restore from a backup.
    #[error("the record at position {position} is damaged ({reason}): restore it from a backup")]
    Corrupt {
        /// Which record.
        position: Position,
        /// What does not fit.
        reason: &'static str,
    },
    /// The record was written by a newer version. *Handling*: upgrade the binary.
    #[error(
        "the record at position {position} has format version {version}, which is newer than this binary: upgrade it"
    )]
    NewerFormat {
        /// Which record.
        position: Position,
        /// Its version byte.
        version: u8,
    },
    /// The storage failed. *Handling*: look at the disk.
    #[error("reading the log failed: {reason}")]
    Storage {
        /// What the storage said.
        reason: Arc<str>,
    },
}
