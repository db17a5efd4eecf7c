//! Ingest, catch up, rebuild, read: the sole owner of derived state.
//!
//! Never knows HTTP or a terminal, never reads a clock: the doors pass the time in.

mod access;
mod backup;
mod decode;
mod doctor;
mod error;
mod events;
mod feed;
mod fold;
mod history;
mod ingest;
mod live_shadow;
mod near;
mod open;
mod operations;
mod past;
mod read;
mod rebuild;
mod refused;
mod shadow;
mod verify;
mod why;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::watch;

use crate::feed::Feed;
use crate::log::{EventLog, Position};
use crate::model::access::Policy;
use crate::projection::Projection;

pub use crate::feed::{
    CURSOR_NAME_BYTES_MAX, CURSORS_MAX, Checked, FeedCursor, FeedError, FeedSnapshot, PAGE_ENTRIES_MAX,
    Through,
};
pub use crate::projection::{
    Account, CURSOR_TEXT_BYTES_MAX, Collection, Cursor, EventQuery, FoldOutcome, InvalidCursor, ListQuery,
    PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, PaymentRow, REDUCER_VERSION, ScopeFilter, Shown, StatusChange,
    TypeCount,
};
pub use access::AccessAnswer;
pub use backup::{
    BackedUp, BackupError, Beside, Original, OriginalFeed, backup, backup_folder, repair, restore,
};
pub use doctor::{DOCTOR_RECORDS_MAX, Surroundings};
pub use error::{FoldError, IngestError, OpenError, QueryError, RebuildError};
pub use events::StoredEvent;
pub use feed::{Entries, FeedPage, FeedQuery, Follower};
pub use history::{History, Stage, Subject};
pub use ingest::{Ingested, SHOWN_WITHIN};
pub use live_shadow::{LiveShadow, OnStep};
pub use operations::{Conflict, WindowCounts};
pub use past::{AsOf, Border, PAST_OBJECTS_MAX, PAST_RECORDS_MAX, Past};
pub use read::{Readiness, Stats};
pub use rebuild::{Rebuilt, Refolded};
pub use refused::{REFUSED_HEADERS_MAX, REFUSED_MAX, Refused};
pub use shadow::{AccessChange, Differences, Shadow};
pub use verify::{Checks, Comparison, Expected, Signatures, Verified, verify};
pub use why::{EXPLAINED_OBJECTS_MAX, Explained, Observed, PROOF_RECORDS_MAX, Why};

use fold::Folder;
use operations::Operations;

/// The sled cache of the log, in bytes. Small: appends and sequential reads profit little.
pub const LOG_CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// The sled cache of the projections, in bytes. sled takes several times as much.
pub const PROJECTION_CACHE_BYTES: u64 = 24 * 1024 * 1024;

/// The sled cache of the feed, in bytes. Small: what was said last of a subject is looked up, the rest is appended.
pub const FEED_CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// How far long work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records done.
    pub done: u64,
    /// Records in all.
    pub total: u64,
}

/// Told about long work while it goes on.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// How to open a folder.
#[derive(Clone)]
pub struct Options {
    /// The folder. It is made when it does not exist.
    pub data: PathBuf,
    /// Who may use the product.
    pub policy: Policy,
    /// The metadata keys that hold the merchant's own user ids, beside `client_reference_id`.
    /// A change folds the projections anew at the next open.
    pub reference_keys: Vec<Box<str>>,
    /// See [`LOG_CACHE_BYTES`].
    pub log_cache_bytes: u64,
    /// See [`PROJECTION_CACHE_BYTES`].
    pub projection_cache_bytes: u64,
    /// Told when opening has to fold many records.
    pub on_progress: Option<OnProgress>,
}

impl Options {
    /// The defaults for a folder.
    #[must_use]
    pub fn new(data: impl AsRef<Path>) -> Self {
        Self {
            data: data.as_ref().to_path_buf(),
            policy: Policy::default(),
            reference_keys: vec!["user_id".into()],
            log_cache_bytes: LOG_CACHE_BYTES,
            projection_cache_bytes: PROJECTION_CACHE_BYTES,
            on_progress: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("data", &self.data)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A folder of billing state: the log, and what is folded from it. Cheap to clone.
#[derive(Clone)]
pub struct Billfold {
    shared: Arc<Shared>,
    // Declared after `shared`: the last handle to go stops the fold.
    folder: Arc<Folder>,
}

struct Shared {
    log: Arc<dyn EventLog>,
    /// Ground state, as the log: what was told of the changes.
    feed: Arc<Feed>,
    /// The version of the fold that entries are made by.
    reducer: u32,
    /// Replaced as a whole by a rebuild.
    projection: RwLock<Arc<Projection>>,
    /// Held by whoever folds: one at a time, so that every record is folded once.
    folding: Mutex<()>,
    /// When what was folded was last handed over to the operating system.
    flushed: Mutex<Option<Instant>>,
    /// There is a rebuild under way; there may be one.
    rebuilding: AtomicBool,
    applied: watch::Sender<Position>,
    /// The highest position that somebody waited for in vain: the fold is late as long as it has not come there.
    awaited: AtomicU64,
    fold_error: Mutex<Option<FoldError>>,
    operations: Mutex<Operations>,
    /// Of this process alone.
    refused: Mutex<refused::Ring>,
    options: Options,
}

impl Shared {
    fn new(
        options: Options,
        log: Arc<dyn EventLog>,
        feed: Arc<Feed>,
        projection: Projection,
        applied: Position,
        operations: Operations,
    ) -> Self {
        Self {
            log,
            feed,
            reducer: REDUCER_VERSION,
            projection: RwLock::new(Arc::new(projection)),
            folding: Mutex::new(()),
            flushed: Mutex::new(None),
            rebuilding: AtomicBool::new(false),
            applied: watch::Sender::new(applied),
            awaited: AtomicU64::new(0),
            fold_error: Mutex::new(None),
            operations: Mutex::new(operations),
            refused: Mutex::default(),
            options,
        }
    }

    fn projection(&self) -> Arc<Projection> {
        Arc::clone(&self.projection.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn operations(&self) -> MutexGuard<'_, Operations> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fold_error(&self) -> Option<FoldError> {
        self.fold_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Billfold {
    /// Opens or creates a folder, and folds what is not folded yet.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(data: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(Options::new(data))
    }

    /// The same with options.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with(options: Options) -> Result<Self, OpenError> {
        open::open(options)
    }

    /// The same over a log of the test's choice.
    #[cfg(test)]
    pub(crate) fn over(options: Options, log: Arc<dyn EventLog>) -> Result<Self, OpenError> {
        open::with_log(options, log)
    }

    /// How the folder was opened.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }
}

impl std::fmt::Debug for Billfold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Billfold").field("data", &self.shared.options.data).finish_non_exhaustive()
    }
}
