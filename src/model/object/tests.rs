use serde_json::{Value, json};

use super::*;
use crate::model::apply::{Applied, apply};
use crate::model::checkout::CheckoutSession;
use crate::model::id::{EventId, Scope};
use crate::model::observation::{Link, Observation};
use crate::model::register::Seconded;
use crate::model::testing::{observation, snapshot};
use crate::model::time::Seconds;

/// Folds observations in their order; recalls read them again.
pub(in crate::model) fn fold(observations: &[Observation]) -> Object {
    let mut moments = Seconded::new();
    let mut object = None;
    for observation in observations {
        let Ok(applied) = apply(object.clone(), observation.clone(), &mut moments);
        object = match applied {
            Applied::Known(same) => same.map(|same| *same),
            Applied::Folded(folded) => Some(*folded),
            Applied::Recall { object, winner } => Some(object.with_snapshot(recall(observations, &winner))),
        };
    }
    object.unwrap()
}

fn recall(observations: &[Observation], winner: &EventId) -> Snapshot {
    observations.iter().find(|observation| &observation.event == winner).unwrap().snapshot.clone()
}

/// A row of a history: id, type, second, fields.
type Row<'a> = (&'a str, &'a str, i64, Value);

fn folded(variant: &str, rows: &[Row<'_>]) -> Object {
    let observations: Vec<Observation> = rows
        .iter()
        .map(|(id, event_type, second, fields)| {
            observation(id, event_type, *second, &snapshot(variant, fields), None)
        })
        .collect();
    let object = fold(&observations);
    let backwards: Vec<Observation> = observations.into_iter().rev().collect();
    assert_eq!(fold(&backwards), object, "backwards");
    object
}

#[test]
fn a_newer_second_never_undoes_the_lifecycle() {
    let object = folded(
        "Invoice",
        &[
            (
                "evt_1",
                "invoice.paid",
                10,
                json!({ "status": "paid", "amount_paid": 9, "attempt_count": 1, "paid_at": 10 }),
            ),
            ("evt_2", "invoice.updated", 20, json!({ "status": "open", "amount_paid": 0, "total": 7 })),
        ],
    );
    let Snapshot::Invoice(invoice) = object.current() else { panic!() };
    assert_eq!(invoice.status, Some(InvoiceStatus::Paid));
    assert_eq!((invoice.amount_paid, invoice.attempt_count, invoice.total), (9, 1, 7));
    assert_eq!(invoice.paid_at, Some(Seconds(10)));
    assert_eq!((object.status(), object.status_since()), (Some("paid"), Seconds(10)));
    assert!(object.created_inversion() && !object.ambiguous() && !object.contradictory());
}

#[test]
fn a_history_in_order_is_no_inversion() {
    let object = folded(
        "Invoice",
        &[
            ("evt_1", "invoice.finalized", 10, json!({ "status": "open", "finalized_at": 10 })),
            (
                "evt_2",
                "invoice.paid",
                20,
                json!({ "status": "paid", "amount_paid": 9, "finalized_at": 10, "paid_at": 20 }),
            ),
            (
                "evt_3",
                "invoice.updated",
                30,
                json!({ "status": "paid", "amount_paid": 9, "finalized_at": 10, "paid_at": 20 }),
            ),
        ],
    );
    assert!(!object.created_inversion() && !object.contradictory() && !object.ambiguous());
    assert_eq!(object.current(), object.snapshot);
    assert_eq!((object.status(), object.status_since()), (Some("paid"), Seconds(20)));
    assert_eq!(object.created(), Seconds(10), "the provider said nothing: the first second");
}

#[test]
fn a_subscription_that_was_deleted_stays_canceled() {
    let rows = [
        (
            "evt_1",
            "customer.subscription.deleted",
            10,
            json!({ "status": "active", "created": 3, "ended_at": 10 }),
        ),
        ("evt_2", "customer.subscription.updated", 20, json!({ "status": "past_due", "created": 3 })),
    ];
    for rows in [&rows[..1], &rows] {
        let object = folded("Subscription", rows);
        let Snapshot::Subscription(subscription) = object.current() else { panic!() };
        assert_eq!(subscription.status, SubscriptionStatus::Canceled);
        assert_eq!(subscription.ended_at, Some(Seconds(10)));
        assert_eq!((object.status_since(), object.created()), (Seconds(10), Seconds(3)));
        assert_eq!(object.created_inversion(), rows.len() == 2);
    }
}

#[test]
fn a_deleted_customer_stays_deleted() {
    let object = folded(
        "Customer",
        &[
            ("evt_1", "customer.created", 10, json!({ "created": 10 })),
            ("evt_2", "customer.deleted", 20, json!({ "created": 10 })),
            ("evt_3", "customer.updated", 30, json!({ "created": 10, "balance": 5 })),
        ],
    );
    assert!(object.deleted());
    assert_eq!(object.joined.once(Once::DeletedAt), Some(Seconds(20)));
    assert_eq!(object.customer(), Some(&object.key.id));
}

#[test]
fn a_dispute_keeps_its_highest_status_and_the_money_with_it() {
    let object = folded(
        "Dispute",
        &[
            (
                "evt_1",
                "charge.dispute.closed",
                10,
                json!({ "status": "won", "balance_transactions": 2, "amount_withdrawn": 100, "amount_reinstated": 100, "fees": 15, "submission_count": 1 }),
            ),
            (
                "evt_2",
                "charge.dispute.updated",
                20,
                json!({ "status": "lost", "balance_transactions": 1, "amount_withdrawn": 100, "fees": 15 }),
            ),
        ],
    );
    let Snapshot::Dispute(dispute) = object.current() else { panic!() };
    assert_eq!(dispute.status, DisputeStatus::Won);
    assert_eq!((dispute.amount_withdrawn, dispute.amount_reinstated), (100, 100));
    assert_eq!((dispute.balance_transactions, dispute.submission_count), (2, 1));
    assert!(object.created_inversion());
}

#[test]
fn a_session_keeps_what_its_delayed_payment_came_to() {
    let complete = |payment: &str| json!({ "status": "complete", "payment_status": payment });
    let current = |rows: &[Row<'_>]| -> Box<CheckoutSession> {
        let Snapshot::CheckoutSession(session) = folded("CheckoutSession", rows).current() else { panic!() };
        session
    };
    let late = ("evt_2", "checkout.session.completed", 20, complete("unpaid"));
    let paid = ("evt_1", "checkout.session.async_payment_succeeded", 10, complete("paid"));
    assert_eq!(current(&[paid, late.clone()]).payment_status, Some(CheckoutPaymentStatus::Paid));
    let failed = ("evt_1", "checkout.session.async_payment_failed", 10, complete("unpaid"));
    assert!(current(&[failed, late.clone()]).async_failed);
    assert!(!current(&[late]).async_failed);
}

#[test]
fn a_charge_is_no_less_captured_than_it_was() {
    let object = folded(
        "Charge",
        &[
            (
                "evt_1",
                "charge.captured",
                10,
                json!({ "status": "succeeded", "amount_captured": 600, "captured": true }),
            ),
            ("evt_2", "charge.updated", 20, json!({ "status": "succeeded", "amount_captured": 0 })),
        ],
    );
    let Snapshot::Charge(charge) = object.current() else { panic!() };
    assert_eq!((charge.amount_captured, charge.captured), (600, true));
    assert!(object.created_inversion());
}

#[test]
fn the_later_of_success_and_failure_counts_for_a_charge() {
    let charge = |id, word: &str, second, captured: i64| {
        (id, format!("charge.{word}"), second, json!({ "status": word, "amount_captured": captured }))
    };
    for (second, expected) in [(20, "failed"), (10, "failed"), (5, "succeeded")] {
        let rows = [charge("evt_2", "succeeded", 10, 9), charge("evt_1", "failed", second, 0)];
        let rows: Vec<Row<'_>> =
            rows.iter().map(|(id, ty, second, fields)| (*id, ty.as_str(), *second, fields.clone())).collect();
        assert_eq!(folded("Charge", &rows).status(), Some(expected), "failed at {second}");
    }
}

#[test]
fn cut_lists_add_and_never_remove() {
    let list = |keys: &[&str], truncated: bool| {
        let active: Vec<Value> =
            keys.iter().map(|key| json!({ "lookup_key": key, "feature": null })).collect();
        json!({ "active": active, "truncated": truncated })
    };
    let ty = "entitlements.active_entitlement_summary.updated";
    let rows = [
        ("evt_1", ty, 10, list(&["a", "b"], false)),
        ("evt_2", ty, 20, list(&["b", "c"], true)),
        ("evt_3", ty, 30, list(&["d"], false)),
    ];
    for (count, expected, flagged) in
        [(1, vec!["a", "b"], false), (2, vec!["a", "b", "c"], true), (3, vec!["d"], false)]
    {
        let object = folded("Entitlements", &rows[..count]);
        let Snapshot::Entitlements(entitlements) = object.current() else { panic!() };
        let keys: Vec<&str> = entitlements.active.iter().map(|one| &*one.lookup_key).collect();
        assert_eq!(keys, expected);
        assert_eq!((object.ambiguous(), entitlements.truncated), (flagged, flagged));
    }
}

#[test]
fn a_detached_method_keeps_its_owner() {
    let mut attached =
        observation("evt_1", "payment_method.attached", 10, &snapshot("PaymentMethod", &json!({})), None);
    attached.links = [Link { kind: ObjectKind::Customer, id: ObjectId::parse("cus_1").unwrap() }].into();
    let loose = snapshot("PaymentMethod", &json!({ "customer": null }));
    let detached = observation("evt_2", "payment_method.detached", 20, &loose, None);
    let object = fold(&[detached, attached]);
    assert_eq!(object.status(), Some("detached"));
    assert_eq!(object.customer().map(ObjectId::as_str), Some("cus_1"));
    assert_eq!(object.key.scope, Scope { account: None, livemode: false });
}
