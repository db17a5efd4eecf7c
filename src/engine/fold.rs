//! Catching up: read on from the checkpoint, decode, apply, move the checkpoint. Startup, live traffic
//! and rebuild all come through `catch_up`; nothing else changes a projection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::log::{EventLog, Position, Provider, ReadError, Record, RecordId};
use crate::model::id::EventId;
use crate::model::observation::Snapshot;
use crate::model::time::Millis;
use crate::projection::{Checkpoint, FoldOutcome, Projection, ProjectionError, Step};

use super::feed::{Seen, Teller};
use super::{FoldError, OnProgress, Progress, Shared, decode};

/// The most records that are folded in one atomic write.
pub(super) const PAGE_RECORDS_MAX: usize = 4_096;
/// The pages that are decoded ahead of the fold.
const PAGES_AHEAD_MAX: usize = 1;
/// How often the counts at the door are saved.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// How often what was folded is handed over to the operating system.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// What is folded, out of what, and who is told about it.
pub(super) struct Folding<'a> {
    pub(super) log: &'a dyn EventLog,
    pub(super) projection: &'a Projection,
    /// Makes entries of what changes; none folds in silence.
    pub(super) teller: Option<Teller<'a>>,
}

/// Folds what the log holds beyond the projection's checkpoint, up to and with `until`, in silence.
pub(super) fn catch_up_to(
    log: &dyn EventLog,
    projection: &Projection,
    until: Position,
    mut folded: impl FnMut(&[(Position, FoldOutcome)], &Record),
) -> Result<Position, FoldError> {
    Folding { log, projection, teller: None }.run(until, &mut folded)
}

/// The same, and makes entries of what the feed does not tell yet: in silence up to where the feed is made, then, if
/// another version or policy made it, what these see otherwise, then record by record.
pub(super) fn advance(
    log: &dyn EventLog,
    projection: &Projection,
    teller: Teller<'_>,
    until: Position,
    mut folded: impl FnMut(&[(Position, FoldOutcome)], &Record),
) -> Result<Position, FoldError> {
    let through = Position::new(teller.feed.through().position);
    // Nobody would ever tell of the records between: the next start makes such a projection anew.
    if Position::new(projection.checkpoint()?.position) > through {
        return Err(FoldError::BrokeOff);
    }
    let reached = catch_up_to(log, projection, until.min(through), &mut folded)?;
    // Not `reached`: a repair may have lost the very record that the feed is made through, and the log goes on behind it.
    if until < through {
        return Ok(reached);
    }
    teller.reconcile(projection)?;
    Folding { log, projection, teller: Some(teller) }.run(until, &mut folded)
}

impl Folding<'_> {
    fn run(
        &self,
        until: Position,
        folded: &mut impl FnMut(&[(Position, FoldOutcome)], &Record),
    ) -> Result<Position, FoldError> {
        let mut after = Position::new(self.projection.checkpoint()?.position);
        while let Some(page) = Page::read(self.log, after, until)? {
            let more = page.outcomes.len() >= PAGE_RECORDS_MAX;
            after = page.fold(self, folded)?.max(after);
            if more {
                after = self.run_far(after, until, folded)?;
            }
        }
        Ok(after)
    }

    /// The same over many pages: the next one is read and decoded while one is applied.
    fn run_far(
        &self,
        mut after: Position,
        until: Position,
        folded: &mut impl FnMut(&[(Position, FoldOutcome)], &Record),
    ) -> Result<Position, FoldError> {
        let log = self.log;
        std::thread::scope(|scope| {
            let (ahead, pages) = sync_channel(PAGES_AHEAD_MAX);
            scope.spawn(move || {
                let mut after = after;
                loop {
                    let page = Page::read(log, after, until).transpose();
                    let last = page.as_ref().and_then(|page| page.as_ref().ok()).and_then(Page::last);
                    // Nobody takes it any more, it is the last one, or nothing lies behind it.
                    let Some(page) = page else { break };
                    if ahead.send(page).is_err() {
                        break;
                    }
                    match last {
                        Some(last) => after = last,
                        None => break,
                    }
                }
            });
            for page in pages {
                after = page?.fold(self, folded)?.max(after);
            }
            Ok(after)
        })
    }
}

/// Records that are decoded together and folded in one write.
struct Page {
    steps: Vec<Step>,
    outcomes: Vec<(Position, FoldOutcome)>,
    received: Vec<Millis>,
    last: Option<Record>,
    /// The record behind them cannot be read.
    error: Option<ReadError>,
}

impl Page {
    /// The records after `after`, up to and with `until`, decoded; none at the end.
    fn read(log: &dyn EventLog, after: Position, until: Position) -> Result<Option<Self>, ReadError> {
        let mut page = if after < until { log.read_encoded(after, PAGE_RECORDS_MAX)? } else { Vec::new() };
        page.retain(|record| record.position() <= until);
        if page.is_empty() {
            return Ok(None);
        }
        let decode::Part { steps, received, last, error } = decode::steps(&page);
        let outcomes =
            page.iter().zip(&steps).map(|(record, step)| (record.position(), step.outcome)).collect();
        Ok(Some(Self { steps, outcomes, received, last, error }))
    }

    /// Where the next page starts, if this one is whole.
    fn last(&self) -> Option<Position> {
        self.last.as_ref().filter(|_| self.error.is_none()).map(|record| record.position)
    }

