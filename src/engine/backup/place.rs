//! Where a copy may lie. Never makes a folder.

use std::path::Path;

use super::BackupError;
use crate::engine::open::LOG;

/// Whether a folder lies in some data folder: a running server does not say where its own is.
pub(super) fn lies_in_any(folder: &Path) -> bool {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.ancestors().skip(1).any(|above| above.join(LOG).join("db").is_file())
}

/// Whether a folder, which need not be there yet, is another one or lies in it.
pub(super) fn lies_in(inner: &Path, outer: &Path) -> bool {
    let Ok(outer) = outer.canonicalize() else { return false };
    let absolute = std::path::absolute(inner).unwrap_or_else(|_| inner.to_owned());
    absolute
        .ancestors()
        .find_map(|folder| folder.canonicalize().ok())
        .is_some_and(|inner| inner.starts_with(outer))
}

pub(super) fn check_empty(folder: &Path) -> Result<(), BackupError> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::Taken { path: folder.to_owned() }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::Place { path: folder.to_owned(), reason: error.to_string().into() }),
    }
}
