use super::*;
use crate::model::access::{Reason, Verdict};
use crate::model::id::ObjectId;
use crate::model::subscription::SubscriptionStatus;
use crate::model::time::Seconds;

fn subscription(status: &str, quantity: i64, cancel_at: Option<i64>) -> Standing {
    Standing::Subscription(SubscriptionStanding {
        status: SubscriptionStatus::from(status),
        items: vec![PlanItem { price: ObjectId::parse("price_1").ok(), quantity: Some(quantity) }],
        cancel_scheduled: cancel_at.is_some(),
        cancel_at: cancel_at.map(Seconds),
    })
}

fn refund(status: &str, amount: i64) -> Standing {
    Standing::Refund(AmountStanding { status: Some(status.into()), currency: None, amount })
}

fn grant(decision: Verdict, reason: Reason) -> Grant {
    Grant { decision, reason, subscription: ObjectId::parse("sub_1").ok() }
}

/// Allowed until a moment, then denied.
fn allowed_until(moment: i64) -> Standing {
    let then = vec![(Seconds(moment), grant(Verdict::Denied, Reason::RenewalNotSeen))];
    Standing::Access(AccessStanding { now: grant(Verdict::Allowed, Reason::Active), then })
}

fn access(decision: Verdict, reason: Reason) -> Standing {
    Standing::Access(AccessStanding { now: grant(decision, reason), then: Vec::new() })
}

/// The kinds, and that the steps lead from the one to the other without a gap.
#[track_caller]
fn check(from: Option<Standing>, to: Standing, expected: &[&str]) {
    let at = Seconds(100);
    let steps = changes(from.as_ref(), &to, at);
    let kinds: Vec<_> = steps.iter().map(|change| change.kind.as_str()).collect();
    assert_eq!(kinds, expected);
    let mut last = from.map(|from| from.from(at));
    for step in steps {
        assert_eq!(step.from, last);
        assert_ne!(step.from.as_ref(), Some(&step.to));
        last = Some(step.to);
    }
    if !expected.is_empty() {
        assert_eq!(last, Some(to.from(at)));
    }
}

#[test]
fn a_subscription_changes_one_thing_at_a_time() {
    let active = || Some(subscription("active", 1, None));
    check(active(), subscription("active", 1, None), &[]);
    check(None, subscription("incomplete", 1, None), &["subscription.status_changed"]);
    check(active(), subscription("past_due", 1, None), &["subscription.status_changed"]);
    check(active(), subscription("active", 2, None), &["subscription.plan_changed"]);
    check(
        active(),
        subscription("past_due", 2, Some(7)),
        &["subscription.status_changed", "subscription.plan_changed", "subscription.cancellation_scheduled"],
    );
    let ending = || Some(subscription("active", 1, Some(7)));
    check(
        None,
        subscription("active", 1, Some(7)),
        &["subscription.status_changed", "subscription.cancellation_scheduled"],
    );
    check(ending(), subscription("active", 1, Some(8)), &["subscription.cancellation_scheduled"]);
    check(ending(), subscription("active", 1, None), &["subscription.cancellation_withdrawn"]);
    // The end has come: nothing was withdrawn.
    check(ending(), subscription("canceled", 1, None), &["subscription.status_changed"]);
}

#[test]
fn of_money_the_status_is_the_news_and_else_the_amount() {
    check(None, refund("pending", 5), &["refund.status_changed"]);
    check(Some(refund("pending", 5)), refund("succeeded", 4), &["refund.status_changed"]);
    check(Some(refund("pending", 5)), refund("pending", 4), &["refund.amount_changed"]);
    check(Some(refund("pending", 5)), refund("pending", 5), &[]);
}

#[test]
fn access_is_compared_from_now_on() {
    use Reason::{Canceled, Incomplete, NoSubscription, PastDue};
    let allowed = || Some(allowed_until(200));
    check(None, allowed_until(200), &["access.granted"]);
    check(allowed(), allowed_until(200), &[]);
    check(allowed(), allowed_until(300), &["access.rescheduled"]);
    check(allowed(), access(Verdict::Grace, PastDue), &["access.in_grace"]);
    check(allowed(), access(Verdict::Denied, Canceled), &["access.revoked"]);
    check(Some(access(Verdict::Grace, PastDue)), allowed_until(300), &["access.granted"]);
    check(
        Some(access(Verdict::Denied, Incomplete)),
        access(Verdict::Denied, Canceled),
        &["access.rescheduled"],
    );
    // What the clock has done meanwhile is no change: they were denied already.
    let over = || Some(allowed_until(50));
    check(over(), access(Verdict::Denied, Reason::RenewalNotSeen), &[]);
    check(over(), access(Verdict::Denied, Canceled), &["access.rescheduled"]);
    check(over(), allowed_until(300), &["access.granted"]);
    // Nobody was told of them, and there is nothing to tell.
    let nothing = Standing::Access(AccessStanding {
        now: Grant { decision: Verdict::Denied, reason: NoSubscription, subscription: None },
        then: Vec::new(),
    });
    check(None, nothing, &[]);
}

#[test]
fn a_part_of_another_payment_is_told_to_whom_it_was_told_as_a_payment() {
    let merged = || Standing::Merged { merged_into: ObjectId::parse("pi_1").unwrap() };
    check(None, merged(), &[]);
    check(Some(refund("pending", 1)), merged(), &["payment.merged"]);
}

#[test]
fn words_and_codes_are_read_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        let topic = kind.topic();
        assert_eq!(Topic::from_code(topic.code()), Some(topic));
    }
}
