//! The typical lives of a subscription: what access they give at each stage.

use super::*;

/// In its status since the given day.
fn since(on_day: i64, snapshot: Subscription) -> SubscriptionInput {
    SubscriptionInput { status_since: day(on_day), ..input(snapshot) }
}

fn renewed() -> Subscription {
    Subscription { current_period_start: Some(day(30)), current_period_end: Some(day(60)), ..plan("active") }
}

#[test]
fn paid_at_once() {
    course(since(0, plan("active")), &[(0, "allowed active until 32")]);
    course(since(0, plan("incomplete")), &[(0, "denied incomplete")]);
}

#[test]
fn a_renewal() {
    course(since(0, plan("active")), &[(30, "allowed active until 32")]);
    // Active with a draft that is not paid yet: correct.
    course(since(0, renewed()), &[(30, "allowed active until 62")]);
}

#[test]
fn a_renewal_fails_and_recovers_or_does_not() {
    let period = renewed();
    let with = |status: &str| Subscription { status: status.into(), ..period.clone() };
    course(
        since(30, with("past_due")),
        &[
            (30, "grace past_due until 37"),
            (36, "grace past_due until 37"),
            (37, "denied past_due_grace_over"),
        ],
    );
    course(since(40, with("active")), &[(40, "allowed active until 62")]);
    course(since(51, with("unpaid")), &[(51, "denied unpaid")]);
    let ended = Subscription {
        ended_at: Some(day(51)),
        canceled_at: Some(day(51)),
        cancellation_reason: Some("payment_failed".into()),
        ..with("canceled")
    };
    course(since(51, ended), &[(51, "denied canceled"), (99, "denied canceled")]);
}

#[test]
fn a_trial() {
    course(since(0, trial()), &[(0, "allowed trialing until 16")]);
    let over = Subscription { status: SubscriptionStatus::Active, ..trial() };
    course(since(14, over.clone()), &[(14, "allowed active until 32")]);
    let unpaid = Subscription { status: SubscriptionStatus::PastDue, ..over.clone() };
    course(since(14, unpaid), &[(14, "grace past_due until 21")]);
    let paused = Subscription { status: SubscriptionStatus::Paused, ..over.clone() };
    course(since(14, paused), &[(14, "denied paused")]);
    let resumed = Subscription { current_period_end: Some(day(50)), ..over };
    course(since(20, resumed), &[(20, "allowed active until 52")]);
}

#[test]
fn an_upgrade_counts_when_it_is_applied() {
    let pending = Subscription { pending_update: true, ..plan("active") };
    course(since(0, pending), &[(10, "allowed active until 32")]);
    let mut upgraded = plan("active");
    upgraded.items[0].price = Some(id("price_team"));
    let access = schedule(&customer(vec![since(0, upgraded)]), &Policy::default()).at(day(10));
    assert_eq!(access.price, Some(id("price_team")));
}

#[test]
fn canceled_at_the_end_of_the_period_kept_after_all_or_at_once() {
    let scheduled = Subscription {
        cancel_at_period_end: true,
        cancel_at: Some(day(30)),
        canceled_at: Some(day(10)),
        ..plan("active")
    };
    course(
        since(0, scheduled.clone()),
        &[(10, "allowed cancel_scheduled until 30"), (30, "denied cancellation_reached")],
    );
    course(since(0, plan("active")), &[(10, "allowed active until 32")]);
    let ended = Subscription { ended_at: Some(day(30)), status: SubscriptionStatus::Canceled, ..scheduled };
    course(since(30, ended.clone()), &[(30, "denied canceled")]);
    let access = schedule(&customer(vec![since(30, ended)]), &Policy::default()).at(day(40));
    assert_eq!((access.since, access.ends_at), (Some(day(30)), Some(day(30))));
}

#[test]
fn refunds_and_disputes_of_the_latest_invoice() {
    let paid_by = |latest_payments| SubscriptionInput { latest_payments, ..since(0, plan("active")) };
    let active = [(10, "allowed active until 32")];
    course(paid_by(REFUNDED), &active);
    course(paid_by(DISPUTED), &active);
    course(paid_by(CHARGED_BACK), &[(10, "denied payment_charged_back")]);
    // Won, or a refund that failed: nothing of it holds any more.
    course(paid_by(PaymentFacts::default()), &active);
}

#[test]
fn collection_is_paused_and_goes_on() {
    let pause = PauseCollection { behavior: "keep_as_draft".into(), resumes_at: None };
    let paused = Subscription { pause_collection: Some(pause), ..plan("active") };
    course(since(0, paused), &[(10, "allowed active until 32")]);
}

#[test]
fn the_first_payment_needs_the_customer_or_takes_days_or_never_comes() {
    course(since(0, plan("incomplete")), &[(0, "denied incomplete")]);
    course(since(0, plan("active")), &[(1, "allowed active until 32")]);
    course(
        since(1, plan("incomplete_expired")),
        &[(1, "denied incomplete_expired"), (99, "denied incomplete_expired")],
    );
}

#[test]
fn the_customer_is_deleted() {
    for status in ["canceled", "active"] {
        let input = CustomerInput { deleted_at: Some(day(9)), ..customer(vec![since(0, plan(status))]) };
        check(&input, &Policy::default(), 9, "denied customer_deleted");
    }
}
