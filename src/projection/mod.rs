//! Derived state on disk: one sled tree, written by the fold alone, disposable at any time.
//!
//! Every byte of it but the checkpoint is a function of the set of folded records. Never looks
//! into a body, never reads the log; whatever is missing or damaged is folded anew.

mod codec;
mod compare;
mod derive;
mod index;
mod keys;
mod list;
mod look;
mod outcome;
mod query;
mod read;
mod staged;
mod view;

use std::collections::BTreeSet;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::apply::{Applied, apply};
use crate::model::id::{EventId, ObjectKey};
use crate::model::observation::{Observation, Snapshot};
use crate::storage::{self, Closing, SEGMENT_BYTES};

pub use compare::{Comparison, NAMED_MAX, StatusChange};
pub use derive::{PaymentRow, Settled};
pub use look::{Look, Touched};
pub use outcome::FoldOutcome;
pub use query::{
    Account, CURSOR_TEXT_BYTES_MAX, Collection, Cursor, EventQuery, InvalidCursor, ListQuery,
    PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, ScopeFilter,
};
pub use read::{Census, Shown, TypeCount};
pub use view::View;

use staged::Staged;

/// The version of the fold and of the rows that it writes. A change of either raises it, and every
/// projection of another version is folded anew.
pub const REDUCER_VERSION: u32 = 4;

/// The name of the tree that holds everything.
const TREE: &str = "state";
/// The key, in the database's default tree, of what the projection was made by.
const STAMP: &str = "stamp";

/// Why derived state cannot be used. It can always be thrown away and folded anew.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// A row is not what the fold wrote. *Handling*: `billfold rebuild`.
    #[error("the projection is damaged ({reason}): run `billfold rebuild`")]
    Damaged {
        /// What does not fit.
        reason: Arc<str>,
    },
    /// The storage failed. *Handling*: look at the disk, then restart.
    #[error("the projection's storage failed ({reason}): look at the disk, then restart")]
    Storage {
        /// What the storage said.
        reason: Arc<str>,
    },
    /// This user may not read or write there. *Handling*: give the user the right, then try again.
    #[error(
        "the projection's folder refuses this user ({reason}): give it the right to read and write there"
    )]
    Denied {
        /// What the operating system said.
        reason: Arc<str>,
    },
    /// The cursor is none of this list's. *Handling*: pass `next` unchanged.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// Another process has the folder open. *Handling*: stop it, or ask it instead.
    #[error("another process has the projection open")]
    Locked,
    /// A record that decides an object's state could not be read again. *Handling*: verify the log.
    #[error("a record that the projection needs cannot be read again: {reason}")]
    Recall {
        /// What the log said.
        reason: Arc<str>,
    },
}

impl From<sled::Error> for ProjectionError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Corruption { .. } => Self::Damaged { reason: "a page fails its checksum".into() },
            sled::Error::Io(io) => io.into(),
            other => Self::Storage { reason: other.to_string().into() },
        }
    }
}

impl From<io::Error> for ProjectionError {
    fn from(error: io::Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { reason: reason.into() }
            }
            _ if reason.contains("could not acquire lock") => Self::Locked,
            _ => Self::Storage { reason: reason.into() },
        }
    }
}

/// How far the fold has come, and along which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last folded position; 0 before the first.
    pub position: u64,
    /// The log's digest there: another log is noticed.
    pub digest: [u8; 32],
}

impl Checkpoint {
    /// Before the first record.
    pub const START: Self = Self { position: 0, digest: [0; 32] };
}

/// What made a projection. Another maker, another fold.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    reducer: u32,
    reference_keys: Vec<Box<str>>,
}

/// One record as the fold takes it.
#[derive(Debug)]
pub struct Step {
    /// Its id, as text.
    pub record: Box<str>,
    /// Its event type, as far as it says one.
    pub event_type: Option<Box<str>>,
    /// What came of decoding it.
    pub outcome: FoldOutcome,
    /// Why it is not folded, if that needs a word.
    pub reason: Option<Box<str>>,
    /// What it says.
    pub observation: Option<Box<Observation>>,
}

