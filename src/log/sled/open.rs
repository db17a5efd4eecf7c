//! Opening the folder: settings, lock, version, and every way in which that fails, in words.
//!
//! Never repairs and never deletes: a folder that makes no sense stays as it is. sled would cut off what it cannot read,
//! so the folder is looked at before sled opens it (`tail.rs`).

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use sled::Db;

use super::SledOptions;
use super::mark::{Mark, Marker};
use super::store::{SledFile, Store, Tail};
use super::tail::{self, Look};
use crate::log::error::{OpenError, ReadError};
use crate::log::record::Position;

/// sled's segment size, in bytes. It decides which values stay in sled's main file: see `block.rs`. Fixed for good once a log exists.
pub(super) const SEGMENT_BYTES: usize = 16 * 1024 * 1024;

/// In the database: it holds a log. A database that recovers without it has lost everything.
const LAYOUT_KEY: &[u8] = b"mlayout";

/// Beside the database, so that an older binary reads it before it lets a database of a newer kind be opened.
const LAYOUT_FILE: &str = "layout";
const LAYOUT_WORDS: &str = "billfold log ";

/// The version of the keys and values in `sled.rs`, and of the choice of sled.
const LAYOUT: u32 = 1;

pub(super) fn open(folder: &Path, options: &SledOptions) -> Result<(Store, Tail), OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
    create(folder).map_err(|error| refused(&error))?;
    let known = check_layout_file(folder)?;
    let mark = Mark::read(folder).map_err(|error| refused(&error))?;
    let look = look(folder, mark.as_ref())?;
    let config = sled::Config::new()
        .path(folder)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(options.cache_bytes)
        .use_compression(false)
        // The writer flushes; a flush behind its back would only cost.
        .flush_every_ms(None);
    let db = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|_| damaged(folder, "the storage panicked while opening it"))?
        .map_err(|error| from_sled(folder, error))?;
    check_layout_key(folder, &db, known)?;
    let file = File::options().write(true).open(folder.join("db")).map_err(|error| refused(&error))?;
    let file = SledFile(file);
    make_durable(folder, &file.0, known).map_err(|error| refused(&error))?;
    let mut store = Store { db, file, marker: Mutex::new(None), fault: None };
    let tail = catch_unwind(AssertUnwindSafe(|| store.tail()))
        .map_err(|_| damaged(folder, "the storage panicked while reading its end"))?
        .map_err(|error| unreadable(folder, &error))?;
    if let Some(mark) = mark {
        check_mark(folder, &store, &tail, &mark)?;
    }
    if look == Look::Torn {
        check_whole(folder, &store)?;
    }
    let marker = begin_mark(folder, &tail).map_err(|error| refused(&error))?;
    store.marker = Mutex::new(Some(marker));
    Ok((store, tail))
}

/// Looks at the end of sled's file while nobody else can be writing it.
fn look(folder: &Path, mark: Option<&Mark>) -> Result<Look, OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
    match File::options().read(true).open(folder.join("db")) {
        Ok(file) => match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path: folder.to_owned() }),
            // Where files cannot be locked, sled says so.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        },
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Look::Whole),
        Err(error) => return Err(refused(&error)),
    }
    tail::remove_unfinished(folder).map_err(|error| refused(&error))?;
    match tail::look(folder, mark).map_err(|error| refused(&error))? {
        Look::Lost(found) => {
            let known = mark.map_or(found, |mark| mark.position);
            Err(OpenError::RecordsLost { path: folder.to_owned(), found, known })
        }
        Look::Rotten(byte) => Err(damaged(folder, &format!("its file db cannot be read at byte {byte}"))),
        look => Ok(look),
    }
}

/// What was durable once is still there, and on the same chain.
fn check_mark(folder: &Path, store: &Store, tail: &Tail, mark: &Mark) -> Result<(), OpenError> {
    let (found, known) = (tail.head.position, mark.position);
    if found < known {
        return Err(OpenError::RecordsLost { path: folder.to_owned(), found, known });
    }
    if known == Position::START {
        return Ok(());
    }
    let read = catch_unwind(AssertUnwindSafe(|| store.record(known)));
    match read.map_err(|_| damaged(folder, "the storage panicked while reading its end"))? {
        Ok(record) if record.digest == mark.digest => Ok(()),
        Ok(_) => {
            Err(damaged(folder, &format!("the record at position {known} is not the one that was stored")))
        }
        Err(error) => Err(unreadable(folder, &error)),
    }
}

