//! Money goes back or is held: refunds, disputes, fraud warnings, authorizations.

use serde_json::json;

use billfold::model::kind::ObjectKind;

use super::acts::{collect, finalize, paid, renew, subscriber};
use super::truth::Truth;
use super::{Burst, check};
use crate::build::{Charge, DAY, Dispute, Intent, Refund, Story, Warning};

/// A refund that the card network takes at once: four events.
fn refund(story: &mut Story, charge: &mut Charge, id: &'static str, amount: i64) -> Refund {
    let mut refund = Refund::new(id, charge, amount);
    story.shows("refund.created", &refund);
    charge.amount_refunded += amount;
    story.shows("charge.refunded", charge);
    report(story, &mut refund, |it| it.referenced = true);
    refund
}

/// A refund's change, told twice under two names.
fn report(story: &mut Story, refund: &mut Refund, change: impl Fn(&mut Refund)) {
    story.changes("refund.updated", &mut refund.clone(), &change);
    story.changes("charge.refund.updated", refund, change);
}

fn succeeded() -> Truth {
    Truth::new().payment("pi_1", "succeeded", [2_000, 0, 0])
}

pub(super) fn refunded_in_full() -> Burst {
    let (mut story, _, mut charge) = paid();
    refund(&mut story, &mut charge, "re_1", 2_000);
    let truth = Truth::new()
        .object(ObjectKind::Refund, "re_1", json!({ "status": "succeeded", "reference_status": "available" }))
        .object(
            ObjectKind::Charge,
            "ch_1",
            json!({ "status": "succeeded", "amount_refunded": 2_000, "refunded": true }),
        )
        .object(ObjectKind::PaymentIntent, "pi_1", json!({ "status": "succeeded" }))
        .payment("pi_1", "refunded", [2_000, 2_000, 0])
        .payment_shows("pi_1", json!({ "refunds": ["re_1"], "refunds_incomplete": false }));
    Burst::new("B8 refunded in full", story.events(), truth)
}

pub(super) fn refunded_in_parts() -> [Burst; 2] {
    let (mut story, _, mut charge) = paid();
    refund(&mut story, &mut charge, "re_1", 500);
    let truth = Truth::new()
        .object(ObjectKind::Charge, "ch_1", json!({ "amount_refunded": 500, "refunded": false }))
        .payment("pi_1", "partially_refunded", [2_000, 500, 0]);
    let part = Burst::new("B8 refunded in part", story.events(), truth);
    story.later(1);
    refund(&mut story, &mut charge, "re_2", 1_500);
    let truth = Truth::new()
        .object(ObjectKind::Charge, "ch_1", json!({ "amount_refunded": 2_000, "refunded": true }))
        .payment("pi_1", "refunded", [2_000, 2_000, 0])
        .payment_shows("pi_1", json!({ "refunds": ["re_1", "re_2"], "refunds_incomplete": false }));
    [part, Burst::new("B8 refunded in two parts", story.events(), truth)]
}

/// Before the autumn of 2024 only the charge told of a card's refund.
pub(super) fn refunded_by_the_charge_alone() -> Burst {
    let (mut story, _, mut charge) = paid();
    charge.amount_refunded = 700;
    story.shows("charge.refunded", &charge);
    let truth = Truth::new()
        .payment("pi_1", "partially_refunded", [2_000, 700, 0])
        .payment_shows("pi_1", json!({ "refunds_incomplete": true }));
    Burst::new("B8 refunded, told by the charge alone", story.events(), truth)
}

pub(super) fn refund_pending() -> [Burst; 3] {
    let (mut story, _, mut charge) = paid();
    let mut refund = Refund { status: "pending", ..Refund::new("re_1", &charge, 2_000) };
    story.shows("refund.created", &refund);
    charge.amount_refunded = 2_000;
    story.shows("charge.refunded", &charge);
    let going = Truth::new().payment("pi_1", "refunded", [2_000, 2_000, 0]);
    let shown = |status: &str| json!({ "status": status });
    let truth = going.clone().object(ObjectKind::Refund, "re_1", shown("pending"));
    let pending = Burst::new("B8 a refund is under way", story.events(), truth);
    story.later(2 * DAY);

    let (mut taken_back, mut canceled) = (story.clone(), refund.clone());
    report(&mut taken_back, &mut canceled, |it| it.status = "canceled");
    let truth = succeeded().object(ObjectKind::Refund, "re_1", shown("canceled"));
    let canceled = Burst::new("B8 a refund is canceled", taken_back.events(), truth);

    report(&mut story, &mut refund, |it| it.status = "succeeded");
    let truth = going.object(ObjectKind::Refund, "re_1", shown("succeeded"));
    [pending, canceled, Burst::new("B8 a refund arrives", story.events(), truth)]
}

