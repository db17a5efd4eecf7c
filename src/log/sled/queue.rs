//! What waits for the writer: bounded, in order of arrival.
//!
//! Never waits for room: a full queue answers at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::log::ack::Appended;
use crate::log::codec::Prepared;
use crate::log::error::AppendError;

/// How many records may wait.
pub(super) const QUEUE_RECORDS_MAX: usize = 8192;

/// How many bytes of encoded records may wait. A single request beyond that is taken when nothing else waits.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most that is handed out at once, in bytes of encoded records. A single request may be longer.
const TAKEN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One call of `append`, and who waits for its outcome.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) records: Vec<Prepared>,
    pub(super) ack: oneshot::Sender<Result<Vec<Appended>, AppendError>>,
}

impl Request {
    fn bytes(&self) -> usize {
        self.records.iter().map(Prepared::encoded_bytes).sum()
    }

    pub(super) fn answer(self, outcome: Result<Vec<Appended>, AppendError>) {
        // Whoever asked may have gone; the records are stored all the same.
        let _ = self.ack.send(outcome);
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: std::collections::VecDeque<Request>,
    records: usize,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Takes the request, or answers it with why not.
    pub(super) fn push(&self, request: Request) {
        let (records, bytes) = (request.records.len(), request.bytes());
        let mut waiting = self.lock();
        let full = waiting.records.saturating_add(records) > QUEUE_RECORDS_MAX
            || waiting.bytes.saturating_add(bytes) > QUEUE_BYTES_MAX;
        if waiting.closed || (full && !waiting.requests.is_empty()) {
            let error = if waiting.closed { AppendError::Closed } else { AppendError::Overloaded };
            drop(waiting);
            return request.answer(Err(error));
        }
        waiting.records = waiting.records.saturating_add(records);
        waiting.bytes = waiting.bytes.saturating_add(bytes);
        waiting.requests.push_back(request);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Waits for requests and takes what is answered together. None once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Request>> {
        let mut waiting = self.lock();
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken = Vec::new();
        let mut bytes = 0_usize;
        while let Some(request) = waiting.requests.pop_front() {
            let more = bytes.saturating_add(request.bytes());
            if more > TAKEN_BYTES_MAX && !taken.is_empty() {
                waiting.requests.push_front(request);
                break;
            }
            waiting.records = waiting.records.saturating_sub(request.records.len());
            waiting.bytes = waiting.bytes.saturating_sub(request.bytes());
            bytes = more;
            taken.push(request);
        }
        Some(taken)
    }

    /// Takes nothing more; what waits is still handed out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
