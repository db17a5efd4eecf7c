//! How a subscription or a payment begins: Checkout, authentication, delayed methods.

use serde_json::json;

use billfold::model::kind::ObjectKind;

use super::acts::{FIRST_END, collect, finalize, report};
use super::truth::Truth;
use super::{Burst, check};
use crate::build::{Charge, Customer, DAY, Intent, Invoice, Method, START, Session, Story, Subscription};

fn session(intent: Option<&'static str>, payment_status: &'static str) -> Session {
    let (subscription, invoice) = if intent.is_none() { (Some("sub_1"), Some("in_1")) } else { (None, None) };
    Session {
        id: "cs_test_1",
        customer: "cus_1",
        subscription,
        intent,
        invoice,
        payment_status,
        user: Some("user_42"),
        amount: 2_000,
    }
}

/// What is true once the first invoice is paid.
fn begun() -> Truth {
    Truth::new()
        .customer(json!({ "email": "jo@example.com" }))
        .subscription(json!({
            "status": "active", "current_period_start": START, "current_period_end": FIRST_END,
            "cancel_at_period_end": false, "cancel_at": null, "ended_at": null, "latest_invoice": "in_1",
        }))
        .invoice("in_1", json!({ "status": "paid", "billing_reason": "subscription_create", "amount_paid": 2_000,
            "amount_remaining": 0, "attempt_count": 1, "subscription": "sub_1" }))
        .object(ObjectKind::Charge, "ch_1", json!({ "status": "succeeded", "captured": true }))
        .object(ObjectKind::PaymentIntent, "pi_1", json!({ "status": "succeeded", "amount_received": 2_000 }))
        .payment("pi_1", "succeeded", [2_000, 0, 0])
        .access_shows(START + DAY, json!({
            "decision": "allowed", "reason": "active", "price": "price_basic", "product": "prod_app", "quantity": 1,
            "current_period_end": FIRST_END, "until": FIRST_END + 2 * DAY, "ambiguous": false,
        }))
        .access(FIRST_END + 3 * DAY, "denied", "renewal_not_seen")
}

/// The payment first, everything else in one second, two stragglers.
pub(super) fn checkout() -> Burst {
    let mut story = Story::new();
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_1");
    story.shows("payment_intent.created", &intent);
    let mut charge = Charge::new("ch_1", &intent);
    story.shows("charge.succeeded", &charge);
    story.later(1);
    intent.succeed(&charge);
    story.shows("payment_intent.succeeded", &intent);
    story.later(1);
    let mut customer = Customer::new("cus_1");
    story.shows("customer.created", &customer);
    story.shows("payment_method.attached", &Method { id: "pm_1", customer: Some("cus_1") });
    story.changes("customer.updated", &mut customer, |it| it.default_payment_method = Some("pm_1"));
    let subscription = Subscription::new("sub_1", "cus_1");
    story.shows("customer.subscription.created", &subscription);
    let mut invoice = Invoice::draft("in_1", &subscription, "subscription_create", story.now());
    story.shows("invoice.created", &invoice);
    finalize(&mut story, &mut invoice);
    invoice.pay(story.now());
    invoice.paid_by = Some(("pi_1", "ch_1"));
    story.shows("invoice.paid", &invoice);
    story.shows("checkout.session.completed", &session(None, "paid"));
    story.later(1);
    story.shows("invoice.payment_succeeded", &invoice);
    story.changes("charge.updated", &mut charge, |it| it.balance_transaction = Some("txn_1"));
    story.optional();
    story.later(11);
    report(&mut story, &invoice, &intent);
    let truth = begun()
        .customer(json!({ "default_payment_method": "pm_1" }))
        .object(ObjectKind::PaymentMethod, "pm_1", json!({ "status_word": "attached", "customer": "cus_1" }))
        .object(
            ObjectKind::CheckoutSession,
            "cs_test_1",
            json!({ "status": "complete", "payment_status": "paid" }),
        )
        .payment_shows("pi_1", json!({ "invoices": ["in_1"], "charges": ["ch_1"], "customer": "cus_1" }))
        .reference("user_42", START + DAY, json!({ "decision": "allowed", "customer": "cus_1" }));
    Burst::new("B1 new subscription through Checkout", story.events(), truth)
}

pub(super) fn through_api() -> Burst {
    let mut story = Story::new();
    story.shows("customer.created", &Customer { user_id: Some("user_42"), ..Customer::new("cus_1") });
    let subscription = Subscription::new("sub_1", "cus_1");
    story.shows("customer.subscription.created", &subscription);
    let mut invoice = Invoice::draft("in_1", &subscription, "subscription_create", story.now());
    // Finalized at once: the first snapshot may already be further on.
    invoice.finalize(story.now());
    story.shows("invoice.created", &invoice);
    story.shows("invoice.finalized", &invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_1");
    story.shows("payment_intent.created", &intent);
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    let truth = begun().reference("user_42", START + DAY, json!({ "decision": "allowed" }));
    Burst::new("B1 new subscription through the API", story.events(), truth)
}

pub(super) fn incomplete_first() -> Burst {
    let mut story = Story::new();
    story.shows("customer.created", &Customer::new("cus_1"));
    let (mut subscription, mut invoice, mut intent) = incomplete(&mut story);
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "active");
    Burst::new("B1 new subscription, incomplete at first", story.events(), begun())
}

