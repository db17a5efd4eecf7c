//! The events of one second in causal order, as far as the fold knows it.
//!
//! What the fold drops first comes first; what it drops together is put to it again, until each group is one event.
//! A walk is written down as it can be walked. What nothing orders stands in the order of types and ids, as the fold
//! itself has it.

use std::collections::BTreeMap;

use super::Trace;
use crate::model::decision::Decision;
use crate::model::event_type::EventType;
use crate::model::fingerprint::Fingerprint;
use crate::model::id::EventId;
use crate::model::kind::ObjectKind;
use crate::model::observation::Entry;
use crate::model::register::{self, Carry};
use crate::model::walk;

/// The most events of a second that are put in order; beyond that, types and ids have to do.
const ORDERED_EVENTS_MAX: usize = 64;

/// The events that `trace` has heard of, all of one second, the last one last.
pub(super) fn in_order<'a>(kind: ObjectKind, before: Option<&'a Carry>, trace: Trace<'a>) -> Vec<&'a Entry> {
    let Trace { dropped, left, verdict: Some(verdict) } = trace else { return trace.left };
    let events: usize = dropped.iter().map(|(_, group)| group.len()).fold(left.len(), usize::saturating_add);
    if events > ORDERED_EVENTS_MAX {
        let all = dropped.into_iter().flat_map(|(_, group)| group).chain(left);
        return by_convention(all.collect(), verdict.winner);
    }
    let walked = matches!(verdict.decided_by, Decision::Walk | Decision::ClosedWalk);
    let last = Some(&left).filter(|_| walked).and_then(|left| along_the_walk(left, verdict.winner.after));
    let last = last.unwrap_or_else(|| by_convention(left, verdict.winner));
    let dropped = dropped.into_iter().flat_map(|(_, group)| {
        // A group that was dropped lacks the last event: it is smaller, so this ends.
        let mut trace = Trace::default();
        let _ = register::judge(kind, before, group, &mut trace);
        in_order(kind, before, trace)
    });
    dropped.chain(last).collect()
}

/// By type and id; what shows the same as `winner` behind the others, `winner` itself last.
fn by_convention<'a>(mut entries: Vec<&'a Entry>, winner: &Entry) -> Vec<&'a Entry> {
    entries.sort_by_key(|entry| {
        (entry.event == winner.event, entry.after == winner.after, entry.event_type.rank(), &entry.event)
    });
    entries
}

/// One change: the events that tell it.
struct Change<'a> {
    to: Fingerprint,
    told_by: Vec<&'a Entry>,
}

impl Change<'_> {
    fn from(&self) -> Option<Fingerprint> {
        self.told_by.first().and_then(|entry| entry.before)
    }
}

/// Changes by the content that they start from, the next one last.
type Ways<'a> = BTreeMap<Fingerprint, Vec<Change<'a>>>;

/// The changes in an order in which they can be walked to `end`, each event that does not say what was before it just
/// before one that shows the same. None where they cannot.
fn along_the_walk<'a>(entries: &[&'a Entry], end: Fingerprint) -> Option<Vec<&'a Entry>> {
    let each = changes(entries, true);
    // The provider sometimes makes two events of one change.
    let walked = walked(each, end).or_else(|| walked(changes(entries, false), end))?;
    let mut silent: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.before.is_none()).collect();
    silent.sort_by_key(|entry| (entry.event_type.rank(), &entry.event));
    let start = walked.first().and_then(Change::from);
    let mut order: Vec<&Entry> = Vec::with_capacity(entries.len());
    for change in walked.into_iter().rev() {
        // What shows the start of a closed walk may have led into it.
        let told_too = |entry: &Entry| change.told_by.iter().any(|told| walk::is_one_change(told, entry));
        let here =
            |entry: &&Entry| entry.after == change.to && (start != Some(entry.after) || told_too(entry));
        let (told, rest): (Vec<_>, Vec<_>) = silent.into_iter().partition(here);
        order.extend(change.told_by.into_iter().rev());
        order.extend(told.into_iter().rev());
        silent = rest;
    }
    order.extend(silent.into_iter().rev());
    order.reverse();
    Some(order)
}

/// The changes that the events tell. `each`: equal events of one type are a change each.
fn changes<'a>(entries: &[&'a Entry], each: bool) -> Ways<'a> {
    type Told<'a> = BTreeMap<EventType, Vec<&'a Entry>>;
    let mut edges: BTreeMap<(Fingerprint, &str, Fingerprint), Told<'a>> = BTreeMap::new();
    for entry in entries {
        if let Some(before) = entry.before {
            let edge = (before, walk::family(entry.event_type), entry.after);
            edges.entry(edge).or_default().entry(entry.event_type).or_default().push(entry);
        }
    }
    let mut ways = Ways::new();
    for ((from, _, to), told) in edges {
        let mut times: Vec<Vec<&Entry>> = Vec::new();
        for events in told.into_values() {
            for (number, event) in events.into_iter().enumerate() {
                let number = if each { number } else { 0 };
                match times.get_mut(number) {
                    Some(told_by) => told_by.push(event),
                    None => times.push(vec![event]),
                }
            }
        }
        let changes = times.into_iter().map(|mut told_by| {
            told_by.sort_by_key(|entry| (entry.event_type.rank(), &entry.event));
            Change { to, told_by }
        });
        ways.entry(from).or_default().extend(changes);
    }
    for changes in ways.values_mut() {
        changes.sort_by(|one, other| first_id(other).cmp(&first_id(one)));
    }
    ways
}

fn first_id<'a>(change: &Change<'a>) -> Option<&'a EventId> {
    change.told_by.iter().map(|entry| &entry.event).min()
}

/// A walk over all changes that ends at `end`, by Hierholzer's rule; none if there is none.
fn walked<'a>(mut ways: Ways<'a>, end: Fingerprint) -> Option<Vec<Change<'a>>> {
    let all: usize = ways.values().map(Vec::len).fold(0, usize::saturating_add);
    let start = start(&ways).unwrap_or(end);
    let mut under_way: Vec<(Fingerprint, Option<Change<'a>>)> = vec![(start, None)];
    let mut walked = Vec::with_capacity(all);
    while let Some((place, _)) = under_way.last() {
        if let Some(next) = ways.get_mut(place).and_then(Vec::pop) {
            under_way.push((next.to, Some(next)));
        } else if let Some((_, change)) = under_way.pop() {
            walked.extend(change);
        }
    }
    walked.reverse();
    let mut place = start;
    let whole = walked.len() == all && walked.last().is_some_and(|last| last.to == end);
    let fits = walked
        .iter()
        .all(|change: &Change<'_>| change.from() == Some(std::mem::replace(&mut place, change.to)));
    (whole && fits).then_some(walked)
}

/// The content that is left once more than it is entered.
fn start(ways: &Ways<'_>) -> Option<Fingerprint> {
    let entered = |place: Fingerprint| ways.values().flatten().filter(|change| change.to == place).count();
    ways.iter().find(|(place, changes)| changes.len() > entered(**place)).map(|(place, _)| *place)
}
