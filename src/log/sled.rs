//! The durable log, on sled 0.34.
//!
//! Never acknowledges before `fdatasync`; never lets sled's types out of this room.
//!
//! One thread writes. What waits in the queue becomes one *commit*: duplicates are dropped, the rest is encoded into
//! *blocks* (see `block.rs`), one atomic batch, sled's flush, then `fdatasync` on sled's file through a second
//! descriptor, because sled's flush ends in `sync_file_range`, which covers neither the file's growth nor the disk's cache.
//!
//! | key | value |
//! |---|---|
//! | `b` ‖ first position (8, big-endian) ‖ chunk (2, big-endian) | a block of records, or a piece of one |
//! | `i` ‖ provider ‖ 0 ‖ `e` or `q` ‖ event id or quarantine hash | position (8, big-endian) ‖ first 8 bytes of the raw body's SHA-256 |
//! | `g` ‖ position (8, big-endian) | the position before it (8, big-endian): what lay between is lost, and was said to be |
//! | `mlayout` | the version of this table (4, big-endian) |
//!
//! The file `layout` beside them says the same in words, and is read before sled is let near the folder; so is `mark`,
//! which says how far the log is durable (`mark.rs`).

mod block;
mod commit;
mod copy;
#[cfg(fuzzing)]
pub(in crate::log) mod fuzzing;
mod inspect;
mod mark;
mod open;
mod queue;
mod raw;
mod salvage;
mod store;
mod tail;
mod transfer;
mod writer;

pub use copy::LogCopy;
pub use salvage::{Salvage, Salvaged};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
pub use transfer::{pack, unpack};

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::ack::Ack;
use super::encoded::Encoded;
use super::error::{AppendError, OpenError, ReadError};
use super::inspection::{Inspection, Lost};
use super::record::{Head, NewRecord, Position, Provider, Record, RecordId};
use super::{EventLog, Vitals, codec};
use queue::{Queue, Request};
use store::{Store, Tail};
use writer::Writer;

#[cfg(test)]
pub(in crate::log) use store::{Fault, Step};

/// How a [`SledLog`] is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SledOptions {
    /// What sled may keep in memory, in bytes. It goes somewhat beyond.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 32 * 1024 * 1024 }
    }
}

/// A durable log in a folder of its own. Dropping it stores what is queued, closes, and waits until the folder is free again.
#[derive(Debug)]
pub struct SledLog {
    store: Arc<Store>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// What the writer tells everybody else.
#[derive(Debug)]
struct Shared {
    head: Mutex<Head>,
    poisoned: OnceLock<Arc<str>>,
    /// Only a repair adds to them, and it has the log for itself.
    lost: Vec<Lost>,
}

impl Shared {
    fn head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_head(&self, head: Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }
}

impl SledLog {
    /// Opens the log in `folder`, which is created (mode 0700) if it is missing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: &Path, options: &SledOptions) -> Result<Self, OpenError> {
        let (store, tail) = open::open(folder, options)?;
        Self::start(store, tail, folder)
    }

    /// As [`SledLog::open`], on a disk that breaks where the test says.
    #[cfg(test)]
    pub(in crate::log) fn open_on(folder: &Path, fault: Fault) -> Result<Self, OpenError> {
        let (mut store, tail) = open::open(folder, &SledOptions::default())?;
        store.fault = Some(fault);
        Self::start(store, tail, folder)
    }

    /// Walks over everything that is stored, holds each byte against every other that says the same, and shows each
    /// whole record to `each`. Does not stop at damage.
    pub fn inspect(&self, each: &mut dyn FnMut(&Record)) -> Inspection {
        inspect::inspect(&self.store, self.head().position, each)
    }

    fn start(store: Store, tail: Tail, folder: &Path) -> Result<Self, OpenError> {
        let lost = store.lost().map_err(|error| open::unreadable(folder, &error))?;
        let store = Arc::new(store);
        let queue = Arc::new(Queue::default());
        let shared = Arc::new(Shared { head: Mutex::new(tail.head), poisoned: OnceLock::new(), lost });
        let writer = Writer::new(store.clone(), queue.clone(), shared.clone(), tail);
        let thread = std::thread::Builder::new().name("billfold-log".to_owned());
        let writer = thread.spawn(move || writer.run()).map_err(|error| OpenError::Storage {
            path: folder.to_owned(),
            reason: error.to_string().into(),
        })?;
        Ok(Self { store, queue, shared, writer: Some(writer) })
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has poisoned the log and acknowledged nothing since.
            let _ = writer.join();
        }
    }
}

impl EventLog for SledLog {
    fn append(&self, records: Vec<NewRecord>) -> Ack {
        if let Some(reason) = self.poisoned() {
            return Ack::ready(Err(AppendError::Poisoned { reason }));
        }
        let prepared = records.into_iter().map(codec::Prepared::new).collect();
        match prepared {
            Ok(records) => {
                let (sender, ack) = Ack::channel();
                self.queue.push(Request { records, ack: sender });
                ack
            }
            Err(error) => Ack::ready(Err(error)),
        }
    }

    fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError> {
        // Blocks beyond the head are not durable yet.
        guarded(|| self.store.read(after, self.head().position, max))
    }

    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError> {
        guarded(|| match self.store.known(&store::id_key(provider, id))? {
            Some(known) if known.position <= self.head().position => {
                self.store.record(known.position).map(Some)
            }
            _ => Ok(None),
        })
    }

    fn head(&self) -> Head {
        self.shared.head()
    }

    fn lost(&self) -> Vec<Lost> {
        self.shared.lost.clone()
    }

    fn poisoned(&self) -> Option<Arc<str>> {
        self.shared.poisoned.get().cloned()
    }

    fn vitals(&self) -> Option<&Vitals> {
        Some(&self.store.vitals)
    }
}

/// sled panics on some damaged pages: for whoever reads, that is an error like any other.
fn guarded<T>(work: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(ReadError::Storage { reason: "the storage panicked over a damaged page".into() })
    })
}

#[cfg(test)]
mod tests;
