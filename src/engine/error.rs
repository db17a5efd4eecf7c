//! Why the engine did not open, ingest, answer or rebuild, and who acts.

use std::path::PathBuf;
use std::sync::Arc;

use crate::feed::FeedError;
use crate::log::{self, AppendError, Position, ReadError};
use crate::model::id::Scope;
use crate::projection::{InvalidCursor, ProjectionError};

/// Why a folder did not open. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the folder open. *Handling*: stop it, or ask it over HTTP with `--url`.
    #[error("another process has {} open: stop it, or ask it with --url", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The log did not open. *Handling*: as its own message says.
    #[error(transparent)]
    Log(log::OpenError),
    /// The projections did not open and could not be made anew. *Handling*: look at the disk.
    #[error("the projections in {} did not open", path.display())]
    Projection {
        /// Their folder.
        path: PathBuf,
        /// Why.
        source: ProjectionError,
    },
    /// The projection has seen more records than the log holds: the log has lost some, or an older copy of it was put
    /// here. *Handling*: restore `log/`; or delete the projection's folder, and go on without those records.
    #[error(
        "the log ends at position {head}, but {folded} was folded before: records are lost. Restore log/ from a backup, \
         or delete {} to go on without them", path.display()
    )]
    LogShorter {
        /// Where the log ends.
        head: Position,
        /// How far it had been folded.
        folded: Position,
        /// The projections' folder.
        path: PathBuf,
    },
    /// The feed did not open. *Handling*: as its own message says.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The feed tells of more records than the log holds: the log has lost some, or an older copy of it was put here.
    /// *Handling*: restore `log/`; or move the feed's folder aside and delete the projections', and both are made anew from
    /// the records that are there.
    #[error(
        "the log ends at position {head}, but the feed tells of records up to {told}: records are lost. Restore log/ \
         from a backup; or, to go on without them, move {} aside and delete the folder projection beside it: both are \
         then made anew from the log, and readers that have seen more of the feed have to begin again", path.display()
    )]
    FeedAhead {
        /// Where the log ends.
        head: Position,
        /// How far the feed is made.
        told: Position,
        /// The feed's folder.
        path: PathBuf,
    },
    /// The feed was made from another log. *Handling*: put the right two together; or move the feed's folder aside, and
    /// it is made anew.
    #[error(
        "the feed in {} was made from another log: at position {at} this one has another record. Put the right two \
         together; or move that folder aside: the feed is then made anew from the log, and its readers have to begin \
         again", path.display()
    )]
    FeedForeign {
        /// How far the feed is made.
        at: Position,
        /// The feed's folder.
        path: PathBuf,
    },
    /// The log could not be folded. *Handling*: as the source says.
    #[error("the log could not be folded")]
    Fold(#[source] FoldError),
    /// The folder could not be made or read. *Handling*: check its place and permissions.
    #[error("the folder {} cannot be used ({reason}): check its place and permissions", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        reason: Arc<str>,
    },
}

/// Why a delivery was not stored. The provider retries; nothing is lost.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The log did not take it. *Handling*: as its own message says.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Why the fold stands still. Appends go on; the state shown is older than the log.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// A record cannot be read. *Handling*: restore it from a backup; nothing is skipped silently.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The projection cannot be written. *Handling*: as its own message says.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The feed cannot be gone on with. *Handling*: as its own message says.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The fold broke off: a fault of this program, or a damaged page that the storage cannot read. *Handling*: restart,
    /// which folds anew; if that does not help, report it with the log lines before it.
    #[error("the fold broke off: restart; if that does not help, report it with the log lines before it")]
    BrokeOff,
}

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The id exists in several scopes. *Handling*: say which account and mode.
    #[error("the id exists in {} scopes: say which with account and livemode", .0.len())]
    SeveralScopes(Vec<Scope>),
    /// The cursor is none of ours. *Handling*: pass `next` unchanged.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The past of so many objects and events is not folded for one question. *Handling*: ask for less at once.
    #[error(
        "too many objects or events bear on this to fold their past for one question: ask for less at once"
    )]
    PastTooLong,
    /// A record cannot be read. *Handling*: verify the log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The projection cannot be read. *Handling*: as its own message says.
    #[error(transparent)]
    Projection(ProjectionError),
    /// The feed cannot be read, or does not take what was asked of it. *Handling*: as its own message says.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// Reading broke off: a fault of this program, or a damaged page that the storage cannot read. *Handling*: restart; if
    /// that does not help, report it with the log lines before it.
    #[error("reading broke off: restart; if that does not help, report it with the log lines before it")]
    BrokeOff,
}

impl From<ProjectionError> for QueryError {
    fn from(error: ProjectionError) -> Self {
        match error {
            ProjectionError::Cursor(invalid) => Self::Cursor(invalid),
            other => Self::Projection(other),
        }
    }
}

/// Why a rebuild did not come to its end. The old projection stays in use.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// The fold stopped. *Handling*: as the source says.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Another rebuild is under way. *Handling*: wait for it.
    #[error("another rebuild is under way: wait for it")]
    UnderWay,
    /// It was told to stop. *Handling*: whoever stopped it knows why.
    #[error("the rebuild was stopped")]
    Stopped,
    /// The new projection could not take the old one's place. *Handling*: look at the disk.
    #[error("the rebuilt projection could not take its place: {reason}")]
    Swap {
        /// What the operating system said.
        reason: Arc<str>,
    },
}
