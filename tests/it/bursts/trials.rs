//! Trials: how they begin, and every way in which they end.

use serde_json::json;

use super::acts::{collect, decline, finalize, renew};
use super::truth::Truth;
use super::{Burst, check};
use crate::build::{Customer, DAY, Intent, Invoice, MONTH, START, Story, Subscription};

const TRIAL_END: i64 = START + 14 * DAY;

/// The trial begins with an invoice over nothing.
fn trial(story: &mut Story, end: i64) -> Subscription {
    story.shows("customer.created", &Customer::new("cus_1"));
    let mut subscription = Subscription::new("sub_1", "cus_1");
    subscription.status = "trialing";
    subscription.period = (START, end);
    subscription.trial = Some((START, end));
    story.shows("customer.subscription.created", &subscription);
    let mut invoice = Invoice::draft("in_1", &subscription, "subscription_create", story.now());
    invoice.amount = 0;
    story.shows("invoice.created", &invoice);
    finalize(story, &mut invoice);
    invoice.pay(story.now());
    story.shows("invoice.paid", &invoice);
    story.shows("invoice.payment_succeeded", &invoice);
    let setup = json!({
        "id": "seti_1", "object": "setup_intent", "created": START, "livemode": false, "status": "succeeded",
        "customer": "cus_1", "payment_method": "pm_1", "usage": "off_session", "metadata": {},
    });
    story.shows("setup_intent.succeeded", &setup);
    story.optional();
    subscription
}

fn nothing_paid() -> Truth {
    Truth::new()
        .invoice("in_1", json!({ "status": "paid", "amount_paid": 0, "attempt_count": 0, "attempted": true }))
}

pub(super) fn trial_starts() -> Burst {
    let mut story = Story::new();
    let subscription = trial(&mut story, TRIAL_END);
    story.later(11 * DAY);
    story.shows("customer.subscription.trial_will_end", &subscription);
    let truth = nothing_paid()
        .subscription(json!({ "status": "trialing", "trial_end": TRIAL_END }))
        .access_shows(
            START + DAY,
            json!({ "decision": "allowed", "reason": "trialing", "until": TRIAL_END + 2 * DAY }),
        )
        .access(TRIAL_END + 3 * DAY, "denied", "trial_over");
    Burst::new("B5 trial starts", story.events(), truth)
}

/// The trial is over: active with a draft that nobody has paid yet.
fn trial_ends(story: &mut Story) -> (Subscription, Invoice) {
    let mut subscription = trial(story, TRIAL_END);
    story.later(11 * DAY);
    story.shows("customer.subscription.trial_will_end", &subscription);
    story.optional();
    story.later(3 * DAY);
    let invoice = renew(story, &mut subscription, "in_2");
    (subscription, invoice)
}

pub(super) fn trial_is_paid() -> [Burst; 2] {
    let mut story = Story::new();
    let (_, mut invoice) = trial_ends(&mut story);
    let active = json!({ "status": "active", "current_period_start": TRIAL_END, "latest_invoice": "in_2" });
    let truth = nothing_paid().subscription(active).access(TRIAL_END + DAY, "allowed", "active");
    let unpaid =
        truth.clone().invoice("in_2", json!({ "status": "draft", "billing_reason": "subscription_cycle" }));
    let first = Burst::new("B5 trial ends, the draft is not paid yet", story.events(), unpaid);
    story.later(3_600);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    let truth = truth
        .invoice("in_2", json!({ "status": "paid", "amount_paid": 2_000 }))
        .payment("pi_1", "succeeded", [2_000, 0, 0])
        .payment_shows("pi_1", json!({ "invoices": ["in_2"] }));
    [first, Burst::new("B5 trial ends and is paid", story.events(), truth)]
}

