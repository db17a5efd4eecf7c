//! How the rebuild of a running server goes, as an answer. Never rebuilds, never reads a clock.

use serde_json::{Map, Value, json};

use crate::engine::Progress;
use crate::model::time::Millis;

use super::object::add_twins;

/// Where a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebuildStage {
    /// The log is folded beside the state that serves.
    Folding,
    /// Both are compared.
    Comparing,
    /// Somebody has to say whether the new state takes the old one's place.
    Waiting,
    /// It does.
    Swapping,
}

impl RebuildStage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Folding, Self::Comparing, Self::Waiting, Self::Swapping];

    /// The word, the same as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Folding => "folding",
            Self::Comparing => "comparing",
            Self::Waiting => "waiting",
            Self::Swapping => "swapping",
        }
    }
}

/// A rebuild that is under way.
#[derive(Debug, Clone)]
pub struct RebuildUnderWay {
    /// Where it is.
    pub stage: RebuildStage,
    /// It waits for a confirmation before the swap.
    pub compare: bool,
    /// How far the fold has come.
    pub progress: Progress,
    /// When it began.
    pub started_at: Millis,
    /// What the swap would change, once that is known; null where there is nothing to compare with.
    pub differences: Option<Value>,
}

impl RebuildUnderWay {
    /// One that begins.
    #[must_use]
    pub const fn new(started_at: Millis, compare: bool) -> Self {
        let progress = Progress { done: 0, total: 0 };
        Self { stage: RebuildStage::Folding, compare, progress, started_at, differences: None }
    }
}

/// What became of a rebuild.
#[derive(Debug, Clone)]
pub struct RebuildEnd {
    /// `swapped`: the new state serves; `kept`: somebody stopped it; `failed`.
    pub outcome: &'static str,
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// Records folded, whether the state's bytes differ, and its digest; only of one that was swapped.
    pub rebuilt: Option<(u64, bool, [u8; 32])>,
    /// What it found to be different, where that was asked for.
    pub differences: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
}

impl RebuildEnd {
    /// The words of the outcome.
    pub const OUTCOMES: [&'static str; 3] = ["swapped", "kept", "failed"];

    const fn of(outcome: &'static str) -> Self {
        let never = Millis(0);
        Self { outcome, started_at: never, ended_at: never, rebuilt: None, differences: None, error: None }
    }

    /// The new state serves.
    #[must_use]
    pub fn swapped(records: u64, changed: bool, digest: [u8; 32]) -> Self {
        Self { rebuilt: Some((records, changed, digest)), ..Self::of("swapped") }
    }

    /// The old state stays, as somebody wanted it.
    #[must_use]
    pub const fn kept() -> Self {
        Self::of("kept")
    }

    /// The old state stays.
    #[must_use]
    pub fn failed(error: String) -> Self {
        Self { error: Some(error), ..Self::of("failed") }
    }
}

/// What is under way, and how the last one ended.
#[derive(Debug, Clone, Default)]
pub struct RebuildState {
    /// The one that is under way.
    pub under_way: Option<RebuildUnderWay>,
    /// The one before, since the server started.
    pub last: Option<RebuildEnd>,
}

/// The state as it is at `now`.
#[must_use]
pub fn rebuild(state: &RebuildState, now: Millis) -> Value {
    json!({
        "under_way": state.under_way.as_ref().map(|under_way| shown(under_way, now)),
        "last": state.last.as_ref().map(ended),
    })
}

fn shown(under_way: &RebuildUnderWay, now: Millis) -> Value {
    let Progress { done, total } = under_way.progress;
    let elapsed = u64::try_from(now.0.saturating_sub(under_way.started_at.0)).unwrap_or(0);
    let folding = under_way.stage == RebuildStage::Folding;
    let rate = done.saturating_mul(1_000).checked_div(elapsed).filter(|rate| folding && *rate > 0);
    let remaining = rate.and_then(|rate| total.saturating_sub(done).checked_div(rate));
    let members = [
        ("stage", json!(under_way.stage.as_str())),
        ("compare", json!(under_way.compare)),
        ("done", json!(done)),
        ("total", json!(total)),
        ("per_second", json!(rate)),
        ("remaining_seconds", json!(remaining)),
        ("started_at", json!(under_way.started_at.seconds())),
        ("differences", json!(under_way.differences)),
    ];
    with_twins(members)
}

fn ended(end: &RebuildEnd) -> Value {
    let members = [
        ("outcome", json!(end.outcome)),
        ("started_at", json!(end.started_at.seconds())),
        ("ended_at", json!(end.ended_at.seconds())),
        ("records", json!(end.rebuilt.map(|(records, ..)| records))),
        ("changed", json!(end.rebuilt.map(|(_, changed, _)| changed))),
        ("digest", json!(end.rebuilt.map(|(.., digest)| hex::encode(digest)))),
        ("differences", json!(end.differences)),
        ("error", json!(end.error)),
    ];
    with_twins(members)
}

fn with_twins<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    let mut members: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    add_twins(&mut members);
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stage: RebuildStage, elapsed: i64, done: u64, rate: Option<u64>, remaining: Option<u64>) {
        let mut under_way = RebuildUnderWay::new(Millis(1_000), false);
        (under_way.stage, under_way.progress) = (stage, Progress { done, total: 1_000 });
        let board = RebuildState { under_way: Some(under_way), last: None };
        let shown = rebuild(&board, Millis(1_000 + elapsed));
        assert_eq!(shown["under_way"]["per_second"], json!(rate));
        assert_eq!(shown["under_way"]["remaining_seconds"], json!(remaining));
        assert_eq!(shown["last"], Value::Null);
    }

    #[test]
    fn the_rate_and_what_remains_are_said_once_they_are_known() {
        check(RebuildStage::Folding, 0, 0, None, None);
        check(RebuildStage::Folding, 0, 500, None, None);
        check(RebuildStage::Folding, 2_000, 500, Some(250), Some(2));
        check(RebuildStage::Folding, 2_000, 0, None, None);
        check(RebuildStage::Folding, -5, 500, None, None);
        check(RebuildStage::Waiting, 2_000, 1_000, None, None);
    }
}
