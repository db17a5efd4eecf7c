//! Subscriptions and their items.

use std::collections::BTreeMap;

use super::{Hint, HintValue, Key, Node, Unreadable, created, discounts, price_of, status};
use crate::model::subscription::{PauseCollection, Subscription, SubscriptionItem};

pub(super) fn subscription(object: &Node<'_>) -> Result<Subscription, Unreadable> {
    let page = object.at(Key::items);
    let items: Vec<_> = page.list().iter().map(|item| subscription_item(item, object)).collect();
    let starts = items.iter().filter_map(|item| item.current_period_start).min();
    let ends = items.iter().filter_map(|item| item.current_period_end).max();
    Ok(Subscription {
        created: created(object),
        customer: object.id(Key::customer),
        status: status(object)?,
        currency: object.currency(),
        current_period_start: starts.or(object.seconds(Key::current_period_start)),
        current_period_end: ends.or(object.seconds(Key::current_period_end)),
        items,
        items_truncated: page.is(Key::has_more),
        cancel_at_period_end: object.is(Key::cancel_at_period_end),
        cancel_at: object.seconds(Key::cancel_at),
        canceled_at: object.seconds(Key::canceled_at),
        ended_at: object.seconds(Key::ended_at),
        cancellation_reason: object.at(Key::cancellation_details).text(Key::reason),
        trial_start: object.seconds(Key::trial_start),
        trial_end: object.seconds(Key::trial_end),
        pause_collection: pause_collection(object.at(Key::pause_collection)),
        collection_method: collection_method(object).as_str().map(Into::into),
        latest_invoice: object.id(Key::latest_invoice),
        default_payment_method: object.id(Key::default_payment_method),
        pending_update: !object.at(Key::pending_update).is_null(),
        pending_setup_intent: object.id(Key::pending_setup_intent),
        schedule: object.id(Key::schedule),
        discounts: discounts(object),
        start_date: object.seconds(Key::start_date),
        billing_cycle_anchor: object.seconds(Key::billing_cycle_anchor),
        days_until_due: object.int(Key::days_until_due),
        test_clock: object.id(Key::test_clock),
        metadata: object.metadata(),
    })
}

/// Periods stand on the items since basil; an item without one lives by the subscription's.
fn subscription_item(item: &Node<'_>, subscription: &Node<'_>) -> SubscriptionItem {
    let price = price_of(item);
    let recurring = price.at(Key::recurring);
    // A plan says `interval` and `amount` itself.
    let rhythm = if recurring.is_null() { price } else { recurring };
    let period = |key| item.seconds(key).or(subscription.seconds(key));
    SubscriptionItem {
        id: item.id(Key::id),
        price: price.as_id(),
        product: price.id(Key::product),
        lookup_key: price.text(Key::lookup_key),
        unit_amount: price.at(Key::unit_amount).or(price.at(Key::amount)).as_int(),
        interval: rhythm.text(Key::interval),
        interval_count: rhythm.int(Key::interval_count),
        usage_type: rhythm.text(Key::usage_type),
        quantity: item.int(Key::quantity),
        current_period_start: period(Key::current_period_start),
        current_period_end: period(Key::current_period_end),
        metadata: item.metadata(),
    }
}

fn pause_collection(pause: &Node<'_>) -> Option<PauseCollection> {
    Some(PauseCollection { behavior: pause.text(Key::behavior)?, resumes_at: pause.seconds(Key::resumes_at) })
}

/// `billing` before 2019-10-17.
pub(super) fn collection_method<'s, 'a>(object: &'s Node<'a>) -> &'s Node<'a> {
    object.at(Key::collection_method).or(object.at(Key::billing))
}

pub(super) fn hints(object: &Node<'_>) -> BTreeMap<Hint, HintValue> {
    let mode = object.at(Key::billing_mode).text(Key::r#type);
    mode.map(|mode| (Hint::BillingMode, HintValue::Word(mode))).into_iter().collect()
}
