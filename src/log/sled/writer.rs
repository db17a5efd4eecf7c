//! The one thread that writes: queue → commit → acknowledgements.
//!
//! Never acknowledges before the commit is durable, duplicates included: their first copy may be in the same commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Shared;
use super::commit::Commit;
use super::queue::{Queue, Request};
use super::store::{Store, Tail};
use crate::log::ack::Appended;
use crate::log::error::AppendError;

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
            let mut placed = Vec::with_capacity(request.records.len());
            for record in &request.records {
                if commit.is_full() {
                    self.store(commit)?;
                    commit = Commit::new(self.tail);
                }
                placed.push(commit.place(&self.store, record)?);
            }
            outcomes.push(placed);
        }
        // Without anything new every first copy lies in an earlier commit, which is durable.
        if !commit.is_empty() {
            self.store(commit)?;
        }
        Ok(outcomes)
    }

    fn store(&mut self, commit: Commit) -> Result<(), String> {
        let (batch, tail) = commit.finish()?;
        self.store.commit(batch, &tail.head)?;
        let new = tail.head.records.saturating_sub(self.tail.head.records);
        self.store.vitals.commit_records.count(new);
        self.tail = tail;
        self.shared.set_head(tail.head);
        Ok(())
    }
}
