//! Taking over another feed: how backups and restores are written. Entries keep their numbers and their bytes.
//!
//! Never takes an entry that does not follow, and says of a copy that was broken off that it is one.

use std::collections::BTreeMap;
use std::path::Path;

use super::{CURSORS_MAX, Feed, FeedError, Maker, Meta, Through, codec, locked};
use crate::model::feed::Entry;

/// The most that a page of packed entries takes, in bytes; a single longer entry is a page of its own.
const PACKED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How far a feed is made at one moment, and where its readers are. What lies up to there never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSnapshot {
    pub(super) meta: Meta,
    pub(super) cursors: Vec<(Box<str>, u64)>,
}

impl FeedSnapshot {
    /// The same, of a log that lacks records which it tells of: whoever opens it next compares everything once.
    #[must_use]
    pub fn with_losses(mut self) -> Self {
        self.meta.maker.reducer = 0;
        self
    }

    /// The number of the newest entry.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.meta.head
    }

    /// How far the feed is made.
    #[must_use]
    pub const fn through(&self) -> Through {
        self.meta.through
    }

    /// The bytes of it, for [`FeedSnapshot::from_bytes`].
    ///
    /// # Errors
    /// [`FeedError::Storage`]; not expected.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FeedError> {
        codec::encode_snapshot(self).map_err(|reason| FeedError::Storage { reason: reason.into() })
    }

    /// Reads back what [`FeedSnapshot::to_bytes`] wrote; none for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let snapshot = codec::decode_snapshot(bytes).ok()?;
        let fits = snapshot.cursors.len() <= CURSORS_MAX && !snapshot.meta.unfinished;
        fits.then_some(snapshot)
    }
}

impl Feed {
    /// The feed as it is now, durable.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn snapshot(&self) -> Result<FeedSnapshot, FeedError> {
        let meta = self.meta();
        self.sync_to(meta.head)?;
        let cursors = self.store.cursors()?.into_iter();
        // A reader may have gone on since.
        let cursors = cursors.map(|(name, number)| (name, number.min(meta.head))).collect();
        Ok(FeedSnapshot { meta, cursors })
    }

    /// A page of durable entries behind a number, packed for another feed; empty at the end.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn packed(&self, after: u64) -> Result<Vec<u8>, FeedError> {
        let mut packed = Vec::new();
        for entry in self.read(after.saturating_add(1)..=u64::MAX)? {
            let row =
                codec::encode_entry(&entry).map_err(|reason| FeedError::Storage { reason: reason.into() })?;
            if !packed.is_empty() && packed.len().saturating_add(row.len()) > PACKED_BYTES_MAX {
                break;
            }
            packed.extend(u32::try_from(row.len()).unwrap_or(u32::MAX).to_be_bytes());
            packed.extend(row);
        }
        Ok(packed)
    }
}

/// A feed that takes over another's entries. What it leaves is a feed like any other, once it is finished.
#[derive(Debug)]
pub struct FeedCopy(pub(super) Feed);

impl FeedCopy {
    /// Opens the copy in `folder`, or begins one.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, FeedError> {
        Feed::open_copy(folder, cache_bytes, Maker { reducer: 0, policy: [0; 32] }).map(Self)
    }

    /// The number of its newest entry.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.0.head()
    }

    /// Whether the packed page begins with this copy's newest entry: if not, it is the copy of another feed.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn continues(&self, page: &[u8]) -> Result<bool, FeedError> {
        let Some(first) = self.unpack(page, self.head())?.into_iter().next() else { return Ok(false) };
        Ok(self.0.store.entry(self.head())?.as_ref() == Some(&first))
    }

    /// Takes over a packed page, up to and with `until`; how many entries that were.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn take(&self, page: &[u8], until: u64) -> Result<u64, FeedError> {
        let mut entries = self.unpack(page, self.head().saturating_add(1))?;
        entries.retain(|entry| entry.number <= until);
        let Some(head) = entries.last().map(|entry| entry.number) else { return Ok(0) };
        let mut latest = BTreeMap::new();
        for entry in &entries {
            latest.insert(entry.subject(), (entry.to.clone(), entry.number));
        }
        self.write(&entries, &latest, Meta { head, unfinished: true, ..self.0.meta() })?;
        Ok(entries.len() as u64)
    }

    /// Everything was taken over: from now on it is a feed, durable.
    ///
    /// # Errors
    /// [`FeedError::Unfinished`] if it was not.
    pub fn finish(&self, snapshot: &FeedSnapshot) -> Result<(), FeedError> {
        if self.head() != snapshot.meta.head {
            return Err(FeedError::Unfinished { path: self.0.store.folder().to_owned() });
        }
        for (name, _) in self.0.store.cursors()? {
            self.0.store.remove_cursor(&name)?;
        }
        for (name, number) in &snapshot.cursors {
            self.0.store.put_cursor(name, *number)?;
        }
        self.write(&[], &BTreeMap::new(), snapshot.meta)?;
        self.0.sync()
    }

    fn write(
        &self,
        entries: &[Entry],
        latest: &BTreeMap<crate::model::feed::Subject, (crate::model::feed::Standing, u64)>,
        meta: Meta,
    ) -> Result<(), FeedError> {
        self.0.store.write(entries, latest.iter(), &meta)?;
        *locked(&self.0.meta) = meta;
        self.0.show(meta.head);
        self.0.sync_if_due()
    }

    /// The entries of a page, each checked; they have to begin with this number, and follow each other.
    fn unpack(&self, mut page: &[u8], first: u64) -> Result<Vec<Entry>, FeedError> {
        let broken = || self.0.store.damaged("what was to be copied is no page of entries");
        let mut entries = Vec::new();
        while let Some((length, rest)) = page.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| broken())?;
            let (row, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
            let number = first.saturating_add(entries.len() as u64);
            entries.push(codec::decode_entry(number, row).map_err(|error| self.0.store.unreadable(error))?);
            page = rest;
        }
        if page.is_empty() { Ok(entries) } else { Err(broken()) }
    }
}
