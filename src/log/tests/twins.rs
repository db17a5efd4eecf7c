//! What the suite needs of a log beyond the contract: to be created, reopened and broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;

use crate::log::sled::{Fault, Step};
use crate::log::{EventLog, MemoryLog, SledLog};

pub(super) trait Twin {
    type Log: EventLog;

    /// A new, empty log.
    fn new() -> Self;
    fn log(&self) -> &Self::Log;
    /// Closes the log and opens it again.
    fn reopen(&mut self);
    /// Makes the next commit fail.
    fn break_disk(&mut self);
}

pub(super) struct Memory(MemoryLog);

impl Twin for Memory {
    type Log = MemoryLog;

    fn new() -> Self {
        Self(MemoryLog::new())
    }

    fn log(&self) -> &MemoryLog {
        &self.0
    }

    fn reopen(&mut self) {
        self.0.reopen();
    }

    fn break_disk(&mut self) {
        self.0.poison("broken by the test");
    }
}

/// A sled log whose disk breaks at `STEP`: 0 = writing, 1 = flushing, 2 = syncing, 3 = marking.
pub(super) struct Sled<const STEP: u8> {
    pub(super) folder: TempDir,
    log: Option<SledLog>,
    broken: Arc<AtomicU8>,
}

const WHOLE: u8 = u8::MAX;

impl<const STEP: u8> Sled<STEP> {
    fn open(&mut self) {
        self.broken.store(WHOLE, Ordering::SeqCst);
        let broken = self.broken.clone();
        let fault: Fault = Arc::new(move |step| {
            let number = match step {
                Step::Apply => 0,
                Step::Flush => 1,
                Step::Sync => 2,
                Step::Mark => 3,
            };
            if broken.load(Ordering::SeqCst) == number {
                Err(std::io::Error::other("broken by the test"))
            } else {
                Ok(())
            }
        });
        self.log = Some(SledLog::open_on(&self.folder.path().join("log"), fault).unwrap());
    }
}

impl<const STEP: u8> Twin for Sled<STEP> {
    type Log = SledLog;

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut twin = Self { folder, log: None, broken: Arc::default() };
        twin.open();
        twin
    }

    fn log(&self) -> &SledLog {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.log = None;
        self.open();
    }

    fn break_disk(&mut self) {
        self.broken.store(STEP, Ordering::SeqCst);
    }
}
