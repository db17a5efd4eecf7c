//! Taking over another log's records at their own positions: how backups, restores and repairs are written.
//!
//! Never gives a record another position or digest, and takes none that does not follow from the one before.

use std::path::Path;

use super::commit::Commit;
use super::store::{Store, Tail};
use super::{SledOptions, open};
use crate::log::encoded::Encoded;
use crate::log::error::{CopyError, OpenError};
use crate::log::inspection::Lost;
use crate::log::record::{Head, Position};

/// A log that takes over another's records. The folder it makes is a log like any other.
#[derive(Debug)]
pub struct LogCopy {
    store: Store,
    tail: Tail,
    lost: Vec<Lost>,
}

impl LogCopy {
    /// Opens the copy in `folder`, or begins one.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let (store, tail) = open::open(folder, &SledOptions::default())?;
        let lost = store.lost().map_err(|error| open::unreadable(folder, &error))?;
        Ok(Self { store, tail, lost })
    }

    /// How far the copy reaches.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.tail.head
    }

    /// Takes a page over, durably. `lost` is what the other log could not save: only there the chain may be broken.
    ///
    /// # Errors
    /// [`CopyError`]; nothing of the page is stored, and after a failed write the copy has to be opened again.
    pub fn take(&mut self, page: &[Encoded], lost: &[Lost]) -> Result<(), CopyError> {
        let mut commit = Commit::new(self.tail);
        let mut noted = Vec::new();
        for encoded in page {
            let record = encoded.decode()?;
            let (position, before) = (record.position, commit.tail().head);
            if position <= before.position {
                return Err(CopyError::Order { position, head: before.position });
            }
            let lost = lost.iter().find(|lost| lost.next == position && lost.after == before.position);
            if record.digest_after(before.digest) != record.digest && lost.is_none() {
                return Err(CopyError::Chain { position, before: before.position });
            }
            if let Some(lost) = lost {
                commit.note_lost(lost);
                noted.push(*lost);
            }
            commit
                .adopt(&self.store, &record, &encoded.bytes()?)
                .map_err(|reason| CopyError::Record { position, reason: reason.into() })?;
        }
        self.store(commit)?;
        self.lost.extend(noted);
        Ok(())
    }

    /// Notes what is lost behind the last record, so that no new record ever gets a position that was another's.
    ///
    /// # Errors
    /// [`CopyError::Write`].
    pub fn end(&mut self, lost: &[Lost]) -> Result<(), CopyError> {
        let mut commit = Commit::new(self.tail);
        let behind = |lost: &&Lost| lost.next > self.tail.head.position && !self.lost.contains(lost);
        let behind: Vec<Lost> = lost.iter().filter(behind).copied().collect();
        if behind.is_empty() {
            return Ok(());
        }
        for lost in &behind {
            commit.note_lost(lost);
        }
        self.store(commit)?;
        self.lost.extend(behind);
        Ok(())
    }

    /// The record at the end; none in an empty copy.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        Some(self.tail.head.position).filter(|position| *position > Position::START)
    }

    fn store(&mut self, commit: Commit) -> Result<(), CopyError> {
        let write = |reason: String| CopyError::Write { reason: reason.into() };
        let (batch, tail) = commit.finish().map_err(write)?;
        self.store.commit(batch, &tail.head).map_err(write)?;
        self.tail = tail;
        Ok(())
    }
}
