//! From what was found to a log: one record a position, in order, and a note wherever some are lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Salvage};
use crate::log::encoded::Encoded;
use crate::log::error::CopyError;
use crate::log::inspection::Lost;
use crate::log::record::{Digest, Head, Position, Record};
use crate::log::sled::LogCopy;

/// The records, and the bytes of raw bodies, that are written at once.
const PAGE_RECORDS_MAX: usize = 4_096;
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most lost positions that are looked for by name.
const NAMES_MAX: u64 = 10_000;

/// What was saved, and what was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// The end of what was saved.
    pub head: Head,
    /// What is lost, ascending.
    pub lost: Vec<Lost>,
    /// The event ids of lost positions, where the index of ids still has them.
    pub names: BTreeMap<Position, Box<str>>,
}

impl Salvaged {
    /// How many positions are lost.
    #[must_use]
    pub fn lost_count(&self) -> u64 {
        self.lost.iter().map(Lost::count).fold(0, u64::saturating_add)
    }
}

impl Salvage {
    /// Puts the records in order, shows each to `each`, and writes them to `copy` if there is one. `progress` is told the
    /// records done, and those in all.
    ///
    /// # Errors
    /// [`CopyError`] of the copy, or [`CopyError::OtherHistory`] of a backup, before anything is written.
    pub fn finish(
        mut self,
        mut copy: Option<&mut LogCopy>,
        each: &mut dyn FnMut(&Record),
        progress: &dyn Fn(u64, u64),
    ) -> Result<Salvaged, CopyError> {
        self.assemble();
        self.refuse_strangers()?;
        let mut head = Head { position: Position::START, digest: Digest::GENESIS, records: 0 };
        let mut lost = Vec::new();
        let (mut page, mut page_bytes) = (Vec::new(), 0_usize);
        let total = self.found.len() as u64;
        for &position in self.found.keys() {
            if self.is_passed_over(position, (head.position, head.digest)) {
                continue;
            }
            let Some((record, encoded)) = self.choose(position, &head) else { continue };
            each(&record);
            // Every position was somebody's: behind a loss at an end the log goes on with its chain whole.
            let is_next = head.position.get().checked_add(1) == Some(position);
            if !is_next || record.digest_after(head.digest) != record.digest {
                lost.push(Lost { after: head.position, next: record.position });
            }
            head.position = record.position;
            head.digest = record.digest;
            head.records = head.records.saturating_add(1);
            if let Some(copy) = &mut copy {
                page_bytes = page_bytes.saturating_add(record.content.body.0.len());
                page.push(encoded);
                if page.len() >= PAGE_RECORDS_MAX || page_bytes >= PAGE_BYTES_MAX {
                    copy.take(&page, &lost)?;
                    page.clear();
                    page_bytes = 0;
                }
            }
            progress(head.records, total);
        }
        let known = self.mark.map_or(0, |mark| mark.position.get());
        let noted = self.notes.keys().map(|next| next.saturating_sub(1)).max().unwrap_or(0);
        let reached = known.max(noted);
        if reached > head.position.get() {
            lost.push(Lost { after: head.position, next: Position::new(reached.saturating_add(1)) });
        }
        if let Some(copy) = copy {
            copy.take(&page, &lost)?;
            copy.end(&lost)?;
        }
        let names = self.name(&lost);
        Ok(Salvaged { head, lost, names })
    }

    /// The record at a position. Of several, the one that fits the chain before it, behind it, and what is known of it.
    fn choose(&self, position: u64, before: &Head) -> Option<(Record, Encoded)> {
        let candidates = self.found.get(&position)?;
        let fit = |candidate: &Candidate| {
            let follows = self
                .read(position, candidate)
                .is_some_and(|(record, _)| record.digest_after(before.digest) == record.digest);
            let behind = self.found.get(&position.saturating_add(1)).into_iter().flatten();
            let is_followed = behind
                .filter_map(|next| self.read(position.saturating_add(1), next))
                .any(|(next, _)| next.digest_after(candidate.digest) == next.digest);
            let is_known = self.mark.is_some_and(|mark| mark.digest == candidate.digest);
            u8::from(is_known) * 4 + u8::from(follows) * 2 + u8::from(is_followed)
        };
        let chosen = match candidates.as_slice() {
            [only] => only,
            several => several.iter().max_by_key(|candidate| fit(candidate))?,
        };
        self.read(position, chosen)
    }

    fn name(&self, lost: &[Lost]) -> BTreeMap<Position, Box<str>> {
        let mut wanted = BTreeSet::new();
        for lost in lost {
            let first = lost.after.get().saturating_add(1);
            let room = NAMES_MAX.saturating_sub(wanted.len() as u64);
            wanted.extend((first..lost.next.get()).take(usize::try_from(room).unwrap_or(0)));
        }
        if wanted.is_empty() {
            return BTreeMap::new();
        }
        self.names(&wanted).into_iter().map(|(position, name)| (Position::new(position), name)).collect()
    }
}
