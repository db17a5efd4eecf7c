//! The order of one second, from what its events say about the state before them.
//!
//! Each event that names the content before it is an edge from there to the content after it.
//! The true history is a walk that uses every edge once, so the degrees of the vertices give its
//! end, even where the order of the edges cannot be known. A closed walk ends where it began.
//! Never guess here: whatever does not fit is undecided (docs/ordering.md).

use std::collections::{BTreeMap, BTreeSet};

use super::event_type::EventType;
use super::fingerprint::Fingerprint;
use super::observation::Entry;

/// Where the walk of a second ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// The content at the end.
    pub(super) content: Fingerprint,
    /// It ends where it began: only the anchor tells where.
    pub(super) closed: bool,
    /// The anchor is part of the proof.
    pub(super) anchored: bool,
    /// Equal edges may be two changes or one change reported twice, and it matters.
    pub(super) doubtful: bool,
}

/// In how many ways equal edges are tried as changes of their own. Beyond that the end is doubtful.
const WAYS_MAX: usize = 256;

/// Types that report one and the same change. An edge that two of them carry was walked once.
const TWINS: &[&[&str]] = &[
    &["refund.updated", "charge.refund.updated"],
    &["invoice.paid", "invoice.payment_succeeded", "invoice.overpaid"],
    &[
        "customer.subscription.updated",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
    ],
];

/// Beside any event of an invoice there may be this one, with the same content and what was before.
const TELLS_ALL: &str = "invoice.updated";

/// The name under which the edges of a type are counted.
pub(super) fn family(event_type: EventType) -> &'static str {
    let name = event_type.name();
    TWINS.iter().find(|twins| twins.contains(&name)).and_then(|twins| twins.first().copied()).unwrap_or(name)
}

/// The type of `event` tells of changes that the other event reports too.
fn tells_too(event: &Entry, other: &Entry) -> bool {
    event.event_type != other.event_type
        && (family(event.event_type) == family(other.event_type) || event.event_type.name() == TELLS_ALL)
}

/// Two events of a second, equal in content and of two types, report one change.
pub(super) fn is_one_change(one: &Entry, other: &Entry) -> bool {
    let twins = family(one.event_type) == family(other.event_type);
    match (one.before, other.before) {
        (Some(before), Some(same)) => twins && before == same && tells_too(one, other),
        (None, None) => twins && tells_too(one, other),
        (Some(_), None) => tells_too(one, other),
        (None, Some(_)) => tells_too(other, one),
    }
}

/// An edge, and how often it was walked.
#[derive(Clone, Copy)]
struct Edge {
    from: Fingerprint,
    to: Fingerprint,
    times: i64,
}

/// The end of the walk over `events`, or none where their content does not decide it.
pub(super) fn end(events: &[&Entry], anchor: Option<Fingerprint>) -> Option<End> {
    let edges = edges(events);
    if edges.is_empty() || !connected(&edges) {
        return None;
    }
    let trail = match trail(&edges) {
        // The provider sometimes makes two events of one change: then each edge counts once.
        Trail::Broken => trail(&edges.iter().map(|edge| Edge { times: 1, ..*edge }).collect::<Vec<_>>()),
        trail => trail,
    };
    let silent = Silent::of(events);
    let is_on_walk =
        |content: &Fingerprint| edges.iter().any(|edge| edge.from == *content || edge.to == *content);
    let on_walk = anchor.filter(is_on_walk);
    // From a state outside the walk only a silent step leads into it.
    let way_in = || anchor.filter(|anchor| !is_on_walk(anchor)).and_then(|anchor| silent.way_in(anchor));
    let entered = || way_in().filter(is_on_walk);
    let (content, closed, anchored) = match trail {
        Trail::Open { end, .. } if silent.all_show(end) => (end, false, false),
        Trail::Open { start, end } => {
            entered().filter(|way_in| *way_in == start).map(|_| (end, false, true))?
        }
        Trail::Closed => {
            let place = on_walk.filter(|anchor| silent.all_show(*anchor)).or_else(entered)?;
            (place, true, true)
        }
        Trail::Broken => return None,
    };
    let began = if closed { Some(content) } else { on_walk };
    let other_end = |way: &Vec<Edge>| match self::trail(way) {
        Trail::Broken => false,
        // Where the walk began is known: a way that begins elsewhere is none.
        Trail::Open { start, end } => end != content && began.is_none_or(|began| began == start),
        Trail::Closed => began != Some(content),
    };
    // A walk that begins elsewhere than on its anchor: what seemed to report a step was one, and may have been the jump
    // from the end back to the beginning.
    let may_jump = match trail {
        Trail::Open { start, .. } => on_walk.is_some_and(|anchor| anchor != start) && silent.report(start),
        Trail::Closed | Trail::Broken => false,
    };
    let doubtful = may_jump || ways(&edges).is_none_or(|ways| ways.iter().any(other_end));
    Some(End { content, closed, anchored, doubtful })
}

