//! Which events are folded, which are not, and why.

use super::*;
use crate::model::id::{AccountId, ObjectId};
use crate::model::money::Currency;
use crate::model::observation::Snapshot;
use crate::model::payment::{ChargeStatus, RefundStatus};
use crate::model::private::Private;
use crate::model::subscription::SubscriptionStatus;
use crate::model::time::Seconds;
use crate::stripe::decode::{Ignored, Unreadable};

#[test]
fn every_folded_type_is_read_with_the_object_that_it_carries() {
    for event_type in EventType::all() {
        let object = fixture(event_type.kind());
        let observation = observed(event_type.name(), &object, None);
        assert_eq!(observation.event_type, event_type);
        assert_eq!(observation.key.kind, event_type.kind());
        assert_eq!(observation.before, None, "{event_type}: nothing says what was before");
        let id = object.get("id").unwrap_or(&object["customer"]);
        assert_eq!(Some(observation.key.id.as_str()), id.as_str(), "{event_type}");
    }
}

#[track_caller]
fn ignored(type_name: &str, expected: Ignored) {
    let object = json!({ "id": "x_1", "object": "thing" });
    assert_eq!(decoded(&body(type_name, &object, None)), Decoded::Ignored(expected), "{type_name}");
}

#[test]
fn what_is_not_folded_says_why() {
    ignored("payout.paid", Ignored::NotFolded);
    ignored("plan.created", Ignored::NotFolded);
    ignored("order.created", Ignored::NotFolded);
    ignored("invoice.exploded", Ignored::UnknownType);
    ignored("invoice.upcoming", Ignored::Preview);
    let thin = json!({
        "id": "evt_1", "object": "v2.core.event", "type": "v1.customer.created",
        "created": "2026-01-01T00:00:00.000Z", "livemode": false,
        "related_object": { "id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1" },
    });
    assert_eq!(decoded(&thin.to_string()), Decoded::Ignored(Ignored::Thin));
}

#[track_caller]
fn unreadable(type_name: &str, object: &Value, expected: Unreadable) {
    assert_eq!(decoded(&body(type_name, object, None)), Decoded::Unreadable(expected), "{object}");
}

#[test]
fn what_cannot_be_read_says_why() {
    let charge = json!({ "id": "ch_1", "object": "charge", "status": "succeeded" });
    unreadable("charge.refund.updated", &charge, Unreadable::Object);
    unreadable("charge.updated", &json!({ "id": "ch_1", "status": "failed" }), Unreadable::Object);
    unreadable("charge.updated", &json!({ "object": "charge", "status": "failed" }), Unreadable::Field("id"));
    unreadable("charge.updated", &json!({ "object": "charge", "id": 7 }), Unreadable::Field("id"));
    unreadable("charge.updated", &json!({ "object": "charge", "id": "a b" }), Unreadable::Field("id"));
    let charge = json!({ "object": "charge", "id": "ch_1", "amount": 1, "currency": "eur" });
    unreadable("charge.updated", &charge, Unreadable::Field("status"));
    let mut wrong = charge;
    wrong["status"] = json!(["failed"]);
    unreadable("charge.updated", &wrong, Unreadable::Field("status"));
    let summary = json!({ "object": "entitlements.active_entitlement_summary" });
    unreadable("entitlements.active_entitlement_summary.updated", &summary, Unreadable::Field("customer"));
    // A surrogate without its other half is no text.
    let half = r#"{"id":"evt_1","object":"event","type":"product.created","created":1,"livemode":false,
        "data":{"object":{"id":"prod_1","object":"product","name":"\ud800"}}}"#;
    assert_eq!(decoded(half), Decoded::Unreadable(Unreadable::Json));
}

/// The object of `kind` as the newest version renders it, with the value at `path` replaced or (none) taken away.
fn with(kind: ObjectKind, path: &str, value: Option<Value>) -> Value {
    let mut object = fixture(kind);
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    match value {
        Some(value) => parent[name] = value,
        None => drop(parent.as_object_mut().unwrap().remove(name)),
    }
    object
}

