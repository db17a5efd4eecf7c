//! Blocks and ids in sled: looking up, reading pages, and one durable commit.
//!
//! Never decides what is a duplicate or where a record goes: that is the writer's.

use std::sync::{Arc, Mutex, PoisonError};

use sled::{Batch, Db, IVec};

use super::block::{Block, Directory, VALUE_BYTES_MAX};
use super::mark::Marker;
use crate::log::encoded::Encoded;
use crate::log::error::ReadError;
use crate::log::inspection::Lost;
use crate::log::record::{Digest, Head, Position, Provider, Record, RecordId};
use crate::log::vitals::{self, Vitals};
use crate::log::{READ_BYTES_MAX, READ_RECORDS_MAX};
use crate::model::time::Millis;
use crate::storage::{Closing, SledFile};

const BLOCK: u8 = b'b';
const ID: u8 = b'i';
const LOST: u8 = b'g';

/// No block holds the position.
pub(super) const MISSING: &str = "it is missing";

/// What the id index holds: where the record is, and enough of its body's hash to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) position: Position,
    pub(super) body_start: [u8; 8],
}

/// Where the log ends, with what the next record needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) head: Head,
    pub(super) received_at: Millis,
    /// Positions up to here are taken, even where their records are lost.
    pub(super) taken: Position,
}

/// The steps of a commit, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::log) enum Step {
    Apply,
    Flush,
    Sync,
    Mark,
}

/// Asked before each step of a commit whether it shall fail: how tests break the disk. Always none in production.
pub(in crate::log) type Fault = Arc<dyn Fn(Step) -> std::io::Result<()> + Send + Sync>;

pub(super) struct Store {
    pub(super) db: Closing<Db>,
    /// Declared, and so dropped, after the database.
    pub(super) file: SledFile,
    /// None only while the log is being opened.
    pub(super) marker: Mutex<Option<Marker>>,
    pub(super) fault: Option<Fault>,
    pub(super) vitals: Vitals,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Where the log ends, read from its last block alone.
    ///
    /// # Errors
    /// [`ReadError`].
    pub(super) fn tail(&self) -> Result<Tail, ReadError> {
        let gaps = self.lost()?.into_iter().map(|gap| gap.next.get().saturating_sub(1));
        let taken = Position::new(gaps.max().unwrap_or(0));
        let Some(block) = self.blocks_from(Position::new(u64::MAX))?.next().transpose()? else {
            let head = Head { position: Position::START, digest: Digest::GENESIS, records: 0 };
            return Ok(Tail { head, received_at: Millis(i64::MIN), taken });
        };
        let Some(last) = block.directory.items.last() else {
            return Err(ReadError::Corrupt { position: block.first, reason: "its block is empty" });
        };
        let record = block.encoded(last).decode()?;
        let records = block.directory.records_before.saturating_add(block.directory.items.len() as u64);
        let head = Head { position: record.position, digest: record.digest, records };
        Ok(Tail { head, received_at: record.content.received_at, taken: taken.max(head.position) })
    }

    /// The positions that a repair could not save.
    ///
    /// # Errors
    /// [`ReadError::Storage`].
    pub(super) fn lost(&self) -> Result<Vec<Lost>, ReadError> {
        let notes = self.db.scan_prefix([LOST]).map(|entry| {
            let (key, value) = entry.map_err(|error| storage(&error))?;
            match (key.last_chunk::<8>(), value.first_chunk::<8>()) {
                (Some(next), Some(after)) => {
                    Ok(Lost::of(u64::from_be_bytes(*next), u64::from_be_bytes(*after)))
                }
                _ => Err(ReadError::Storage { reason: "a note of lost positions is damaged".into() }),
            }
        });
        notes.collect()
    }