/// A record that changed no object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfolded {
    /// Its event type, as far as it says one.
    pub event_type: Option<Box<str>>,
    /// Why.
    pub reason: Option<Box<str>>,
}

/// Derived state on disk. It is read as its [`View`] is.
#[derive(Debug)]
pub struct Projection {
    db: Closing<sled::Db>,
    view: View<'static>,
    reference_keys: Vec<Box<str>>,
    /// This version wrote the rows, so that it can read them.
    readable: bool,
}

/// An opened projection, and whether it can be gone on with.
#[derive(Debug)]
pub enum Opened {
    /// It was made by this version, or is new.
    Ready(Projection),
    /// It was made by another version or under other settings: fold it anew. Its keys can be compared, its rows not read.
    Outdated(Projection),
}

impl Deref for Projection {
    type Target = View<'static>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl Projection {
    /// Opens or creates the projection in `dir`.
    ///
    /// # Errors
    /// [`ProjectionError`]; all but [`ProjectionError::Locked`] are mended by throwing it away.
    pub fn open(
        dir: &Path,
        cache_bytes: u64,
        reference_keys: &[Box<str>],
    ) -> Result<Opened, ProjectionError> {
        storage::create(dir)?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            // Space is cheap here: what is stale is thrown away with the projection.
            .mode(sled::Mode::HighThroughput)
            .segment_size(SEGMENT_BYTES)
            // Whoever folds flushes, the feed first.
            .flush_every_ms(None);
        let db = Closing::new(open_patiently(&config)?);
        let stamp = Stamp { reducer: REDUCER_VERSION, reference_keys: reference_keys.to_vec() };
        if db.get(STAMP)?.is_none() {
            db.insert(STAMP, codec::encode(&stamp)?)?;
        }
        let found = db.get(STAMP)?.and_then(|bytes| codec::decode::<Stamp>(&bytes).ok());
        let readable = found.as_ref().is_some_and(|found| found.reducer == REDUCER_VERSION);
        let view = View::of(db.open_tree(TREE)?);
        let projection = Self { db, view, reference_keys: reference_keys.to_vec(), readable };
        Ok(if found == Some(stamp) { Opened::Ready(projection) } else { Opened::Outdated(projection) })
    }

    /// An empty projection that goes away with its last handle.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn temporary(
        dir: &Path,
        cache_bytes: u64,
        reference_keys: &[Box<str>],
    ) -> Result<Self, ProjectionError> {
        storage::create(dir)?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .mode(sled::Mode::HighThroughput)
            .flush_every_ms(None)
            .temporary(true);
        let db = Closing::new(config.open()?);
        let view = View::of(db.open_tree(TREE)?);
        Ok(Self { db, view, reference_keys: reference_keys.to_vec(), readable: true })
    }

    /// Whether its rows can be read: they were written by this version.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        self.readable
    }

    /// How far the fold has come. Every version writes that alike.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn checkpoint(&self) -> Result<Checkpoint, ProjectionError> {
        match self.view.get(keys::CHECKPOINT)? {
            Some(bytes) => codec::decode(&bytes),
            None => Ok(Checkpoint::START),
        }
    }

    /// Folds a page of records and moves the checkpoint, all in one atomic write.
    ///
    /// `recall` reads the snapshot of an earlier record again.
    ///
    /// # Errors
    /// [`ProjectionError`]; then nothing of the page is written.
    pub fn fold(
        &self,
        page: Vec<Step>,
        checkpoint: Checkpoint,
        recall: &dyn Fn(&EventId) -> Result<Snapshot, ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let mut staged = Staged::new(&self.view.tree, &self.reference_keys);
        for step in page {
            fold_one(&mut staged, step, recall)?;
        }
        settle(&mut staged)?;
        staged.commit(checkpoint)
    }

    /// Folds records anew that were not understood before. The checkpoint stays.
    ///
    /// # Errors
    /// [`ProjectionError`]; then nothing is written.
    pub fn refold(
        &self,
        page: Vec<(FoldOutcome, Step)>,
        recall: &dyn Fn(&EventId) -> Result<Snapshot, ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let mut staged = Staged::new(&self.view.tree, &self.reference_keys);
        for (before, step) in page {
            let event_type = step.event_type.clone().unwrap_or_default();
            staged.remove(keys::unfolded(before.as_str(), &step.record));
            staged.count(keys::count(before.as_str(), &event_type), -1);
            fold_one(&mut staged, step, recall)?;
        }
        settle(&mut staged)?;
        let checkpoint = self.checkpoint()?;
        staged.commit(checkpoint)
    }

    /// A digest over every byte that is a function of the records: all but the checkpoint.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn digest(&self) -> Result<[u8; 32], ProjectionError> {
        let mut hash = Sha256::new();
        for item in self.view.tree.iter() {
            let (key, value) = item?;
            if key == keys::CHECKPOINT {
                continue;
            }
            for part in [&key, &value] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        Ok(hash.finalize().into())
    }

    /// Writes out what the operating system still holds back. Not needed for safety, only for a
    /// quick next start.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn flush(&self) -> Result<(), ProjectionError> {
        self.db.flush()?;
        Ok(())
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn size_on_disk(&self) -> Result<u64, ProjectionError> {
        Ok(self.db.size_on_disk()?)
    }
}

