//! Opening the folder: settings, lock, version, and every way in which that fails, in words.
//!
//! Never repairs and never deletes: a folder that makes no sense stays as it is. sled would cut off what it cannot read,
//! so the folder is looked at before sled opens it (`tail.rs`).

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use sled::Db;

use super::SledOptions;
use super::mark::{Mark, Marker};
use super::store::{Store, Tail};
use super::tail::{self, Look};
use crate::log::Vitals;
use crate::log::error::{OpenError, ReadError};
use crate::log::record::Position;
use crate::storage::{self, Closing, SEGMENT_BYTES, SledFile, sync_folder};

/// In the database: it holds a log. A database that recovers without it has lost everything.
const LAYOUT_KEY: &[u8] = b"mlayout";

/// Beside the database, so that an older binary reads it before it lets a database of a newer kind be opened.
const LAYOUT_FILE: &str = "layout";
const LAYOUT_WORDS: &str = "billfold log ";

/// The version of the keys and values in `sled.rs`, and of the choice of sled. A log of an older one is gone on with in this one.
///
/// 1 had blocks without frames (`block.rs`).
const LAYOUT: u32 = 2;

pub(super) fn open(folder: &Path, options: &SledOptions) -> Result<(Store, Tail), OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
    if !folder.try_exists().map_err(|error| refused(&error))? {
        make(folder, options)?;
    }
    let opened = open_in(folder, options)?;
    sync_names_above(folder).map_err(|error| refused(&error))?;
    Ok(opened)
}

/// Makes an empty log beside its place, and moves it there when it is complete and durable.
fn make(folder: &Path, options: &SledOptions) -> Result<(), OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
    check_free(&storage::beside(folder), folder)?;
    let unfinished = storage::begin_beside(folder).map_err(|error| refused(&error))?;
    drop(open_in(&unfinished, options)?);
    std::fs::rename(&unfinished, folder).map_err(|error| refused(&error))
}

/// Opens the log that a folder holds; a folder without one gets an empty one.
fn open_in(folder: &Path, options: &SledOptions) -> Result<(Store, Tail), OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
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
    let db = Closing::new(db);
    check_layout_key(folder, &db, known)?;
    let file = SledFile::open(folder).map_err(|error| refused(&error))?;
    // As one from here on: the file waits for the database's lock, so the database has to go first.
    let mut store = Store { db, file, marker: Mutex::new(None), fault: None, vitals: Vitals::default() };
    make_durable(folder, &store.file, known).map_err(|error| refused(&error))?;
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
    check_free(folder, folder)?;
    storage::remove_unfinished_snapshots(folder).map_err(|error| refused(&error))?;
    match tail::look(folder, mark).map_err(|error| refused(&error))? {
        Look::Lost(found) => {
            let known = mark.map_or(found, |mark| mark.position);
            Err(OpenError::RecordsLost { path: folder.to_owned(), found, known })
        }
        Look::Rotten(byte) => Err(damaged(folder, &format!("its file db cannot be read at byte {byte}"))),
        look => Ok(look),
    }
}

/// Nobody else has the database open that lies in a folder, if there is one. What is told is about the log of `told`.
fn check_free(folder: &Path, told: &Path) -> Result<(), OpenError> {
    match File::open(folder.join("db")) {
        Ok(file) => match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: told.to_owned() }),
            // Given back by name: a process that is being started may hold a copy of the descriptor for a moment.
            Ok(()) => file.unlock().map_err(|error| refused(told, &error)),
            // Where files cannot be locked, sled says so.
            Err(TryLockError::Error(_)) => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(told, &error)),
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

/// Syncs what opening wrote, and says which layout it is.
fn make_durable(folder: &Path, file: &SledFile, known: Option<u32>) -> io::Result<()> {
    file.sync_opened(folder)?;
    if known != Some(LAYOUT) {
        // Last, so that it never speaks of a log that is not there; but before anything of this layout is written.
        let draft = folder.join("layout.new");
        std::fs::write(&draft, format!("{LAYOUT_WORDS}{LAYOUT}\n"))?;
        File::open(&draft)?.sync_all()?;
        std::fs::rename(draft, folder.join(LAYOUT_FILE))?;
    }
    sync_folder(folder)
}

/// Syncs the name of the log's folder, and those of the folders above it: an earlier process may have made them, and been
/// killed before it could.
fn sync_names_above(folder: &Path) -> io::Result<()> {
    for (above, place) in folder.ancestors().skip(1).zip(0..) {
        match sync_folder(above) {
            // The data folder and its own name are ours; what lies further up mostly is not, nor may we read it.
            Err(error) if place < 2 && error.kind() != ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    Ok(())
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

/// The version of the log that the folder says it holds, if it says so; it is one that is known here.
fn check_layout_file(folder: &Path) -> Result<Option<u32>, OpenError> {
    let text = match std::fs::read(folder.join(LAYOUT_FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(folder, &error)),
    };
    match text.strip_prefix(LAYOUT_WORDS).and_then(|text| text.trim_end().parse().ok()) {
        Some(version @ 1..=LAYOUT) => Ok(Some(version)),
        Some(version) if version > LAYOUT => Err(OpenError::NewerFormat { path: folder.to_owned(), version }),
        _ => Err(damaged(folder, "its layout file makes no sense")),
    }
}

/// Marks a new database as a log, and refuses one that is none (any more).
fn check_layout_key(folder: &Path, db: &Db, known: Option<u32>) -> Result<(), OpenError> {
    let marked = db.get(LAYOUT_KEY).map_err(|error| from_sled(folder, error))?;
    match marked {
        Some(marked) => match marked.as_ref().try_into().map(u32::from_be_bytes) {
            Ok(LAYOUT) => return Ok(()),
            Ok(1..LAYOUT) => {}
            // A newer binary was stopped before it could say so in the file.
            Ok(version) if version > LAYOUT => {
                return Err(OpenError::NewerFormat { path: folder.to_owned(), version });
            }
            _ => return Err(damaged(folder, "what it says of its layout makes no sense")),
        },
        None if known.is_some() => return Err(damaged(folder, "its records are gone")),
        None if db.is_empty() => {}
        None => return Err(damaged(folder, "it is a sled database, but not a log")),
    }
    db.insert(LAYOUT_KEY, &LAYOUT.to_be_bytes()).map_err(|error| from_sled(folder, error))?;
    db.flush().map_err(|error| from_sled(folder, error))?;
    Ok(())
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
