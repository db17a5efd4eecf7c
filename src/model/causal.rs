//! Which type of event must have come before which, inside one second, by the lifecycle alone.
//!
//! Type ranks only break ties; these rules are facts about the provider. A pair that is not here
//! is not known to be ordered, and a tie between its events is flagged.

use super::event_type::{EventType, Role};
use super::observation::Entry;

/// One fact: every `earlier` type comes before every `later` type.
struct Rule {
    earlier: &'static [&'static str],
    later: &'static [&'static str],
}

const fn rule(earlier: &'static [&'static str], later: &'static [&'static str]) -> Rule {
    Rule { earlier, later }
}

const INVOICE_ATTEMPTS: &[&str] =
    &["invoice.payment_failed", "invoice.payment_action_required", "invoice.payment_attempt_required"];
const INVOICE_ENDS: &[&str] =
    &["invoice.paid", "invoice.payment_succeeded", "invoice.overpaid", "invoice.voided"];
const CHARGE_LATER: &[&str] = &["charge.captured", "charge.refunded", "charge.expired"];
const SCHEDULE_ENDS: &[&str] = &[
    "subscription_schedule.released",
    "subscription_schedule.completed",
    "subscription_schedule.canceled",
    "subscription_schedule.aborted",
];

const RULES: &[Rule] = &[
    // A failed finalization leaves a draft; once finalized there is nothing left to fail.
    rule(&["invoice.finalization_failed"], &["invoice.finalized"]),
    // Only a finalized invoice is collected, given up or closed; it is finalized once.
    rule(&["invoice.finalization_failed", "invoice.finalized"], INVOICE_ATTEMPTS),
    rule(&["invoice.finalization_failed", "invoice.finalized"], &["invoice.marked_uncollectible"]),
    rule(&["invoice.finalization_failed", "invoice.finalized"], INVOICE_ENDS),
    // Nobody collects an invoice that is paid or void.
    rule(INVOICE_ATTEMPTS, INVOICE_ENDS),
    // An invoice that was given up may still be paid or voided, never the other way round.
    rule(&["invoice.marked_uncollectible"], INVOICE_ENDS),
    // An intent climbs from confirmation to its end. Left out: a failed attempt against a required
    // action or a payment under way, because a new attempt may follow the failure in the same second.
    rule(
        &["payment_intent.requires_action"],
        &[
            "payment_intent.processing",
            "payment_intent.partially_funded",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded",
            "payment_intent.canceled",
        ],
    ),
    rule(
        &["payment_intent.processing"],
        &[
            "payment_intent.partially_funded",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded",
            "payment_intent.canceled",
        ],
    ),
    rule(
        &["payment_intent.partially_funded"],
        &[
            "payment_intent.payment_failed",
            "payment_intent.amount_capturable_updated",
            "payment_intent.succeeded",
            "payment_intent.canceled",
        ],
    ),
    rule(
        &["payment_intent.payment_failed"],
        &["payment_intent.amount_capturable_updated", "payment_intent.succeeded", "payment_intent.canceled"],
    ),
    // An authorization is captured or released, and then it is over.
    rule(
        &["payment_intent.amount_capturable_updated"],
        &["payment_intent.succeeded", "payment_intent.canceled"],
    ),
    // A delayed payment waits before it is decided.
    rule(&["charge.pending"], &["charge.failed", "charge.succeeded", "charge.updated"]),
    rule(&["charge.pending"], CHARGE_LATER),
    // The decision is the first that shows the charge decided; what changes then changes after it.
    rule(&["charge.failed", "charge.succeeded"], &["charge.updated"]),
    // Money must be there before it is captured, released or given back.
    rule(&["charge.succeeded"], CHARGE_LATER),
    // Only captured money is given back.
    rule(&["charge.captured"], &["charge.refunded"]),
    // A failed refund is dead: its updates belong to the time before, or report the failure too.
    rule(&["refund.updated", "charge.refund.updated"], &["refund.failed"]),
    // What was withdrawn is withdrawn before the network decides and before it comes back.
    rule(&["charge.dispute.funds_withdrawn"], &["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
    // Evidence is collected before the decision.
    rule(&["charge.dispute.updated"], &["charge.dispute.closed"]),
    // A session is completed before its delayed payment is decided.
    rule(
        &["checkout.session.completed"],
        &["checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded"],
    ),
    // A setup climbs to its end. A failed one and a required action stay unordered, as for intents.
    rule(
        &["setup_intent.requires_action", "setup_intent.setup_failed"],
        &["setup_intent.succeeded", "setup_intent.canceled"],
    ),
    // A schedule that has ended is not changed any more.
    rule(&["subscription_schedule.updated"], SCHEDULE_ENDS),
];

/// An event of type `earlier` comes before one of type `later`, whatever they show.
pub(super) fn causal(earlier: EventType, later: EventType) -> bool {
    // Nothing happens to an object before it is created, and nothing after it is deleted.
    if earlier.role() == Role::Created || later.role() == Role::Deleted {
        return earlier != later;
    }
    let (earlier, later) = (earlier.name(), later.name());
    RULES.iter().any(|rule| rule.earlier.contains(&earlier) && rule.later.contains(&later))
}

/// The `earlier` event of one object and second comes before the `later` one.
///
/// A charge that shows more money given back is the later one: refunds add up, and one that is
/// made and fails within a second does not happen.
pub(crate) fn precedes(earlier: &Entry, later: &Entry) -> bool {
    if earlier.facts.refunded != later.facts.refunded {
        return earlier.facts.refunded < later.facts.refunded;
    }
    causal(earlier.event_type, later.event_type)
}

#[cfg(test)]
mod tests;
