//! A commit under construction: records with their places, their ids, and the blocks that hold them.
//!
//! Never writes: it ends in a batch.

use std::collections::BTreeMap;

use sled::Batch;

use super::block::BlockBuilder;
use super::store::{Known, Store, Tail, id_key, insert_block, insert_lost};
use crate::log::ack::Appended;
use crate::log::codec::{self, Place, Prepared};
use crate::log::inspection::Lost;
use crate::log::record::{Position, Record};
use crate::storage::SEGMENT_BYTES;

/// The most that one commit writes, in bytes of blocks; the last record may go beyond.
///
/// sled moves what lives in an old segment (16 MiB) and uses the segment again, two segments later at the earliest, without
/// knowing whether the disk has what it moved: only our sync after a commit sees to that. A block is written about three
/// times until its page is full, and moves as many bytes again. So a commit stays below an eighth of two segments.
const COMMIT_BYTES_MAX: usize = SEGMENT_BYTES / 4;

/// A commit under construction.
pub(super) struct Commit {
    tail: Tail,
    /// The blocks that are complete, in bytes.
    bytes: usize,
    /// Records before the block under construction.
    records_before: u64,
    new: BTreeMap<Vec<u8>, Known>,
    block: BlockBuilder,
    encoded: Vec<u8>,
    batch: Batch,
}

impl Commit {
    pub(super) fn new(tail: Tail) -> Self {
        Self {
            tail,
            bytes: 0,
            records_before: tail.head.records,
            new: BTreeMap::new(),
            block: BlockBuilder::default(),
            encoded: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Nothing new is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty()
    }

    /// It must be stored before anything else is added.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes.saturating_add(self.block.bytes()) >= COMMIT_BYTES_MAX
    }

    /// Gives the record its place, or finds the one it has.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) fn place(&mut self, store: &Store, record: &Prepared) -> Result<Appended, String> {
        let key = id_key(record.provider, &record.id);
        let known = match self.new.get(&key) {
            Some(known) => Some(*known),
            None => store.known(&key).map_err(|error| error.to_string())?,
        };
        let position = Position::new(self.tail.taken.get().saturating_add(1));
        let this = Known::new(position, &record.body_sha256);
        if let Some(first) = known {
            let same_body = first.body_start == this.body_start;
            return Ok(Appended::Duplicate { position: first.position, same_body });
        }
        let received_at = record.received_at.max(self.tail.received_at);
        let place = Place { position, received_at, previous: self.tail.head.digest };
        self.encoded.clear();
        let digest = codec::encode(record, place, &mut self.encoded)?;
        let encoded = std::mem::take(&mut self.encoded);
        self.add(key, this, &encoded, record.raw_bytes())?;
        self.encoded = encoded;
        self.tail.head.digest = digest;
        self.tail.received_at = received_at;
        Ok(Appended::New { position })
    }

    /// Takes another log's record over, at its own position: the caller has checked that it belongs there.
    ///
    /// # Errors
    /// What the disk said, or that its id is stored already.
    pub(super) fn adopt(&mut self, store: &Store, record: &Record, encoded: &[u8]) -> Result<(), String> {
        let content = &record.content;
        let key = id_key(content.provider, &content.id);
        let known = match self.new.get(&key) {
            Some(known) => Some(*known),
            None => store.known(&key).map_err(|error| error.to_string())?,
        };
        if let Some(known) = known {
            return Err(format!("its id is stored at position {} already", known.position));
        }
        let this = Known::new(record.position, &codec::body_sha256(&content.body));
        let raw_bytes = u32::try_from(content.body.0.len()).unwrap_or(u32::MAX);
        self.add(key, this, encoded, raw_bytes)?;
        self.tail.head.digest = record.digest;
        self.tail.received_at = content.received_at.max(self.tail.received_at);
        Ok(())
    }

    /// Notes that positions are lost.
    pub(super) fn note_lost(&mut self, lost: &Lost) {
        insert_lost(&mut self.batch, lost);
        self.tail.taken = self.tail.taken.max(Position::new(lost.next.get().saturating_sub(1)));
    }

    fn add(&mut self, key: Vec<u8>, this: Known, encoded: &[u8], raw_bytes: u32) -> Result<(), String> {
        if !self.block.has_room(encoded.len()) {
            self.cut()?;
        }
        self.block.push(this.position, raw_bytes, encoded);
        self.batch.insert(key.as_slice(), &this.to_bytes());
        self.new.insert(key, this);
        self.tail.head.position = this.position;
        self.tail.head.records = self.tail.head.records.saturating_add(1);
        self.tail.taken = self.tail.taken.max(this.position);
        Ok(())
    }

    fn cut(&mut self) -> Result<(), String> {
        let records = u64::from(self.block.records());
        if let Some((first, block)) = self.block.finish(self.records_before) {
            self.bytes = self.bytes.saturating_add(block.len());
            insert_block(&mut self.batch, first, &block)?;
        }
        self.records_before = self.records_before.saturating_add(records);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Batch, Tail), String> {
        self.cut()?;
        Ok((self.batch, self.tail))
    }
}
