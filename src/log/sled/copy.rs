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
use crate::log::record::{Head, Position, Record};

/// A log that takes over another's records. The folder it makes is a log like any other.
#[derive(Debug)]
pub struct LogCopy {
    store: Store,
    tail: Tail,
    lost: Vec<Lost>,
}

/// A record that follows from the one before it, or behind what is known to be lost.
struct Follower<'p> {
    record: Record,
    encoded: &'p Encoded,
    lost: Option<Lost>,
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
    /// [`CopyError`]; nothing is stored of a page that does not follow. After a failed write the copy has to be opened
    /// again, and goes on behind its head.
    pub fn take(&mut self, page: &[Encoded], lost: &[Lost]) -> Result<(), CopyError> {
        let page = self.check(page, lost)?;
        let mut commit = Commit::new(self.tail);
        let mut noted = Vec::new();
        for Follower { record, encoded, lost } in page {
            if commit.is_full() {
                self.store(commit)?;
                self.lost.append(&mut noted);
                commit = Commit::new(self.tail);
            }
            if let Some(lost) = lost {
                commit.note_lost(&lost);
                noted.push(lost);
            }
            let position = record.position;
            commit
                .adopt(&self.store, &record, &encoded.bytes()?)
                .map_err(|reason| CopyError::Record { position, reason: reason.into() })?;
        }
        self.store(commit)?;
        self.lost.append(&mut noted);
        Ok(())
    }

    /// The records of a page, if each follows from the one before.
    fn check<'p>(&self, page: &'p [Encoded], lost: &[Lost]) -> Result<Vec<Follower<'p>>, CopyError> {
        let mut before = (self.tail.head.position, self.tail.head.digest);
        let mut checked = Vec::with_capacity(page.len());
        for encoded in page {
            let record = encoded.decode()?;
            let position = record.position;
            if position <= before.0 {
                return Err(CopyError::Order { position, head: before.0 });
            }
            let lost = lost.iter().find(|lost| lost.next == position && lost.after == before.0).copied();
            if record.digest_after(before.1) != record.digest && lost.is_none() {
                return Err(CopyError::Chain { position, before: before.0 });
            }
            before = (position, record.digest);
            checked.push(Follower { record, encoded, lost });
        }
        Ok(checked)
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
