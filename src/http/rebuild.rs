//! The rebuild of a running server: started, watched, confirmed and stopped by requests, one at a time.
//!
//! Never swaps what was to be compared before somebody confirmed it. Gone with the server: the old state stays.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::api::{self, Problem, ProblemKind, RebuildEnd, RebuildStage, RebuildState, RebuildUnderWay};
use crate::engine::{Billfold, LiveShadow, Progress, RebuildError, Rebuilt};

use super::config::Clock;

/// How long a folded state waits to be confirmed before it is thrown away: it takes memory.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// The one rebuild that may be under way, and what became of the last one.
pub(super) struct Rebuilds {
    board: Arc<Board>,
    clock: Clock,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Where requests and the thread that works meet.
#[derive(Default)]
struct Board {
    state: Mutex<Shown>,
    decided: Condvar,
}

#[derive(Default)]
struct Shown {
    state: RebuildState,
    decision: Option<Decision>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Swap,
    Stop,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, change: impl FnOnce(&mut RebuildUnderWay)) {
        if let Some(under_way) = &mut self.lock().state.under_way {
            change(under_way);
        }
    }

    fn is_stopped(&self) -> bool {
        self.lock().decision == Some(Decision::Stop)
    }

    /// Waits for a decision; none in time is a no.
    fn decision(&self) -> Decision {
        let waiting = self.lock();
        let waited = self.decided.wait_timeout_while(waiting, WAIT_MAX, |shown| shown.decision.is_none());
        let (shown, _) = waited.unwrap_or_else(PoisonError::into_inner);
        shown.decision.unwrap_or(Decision::Stop)
    }
}

impl Rebuilds {
    pub(super) fn new(clock: Clock) -> Self {
        Self { board: Arc::default(), clock, thread: Mutex::default() }
    }

    /// What is under way, and how the last one ended.
    pub(super) fn shown(&self) -> Value {
        api::rebuild(&self.board.lock().state, (self.clock)())
    }

    /// Starts one; with `compare` it waits for a confirmation before the swap. Opens a folder: not for a thread that serves.
    pub(super) fn start(&self, billfold: &Billfold, compare: bool) -> Result<Value, Problem> {
        let shadow = billfold.live_shadow().map_err(|error| refused(&error))?;
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one has let go of the folder, and so has said how it ended.
        if let Some(ended) = thread.take() {
            let _ = ended.join();
        }
        let started_at = (self.clock)();
        let under_way = RebuildUnderWay::new(started_at, compare);
        let mut shown = self.board.lock();
        shown.state.under_way = Some(under_way);
        shown.decision = None;
        drop(shown);
        let (board, clock) = (Arc::clone(&self.board), Arc::clone(&self.clock));
        let work = move || {
            // A panic was told on stderr; its shadow is gone, and the old state stays.
            let end = catch_unwind(AssertUnwindSafe(|| work(&board, &clock, shadow, compare)));
            let end = end.unwrap_or_else(|_| {
                RebuildEnd::failed("it broke off: look into the server's log".to_owned())
            });
            let mut shown = board.lock();
            let differences = shown.state.under_way.take().and_then(|under_way| under_way.differences);
            shown.state.last = Some(RebuildEnd { started_at, ended_at: clock(), differences, ..end });
        };
        let spawned = std::thread::Builder::new().name("billfold-rebuild".to_owned()).spawn(work);
        *thread = Some(spawned.map_err(|error| {
            self.board.lock().state.under_way = None;
            Problem::new(
                ProblemKind::Unavailable,
                format!("no thread can be started for the rebuild: {error}"),
            )
        })?);
        drop(thread);
        Ok(self.shown())
    }

    /// Confirms the swap of the one that waits for it.
    pub(super) fn confirm(&self) -> Result<Value, Problem> {
        self.decide(Decision::Swap, |stage| stage == RebuildStage::Waiting)
    }

    /// Stops the one that is under way, unless it swaps already.
    pub(super) fn stop(&self) -> Result<Value, Problem> {
        self.decide(Decision::Stop, |stage| stage != RebuildStage::Swapping)
    }

    fn decide(&self, decision: Decision, may: impl Fn(RebuildStage) -> bool) -> Result<Value, Problem> {
        let mut shown = self.board.lock();
        let stage = shown.state.under_way.as_ref().map(|under_way| under_way.stage);
        if shown.decision.is_some() || !stage.is_some_and(may) {
            let is = stage.map_or_else(
                || "no rebuild is under way".to_owned(),
                |stage| format!("the rebuild is at the stage `{}`, or decided already", stage.as_str()),
            );
            let detail = format!("{is}: GET /v1/rebuild shows it, and how the last one ended");
            return Err(Problem::new(ProblemKind::NoRebuild, detail));
        }
        shown.decision = Some(decision);
        drop(shown);
        self.board.decided.notify_all();
        Ok(self.shown())
    }
}

impl Drop for Rebuilds {
    /// A server that ends leaves the old state, and the folder to whoever comes next.
    fn drop(&mut self) {
        let mut shown = self.board.lock();
        shown.decision.get_or_insert(Decision::Stop);
        drop(shown);
        self.board.decided.notify_all();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// From the fold to the swap, or to where it was stopped.
fn work(board: &Board, clock: &Clock, mut shadow: LiveShadow, compare: bool) -> RebuildEnd {
    let tell = |progress: Progress| board.show(|under_way| under_way.progress = progress);
    let folded = shadow.fold(&|progress| {
        tell(progress);
        if board.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Err(error) = folded {
        shadow.discard();
        return ended(&error);
    }
    if compare {
        board.show(|under_way| under_way.stage = RebuildStage::Comparing);
        match shadow.differences(clock().seconds()) {
            Ok(found) => board.show(|under_way| {
                under_way.differences = Some(found.as_ref().map_or(Value::Null, api::differences));
                under_way.stage = RebuildStage::Waiting;
            }),
            Err(error) => {
                shadow.discard();
                return ended(&error);
            }
        }
        if board.decision() == Decision::Stop {
            shadow.discard();
            return RebuildEnd::kept();
        }
    }
    let mut shown = board.lock();
    // Whoever stops it from here on is told that it is too late.
    if shown.decision == Some(Decision::Stop) {
        drop(shown);
        shadow.discard();
        return RebuildEnd::kept();
    }
    if let Some(under_way) = &mut shown.state.under_way {
        under_way.stage = RebuildStage::Swapping;
    }
    drop(shown);
    match shadow.swap(&tell) {
        Ok(Rebuilt { records, changed, digest }) => RebuildEnd::swapped(records, changed, digest),
        Err(error) => ended(&error),
    }
}

fn ended(error: &RebuildError) -> RebuildEnd {
    match error {
        RebuildError::Stopped => RebuildEnd::kept(),
        error => {
            tracing::error!("a rebuild failed, and the old state stays: {error}");
            RebuildEnd::failed(error.to_string())
        }
    }
}

fn refused(error: &RebuildError) -> Problem {
    match error {
        RebuildError::UnderWay => Problem::new(
            ProblemKind::RebuildUnderWay,
            "a rebuild is under way: GET /v1/rebuild shows it, DELETE /v1/rebuild stops it",
        ),
        error => Problem::new(ProblemKind::Unavailable, error.to_string()),
    }
}
