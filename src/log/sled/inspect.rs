//! A walk over everything that the log holds, each byte held against every other that says the same.
//!
//! Never stops at the first damage, never mends any.

use std::collections::BTreeMap;

use super::block::{Block, VALUE_BYTES_MAX};
use super::guarded;
use super::store::{self, Known, Store};
use crate::log::codec;
use crate::log::error::ReadError;
use crate::log::inspection::{Findings, Inspection, Lost};
use crate::log::record::{Digest, Head, Position, Record};

/// How many positions behind an unreadable page are tried one by one.
const PROBES_MAX: usize = 100_000;

/// The walk under way.
struct Walk<'a> {
    store: &'a Store,
    lost: BTreeMap<Position, Position>,
    /// The record before, as the log says, and whether it could be read.
    previous: Head,
    previous_is_whole: bool,
    received_at: i64,
    whole: u64,
    indexed: u64,
    findings: Findings,
}

/// Looks at every record up to `last`, and shows each whole one to `each`.
pub(super) fn inspect(store: &Store, last: Position, each: &mut dyn FnMut(&Record)) -> Inspection {
    let gaps = store.lost().unwrap_or_default();
    let mut walk = Walk {
        store,
        lost: gaps.iter().map(|gap| (gap.next, gap.after)).collect(),
        previous: Head { position: Position::START, digest: Digest::GENESIS, records: 0 },
        previous_is_whole: true,
        received_at: i64::MIN,
        whole: 0,
        indexed: 0,
        findings: Findings::default(),
    };
    let mut from = Some(Position::START);
    while let Some(begin) = from {
        from = match guarded(|| walk.blocks(begin, last, each)) {
            Ok(()) => None,
            Err(error) => walk.behind(&error, last),
        };
    }
    if walk.previous.position < last {
        walk.findings.note(Some(last), "the log does not reach as far as it did when it was opened");
    }
    let index_entries = guarded(|| walk.index(last)).unwrap_or_else(|error| {
        walk.findings.note(None, format!("the index of ids cannot be read: {error}"));
        0
    });
    Inspection {
        head: walk.previous,
        records_whole: walk.whole,
        index_entries,
        lost: gaps,
        findings: walk.findings,
    }
}

