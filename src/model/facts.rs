//! What the fold needs to know of a snapshot: status word, place in the lifecycle, monotone numbers.
//!
//! The ranks exist only where a lifecycle has no way back (docs/ordering.md). Never look at
//! another object here, and never refuse a word: an unknown one has rank 0 and ends nothing.

use super::checkout::{CheckoutPaymentStatus, CheckoutSession, CheckoutStatus};
use super::event_type::{EventType, Role};
use super::id::ObjectId;
use super::invoice::InvoiceStatus;
use super::kind::ObjectKind;
use super::observation::{Entry, Facts, Observation, Snapshot};
use super::payment::RefundStatus;
use super::time::Seconds;

/// The word of an object that is gone for good.
pub(super) const DELETED: &str = "deleted";

impl Entry {
    /// What is kept of an observation: a function of it and of nothing else.
    #[must_use]
    pub fn of(observation: &Observation) -> Self {
        Self {
            event: observation.event.clone(),
            event_type: observation.event_type,
            created: observation.created,
            facts: observation.snapshot.facts(observation.event_type),
            before: observation.before,
            after: observation.after,
            status_before: observation.status_before.clone(),
        }
    }
}

impl Snapshot {
    /// What it is a snapshot of.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        match self {
            Self::Customer(_) => ObjectKind::Customer,
            Self::Subscription(_) => ObjectKind::Subscription,
            Self::Invoice(_) => ObjectKind::Invoice,
            Self::InvoicePayment(_) => ObjectKind::InvoicePayment,
            Self::CheckoutSession(_) => ObjectKind::CheckoutSession,
            Self::PaymentIntent(_) => ObjectKind::PaymentIntent,
            Self::Charge(_) => ObjectKind::Charge,
            Self::Refund(_) => ObjectKind::Refund,
            Self::Dispute(_) => ObjectKind::Dispute,
            Self::PaymentMethod(_) => ObjectKind::PaymentMethod,
            Self::Product(_) => ObjectKind::Product,
            Self::Price(_) => ObjectKind::Price,
            Self::CreditNote(_) => ObjectKind::CreditNote,
            Self::SetupIntent(_) => ObjectKind::SetupIntent,
            Self::Entitlements(_) => ObjectKind::Entitlements,
            Self::SubscriptionSchedule(_) => ObjectKind::SubscriptionSchedule,
            Self::Discount(_) => ObjectKind::Discount,
            Self::EarlyFraudWarning(_) => ObjectKind::EarlyFraudWarning,
            Self::Review(_) => ObjectKind::Review,
            Self::TestClock(_) => ObjectKind::TestClock,
        }
    }

    /// What the fold needs to know of it, shown by an event of `event_type`.
    #[must_use]
    pub fn facts(&self, event_type: EventType) -> Facts {
        let status = self.status_word(event_type);
        let (rank, terminal) = match self {
            Self::CheckoutSession(session) => checkout_stage(session, event_type),
            _ => stage(self.kind(), status.unwrap_or_default()),
        };
        Facts {
            status: status.map(Into::into),
            rank,
            terminal,
            numbers: self.numbers(),
            refunded: if let Self::Charge(charge) = self { charge.amount_refunded } else { 0 },
            partial: matches!(self, Self::Entitlements(entitlements) if entitlements.truncated),
        }
    }

    /// The provider's word, or ours where the kind has none of its own.
    pub(crate) fn status_word(&self, event_type: EventType) -> Option<&str> {
        if event_type.role() == Role::Deleted {
            return Some(DELETED);
        }
        match self {
            Self::Customer(_) | Self::Discount(_) => Some("active"),
            Self::Subscription(it) => {
                let word = it.status.as_str();
                // The event ends the subscription whatever its snapshot says.
                let ends = event_type.name() == "customer.subscription.deleted";
                let ended = stage(ObjectKind::Subscription, word).1;
                Some(if ends && !ended { "canceled" } else { word })
            }
            Self::Invoice(it) => it.status.as_ref().map(InvoiceStatus::as_str),
            Self::InvoicePayment(it) => Some(it.status.as_str()),
            Self::CheckoutSession(it) => it.status.as_ref().map(CheckoutStatus::as_str),
            Self::PaymentIntent(it) => Some(it.status.as_str()),
            Self::Charge(it) => Some(it.status.as_str()),
            Self::Refund(it) => it.status.as_ref().map(RefundStatus::as_str),
            Self::Dispute(it) => Some(it.status.as_str()),
            Self::PaymentMethod(_) => Some(match event_type.name() {
                "payment_method.detached" => "detached",
                _ => "attached",
            }),
            Self::Product(it) => Some(if it.active { "active" } else { "inactive" }),
            Self::Price(it) => Some(if it.active { "active" } else { "inactive" }),
            Self::CreditNote(it) => Some(it.status.as_str()),
            Self::SetupIntent(it) => Some(it.status.as_str()),
            Self::SubscriptionSchedule(it) => Some(it.status.as_str()),
            Self::Review(it) => Some(if it.open { "open" } else { "closed" }),
            Self::TestClock(it) => it.status.as_deref(),
            Self::Entitlements(_) | Self::EarlyFraudWarning(_) => None,
        }
    }

    /// Numbers that never fall along the true history; zeros where the kind has none.
    fn numbers(&self) -> [i64; 2] {
        match self {
            Self::Invoice(it) => [it.attempt_count, it.amount_paid],
            Self::PaymentIntent(it) => [it.amount_received, 0],
            Self::Charge(it) => [it.amount_captured, i64::from(it.captured)],
            Self::Dispute(it) => [it.balance_transactions, it.submission_count],
            Self::Product(it) => [it.updated.map_or(0, |second| second.0), 0],
            _ => [0, 0],
        }
    }

    /// When the provider made the object, where it says so.
    #[must_use]
    pub fn created(&self) -> Option<Seconds> {
        match self {
            Self::Customer(it) => it.created,
            Self::Subscription(it) => it.created,
            Self::Invoice(it) => it.created,
            Self::InvoicePayment(it) => it.created,
            Self::CheckoutSession(it) => it.created,
            Self::PaymentIntent(it) => it.created,
            Self::Charge(it) => it.created,
            Self::Refund(it) => it.created,
            Self::Dispute(it) => it.created,
            Self::PaymentMethod(it) => it.created,
            Self::Product(it) => it.created,
            Self::Price(it) => it.created,
            Self::CreditNote(it) => it.created,
            Self::SetupIntent(it) => it.created,
            Self::SubscriptionSchedule(it) => it.created,
            Self::EarlyFraudWarning(it) => it.created,
            Self::Review(it) => it.created,
            Self::TestClock(it) => it.created,
            Self::Entitlements(_) | Self::Discount(_) => None,
        }
    }

    /// The customer that the snapshot names. A customer does not name itself.
    #[must_use]
    pub fn customer(&self) -> Option<&ObjectId> {
        match self {
            Self::Subscription(it) => it.customer.as_ref(),
            Self::Invoice(it) => it.customer.as_ref(),
            Self::CheckoutSession(it) => it.customer.as_ref(),
            Self::PaymentIntent(it) => it.customer.as_ref(),
            Self::Charge(it) => it.customer.as_ref(),
            Self::PaymentMethod(it) => it.customer.as_ref(),
            Self::CreditNote(it) => it.customer.as_ref(),
            Self::SetupIntent(it) => it.customer.as_ref(),
            Self::Entitlements(it) => it.customer.as_ref(),
            Self::SubscriptionSchedule(it) => it.customer.as_ref(),
            Self::Discount(it) => it.customer.as_ref(),
            Self::Customer(_)
            | Self::InvoicePayment(_)
            | Self::Refund(_)
            | Self::Dispute(_)
            | Self::Product(_)
            | Self::Price(_)
            | Self::EarlyFraudWarning(_)
            | Self::Review(_)
            | Self::TestClock(_) => None,
        }
    }
}

