//! What can be known of an object's end from the content of its events, found by trying every order.
//!
//! Slow, simple and apart from the fold: it keeps every order of a second that the provider's facts allow and looks where
//! each of them ends. One end: decidable. Several: nobody could know.

use std::collections::BTreeSet;

use crate::model::causal;
use crate::model::event_type::Role;
use crate::model::fingerprint::Fingerprint;
use crate::model::kind::ObjectKind;
use crate::model::observation::Entry;
use crate::model::register::Seconded;

/// The most events of one second that are tried in every order.
const EVENTS_MAX: usize = 12;

/// Where the events of an object may end; none if there are too many to try.
pub(super) fn ends(kind: ObjectKind, seconds: &Seconded) -> Option<BTreeSet<Fingerprint>> {
    let mut ends: Option<BTreeSet<Fingerprint>> = None;
    for entries in seconds.values() {
        let [twice, once] =
            [Telling::Twice, Telling::Once].map(|telling| Second::new(kind, entries, telling));
        let (twice, once) = (twice?, once?);
        // The simplest story that fits: what looks like a second report is one; else it may be a change of its own. If
        // none fits, an event is missing or a change was not told: then the second may begin anywhere.
        let known = ends.take();
        let known = known.as_ref();
        let stories = [(&twice, known), (&once, known), (&twice, None), (&once, None)];
        let mut found = stories.into_iter().map(|(second, starts)| second.ends(starts));
        ends = Some(found.find(|ends| !ends.is_empty()).unwrap_or_default());
    }
    ends
}

/// How changes are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Some by events of two types.
    Twice,
    /// Each by one event.
    Once,
}

/// What must hold of an order of one second.
struct Second<'a> {
    kind: ObjectKind,
    events: Vec<&'a Entry>,
}

impl<'a> Second<'a> {
    fn new(kind: ObjectKind, entries: &'a [Entry], telling: Telling) -> Option<Self> {
        let mut events: Vec<&Entry> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.event_type.role() != Role::Informational) {
            // The one that says more is enough.
            let is_twin = |other: &&Entry| {
                let said_before = events.iter().any(|event| event.event == other.event);
                is_named_beside(entry, other)
                    && other.after == entry.after
                    && (entry.before.is_none() && other.before.is_some()
                        || other.before == entry.before && said_before)
            };
            if telling == Telling::Once || !entries.iter().any(|other| is_twin(&other)) {
                events.push(entry);
            }
        }
        if events.is_empty() {
            events.extend(entries);
        }
        (events.len() <= EVENTS_MAX).then_some(Self { kind, events })
    }

    /// The ends of all orders that begin at one of `starts`; anywhere, if nothing is known.
    fn ends(&self, starts: Option<&BTreeSet<Fingerprint>>) -> BTreeSet<Fingerprint> {
        let mut search = Search { second: self, seen: BTreeSet::new(), ends: BTreeSet::new() };
        match starts {
            Some(starts) => starts.iter().for_each(|&start| search.walk(0, Some(start))),
            None => search.walk(0, None),
        }
        search.ends
    }

    /// `next` may follow when `left` are still to come.
    fn allows(&self, next: &Entry, left: impl Iterator<Item = &'a Entry>, now: Option<Fingerprint>) -> bool {
        let fits = next.before.is_none() || now.is_none() || next.before == now;
        fits && left.into_iter().all(|other| !self.must_precede(other, next))
    }

    fn must_precede(&self, earlier: &Entry, later: &Entry) -> bool {
        let created = |entry: &Entry| entry.event_type.role() == Role::Created;
        let rank = |entry: &Entry| entry.facts.rank_inside_second(self.kind);
        let falls =
            later.facts.numbers.iter().zip(earlier.facts.numbers).all(|(later, earlier)| *later >= earlier)
                && later.facts.numbers != earlier.facts.numbers;
        (created(earlier) && !created(later))
            || rank(earlier) < rank(later)
            || (rank(earlier) == rank(later) && !created(later) && falls)
            || (rank(earlier) == rank(later)
                && !created(later)
                && earlier.facts.numbers == later.facts.numbers
                && causal::precedes(earlier, later))
    }
}