/// The money is back with the merchant; the charge may or may not say so.
pub(super) fn refund_fails() -> Burst {
    let (mut story, _, mut charge) = paid();
    let mut refund = refund(&mut story, &mut charge, "re_1", 2_000);
    story.later(20 * DAY);
    report(&mut story, &mut refund, |it| {
        it.status = "failed";
        it.failure_reason = Some("expired_or_canceled_card");
    });
    story.shows("refund.failed", &refund);
    story.changes("charge.updated", &mut charge, |it| it.amount_refunded = 0);
    story.optional();
    let shown = json!({ "status": "failed", "failure_reason": "expired_or_canceled_card" });
    let truth = succeeded()
        .object(ObjectKind::Refund, "re_1", shown)
        .payment_shows("pi_1", json!({ "refunds": ["re_1"], "refunds_incomplete": false }));
    Burst::new("B8 a refund fails later", story.events(), truth)
}

#[test]
fn b8_refunds() {
    check(&refunded_in_full());
    refunded_in_parts().iter().for_each(check);
    check(&refunded_by_the_charge_alone());
    refund_pending().iter().for_each(check);
    check(&refund_fails());
}

/// The bank takes the money back, with a fee.
fn charge_back(story: &mut Story, charge: &mut Charge) -> Dispute {
    let mut dispute = Dispute::new(charge, "needs_response");
    dispute.movements.push((-charge.amount, 1_500));
    story.shows("charge.dispute.created", &dispute);
    story.shows("charge.dispute.funds_withdrawn", &dispute);
    story.changes("charge.updated", charge, |it| it.disputed = true);
    story.optional();
    dispute
}

fn answer(story: &mut Story, dispute: &mut Dispute) {
    story.later(DAY);
    story.changes("charge.dispute.updated", dispute, |it| it.has_evidence = true);
    story.changes("charge.dispute.updated", dispute, |it| {
        it.status = "under_review";
        it.submissions = 1;
    });
}

fn the_dispute(shown: serde_json::Value) -> Truth {
    Truth::new().object(ObjectKind::Dispute, "du_1", shown)
}

pub(super) fn dispute_won() -> [Burst; 4] {
    let (mut story, _, mut charge) = paid();
    let mut dispute = charge_back(&mut story, &mut charge);
    let truth = the_dispute(json!({ "status": "needs_response", "amount_withdrawn": 2_000, "fees": 1_500 }))
        .object(ObjectKind::Charge, "ch_1", json!({ "status": "succeeded" }))
        .payment("pi_1", "disputed", [2_000, 0, 2_000])
        .payment_shows("pi_1", json!({ "disputes": ["du_1"], "inquiry_open": false }));
    let open = Burst::new("B9 a chargeback", story.events(), truth);

    answer(&mut story, &mut dispute);
    let truth = the_dispute(json!({ "status": "under_review", "has_evidence": true, "submission_count": 1 }))
        .payment("pi_1", "disputed", [2_000, 0, 2_000]);
    let review = Burst::new("B9 a chargeback is answered", story.events(), truth);

    story.later(30 * DAY);
    let truth = the_dispute(json!({ "status": "won", "balance_transactions": 2, "amount_withdrawn": 2_000,
        "amount_reinstated": 2_000, "submission_count": 1 }))
    .payment("pi_1", "succeeded", [2_000, 0, 0]);
    let (mut other, mut early) = (story.clone(), dispute.clone());
    early.movements.push((2_000, -1_500));
    other.shows("charge.dispute.funds_reinstated", &early);
    other.changes("charge.dispute.closed", &mut early, |it| it.status = "won");
    let early = Burst::new("B9 a chargeback is won, the money first", other.events(), truth.clone());

    story.changes("charge.dispute.closed", &mut dispute, |it| it.status = "won");
    dispute.movements.push((2_000, -1_500));
    story.shows("charge.dispute.funds_reinstated", &dispute);
    [open, review, early, Burst::new("B9 a chargeback is won", story.events(), truth)]
}

