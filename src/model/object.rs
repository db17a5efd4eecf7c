//! An object as the projection keeps it: the newest snapshot, how it was decided, and what holds in any order.
//!
//! [`Object::current`] is the one place where the two layers meet. Nothing here counts arrivals.

use serde::{Deserialize, Serialize};

use super::catalog::{Entitlement, Entitlements};
use super::checkout::{CheckoutPaymentStatus, CheckoutStatus};
use super::facts::DELETED;
use super::id::{ObjectId, ObjectKey};
use super::invoice::{CreditNoteStatus, Invoice, InvoicePaymentStatus, InvoiceStatus};
use super::joined::{Joined, Once};
use super::kind::ObjectKind;
use super::observation::Snapshot;
use super::payment::{ChargeStatus, Dispute, DisputeStatus, PaymentIntentStatus, RefundStatus};
use super::register::Carry;
use super::subscription::SubscriptionStatus;
use super::time::Seconds;
use super::watch::ScheduleStatus;

/// The fold of all events of one object. A function of their set: equal sets, equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Which object.
    pub key: ObjectKey,
    /// The winner's snapshot as the event showed it. Read [`Object::current`] for the state.
    pub snapshot: Snapshot,
    /// The newest second of its events.
    pub newest: Seconds,
    /// The fold after all seconds before the newest.
    pub before: Option<Carry>,
    /// The fold after the newest second.
    pub now: Carry,
    /// What holds whatever the order.
    pub joined: Joined,
}

impl Object {
    /// The same object with the snapshot of the event that [`Carry::winner`] names.
    #[must_use]
    pub fn with_snapshot(self, snapshot: Snapshot) -> Self {
        Self { snapshot, ..self }
    }

    /// The state: the newest snapshot, overruled where the whole set of events knows better.
    #[must_use]
    pub fn current(&self) -> Snapshot {
        let mut snapshot = self.snapshot.clone();
        if let Some(status) = self.status() {
            put_status(&mut snapshot, status);
        }
        let behind = self.stage_overruled();
        match &mut snapshot {
            Snapshot::Subscription(it) => it.ended_at = self.joined.once(Once::EndedAt),
            Snapshot::Invoice(it) => self.put_invoice(it),
            Snapshot::InvoicePayment(it) => {
                it.paid_at = self.joined.once(Once::PaidAt);
                it.canceled_at = self.joined.once(Once::CanceledAt);
            }
            Snapshot::CheckoutSession(it) => {
                it.async_failed = self.joined.async_failed();
                if let Some(word) = self.joined.payment_status().filter(|_| behind) {
                    it.payment_status = Some(CheckoutPaymentStatus::from(word));
                }
            }
            Snapshot::PaymentIntent(it) => {
                it.canceled_at = self.joined.once(Once::CanceledAt);
                [it.amount_received, _] = self.joined.numbers();
            }
            Snapshot::Charge(it) => {
                let [captured, is_captured] = self.joined.numbers();
                it.amount_captured = captured;
                it.captured = is_captured > 0;
            }
            Snapshot::Dispute(it) => self.put_dispute(it),
            Snapshot::Product(it) => {
                let [updated, _] = self.joined.numbers();
                it.updated = it.updated.map(|second| second.max(Seconds(updated)));
            }
            Snapshot::CreditNote(it) => it.voided_at = self.joined.once(Once::VoidedAt),
            Snapshot::SubscriptionSchedule(it) => {
                it.canceled_at = self.joined.once(Once::CanceledAt);
                it.completed_at = self.joined.once(Once::CompletedAt);
                it.released_at = self.joined.once(Once::ReleasedAt);
            }
            Snapshot::Entitlements(it) => self.put_entitlements(it),
            _ => {}
        }
        snapshot
    }

    fn put_invoice(&self, invoice: &mut Invoice) {
        invoice.finalized_at = self.joined.once(Once::FinalizedAt);
        invoice.paid_at = self.joined.once(Once::PaidAt);
        invoice.voided_at = self.joined.once(Once::VoidedAt);
        invoice.marked_uncollectible_at = self.joined.once(Once::MarkedUncollectibleAt);
        [invoice.attempt_count, invoice.amount_paid] = self.joined.numbers();
    }

