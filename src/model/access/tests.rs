use super::*;
use crate::model::catalog::{Entitlement, Entitlements};
use crate::model::id::ObjectId;
use crate::model::money::Currency;
use crate::model::private::Metadata;
use crate::model::subscription::{PauseCollection, Subscription, SubscriptionItem, SubscriptionStatus};
use crate::model::time::Seconds;

mod bursts;
mod customers;
mod properties;
mod rules;

const DAY: i64 = 86_400;

fn id(text: &str) -> ObjectId {
    ObjectId::parse(text).expect("an id of the test")
}

fn day(n: i64) -> Seconds {
    Seconds(n * DAY)
}

fn days(n: u32) -> Days {
    Days::new(n).expect("days of the test")
}

/// A monthly plan whose period ends on day 30.
fn plan(status: &str) -> Subscription {
    let item = SubscriptionItem {
        id: Some(id("si_1")),
        price: Some(id("price_pro")),
        product: Some(id("prod_pro")),
        lookup_key: Some("pro_monthly".into()),
        unit_amount: Some(1_000),
        interval: Some("month".into()),
        interval_count: Some(1),
        usage_type: Some("licensed".into()),
        quantity: Some(3),
        current_period_start: Some(day(0)),
        current_period_end: Some(day(30)),
        metadata: Metadata::default(),
    };
    Subscription {
        created: Some(day(0)),
        customer: Some(id("cus_1")),
        status: status.into(),
        currency: Some(Currency::new("usd")),
        items: vec![item],
        items_truncated: false,
        current_period_start: Some(day(0)),
        current_period_end: Some(day(30)),
        cancel_at_period_end: false,
        cancel_at: None,
        canceled_at: None,
        ended_at: None,
        cancellation_reason: None,
        trial_start: None,
        trial_end: None,
        pause_collection: None,
        collection_method: Some("charge_automatically".into()),
        latest_invoice: Some(id("in_1")),
        default_payment_method: None,
        pending_update: false,
        pending_setup_intent: None,
        schedule: None,
        discounts: Vec::new(),
        start_date: Some(day(0)),
        billing_cycle_anchor: Some(day(0)),
        days_until_due: None,
        test_clock: None,
        metadata: Metadata::default(),
    }
}

/// The plan in a trial that ends on day 14.
fn trial() -> Subscription {
    Subscription { trial_start: Some(day(0)), trial_end: Some(day(14)), ..plan("trialing") }
}

const CHARGED_BACK: PaymentFacts = PaymentFacts { charged_back: true, disputed: false, refunded: false };
const DISPUTED: PaymentFacts = PaymentFacts { charged_back: false, disputed: true, refunded: false };
const REFUNDED: PaymentFacts = PaymentFacts { charged_back: false, disputed: false, refunded: true };

/// A subscription in its status since day 5.
fn input(snapshot: Subscription) -> SubscriptionInput {
    SubscriptionInput {
        id: id("sub_1"),
        snapshot,
        status_since: day(5),
        ambiguous: false,
        last_known_status: None,
        latest_payments: PaymentFacts::default(),
    }
}

fn customer(subscriptions: Vec<SubscriptionInput>) -> CustomerInput {
    CustomerInput { customer: id("cus_1"), deleted_at: None, subscriptions, entitlements: None }
}

fn features(words: &[&str]) -> Entitlements {
    let one = |word: &&str| Entitlement { lookup_key: (*word).into(), feature: None };
    Entitlements { customer: None, active: words.iter().map(one).collect(), truncated: false }
}

/// `allowed active until 32`: days instead of seconds, and what comes next where it is not the same moment.
fn show(access: &Access) -> String {
    let in_days = |moment: Seconds| {
        if moment.0 % DAY == 0 { (moment.0 / DAY).to_string() } else { format!("{moment:?}") }
    };
    let mut text = format!("{} {}", access.decision, access.reason);
    if let Some(until) = access.until {
        text = format!("{text} until {}", in_days(until));
    }
    if let Some(next) = access.next_change_at.filter(|next| Some(*next) != access.until) {
        text = format!("{text} next {}", in_days(next));
    }
    text
}

#[track_caller]
fn check(input: &CustomerInput, policy: &Policy, on_day: i64, expected: &str) {
    assert_eq!(show(&schedule(input, policy).at(day(on_day))), expected, "on day {on_day}");
}

/// One subscription under the default policy, on several days.
#[track_caller]
fn course(subscription: SubscriptionInput, expected: &[(i64, &str)]) {
    course_under(&Policy::default(), subscription, expected);
}

#[track_caller]
fn course_under(policy: &Policy, subscription: SubscriptionInput, expected: &[(i64, &str)]) {
    let input = customer(vec![subscription]);
    for (on_day, expected) in expected {
        check(&input, policy, *on_day, expected);
    }
}
