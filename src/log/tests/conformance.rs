//! The numbered rules of [`EventLog`], each as a test that every log passes.

use std::collections::{BTreeMap, BTreeSet};

use super::twins::{Memory, Sled, Twin};
use super::{event, json, noise};
use crate::log::{
    AppendError, Appended, Body, Digest, EventLog, NewRecord, Position, Provenance, Provider, READ_BYTES_MAX,
    Record, RecordId,
};
use crate::model::time::Millis;

const PRODUCERS: u64 = 8;

fn append<L: EventLog>(log: &L, records: Vec<NewRecord>) -> Vec<Appended> {
    log.append(records).wait().unwrap()
}

fn all<L: EventLog>(log: &L) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(Position::START, |record| record.position);
        let page = log.read(after, 7).unwrap();
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}

#[track_caller]
fn check_whole<L: EventLog>(log: &L) -> Vec<Record> {
    let records = all(log);
    let mut previous = Digest::GENESIS;
    let mut received_at = Millis(i64::MIN);
    for record in &records {
        assert_eq!(record.digest, record.digest_after(previous), "the chain at {}", record.position);
        assert!(record.content.received_at >= received_at, "received_at at {}", record.position);
        previous = record.digest;
        received_at = record.content.received_at;
    }
    assert!(records.is_sorted_by(|one, next| one.position < next.position));
    let head = log.head();
    assert_eq!(head.records, records.len() as u64);
    assert_eq!(head.digest, previous);
    assert_eq!(head.position, records.last().map_or(Position::START, |record| record.position));
    records
}

fn an_empty_log_is_empty<T: Twin>() {
    let mut twin = T::new();
    for _ in 0..2 {
        assert!(check_whole(twin.log()).is_empty());
        assert_eq!(twin.log().find(Provider::Stripe, &event(1, b"").id).unwrap(), None);
        assert_eq!(append(twin.log(), Vec::new()), []);
        twin.reopen();
    }
}

fn rule_1_an_id_is_stored_once<T: Twin>() {
    let mut twin = T::new();
    let first = append(twin.log(), vec![event(1, b"a"), event(1, b"a"), event(2, b"b"), event(1, b"x")]);
    let [one, again, two, other] = first[..] else { panic!("four outcomes") };
    let position = one.position();
    assert_eq!(one, Appended::New { position });
    assert_eq!(again, Appended::Duplicate { position, same_body: true });
    assert_eq!(other, Appended::Duplicate { position, same_body: false });
    assert!(matches!(two, Appended::New { position: later } if later > position));
    for _ in 0..2 {
        let later = append(twin.log(), vec![event(1, b"a"), event(1, b"z")]);
        assert_eq!(later[0], Appended::Duplicate { position, same_body: true });
        assert_eq!(later[1], Appended::Duplicate { position, same_body: false });
        let records = check_whole(twin.log());
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].content.body, Body(b"a"[..].into()));
        twin.reopen();
    }
}

fn rule_1_holds_between_concurrent_producers<T: Twin>() {
    const EVENTS: u64 = 60;
    let mut twin = T::new();
    let outcomes: Vec<(u64, Appended)> = std::thread::scope(|scope| {
        let log = twin.log();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                // Every producer sends every event, each in another order, two in a call.
                let numbers: Vec<u64> = (0..EVENTS).map(|n| (n * 7 + producer * 11) % EVENTS).collect();
                scope.spawn(move || {
                    let mut outcomes = Vec::new();
                    for pair in numbers.chunks(2) {
                        let records = pair.iter().map(|&n| event(n, &json(n, 900))).collect();
                        outcomes.extend(pair.iter().copied().zip(append(log, records)));
                    }
                    outcomes
                })
            })
            .collect();
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect()
    });
    let mut places: BTreeMap<u64, BTreeSet<Position>> = BTreeMap::new();
    for (number, outcome) in &outcomes {
        places.entry(*number).or_default().insert(outcome.position());
        assert!(!matches!(outcome, Appended::Duplicate { same_body: false, .. }));
    }
    let new = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Appended::New { .. })).count();
    assert_eq!(new as u64, EVENTS);
    assert!(places.values().all(|positions| positions.len() == 1));
    twin.reopen();
    assert_eq!(check_whole(twin.log()).len() as u64, EVENTS);
}

