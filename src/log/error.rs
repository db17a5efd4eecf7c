//! Why a log did not open, append or read, and who acts.
//!
//! Never repeats a body, a signature or a label.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::Position;

/// Why a log did not open. Nothing that was stored is gone.
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
    /// Records that were stored durably cannot be read any more: bytes have rotten, or an older copy of a file was put
    /// there. *Handling*: keep the folder; `billfold repair` saves what can be read, or restore a backup.
    #[error(
        "the log in {} was durable up to position {known}, but cannot be read beyond {found}: keep the folder; \
         `billfold repair` saves what can be read, or restore a backup", path.display()
    )]
    RecordsLost {
        /// The log's folder.
        path: PathBuf,
        /// Everything up to here can be read.
        found: Position,
        /// Everything up to here was durable.
        known: Position,
    },
    /// The stored bytes make no sense. *Handling*: keep the folder; `billfold repair` saves what can be read, or restore
    /// a backup.
    #[error(
        "the log in {} is damaged ({reason}): keep the folder; `billfold repair` saves what can be read, \
         or restore a backup", path.display()
    )]
    Damaged {
        /// The log's folder.
        path: PathBuf,
        /// What does not fit.
        reason: Arc<str>,
    },
    /// The storage failed. *Handling*: look at the disk, and at how many files this process may open.
    #[error(
        "the log in {} did not open ({reason}): look at the disk and at the limits of this process, then start again",
        path.display()
    )]
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

/// Why another log's record was not taken over.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The record does not follow from the last one here: the two logs have different histories. *Handling*: copy into
    /// an empty folder; keep both until it is known which one is right.
    #[error(
        "the record at position {position} does not follow from the one at position {before}: the two have different \
         histories. Keep both, and copy into an empty folder"
    )]
    Chain {
        /// Which record.
        position: Position,
        /// The last one that was taken.
        before: Position,
    },
    /// A backup has another history than the log that is repaired, or cannot be shown to have the same. *Handling*: repair
    /// without it, or with a backup of this log.
    #[error(
        "the backup in {} is of another history, or cannot be shown to be of this one{}: repair without it, \
         or with a backup of this log", backup.display(), at_position(*at)
    )]
    OtherHistory {
        /// The backup's log.
        backup: PathBuf,
        /// Where the two differ; none where they have nothing in common to compare.
        at: Option<Position>,
    },
    /// The records come in no order. *Handling*: report it.
    #[error("the record at position {position} comes behind position {head}")]
    Order {
        /// Which record.
        position: Position,
        /// The last one that was taken.
        head: Position,
    },
    /// The record cannot be read. *Handling*: `billfold verify` the log that it comes from.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The record does not fit in. *Handling*: copy into an empty folder.
    #[error("the record at position {position} does not fit in ({reason}): copy into an empty folder")]
    Record {
        /// Which record.
        position: Position,
        /// Why.
        reason: Arc<str>,
    },
    /// The copy cannot be written. *Handling*: mend the disk, then go on.
    #[error("the copy cannot be written: {reason}")]
    Write {
        /// What the storage said.
        reason: Arc<str>,
    },
}

fn at_position(at: Option<Position>) -> String {
    at.map_or_else(String::new, |at| format!(" (it does not fit at position {at})"))
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
