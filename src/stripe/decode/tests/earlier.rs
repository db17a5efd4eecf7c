//! The state before a change, from the old values that an event carries.

use super::*;
use crate::model::observation::Snapshot;

/// Going back from `object` by `previous` must give the very content of `earlier`, and no other way round.
#[track_caller]
fn check(type_name: &str, earlier: &Value, object: &Value, previous: &Value) {
    let before = observed(type_name, earlier, None);
    let now = observed(type_name, object, Some(previous));
    assert_eq!(now.before, Some(before.after), "{previous}");
    assert_ne!(now.before, Some(now.after), "the change is seen: {previous}");
}

fn with(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[test]
fn an_invoice_may_jump_from_draft_to_paid() {
    let draft = fixture(ObjectKind::Invoice);
    let paid = with(
        draft.clone(),
        &json!({
            "status": "paid", "number": "A-1", "amount_paid": 1000, "amount_remaining": 0, "attempted": true,
            "status_transitions": {
                "finalized_at": 5, "paid_at": 5, "voided_at": null, "marked_uncollectible_at": null,
            },
        }),
    );
    let previous = json!({
        "status": "draft", "number": null, "amount_paid": 0, "amount_remaining": 1000, "attempted": false,
        "status_transitions": { "finalized_at": null, "paid_at": null },
    });
    check("invoice.updated", &draft, &paid, &previous);
}

#[test]
fn lists_are_old_as_a_whole() {
    let one = fixture(ObjectKind::Subscription);
    let mut two = one.clone();
    let mut added = two["items"]["data"][0].clone();
    added["id"] = json!("si_2");
    two["items"]["data"].as_array_mut().unwrap().push(added);
    two["items"]["total_count"] = json!(2);
    check("customer.subscription.updated", &one, &two, &json!({ "items": { "data": one["items"]["data"] } }));
    check("customer.subscription.updated", &two, &one, &json!({ "items": { "data": two["items"]["data"] } }));
}

#[test]
fn a_null_under_metadata_was_not_there() {
    for kind in [ObjectKind::Customer, ObjectKind::Charge, ObjectKind::Subscription] {
        let type_name = type_of(kind).name();
        let earlier = with(fixture(kind), &json!({ "metadata": { "kept": "1", "changed": "old" } }));
        let now =
            with(fixture(kind), &json!({ "metadata": { "kept": "1", "changed": "new", "added": "x" } }));
        check(type_name, &earlier, &now, &json!({ "metadata": { "changed": "old", "added": null } }));
        check(type_name, &now, &earlier, &json!({ "metadata": { "changed": "new", "added": "x" } }));
        let none = with(fixture(kind), &json!({ "metadata": null }));
        check(type_name, &earlier, &none, &json!({ "metadata": { "kept": "1", "changed": "old" } }));
        check(type_name, &none, &earlier, &json!({ "metadata": null }));
    }
}

#[test]
fn an_object_takes_the_place_of_nothing_and_back() {
    let active = with(fixture(ObjectKind::Subscription), &json!({ "pause_collection": null }));
    let paused =
        with(active.clone(), &json!({ "pause_collection": { "behavior": "void", "resumes_at": null } }));
    check("customer.subscription.updated", &active, &paused, &json!({ "pause_collection": null }));
    let back = json!({ "pause_collection": { "behavior": "void", "resumes_at": null } });
    check("customer.subscription.updated", &paused, &active, &back);
}

#[test]
fn a_dispute_is_closed_from_a_state_that_is_told() {
    let open = with(fixture(ObjectKind::Dispute), &json!({ "status": "needs_response" }));
    let lost = with(open.clone(), &json!({ "status": "lost" }));
    check("charge.dispute.closed", &open, &lost, &json!({ "status": "needs_response" }));
}

#[test]
fn a_product_changes_with_its_own_second() {
    let old = fixture(ObjectKind::Product);
    let new = with(old.clone(), &json!({ "default_price": "price_2", "updated": 1_234_567_891 }));
    let previous = json!({ "default_price": old["default_price"], "updated": old["updated"] });
    check("product.updated", &old, &new, &previous);
}

#[test]
fn entitlements_before_are_the_old_list() {
    let old = with(
        fixture(ObjectKind::Entitlements),
        &json!({
            "entitlements": { "data": [{ "feature": "feat_1", "lookup_key": "a" }], "has_more": false },
        }),
    );
    let new = with(old.clone(), &json!({ "entitlements": { "data": [], "has_more": false } }));
    let previous = json!({ "entitlements": { "data": old["entitlements"]["data"] } });
    check("entitlements.active_entitlement_summary.updated", &old, &new, &previous);
}

#[test]
fn no_old_values_are_a_change_of_nothing_that_we_read() {
    for kind in ObjectKind::ALL {
        let type_name = type_of(*kind).name();
        for previous in [json!({}), json!({ "brand_new": 1 })] {
            let observation = observed(type_name, &fixture(*kind), Some(&previous));
            let same = type_name != "checkout.session.async_payment_failed";
            assert_eq!(observation.before == Some(observation.after), same, "{type_name}");
        }
    }
}

/// Of a whole object in the place of an id only the id is read, so a change inside it is none of ours.
#[test]
fn a_change_inside_another_object_is_not_this_objects() {
    let expanded =
        json!({ "id": "ch_1", "object": "charge", "amount": 5, "refunds": { "data": [{ "id": "re_1" }] } });
    let object = with(fixture(ObjectKind::PaymentIntent), &json!({ "latest_charge": expanded }));
    let observation =
        observed("payment_intent.succeeded", &object, Some(&json!({ "latest_charge": { "amount": 4 } })));
    assert_eq!(observation.before, Some(observation.after));
    let plain = with(object, &json!({ "latest_charge": "ch_1" }));
    assert_eq!(observation.after, observed("payment_intent.succeeded", &plain, None).after);
}

#[test]
fn a_state_before_that_cannot_be_read_is_no_state() {
    let observation =
        observed("charge.updated", &fixture(ObjectKind::Charge), Some(&json!({ "status": null })));
    assert_eq!(observation.before, None);
}

#[test]
fn a_detached_method_keeps_its_last_owner() {
    let attached = with(fixture(ObjectKind::PaymentMethod), &json!({ "customer": "cus_1" }));
    let detached = with(attached.clone(), &json!({ "customer": null }));
    let observation = observed("payment_method.detached", &detached, Some(&json!({ "customer": "cus_1" })));
    let Snapshot::PaymentMethod(method) = observation.snapshot else { panic!() };
    assert_eq!(method.customer.map(|id| id.to_string()).as_deref(), Some("cus_1"));
    assert_eq!(observation.before, Some(observed("payment_method.attached", &attached, None).after));
}

/// The last of equal names counts, in an object and in its old values.
#[test]
fn the_last_of_equal_names_counts() {
    let body = r#"{"id":"evt_1","object":"event","type":"product.updated","created":1,"livemode":false,"data":{
        "object":{"id":"prod_0","id":"prod_1","object":"product","name":"a","metadata":{"k":"1"},
            "metadata":{"k":"2","k":"3"},"name":"b"},
        "previous_attributes":{"metadata":{"x":"1"},"name":"d","metadata":{"k":"4"},"name":"c"}}}"#;
    let Decoded::Observed(observation) = decoded(body) else { panic!() };
    assert_eq!(observation.key.id.as_str(), "prod_1");
    let Snapshot::Product(product) = &observation.snapshot else { panic!() };
    assert_eq!((product.name.as_deref(), product.metadata.get("k")), (Some("b"), Some("3")));
    let earlier = json!({ "id": "prod_1", "object": "product", "name": "c", "metadata": { "k": "4" } });
    assert_eq!(observation.before, Some(observed("product.updated", &earlier, None).after));
}