#[test]
fn a_field_that_money_hangs_on_is_never_read_as_zero() {
    use ObjectKind::{Charge, Dispute, Invoice, PaymentIntent, Refund};
    let check = |kind: ObjectKind, field: &'static str, value: Option<Value>| {
        let object = with(kind, &format!("/{field}"), value);
        unreadable(type_of(kind).name(), &object, Unreadable::Field(field));
    };
    for kind in [Charge, Dispute, Refund] {
        check(kind, "amount", None);
        check(kind, "amount", Some(Value::Null));
    }
    for kind in [Charge, Dispute, PaymentIntent, Refund] {
        for value in [json!("5.00"), json!(5.5), json!({ "value": 5 })] {
            check(kind, "amount", Some(value));
        }
        check(kind, "currency", Some(json!({ "code": "eur" })));
    }
    for field in ["total", "amount_due", "amount_paid", "amount_remaining"] {
        check(Invoice, field, Some(json!("5.00")));
    }
    check(Invoice, "status", Some(json!({ "name": "paid" })));
    check(Charge, "amount_refunded", Some(json!([5])));
    check(Charge, "amount_captured", Some(json!([5])));
    check(PaymentIntent, "amount_received", Some(json!("5")));
    check(Refund, "status", Some(json!(1)));
}

#[test]
fn a_field_that_access_hangs_on_is_never_read_as_absent() {
    let check = |path: &str, field: &'static str, value: Value| {
        let object = with(ObjectKind::Subscription, path, Some(value));
        unreadable("customer.subscription.updated", &object, Unreadable::Field(field));
    };
    for page in [json!("si_1"), json!(7), json!({}), json!({ "data": "si_1" }), json!(["si_1"])] {
        check("/items", "items", page);
    }
    check("/status", "status", json!({ "name": "active" }));
    check("/cancel_at_period_end", "cancel_at_period_end", json!("true"));
    for field in ["cancel_at", "ended_at", "trial_end", "current_period_start", "current_period_end"] {
        check(&format!("/{field}"), field, json!("2026-01-01T00:00:00Z"));
    }
    check("/items/data/0/current_period_end", "current_period_end", json!("2026-01-01T00:00:00Z"));
    // What is not there is nothing to misread: a body may say less than the provider's.
    let least = json!({ "id": "sub_1", "object": "subscription", "status": "active" });
    assert!(matches!(decoded(&body("customer.subscription.updated", &least, None)), Decoded::Observed(_)));
}

#[test]
fn the_reason_names_the_field() {
    assert_eq!(Unreadable::Field("amount").to_string(), "missing_field: amount");
    assert_eq!(Unreadable::Json.to_string(), "unreadable_json");
}

#[test]
fn the_scope_is_the_envelopes() {
    let mut event: Value =
        serde_json::from_str(&body("refund.created", &fixture(ObjectKind::Refund), None)).unwrap();
    event["account"] = json!("acct_1");
    event["livemode"] = json!(true);
    let Decoded::Observed(observation) = decoded(&event.to_string()) else { panic!() };
    let scope = observation.key.scope;
    assert_eq!((scope.account.as_ref().map(AccountId::as_str), scope.livemode), (Some("acct_1"), true));
    assert_eq!((observation.event.as_str(), observation.created), ("evt_1", Seconds(1_767_225_600)));
}