/// The renewal's payment is charged back, and with it goes the access.
pub(super) fn dispute_lost() -> [Burst; 3] {
    let (mut story, _, mut subscription) = subscriber();
    let mut invoice = renew(&mut story, &mut subscription, "in_2");
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_1", "cus_1", 2_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    let mut charge = collect(&mut story, &mut invoice, &mut intent, "ch_1");
    story.later(5 * DAY);
    let mut dispute = charge_back(&mut story, &mut charge);
    story.later(DAY);
    story.changes("charge.dispute.closed", &mut dispute, |it| it.status = "lost");
    let now = story.now();
    let truth = the_dispute(json!({ "status": "lost", "balance_transactions": 1 }))
        .subscription(json!({ "status": "active" }))
        .invoice("in_2", json!({ "status": "paid" }))
        .object(ObjectKind::PaymentIntent, "pi_1", json!({ "status": "succeeded" }))
        .access(now, "denied", "payment_charged_back");
    let all = truth.clone().payment("pi_1", "charged_back", [2_000, 0, 2_000]);
    let lost = Burst::new("B9 a chargeback is lost", story.events(), all);
    // A part comes back; that does not win it.
    dispute.movements.push((600, 0));
    story.shows("charge.dispute.funds_reinstated", &dispute);
    let truth = truth
        .object(ObjectKind::Dispute, "du_1", json!({ "status": "lost", "amount_reinstated": 600 }))
        .payment("pi_1", "charged_back", [2_000, 0, 1_400]);
    let part = Burst::new("B9 a chargeback is lost in part", story.events(), truth);
    // Rare, and the only way out of a loss.
    story.later(60 * DAY);
    dispute.movements.push((1_400, 0));
    story.changes("charge.dispute.updated", &mut dispute, |it| it.status = "won");
    let truth = the_dispute(json!({ "status": "won", "amount_reinstated": 2_000 }))
        .payment("pi_1", "succeeded", [2_000, 0, 0])
        .access(now, "allowed", "active");
    [lost, part, Burst::new("B9 a chargeback is won late", story.events(), truth)]
}

pub(super) fn dispute_unchallengeable() -> Burst {
    let (mut story, _, charge) = paid();
    let mut dispute = Dispute::new(&charge, "lost");
    dispute.movements.push((-2_000, 1_500));
    story.shows("charge.dispute.closed", &dispute);
    story.shows("charge.dispute.created", &dispute);
    let truth = the_dispute(json!({ "status": "lost" })).payment("pi_1", "charged_back", [2_000, 0, 2_000]);
    Burst::new("B9 a chargeback without an answer", story.events(), truth)
}

pub(super) fn inquiry() -> [Burst; 3] {
    let (mut story, _, charge) = paid();
    let mut dispute = Dispute::new(&charge, "warning_needs_response");
    story.shows("charge.dispute.created", &dispute);
    let truth = succeeded()
        .object(ObjectKind::Dispute, "du_1", json!({ "status": "warning_needs_response" }))
        .payment_shows("pi_1", json!({ "inquiry_open": true }));
    let asked = Burst::new("B9 the bank asks", story.events(), truth);
    story.later(DAY);
    story.changes("charge.dispute.updated", &mut dispute, |it| {
        it.status = "warning_under_review";
        it.submissions = 1;
    });
    story.later(DAY);

    let (mut closing, mut closed) = (story.clone(), dispute.clone());
    closing.changes("charge.dispute.closed", &mut closed, |it| it.status = "warning_closed");
    let truth = succeeded()
        .object(ObjectKind::Dispute, "du_1", json!({ "status": "warning_closed" }))
        .payment_shows("pi_1", json!({ "inquiry_open": false }));
    let closed = Burst::new("B9 the bank is content", closing.events(), truth);

    story.changes("charge.dispute.updated", &mut dispute, |it| {
        it.status = "needs_response";
        it.movements.push((-2_000, 1_500));
    });
    story.shows("charge.dispute.funds_withdrawn", &dispute);
    story.later(30 * DAY);
    story.changes("charge.dispute.closed", &mut dispute, |it| it.status = "lost");
    let truth = the_dispute(json!({ "status": "lost", "submission_count": 1, "amount_withdrawn": 2_000 }))
        .payment("pi_1", "charged_back", [2_000, 0, 2_000]);
    [asked, closed, Burst::new("B9 the bank asks, then takes the money", story.events(), truth)]
}

#[test]
fn b9_disputes() {
    dispute_won().iter().for_each(check);
    dispute_lost().iter().for_each(check);
    check(&dispute_unchallengeable());
    inquiry().iter().for_each(check);
}

