//! The event types that move a projection, each with its part in the life of its object.
//!
//! The ranks order types inside one second when nothing stronger decides (docs/ordering.md).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::ObjectKind;

/// What an event of a type says about its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The object's first state.
    Created,
    /// A change; may carry the attributes as they were before.
    Changed,
    /// A reminder or timer: a snapshot of the state at that moment, no change.
    Informational,
    /// The object is gone for good.
    Deleted,
}

/// A type that is folded. The stored form is the name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct EventType(u16);

struct Row {
    name: &'static str,
    kind: ObjectKind,
    role: Role,
    rank: u8,
}

const fn row(name: &'static str, kind: ObjectKind, role: Role, rank: u8) -> Row {
    Row { name, kind, role, rank }
}

use ObjectKind as K;
use Role::{Changed, Created, Deleted, Informational};

/// Sorted by name, so that a name is found by binary search.
const ROWS: &[Row] = &[
    row("charge.captured", K::Charge, Changed, 4),
    row("charge.dispute.closed", K::Dispute, Changed, 3),
    row("charge.dispute.created", K::Dispute, Created, 0),
    row("charge.dispute.funds_reinstated", K::Dispute, Changed, 4),
    row("charge.dispute.funds_withdrawn", K::Dispute, Changed, 1),
    row("charge.dispute.updated", K::Dispute, Changed, 2),
    row("charge.expired", K::Charge, Changed, 5),
    row("charge.failed", K::Charge, Changed, 1),
    row("charge.pending", K::Charge, Changed, 0),
    row("charge.refund.updated", K::Refund, Changed, 1),
    row("charge.refunded", K::Charge, Changed, 6),
    row("charge.succeeded", K::Charge, Changed, 1),
    row("charge.updated", K::Charge, Changed, 2),
    row("checkout.session.async_payment_failed", K::CheckoutSession, Changed, 1),
    row("checkout.session.async_payment_succeeded", K::CheckoutSession, Changed, 1),
    row("checkout.session.completed", K::CheckoutSession, Changed, 0),
    row("checkout.session.expired", K::CheckoutSession, Changed, 0),
    row("credit_note.created", K::CreditNote, Created, 0),
    row("credit_note.updated", K::CreditNote, Changed, 1),
    row("credit_note.voided", K::CreditNote, Changed, 2),
    row("customer.created", K::Customer, Created, 0),
    row("customer.deleted", K::Customer, Deleted, 2),
    row("customer.discount.created", K::Discount, Created, 0),
    row("customer.discount.deleted", K::Discount, Deleted, 2),
    row("customer.discount.updated", K::Discount, Changed, 1),
    row("customer.subscription.created", K::Subscription, Created, 0),
    row("customer.subscription.deleted", K::Subscription, Changed, 4),
    row("customer.subscription.paused", K::Subscription, Changed, 3),
    row("customer.subscription.pending_update_applied", K::Subscription, Changed, 3),
    row("customer.subscription.pending_update_expired", K::Subscription, Changed, 2),
    row("customer.subscription.resumed", K::Subscription, Changed, 3),
    row("customer.subscription.trial_will_end", K::Subscription, Informational, 1),
    row("customer.subscription.updated", K::Subscription, Changed, 3),
    row("customer.updated", K::Customer, Changed, 1),
    row("entitlements.active_entitlement_summary.updated", K::Entitlements, Changed, 0),
    row("invoice.created", K::Invoice, Created, 0),
    row("invoice.deleted", K::Invoice, Deleted, 8),
    row("invoice.finalization_failed", K::Invoice, Changed, 3),
    row("invoice.finalized", K::Invoice, Changed, 4),
    row("invoice.marked_uncollectible", K::Invoice, Changed, 6),
    row("invoice.overdue", K::Invoice, Informational, 1),
    row("invoice.overpaid", K::Invoice, Changed, 7),
    row("invoice.paid", K::Invoice, Changed, 7),
    row("invoice.payment_action_required", K::Invoice, Changed, 5),
    row("invoice.payment_attempt_required", K::Invoice, Changed, 5),
    row("invoice.payment_failed", K::Invoice, Changed, 5),
    row("invoice.payment_succeeded", K::Invoice, Changed, 7),
    row("invoice.sent", K::Invoice, Informational, 1),
    row("invoice.updated", K::Invoice, Changed, 2),
    row("invoice.voided", K::Invoice, Changed, 7),
    row("invoice.will_be_due", K::Invoice, Informational, 1),
    row("invoice_payment.paid", K::InvoicePayment, Changed, 0),
    row("payment_intent.amount_capturable_updated", K::PaymentIntent, Changed, 5),
    row("payment_intent.canceled", K::PaymentIntent, Changed, 6),
    row("payment_intent.created", K::PaymentIntent, Created, 0),
    row("payment_intent.partially_funded", K::PaymentIntent, Changed, 3),
    row("payment_intent.payment_failed", K::PaymentIntent, Changed, 4),
    row("payment_intent.processing", K::PaymentIntent, Changed, 2),
    row("payment_intent.requires_action", K::PaymentIntent, Changed, 1),
    row("payment_intent.succeeded", K::PaymentIntent, Changed, 6),
    row("payment_method.attached", K::PaymentMethod, Created, 0),
    row("payment_method.automatically_updated", K::PaymentMethod, Changed, 1),
    row("payment_method.detached", K::PaymentMethod, Changed, 2),
    row("payment_method.updated", K::PaymentMethod, Changed, 1),
    row("price.created", K::Price, Created, 0),
    row("price.deleted", K::Price, Deleted, 2),
    row("price.updated", K::Price, Changed, 1),
    row("product.created", K::Product, Created, 0),
    row("product.deleted", K::Product, Deleted, 2),
    row("product.updated", K::Product, Changed, 1),
    row("radar.early_fraud_warning.created", K::EarlyFraudWarning, Created, 0),
    row("radar.early_fraud_warning.updated", K::EarlyFraudWarning, Changed, 1),
    row("refund.created", K::Refund, Created, 0),
    row("refund.failed", K::Refund, Changed, 2),
    row("refund.updated", K::Refund, Changed, 1),
    row("review.closed", K::Review, Changed, 1),
    row("review.opened", K::Review, Created, 0),
    row("setup_intent.canceled", K::SetupIntent, Changed, 3),
    row("setup_intent.created", K::SetupIntent, Created, 0),
    row("setup_intent.requires_action", K::SetupIntent, Changed, 1),
    row("setup_intent.setup_failed", K::SetupIntent, Changed, 2),
    row("setup_intent.succeeded", K::SetupIntent, Changed, 3),
    row("subscription_schedule.aborted", K::SubscriptionSchedule, Changed, 3),
    row("subscription_schedule.canceled", K::SubscriptionSchedule, Changed, 3),
    row("subscription_schedule.completed", K::SubscriptionSchedule, Changed, 3),
    row("subscription_schedule.created", K::SubscriptionSchedule, Created, 0),
    row("subscription_schedule.expiring", K::SubscriptionSchedule, Informational, 2),
    row("subscription_schedule.released", K::SubscriptionSchedule, Changed, 3),
    row("subscription_schedule.updated", K::SubscriptionSchedule, Changed, 1),
    row("test_helpers.test_clock.advancing", K::TestClock, Changed, 1),
    row("test_helpers.test_clock.created", K::TestClock, Created, 0),
    row("test_helpers.test_clock.deleted", K::TestClock, Deleted, 4),
    row("test_helpers.test_clock.internal_failure", K::TestClock, Changed, 3),
    row("test_helpers.test_clock.ready", K::TestClock, Changed, 2),
];

