use serde_json::{Value, json};

use super::*;
use crate::model::testing::snapshot;

/// The status word, its rank and whether it ends the object, as the event shows it.
#[track_caller]
fn check(event_type: &str, variant: &str, fields: &Value, word: &str, rank: u8, terminal: bool) {
    let event_type = EventType::parse(event_type).unwrap();
    let snapshot = snapshot(variant, fields);
    assert_eq!(snapshot.kind(), event_type.kind());
    let facts = snapshot.facts(event_type);
    assert_eq!(facts.status.as_deref().unwrap_or(""), word, "{event_type} {fields}");
    assert_eq!((facts.rank, facts.terminal), (rank, terminal), "{event_type} {fields}");
}

/// A type, its kind's variant, and the statuses with rank and end.
type Row = (&'static str, &'static str, &'static [(&'static str, u8, bool)]);

#[test]
fn ranks_of_the_statuses() {
    let rows: &[Row] = &[
        (
            "customer.subscription.updated",
            "Subscription",
            &[
                ("incomplete", 0, false),
                ("trialing", 0, false),
                ("active", 0, false),
                ("past_due", 0, false),
                ("unpaid", 0, false),
                ("paused", 0, false),
                ("canceled", 1, true),
                ("incomplete_expired", 1, true),
                ("a word of tomorrow", 0, false),
            ],
        ),
        (
            "invoice.updated",
            "Invoice",
            &[
                ("draft", 0, false),
                ("open", 1, false),
                ("uncollectible", 2, false),
                ("paid", 3, true),
                ("void", 3, true),
                ("deleted", 3, true),
                ("a word of tomorrow", 0, false),
            ],
        ),
        (
            "invoice_payment.paid",
            "InvoicePayment",
            &[("open", 0, false), ("paid", 1, true), ("canceled", 1, true)],
        ),
        (
            "payment_intent.processing",
            "PaymentIntent",
            &[
                ("requires_payment_method", 0, false),
                ("requires_confirmation", 0, false),
                ("requires_action", 0, false),
                ("processing", 0, false),
                ("requires_capture", 0, false),
                ("canceled", 1, true),
                ("succeeded", 1, true),
            ],
        ),
        (
            "setup_intent.created",
            "SetupIntent",
            &[("processing", 0, false), ("canceled", 1, true), ("succeeded", 1, true)],
        ),
        ("charge.updated", "Charge", &[("pending", 0, false), ("succeeded", 1, false), ("failed", 1, false)]),
        (
            "refund.updated",
            "Refund",
            &[
                ("requires_action", 0, false),
                ("pending", 0, false),
                ("succeeded", 1, false),
                ("failed", 2, true),
                ("canceled", 2, true),
            ],
        ),
        (
            "charge.dispute.updated",
            "Dispute",
            &[
                ("warning_needs_response", 0, false),
                ("warning_under_review", 1, false),
                ("needs_response", 2, false),
                ("under_review", 3, false),
                ("warning_closed", 4, true),
                ("prevented", 4, true),
                ("charge_refunded", 4, true),
                ("lost", 5, true),
                ("won", 6, true),
            ],
        ),
        ("credit_note.updated", "CreditNote", &[("issued", 0, false), ("void", 1, true)]),
        (
            "subscription_schedule.updated",
            "SubscriptionSchedule",
            &[
                ("not_started", 0, false),
                ("active", 1, false),
                ("completed", 2, true),
                ("released", 2, true),
                ("canceled", 2, true),
            ],
        ),
        ("test_helpers.test_clock.ready", "TestClock", &[("ready", 0, false), ("advancing", 0, false)]),
    ];
    for (event_type, variant, statuses) in rows {
        for (word, rank, terminal) in *statuses {
            check(event_type, variant, &json!({ "status": word }), word, *rank, *terminal);
        }
    }
}