/// The place of a status word in the lifecycle of its kind: rank, and whether it is final.
pub(super) fn stage(kind: ObjectKind, word: &str) -> (u8, bool) {
    use ObjectKind as K;
    match (kind, word) {
        (K::Subscription, "canceled" | "incomplete_expired")
        | (K::PaymentIntent | K::SetupIntent, "succeeded" | "canceled")
        | (K::InvoicePayment, "paid" | "canceled")
        | (K::CreditNote, "void")
        | (K::PaymentMethod, "detached")
        | (K::Customer | K::Product | K::Price | K::Discount | K::TestClock, DELETED) => (1, true),
        (K::Invoice, "open")
        | (K::Charge, "succeeded" | "failed")
        | (K::Refund, "succeeded")
        | (K::Dispute, "warning_under_review")
        | (K::SubscriptionSchedule, "active") => (1, false),
        (K::Invoice, "uncollectible") | (K::Dispute, "needs_response") => (2, false),
        (K::Refund, "failed" | "canceled")
        | (K::SubscriptionSchedule, "completed" | "released" | "canceled") => (2, true),
        (K::Dispute, "under_review") => (3, false),
        (K::Invoice, "paid" | "void" | DELETED) => (3, true),
        (K::Dispute, "warning_closed" | "prevented" | "charge_refunded") => (4, true),
        (K::Dispute, "lost") => (5, true),
        // Above `lost`: a late win is rare but real; a win is never lost again.
        (K::Dispute, "won") => (6, true),
        _ => (0, false),
    }
}

/// A session ends when it expires, or when it is complete and its payment is decided.
fn checkout_stage(session: &CheckoutSession, event_type: EventType) -> (u8, bool) {
    let failed = async_failed(session, event_type);
    match (&session.status, &session.payment_status) {
        (Some(CheckoutStatus::Expired), _)
        | (
            Some(CheckoutStatus::Complete),
            Some(CheckoutPaymentStatus::Paid | CheckoutPaymentStatus::NoPaymentRequired),
        ) => (2, true),
        (Some(CheckoutStatus::Complete), _) if failed => (2, true),
        (Some(CheckoutStatus::Complete), _) => (1, false),
        _ => (0, false),
    }
}

/// The delayed payment of the session failed, as this event says.
pub(super) fn async_failed(session: &CheckoutSession, event_type: EventType) -> bool {
    session.async_failed || event_type.name() == "checkout.session.async_payment_failed"
}

impl Facts {
    /// The rank that counts inside one second.
    ///
    /// A charge that succeeded and failed in one second was returned by the bank: it failed.
    /// Over seconds the later one counts, so this is no lifecycle rank.
    pub(crate) fn rank_inside_second(&self, kind: ObjectKind) -> u8 {
        let failed_charge = kind == ObjectKind::Charge && self.status.as_deref() == Some("failed");
        self.rank.saturating_add(u8::from(failed_charge))
    }
}

#[cfg(test)]
mod tests;