/// The first payment waits for something.
fn incomplete(story: &mut Story) -> (Subscription, Invoice, Intent) {
    let subscription = Subscription { status: "incomplete", ..Subscription::new("sub_1", "cus_1") };
    story.shows("customer.subscription.created", &subscription);
    let mut invoice = Invoice::draft("in_1", &subscription, "subscription_create", story.now());
    story.shows("invoice.created", &invoice);
    finalize(story, &mut invoice);
    let intent = Intent::new("pi_1", "cus_1", 2_000).of("in_1");
    story.shows("payment_intent.created", &intent);
    (subscription, invoice, intent)
}

#[test]
fn b1_new_subscription() {
    check(&checkout());
    check(&through_api());
    check(&incomplete_first());
}

/// A one-off payment through Checkout that the customer has to authenticate.
pub(super) fn authenticated() -> [Burst; 2] {
    let mut story = Story::new();
    let mut intent = Intent::new("pi_1", "cus_1", 2_000);
    story.shows("payment_intent.created", &intent);
    intent.status = "requires_action";
    story.shows("payment_intent.requires_action", &intent);
    let truth = Truth::new()
        .object(
            ObjectKind::PaymentIntent,
            "pi_1",
            json!({ "status": "requires_action", "next_action": "use_stripe_sdk" }),
        )
        .payment("pi_1", "requires_action", [0, 0, 0]);
    let waiting = Burst::new("B12 a payment waits for the customer", story.events(), truth);
    story.later(40);
    let mut charge = Charge::new("ch_1", &intent);
    story.shows("charge.succeeded", &charge);
    intent.succeed(&charge);
    story.shows("payment_intent.succeeded", &intent);
    story.shows("checkout.session.completed", &session(Some("pi_1"), "paid"));
    story.later(1);
    story.changes("charge.updated", &mut charge, |it| it.balance_transaction = Some("txn_1"));
    let truth = Truth::new()
        .object(ObjectKind::PaymentIntent, "pi_1", json!({ "status": "succeeded", "next_action": null }))
        .object(ObjectKind::Charge, "ch_1", json!({ "balance_transaction": "txn_1" }))
        .object(
            ObjectKind::CheckoutSession,
            "cs_test_1",
            json!({ "status": "complete", "payment_status": "paid" }),
        )
        .payment("pi_1", "succeeded", [2_000, 0, 0]);
    [waiting, Burst::new("B12 an authenticated payment", story.events(), truth)]
}

pub(super) fn authenticated_subscription() -> [Burst; 2] {
    let mut story = Story::new();
    story.shows("customer.created", &Customer::new("cus_1"));
    let (mut subscription, mut invoice, mut intent) = incomplete(&mut story);
    intent.status = "requires_action";
    story.shows("payment_intent.requires_action", &intent);
    invoice.fail(None);
    story.shows("invoice.payment_action_required", &invoice);
    story.shows("invoice.payment_failed", &invoice);
    story.optional();
    let truth = Truth::new()
        .subscription(json!({ "status": "incomplete" }))
        .invoice("in_1", json!({ "status": "open", "attempt_count": 1 }))
        .payment("pi_1", "requires_action", [0, 0, 0])
        .access(START + 60, "denied", "incomplete");
    let waiting = Burst::new("B12 a subscription waits for the customer", story.events(), truth);
    story.later(60);
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "active");
    let truth = begun().invoice("in_1", json!({ "status": "paid", "attempt_count": 2 }));
    [waiting, Burst::new("B12 an authenticated subscription", story.events(), truth)]
}

/// An attempt fails, and another one may ask for an action in the same second, or the other way round.
pub(super) fn action_and_failure() -> Burst {
    let mut story = Story::new();
    let mut intent = Intent::new("pi_1", "cus_1", 2_000);
    story.shows("payment_intent.created", &intent);
    intent.status = "requires_action";
    story.shows("payment_intent.requires_action", &intent);
    story.later(30);
    intent.fail("ch_1", "payment_intent_authentication_failure");
    story.shows("payment_intent.payment_failed", &intent);
    let truth = Truth::new().payment("pi_1", "failed", [0, 0, 0]);
    let shown = json!({ "status": "requires_payment_method" });
    let tied = truth.clone().undecidable("pi_1").payment_shows("pi_1", json!({ "ambiguous": true }));
    let truth = truth.object(ObjectKind::PaymentIntent, "pi_1", shown);
    Burst::new("B12 authentication fails", story.events(), truth).tied(tied)
}

#[test]
fn b12_authentication() {
    authenticated().iter().for_each(check);
    authenticated_subscription().iter().for_each(check);
    check(&action_and_failure());
}

