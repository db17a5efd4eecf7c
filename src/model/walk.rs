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
    /// Two equal edges may be two changes or one change reported twice, and it matters.
    pub(super) doubtful: bool,
}

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

/// The name under which the edges of a type are counted.
fn family(event_type: EventType) -> &'static str {
    let name = event_type.name();
    TWINS.iter().find(|twins| twins.contains(&name)).and_then(|twins| twins.first().copied()).unwrap_or(name)
}

/// An edge, and how often it was walked.
struct Edge {
    from: Fingerprint,
    to: Fingerprint,
    times: i64,
}

/// The end of the walk over `events`, or none where their content does not decide it.
pub(super) fn end(events: &[&Entry], anchor: Option<Fingerprint>) -> Option<End> {
    let edges = edges(events);
    let vertices: BTreeSet<Fingerprint> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    // An event without an edge may be the last one, unless its content lies on the walk.
    let all_placed = events.iter().all(|event| event.before.is_some() || vertices.contains(&event.after));
    if edges.is_empty() || !all_placed || !connected(&edges) {
        return None;
    }
    let anchor = anchor.filter(|anchor| vertices.contains(anchor));
    let each_once: Vec<Edge> = edges.iter().map(|edge| Edge { times: 1, ..*edge }).collect();
    let (counted, once) = (trail(&edges), trail(&each_once));
    let place = |trail: Trail| match trail {
        Trail::Open(content) => Some((content, false)),
        Trail::Closed => anchor.map(|content| (content, true)),
        Trail::Broken => None,
    };
    if let Trail::Broken = counted {
        // The provider sometimes makes two events of one change: then each edge counts once.
        return place(once).map(|(content, closed)| End { content, closed, doubtful: false });
    }
    let (content, closed) = place(counted)?;
    let repeated = edges.iter().any(|edge| edge.times > 1 && edge.from != edge.to);
    let doubtful = repeated && place(once).map(|(other, _)| other) != Some(content);
    Some(End { content, closed, doubtful })
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
    Open(Fingerprint),
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
        [(end, 1), (_, -1)] | [(_, -1), (end, 1)] => Trail::Open(*end),
        _ => Trail::Broken,
    }
}

#[cfg(test)]
mod tests;
