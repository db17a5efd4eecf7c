//! What sled leaves undone, once for every room that keeps something in it: closing without a panic, waiting for its lock,
//! syncing its file and its names, clearing half a snapshot away.
//!
//! Never knows what is stored.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Larger than sled's default (512 KiB): what is longer than a quarter of a segment lies in a file of its own, which sled
/// never syncs. Fixed for good once a database exists.
pub(crate) const SEGMENT_BYTES: usize = 16 * 1024 * 1024;

/// The names of sled's snapshots begin like this, and go on with a number in hexadecimal.
pub(crate) const SNAPSHOT: &str = "snap.";
/// A snapshot that is being written.
const UNFINISHED: &str = ".generating";

/// How often, [`RELEASE_PAUSE`] apart, somebody who closes a database looks whether its folder is free.
const RELEASE_TRIES_MAX: u32 = 5_000;
const RELEASE_PAUSE: Duration = Duration::from_millis(1);

/// Something of sled's, closed without a panic: the last of them that goes ends in a sync, and sled panics if that fails.
/// Everything that counts is durable before.
#[derive(Debug)]
pub(crate) struct Closing<T>(Option<T>);

impl<T> Closing<T> {
    pub(crate) const fn new(open: T) -> Self {
        Self(Some(open))
    }
}

impl<T> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(open) => open,
            None => unreachable!("it is closed when nobody has it any more"),
        }
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let open = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(open)));
    }
}

/// sled's file through our own descriptor, because sled does not sync it. To be dropped after the database.
#[derive(Debug)]
pub(crate) struct SledFile(File);

impl SledFile {
    /// The file of the database in `folder`, which is open.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        File::options().write(true).open(folder.join("db")).map(Self)
    }

    /// Makes durable what was written before.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// Makes durable what opening wrote or found: sled syncs neither its file's growth nor its settings.
    pub(crate) fn sync_opened(&self, folder: &Path) -> io::Result<()> {
        self.0.sync_all()?;
        File::open(folder.join("conf"))?.sync_all()
    }
}

impl Drop for SledFile {
    /// Waits for sled's background threads to let go of the file, so that what is closed can be opened again at once.
    fn drop(&mut self) {
        for _ in 0..RELEASE_TRIES_MAX {
            match self.0.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(RELEASE_PAUSE),
                // Ours for a moment. Closing alone would not give it back while a process that is being started holds a copy.
                Ok(()) => return self.0.unlock().unwrap_or_default(),
                Err(TryLockError::Error(_)) => return,
            }
        }
    }
}

/// Creates the folder and what leads to it, for this user alone: what lies in it is about people.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Where something new is made. Whatever lies there was never finished, and nothing in it was ever shown to anybody.
pub(crate) fn beside(folder: &Path) -> PathBuf {
    // Behind the whole name: `log.1` and `log.2` are two places, and `log.new` is nobody else's.
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    folder.with_file_name(name)
}

/// An empty place beside a folder, to make it in before it gets its name: whoever is killed meanwhile, or loses power,
/// leaves no half of it in its place.
pub(crate) fn begin_beside(folder: &Path) -> io::Result<PathBuf> {
    let beside = beside(folder);
    match std::fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    create(&beside)?;
    Ok(beside)
}

/// Removes snapshots that were never finished: sled would take one for the newest, and refuse to open.
pub(crate) fn remove_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_unfinished = |name: &str| name.starts_with(SNAPSHOT) && name.ends_with(UNFINISHED);
        if name.to_str().is_some_and(is_unfinished) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_has_a_place_of_its_own_beside_it() {
        for (folder, expected) in [
            ("data/log", "data/log.new"),
            ("data/log/", "data/log.new"),
            ("log", "log.new"),
            ("/srv/shop.1", "/srv/shop.1.new"),
            ("/srv/shop.2", "/srv/shop.2.new"),
        ] {
            assert_eq!(beside(Path::new(folder)), Path::new(expected));
        }
    }
}
