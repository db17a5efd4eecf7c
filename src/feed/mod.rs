//! The feed: every real change of what is folded, once, numbered from 1 without holes. Ground state, beside the log.
//!
//! Never decides what a change is (`model/feed` does), never reads the log or a projection, never rewrites an entry.
//!
//! # Rules
//! 1. A page of entries, what they said last of each subject, and the position up to which the feed is made are one atomic
//!    write.
//! 2. Nobody is shown an entry before it is durable: reading syncs first, where that is needed. Making entries waits for
//!    the disk only where thousands were made since the last sync.
//! 3. What lies at or before [`Feed::through`] is never made again: folding the same records again is silent.
//!
//! | key | value |
//! |---|---|
//! | `e` ‖ number (8, big-endian) | an entry |
//! | `l` ‖ topic ‖ mode ‖ account ‖ 0 ‖ object | what was said last of a subject, and the number of that entry |
//! | `c` ‖ name | a cursor: the number of the last entry that its reader has done with |
//! | `m` | how far the feed is made, and by what |
//!
//! Every value is a version byte, bincode, and a checksum (`codec.rs`).

mod check;
mod codec;
mod copy;
mod cursor;
mod draft;
mod error;
mod keys;
mod store;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use crate::model::access::Policy;
use crate::model::feed::{Entry, Standing, Subject};
use crate::model::time::Millis;

pub use check::{Checked, FINDINGS_MAX};
pub use copy::{FeedCopy, FeedSnapshot};
pub use cursor::{CURSOR_NAME_BYTES_MAX, CURSORS_MAX, FeedCursor};
pub use draft::{Draft, Made};
pub use error::FeedError;

use store::Store;

/// The most entries that are read at once.
pub const PAGE_ENTRIES_MAX: usize = 1_000;

/// What decides how records become entries: where it is another one, everything is compared once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maker {
    /// The version of the fold.
    pub reducer: u32,
    /// A digest of the policy of access.
    pub policy: [u8; 32],
}

impl Maker {
    /// Of a version of the fold and a policy.
    #[must_use]
    pub fn new(reducer: u32, policy: &Policy) -> Self {
        Self { reducer, policy: codec::policy_digest(policy) }
    }
}

/// How far the feed is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// The last position whose record was looked at; 0 before the first.
    pub position: u64,
    /// The log's digest there: another log is noticed.
    pub digest: [u8; 32],
    /// When that record came.
    pub received_at: Millis,
}

impl Through {
    /// Before the first record.
    pub const START: Self = Self { position: 0, digest: [0; 32], received_at: Millis(i64::MIN) };
}

/// The state of the feed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The number of the newest entry; 0 before the first.
    pub(crate) head: u64,
    pub(crate) through: Through,
    pub(crate) maker: Maker,
    /// A copy that was broken off: entries are still to come.
    pub(crate) unfinished: bool,
}

/// The feed in a folder of its own.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    /// What is written.
    meta: Mutex<Meta>,
    /// Held by whoever makes entries.
    drafting: Mutex<()>,
    /// Held by whoever puts a cursor.
    cursors: Mutex<()>,
    /// The number of the newest entry, durable or not.
    head: watch::Sender<u64>,
    /// Tells the threads that wait for new entries, with the lock that they wait under.
    grown: (Mutex<()>, Condvar),
    /// Everything up to here is durable.
    durable: AtomicU64,
    /// Held by the one sync that is under way.
    syncing: Mutex<()>,
    poisoned: OnceLock<Box<str>>,
}

