//! One example a kind of tie, as docs/ordering.md tells them, in every order.

use billfold::model::observation::Observation;
use billfold::model::register::Decision;
use serde_json::{Value, json};

use crate::bursts::memory::{fold, observed};

/// The second that the events share.
const SECOND: i64 = 1_767_225_600;

fn event(id: &str, name: &str, created: i64, object: &Value, before: Option<&Value>) -> Observation {
    let mut data = json!({ "object": object });
    if let Some(before) = before {
        data["previous_attributes"] = before.clone();
    }
    let event = json!({
        "id": id, "object": "event", "type": name, "created": created, "livemode": false,
        "api_version": "2025-03-31.basil", "data": data,
    });
    observed(&event.to_string()).unwrap()
}

fn subscription(id: &str, name: &str, created: i64, status: &str, before: Option<&str>) -> Observation {
    let object = json!({ "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status });
    event(id, name, created, &object, before.map(|status| json!({ "status": status })).as_ref())
}

fn updated(id: &str, before: &str, after: &str) -> Observation {
    subscription(id, "customer.subscription.updated", SECOND, after, Some(before))
}

fn invoice(id: &str, name: &str, status: &str) -> Observation {
    let object =
        json!({ "id": "in_1", "object": "invoice", "customer": "cus_1", "status": status, "total": 500 });
    event(id, name, SECOND, &object, None)
}

fn declined(id: &str, attempts: i64) -> Observation {
    let object = json!({ "id": "in_1", "object": "invoice", "status": "open", "attempt_count": attempts });
    event(id, "invoice.payment_failed", SECOND, &object, None)
}

fn attempt(id: &str, name: &str, status: &str) -> Observation {
    let object = json!({ "id": "pi_1", "object": "payment_intent", "status": status, "amount": 500, "currency": "eur" });
    event(id, name, SECOND, &object, None)
}

/// In every order the tie ends with this status, decided so.
#[track_caller]
fn check(events: &[Observation], status: &str, decided: Decision, ambiguous: bool) {
    for order in orders(events.len()) {
        let (object, _) = fold(events, &order);
        let found = (object.status(), object.now.decided_by, object.ambiguous());
        assert_eq!(found, (Some(status), decided, ambiguous), "{order:?}");
    }
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for next in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, next);
                    longer
                })
            })
            .collect();
    }
    orders
}

#[test]
fn an_end_of_life_beats_what_else_happened() {
    let gone = subscription("evt_1", "customer.subscription.deleted", SECOND, "canceled", None);
    check(&[gone, updated("evt_2", "active", "past_due")], "canceled", Decision::Terminal, false);
}

#[test]
fn what_was_created_was_created_first() {
    let created = subscription("evt_2", "customer.subscription.created", SECOND, "incomplete", None);
    let renamed = subscription("evt_1", "customer.subscription.updated", SECOND, "active", None);
    check(&[created, renamed], "active", Decision::Creation, false);
}

#[test]
fn a_lifecycle_without_a_way_back_is_ranked() {
    let events =
        [invoice("evt_2", "invoice.updated", "draft"), invoice("evt_1", "invoice.finalized", "open")];
    check(&events, "open", Decision::LifecycleRank, false);
}

#[test]
fn a_number_that_never_falls_counts_up() {
    let events = [declined("evt_2", 1), declined("evt_1", 2)];
    check(&events, "open", Decision::Numbers, false);
    assert_eq!(fold(&events, &[1, 0]).0.now.winner.as_str(), "evt_1");
}

#[test]
fn changes_form_a_walk() {
    let events = [
        updated("evt_1", "trialing", "active"),
        updated("evt_2", "past_due", "active"),
        updated("evt_3", "active", "past_due"),
    ];
    check(&events, "active", Decision::Walk, false);
}

#[test]
fn there_and_back_ends_where_it_began() {
    let before = subscription("evt_9", "customer.subscription.updated", SECOND - 60, "active", None);
    let there_and_back = [updated("evt_2", "active", "past_due"), updated("evt_1", "past_due", "active")];
    let [there, back] = there_and_back.clone();
    check(&[before, there, back], "active", Decision::ClosedWalk, false);
    // Without anything older, nobody knows where it began.
    let (object, _) = fold(&there_and_back, &[0, 1]);
    assert!(object.ambiguous());
}

#[test]
fn a_named_rule_puts_one_type_before_another() {
    let events = [
        attempt("evt_2", "payment_intent.requires_action", "requires_action"),
        attempt("evt_1", "payment_intent.processing", "processing"),
    ];
    check(&events, "processing", Decision::NamedRule, false);
}

#[test]
fn what_nobody_can_decide_is_flagged() {
    let events = [
        attempt("evt_1", "payment_intent.payment_failed", "requires_payment_method"),
        attempt("evt_2", "payment_intent.processing", "processing"),
    ];
    check(&events, "requires_payment_method", Decision::TypeRank, true);
}
