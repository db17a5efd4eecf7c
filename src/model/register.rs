//! Layer B: which of an object's events shows its newest state, and how that was decided.
//!
//! The newest second wins; what happens inside one second is decided by strength of evidence:
//! lifecycle, monotone numbers, the walk over states, named rules, and only then by convention,
//! which is flagged. The rules and their proof idea are in docs/ordering.md.
//! Never looks at arrival: the answer is a function of the set of entries.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::causal;
use super::decision::{Unwatched, Verdict, Watch};
use super::event_type::Role;
use super::fingerprint::Fingerprint;
use super::id::EventId;
use super::kind::ObjectKind;
use super::observation::{Entry, Facts};
use super::time::Seconds;
use super::walk;

pub use super::decision::{Decision, Doubt};

/// All entries of one object, by second; inside one second sorted by event id.
pub type Seconded = BTreeMap<Seconds, Vec<Entry>>;

/// The state of the fold after some second: what the next second starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carry {
    /// The event whose snapshot is the newest state.
    pub winner: EventId,
    /// The content of that snapshot.
    pub after: Fingerprint,
    /// False when another event might as well be the newest one.
    pub certain: bool,
    /// What decided.
    pub decided_by: Decision,
    /// What the winner shows.
    pub facts: Facts,
    /// The second in which the status that the winner shows began.
    pub status_since: Seconds,
}

impl Carry {
    /// The state after a first second that has one event.
    pub(super) fn alone(entry: &Entry) -> Self {
        Self {
            winner: entry.event.clone(),
            after: entry.after,
            certain: !entry.facts.partial,
            decided_by: Decision::Alone,
            facts: entry.facts.clone(),
            status_since: entry.created,
        }
    }
}

/// The fold over all seconds. None without entries.
#[must_use]
pub fn resolve(kind: ObjectKind, seconds: &Seconded) -> Option<Carry> {
    history(kind, seconds).last().map(|(_, carry)| carry)
}

/// The state after each second, oldest first.
pub fn history(kind: ObjectKind, seconds: &Seconded) -> impl Iterator<Item = (Seconds, Carry)> {
    seconds.iter().scan(None, move |before: &mut Option<Carry>, (&second, entries)| {
        *before = step(kind, before.as_ref(), second, entries);
        before.clone().map(|carry| (second, carry))
    })
}

/// One second of the fold. `entries` are all entries of that second, sorted by event id.
///
/// None only if there are no entries and nothing came before.
#[must_use]
pub fn step(kind: ObjectKind, before: Option<&Carry>, second: Seconds, entries: &[Entry]) -> Option<Carry> {
    watched(kind, before, second, entries, &mut Unwatched)
}

/// The same, told to `watch` while it is decided.
pub(super) fn watched<'a>(
    kind: ObjectKind,
    before: Option<&'a Carry>,
    second: Seconds,
    entries: &'a [Entry],
    watch: &mut impl Watch<'a>,
) -> Option<Carry> {
    let Some(Verdict { winner, decided_by, doubt, .. }) = judge(kind, before, entries, watch) else {
        return before.cloned();
    };
    // A status that was left and entered again began again: inside the second, or unseen before it.
    let stays = |entry: &Entry| entry.facts.status == winner.facts.status && entry.status_before.is_none();
    let unbroken = entries.iter().all(stays);
    let status_since = before
        .filter(|before| unbroken && before.facts.status == winner.facts.status)
        .map_or(second, |before| before.status_since);
    Some(Carry {
        winner: winner.event.clone(),
        after: winner.after,
        certain: doubt.is_none(),
        decided_by,
        facts: winner.facts.clone(),
        status_since,
    })
}

/// Which of `entries`, all of one second, is the last one.
pub(super) fn judge<'a>(
    kind: ObjectKind,
    before: Option<&'a Carry>,
    entries: impl IntoIterator<Item = &'a Entry>,
    watch: &mut impl Watch<'a>,
) -> Option<Verdict<'a>> {
    let verdict = Contest::new(kind, before, entries).decide(watch)?;
    // A partial list never proves the whole state.
    let cut = verdict.winner.facts.partial.then_some(Doubt::CutList);
    let verdict = Verdict { doubt: verdict.doubt.or(cut), ..verdict };
    watch.decided(&verdict);
    Some(verdict)
}

/// A state that is known to come before all candidates.
#[derive(Clone, Copy)]
struct Anchor<'a> {
    event: &'a EventId,
    content: Fingerprint,
    certain: bool,
    status: Option<&'a str>,
}

impl<'a> Anchor<'a> {
    /// What `entry` shows came before all candidates, for certain.
    fn sure(entry: &'a Entry) -> Self {
        Self {
            event: &entry.event,
            content: entry.after,
            certain: true,
            status: entry.facts.status.as_deref(),
        }
    }
}

/// No entry shows this content, before or after its change.
fn shows_none(entries: &[&Entry], content: Fingerprint) -> bool {
    entries.iter().all(|entry| entry.after != content && entry.before != Some(content))
}