impl Feed {
    /// Opens the feed in `folder`, which is made (mode 0700) if it is missing, for entries of this maker.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn open(folder: &Path, cache_bytes: u64, maker: Maker) -> Result<Self, FeedError> {
        let feed = Self::open_copy(folder, cache_bytes, maker)?;
        if feed.meta().unfinished {
            return Err(FeedError::Unfinished { path: folder.to_owned() });
        }
        Ok(feed)
    }

    /// The same, a copy that was broken off too.
    pub(crate) fn open_copy(folder: &Path, cache_bytes: u64, maker: Maker) -> Result<Self, FeedError> {
        let store = Store::open(folder, cache_bytes)?;
        let meta = match store.meta()? {
            Some(meta) => meta,
            None if store.is_empty() => Meta { head: 0, through: Through::START, maker, unfinished: false },
            None => return Err(store.damaged("it does not say how far it is made")),
        };
        if store.last_number()? != meta.head {
            return Err(store.damaged("its newest entries are missing"));
        }
        Ok(Self {
            store,
            head: watch::Sender::new(meta.head),
            grown: (Mutex::new(()), Condvar::new()),
            // Opening has made durable whatever was found.
            durable: AtomicU64::new(meta.head),
            meta: Mutex::new(meta),
            drafting: Mutex::new(()),
            cursors: Mutex::new(()),
            syncing: Mutex::new(()),
            poisoned: OnceLock::new(),
        })
    }

    pub(crate) fn meta(&self) -> Meta {
        *locked(&self.meta)
    }

    /// How far the feed is made.
    #[must_use]
    pub fn through(&self) -> Through {
        self.meta().through
    }

    /// What made it.
    #[must_use]
    pub fn maker(&self) -> Maker {
        self.meta().maker
    }

    /// The number of the newest entry; 0 before the first.
    #[must_use]
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// Tells of new entries.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Blocks this thread until there are entries behind `number`.
    pub fn wait_beyond(&self, number: u64) {
        let (lock, grown) = &self.grown;
        let mut guard = locked(lock);
        while self.head() <= number {
            guard = grown.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shows the head, and wakes whoever waits for it.
    fn show(&self, head: u64) {
        self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
        // Under the lock: nobody is between looking and waiting then.
        let _looking = locked(&self.grown.0);
        self.grown.1.notify_all();
    }

    /// Bytes on disk.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn size_on_disk(&self) -> Result<u64, FeedError> {
        self.store.size_on_disk()
    }

    /// What was said last of a subject; none if nothing was.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn said(&self, subject: &Subject) -> Result<Option<Standing>, FeedError> {
        Ok(self.store.latest(subject)?.map(|(standing, _)| standing))
    }

    /// A page of the subjects that something was said of, in the order of their keys, behind `after`.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn subjects(&self, after: Option<&Subject>, max: usize) -> Result<Vec<Subject>, FeedError> {
        self.store.subjects(after, max)
    }

    /// The entries with these numbers, as far as there are, at most [`PAGE_ENTRIES_MAX`]. They are durable.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn read(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Entry>, FeedError> {
        let last = (*numbers.end()).min(self.head());
        if *numbers.start() > last {
            return Ok(Vec::new());
        }
        self.sync_to(last)?;
        self.store.entries(*numbers.start(), last, PAGE_ENTRIES_MAX)
    }

    /// Makes everything durable that was made so far.
    ///
    /// # Errors
    /// [`FeedError::Poisoned`]: then nothing is known about the newest entries.
    pub fn sync(&self) -> Result<(), FeedError> {
        let _alone = locked(&self.syncing);
        self.sync_now()
    }

    /// The same, unless everything up to `number` is durable. Who comes meanwhile waits, and profits.
    fn sync_to(&self, number: u64) -> Result<(), FeedError> {
        if self.durable.load(Ordering::Acquire) >= number {
            return Ok(());
        }
        let _alone = locked(&self.syncing);
        if self.durable.load(Ordering::Acquire) >= number {
            return Ok(());
        }
        self.sync_now()
    }

    /// Syncs if so much was written since the last time that what was durable before is in danger.
    fn sync_if_due(&self) -> Result<(), FeedError> {
        if self.store.must_sync() { self.sync() } else { Ok(()) }
    }

    fn sync_now(&self) -> Result<(), FeedError> {
        self.check_sound()?;
        // Read before: what comes meanwhile may or may not be part of it.
        let head = self.head();
        if let Err(reason) = self.store.sync() {
            let _ = self.poisoned.set(reason);
        }
        self.check_sound()?;
        self.durable.fetch_max(head, Ordering::AcqRel);
        Ok(())
    }

    /// Hands over to the operating system what was made so far: it survives the end of this process, not yet a loss of
    /// power.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn flush(&self) -> Result<(), FeedError> {
        self.check_sound()?;
        self.store.flush()
    }

    /// Nothing is known of what was written after a sync has failed: it has to be opened again.
    fn check_sound(&self) -> Result<(), FeedError> {
        match self.poisoned.get() {
            Some(reason) => Err(FeedError::Poisoned { reason: reason.as_ref().into() }),
            None => Ok(()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is held here is half done when a thread panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
