//! Recorded streams, delivered in every kind of order: the projection is the truth, and the same bytes.

use billfold::engine::{Billfold, ScopeFilter};
use billfold::model::id::ObjectId;
use billfold::model::kind::ObjectKind;
use billfold::model::observation::Snapshot;

use crate::support::{Seed, Stream, ingest};

mod truth;

/// Shuffles a stream; more by `BILLFOLD_SHUFFLES`.
fn shuffles() -> u64 {
    let asked = std::env::var_os("BILLFOLD_SHUFFLES").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(4)
}

/// The stream as the projection must show it: what the stream itself says last, and every field of the truth that it
/// tells.
#[track_caller]
fn assert_truth(billfold: &Billfold, stream: &Stream, order: &str) {
    let kinds = [
        ("subscriptions", ObjectKind::Subscription),
        ("invoices", ObjectKind::Invoice),
        ("payment_intents", ObjectKind::PaymentIntent),
        ("charges", ObjectKind::Charge),
        ("refunds", ObjectKind::Refund),
    ];
    for (family, kind) in kinds {
        for (id, expected) in stream.expected[family].as_object().into_iter().flatten() {
            if expected["n_events"] == 0 {
                continue;
            }
            let place = format!("{}, {order}: {id}", stream.name);
            let object = billfold
                .object(kind, &ObjectId::parse(id).unwrap(), &ScopeFilter::default())
                .unwrap()
                .unwrap_or_else(|| panic!("{place} is missing"))
                .object;
            assert_eq!(object.status(), expected["last_event_status"].as_str(), "{place}");
            assert_eq!(object.ambiguous(), stream.is_undecidable(id), "{place}: ambiguous");
            assert!(!object.created_inversion(), "{place} inverts time");
            if let Snapshot::Charge(charge) = object.current() {
                assert_eq!(charge.amount_refunded, expected["last_event_amount_refunded"], "{place}");
            }
        }
    }
    truth::assert_fields(billfold, stream, order);
}

fn digest_of(stream: &Stream, bodies: &[String], order: &str) -> [u8; 32] {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    ingest(&billfold, bodies);
    assert_truth(&billfold, stream, order);
    billfold.projection_digest().unwrap()
}

/// Every order of one stream gives the bytes that the order of emission gives.
fn check(stream: &Stream) {
    let in_order = digest_of(stream, &stream.bodies, "in order");
    let mut orders = vec![("reversed".to_owned(), stream.bodies.iter().rev().cloned().collect::<Vec<_>>())];
    let doubled = stream.bodies.iter().chain(&stream.bodies).cloned().collect::<Vec<_>>();
    for seed in 0..shuffles() {
        let mut bodies = stream.bodies.clone();
        Seed::new(seed).shuffle(&mut bodies);
        orders.push((format!("shuffled by seed {seed}"), bodies));
    }
    let mut bodies = doubled;
    Seed::new(7).shuffle(&mut bodies);
    orders.push(("doubled and shuffled".to_owned(), bodies));
    for (order, bodies) in orders {
        let digest = digest_of(stream, &bodies, &order);
        assert_eq!(digest, in_order, "{}, {order}: other bytes", stream.name);
    }
    assert_eq!(digest_with_restart(stream), in_order, "{}, in two halves: other bytes", stream.name);
}

fn digest_with_restart(stream: &Stream) -> [u8; 32] {
    let folder = tempfile::tempdir().unwrap();
    let mut bodies = stream.bodies.clone();
    Seed::new(11).shuffle(&mut bodies);
    let (first, second) = bodies.split_at(bodies.len() / 2);
    ingest(&Billfold::open(folder.path()).unwrap(), first);
    let billfold = Billfold::open(folder.path()).unwrap();
    ingest(&billfold, second);
    assert_truth(&billfold, stream, "in two halves");
    let before = billfold.projection_digest().unwrap();
    let rebuilt = billfold.rebuild(&|_| ()).unwrap();
    assert!(!rebuilt.changed, "{}: a rebuild changes bytes", stream.name);
    assert_eq!(rebuilt.records, stream.bodies.len() as u64);
    assert_eq!(billfold.projection_digest().unwrap(), before);
    before
}

/// Checks every stream of a family before it says which ones failed.
fn check_family(family: &str) {
    let streams = Stream::all(family);
    let failed: Vec<&str> = streams
        .iter()
        .filter(|stream| std::panic::catch_unwind(|| check(stream)).is_err())
        .map(|stream| stream.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {} {family} streams: {failed:?}", failed.len(), streams.len());
}

#[test]
fn augmented_streams_are_true_in_any_order() {
    check_family("augmented");
}

#[test]
fn native_streams_are_true_in_any_order() {
    check_family("native");
}