impl Walk<'_> {
    /// The place where reading goes on behind a page that cannot be read; what lies in between is told.
    fn behind(&mut self, error: &ReadError, last: Position) -> Option<Position> {
        let first = self.previous.position.get().saturating_add(1);
        let tried = (first..=last.get()).take(PROBES_MAX).find(|position| {
            let position = Position::new(*position);
            let found = guarded(|| self.store.blocks_from(position)?.next().transpose());
            found.is_ok_and(|block| block.is_some_and(|block| block.first >= position))
        });
        let end = tried.map_or(last.get(), |next| next.saturating_sub(1));
        for position in first..=end {
            self.findings.note(Some(Position::new(position)), format!("its page cannot be read: {error}"));
        }
        self.previous.position = Position::new(end);
        self.previous_is_whole = false;
        tried.map(Position::new)
    }

    fn blocks(
        &mut self,
        begin: Position,
        last: Position,
        each: &mut dyn FnMut(&Record),
    ) -> Result<(), ReadError> {
        for block in self.store.blocks_from(begin)? {
            match block {
                Ok(block) if block.first > last => break,
                Ok(block) => self.block(&block, last, each),
                Err(ReadError::Corrupt { position, reason }) => {
                    self.findings.note(Some(position), reason);
                    self.previous_is_whole = false;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, last: Position, each: &mut dyn FnMut(&Record)) {
        let first = block.directory.items.first().map(|item| item.position);
        if first != Some(block.first) {
            self.findings.note(Some(block.first), "its block begins with another position than its key says");
        }
        if block.directory.records_before != self.previous.records && self.previous_is_whole {
            let (says, counted) = (block.directory.records_before, self.previous.records);
            let what = format!("its block says that {says} records lie before it, but there are {counted}");
            self.findings.note(Some(block.first), what);
        }
        // From here on counted as the blocks do, so that one gap is told once.
        self.previous.records = block.directory.records_before;
        if block.bytes.len() != block.directory.bytes {
            self.findings.note(Some(block.first), "its block is longer than its directory says");
        }
        if block.directory.items.len() > 1 && block.bytes.len() > VALUE_BYTES_MAX {
            self.findings.note(Some(block.first), "its block is longer than any that was written");
        }
        for item in &block.directory.items {
            if item.position > last {
                return;
            }
            if item.position <= self.previous.position {
                self.findings.note(Some(item.position), "it comes behind a later position");
            }
            match block.encoded(item).decode() {
                Ok(record) => {
                    self.record(&record, item.raw_bytes);
                    each(&record);
                }
                Err(error) => {
                    let what = match error {
                        ReadError::Corrupt { reason, .. } => reason.to_owned(),
                        other => other.to_string(),
                    };
                    self.findings.note(Some(item.position), what);
                    self.previous_is_whole = false;
                }
            }
            self.previous.position = item.position;
            self.previous.records = self.previous.records.saturating_add(1);
        }
    }

    fn record(&mut self, record: &Record, raw_bytes: u32) {
        let position = record.position;
        let content = &record.content;
        self.whole = self.whole.saturating_add(1);
        // Behind a record that cannot be read the chain cannot be computed: it goes on from what the next one says.
        let known_gap = self.lost.get(&position) == Some(&self.previous.position);
        if self.previous_is_whole && record.digest_after(self.previous.digest) != record.digest && !known_gap
        {
            self.findings.note(Some(position), "its digest does not follow from the record before");
        }
        self.previous.digest = record.digest;
        self.previous_is_whole = true;
        if content.received_at.0 < self.received_at {
            self.findings.note(Some(position), "it was received before the record before it");
        }
        self.received_at = self.received_at.max(content.received_at.0);
        if usize::try_from(raw_bytes).ok() != Some(content.body.0.len()) {
            self.findings.note(Some(position), "its block gives its body another length");
        }
        let expected = Known::new(position, &codec::body_sha256(&content.body));
        match self.store.known(&store::id_key(content.provider, &content.id)) {
            Ok(Some(known)) if known == expected => self.indexed = self.indexed.saturating_add(1),
            Ok(Some(known)) if known.position == position => {
                self.findings.note(Some(position), "the index of ids has another hash of its body");
            }
            Ok(Some(known)) => {
                let what = format!("the index of ids says that its id is at position {}", known.position);
                self.findings.note(Some(position), what);
            }
            Ok(None) => self.findings.note(Some(position), "its id is not in the index of ids"),
            Err(error) => self.findings.note(Some(position), error.to_string()),
        }
    }

    /// Counts the index's entries; where they are more than the records that were found in it, names those without one.
    fn index(&mut self, last: Position) -> Result<u64, ReadError> {
        let entries = self.store.index_count()?;
        if entries == self.indexed {
            return Ok(entries);
        }
        for entry in self.store.index() {
            let (key, known) = entry?;
            if known.position > last {
                continue;
            }
            match self.store.record(known.position) {
                Ok(record) if store::id_key(record.content.provider, &record.content.id) == key => {}
                Ok(_) => {
                    self.findings
                        .note(Some(known.position), "the index of ids has an id that is not its own");
                }
                Err(ReadError::Corrupt { reason: store::MISSING, .. }) => {
                    self.findings
                        .note(Some(known.position), "the index of ids knows it, but it is not there");
                }
                // Told already, and its id cannot be compared.
                Err(_) => {}
            }
        }
        Ok(entries)
    }
}

impl Lost {
    /// A range as the store keeps it.
    pub(super) fn of(next: u64, after: u64) -> Self {
        Self { after: Position::new(after), next: Position::new(next) }
    }
}