pub(super) fn fraud_warning() -> [Burst; 3] {
    let (mut story, _, mut charge) = paid();
    let mut warning = Warning { charge: "ch_1", intent: "pi_1", actionable: true };
    story.shows("radar.early_fraud_warning.created", &warning);
    let shown = |actionable: bool| json!({ "actionable": actionable, "charge": "ch_1" });
    let kind = ObjectKind::EarlyFraudWarning;
    let warned =
        Burst::new("B10 a warning", story.events(), succeeded().object(kind, "issfr_1", shown(true)));
    story.later(3_600);

    let (mut disputed, mut over, mut taken) = (story.clone(), warning.clone(), charge.clone());
    charge_back(&mut disputed, &mut taken);
    disputed.changes("radar.early_fraud_warning.updated", &mut over, |it| it.actionable = false);
    let truth =
        Truth::new().object(kind, "issfr_1", shown(false)).payment("pi_1", "disputed", [2_000, 0, 2_000]);
    let disputed = Burst::new("B10 a warning comes true", disputed.events(), truth);

    refund(&mut story, &mut charge, "re_1", 2_000);
    story.changes("radar.early_fraud_warning.updated", &mut warning, |it| it.actionable = false);
    let truth =
        Truth::new().object(kind, "issfr_1", shown(false)).payment("pi_1", "refunded", [2_000, 2_000, 0]);
    [warned, disputed, Burst::new("B10 a warning is heeded", story.events(), truth)]
}

#[test]
fn b10_fraud_warning() {
    fraud_warning().iter().for_each(check);
}

/// The money is held, and nothing taken.
fn authorized() -> (Story, Intent, Charge) {
    let mut story = Story::new();
    let mut intent = Intent { capture_method: "manual", ..Intent::new("pi_1", "cus_1", 2_000) };
    story.shows("payment_intent.created", &intent);
    let charge = Charge::authorized("ch_1", &intent);
    story.shows("charge.succeeded", &charge);
    intent.status = "requires_capture";
    intent.amount_capturable = 2_000;
    intent.latest_charge = Some("ch_1");
    story.shows("payment_intent.amount_capturable_updated", &intent);
    (story, intent, charge)
}

pub(super) fn held() -> Burst {
    let (story, ..) = authorized();
    let truth = Truth::new()
        .object(
            ObjectKind::PaymentIntent,
            "pi_1",
            json!({ "status": "requires_capture", "amount_capturable": 2_000 }),
        )
        .object(ObjectKind::Charge, "ch_1", json!({ "status": "succeeded", "captured": false }))
        .payment("pi_1", "authorized", [0, 0, 0]);
    Burst::new("B16 authorized", story.events(), truth)
}

pub(super) fn captured(name: &'static str, amount: i64) -> Burst {
    let (mut story, mut intent, mut charge) = authorized();
    story.later(2 * DAY);
    charge.amount_captured = amount;
    story.shows("charge.captured", &charge);
    intent.succeed(&charge);
    story.shows("payment_intent.succeeded", &intent);
    let truth = Truth::new()
        .object(
            ObjectKind::PaymentIntent,
            "pi_1",
            json!({ "status": "succeeded", "amount_received": amount }),
        )
        .object(ObjectKind::Charge, "ch_1", json!({ "captured": true, "amount_captured": amount }))
        .payment("pi_1", "succeeded", [amount, 0, 0]);
    Burst::new(name, story.events(), truth)
}

pub(super) fn released(name: &'static str, type_name: &'static str) -> Burst {
    let (mut story, mut intent, mut charge) = authorized();
    story.later(7 * DAY);
    intent.status = "canceled";
    intent.amount_capturable = 0;
    intent.canceled = Some((story.now(), "abandoned"));
    story.shows("payment_intent.canceled", &intent);
    charge.amount_refunded = 2_000;
    story.shows(type_name, &charge);
    let truth = Truth::new()
        .object(ObjectKind::PaymentIntent, "pi_1", json!({ "status": "canceled", "amount_received": 0 }))
        .object(ObjectKind::Charge, "ch_1", json!({ "captured": false, "amount_captured": 0 }))
        .payment("pi_1", "canceled", [0, 0, 0]);
    Burst::new(name, story.events(), truth)
}

#[test]
fn b16_authorization() {
    check(&held());
    check(&captured("B16 captured", 2_000));
    check(&captured("B16 captured in part", 1_500));
    check(&released("B16 released, told as a refund", "charge.refunded"));
    check(&released("B16 released by time", "charge.expired"));
}
