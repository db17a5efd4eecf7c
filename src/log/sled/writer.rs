//! The one thread that writes: queue → commit → acknowledgements.
//!
//! Never acknowledges before the commit is durable, duplicates included: their first copy may be in the same commit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sled::Batch;

use super::Shared;
use super::block::BlockBuilder;
use super::queue::{Queue, Request};
use super::store::{Known, Store, Tail, id_key, insert_block};
use crate::log::ack::Appended;
use crate::log::codec::{self, Place, Prepared};
use crate::log::error::AppendError;
use crate::log::record::Position;

pub(super) struct Writer {
    store: Arc<Store>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    tail: Tail,
}

impl Writer {
    pub(super) const fn new(store: Arc<Store>, queue: Arc<Queue>, shared: Arc<Shared>, tail: Tail) -> Self {
        Self { store, queue, shared, tail }
    }

    /// Commits what the queue hands out until it is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(requests) = self.queue.take() {
            // A panic inside sled is a failed write like any other.
            let outcome = match self.shared.poisoned.get() {
                Some(reason) => Err(reason.to_string()),
                None => catch_unwind(AssertUnwindSafe(|| self.commit(&requests)))
                    .unwrap_or_else(|_| Err("the storage panicked".to_owned())),
            };
            match outcome {
                Ok(outcomes) => {
                    for (request, outcome) in requests.into_iter().zip(outcomes) {
                        request.answer(Ok(outcome));
                    }
                }
                Err(reason) => {
                    let reason = self.shared.poisoned.get_or_init(|| reason.into()).clone();
                    for request in requests {
                        request.answer(Err(AppendError::Poisoned { reason: reason.clone() }));
                    }
                }
            }
        }
    }

    /// Stores what is new among the requests, durably, and says what became of each.
    fn commit(&mut self, requests: &[Request]) -> Result<Vec<Vec<Appended>>, String> {
        let mut commit = Commit::new(self.tail);
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            let records = request.records.iter();
            outcomes.push(records.map(|record| commit.place(&self.store, record)).collect::<Result<_, _>>()?);
        }
        if commit.new.is_empty() {
            // Every first copy lies in an earlier commit, which is durable.
            return Ok(outcomes);
        }
        let (batch, tail) = commit.finish()?;
        self.store.commit(batch)?;
        self.tail = tail;
        self.shared.set_head(tail.head);
        Ok(outcomes)
    }
}

/// A commit under construction.
struct Commit {
    tail: Tail,
    /// Records before the block under construction.
    records_before: u64,
    new: BTreeMap<Vec<u8>, Known>,
    block: BlockBuilder,
    encoded: Vec<u8>,
    batch: Batch,
}

impl Commit {
    fn new(tail: Tail) -> Self {
        Self {
            tail,
            records_before: tail.head.records,
            new: BTreeMap::new(),
            block: BlockBuilder::default(),
            encoded: Vec::new(),
            batch: Batch::default(),
        }
    }

    /// Gives the record its place, or finds the one it has.
    fn place(&mut self, store: &Store, record: &Prepared) -> Result<Appended, String> {
        let key = id_key(record.provider, &record.id);
        let known = match self.new.get(&key) {
            Some(known) => Some(*known),
            None => store.known(&key).map_err(|error| error.to_string())?,
        };
        let position = Position::new(self.tail.head.position.get().saturating_add(1));
        let this = Known::new(position, &record.body_sha256);
        if let Some(first) = known {
            let same_body = first.body_start == this.body_start;
            return Ok(Appended::Duplicate { position: first.position, same_body });
        }
        let received_at = record.received_at.max(self.tail.received_at);
        let place = Place { position, received_at, previous: self.tail.head.digest };
        self.encoded.clear();
        let digest = codec::encode(record, place, &mut self.encoded)?;
        if !self.block.has_room(self.encoded.len()) {
            self.cut()?;
        }
        self.block.push(position, record.raw_bytes(), &self.encoded);
        self.batch.insert(key.as_slice(), &this.to_bytes());
        self.new.insert(key, this);
        self.tail.head.position = position;
        self.tail.head.digest = digest;
        self.tail.head.records = self.tail.head.records.saturating_add(1);
        self.tail.received_at = received_at;
        Ok(Appended::New { position })
    }

    fn cut(&mut self) -> Result<(), String> {
        let records = u64::from(self.block.records());
        if let Some((first, block)) = self.block.finish(self.records_before) {
            insert_block(&mut self.batch, first, &block)?;
        }
        self.records_before = self.records_before.saturating_add(records);
        Ok(())
    }

    fn finish(mut self) -> Result<(Batch, Tail), String> {
        self.cut()?;
        Ok((self.batch, self.tail))
    }
}
