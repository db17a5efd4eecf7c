//! Catching up: read on from the checkpoint, decode, apply, move the checkpoint. Startup, live traffic
//! and rebuild all come through `catch_up`; nothing else changes a projection.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::log::{EventLog, Position, Provider, ReadError, Record, RecordId};
use crate::model::id::EventId;
use crate::model::observation::Snapshot;
use crate::projection::{Checkpoint, FoldOutcome, Projection, ProjectionError};

use super::{FoldError, Progress, Shared, decode};

/// The most records that are folded in one atomic write.
pub(super) const PAGE_RECORDS_MAX: usize = 4_096;
/// How often the counts at the door are saved while nothing happens, in seconds.
const IDLE_SECONDS: u64 = 5;

/// Folds everything that the log holds beyond the projection's checkpoint.
pub(super) fn catch_up(
    log: &dyn EventLog,
    projection: &Projection,
    mut folded: impl FnMut(&[(Position, FoldOutcome)], &Record),
) -> Result<Position, FoldError> {
    let mut checkpoint = projection.checkpoint()?;
    loop {
        let page = log.read_encoded(Position::new(checkpoint.position), PAGE_RECORDS_MAX)?;
        if page.is_empty() {
            return Ok(Position::new(checkpoint.position));
        }
        let (steps, last, error) = decode::steps(&page);
        if let Some(last) = last {
            checkpoint = Checkpoint { position: last.position.get(), digest: last.digest.0 };
            let outcomes: Vec<_> =
                page.iter().zip(&steps).map(|(record, step)| (record.position(), step.outcome)).collect();
            projection.fold(steps, checkpoint, &|event| recall(log, event))?;
            folded(&outcomes, &last);
        }
        if let Some(error) = error {
            return Err(error.into());
        }
    }
}

/// The snapshot of a record that was folded before and now decides its object.
pub(super) fn recall(log: &dyn EventLog, event: &EventId) -> Result<Snapshot, ProjectionError> {
    let missing = |reason: String| ProjectionError::Recall { reason: reason.into() };
    let record = log
        .find(Provider::Stripe, &RecordId::Event(event.clone()))
        .map_err(|error: ReadError| missing(error.to_string()))?
        .ok_or_else(|| missing(format!("{event} is not in the log")))?;
    let observation = decode::step(&record).observation;
    observation.map(|observation| observation.snapshot).ok_or_else(|| missing(format!("{event} is not readable")))
}

impl Shared {
    /// Catches up and publishes how far it came, or why it stands still.
    pub(super) fn fold_now(&self) -> Result<Position, FoldError> {
        let _alone = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let projection = self.projection();
        let caught_up = catch_up(&*self.log, &projection, |outcomes, last| {
            let mut operations = self.operations();
            let unreadable = |outcome| matches!(outcome, FoldOutcome::Unreadable | FoldOutcome::Quarantined);
            for (position, _) in outcomes.iter().filter(|(_, outcome)| unreadable(*outcome)) {
                operations.count_unreadable(*position, last.content.received_at.seconds());
            }
            self.applied.send_replace(last.position);
        });
        *self.fold_error.lock().unwrap_or_else(PoisonError::into_inner) = caught_up.as_ref().err().cloned();
        caught_up
    }

    /// How far the log has to be folded, told after every page.
    pub(super) fn progress(&self, done: u64) -> Progress {
        Progress { done, total: self.log.head().records }
    }
}

/// The thread that folds live traffic.
pub(super) struct Folder {
    wake: Option<SyncSender<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Folder {
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("billfold-fold".into())
            .spawn(move || run(&shared, &woken))?;
        Ok(Self { wake: Some(wake), thread: Mutex::new(Some(thread)) })
    }

    /// Says that the log has grown. Never blocks: one wake-up that waits is enough.
    pub(super) fn wake(&self) {
        if let Some(Err(TrySendError::Disconnected(()))) = self.wake.as_ref().map(|wake| wake.try_send(())) {
            // The thread is gone only while the last handle is dropped.
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.wake = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic on that thread was already reported by the thread itself.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, woken: &Receiver<()>) {
    loop {
        match woken.recv_timeout(Duration::from_secs(IDLE_SECONDS)) {
            Ok(()) => {
                // Kept in `fold_error`, where readiness shows it.
                let _ = shared.fold_now();
            }
            Err(RecvTimeoutError::Timeout) => {
                // Counts of the door: the next save tries again.
                let _ = shared.operations().save();
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let _ = shared.operations().save();
    let _ = shared.projection().flush();
}
