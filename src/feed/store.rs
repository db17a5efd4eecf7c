//! Rows in sled: opening, looking up, one atomic write, and the sync that sled itself does not do.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::{Batch, Db, IVec};

use super::codec::{self, Unreadable};
use super::{FeedError, Meta, keys};
use crate::model::feed::{Entry, Standing, Subject};

/// Larger than sled's default, so that no row is put into a file of its own.
const SEGMENT_BYTES: usize = 16 * 1024 * 1024;
/// How often, [`RELEASE_PAUSE`] apart, a closed feed looks whether its folder is free.
const RELEASE_TRIES_MAX: u32 = 5_000;
/// How long it waits between two looks.
const RELEASE_PAUSE: Duration = Duration::from_millis(1);

/// sled's file through our own descriptor: sled's flush ends in `sync_file_range`, which covers neither the file's growth
/// nor the disk's cache.
struct SledFile(File);

impl Drop for SledFile {
    /// Waits for sled's background threads to let go of the file, so that a closed feed can be opened again at once.
    fn drop(&mut self) {
        for _ in 0..RELEASE_TRIES_MAX {
            match self.0.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(RELEASE_PAUSE),
                Ok(()) => return self.0.unlock().unwrap_or_default(),
                Err(TryLockError::Error(_)) => return,
            }
        }
    }
}

/// sled's database. Closing it ends in a sync, and sled panics if that fails.
struct Database(Option<Db>);

impl std::ops::Deref for Database {
    type Target = Db;

    fn deref(&self) -> &Db {
        match &self.0 {
            Some(db) => db,
            None => unreachable!("it is closed when nobody has it any more"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let db = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
    }
}

/// The feed's rows.
pub(super) struct Store {
    db: Database,
    /// Declared, and so dropped, after the database.
    file: SledFile,
    folder: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, FeedError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            // Whoever makes or reads entries flushes; behind their back it would only cost.
            .flush_every_ms(None);
        let damaged = |reason: &str| FeedError::Damaged { path: folder.to_owned(), reason: reason.into() };
        let db = catch_unwind(AssertUnwindSafe(|| config.open()))
            .map_err(|_| damaged("the storage panicked while opening it"))?
            .map_err(|error| match error {
                sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
                    FeedError::Locked { path: folder.to_owned() }
                }
                sled::Error::Io(error) => error.into(),
                other => damaged(&other.to_string()),
            })?;
        let db = Database(Some(db));
        let file = SledFile(File::options().write(true).open(folder.join("db"))?);
        // What was found may not be durable yet: sled syncs neither its file's growth nor its files' names.
        file.0.sync_all()?;
        File::open(folder.join("conf"))?.sync_all()?;
        sync_folder(folder)?;
        if let Some(above) = folder.parent() {
            sync_folder(above)?;
        }
        Ok(Self { db, file, folder: folder.to_owned() })
    }

    pub(super) fn damaged(&self, reason: &str) -> FeedError {
        FeedError::Damaged { path: self.folder.clone(), reason: reason.into() }
    }

    fn unreadable(&self, unreadable: Unreadable) -> FeedError {
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
        Ok(self.db.apply_batch(batch)?)
    }

    /// Hands everything over to the operating system.
    pub(super) fn flush(&self) -> Result<(), FeedError> {
        self.db.flush()?;
        Ok(())
    }

    /// Makes everything durable that was written before.
    pub(super) fn sync(&self) -> Result<(), Box<str>> {
        self.db.flush().map_err(|error| error.to_string())?;
        self.file.0.sync_data().map_err(|error| error.to_string())?;
        Ok(())
    }
}

fn encoded(row: Result<Vec<u8>, String>) -> Result<Vec<u8>, FeedError> {
    row.map_err(|reason| FeedError::Storage { reason: reason.into() })
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Somebody else's folder above ours.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
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