#[test]
fn sessions_end_when_their_payment_is_decided() {
    let check = |event_type: &str, fields: &Value, word, rank, terminal| {
        check(&format!("checkout.session.{event_type}"), "CheckoutSession", fields, word, rank, terminal);
    };
    check("completed", &json!({ "status": "open", "payment_status": "unpaid" }), "open", 0, false);
    check("completed", &json!({ "status": "complete", "payment_status": "unpaid" }), "complete", 1, false);
    check("completed", &json!({ "status": "complete", "payment_status": "paid" }), "complete", 2, true);
    let free = json!({ "status": "complete", "payment_status": "no_payment_required" });
    check("completed", &free, "complete", 2, true);
    let failed = json!({ "status": "complete", "payment_status": "unpaid" });
    check("async_payment_failed", &failed, "complete", 2, true);
    check("expired", &json!({ "status": "expired" }), "expired", 2, true);
    check("completed", &json!({}), "", 0, false);
}

#[test]
fn some_types_say_more_than_their_snapshot() {
    let sub = |status: &str| json!({ "status": status });
    let deleted = "customer.subscription.deleted";
    check(deleted, "Subscription", &sub("active"), "canceled", 1, true);
    check(deleted, "Subscription", &sub("canceled"), "canceled", 1, true);
    check(deleted, "Subscription", &sub("incomplete_expired"), "incomplete_expired", 1, true);
    check("invoice.deleted", "Invoice", &sub("draft"), "deleted", 3, true);
    check("customer.created", "Customer", &json!({}), "active", 0, false);
    check("customer.deleted", "Customer", &json!({}), "deleted", 1, true);
    check("product.updated", "Product", &json!({ "active": false }), "inactive", 0, false);
    check("product.deleted", "Product", &json!({}), "deleted", 1, true);
    check("price.updated", "Price", &json!({}), "active", 0, false);
    check("price.deleted", "Price", &json!({}), "deleted", 1, true);
    check("customer.discount.deleted", "Discount", &json!({}), "deleted", 1, true);
    check("test_helpers.test_clock.deleted", "TestClock", &json!({ "status": "ready" }), "deleted", 1, true);
    check("payment_method.attached", "PaymentMethod", &json!({}), "attached", 0, false);
    check("payment_method.automatically_updated", "PaymentMethod", &json!({}), "attached", 0, false);
    check("payment_method.detached", "PaymentMethod", &json!({}), "detached", 1, true);
    check("review.opened", "Review", &json!({}), "open", 0, false);
    check("review.closed", "Review", &json!({ "open": false }), "closed", 0, false);
    check("radar.early_fraud_warning.created", "EarlyFraudWarning", &json!({}), "", 0, false);
    let list = json!({ "active": [] });
    check("entitlements.active_entitlement_summary.updated", "Entitlements", &list, "", 0, false);
}

#[test]
fn numbers_that_never_fall() {
    #[track_caller]
    fn check(event_type: &str, variant: &str, fields: &Value, expected: [i64; 2], refunded: i64) {
        let facts = snapshot(variant, fields).facts(EventType::parse(event_type).unwrap());
        assert_eq!((facts.numbers, facts.refunded), (expected, refunded), "{event_type}");
    }
    let invoice = json!({ "status": "open", "attempt_count": 2, "amount_paid": 5 });
    check("invoice.updated", "Invoice", &invoice, [2, 5], 0);
    let intent = json!({ "status": "processing", "amount_received": 7 });
    check("payment_intent.processing", "PaymentIntent", &intent, [7, 0], 0);
    let charge =
        json!({ "status": "succeeded", "amount_captured": 9, "captured": true, "amount_refunded": 4 });
    check("charge.updated", "Charge", &charge, [9, 1], 4);
    let dispute = json!({ "status": "lost", "balance_transactions": 1, "submission_count": 3 });
    check("charge.dispute.updated", "Dispute", &dispute, [1, 3], 0);
    check("product.updated", "Product", &json!({ "updated": 77 }), [77, 0], 0);
    check("customer.updated", "Customer", &json!({ "balance": 8 }), [0, 0], 0);
}
