//! Authentic events may hold anything. The decoder answers, whatever it is.

use proptest::prelude::*;

use super::*;
use crate::stripe::decode::Unreadable;

#[test]
fn nesting_without_end_is_no_object_of_ours() {
    for (open, close) in [("[", "]"), (r#"{"items":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body = |name: &str| {
            format!(
                r#"{{"id":"evt_1","object":"event","type":"product.created","created":1,"livemode":false,
                "data":{{"object":{{"id":"prod_1","object":"product","{name}":{deep}}}}}}}"#
            )
        };
        assert_eq!(decoded(&body("items")), Decoded::Unreadable(Unreadable::Json));
        assert!(matches!(decoded(&body("brand_new")), Decoded::Observed(_)), "skipped unread");
    }
}

#[test]
fn a_merchants_own_data_may_be_large() {
    let names =
        (0..50_000).map(|number| (format!("k{number}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    let object = json!({ "id": "prod_1", "object": "product", "metadata": names.clone() });
    let observation = observed("product.updated", &object, Some(&json!({ "metadata": names })));
    assert_eq!(observation.before, Some(observation.after));
}

/// Values that a field of another type may hold.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[1, "x"], { "data": [{ "id": {} }] }])),
        Just(json!({ "id": ["x"], "data": { "data": 1 }, "metadata": [], "price": 3 })),
        Just(json!({ "metadata": { "k": { "k": 1 }, "n": null }, "deleted": true })),
    ]
}

/// Every place in `value` below its top, counted in order; the one numbered `at` is replaced.
fn replace(value: &mut Value, at: &mut usize, with: &Value) {
    let mut step = |part: &mut Value| {
        if *at == 0 {
            *part = with.clone();
        }
        *at = at.wrapping_sub(1);
        replace(part, at, with);
    };
    match value {
        Value::Array(parts) => parts.iter_mut().for_each(&mut step),
        Value::Object(parts) => parts.values_mut().for_each(&mut step),
        _ => {}
    }
}

fn places(value: &Value) -> usize {
    match value {
        Value::Array(parts) => parts.iter().map(|part| 1 + places(part)).sum(),
        Value::Object(parts) => parts.values().map(|part| 1 + places(part)).sum(),
        _ => 0,
    }
}

proptest! {
    #[test]
    fn any_value_in_any_place_is_answered(
        kind in proptest::sample::select(ObjectKind::ALL),
        object_changes in proptest::collection::vec((any::<prop::sample::Index>(), odd()), 0..6),
        previous_changes in proptest::collection::vec((any::<prop::sample::Index>(), odd()), 0..6),
    ) {
        let mutate = |changes: &[(prop::sample::Index, Value)]| {
            let mut value = fixture(kind);
            for (at, with) in changes {
                let places = places(&value);
                if places > 0 {
                    replace(&mut value, &mut at.index(places), with);
                }
            }
            value
        };
        let (object, previous) = (mutate(&object_changes), mutate(&previous_changes));
        let type_name = type_of(kind).name();
        let first = decoded(&body(type_name, &object, Some(&previous)));
        prop_assert!(!matches!(first, Decoded::Ignored(_)));
        prop_assert_eq!(decoded(&body(type_name, &object, Some(&previous))), first, "the same answer twice");
    }

    #[test]
    fn any_cut_and_any_byte_is_answered(
        kind in proptest::sample::select(ObjectKind::ALL),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = body(type_of(kind).name(), &fixture(kind), Some(&json!({ "status": null }))).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(envelope) = Envelope::parse(&bytes) {
            let _answer = decode(&envelope);
        }
        prop_assert!(Envelope::parse(&bytes[..at]).is_err(), "half a body is no event");
    }
}