pub(super) fn never_paid() -> Burst {
    let mut story = Story::new();
    story.shows("customer.created", &Customer::new("cus_1"));
    let (mut subscription, mut invoice, mut intent) = incomplete(&mut story);
    intent.status = "requires_action";
    story.shows("payment_intent.requires_action", &intent);
    story.later(23 * 3_600);
    let now = story.now();
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.status = "incomplete_expired";
        it.ended_at = Some(now);
    });
    invoice.status = "void";
    invoice.voided_at = Some(now);
    story.shows("invoice.voided", &invoice);
    intent.status = "canceled";
    intent.canceled = Some((now, "void_invoice"));
    story.shows("payment_intent.canceled", &intent);
    let truth = Truth::new()
        .subscription(json!({ "status": "incomplete_expired", "ended_at": now }))
        .invoice("in_1", json!({ "status": "void", "voided_at": now, "amount_paid": 0 }))
        .object(
            ObjectKind::PaymentIntent,
            "pi_1",
            json!({ "cancellation_reason": "void_invoice", "canceled_at": now }),
        )
        .payment("pi_1", "canceled", [0, 0, 0])
        .access(START + 60, "denied", "incomplete_expired")
        .access(now + DAY, "denied", "incomplete_expired");
    Burst::new("B13 the first payment never comes", story.events(), truth)
}

#[test]
fn b13_incomplete_expired() {
    check(&never_paid());
}

/// A bank debit: nobody knows for days.
fn delayed(story: &mut Story) -> (Subscription, Invoice, Intent, Charge) {
    story.shows("customer.created", &Customer::new("cus_1"));
    let (subscription, invoice, mut intent) = incomplete(story);
    intent.status = "processing";
    intent.latest_charge = Some("ch_1");
    story.shows("payment_intent.processing", &intent);
    let charge = Charge { status: "pending", ..Charge::authorized("ch_1", &intent) };
    story.shows("charge.pending", &charge);
    story.shows("checkout.session.completed", &session(None, "unpaid"));
    (subscription, invoice, intent, charge)
}

pub(super) fn delayed_payment() -> [Burst; 2] {
    let mut story = Story::new();
    let (mut subscription, mut invoice, mut intent, _) = delayed(&mut story);
    let truth = Truth::new()
        .subscription(json!({ "status": "incomplete" }))
        .object(
            ObjectKind::CheckoutSession,
            "cs_test_1",
            json!({ "payment_status": "unpaid", "async_failed": false }),
        )
        .payment("pi_1", "processing", [0, 0, 0])
        .access(START + DAY, "denied", "incomplete");
    let waiting = Burst::new("B14 a debit is under way", story.events(), truth);
    story.later(4 * DAY);
    story.shows("checkout.session.async_payment_succeeded", &session(None, "paid"));
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "active");
    let truth = begun()
        .object(
            ObjectKind::CheckoutSession,
            "cs_test_1",
            json!({ "payment_status": "paid", "async_failed": false }),
        )
        .reference("user_42", START + 5 * DAY, json!({ "decision": "allowed" }));
    [waiting, Burst::new("B14 a debit arrives", story.events(), truth)]
}

pub(super) fn delayed_payment_fails() -> [Burst; 2] {
    let mut story = Story::new();
    let (mut subscription, mut invoice, mut intent, charge) = delayed(&mut story);
    story.later(4 * DAY);
    story
        .shows("charge.failed", &Charge { status: "failed", failure_code: Some("debit_declined"), ..charge });
    intent.fail("ch_1", "debit_declined");
    story.shows("payment_intent.payment_failed", &intent);
    story.shows("checkout.session.async_payment_failed", &session(None, "unpaid"));
    invoice.fail(None);
    story.shows("invoice.payment_failed", &invoice);
    let truth = Truth::new()
        .subscription(json!({ "status": "incomplete" }))
        .invoice("in_1", json!({ "status": "open", "attempt_count": 1 }))
        .object(ObjectKind::Charge, "ch_1", json!({ "status": "failed", "captured": false }))
        .object(
            ObjectKind::CheckoutSession,
            "cs_test_1",
            json!({ "payment_status": "unpaid", "async_failed": true }),
        )
        .payment("pi_1", "failed", [0, 0, 0])
        .payment_shows("pi_1", json!({ "failure_code": "debit_declined" }))
        .access(START + 5 * DAY, "denied", "incomplete");
    // In one second it might as well be a new debit after a failed attempt.
    let tied = truth.clone().undecidable("pi_1");
    let failed = Burst::new("B14 a debit fails", story.events(), truth.clone()).tied(tied.clone());
    story.later(3_600);
    let now = story.now();
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.status = "incomplete_expired";
        it.ended_at = Some(now);
    });
    let expired = |truth: Truth| {
        let truth = truth.subscription(json!({ "status": "incomplete_expired" })).whatever_access();
        truth.access(now, "denied", "incomplete_expired")
    };
    let burst = Burst::new("B14 a debit fails for good", story.events(), expired(truth));
    [failed, burst.tied(expired(tied))]
}

#[test]
fn b14_delayed_methods() {
    delayed_payment().iter().for_each(check);
    delayed_payment_fails().iter().for_each(check);
}
