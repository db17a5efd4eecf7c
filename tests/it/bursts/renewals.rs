//! Renewals: paid, failed and recovered, given up.

use serde_json::json;

use billfold::model::kind::ObjectKind;

use super::acts::{FIRST_END, collect, decline, finalize, renew, subscriber};
use super::truth::Truth;
use super::{Burst, check};
use crate::build::{Customer, DAY, Intent, Invoice, MONTH, Schedule, Story, Subscription};

/// The second period has begun.
fn renewed() -> Truth {
    Truth::new().subscription(json!({
        "status": "active", "current_period_start": FIRST_END, "current_period_end": FIRST_END + MONTH,
        "latest_invoice": "in_2",
    }))
}

pub(super) fn renewal() -> [Burst; 2] {
    let (mut story, _, mut subscription) = subscriber();
    story.later(-3 * DAY);
    let preview =
        json!({ "object": "invoice", "customer": "cus_1", "status": "draft", "billing_reason": "upcoming" });
    story.shows("invoice.upcoming", &preview);
    story.optional();
    story.later(3 * DAY);
    let mut invoice = renew(&mut story, &mut subscription, "in_2");
    let truth = renewed()
        .access(FIRST_END + DAY, "allowed", "active")
        .access_shows(FIRST_END + DAY, json!({ "until": FIRST_END + MONTH + 2 * DAY }));
    let draft = json!({ "status": "draft", "billing_reason": "subscription_cycle", "subscription": "sub_1" });
    let begun = Burst::new("B2 a period begins", story.events(), truth.clone().invoice("in_2", draft));
    story.later(3_600);
    story.changes("invoice.updated", &mut invoice, |it| it.next_payment_attempt = None);
    story.optional();
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_2", "cus_1", 2_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    collect(&mut story, &mut invoice, &mut intent, "ch_2");
    let truth = truth
        .invoice(
            "in_2",
            json!({ "status": "paid", "amount_paid": 2_000, "amount_remaining": 0, "attempt_count": 1 }),
        )
        .payment("pi_2", "succeeded", [2_000, 0, 0])
        .payment_shows("pi_2", json!({ "invoices": ["in_2"] }));
    [begun, Burst::new("B2 a renewal is paid", story.events(), truth)]
}

#[test]
fn b2_renewal() {
    renewal().iter().for_each(check);
}

/// Somebody whose renewal fails.
struct Overdue {
    story: Story,
    customer: Customer,
    subscription: Subscription,
    invoice: Invoice,
    intent: Intent,
    since: i64,
}

impl Overdue {
    fn new() -> Self {
        let (mut story, mut customer, mut subscription) = subscriber();
        let mut invoice = renew(&mut story, &mut subscription, "in_2");
        story.later(3_600);
        finalize(&mut story, &mut invoice);
        let mut intent = Intent::new("pi_2", "cus_1", 2_000).of("in_2");
        story.shows("payment_intent.created", &intent);
        let since = story.now();
        decline(&mut story, &mut invoice, &mut intent, "ch_2", Some(since + 3 * DAY));
        story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "past_due");
        story.changes("customer.updated", &mut customer, |it| it.delinquent = true);
        Self { story, customer, subscription, invoice, intent, since }
    }

    fn retry(&mut self, charge: &'static str, next: Option<i64>) {
        self.story.later(3 * DAY);
        decline(&mut self.story, &mut self.invoice, &mut self.intent, charge, next);
    }

    fn recover(&mut self) {
        collect(&mut self.story, &mut self.invoice, &mut self.intent, "ch_9");
        self.story
            .changes("customer.subscription.updated", &mut self.subscription, |it| it.status = "active");
        self.story.changes("customer.updated", &mut self.customer, |it| it.delinquent = false);
    }

    /// What holds once it is paid, after so many attempts.
    fn recovered(&self, attempts: i64) -> Truth {
        renewed()
            .customer(json!({ "delinquent": false }))
            .invoice(
                "in_2",
                json!({ "status": "paid", "attempt_count": attempts, "next_payment_attempt": null }),
            )
            .payment("pi_2", "succeeded", [2_000, 0, 0])
            .payment_shows("pi_2", json!({ "failure_code": null }))
            .access(self.story.now(), "allowed", "active")
            .access(FIRST_END + MONTH, "allowed", "active")
    }
}

