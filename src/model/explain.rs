//! Why an object is as it is: its events in causal order as far as that is known, which one decides, and what became of
//! the others.
//!
//! Listens to the fold while it decides (`decision::Watch`) and never decides again: what is explained is what happened.
//! A function of the set of entries, like the fold itself: equal sets, equal explanations.

mod order;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::decision::{Decision, Doubt, Verdict, Watch};
use super::event_type::Role;
use super::id::EventId;
use super::kind::ObjectKind;
use super::observation::Entry;
use super::register::{self, Carry, Seconded};
use super::time::Seconds;
use super::walk;

/// How many events back one is looked for that says the same.
const LIKE_LINES_MAX: usize = 64;

/// What an event is to the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Its snapshot is the newest state.
    Decides,
    /// It shows the same content in the same second.
    Agrees,
    /// Another event shows the newer state.
    Stale,
}

impl Standing {
    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::Agrees => "agrees",
            Self::Stale => "stale",
        }
    }
}

/// Why an event is stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// It was the last of its second, and a later second has events.
    LaterSecond,
    /// Inside its second, this dropped it.
    Tie(Decision),
}

impl Lost {
    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LaterSecond => "later_second",
            Self::Tie(decision) => decision.as_str(),
        }
    }
}

/// How two events of one second with the same content belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kinship {
    /// The same type, the same content, and the same before it: one change in two events.
    Duplicate,
    /// Two types that report one change.
    Twin,
    /// The same content; nothing says whether it is the same change.
    SameContent,
}

impl Kinship {
    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Twin => "twin",
            Self::SameContent => "same_content",
        }
    }
}

/// One event of the object, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is kept of it.
    pub entry: Entry,
    /// What it is to the state.
    pub standing: Standing,
    /// Why it is stale; none if it is not.
    pub lost: Option<Lost>,
    /// An event before it in the same second that says the same.
    pub like: Option<(Kinship, EventId)>,
    /// The event that shows the state just before it. Only where it is alone in its second and that state is certain.
    pub follows: Option<EventId>,
}

/// How a second was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// Which second.
    pub second: Seconds,
    /// How many events it has.
    pub events: usize,
    /// The event that shows the state after it.
    pub decides: EventId,
    /// What decided.
    pub decided_by: Decision,
    /// Why that may be wrong; none where it is certain.
    pub doubt: Option<Doubt>,
    /// The event whose content is known to come before the others, where that is part of the proof.
    pub rests_on: Option<EventId>,
}

/// Why an object is as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The newest events, the newest last. Inside a second in causal order as far as that is known: where several orders
    /// fit, one of them.
    pub lines: Vec<Line>,
    /// How many older ones are left out.
    pub omitted: usize,
    /// The seconds of `lines` that have several events, oldest first.
    pub ties: Vec<Tie>,
    /// How the newest second was decided.
    pub newest: Tie,
    /// What the fold came to.
    pub now: Carry,
}

/// Explains the newest `lines_max` events (at least one). None without entries.
#[must_use]
pub fn explain(kind: ObjectKind, seconds: &Seconded, lines_max: usize) -> Option<Explanation> {
    let total: usize = seconds.values().map(Vec::len).fold(0, usize::saturating_add);
    let mut ahead = total;
    let mut lines: VecDeque<Line> = VecDeque::new();
    let mut ties = Vec::new();
    let mut newest = None;
    let mut before: Option<Carry> = None;
    for (&second, entries) in seconds.iter().filter(|(_, entries)| !entries.is_empty()) {
        ahead = ahead.saturating_sub(entries.len());
        if ahead >= lines_max.max(1) {
            before = register::step(kind, before.as_ref(), second, entries);
            continue;
        }
        let mut trace = Trace::default();
        let now = register::watched(kind, before.as_ref(), second, entries, &mut trace);
        let tie = trace.tie(second, entries.len())?;
        let (decides, shown) = lines_of(kind, before.as_ref(), trace, &tie);
        lines.extend(shown);
        let tie = Tie { decides, ..tie };
        ties.extend(Some(&tie).filter(|tie| tie.events > 1).cloned());
        newest = Some(tie);
        before = now;
    }
    lines.drain(..lines.len().saturating_sub(lines_max.max(1)));
    let newest = newest?;
    let mut lines = Vec::from(lines);
    for line in &mut lines {
        line.settle(&newest);
    }
    Some(Explanation { omitted: total.saturating_sub(lines.len()), lines, ties, newest, now: before? })
}