/// The contents of the ones are not among those of the others.
fn are_apart(some: &[&Entry], others: &[&Entry]) -> bool {
    some.iter().all(|entry| shows_none(others, entry.after))
}

/// Drops candidates that cannot be the last one.
type Narrowing<'a> = fn(&mut Contest<'a>);

/// One second: the entries that may still be the last one, and the state that they start from.
struct Contest<'a> {
    kind: ObjectKind,
    candidates: Vec<&'a Entry>,
    anchor: Option<Anchor<'a>>,
}

impl<'a> Contest<'a> {
    fn new(
        kind: ObjectKind,
        before: Option<&'a Carry>,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Self {
        let anchor = before.map(|carry| Anchor {
            event: &carry.winner,
            content: carry.after,
            certain: carry.certain,
            status: carry.facts.status.as_deref(),
        });
        Self { kind, candidates: entries.into_iter().collect(), anchor }
    }

    fn decide(mut self, watch: &mut impl Watch<'a>) -> Option<Verdict<'a>> {
        watch.left(Decision::Alone, &self.candidates);
        if let [only] = self.candidates.as_slice() {
            return Some(Verdict::sure(only, Decision::Alone));
        }
        if let Some(verdict) = self.settled(Decision::SameContent) {
            return Some(verdict);
        }
        let narrowings: [(Decision, Narrowing<'a>); 5] = [
            (Decision::Terminal, Self::keep_terminal),
            (Decision::Creation, Self::drop_creation),
            (Decision::LifecycleRank, Self::keep_highest_rank),
            (Decision::Numbers, Self::keep_highest_numbers),
            (Decision::Change, Self::drop_reminders),
        ];
        for (decision, narrow) in narrowings {
            narrow(&mut self);
            watch.left(decision, &self.candidates);
            if let Some(verdict) = self.settled(decision) {
                return Some(verdict);
            }
        }
        self.walk()
            .or_else(|| self.pause_pair(watch))
            .or_else(|| self.named_rules(watch))
            .or_else(|| self.convention(watch))
    }

    /// The candidates agree: any of them shows the state.
    fn settled(&self, decided_by: Decision) -> Option<Verdict<'a>> {
        let contents: BTreeSet<Fingerprint> = self.candidates.iter().map(|entry| entry.after).collect();
        if contents.len() != 1 {
            return None;
        }
        self.highest().map(|winner| Verdict::sure(winner, decided_by))
    }

    /// The candidate with the highest type rank, then the highest id.
    fn highest(&self) -> Option<&'a Entry> {
        self.candidates.iter().copied().max_by(|a, b| {
            let rank = a.event_type.rank().cmp(&b.event_type.rank());
            rank.then_with(|| a.event.cmp(&b.event))
        })
    }

    /// Nothing leaves a terminal status.
    fn keep_terminal(&mut self) {
        let terminal = self.candidates.iter().filter(|entry| entry.facts.terminal);
        if let Some(top) = terminal.map(|entry| entry.facts.rank).max() {
            self.keep(|entry| entry.facts.terminal && entry.facts.rank == top);
        }
    }

    /// The creation is what the rest of the second starts from.
    fn drop_creation(&mut self) {
        let creations: Vec<&Entry> = self
            .candidates
            .iter()
            .copied()
            .filter(|entry| entry.event_type.role() == Role::Created)
            .collect();
        let contents: BTreeSet<Fingerprint> = creations.iter().map(|entry| entry.after).collect();
        if let Some(last) = creations.last() {
            self.anchor = Some(Anchor {
                event: &last.event,
                content: last.after,
                certain: contents.len() == 1,
                status: last.facts.status.as_deref(),
            });
        }
        let changes = |entry: &Entry| matches!(entry.event_type.role(), Role::Changed | Role::Deleted);
        if self.candidates.iter().any(|entry| changes(entry)) {
            self.candidates.retain(|entry| entry.event_type.role() != Role::Created);
        }
    }

    fn keep_highest_rank(&mut self) {
        let kind = self.kind;
        let rank = |entry: &Entry| entry.facts.rank_inside_second(kind);
        let top = self.candidates.iter().map(|entry| rank(entry)).max();
        self.keep(|entry| Some(rank(entry)) == top);
    }

    /// Keeps those that no other candidate surpasses in all numbers.
    fn keep_highest_numbers(&mut self) {
        let all: Vec<[i64; 2]> = self.candidates.iter().map(|entry| entry.facts.numbers).collect();
        self.keep(|entry| {
            let [a, b] = entry.facts.numbers;
            !all.iter().any(|&[c, d]| (c > a && d >= b) || (c >= a && d > b))
        });
    }