fn rule_2_what_was_acknowledged_is_there_after_reopening<T: Twin>() {
    let mut twin = T::new();
    let mut stored = Vec::new();
    for round in 0..6_u64 {
        let records: Vec<_> = (0..=round).map(|n| event(round * 10 + n, &json(n, 700))).collect();
        let outcomes = append(twin.log(), records.clone());
        stored.extend(outcomes.iter().map(|outcome| outcome.position()).zip(records));
        if round % 2 == 0 {
            twin.reopen();
        }
        let found: Vec<_> =
            check_whole(twin.log()).into_iter().map(|record| (record.position, record.content)).collect();
        assert_eq!(found, stored);
    }
}

fn rules_3_and_4_a_reader_never_misses_a_record<T: Twin>() {
    const EACH: u64 = 80;
    let twin = T::new();
    let log = twin.log();
    let seen = std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                let mut last = Position::START;
                for n in 0..EACH {
                    let position = append(log, vec![event(producer * EACH + n, &json(n, 500))])[0].position();
                    assert!(position > last, "what is appended later lies later");
                    last = position;
                }
            });
        }
        let reader = scope.spawn(move || {
            let mut seen = Vec::new();
            while (seen.len() as u64) < PRODUCERS * EACH {
                let after = seen.last().copied().unwrap_or(Position::START);
                seen.extend(log.read(after, 16).unwrap().iter().map(|record| record.position));
                assert!(log.head().position >= seen.last().copied().unwrap_or(Position::START));
            }
            seen
        });
        reader.join().unwrap()
    });
    let stored: Vec<_> = check_whole(log).iter().map(|record| record.position).collect();
    assert_eq!(seen, stored);
}

fn rule_5_pages_ascend_and_end<T: Twin>() {
    let twin = T::new();
    let records = (0..50).map(|n| event(n, &json(n, 300))).collect();
    let places: Vec<_> = append(twin.log(), records).iter().map(|outcome| outcome.position()).collect();
    for (start, max) in [(0, 1), (0, 50), (0, 51), (17, 5), (49, 3), (50, 3), (3, 0)] {
        let after = if start == 0 { Position::START } else { places[start - 1] };
        let page = twin.log().read(after, max).unwrap();
        let expected = &places[start..(start + max).min(50)];
        assert_eq!(page.iter().map(|record| record.position).collect::<Vec<_>>(), expected);
        let encoded = twin.log().read_encoded(after, max).unwrap();
        assert_eq!(encoded.iter().map(|one| one.decode().unwrap()).collect::<Vec<_>>(), page);
    }
    assert!(twin.log().read(Position::new(u64::MAX), 5).unwrap().is_empty());
}

fn rule_5_a_page_is_bounded_in_bytes<T: Twin>() {
    let twin = T::new();
    // Compresses to almost nothing, so only the raw length can bound the page.
    let body = vec![b' '; 3 * 1024 * 1024];
    append(twin.log(), (0..7).map(|n| event(n, &body)).collect());
    let page = twin.log().read(Position::START, 100).unwrap();
    assert_eq!(page.len() as u64, READ_BYTES_MAX / body.len() as u64);
    assert_eq!(all(twin.log()).len(), 7);
}

fn rule_6_bodies_come_back_identical<T: Twin>() {
    let mut twin = T::new();
    let mut bodies = vec![Vec::new(), b"{}".to_vec(), vec![0xFF, 0xFE, 0x00], vec![b'a'; 1_000_000]];
    for (n, bytes) in (1_u64..).zip([300, 3_000, 30_000, 190_000, 196_608, 300_000, 4 * 1024 * 1024]) {
        bodies.push(json(n, bytes));
        bodies.push(noise(n, bytes));
    }
    for (n, body) in (0_u64..).zip(&bodies) {
        let mut record = event(n, body);
        if n % 3 == 0 {
            record.provenance = Provenance::Imported;
        }
        append(twin.log(), vec![record]);
    }
    // The same again, all in one call, under quarantine ids.
    let quarantined: Vec<_> = (0_u8..)
        .zip(&bodies)
        .map(|(n, body)| NewRecord { id: RecordId::Quarantine([n; 32]), ..event(0, body) })
        .collect();
    append(twin.log(), quarantined.clone());
    for _ in 0..2 {
        let records = check_whole(twin.log());
        assert_eq!(records.len(), 2 * bodies.len());
        for (record, body) in records.iter().zip(bodies.iter().chain(&bodies)) {
            assert_eq!(*record.content.body.0, **body);
        }
        for (record, asked) in records[bodies.len()..].iter().zip(&quarantined) {
            assert_eq!(record.content.id, asked.id);
            let found = twin.log().find(Provider::Stripe, &asked.id).unwrap();
            assert_eq!(found.as_ref(), Some(record));
        }
        assert_eq!(twin.log().find(Provider::Stripe, &RecordId::Quarantine([255; 32])).unwrap(), None);
        twin.reopen();
    }
}