impl Line {
    /// Only now it is known which second is the newest.
    fn settle(&mut self, newest: &Tie) {
        if self.entry.created < newest.second && self.lost.is_none() {
            (self.standing, self.lost) = (Standing::Stale, Some(Lost::LaterSecond));
        }
    }
}

/// What was heard while a second was decided.
#[derive(Default)]
struct Trace<'a> {
    /// Who dropped out, step by step.
    dropped: Vec<(Decision, Vec<&'a Entry>)>,
    /// Who is left.
    left: Vec<&'a Entry>,
    verdict: Option<Verdict<'a>>,
}

impl<'a> Watch<'a> for Trace<'a> {
    fn left(&mut self, step: Decision, candidates: &[&'a Entry]) {
        if step == Decision::Alone {
            self.left = candidates.to_vec();
            return;
        }
        let stay: BTreeSet<&EventId> = candidates.iter().map(|entry| &entry.event).collect();
        let (left, dropped): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.left).into_iter().partition(|entry| stay.contains(&entry.event));
        self.dropped.extend(Some((step, dropped)).filter(|(_, dropped)| !dropped.is_empty()));
        self.left = left;
    }

    fn decided(&mut self, verdict: &Verdict<'a>) {
        self.verdict = Some(*verdict);
    }
}

impl Trace<'_> {
    fn tie(&self, second: Seconds, events: usize) -> Option<Tie> {
        let verdict = self.verdict.as_ref()?;
        Some(Tie {
            second,
            events,
            decides: verdict.winner.event.clone(),
            decided_by: verdict.decided_by,
            doubt: verdict.doubt,
            rests_on: verdict.rests_on.cloned(),
        })
    }
}

/// The lines of one second, and the event that shows the state after it.
fn lines_of<'a>(
    kind: ObjectKind,
    before: Option<&'a Carry>,
    trace: Trace<'a>,
    tie: &Tie,
) -> (EventId, Vec<Line>) {
    let dropped_by: BTreeMap<&EventId, Decision> = trace
        .dropped
        .iter()
        .flat_map(|(step, dropped)| dropped.iter().map(|entry| (&entry.event, *step)))
        .collect();
    let winner = trace.verdict.map(|verdict| verdict.winner);
    let is_shown = |entry: &Entry| winner.is_some_and(|winner| winner.after == entry.after);
    let follows = before.filter(|before| tie.events == 1 && before.certain);
    let mut lines: Vec<Line> = Vec::with_capacity(tie.events);
    for entry in order::in_order(kind, before, trace) {
        let decision = dropped_by.get(&entry.event).copied();
        let outdone = decision.or_else(|| (!is_shown(entry)).then_some(tie.decided_by));
        lines.push(Line {
            standing: if outdone.is_some() { Standing::Stale } else { Standing::Agrees },
            lost: outdone.map(Lost::Tie),
            like: like(&lines, entry),
            follows: follows.map(|before| before.winner.clone()),
            entry: entry.clone(),
        });
    }
    // Of several that show the state, the last one in the order. They are equal in all that the fold looks at.
    let facts = winner.map(|winner| &winner.facts);
    let shows = |line: &&mut Line| line.lost.is_none() && Some(&line.entry.facts) == facts;
    let Some(line) = lines.iter_mut().rev().find(shows) else { return (tie.decides.clone(), lines) };
    line.standing = Standing::Decides;
    (line.entry.event.clone(), lines)
}

/// The first event before `entry` that says the same. A state that was left and entered again is another change.
fn like(earlier: &[Line], entry: &Entry) -> Option<(Kinship, EventId)> {
    let run = earlier.iter().rev().take_while(|line| line.entry.after == entry.after).take(LIKE_LINES_MAX);
    run.filter_map(|line| Some((kinship(&line.entry, entry)?, line.entry.event.clone()))).last()
}

/// How two events with the same content belong together.
fn kinship(one: &Entry, other: &Entry) -> Option<Kinship> {
    let silent = one.before.is_none() || other.before.is_none();
    // To be created is no change that another event reports.
    let change = ![one, other].iter().any(|entry| entry.event_type.role() == Role::Created);
    if one.event_type == other.event_type && one.before == other.before {
        Some(Kinship::Duplicate)
    } else if change && walk::is_one_change(one, other) {
        Some(Kinship::Twin)
    } else {
        silent.then_some(Kinship::SameContent)
    }
}

#[cfg(test)]
mod tests;