#[test]
fn new_words_of_open_enums_are_kept_as_they_came() {
    for kind in ObjectKind::ALL {
        let mut object = fixture(*kind);
        if object.get("status").is_none() {
            continue;
        }
        object["status"] = json!("brand_new");
        let snapshot = observed(type_of(*kind).name(), &object, None).snapshot;
        let shown = serde_json::to_string(&snapshot).unwrap();
        assert!(shown.contains(r#""status":"brand_new""#), "{shown}");
    }
    let mut object = fixture(ObjectKind::Subscription);
    object["status"] = json!("brand_new");
    let Snapshot::Subscription(subscription) =
        observed("customer.subscription.updated", &object, None).snapshot
    else {
        panic!()
    };
    assert_eq!(subscription.status, SubscriptionStatus::Other("brand_new".into()));
}

#[test]
fn unknown_fields_change_nothing() {
    for kind in ObjectKind::ALL {
        let type_name = type_of(*kind).name();
        let mut object = fixture(*kind);
        let plain = observed(type_name, &object, None);
        object["brand_new"] = json!({ "status": "x", "id": [1, 1e300, { "amount": null }] });
        assert_eq!(observed(type_name, &object, None), plain);
    }
}

#[test]
fn ids_that_are_none_are_absent() {
    let mut object = fixture(ObjectKind::Charge);
    object["customer"] = json!("not an id");
    object["payment_intent"] = json!({ "no": "id" });
    let observation = observed("charge.succeeded", &object, None);
    let Snapshot::Charge(charge) = observation.snapshot else { panic!() };
    assert_eq!((charge.customer, charge.payment_intent), (None, None));
    assert!(observation.links.is_empty());
}

#[test]
fn a_charge_is_read_in_full() {
    let mut object = fixture(ObjectKind::Charge);
    object["amount_refunded"] = json!(40);
    object["metadata"] = json!({ "user": "42" });
    let Snapshot::Charge(charge) = observed("charge.refunded", &object, None).snapshot else { panic!() };
    assert_eq!((charge.amount, charge.amount_captured, charge.amount_refunded), (100, 0, 40));
    assert_eq!((charge.status, charge.currency), (ChargeStatus::Succeeded, Some(Currency::new("usd"))));
    assert_eq!((charge.paid, charge.captured, charge.refunded, charge.disputed), (true, false, false, false));
    assert_eq!(charge.payment_method_type.as_deref(), Some("card"));
    assert_eq!(charge.card_brand.as_deref(), Some("visa"));
    assert_eq!(charge.card_last4.as_ref().map(Private::reveal), Some("4242"));
    assert_eq!(charge.balance_transaction, ObjectId::parse("txn_1PgaxNB7WZ01zgkWEV3TLf40").ok());
    assert_eq!(charge.outcome_type.as_deref(), Some("type"));
    assert_eq!(charge.metadata.get("user"), Some("42"));
}

#[test]
fn a_disputes_money_is_summed_by_direction() {
    let mut object = fixture(ObjectKind::Dispute);
    object["status"] = json!("won");
    object["evidence_details"]["due_by"] = json!(0);
    object["balance_transactions"] = json!([
        { "amount": -1000, "fee": 1500, "net": -2500 },
        { "amount": 1000, "fee": 0, "net": 1000 },
    ]);
    let Snapshot::Dispute(dispute) = observed("charge.dispute.closed", &object, None).snapshot else {
        panic!()
    };
    assert_eq!((dispute.amount_withdrawn, dispute.amount_reinstated, dispute.fees), (1000, 1000, 1500));
    assert_eq!((dispute.balance_transactions, dispute.due_by), (2, None));
    assert_eq!(dispute.case_type.as_deref(), Some("inquiry"));
}

#[test]
fn a_refund_may_have_no_status() {
    let mut object = fixture(ObjectKind::Refund);
    let status = |object: &Value| match observed("refund.updated", object, None).snapshot {
        Snapshot::Refund(refund) => refund.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&object), Some(RefundStatus::Succeeded));
    object["status"] = Value::Null;
    assert_eq!(status(&object), None);
}

#[test]
fn a_deleted_customer_may_be_no_more_than_its_id() {
    let stub: Value = serde_json::from_str(&read("objects/deleted_customer.json")).unwrap();
    let observation = observed("customer.deleted", &stub, None);
    assert_eq!(observation.key.id.as_str(), "cus_QXg1o8vcGmoR32");
    let Snapshot::Customer(customer) = observation.snapshot else { panic!() };
    assert_eq!((customer.email, customer.balance), (None, 0));
}

#[test]
fn a_failed_delayed_payment_marks_its_session() {
    let object = fixture(ObjectKind::CheckoutSession);
    let failed = |type_name| match observed(type_name, &object, None).snapshot {
        Snapshot::CheckoutSession(session) => session.async_failed,
        other => panic!("{other:?}"),
    };
    assert!(failed("checkout.session.async_payment_failed"));
    assert!(!failed("checkout.session.completed"));
}