impl EventType {
    /// The type of that name, if it is folded.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let index = ROWS.binary_search_by(|row| row.name.cmp(name)).ok()?;
        u16::try_from(index).ok().map(Self)
    }

    /// Every type that is folded, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ROWS.len()).filter_map(|index| u16::try_from(index).ok().map(Self))
    }

    #[expect(clippy::indexing_slicing, reason = "only `parse` and `all` make one, both in range")]
    const fn row(self) -> &'static Row {
        &ROWS[self.0 as usize]
    }

    /// The provider's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind of object that it carries.
    #[must_use]
    pub const fn kind(self) -> ObjectKind {
        self.row().kind
    }

    /// What it says about the object.
    #[must_use]
    pub const fn role(self) -> Role {
        self.row().role
    }

    /// Its order among the types of its kind inside one second, low to high.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self.row().rank
    }
}

impl TryFrom<Box<str>> for EventType {
    type Error = &'static str;
    fn try_from(name: Box<str>) -> Result<Self, Self::Error> {
        Self::parse(&name).ok_or("an event type that this version does not fold")
    }
}

impl From<EventType> for Box<str> {
    fn from(event_type: EventType) -> Self {
        event_type.name().into()
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_found_by_name() {
        assert!(ROWS.is_sorted_by(|a, b| a.name < b.name));
        for event_type in EventType::all() {
            assert_eq!(EventType::parse(event_type.name()), Some(event_type));
        }
        assert_eq!(EventType::parse("invoice.upcoming"), None, "a preview is no object");
    }
}