    fn put_dispute(&self, dispute: &mut Dispute) {
        let [movements, submissions] = self.joined.numbers();
        dispute.submission_count = submissions;
        // The amounts belong to the movements: they are overruled together or not at all.
        if movements > dispute.balance_transactions
            && let Some([withdrawn, reinstated, fees]) = self.joined.moved()
        {
            dispute.balance_transactions = movements;
            dispute.amount_withdrawn = withdrawn;
            dispute.amount_reinstated = reinstated;
            dispute.fees = fees;
        }
    }

    /// A list that was cut proves presence, never absence.
    fn put_entitlements(&self, entitlements: &mut Entitlements) {
        if !entitlements.truncated {
            return;
        }
        entitlements.active = self
            .joined
            .listed()
            .map(|(key, feature)| Entitlement { lookup_key: key.into(), feature: feature.cloned() })
            .collect();
    }

    /// The newest snapshot shows an earlier stage of life than another event.
    fn stage_overruled(&self) -> bool {
        self.joined.status_beyond(self.now.facts.rank).is_some()
    }

    /// The status word; none where the kind has none, or the provider gave none.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.joined.status_beyond(self.now.facts.rank).or(self.now.facts.status.as_deref())
    }

    /// The second in which the current status began.
    #[must_use]
    pub fn status_since(&self) -> Seconds {
        if self.stage_overruled() { self.joined.stage_since() } else { self.now.status_since }
    }

    /// Another event might as well be the newest one.
    #[must_use]
    pub const fn ambiguous(&self) -> bool {
        !self.now.certain
    }

    /// The newest event shows less than another one proves: seconds do not tell the order here.
    #[must_use]
    pub fn created_inversion(&self) -> bool {
        let shown = self.now.facts.numbers;
        let numbers = shown.iter().zip(self.joined.numbers()).any(|(shown, most)| *shown < most);
        self.stage_overruled() || numbers
    }

    /// The events cannot all be true.
    #[must_use]
    pub fn contradictory(&self) -> bool {
        self.joined.contradictory()
    }

    /// When the provider made it; where it does not say so, the second of the oldest event.
    #[must_use]
    pub fn created(&self) -> Seconds {
        self.snapshot.created().unwrap_or(self.joined.first_seen)
    }

    /// Whose it is. What is detached from a customer still belongs to its history.
    #[must_use]
    pub fn customer(&self) -> Option<&ObjectId> {
        if self.key.kind == ObjectKind::Customer {
            return Some(&self.key.id);
        }
        self.snapshot.customer().or_else(|| self.joined.only_link(ObjectKind::Customer))
    }

    /// It is gone for good.
    #[must_use]
    pub fn deleted(&self) -> bool {
        self.status() == Some(DELETED)
    }
}

/// Writes a status word where the kind keeps its status. Kinds without one are left alone.
fn put_status(snapshot: &mut Snapshot, word: &str) {
    match snapshot {
        Snapshot::Subscription(it) => it.status = SubscriptionStatus::from(word),
        Snapshot::Invoice(it) => it.status = Some(InvoiceStatus::from(word)),
        Snapshot::InvoicePayment(it) => it.status = InvoicePaymentStatus::from(word),
        Snapshot::CheckoutSession(it) => it.status = Some(CheckoutStatus::from(word)),
        Snapshot::PaymentIntent(it) => it.status = PaymentIntentStatus::from(word),
        Snapshot::Charge(it) => it.status = ChargeStatus::from(word),
        Snapshot::Refund(it) => it.status = Some(RefundStatus::from(word)),
        Snapshot::Dispute(it) => it.status = DisputeStatus::from(word),
        Snapshot::CreditNote(it) => it.status = CreditNoteStatus::from(word),
        Snapshot::SetupIntent(it) => it.status = super::checkout::SetupIntentStatus::from(word),
        Snapshot::SubscriptionSchedule(it) => it.status = ScheduleStatus::from(word),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
