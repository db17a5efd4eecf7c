//! The table of pairs that can tie, one row a pair; what flags and what clears; lives with the truth known.

mod lives;
mod pairs;

use super::*;
use crate::model::event_type::EventType;
use crate::model::testing::{content, entry};

/// What a second must come to.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// This content, for sure, whatever the ids are.
    Sure(char, Decision),
    /// Flagged; one of the contents, the same for the same ids.
    Flagged(&'static str),
}
use Expect::{Flagged, Sure};

fn id(number: usize) -> EventId {
    EventId::parse(&format!("evt_{number:03}")).unwrap()
}

/// Folds `before` (each alone in its second) and then `events` in one second, under every assignment of ids.
#[track_caller]
fn check(name: &str, before: &[Entry], events: &[Entry], expect: Expect) {
    let kind = events[0].event_type.kind();
    let mut anchor = None;
    for (second, entry) in (-100..).zip(before) {
        anchor = step(kind, anchor.as_ref(), Seconds(second), std::slice::from_ref(entry));
    }
    for order in permutations(events.len()) {
        let mut entries: Vec<Entry> = events.to_vec();
        for (entry, number) in entries.iter_mut().zip(order) {
            entry.event = id(number);
        }
        entries.sort_by(|a, b| a.event.cmp(&b.event));
        let carry = step(kind, anchor.as_ref(), Seconds(0), &entries).unwrap();
        match expect {
            Sure(letter, decision) => {
                assert_eq!(carry.after, content(letter), "{name}: {entries:#?}");
                assert!(carry.certain, "{name}: flagged, {}", carry.decided_by);
                assert_eq!(carry.decided_by, decision, "{name}");
            }
            Flagged(letters) => {
                assert!(!carry.certain, "{name}: sure of {:?} by {}", carry.after, carry.decided_by);
                assert!(letters.chars().any(|letter| content(letter) == carry.after), "{name}");
            }
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for place in 0..count {
            let mut longer = shorter.clone();
            longer.insert(place, count - 1);
            all.push(longer);
        }
    }
    all
}

const SUB: &str = "customer.subscription.updated";

fn sub(from: char, to: char) -> Entry {
    entry("e", SUB, "active", to).from(from)
}

fn created(to: char) -> Entry {
    entry("e", "customer.subscription.created", "active", to)
}

#[test]
fn walks() {
    let a = [created('A')];
    check("chain", &a, &[sub('A', 'B'), sub('B', 'C'), sub('C', 'D')], Sure('D', Decision::Walk));
    check("chain without the past", &[], &[sub('A', 'B'), sub('B', 'C')], Sure('C', Decision::Walk));
    check("toggle", &a, &[sub('A', 'B'), sub('B', 'A')], Sure('A', Decision::ClosedWalk));
    check(
        "toggle after creation",
        &[],
        &[created('A'), sub('A', 'B'), sub('B', 'A')],
        Sure('A', Decision::ClosedWalk),
    );
    let births = [created('A'), created('B'), sub('A', 'B'), sub('B', 'A')];
    check("toggle after one of two creations", &[], &births, Flagged("AB"));
    check("toggle without the past", &[], &[sub('A', 'B'), sub('B', 'A')], Flagged("AB"));
    check("toggle elsewhere", &[created('X')], &[sub('A', 'B'), sub('B', 'A')], Flagged("AB"));
    let eight = [sub('A', 'B'), sub('B', 'A'), sub('A', 'C'), sub('C', 'A'), sub('A', 'D')];
    check("figure of eight and out", &a, &eight, Sure('D', Decision::Walk));
    check("closed figure of eight", &a, &eight[..4], Sure('A', Decision::ClosedWalk));
    check("nothing changed beside", &a, &[sub('A', 'B'), sub('B', 'B')], Sure('B', Decision::SameContent));
    check("a hole between", &a, &[sub('A', 'B'), sub('C', 'D')], Flagged("BD"));
    check("two ways out", &a, &[sub('A', 'B'), sub('A', 'C')], Flagged("BC"));
}

#[test]
fn events_without_a_past_must_lie_on_the_walk() {
    let draft = [entry("e", "invoice.created", "draft", 'D')];
    let failed = |letter| entry("e", "invoice.payment_failed", "open", letter);
    let updated = |from, to| entry("e", "invoice.updated", "open", to).from(from);
    check("at its start", &draft, &[failed('A'), updated('A', 'B')], Sure('B', Decision::Walk));
    check("at its end", &draft, &[failed('B'), updated('A', 'B')], Sure('B', Decision::SameContent));
    check("beside it", &draft, &[failed('X'), updated('A', 'B')], Flagged("X"));
}

#[test]
fn two_events_of_one_change() {
    let a = [created('A')];
    check("harmless", &a, &[sub('A', 'B'), sub('A', 'B')], Sure('B', Decision::SameContent));
    check("in a chain", &a, &[sub('A', 'B'), sub('A', 'B'), sub('B', 'C')], Sure('C', Decision::Walk));
    check(
        "both twice",
        &a,
        &[sub('A', 'B'), sub('A', 'B'), sub('B', 'C'), sub('B', 'C')],
        Sure('C', Decision::Walk),
    );
    // Either three changes or two, one of them reported twice: nobody can tell.
    check("with a toggle", &a, &[sub('A', 'B'), sub('A', 'B'), sub('B', 'A')], Flagged("AB"));
}

#[test]
fn twins_walk_once() {
    let resumed = |from, to| entry("e", "customer.subscription.resumed", "active", to).from(from);
    let a = [created('A')];
    check(
        "with a toggle",
        &a,
        &[sub('A', 'B'), resumed('A', 'B'), sub('B', 'A')],
        Sure('A', Decision::ClosedWalk),
    );
    check("in a chain", &a, &[sub('A', 'B'), resumed('A', 'B'), sub('B', 'C')], Sure('C', Decision::Walk));
    let refund = |ty: &str, from, to| entry("e", ty, "succeeded", to).from(from);
    let (here, there) = ("refund.updated", "charge.refund.updated");
    let twice =
        [refund(here, 'A', 'B'), refund(there, 'A', 'B'), refund(here, 'B', 'C'), refund(there, 'B', 'C')];
    check("refunds", &[], &twice, Sure('C', Decision::Walk));
}

#[test]
fn doubt_travels_along_closed_walks_and_ends_with_evidence() {
    let kind = ObjectKind::Subscription;
    let at = |second: i64, entries: &[Entry]| {
        let mut entries = entries.to_vec();
        for (number, entry) in entries.iter_mut().enumerate() {
            (entry.event, entry.created) = (id(number), Seconds(second));
        }
        (Seconds(second), entries)
    };
    let doubt = at(1, &[sub('A', 'B'), sub('B', 'A')]);
    let closed = at(2, &[sub('A', 'C'), sub('C', 'A'), sub('A', 'B'), sub('B', 'A')]);
    let alone = at(3, &[sub('A', 'D')]);
    let open = at(4, &[sub('D', 'E'), sub('E', 'F')]);
    let carries: Vec<Carry> =
        history(kind, &[doubt.clone(), closed, alone, open.clone()].into()).map(|(_, carry)| carry).collect();
    let shown: Vec<_> = carries.iter().map(|carry| (carry.certain, carry.decided_by)).collect();
    assert_eq!(
        shown,
        [
            (false, Decision::EventId),
            (false, Decision::ClosedWalk),
            (true, Decision::Alone),
            (true, Decision::Walk),
        ]
    );
    let carry = resolve(kind, &[doubt, open].into()).unwrap();
    assert!(carry.certain, "an open walk needs no anchor");
}

#[test]
fn a_status_begins_where_its_run_begins() {
    let updated = |second: i64, number: usize, status: &str, from: char, to: char| {
        let mut entry = entry("e", SUB, status, to).from(from);
        (entry.event, entry.created) = (id(number), Seconds(second));
        entry
    };
    let since = |entries: &[Entry]| {
        let mut seconds = Seconded::new();
        for entry in entries {
            seconds.entry(entry.created).or_default().push(entry.clone());
        }
        resolve(ObjectKind::Subscription, &seconds).unwrap().status_since
    };
    let late = updated(20, 2, "past_due", 'B', 'C');
    assert_eq!(since(std::slice::from_ref(&late)), Seconds(20), "the first that is known");
    assert_eq!(since(&[updated(10, 1, "past_due", 'A', 'B'), late.clone()]), Seconds(10));
    assert_eq!(since(&[updated(10, 1, "active", 'A', 'B'), late.clone()]), Seconds(20));
    let broken = [late, updated(30, 3, "active", 'C', 'D'), updated(30, 4, "past_due", 'D', 'E')];
    assert_eq!(since(&broken), Seconds(30), "recovered and failed again within a second");
    let entered = |second, number, from: char, to: char| {
        let mut entry = updated(second, number, "past_due", from, to);
        entry.status_before = Some("active".into());
        entry
    };
    let unseen = [entered(10, 1, 'A', 'B'), entered(40, 2, 'C', 'D')];
    assert_eq!(since(&unseen), Seconds(40), "the recovery in between was missed");
    let goes_on = [entered(10, 1, 'A', 'B'), updated(40, 2, "past_due", 'C', 'D')];
    assert_eq!(since(&goes_on), Seconds(10), "no event says that it was ever left");
}

#[test]
fn no_entries_change_nothing() {
    let kind = ObjectKind::Subscription;
    assert_eq!(step(kind, None, Seconds(1), &[]), None);
    assert_eq!(resolve(kind, &Seconded::new()), None);
    let carry = Carry::alone(&created('A'));
    assert_eq!(step(kind, Some(&carry), Seconds(1), &[]), Some(carry));
}

#[test]
fn words_are_stable() {
    let words: BTreeSet<&str> = EventType::all().map(EventType::name).collect();
    assert!(words.contains(SUB));
    for decision in [Decision::Alone, Decision::ClosedWalk, Decision::EventId] {
        assert_eq!(serde_json::to_value(decision).unwrap(), decision.as_str());
    }
}
