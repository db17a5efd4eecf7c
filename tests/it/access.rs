//! Who may use the product, from events through to the answer, in every order that they may come in.

use billfold::engine::{Billfold, Options, ScopeFilter};
use billfold::model::access::Gate::{Deny, Ignore};
use billfold::model::access::{Access, Policy, Warning};
use billfold::model::id::ObjectId;
use billfold::model::time::Seconds;
use serde_json::{Value, json};

use crate::support::{Seed, ingest};

const START: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

fn event(number: usize, event_type: &str, day: i64, object: &Value, previous: Option<Value>) -> String {
    let mut data = json!({ "object": object });
    if let Some(previous) = previous {
        data["previous_attributes"] = previous;
    }
    json!({
        "id": format!("evt_{number}"), "object": "event", "type": event_type, "created": START + day * DAY,
        "livemode": false, "api_version": "2025-06-30.basil", "data": data,
    })
    .to_string()
}

fn subscription(number: usize, day: i64, from: Option<&str>, to: &str, more: Value) -> String {
    let mut object = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": to, "created": START,
        "latest_invoice": "in_1",
    });
    let Value::Object(more) = more else { panic!("fields have names") };
    object.as_object_mut().unwrap().extend(more);
    let event_type = if from.is_some() { "updated" } else { "created" };
    let previous = from.map(|from| json!({ "status": from }));
    event(number, &format!("customer.subscription.{event_type}"), day, &object, previous)
}

fn status(number: usize, day: i64, from: Option<&str>, to: &str) -> String {
    subscription(number, day, from, to, json!({}))
}

fn intent(number: usize, id: &str) -> String {
    let object = json!({ "id": id, "object": "payment_intent", "created": START, "customer": "cus_1",
        "invoice": "in_1", "status": "succeeded", "amount": 1000, "amount_received": 1000, "currency": "eur" });
    event(number, "payment_intent.succeeded", 0, &object, None)
}

fn refund(number: usize, intent: &str) -> String {
    let object = json!({ "id": format!("re_{number}"), "object": "refund", "created": START, "amount": 1000,
        "currency": "eur", "payment_intent": intent, "status": "succeeded" });
    event(number, "refund.created", 1, &object, None)
}

fn dispute(number: usize, status: &str) -> String {
    let object = json!({ "id": format!("du_{number}"), "object": "dispute", "created": START, "amount": 1000,
        "currency": "eur", "charge": "ch_1", "payment_intent": "pi_1", "status": status, "balance_transactions": [] });
    event(number, "charge.dispute.created", 2, &object, None)
}

/// The answer on a day, the same in some orders of delivery.
#[track_caller]
fn answer(policy: &Policy, bodies: &[String], day: i64) -> Access {
    let ask = |bodies: &[String]| {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { policy: policy.clone(), ..Options::new(folder.path()) };
        let billfold = Billfold::open_with(options).unwrap();
        ingest(&billfold, bodies);
        let customer = ObjectId::parse("cus_1").unwrap();
        let answer = billfold.access(&customer, &ScopeFilter::default(), Seconds(START + day * DAY));
        answer.unwrap().unwrap().access
    };
    let access = ask(bodies);
    for seed in 0..4 {
        let mut other = bodies.to_vec();
        Seed::new(seed).shuffle(&mut other);
        assert_eq!(ask(&other), access, "shuffled by seed {seed}");
    }
    access
}

#[track_caller]
fn check(policy: &Policy, bodies: &[String], day: i64, expected: &str) -> Access {
    let access = answer(policy, bodies, day);
    assert_eq!(format!("{} {}", access.decision, access.reason), expected);
    access
}

fn day(number: i64) -> Seconds {
    Seconds(START + number * DAY)
}