/// How often a folder that this process has just closed is tried again.
const OPEN_TRIES_MAX: u32 = 500;
/// How long to wait between the tries.
const OPEN_PAUSE: Duration = Duration::from_millis(10);

/// Opens what this process may just have closed: sled gives its lock back a moment after the last handle is gone.
/// Whoever opens a projection holds the log's lock, so that no other process can be in the way for longer.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, ProjectionError> {
    let mut tries = 0;
    loop {
        // sled panics on some damaged files; a projection may never stop the start.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open()));
        let opened = opened.map_err(|_| ProjectionError::Damaged { reason: "it cannot be opened".into() })?;
        match opened.map_err(ProjectionError::from) {
            Err(ProjectionError::Locked) if tries < OPEN_TRIES_MAX => std::thread::sleep(OPEN_PAUSE),
            outcome => return outcome,
        }
        tries += 1;
    }
}

/// Brings everything that follows from the changed objects up to date; returns those objects, and the payments that were
/// derived anew.
fn settle(staged: &mut Staged<'_>) -> Result<(BTreeSet<ObjectKey>, Vec<Settled>), ProjectionError> {
    let changed = staged.settle_objects()?;
    let payments = derive::settle_payments(staged, &changed)?;
    Ok((changed, payments))
}

fn fold_one(
    staged: &mut Staged<'_>,
    step: Step,
    recall: &dyn Fn(&EventId) -> Result<Snapshot, ProjectionError>,
) -> Result<(), ProjectionError> {
    let event_type = step.event_type.clone().unwrap_or_default();
    staged.count(keys::count(step.outcome.as_str(), &event_type), 1);
    let Some(observation) = step.observation else {
        if step.outcome != FoldOutcome::NotFolded {
            let row = Unfolded { event_type: step.event_type, reason: step.reason };
            staged.write(keys::unfolded(step.outcome.as_str(), &step.record), codec::encode(&row)?);
        }
        return Ok(());
    };
    let key = observation.key.clone();
    let object = staged.take(&key)?;
    let newest = object.as_ref().map(|object| object.newest);
    match apply(object, *observation, &mut staged.moments_of(&key, newest))? {
        Applied::Known(object) => object.map_or(Ok(()), |object| staged.put(*object, false)),
        Applied::Folded(object) => staged.put(*object, true),
        Applied::Recall { object, winner } => {
            let snapshot = recall(&winner)?;
            staged.put(object.with_snapshot(snapshot), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_folded_is_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let place = folder.path().join("projection");
        let Opened::Ready(_projection) = Projection::open(&place, 1 << 20, &[]).unwrap() else { panic!() };
        assert_eq!(fs::metadata(place).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_refusal_is_told_from_a_broken_disk() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            let error = ProjectionError::from(sled::Error::Io(kind.into()));
            assert!(matches!(error, ProjectionError::Denied { .. }), "{error}");
            assert!(error.to_string().contains("give it the right"), "{error}");
        }
        let broken = ProjectionError::from(sled::Error::Io(io::ErrorKind::StorageFull.into()));
        assert!(matches!(broken, ProjectionError::Storage { .. }), "{broken}");
    }
}