/// sled has passed over bytes that make no sense: every block has to be there all the same.
fn check_whole(folder: &Path, store: &Store) -> Result<(), OpenError> {
    let walked = catch_unwind(AssertUnwindSafe(|| store.missing()));
    match walked.map_err(|_| damaged(folder, "the storage panicked while reading"))? {
        Ok(None) => Ok(()),
        Ok(Some(position)) => {
            Err(damaged(folder, &format!("records before position {position} are missing")))
        }
        Err(error) => Err(unreadable(folder, &error)),
    }
}

fn begin_mark(folder: &Path, tail: &Tail) -> io::Result<Marker> {
    let mark = Mark {
        position: tail.head.position,
        digest: tail.head.digest,
        records: tail.head.records,
        opened_at: tail.head.position,
        opened_records: tail.head.records,
        snapshot: tail::newest_snapshot(folder)?,
    };
    let marker = Marker::open(folder, mark)?;
    sync_folder(folder)?;
    Ok(marker)
}

/// Syncs what opening wrote: sled syncs neither its file's growth nor its files' names.
fn make_durable(folder: &Path, file: &File, known: bool) -> io::Result<()> {
    file.sync_all()?;
    File::open(folder.join("conf"))?.sync_all()?;
    if !known {
        // Last, so that it never speaks of a log that is not there.
        let draft = folder.join("layout.new");
        std::fs::write(&draft, format!("{LAYOUT_WORDS}{LAYOUT}\n"))?;
        File::open(&draft)?.sync_all()?;
        std::fs::rename(draft, folder.join(LAYOUT_FILE))?;
    }
    sync_folder(folder)
}

/// The log opened, but where it ends cannot be read.
pub(super) fn unreadable(folder: &Path, error: &ReadError) -> OpenError {
    match error {
        ReadError::NewerFormat { version, .. } => {
            OpenError::NewerFormat { path: folder.to_owned(), version: u32::from(*version) }
        }
        other => damaged(folder, &other.to_string()),
    }
}

/// Creates the folder and what leads to it, for this user alone, and makes their names durable.
fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        },
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether the folder says that it holds a log, of a version that is known here.
fn check_layout_file(folder: &Path) -> Result<bool, OpenError> {
    let text = match std::fs::read(folder.join(LAYOUT_FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(refused(folder, &error)),
    };
    match text.strip_prefix(LAYOUT_WORDS).and_then(|text| text.trim_end().parse().ok()) {
        Some(LAYOUT) => Ok(true),
        Some(version) if version > LAYOUT => Err(OpenError::NewerFormat { path: folder.to_owned(), version }),
        _ => Err(damaged(folder, "its layout file makes no sense")),
    }
}

/// Marks a new database as a log, and refuses one that is none (any more).
fn check_layout_key(folder: &Path, db: &Db, known: bool) -> Result<(), OpenError> {
    let marked = db.get(LAYOUT_KEY).map_err(|error| from_sled(folder, error))?.is_some();
    match (marked, known) {
        (true, _) => Ok(()),
        (false, true) => Err(damaged(folder, "its records are gone")),
        (false, false) if db.is_empty() => {
            db.insert(LAYOUT_KEY, &LAYOUT.to_be_bytes()).map_err(|error| from_sled(folder, error))?;
            db.flush().map_err(|error| from_sled(folder, error))?;
            Ok(())
        }
        (false, false) => Err(damaged(folder, "it is a sled database, but not a log")),
    }
}

pub(super) fn damaged(folder: &Path, reason: &str) -> OpenError {
    OpenError::Damaged { path: folder.to_owned(), reason: reason.into() }
}

fn from_sled(folder: &Path, error: sled::Error) -> OpenError {
    match error {
        sled::Error::Io(error) => refused(folder, &error),
        sled::Error::Unsupported(reason) => damaged(folder, &reason),
        other => damaged(folder, &other.to_string()),
    }
}

pub(super) fn refused(folder: &Path, error: &io::Error) -> OpenError {
    let path = folder.to_owned();
    let text = error.to_string();
    match error.kind() {
        // sled's own words for a lock it did not get; they carry no kind.
        ErrorKind::Other if text.contains("could not acquire lock") => OpenError::Locked { path },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly { path },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OpenError::DiskFull { path },
        _ => OpenError::Storage { path, reason: text.into() },
    }
}

#[cfg(test)]
mod tests;
