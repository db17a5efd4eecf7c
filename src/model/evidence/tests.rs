//! What other events prove beyond the deciding one.

use serde_json::json;

use super::*;
use crate::model::observation::Entry;
use crate::model::register::Carry;
use crate::model::testing::{observation, snapshot};

/// The object that `shown` decides, with `others` joined, and what the others prove.
fn proved(shown: &Observation, others: &[&Observation]) -> (Object, Evidence) {
    let mut object = Object {
        key: shown.key.clone(),
        snapshot: shown.snapshot.clone(),
        newest: shown.created,
        before: None,
        now: Carry::alone(&Entry::of(shown)),
        joined: Joined::of(shown),
    };
    for other in others {
        object.joined.absorb(other);
    }
    let mut evidence = Evidence::wanted(&object);
    for observation in others.iter().chain([&shown]) {
        evidence.look_at(&object, observation);
    }
    (object, evidence)
}

#[track_caller]
fn check(shown: &Observation, others: &[&Observation], expected: &[(&str, Option<&str>)]) {
    let (object, evidence) = proved(shown, others);
    let kind = object.key.kind;
    let found: Vec<(String, Option<&str>)> = evidence
        .overruled
        .iter()
        .map(|(about, event)| (about.fields(kind).join(" "), event.as_ref().map(EventId::as_str)))
        .collect();
    let expected: Vec<_> = expected.iter().map(|(fields, event)| ((*fields).to_owned(), *event)).collect();
    assert_eq!(found, expected);
    let plain = |snapshot: &Snapshot| match serde_json::to_value(snapshot).unwrap() {
        serde_json::Value::Object(variant) => variant.into_iter().next().unwrap().1,
        other => panic!("{other}"),
    };
    let (before, after) = (plain(&object.snapshot), plain(&object.current()));
    for (field, value) in before.as_object().unwrap() {
        let named = expected.iter().any(|(fields, _)| fields.split(' ').any(|name| name == field));
        assert!(named || after[field] == *value, "{field} was overruled and nobody says so");
    }
}

#[test]
fn nothing_to_prove_when_the_newest_shows_it_all() {
    let paid = snapshot("Invoice", &json!({ "status": "paid", "paid_at": 5, "attempt_count": 1 }));
    let open = snapshot("Invoice", &json!({ "status": "open" }));
    let newest = observation("evt_2", "invoice.paid", 2, &paid, None);
    let (_, evidence) = proved(&newest, &[&observation("evt_1", "invoice.finalized", 1, &open, None)]);
    assert_eq!(evidence, Evidence::default());
    assert!(evidence.is_complete());
}

#[test]
fn statuses_numbers_and_moments() {
    let paid = snapshot(
        "Invoice",
        &json!({ "status": "paid", "paid_at": 5, "attempt_count": 2, "amount_paid": 100 }),
    );
    let open = snapshot("Invoice", &json!({ "status": "open", "attempt_count": 1 }));
    let paid = observation("evt_1", "invoice.paid", 1, &paid, None);
    let late = observation("evt_2", "invoice.updated", 2, &open, None);
    let from = Some("evt_1");
    check(
        &late,
        &[&paid],
        &[("status", from), ("attempt_count", from), ("amount_paid", from), ("paid_at", from)],
    );
}

#[test]
fn tombstones() {
    let customer = snapshot("Customer", &json!({}));
    let gone = observation("evt_1", "customer.deleted", 1, &customer, None);
    check(
        &observation("evt_2", "customer.updated", 2, &customer, None),
        &[&gone],
        &[("status", Some("evt_1"))],
    );
}

#[test]
fn movements_of_a_dispute_come_from_one_event() {
    let fields = |count: i64, withdrawn: i64| json!({ "status": "needs_response", "balance_transactions": count, "amount_withdrawn": withdrawn });
    let (two, one) = (snapshot("Dispute", &fields(2, 900)), snapshot("Dispute", &fields(1, 1_000)));
    let more = observation("evt_1", "charge.dispute.updated", 1, &two, None);
    let fields = "balance_transactions amount_withdrawn amount_reinstated fees";
    check(
        &observation("evt_2", "charge.dispute.updated", 2, &one, None),
        &[&more],
        &[(fields, Some("evt_1"))],
    );
}

#[test]
fn sessions() {
    let session = |status: &str, payment: &str| {
        snapshot("CheckoutSession", &json!({ "status": status, "payment_status": payment }))
    };
    let paid = observation(
        "evt_1",
        "checkout.session.async_payment_succeeded",
        1,
        &session("complete", "paid"),
        None,
    );
    let late = observation("evt_2", "checkout.session.completed", 2, &session("complete", "unpaid"), None);
    check(&late, &[&paid], &[("status", Some("evt_1")), ("payment_status", Some("evt_1"))]);
    let failed =
        observation("evt_3", "checkout.session.async_payment_failed", 1, &session("open", "unpaid"), None);
    let open = observation("evt_4", "checkout.session.completed", 2, &session("open", "unpaid"), None);
    check(&open, &[&failed], &[("async_failed", Some("evt_3"))]);
}

#[test]
fn contradictions_name_both_sides() {
    let at = |status: &str, field: &str, second: i64| {
        snapshot("Invoice", &json!({ "status": status, field: second }))
    };
    let paid = observation("evt_1", "invoice.paid", 1, &at("paid", "paid_at", 5), None);
    let again = observation("evt_2", "invoice.paid", 2, &at("paid", "paid_at", 6), None);
    let void = observation("evt_3", "invoice.voided", 3, &at("void", "voided_at", 7), None);
    let (object, evidence) = proved(&void, &[&again, &paid]);
    assert!(object.contradictory() && evidence.is_complete());
    let found: Vec<_> = evidence
        .contradictions
        .iter()
        .map(|((_, claim), event)| (claim.clone(), event.as_ref().unwrap().as_str()))
        .collect();
    let expected = [
        (Claim::End("paid".into()), "evt_2"),
        (Claim::End("void".into()), "evt_3"),
        (Claim::Moment(Seconds(5)), "evt_1"),
        (Claim::Moment(Seconds(6)), "evt_2"),
    ];
    assert_eq!(found, expected);
}