/// Events that do not say what was before them: each may be a step of its own, from anywhere to its content, or report a
/// step of another event.
struct Silent<'a> {
    /// Those that may be steps of their own.
    steps: Vec<&'a Entry>,
    /// Those that report another event's step, as long as that fits.
    reports: Vec<&'a Entry>,
}

impl<'a> Silent<'a> {
    fn of(events: &[&'a Entry]) -> Self {
        let reports = |silent: &&Entry| {
            let tells_it_too = |event: &&Entry| event.after == silent.after && tells_too(event, silent);
            events.iter().any(|event| event.before.is_some() && tells_it_too(event))
        };
        let silent = events.iter().copied().filter(|event| event.before.is_none());
        let (reports, steps) = silent.partition(reports);
        Self { steps, reports }
    }

    /// Whether the steps all show this content: then it does not matter which of them is the last.
    fn all_show(&self, content: Fingerprint) -> bool {
        self.steps.iter().all(|event| event.after == content)
    }

    /// Whether one of the reports shows this content.
    fn report(&self, content: Fingerprint) -> bool {
        self.reports.iter().any(|event| event.after == content)
    }

    /// The content to which they lead from `before`, if they are one step: one event, or one change under several names.
    fn way_in(&self, before: Fingerprint) -> Option<Fingerprint> {
        let first = self.steps.first()?;
        let types: BTreeSet<EventType> = self.steps.iter().map(|event| event.event_type).collect();
        let one_step = types.len() == self.steps.len()
            && self.steps.iter().all(|event| family(event.event_type) == family(first.event_type));
        (one_step && first.after != before && self.all_show(first.after)).then_some(first.after)
    }
}

/// Every way to take equal edges for one change or several; none if there are too many.
fn ways(edges: &[Edge]) -> Option<Vec<Vec<Edge>>> {
    let mut ways = vec![edges.to_vec()];
    for (place, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.from != edge.to) {
        let mut fewer = Vec::new();
        for times in 1..edge.times {
            fewer.extend(ways.iter().cloned().map(|mut way| {
                if let Some(edge) = way.get_mut(place) {
                    edge.times = times;
                }
                way
            }));
        }
        ways.extend(fewer);
        if ways.len() > WAYS_MAX {
            return None;
        }
    }
    Some(ways)
}

/// The distinct edges. Twins count once; equal events of one type count each.
fn edges(events: &[&Entry]) -> Vec<Edge> {
    type ByType = BTreeMap<EventType, i64>;
    let mut counts: BTreeMap<(&str, Fingerprint, Fingerprint), ByType> = BTreeMap::new();
    for event in events {
        if let Some(before) = event.before {
            let edge = (family(event.event_type), before, event.after);
            let count = counts.entry(edge).or_default().entry(event.event_type).or_default();
            *count = count.saturating_add(1);
        }
    }
    counts
        .into_iter()
        .map(|((_, from, to), by_type)| {
            let times = by_type.values().copied().max().unwrap_or(1);
            Edge { from, to, times }
        })
        .collect()
}

/// All edges hang together, directions aside.
fn connected(edges: &[Edge]) -> bool {
    let mut reached: BTreeSet<Fingerprint> = edges.first().map(|edge| edge.from).into_iter().collect();
    loop {
        let size = reached.len();
        for edge in edges {
            if reached.contains(&edge.from) || reached.contains(&edge.to) {
                reached.extend([edge.from, edge.to]);
            }
        }
        if reached.len() == size {
            return edges.iter().all(|edge| reached.contains(&edge.from));
        }
    }
}

/// What the degrees of the vertices allow.
#[derive(Clone, Copy)]
enum Trail {
    Open { start: Fingerprint, end: Fingerprint },
    Closed,
    Broken,
}

fn trail(edges: &[Edge]) -> Trail {
    let mut degrees: BTreeMap<Fingerprint, i64> = BTreeMap::new();
    for edge in edges {
        for (vertex, change) in [(edge.to, edge.times), (edge.from, -edge.times)] {
            let degree = degrees.entry(vertex).or_default();
            *degree = degree.saturating_add(change);
        }
    }
    let uneven: Vec<(Fingerprint, i64)> = degrees.into_iter().filter(|&(_, degree)| degree != 0).collect();
    match uneven.as_slice() {
        [] => Trail::Closed,
        [(end, 1), (start, -1)] | [(start, -1), (end, 1)] => Trail::Open { start: *start, end: *end },
        _ => Trail::Broken,
    }
}

#[cfg(test)]
mod tests;
