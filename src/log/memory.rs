//! The simple twin: a log in memory, for tests and for trying things out.
//!
//! Never outlives the process; "durable" means here: as durable as the twin gets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ack::{Ack, Appended};
use super::encoded::Encoded;
use super::error::{AppendError, ReadError};
use super::record::{Digest, Head, NewRecord, Position, Provider, Record, RecordId};
use super::{EventLog, READ_BYTES_MAX, READ_RECORDS_MAX, codec};

/// A log in memory. A clone is a second handle on the same log.
#[derive(Debug, Clone, Default)]
pub struct MemoryLog(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Position, Record>,
    ids: BTreeMap<(Provider, RecordId), Position>,
    poisoned: Option<Arc<str>>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Behaves from now on as after a failed write (rule 7), until [`MemoryLog::reopen`].
    pub fn poison(&self, reason: &str) {
        self.state().poisoned = Some(reason.into());
    }

    /// What closing and opening again does to a durable log: the records stay, the poison goes.
    pub fn reopen(&self) {
        self.state().poisoned = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change to the state is complete before anything in it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn head(&self) -> Head {
        let last = self.records.values().next_back();
        Head {
            position: last.map_or(Position::START, |record| record.position),
            digest: last.map_or(Digest::GENESIS, |record| record.digest),
            records: self.records.len() as u64,
        }
    }

    fn append(&mut self, content: NewRecord) -> Appended {
        let key = (content.provider, content.id.clone());
        if let Some(&position) = self.ids.get(&key) {
            let first = self.records.get(&position);
            let same_body = first.is_some_and(|first| first.content.body == content.body);
            return Appended::Duplicate { position, same_body };
        }
        let head = self.head();
        let position = Position::new(head.position.get().saturating_add(1));
        let last = self.records.values().next_back();
        let mut record = Record { position, content, digest: Digest::GENESIS };
        if let Some(last) = last {
            record.content.received_at = record.content.received_at.max(last.content.received_at);
        }
        record.digest = record.digest_after(head.digest);
        self.records.insert(position, record);
        self.ids.insert(key, position);
        Appended::New { position }
    }
}

impl EventLog for MemoryLog {
    fn append(&self, records: Vec<NewRecord>) -> Ack {
        let mut state = self.state();
        if let Some(reason) = state.poisoned.clone() {
            return Ack::ready(Err(AppendError::Poisoned { reason }));
        }
        if let Err(error) = records.iter().try_for_each(codec::check_limits) {
            return Ack::ready(Err(error));
        }
        Ack::ready(Ok(records.into_iter().map(|record| state.append(record)).collect()))
    }

    fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError> {
        let state = self.state();
        let mut bytes = 0_u64;
        let next = Position::new(after.get().saturating_add(1));
        let page =
            state.records.range(next..).take(max.min(READ_RECORDS_MAX)).take_while(|(position, record)| {
                bytes = bytes.saturating_add(record.content.body.0.len() as u64);
                **position == next || bytes <= READ_BYTES_MAX
            });
        Ok(page.map(|(_, record)| Encoded::plain(record.clone())).collect())
    }

    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError> {
        let state = self.state();
        let position = state.ids.get(&(provider, id.clone()));
        Ok(position.and_then(|position| state.records.get(position)).cloned())
    }

    fn head(&self) -> Head {
        self.state().head()
    }

    fn poisoned(&self) -> Option<Arc<str>> {
        self.state().poisoned.clone()
    }
}