#[test]
fn an_unknown_status_keeps_the_decision_of_the_status_before() {
    let default = Policy::default();
    let unknown = |number, day, from| status(number, day, Some(from), "super_active");
    let was = [status(0, 0, None, "active"), unknown(1, 3, "active")];
    let access = check(&default, &was, 4, "allowed active");
    assert_eq!(access.warning, Some(Warning::UnknownStatus));
    assert_eq!(access.since, Some(day(0)));

    let late =
        [status(0, 0, None, "active"), status(1, 3, Some("active"), "past_due"), unknown(2, 5, "past_due")];
    assert_eq!(check(&default, &late, 6, "grace past_due").since, Some(day(3)));
    check(&default, &late, 20, "denied past_due_grace_over");

    // Back to a known word in between: it began anew.
    let again = [
        was[0].clone(),
        was[1].clone(),
        status(2, 6, Some("super_active"), "active"),
        unknown(3, 9, "active"),
    ];
    assert_eq!(check(&default, &again, 10, "allowed active").since, Some(day(6)));

    // The known and the unknown word share a second.
    let tied =
        [status(0, 0, None, "past_due"), status(1, 3, Some("past_due"), "active"), unknown(2, 3, "active")];
    assert_eq!(check(&default, &tied, 4, "allowed active").since, Some(day(3)));

    check(&default, &[unknown(0, 0, "new_too")], 1, "denied unknown_status");

    // Only the event with the unknown word says what was before it.
    assert_eq!(check(&default, &[unknown(0, 2, "active")], 4, "allowed active").since, Some(day(2)));
    let missed = [late[0].clone(), late[1].clone(), unknown(2, 30, "active")];
    check(&default, &missed, 31, "allowed active");
}

#[test]
fn a_gate_looks_at_its_own_fact_of_all_payments() {
    let gate =
        |charged_back, disputed, refunded| Policy { charged_back, disputed, refunded, ..Policy::default() };
    let paid = || vec![status(0, 0, None, "active"), intent(1, "pi_1")];
    let with = |more: &[String]| [paid(), more.to_vec()].concat();
    let refunded = gate(Deny, Ignore, Deny);
    check(&refunded, &paid(), 5, "allowed active");
    check(&refunded, &with(&[refund(2, "pi_1")]), 5, "denied payment_refunded");
    // An open dispute does not hide the refund, nor a lost one an open one.
    let both = with(&[refund(2, "pi_1"), dispute(3, "needs_response")]);
    check(&refunded, &both, 5, "denied payment_refunded");
    check(&gate(Deny, Deny, Ignore), &both, 5, "denied payment_disputed");
    check(&gate(Deny, Ignore, Ignore), &both, 5, "allowed active");
    let twice = with(&[dispute(2, "lost"), dispute(3, "under_review")]);
    check(&gate(Ignore, Deny, Ignore), &twice, 5, "denied payment_disputed");
    check(&gate(Ignore, Ignore, Deny), &twice, 5, "allowed active");
    // An inquiry is no chargeback.
    check(&gate(Deny, Deny, Deny), &with(&[dispute(2, "warning_needs_response")]), 5, "allowed active");
    // Of two partial payments both have to go back.
    let parts = with(&[intent(2, "pi_2"), refund(3, "pi_2")]);
    check(&refunded, &parts, 5, "allowed active");
    check(&refunded, &[parts, vec![refund(4, "pi_1")]].concat(), 5, "denied payment_refunded");
}

#[test]
fn past_due_begins_anew_where_the_recovery_was_missed() {
    let failed = |number, day| status(number, day, Some("active"), "past_due");
    let story = [status(0, 0, None, "active"), failed(1, 10), failed(2, 48)];
    let access = check(&Policy::default(), &story, 50, "grace past_due");
    assert_eq!((access.since, access.until), (Some(day(48)), Some(day(55))));
    // Another attempt of the same failure is not a new beginning.
    let object = json!({ "latest_invoice": "in_2" });
    let again = subscription(2, 12, Some("past_due"), "past_due", object);
    let story = [status(0, 0, None, "active"), failed(1, 10), again];
    assert_eq!(check(&Policy::default(), &story, 13, "grace past_due").since, Some(day(10)));
}