fn rule_7_a_failed_write_ends_appending_until_reopened<T: Twin>() {
    let mut twin = T::new();
    append(twin.log(), vec![event(1, b"a"), event(2, b"b")]);
    let head = twin.log().head();
    twin.break_disk();
    for records in [vec![event(3, b"c")], vec![event(4, b"d")], vec![event(1, b"a")], vec![]] {
        let outcome = twin.log().append(records).wait();
        assert!(
            matches!(&outcome, Err(AppendError::Poisoned { reason }) if reason.contains("broken by the test")),
            "{outcome:?}"
        );
        assert!(twin.log().poisoned().is_some());
    }
    assert_eq!(twin.log().head(), head);
    assert_eq!(check_whole(twin.log()).len(), 2);
    assert!(twin.log().find(Provider::Stripe, &event(2, b"").id).unwrap().is_some());
    assert_eq!(twin.log().find(Provider::Stripe, &event(3, b"").id).unwrap(), None);

    twin.reopen();
    assert_eq!(twin.log().poisoned(), None);
    // What was refused may or may not be there; sent again, it is, once.
    append(twin.log(), vec![event(3, b"c"), event(4, b"d")]);
    let records = check_whole(twin.log());
    assert_eq!(records.len(), 4);
    assert_eq!(records[..2].iter().map(|record| record.position).max(), Some(head.position));
}

fn received_at_never_decreases<T: Twin>() {
    let mut twin = T::new();
    let times = [500, 100, 900, 900, 300, -5, 901];
    for (n, time) in (0_u64..).zip(times) {
        append(twin.log(), vec![NewRecord { received_at: Millis(time), ..event(n, b"x") }]);
        if n % 3 == 1 {
            twin.reopen();
        }
    }
    let stored: Vec<_> = check_whole(twin.log()).iter().map(|record| record.content.received_at.0).collect();
    assert_eq!(stored, [500, 500, 900, 900, 900, 900, 901]);
}

fn what_is_too_long_is_refused_alone<T: Twin>() {
    let twin = T::new();
    let long = vec![b' '; crate::log::BODY_BYTES_MAX + 1];
    let outcome = twin.log().append(vec![event(1, b"a"), event(2, &long)]).wait();
    assert!(matches!(outcome, Err(AppendError::TooLarge)), "{outcome:?}");
    append(twin.log(), vec![event(3, &long[1..])]);
    assert_eq!(check_whole(twin.log()).len(), 1);
}

macro_rules! suite {
    ($($twin:ident: $type:ty => [$($rule:ident),* $(,)?];)*) => {
        $(mod $twin {
            use super::*;
            $(#[test]
            fn $rule() {
                super::$rule::<$type>();
            })*
        })*
    };
}

macro_rules! every_rule {
    ($($twin:ident: $type:ty;)*) => {
        suite! {
            $($twin: $type => [
                an_empty_log_is_empty,
                rule_1_an_id_is_stored_once,
                rule_1_holds_between_concurrent_producers,
                rule_2_what_was_acknowledged_is_there_after_reopening,
                rules_3_and_4_a_reader_never_misses_a_record,
                rule_5_pages_ascend_and_end,
                rule_5_a_page_is_bounded_in_bytes,
                rule_6_bodies_come_back_identical,
                rule_7_a_failed_write_ends_appending_until_reopened,
                received_at_never_decreases,
                what_is_too_long_is_refused_alone,
            ];)*
        }
    };
}

every_rule! {
    memory: Memory;
    sled: Sled<2>;
}

suite! {
    sled_that_cannot_write: Sled<0> => [rule_7_a_failed_write_ends_appending_until_reopened];
    sled_that_cannot_flush: Sled<1> => [rule_7_a_failed_write_ends_appending_until_reopened];
    sled_that_cannot_mark: Sled<3> => [rule_7_a_failed_write_ends_appending_until_reopened];
}