    /// How many ids the index holds.
    ///
    /// # Errors
    /// [`ReadError::Storage`].
    pub(super) fn index_count(&self) -> Result<u64, ReadError> {
        let mut count = 0_u64;
        for entry in self.db.scan_prefix([ID]) {
            entry.map_err(|error| storage(&error))?;
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// The index of ids: keys, and what it knows under them.
    pub(super) fn index(&self) -> impl Iterator<Item = Result<(Vec<u8>, Known), ReadError>> {
        self.db.scan_prefix([ID]).map(|entry| {
            let (key, value) = entry.map_err(|error| storage(&error))?;
            Ok((key.to_vec(), Known::from_bytes(&value)?))
        })
    }

    /// What the index says about an id, durable or not.
    ///
    /// # Errors
    /// [`ReadError::Storage`].
    pub(super) fn known(&self, id_key: &[u8]) -> Result<Option<Known>, ReadError> {
        let value = self.db.get(id_key).map_err(|error| storage(&error))?;
        value.map(|value| Known::from_bytes(&value)).transpose()
    }

    /// The record at a position that is known to exist.
    ///
    /// # Errors
    /// [`ReadError`].
    pub(super) fn record(&self, position: Position) -> Result<Record, ReadError> {
        let missing = ReadError::Corrupt { position, reason: MISSING };
        let block = self.blocks_from(position)?.next().transpose().map_err(|error| at(position, error))?;
        let block = block.ok_or_else(|| missing.clone())?;
        let item = block.directory.find(position).ok_or(missing)?;
        block.encoded(item).decode()
    }

    /// Records after `after`, up to and with `last`, within the limits of a page.
    ///
    /// # Errors
    /// [`ReadError`], if nothing comes before it.
    pub(super) fn read(
        &self,
        after: Position,
        last: Position,
        max: usize,
    ) -> Result<Vec<Encoded>, ReadError> {
        let mut page = Vec::new();
        if after >= last {
            return Ok(page);
        }
        let next = Position::new(after.get().saturating_add(1));
        let mut raw_bytes = 0_u64;
        for block in self.blocks_from(next)? {
            let block = match block {
                Ok(block) => block,
                Err(error) if page.is_empty() => return Err(at(next, error)),
                Err(_) => break,
            };
            // The first block may begin, or even end, at or before `after`.
            for item in block.directory.items.iter().filter(|item| item.position > after) {
                raw_bytes = raw_bytes.saturating_add(u64::from(item.raw_bytes));
                let full = page.len() >= max.min(READ_RECORDS_MAX)
                    || (raw_bytes > READ_BYTES_MAX && !page.is_empty());
                if full || item.position > last {
                    return Ok(page);
                }
                page.push(block.encoded(item));
            }
        }
        Ok(page)
    }

    /// The blocks from the one that holds `position` on, or would hold it.
    pub(super) fn blocks_from(&self, position: Position) -> Result<Blocks, ReadError> {
        let all = block_key(Position::START, 0);
        let before = self.db.range(all..=block_key(position, u16::MAX)).next_back();
        let first = match before {
            Some(entry) => block_position(&entry.map_err(|error| storage(&error))?.0),
            None => position,
        };
        Ok(Blocks {
            entries: self.db.range(block_key(first, 0)..=block_key(Position::new(u64::MAX), u16::MAX)),
            met: None,
        })
    }

    /// The position of the first block that says that other records lie before it than there are; none if all fit.
    ///
    /// # Errors
    /// [`ReadError`].
    pub(super) fn missing(&self) -> Result<Option<Position>, ReadError> {
        let mut before = 0_u64;
        for block in self.blocks_from(Position::START)? {
            let block = block?;
            if block.directory.records_before != before {
                return Ok(Some(block.first));
            }
            before = before.saturating_add(block.directory.items.len() as u64);
        }
        Ok(None)
    }

    /// Stores a batch durably, which makes `head` the log's end. After an error nothing is known about it.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) fn commit(&self, batch: Batch, head: &Head) -> Result<(), String> {
        let before = |step| match &self.fault {
            Some(fault) => fault(step).map_err(|error| error.to_string()),
            None => Ok(()),
        };
        let started = vitals::now();
        before(Step::Apply)?;
        self.db.apply_batch(batch).map_err(|error| error.to_string())?;
        before(Step::Flush)?;
        self.db.flush().map_err(|error| error.to_string())?;
        before(Step::Sync)?;
        let flushed = vitals::now();
        self.file.sync().map_err(|error| error.to_string())?;
        self.vitals.sync_micros.count_time(flushed.elapsed());
        self.vitals.commit_micros.count_time(started.elapsed());
        before(Step::Mark)?;
        match &mut *self.marker.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(marker) => marker.advance(head).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

/// Blocks in order, each put together from its chunks.
pub(super) struct Blocks {
    entries: sled::Iter,
    /// The beginning of the next block, met while looking for a chunk that is missing.
    met: Option<(IVec, IVec)>,
}

impl Iterator for Blocks {
    type Item = Result<Block, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match self.met.take() {
            Some(entry) => Ok(entry),
            None => self.entries.next()?,
        };
        Some(entry.map_err(|error| storage(&error)).and_then(|(key, value)| self.whole(&key, &value)))
    }
}

impl Blocks {
    fn whole(&mut self, key: &IVec, chunk: &IVec) -> Result<Block, ReadError> {
        let first = block_position(key);
        let corrupt = |reason| ReadError::Corrupt { position: first, reason };
        let directory = Directory::read(chunk).map_err(corrupt)?;
        if chunk.len() >= directory.bytes {
            return Ok(Block::new(first, directory, Arc::from(chunk.as_ref())));
        }
        let mut bytes = chunk.to_vec();
        while bytes.len() < directory.bytes {
            let (key, chunk) = match self.entries.next() {
                Some(entry) => entry.map_err(|error| storage(&error))?,
                None => return Err(corrupt("its block is cut short")),
            };
            if block_position(&key) != first {
                self.met = Some((key, chunk));
                return Err(corrupt("a chunk of its block is missing"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Block::new(first, directory, Arc::from(bytes)))
    }
}

impl Known {
    pub(super) fn new(position: Position, body_sha256: &[u8; 32]) -> Self {
        Self { position, body_start: *body_sha256.first_chunk().unwrap_or(&[0; 8]) }
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (position, body_start) = bytes.split_at_mut(8);
        position.copy_from_slice(&self.position.get().to_be_bytes());
        body_start.copy_from_slice(&self.body_start);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, ReadError> {
        match (bytes.first_chunk(), bytes.last_chunk(), bytes.len()) {
            (Some(position), Some(body_start), 16) => {
                Ok(Self { position: Position::new(u64::from_be_bytes(*position)), body_start: *body_start })
            }
            _ => Err(ReadError::Storage { reason: "an entry of the id index is damaged".into() }),
        }
    }
}

pub(super) fn id_key(provider: Provider, id: &RecordId) -> Vec<u8> {
    let mut key = vec![ID];
    key.extend_from_slice(provider.as_str().as_bytes());
    key.push(0);
    match id {
        RecordId::Event(id) => {
            key.push(b'e');
            key.extend_from_slice(id.as_str().as_bytes());
        }
        RecordId::Quarantine(hash) => {
            key.push(b'q');
            key.extend_from_slice(hash);
        }
    }
    key
}

/// Adds a note of lost positions to a batch.
pub(super) fn insert_lost(batch: &mut Batch, lost: &Lost) {
    let mut key = vec![LOST];
    key.extend_from_slice(&lost.next.get().to_be_bytes());
    batch.insert(key, lost.after.get().to_be_bytes().as_slice());
}

/// Adds a block to a batch, cut into values that sled keeps in its main file.
pub(super) fn insert_block(batch: &mut Batch, first: Position, block: &[u8]) -> Result<(), String> {
    for (index, chunk) in block.chunks(VALUE_BYTES_MAX).enumerate() {
        let index = u16::try_from(index).map_err(|_| "a block has too many chunks".to_owned())?;
        batch.insert(&block_key(first, index), chunk);
    }
    Ok(())
}

pub(super) fn block_key(first: Position, chunk: u16) -> [u8; 11] {
    let mut key = [BLOCK; 11];
    let (_, place) = key.split_at_mut(1);
    let (position, index) = place.split_at_mut(8);
    position.copy_from_slice(&first.get().to_be_bytes());
    index.copy_from_slice(&chunk.to_be_bytes());
    key
}

/// Ranges hand out block keys only, so the bytes are there.
fn block_position(key: &[u8]) -> Position {
    let bytes = key.get(1..).and_then(<[u8]>::first_chunk);
    Position::new(bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

fn storage(error: &sled::Error) -> ReadError {
    ReadError::Storage { reason: error.to_string().into() }
}

/// Damage to a whole block, told about the record that was asked for.
fn at(asked: Position, error: ReadError) -> ReadError {
    match error {
        ReadError::Corrupt { position, reason } => {
            ReadError::Corrupt { position: position.max(asked), reason }
        }
        other => other,
    }
}
