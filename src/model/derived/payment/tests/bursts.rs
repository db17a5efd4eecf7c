//! The typical lives of a payment, each to its stages and its end.

use super::*;

fn failed_at(second: i64) -> Charge {
    Charge { created: Some(Seconds(second)), ..charge("failed") }
}

fn captured_at(second: i64) -> Charge {
    Charge { created: Some(Seconds(second)), ..charge("captured") }
}

#[test]
fn paid_at_once() {
    let payment = paid().is("succeeded").amounts((AMOUNT, 0, 0)).payment();
    assert_eq!(payment.id, id("pi_1"));
    assert_eq!(payment.payment_method, Some(id("pm_charge")));
    assert_eq!(payment.intent_status, Some(PaymentIntentStatus::Succeeded));
}

#[test]
fn a_renewal_fails_is_retried_and_recovers() {
    let failing = |n: i64| {
        (1..=n).fold(Group::of(errored("requires_payment_method", "card_declined")), |group, n| {
            group.charge(&format!("ch_{n}"), failed_at(100 * n))
        })
    };
    failing(1).is("failed").amounts((0, 0, 0));
    assert_eq!(failing(3).is("failed").payment().failure_code.as_deref(), Some("card_declined"));
    let recovered = Group::of(intent("succeeded"))
        .charge("ch_1", failed_at(100))
        .charge("ch_2", failed_at(200))
        .charge("ch_3", captured_at(300));
    assert_eq!(recovered.is("succeeded").amounts((AMOUNT, 0, 0)).payment().failure_code, None);
}

#[test]
fn refunded_in_part_in_full_late_and_in_vain() {
    let part = paid_with(refunded_charge(490)).refund("re_1", refund(490, "succeeded"));
    part.is("partially_refunded").amounts((AMOUNT, 490, 0));
    let full = paid_with(refunded_charge(AMOUNT)).refund("re_1", refund(490, "succeeded"));
    full.refund("re_2", refund(510, "pending")).is("refunded").amounts((AMOUNT, AMOUNT, 0));
    // Only the charge spoke of card refunds before 2024-10.
    paid_with(refunded_charge(AMOUNT)).is("refunded").amounts((AMOUNT, AMOUNT, 0));
    let vain = paid_with(refunded_charge(AMOUNT)).refund("re_1", refund(AMOUNT, "failed"));
    vain.is("succeeded").amounts((AMOUNT, 0, 0));
    let withdrawn = paid().refund("re_1", refund(AMOUNT, "canceled"));
    withdrawn.is("succeeded").amounts((AMOUNT, 0, 0));
}

#[test]
fn charged_back_and_won_or_lost() {
    let stage = |word, reinstated| {
        let disputed = Charge { disputed: true, ..charge("captured") };
        paid_with(disputed).dispute("du_1", dispute(word, AMOUNT, reinstated))
    };
    stage("needs_response", 0).is("disputed").amounts((AMOUNT, 0, AMOUNT));
    stage("under_review", 0).is("disputed").amounts((AMOUNT, 0, AMOUNT));
    // `closed` and `funds_reinstated` come in either order.
    stage("under_review", AMOUNT).is("disputed");
    stage("won", 0).is("succeeded").amounts((AMOUNT, 0, 0));
    stage("won", AMOUNT).is("succeeded").amounts((AMOUNT, 0, 0));
    stage("lost", 0).is("charged_back").amounts((AMOUNT, 0, AMOUNT));
    stage("lost", 250).is("charged_back").amounts((AMOUNT, 0, 750));
}

#[test]
fn an_inquiry_that_closes_and_one_that_escalates() {
    let inquiry = |word| paid().dispute("du_1", dispute(word, 0, 0));
    inquiry("warning_needs_response").is("succeeded").amounts((AMOUNT, 0, 0));
    inquiry("warning_closed").is("succeeded");
    paid().dispute("du_1", dispute("needs_response", AMOUNT, 0)).is("disputed");
    // Refunded while the inquiry was open.
    let refunded = paid_with(refunded_charge(AMOUNT)).refund("re_1", refund(AMOUNT, "succeeded"));
    refunded.dispute("du_1", dispute("warning_closed", 0, 0)).is("refunded");
}

#[test]
fn strong_authentication() {
    Group::of(intent("requires_action")).is("requires_action").amounts((0, 0, 0));
    paid().is("succeeded");
    // Never authenticated: the invoice is voided and the intent canceled with it.
    let voided = PaymentIntent { cancellation_reason: Some("void_invoice".into()), ..intent("canceled") };
    Group::of(voided).is("canceled").amounts((0, 0, 0));
}

#[test]
fn a_bank_debit_takes_days() {
    let latest = |status| PaymentIntent { latest_charge: Some(id("ch_1")), ..intent(status) };
    Group::of(latest("processing")).charge("ch_1", charge("pending")).is("processing").amounts((0, 0, 0));
    Group::of(latest("succeeded")).charge("ch_1", charge("captured")).is("succeeded");
    let failed = || charge("failed");
    Group::of(latest("processing")).charge("ch_1", failed()).is("failed");
    Group::of(latest("requires_payment_method")).charge("ch_1", failed()).is("failed").amounts((0, 0, 0));
}

#[test]
fn authorized_and_then_captured_or_let_go() {
    let authorized = || Group::of(intent("requires_capture")).charge("ch_1", charge("authorized"));
    authorized().is("authorized").amounts((0, 0, 0));
    Group::default().charge("ch_1", charge("authorized")).is("authorized");
    let part = PaymentIntent { amount_received: 600, ..intent("succeeded") };
    let captured = Charge { amount_captured: 600, ..charge("captured") };
    Group::of(part.clone()).charge("ch_1", captured).is("succeeded").amounts((600, 0, 0));
    // The charge's own event is still to come.
    Group::of(part).charge("ch_1", charge("authorized")).is("succeeded").amounts((600, 0, 0));
    Group::of(intent("canceled")).charge("ch_1", charge("authorized")).is("canceled").amounts((0, 0, 0));
    Group::of(intent("canceled")).charge("ch_1", charge("released")).is("canceled").amounts((0, 0, 0));
    Group::of(intent("requires_capture")).charge("ch_1", charge("released")).is("canceled");
}
