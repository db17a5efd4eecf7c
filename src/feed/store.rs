//! Rows in sled: opening, looking up, one atomic write, and the sync that sled itself does not do.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use sled::{Batch, Db, IVec};

use super::codec::{self, Unreadable};
use super::{FeedError, Meta, keys};
use crate::model::feed::{Entry, Standing, Subject};
use crate::storage::{self, Closing, SEGMENT_BYTES, SledFile};

/// The most entries that are written without a sync; a page counts as one more, and may have none.
///
/// sled moves what lives in an old segment and uses the segment again, two segments (32 MiB) later at the earliest, without
/// knowing whether the disk has what it moved. An entry and what was said last of its subject are a few hundred bytes, and
/// sled writes them and what it moves for them ten times over.
const UNSYNCED_ENTRIES_MAX: usize = 4_096;

/// The feed's rows.
pub(super) struct Store {
    db: Closing<Db>,
    /// Declared, and so dropped, after the database.
    file: SledFile,
    folder: PathBuf,
    /// Entries, and pages of them, written since the last sync.
    unsynced: AtomicUsize,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens what lies in the folder, or makes an empty feed beside it and moves it there when it is durable.
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, FeedError> {
        if !folder.try_exists()? {
            let unfinished = storage::begin_beside(folder)?;
            drop(Self::open_in(&unfinished, folder, cache_bytes)?);
            std::fs::rename(&unfinished, folder)?;
        }
        storage::remove_unfinished_snapshots(folder)?;
        let opened = Self::open_in(folder, folder, cache_bytes)?;
        // An earlier process may have made the name, and been killed before it could sync it.
        match folder.parent().map_or(Ok(()), storage::sync_folder) {
            // Somebody else's folder above ours.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        Ok(opened)
    }

    /// What is told is about the feed of `told`.
    fn open_in(folder: &Path, told: &Path, cache_bytes: u64) -> Result<Self, FeedError> {
        let config = sled::Config::new()
            .path(folder)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            // Whoever makes or reads entries flushes; behind their back it would only cost.
            .flush_every_ms(None);
        let damaged = |reason: &str| FeedError::Damaged { path: told.to_owned(), reason: reason.into() };
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| damaged("the storage panicked while opening it"))?
            .map_err(|error| match error {
                sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
                    FeedError::Locked { path: told.to_owned() }
                }
                sled::Error::Io(error) => error.into(),
                other => damaged(&other.to_string()),
            })?;
        let db = Closing::new(db);
        let file = SledFile::open(folder)?;
        // As one from here on: the file waits for the database's lock, so the database has to go first.
        let store = Self { db, file, folder: told.to_owned(), unsynced: AtomicUsize::new(0) };
        // What was found may not be durable yet.
        store.file.sync_opened(folder)?;
        storage::sync_folder(folder)?;
        Ok(store)
    }

    pub(super) fn damaged(&self, reason: &str) -> FeedError {
        FeedError::Damaged { path: self.folder.clone(), reason: reason.into() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn unreadable(&self, unreadable: Unreadable) -> FeedError {
        match unreadable {
            Unreadable::Damaged(reason) => self.damaged(reason),
            Unreadable::Newer => FeedError::NewerFormat { path: self.folder.clone() },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.db.is_empty()
    }

    pub(super) fn size_on_disk(&self) -> Result<u64, FeedError> {
        Ok(self.db.size_on_disk()?)
    }

    pub(super) fn meta(&self) -> Result<Option<Meta>, FeedError> {
        let row = self.db.get(keys::META)?;
        row.map(|row| codec::decode_meta(&row)).transpose().map_err(|error| self.unreadable(error))
    }

    /// The number of the newest entry; 0 without one.
    pub(super) fn last_number(&self) -> Result<u64, FeedError> {
        let last = self.db.range(keys::entry(0)..=keys::entry(u64::MAX)).next_back().transpose()?;
        Ok(last.and_then(|(key, _)| keys::entry_number(&key)).unwrap_or(0))
    }

    /// The entries from one number to another, without a hole.
    pub(super) fn entries(&self, first: u64, last: u64, max: usize) -> Result<Vec<Entry>, FeedError> {
        let mut entries = Vec::new();
        let mut expected = first;
        for row in self.db.range(keys::entry(first)..=keys::entry(last)).take(max) {
            let (key, row) = row?;
            if keys::entry_number(&key) != Some(expected) {
                return Err(self.damaged(&format!("entry {expected} is missing")));
            }
            entries.push(codec::decode_entry(expected, &row).map_err(|error| self.unreadable(error))?);
            expected = expected.saturating_add(1);
        }
        if entries.is_empty() && first <= last {
            return Err(self.damaged(&format!("entry {first} is missing")));
        }
        Ok(entries)
    }

    /// One entry as it is stored.
    pub(super) fn entry(&self, number: u64) -> Result<Option<Entry>, FeedError> {
        let row = self.db.get(keys::entry(number))?;
        row.map(|row| codec::decode_entry(number, &row)).transpose().map_err(|error| self.unreadable(error))
    }

    pub(super) fn latest(&self, subject: &Subject) -> Result<Option<(Standing, u64)>, FeedError> {
        let row = self.db.get(keys::latest(subject))?;
        row.map(|row| codec::decode_latest(&row)).transpose().map_err(|error| self.unreadable(error))
    }

    /// A page of the subjects, in the order of their keys.
    pub(super) fn subjects(&self, after: Option<&Subject>, max: usize) -> Result<Vec<Subject>, FeedError> {
        let start = after.map_or_else(|| keys::subjects().to_vec(), keys::latest);
        let mut found = Vec::new();
        for row in self.db.range((std::ops::Bound::Excluded(start), std::ops::Bound::Unbounded)).take(max) {
            let (key, _) = row?;
            if !key.starts_with(&keys::subjects()) {
                break;
            }
            found.push(
                keys::subject(&key).ok_or_else(|| self.damaged("the key of a subject makes no sense"))?,
            );
        }
        Ok(found)
    }

    pub(super) fn cursor(&self, name: &str) -> Result<Option<u64>, FeedError> {
        self.db.get(keys::cursor(name))?.map(|row| self.cursor_number(&row)).transpose()
    }

    pub(super) fn cursors(&self) -> Result<Vec<(Box<str>, u64)>, FeedError> {
        let mut found = Vec::new();
        for row in self.db.scan_prefix(keys::cursors()) {
            let (key, row) = row?;
            let name = keys::cursor_name(&key).ok_or_else(|| self.damaged("a cursor has no name"))?;
            found.push((name.into(), self.cursor_number(&row)?));
        }
        Ok(found)
    }

    fn cursor_number(&self, row: &IVec) -> Result<u64, FeedError> {
        codec::decode_cursor(row).map_err(|error| self.unreadable(error))
    }

    pub(super) fn put_cursor(&self, name: &str, number: u64) -> Result<(), FeedError> {
        self.db.insert(keys::cursor(name), encoded(codec::encode_cursor(number))?)?;
        Ok(())
    }

    pub(super) fn remove_cursor(&self, name: &str) -> Result<bool, FeedError> {
        Ok(self.db.remove(keys::cursor(name))?.is_some())
    }

    /// Writes entries, what they said last of each subject, and how far the feed is made, in one piece.
    pub(super) fn write<'e>(
        &self,
        entries: &[Entry],
        latest: impl Iterator<Item = (&'e Subject, &'e (Standing, u64))>,
        meta: &Meta,
    ) -> Result<(), FeedError> {
        let mut batch = Batch::default();
        for entry in entries {
            batch.insert(&keys::entry(entry.number), encoded(codec::encode_entry(entry))?);
        }
        for (subject, (standing, number)) in latest {
            batch.insert(keys::latest(subject), encoded(codec::encode_latest(standing, *number))?);
        }
        batch.insert(keys::META, encoded(codec::encode_meta(meta))?);
        self.db.apply_batch(batch)?;
        // A page without entries writes, too: how far the feed is made.
        self.unsynced.fetch_add(entries.len().saturating_add(1), Ordering::Relaxed);
        Ok(())
    }

    /// Whether so much was written since the last sync that nothing more may be, before there is one.
    pub(super) fn must_sync(&self) -> bool {
        self.unsynced.load(Ordering::Relaxed) >= UNSYNCED_ENTRIES_MAX
    }

    /// Hands everything over to the operating system.
    pub(super) fn flush(&self) -> Result<(), FeedError> {
        self.db.flush()?;
        Ok(())
    }

    /// Makes everything durable that was written before.
    pub(super) fn sync(&self) -> Result<(), Box<str>> {
        let written = self.unsynced.load(Ordering::Relaxed);
        self.db.flush().map_err(|error| error.to_string())?;
        self.file.sync().map_err(|error| error.to_string())?;
        // What was written meanwhile is counted on.
        self.unsynced.fetch_sub(written, Ordering::Relaxed);
        Ok(())
    }
}

fn encoded(row: Result<Vec<u8>, String>) -> Result<Vec<u8>, FeedError> {
    row.map_err(|reason| FeedError::Storage { reason: reason.into() })
}

/// Rows past all rules: how tests let them rot.
#[cfg(test)]
impl Store {
    pub(super) fn raw(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.db.get(key).unwrap().map(|row| row.to_vec())
    }

    pub(super) fn put_raw(&self, key: &[u8], row: &[u8]) {
        self.db.insert(key, row).unwrap();
    }

    pub(super) fn remove_raw(&self, key: &[u8]) {
        self.db.remove(key).unwrap();
    }
}