    fn fold(
        self,
        folding: &Folding<'_>,
        folded: &mut impl FnMut(&[(Position, FoldOutcome)], &Record),
    ) -> Result<Position, FoldError> {
        let mut reached = Position::START;
        if let Some(last) = self.last {
            let checkpoint = Checkpoint { position: last.position.get(), digest: last.digest.0 };
            let recall = |event: &EventId| recall(folding.log, event);
            match &folding.teller {
                None => folding.projection.fold(self.steps, checkpoint, &recall)?,
                Some(teller) => {
                    let seen = seen(&self.steps, &self.outcomes, &self.received);
                    let mut looking = teller.looking(&seen);
                    folding.projection.fold_looking(self.steps, checkpoint, &recall, &mut looking)?;
                }
            }
            folded(&self.outcomes, &last);
            reached = last.position;
        }
        self.error.map_or(Ok(reached), |error| Err(error.into()))
    }
}

/// What the entries of a page's records say of their cause.
fn seen(steps: &[Step], outcomes: &[(Position, FoldOutcome)], received: &[Millis]) -> Vec<Seen> {
    let records = steps.iter().zip(outcomes).zip(received);
    let seen = records.map(|((step, (position, _)), received_at)| Seen {
        position: position.get(),
        received_at: *received_at,
        record: step.record.clone(),
        event_type: step.event_type.clone().unwrap_or_default(),
    });
    seen.collect()
}

/// The snapshot of a record that was folded before and now decides its object.
pub(super) fn recall(log: &dyn EventLog, event: &EventId) -> Result<Snapshot, ProjectionError> {
    let missing = |reason: String| ProjectionError::Recall { reason: reason.into() };
    let record = log
        .find(Provider::Stripe, &RecordId::Event(event.clone()))
        .map_err(|error: ReadError| missing(error.to_string()))?
        .ok_or_else(|| missing(format!("{event} is not in the log")))?;
    let observation = decode::step(&record).observation;
    observation
        .map(|observation| observation.snapshot)
        .ok_or_else(|| missing(format!("{event} is not readable")))
}

/// sled panics on some damaged pages; the fold must never be gone without a word.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, FoldError>) -> Result<T, FoldError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(FoldError::BrokeOff))
}

impl Shared {
    /// Catches up and publishes how far it came, or why it stands still.
    pub(super) fn fold_now(&self) -> Result<Position, FoldError> {
        self.fold_telling(None)
    }

    /// The same, telling how far it has come.
    pub(super) fn fold_telling(&self, on_progress: Option<&OnProgress>) -> Result<Position, FoldError> {
        let _alone = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let projection = self.projection();
        let fold = |outcomes: &[(Position, FoldOutcome)], last: &Record| {
            let mut operations = self.operations();
            let unreadable = |outcome| matches!(outcome, FoldOutcome::Unreadable | FoldOutcome::Quarantined);
            for (position, _) in outcomes.iter().filter(|(_, outcome)| unreadable(*outcome)) {
                operations.count_unreadable(*position, last.content.received_at.seconds());
            }
            self.applied.send_replace(last.position);
            drop(operations);
            self.flush_if_due(&projection);
            if let Some(tell) = on_progress {
                // Positions may have gaps; for a bar they count well enough.
                tell(self.progress(last.position.get()));
            }
        };
        let end = Position::new(u64::MAX);
        let caught_up = guarded(|| advance(&*self.log, &projection, self.teller(), end, fold));
        *self.fold_error.lock().unwrap_or_else(PoisonError::into_inner) = caught_up.as_ref().err().cloned();
        caught_up
    }

    /// Hands over what was folded, the feed first: a projection that is found ahead of it after a crash is made anew.
    /// What fails here is not lost, and fails again where it is noticed.
    fn flush(&self, projection: &Projection) {
        if self.feed.flush().is_ok() {
            let _ = projection.flush();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "only to know how long ago the last flush was")]
    fn flush_if_due(&self, projection: &Projection) {
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        if flushed.is_none_or(|flushed| flushed.elapsed() >= FLUSH_EVERY) {
            self.flush(projection);
            *flushed = Some(Instant::now());
        }
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
        let thread =
            std::thread::Builder::new().name("billfold-fold".into()).spawn(move || run(&shared, &woken))?;
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

#[expect(clippy::disallowed_methods, reason = "only to know how old the saved counts are")]
fn run(shared: &Shared, woken: &Receiver<()>) {
    let mut saved = Instant::now();
    let mut unflushed = true;
    loop {
        match woken.recv_timeout(FLUSH_EVERY) {
            Ok(()) => {
                // Kept in `fold_error`, where readiness shows it.
                let _ = shared.fold_now();
                unflushed = true;
            }
            Err(RecvTimeoutError::Timeout) if unflushed => {
                // Between two pages: what is written of the one is written of the other.
                let _alone = shared.folding.lock().unwrap_or_else(PoisonError::into_inner);
                shared.flush(&shared.projection());
                unflushed = false;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if saved.elapsed() >= SAVE_EVERY {
            // Counts of the door: the next save tries again.
            let _ = shared.operations().save();
            saved = Instant::now();
        }
    }
    let _ = shared.operations().save();
    let _ = shared.feed.sync();
    let _ = shared.projection().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_that_breaks_off_is_an_error() {
        let outcome = guarded(|| -> Result<(), FoldError> { panic!("as sled does on some damaged pages") });
        assert!(matches!(outcome, Err(FoldError::BrokeOff)));
    }
}