pub(super) fn failure_and_recovery() -> [Burst; 3] {
    let mut overdue = Overdue::new();
    let since = overdue.since;
    let past_due = json!({ "status": "past_due", "current_period_end": FIRST_END + MONTH });
    let truth = Truth::new()
        .subscription(past_due)
        .customer(json!({ "delinquent": true }))
        .payment("pi_2", "failed", [0, 0, 0])
        .payment_shows("pi_2", json!({ "failure_code": "card_declined" }));
    let first = truth
        .clone()
        .invoice(
            "in_2",
            json!({ "status": "open", "attempt_count": 1, "next_payment_attempt": since + 3 * DAY }),
        )
        .access_shows(
            since,
            json!({ "decision": "grace", "reason": "past_due", "since": since,
            "until": since + 7 * DAY, "next_change_at": since + 7 * DAY }),
        )
        .access(since + 7 * DAY - 1, "grace", "past_due")
        .access(since + 7 * DAY, "denied", "past_due_grace_over");
    let first = Burst::new("B3 a renewal fails", overdue.story.events(), first);

    let next = overdue.since + 8 * DAY;
    overdue.retry("ch_3", Some(next));
    let truth = truth
        .invoice("in_2", json!({ "status": "open", "attempt_count": 2, "next_payment_attempt": next }))
        .access(overdue.story.now(), "grace", "past_due")
        .access(since + 11 * DAY, "denied", "past_due_grace_over");
    // Two failures in one second differ in the attempt that they name, and nothing orders them.
    let tied = truth.clone().undecidable("pi_2");
    let exact = truth.access_shows(since + 3 * DAY, json!({ "since": since, "until": since + 7 * DAY }));
    let second = Burst::new("B3 a retry fails", overdue.story.events(), exact).tied(tied);

    overdue.story.later(2 * DAY);
    overdue.recover();
    let truth = overdue.recovered(3);
    [first, second, Burst::new("B3 a retry succeeds", overdue.story.events(), truth)]
}

#[test]
fn b3_failure_and_recovery() {
    failure_and_recovery().iter().for_each(check);
}

pub(super) fn unpaid_and_revived() -> [Burst; 2] {
    let mut overdue = Overdue::new();
    overdue.retry("ch_3", None);
    let story = &mut overdue.story;
    story.changes("customer.subscription.updated", &mut overdue.subscription, |it| it.status = "unpaid");
    let truth = Truth::new()
        .subscription(json!({ "status": "unpaid" }))
        .invoice("in_2", json!({ "status": "open", "attempt_count": 2, "next_payment_attempt": null }))
        .payment("pi_2", "failed", [0, 0, 0])
        .access(story.now(), "denied", "unpaid");
    let unpaid =
        Burst::new("B4 given up: unpaid", story.events(), truth.clone()).tied(truth.undecidable("pi_2"));
    story.later(5 * DAY);
    overdue.recover();
    let truth = overdue.recovered(3);
    [unpaid, Burst::new("B4 unpaid, and paid late", overdue.story.events(), truth)]
}

