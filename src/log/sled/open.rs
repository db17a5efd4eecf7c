//! Opening the folder: settings, lock, version, and every way in which that fails, in words.
//!
//! Never repairs and never deletes: a folder that makes no sense stays as it is.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sled::Db;

use super::SledOptions;
use super::store::Store;
use crate::log::error::{OpenError, ReadError};

/// sled's segment size, in bytes. It decides which values stay in sled's main file: see `block.rs`. Fixed for good once a log exists.
pub(super) const SEGMENT_BYTES: usize = 16 * 1024 * 1024;

const LAYOUT_KEY: &[u8] = b"mlayout";
const LAYOUT: u32 = 1;

pub(super) fn open(folder: &Path, options: &SledOptions) -> Result<Store, OpenError> {
    let refused = |error: &io::Error| refused(folder, error);
    create(folder).map_err(|error| refused(&error))?;
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
    check_layout(folder, &db)?;
    let file = File::options().write(true).open(folder.join("db")).map_err(|error| refused(&error))?;
    // sled syncs neither its files' growth nor their names.
    file.sync_all().map_err(|error| refused(&error))?;
    File::open(folder.join("conf")).and_then(|conf| conf.sync_all()).map_err(|error| refused(&error))?;
    sync_folder(folder).map_err(|error| refused(&error))?;
    Ok(Store { db, file, fault: None })
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

/// Writes the layout's version into a new log and checks it in an old one.
fn check_layout(folder: &Path, db: &Db) -> Result<(), OpenError> {
    let stored = db.get(LAYOUT_KEY).map_err(|error| from_sled(folder, error))?;
    match stored.as_deref().map(<[u8; 4]>::try_from) {
        None if db.is_empty() => {
            db.insert(LAYOUT_KEY, &LAYOUT.to_be_bytes()).map_err(|error| from_sled(folder, error))?;
            db.flush().map_err(|error| from_sled(folder, error))?;
            Ok(())
        }
        Some(Ok(version)) => match u32::from_be_bytes(version) {
            LAYOUT => Ok(()),
            version if version > LAYOUT => Err(OpenError::NewerFormat { path: folder.to_owned(), version }),
            _ => Err(damaged(folder, "its layout version is none that was ever written")),
        },
        None | Some(Err(_)) => Err(damaged(folder, "it is a sled database, but not a log")),
    }
}

fn damaged(folder: &Path, reason: &str) -> OpenError {
    OpenError::Damaged { path: folder.to_owned(), reason: reason.into() }
}

fn from_sled(folder: &Path, error: sled::Error) -> OpenError {
    match error {
        sled::Error::Io(error) => refused(folder, &error),
        sled::Error::Unsupported(reason) => damaged(folder, &reason),
        other => damaged(folder, &other.to_string()),
    }
}

fn refused(folder: &Path, error: &io::Error) -> OpenError {
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
