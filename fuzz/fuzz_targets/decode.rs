//! Any body: envelope → decode → facts → fold are total, say the same twice, do not care how the JSON is written, and what
//! they make survives being stored.
//!
//! Input: a body. Half of the mutations are bytes, half are values of a real event.
#![no_main]

use billfold::model::id::EventId;
use billfold::model::object::Object;
use billfold::model::observation::{Entry, Observation};
use billfold::model::time::Millis;
use billfold::stripe::decode::{Decoded, decode};
use billfold::stripe::delivery::{Delivery, Identity};
use billfold::stripe::envelope::{Envelope, EnvelopeError, Summary, event_id};
use billfold_fuzz::dice::Dice;
use billfold_fuzz::fold::{Fold, stored};
use billfold_fuzz::{fixtures, json, memory};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use serde_json::Value;

/// What a body may make us hold, beyond a share for each of its bytes.
const BYTES_MAX: usize = 1 << 20;
const BYTES_A_BYTE_MAX: usize = 64;

fn observed(body: &[u8]) -> Option<Decoded> {
    Some(decode(&Envelope::parse(body).ok()?))
}

fn check_envelope(body: &[u8]) {
    let summary = Summary::of(body);
    match Envelope::parse(body) {
        Ok(envelope) => {
            assert_eq!(event_id(body).as_ref(), Some(envelope.id()));
            assert_eq!(summary.id.as_ref(), Some(envelope.id()));
            assert_eq!(summary.type_name.as_deref(), Some(envelope.type_name()));
            assert_eq!((summary.created, summary.form), (Some(envelope.created()), Some(envelope.form())));
            assert_eq!(summary.livemode, Some(envelope.scope().livemode));
            assert_eq!(summary.account, envelope.scope().account);
        }
        Err(EnvelopeError::NotJson | EnvelopeError::NoId) => assert_eq!(summary.id, None),
        Err(_) => assert!(summary.id.is_some() && event_id(body) == summary.id),
    }
    let delivery = Delivery::vouched(body, Millis(0));
    assert_eq!(matches!(delivery.identity(), Identity::Event(_)), event_id(body).is_some());
}

fn check_object(object: &Object) {
    let bytes = stored(object);
    let (back, read): (Object, usize) =
        bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
    assert_eq!((&back, read), (object, bytes.len()), "what is stored comes back");
    let shown = object.current();
    assert_eq!(shown.kind(), object.key.kind);
    assert!(!object.created_inversion(), "one event cannot be newer than itself");
    assert!(!object.contradictory(), "one event cannot contradict itself");
    let _ = (object.status(), object.status_since(), object.customer(), object.deleted(), object.created());
}

/// Another event of the same object, as the fixture shows it.
fn other(observation: &Observation) -> Observation {
    let kind = observation.key.kind;
    let types = fixtures::types_of(kind);
    let name = types[usize::from(observation.after.0[0]) % types.len()].name();
    let body = fixtures::event(name, fixtures::object(kind), None).to_string();
    let Some(Decoded::Observed(other)) = observed(body.as_bytes()) else { panic!("{name} is not read") };
    let event = if observation.event.as_str() == "evt_1" { "evt_2" } else { "evt_1" };
    let second = i64::from(observation.after.0[1] % 3) - 1;
    Observation {
        event: EventId::parse(event).unwrap(),
        created: observation.created.plus(second),
        key: observation.key.clone(),
        ..*other
    }
}

/// In either order the same object.
fn check_pair(one: &Observation, two: &Observation) {
    let (there, back) = (Fold::of([one, two]), Fold::of([two, one, two]));
    assert_eq!(there.object, back.object);
    assert_eq!(there.bytes(), back.bytes());
    assert_eq!(there.entries, back.entries);
}

fn check_fold(observation: &Observation) {
    let mut fold = Fold::default();
    assert!(fold.take(observation));
    assert!(!fold.take(observation), "known");
    let object = fold.object.as_ref().unwrap();
    assert_eq!(object.snapshot, observation.snapshot);
    assert_eq!(fold.entries.values().flatten().collect::<Vec<_>>(), [&Entry::of(observation)]);
    let entry = bincode::serde::encode_to_vec(&fold.entries, bincode::config::standard()).unwrap();
    let (back, _) = bincode::serde::decode_from_slice(&entry, bincode::config::standard()).unwrap();
    assert_eq!(fold.entries, back);
    check_object(object);
}

fuzz_target!(|body: &[u8]| {
    let bound = body.len().saturating_mul(BYTES_A_BYTE_MAX).saturating_add(BYTES_MAX);
    memory::bounded(bound, || {
        check_envelope(body);
        observed(body)
    });
    let decoded = observed(body);
    assert_eq!(decoded, observed(body), "the same answer twice");
    // A name that stands twice, and a number that no `Value` holds, are not written again as they were.
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let plain = observed(value.to_string().as_bytes());
        assert_eq!(plain, observed(json::rewritten(&value).as_bytes()), "however it is written");
    }
    if let Some(Decoded::Observed(observation)) = decoded {
        check_fold(&observation);
        check_pair(&observation, &other(&observation));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut dice = Dice(u64::from(seed));
    let event = serde_json::from_slice::<Value>(&data[..size]).ok().filter(|_| dice.roll(4) > 0);
    let start = event.or_else(|| (dice.roll(64) == 0).then_some(Value::Null));
    if let Some(mut event) = start {
        json::mutate(&mut event, &mut dice);
        let text = event.to_string();
        if text.len() <= max_size {
            data[..text.len()].copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
});