pub(super) fn canceled_for_good() -> [Burst; 3] {
    let mut overdue = Overdue::new();
    overdue.retry("ch_3", None);
    let Overdue { mut story, mut subscription, mut invoice, mut intent, .. } = overdue;
    let now = story.now();
    subscription.end(now, "payment_failed");
    story.shows("customer.subscription.deleted", &subscription);
    story.shows("subscription_schedule.aborted", &Schedule { status: "canceled", canceled_at: Some(now) });
    story.optional();
    story.changes("invoice.updated", &mut invoice, |it| it.auto_advance = false);
    let truth = Truth::new()
        .subscription(
            json!({ "status": "canceled", "cancellation_reason": "payment_failed", "ended_at": now }),
        )
        .access(now, "denied", "canceled")
        .access(now + DAY, "denied", "canceled");
    let open = truth
        .clone()
        .payment("pi_2", "failed", [0, 0, 0])
        .invoice("in_2", json!({ "status": "open", "auto_advance": false, "attempt_count": 2 }));
    let canceled = Burst::new("B4 given up: canceled", story.events(), open.clone());
    let canceled = canceled.tied(open.clone().undecidable("pi_2"));

    invoice.status = "uncollectible";
    invoice.marked_uncollectible_at = Some(now);
    story.shows("invoice.marked_uncollectible", &invoice);
    let lost = open.invoice("in_2", json!({ "status": "uncollectible", "marked_uncollectible_at": now }));
    let lost_tied = lost.clone().undecidable("pi_2");
    let uncollectible =
        Burst::new("B4 canceled, the invoice uncollectible", story.events(), lost).tied(lost_tied);

    story.later(9 * DAY);
    collect(&mut story, &mut invoice, &mut intent, "ch_9");
    let late = truth
        .invoice("in_2", json!({ "status": "paid", "attempt_count": 3, "marked_uncollectible_at": now }))
        .payment("pi_2", "succeeded", [2_000, 0, 0])
        .access(story.now(), "denied", "canceled");
    [canceled, uncollectible, Burst::new("B4 canceled, and paid too late", story.events(), late)]
}

pub(super) fn voided() -> Burst {
    let Overdue { mut story, mut subscription, mut invoice, mut intent, .. } = Overdue::new();
    story.later(DAY);
    let now = story.now();
    subscription.end(now, "payment_failed");
    story.shows("customer.subscription.deleted", &subscription);
    invoice.status = "void";
    invoice.voided_at = Some(now);
    invoice.auto_advance = false;
    story.shows("invoice.voided", &invoice);
    intent.status = "canceled";
    intent.canceled = Some((now, "void_invoice"));
    story.shows("payment_intent.canceled", &intent);
    let truth = Truth::new()
        .subscription(json!({ "status": "canceled" }))
        .invoice("in_2", json!({ "status": "void", "voided_at": now }))
        .object(ObjectKind::PaymentIntent, "pi_2", json!({ "status": "canceled" }))
        // Canceled after an attempt had failed: that is why the money never came.
        .payment("pi_2", "failed", [0, 0, 0])
        .access(now, "denied", "canceled");
    Burst::new("B4 canceled, the invoice void", story.events(), truth)
}

#[test]
fn b4_given_up() {
    unpaid_and_revived().iter().for_each(check);
    canceled_for_good().iter().for_each(check);
    check(&voided());
}

/// A renewal that the bank wants authenticated while nobody is there.
pub(super) fn renewal_wants_authentication() -> Burst {
    let (mut story, _, mut subscription) = subscriber();
    let mut invoice = renew(&mut story, &mut subscription, "in_2");
    story.later(3_600);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_2", "cus_1", 2_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    decline(&mut story, &mut invoice, &mut intent, "ch_2", None);
    story.shows("invoice.payment_action_required", &invoice);
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "past_due");
    story.later(DAY);
    collect(&mut story, &mut invoice, &mut intent, "ch_3");
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "active");
    let truth = renewed()
        .invoice("in_2", json!({ "status": "paid", "attempt_count": 2 }))
        .payment("pi_2", "succeeded", [2_000, 0, 0])
        .access(story.now(), "allowed", "active");
    Burst::new("B12 a renewal is authenticated later", story.events(), truth)
}

#[test]
fn b12_renewal() {
    check(&renewal_wants_authentication());
}