    /// Drops what comes before all that stays. Where nothing older is known, that is where the rest did not begin.
    fn keep(&mut self, stays: impl Fn(&Entry) -> bool) {
        let (rest, earlier): (Vec<&Entry>, Vec<&Entry>) =
            self.candidates.iter().copied().partition(|entry| stays(entry));
        let past = earlier.first().filter(|_| self.anchor.is_none() && are_apart(&earlier, &rest));
        self.anchor = self.anchor.or_else(|| past.map(|entry| Anchor::sure(entry)));
        self.candidates = rest;
    }

    /// A reminder shows a state, but not that it is the last one.
    fn drop_reminders(&mut self) {
        let reminds = |entry: &Entry| entry.event_type.role() == Role::Informational;
        let changed = |entry: &Entry| matches!(entry.event_type.role(), Role::Changed | Role::Deleted);
        if self.candidates.iter().any(|entry| changed(entry)) {
            self.candidates.retain(|entry| !reminds(entry));
        }
    }

    fn walk(&self) -> Option<Verdict<'a>> {
        // Equal parts of two lists do not make them equal lists.
        if self.candidates.iter().any(|entry| entry.facts.partial) {
            return None;
        }
        let end = walk::end(&self.candidates, self.anchor.map(|anchor| anchor.content))?;
        let at_end = self.candidates.iter().copied().filter(|entry| entry.after == end.content);
        let winner = at_end.max_by(|a, b| a.event.cmp(&b.event))?;
        let anchor = self.anchor.filter(|_| end.anchored);
        let unsure = anchor.is_some_and(|anchor| !anchor.certain).then_some(Doubt::Anchor);
        Some(Verdict {
            winner,
            decided_by: if end.closed { Decision::ClosedWalk } else { Decision::Walk },
            doubt: unsure.or(end.doubtful.then_some(Doubt::EqualChanges)),
            rests_on: anchor.map(|anchor| anchor.event),
        })
    }

    /// A pause and a resumption without more: the second ends as it began.
    fn pause_pair(&mut self, watch: &mut impl Watch<'a>) -> Option<Verdict<'a>> {
        let anchor = self.anchor?;
        let paused = |entry: &Entry| entry.event_type.name() == "customer.subscription.paused";
        let resumed = |entry: &Entry| entry.event_type.name() == "customer.subscription.resumed";
        let alike = |entry: &Entry| entry.before.is_none() && (paused(entry) || resumed(entry));
        if !self.candidates.iter().all(|entry| alike(entry)) {
            return None;
        }
        let half = self.candidates.iter().filter(|entry| paused(entry)).count();
        if half.checked_mul(2) != Some(self.candidates.len()) {
            return None;
        }
        let began_paused = anchor.status? == "paused";
        self.candidates.retain(|entry| paused(entry) == began_paused);
        watch.left(Decision::ClosedWalk, &self.candidates);
        let verdict = self.settled(Decision::ClosedWalk)?;
        let doubt = (!anchor.certain).then_some(Doubt::Anchor);
        Some(Verdict { doubt, rests_on: Some(anchor.event), ..verdict })
    }

    /// Drops what a rule puts before another candidate.
    fn named_rules(&mut self, watch: &mut impl Watch<'a>) -> Option<Verdict<'a>> {
        let (earlier, rest): (Vec<&Entry>, Vec<&Entry>) = self
            .candidates
            .iter()
            .copied()
            .partition(|entry| self.candidates.iter().any(|other| causal::precedes(entry, other)));
        if earlier.is_empty() || rest.is_empty() {
            return None;
        }
        let apart = earlier.iter().all(|entry| rest.iter().all(|other| causal::precedes(entry, other)));
        let contents: BTreeSet<Fingerprint> = earlier.iter().map(|entry| entry.after).collect();
        let start = earlier.first().filter(|_| apart && contents.len() == 1);
        // Unless all that was dropped comes before all the rest, it is only known where the rest did not begin.
        let past =
            self.anchor.filter(|anchor| shows_none(&rest, anchor.content) && are_apart(&earlier, &rest));
        self.anchor = start.map_or(past, |entry| Some(Anchor::sure(entry)));
        self.candidates = rest;
        watch.left(Decision::NamedRule, &self.candidates);
        // An edge that was dropped from between the others would leave a hole in their walk.
        let whole = apart || earlier.iter().all(|entry| entry.before.is_none());
        self.settled(Decision::NamedRule).or_else(|| if whole { self.walk() } else { None })
    }

    /// The end of evidence: the usual order of types, then the id. Both are flagged.
    fn convention(&mut self, watch: &mut impl Watch<'a>) -> Option<Verdict<'a>> {
        let top = self.candidates.iter().map(|entry| entry.event_type.rank()).max()?;
        self.candidates.retain(|entry| entry.event_type.rank() == top);
        watch.left(Decision::TypeRank, &self.candidates);
        let by_type = self.settled(Decision::TypeRank);
        let by_id = Verdict::sure(self.highest()?, Decision::EventId);
        Some(Verdict { doubt: Some(Doubt::Convention), ..by_type.unwrap_or(by_id) })
    }
}

#[cfg(test)]
mod tests;