pub(super) fn trial_is_not_paid() -> Burst {
    let mut story = Story::new();
    let (mut subscription, mut invoice) = trial_ends(&mut story);
    story.later(3_600);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    let next = Some(story.now() + 3 * DAY);
    decline(&mut story, &mut invoice, &mut intent, "ch_1", next);
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "past_due");
    let since = story.now();
    let truth = nothing_paid()
        .subscription(json!({ "status": "past_due", "current_period_start": TRIAL_END }))
        .invoice("in_2", json!({ "status": "open", "attempt_count": 1, "next_payment_attempt": next }))
        .payment("pi_1", "failed", [0, 0, 0])
        .access_shows(since, json!({ "decision": "grace", "reason": "past_due", "until": since + 7 * DAY }))
        .access(since + 7 * DAY, "denied", "past_due_grace_over");
    Burst::new("B5 trial ends and the charge fails", story.events(), truth)
}

pub(super) fn trial_pauses() -> [Burst; 2] {
    let mut story = Story::new();
    let mut subscription = trial(&mut story, TRIAL_END);
    story.later(14 * DAY);
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "paused");
    story.shows("customer.subscription.paused", &subscription);
    let truth = nothing_paid()
        .subscription(json!({ "status": "paused", "pause_collection": null }))
        .access(TRIAL_END, "denied", "paused");
    let paused = Burst::new("B5 trial ends without a payment method: paused", story.events(), truth);
    story.later(DAY);
    let now = story.now();
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.status = "active";
        it.period = (now, now + MONTH);
        it.latest_invoice = Some("in_2");
    });
    story.shows("customer.subscription.resumed", &subscription);
    let mut invoice = Invoice::draft("in_2", &subscription, "subscription_cycle", now);
    story.shows("invoice.created", &invoice);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_2");
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    let truth = nothing_paid()
        .subscription(json!({ "status": "active", "current_period_start": now }))
        .invoice("in_2", json!({ "status": "paid" }))
        .payment("pi_1", "succeeded", [2_000, 0, 0])
        .access(now + DAY, "allowed", "active");
    [paused, Burst::new("B11 a paused subscription resumes", story.events(), truth)]
}

pub(super) fn trial_is_canceled() -> Burst {
    let mut story = Story::new();
    let mut subscription = trial(&mut story, TRIAL_END);
    story.later(14 * DAY);
    subscription.end(story.now(), "payment_failed");
    story.shows("customer.subscription.deleted", &subscription);
    let truth = nothing_paid()
        .subscription(json!({ "status": "canceled", "ended_at": TRIAL_END }))
        .access(TRIAL_END, "denied", "canceled");
    Burst::new("B5 trial ends without a payment method: canceled", story.events(), truth)
}

pub(super) fn short_trial() -> Burst {
    let mut story = Story::new();
    let mut subscription = trial(&mut story, START + 2 * DAY);
    story.shows("customer.subscription.trial_will_end", &subscription);
    story.later(DAY);
    // Ended by hand: the reminder comes with the payment.
    let now = story.now();
    story.shows("customer.subscription.trial_will_end", &subscription);
    story.optional();
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.status = "active";
        it.period = (now, now + MONTH);
        it.trial = Some((START, now));
        it.latest_invoice = Some("in_2");
    });
    let mut invoice = Invoice::draft("in_2", &subscription, "subscription_update", now);
    story.shows("invoice.created", &invoice);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_2");
    collect(&mut story, &mut invoice, &mut intent, "ch_1");
    let truth = nothing_paid()
        .subscription(json!({ "status": "active", "trial_end": now, "current_period_end": now + MONTH }))
        .payment("pi_1", "succeeded", [2_000, 0, 0])
        .access(now + 3 * DAY, "allowed", "active");
    Burst::new("B5 a short trial, ended by hand", story.events(), truth)
}

#[test]
fn b5_trial() {
    check(&trial_starts());
    trial_is_paid().iter().for_each(check);
    check(&trial_is_not_paid());
    trial_pauses().iter().for_each(check);
    check(&trial_is_canceled());
    check(&short_trial());
}