struct Search<'s, 'a> {
    second: &'s Second<'a>,
    seen: BTreeSet<(u32, Option<Fingerprint>)>,
    ends: BTreeSet<Fingerprint>,
}

impl Search<'_, '_> {
    /// Tries every event that is not in `used` next.
    fn walk(&mut self, used: u32, now: Option<Fingerprint>) {
        if !self.seen.insert((used, now)) {
            return;
        }
        let events = &self.second.events;
        let is_free = |index: usize| used & bit(index) == 0;
        let mut all_used = true;
        for (index, &next) in events.iter().enumerate().filter(|&(index, _)| is_free(index)) {
            all_used = false;
            let left = events.iter().enumerate().filter(|&(other, _)| other != index && is_free(other));
            if self.second.allows(next, left.map(|(_, &entry)| entry), now) {
                self.walk(used | bit(index), Some(next.after));
            }
            let mut told = events.iter().enumerate().filter(|&(other, _)| !is_free(other));
            if told.any(|(_, &entry)| is_repeated(entry, next)) {
                self.walk(used | bit(index), now);
            }
        }
        if all_used && let Some(now) = now {
            self.ends.insert(now);
        }
    }
}

/// The mark of an event. There are fewer events than bits.
fn bit(index: usize) -> u32 {
    u32::try_from(index).ok().and_then(|index| 1_u32.checked_shl(index)).unwrap_or(0)
}

/// Types that report one change under several names.
const TWINS: &[&[&str]] = &[
    &["refund.updated", "charge.refund.updated"],
    &["invoice.paid", "invoice.payment_succeeded"],
    &[
        "customer.subscription.updated",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
    ],
];

fn is_named_beside(one: &Entry, other: &Entry) -> bool {
    let (one, other) = (one.event_type.name(), other.event_type.name());
    one != other
        && (other == "invoice.updated"
            || TWINS.iter().any(|names| names.contains(&one) && names.contains(&other)))
}

/// The provider sometimes makes two events of one change: the second one moves nothing.
fn is_repeated(told: &Entry, again: &Entry) -> bool {
    told.event_type == again.event_type && told.before == again.before && told.after == again.after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::{content, entry};

    /// Events of one invoice and second as `"updated A>B"` or `"paid B"`, and the contents at which it may end.
    #[track_caller]
    fn check(before: &str, events: &[&str], expected: &str) {
        let event = |(number, text): (usize, &&str)| {
            let (name, contents) = text.split_once(' ').unwrap();
            let mut letters = contents.chars();
            let (first, last) = (letters.next().unwrap(), letters.next_back());
            let entry =
                entry(&format!("evt_{number}"), &format!("invoice.{name}"), "open", last.unwrap_or(first));
            if last.is_some() { entry.from(first) } else { entry }
        };
        let seconds =
            [[before].as_slice(), events].map(|events| events.iter().enumerate().map(event).collect());
        let seconded: Seconded = (0..).map(crate::model::time::Seconds).zip(seconds).collect();
        let ends = ends(ObjectKind::Invoice, &seconded).unwrap();
        assert_eq!(ends, expected.chars().map(content).collect(), "{events:?}");
    }

    #[test]
    fn every_order_that_fits_is_found() {
        check("created A", &["updated B>C", "updated A>B"], "C");
        check("created A", &["updated A>B", "updated B>A"], "A");
        check("created X", &["updated A>B", "updated B>A"], "AB");
        // Twice the same change: told twice, or made twice.
        check("created A", &["updated A>B", "updated A>B", "updated B>A"], "AB");
        check("created A", &["payment_failed B", "payment_failed C"], "BC");
        check("created A", &["finalized B", "payment_failed C"], "C");
    }

    #[test]
    fn a_second_report_may_be_a_change_of_its_own() {
        check("created A", &["updated A>B", "payment_failed B", "updated B>C"], "C");
        // Without it nothing leads from A to B.
        check("created A", &["payment_failed B", "updated B>C", "updated C>B"], "B");
    }
}
