//! Schedules, fraud warnings, reviews, test clocks.

use super::{Key, Node, Unreadable, created, price_of, status};
use crate::model::watch::{EarlyFraudWarning, Review, SchedulePhase, SubscriptionSchedule, TestClock};

pub(super) fn schedule(object: &Node<'_>) -> Result<SubscriptionSchedule, Unreadable> {
    let current = object.at(Key::current_phase);
    Ok(SubscriptionSchedule {
        created: created(object),
        status: status(object)?,
        customer: object.id(Key::customer),
        subscription: object.id(Key::subscription),
        released_subscription: object.id(Key::released_subscription),
        current_phase_start: current.seconds(Key::start_date),
        current_phase_end: current.seconds(Key::end_date),
        end_behavior: object.text(Key::end_behavior),
        phases: object.at(Key::phases).list().iter().map(phase).collect(),
        canceled_at: object.seconds(Key::canceled_at),
        completed_at: object.seconds(Key::completed_at),
        released_at: object.seconds(Key::released_at),
    })
}

/// The lines of a phase are `items`; before 2020-08-27 they were `plans`.
fn phase(phase: &Node<'_>) -> SchedulePhase {
    let items = phase.at(Key::items).or(phase.at(Key::plans));
    SchedulePhase {
        start: phase.seconds(Key::start_date),
        end: phase.seconds(Key::end_date),
        prices: items.list().iter().filter_map(|item| price_of(item).as_id()).collect(),
    }
}

pub(super) fn early_fraud_warning(object: &Node<'_>) -> EarlyFraudWarning {
    EarlyFraudWarning {
        created: created(object),
        charge: object.id(Key::charge),
        payment_intent: object.id(Key::payment_intent),
        actionable: object.is(Key::actionable),
        fraud_type: object.text(Key::fraud_type),
    }
}

pub(super) fn review(object: &Node<'_>) -> Review {
    Review {
        created: created(object),
        charge: object.id(Key::charge),
        payment_intent: object.id(Key::payment_intent),
        open: object.is(Key::open),
        reason: object.text(Key::reason),
        closed_reason: object.text(Key::closed_reason),
    }
}

pub(super) fn test_clock(object: &Node<'_>) -> TestClock {
    TestClock {
        created: created(object),
        status: object.text(Key::status),
        frozen_time: object.seconds(Key::frozen_time),
        deletes_after: object.seconds(Key::deletes_after),
    }
}
