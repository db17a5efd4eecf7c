//! What the payments of an invoice come to, and the last status that has a known word. Decides nothing.

use std::collections::BTreeSet;

use crate::model::derived::payment::Payment;
use crate::model::kind::ObjectKind;
use crate::model::observation::Entry;
use crate::model::payment::{Dispute, DisputeStatus};
use crate::model::register::{Carry, Seconded, history, step};
use crate::model::subscription::SubscriptionStatus;
use crate::model::time::Seconds;

/// What the payments of one invoice come to, each fact for itself: one that holds hides no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentFacts {
    /// A dispute is lost.
    pub charged_back: bool,
    /// A chargeback is open.
    pub disputed: bool,
    /// At least what all of them took went back.
    pub refunded: bool,
}

impl PaymentFacts {
    /// Of all payments of the invoice, and all their disputes.
    #[must_use]
    pub fn of(payments: &[Payment], disputes: &[Dispute]) -> Self {
        let sum = |amount: fn(&Payment) -> i64| -> i128 {
            payments.iter().map(|payment| i128::from(amount(payment))).sum()
        };
        let captured = sum(|payment| payment.amount_captured);
        Self {
            charged_back: disputes.iter().any(|dispute| dispute.status == DisputeStatus::Lost),
            disputed: disputes.iter().any(Dispute::is_open_chargeback),
            refunded: captured > 0 && sum(|payment| payment.amount_refunded) >= captured,
        }
    }
}

/// The last status of a subscription whose word is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastKnown {
    /// The status.
    pub status: SubscriptionStatus,
    /// The second in which it began.
    pub since: Seconds,
    /// The events do not decide that it was this one.
    pub ambiguous: bool,
}

impl LastKnown {
    /// Of all entries of a subscription, in whatever order they came; none where no word is known.
    #[must_use]
    pub fn of(entries: &Seconded) -> Option<Self> {
        let kind = ObjectKind::Subscription;
        let tells = |entry: &Entry| is_known(entry) || left(entry).is_some();
        let (&second, newest) = entries.iter().rev().find(|(_, entries)| entries.iter().any(tells))?;
        let before = history(kind, entries).take_while(|(at, _)| *at < second).last().map(|(_, carry)| carry);
        if !newest.iter().any(is_known) {
            return Self::left_unseen(before.as_ref(), second, newest);
        }
        // The unknown word may share its second with what came before it.
        let newest: Vec<Entry> = newest.iter().filter(|entry| is_known(entry)).cloned().collect();
        let Carry { facts, status_since, certain, .. } = step(kind, before.as_ref(), second, &newest)?;
        Some(Self { status: facts.status?.as_ref().into(), since: status_since, ambiguous: !certain })
    }

    /// No event shows it, but the one with the unknown word says what it was before.
    fn left_unseen(before: Option<&Carry>, second: Seconds, entries: &[Entry]) -> Option<Self> {
        let words: BTreeSet<&str> = entries.iter().filter_map(left).collect();
        let word = *words.first()?;
        let goes_on = before.filter(|carry| carry.facts.status.as_deref() == Some(word));
        let since = goes_on.map_or(second, |carry| carry.status_since);
        Some(Self { status: word.into(), since, ambiguous: words.len() > 1 })
    }
}

/// The known word that the event says was there before it.
fn left(entry: &Entry) -> Option<&str> {
    entry.status_before.as_deref().filter(|word| SubscriptionStatus::KNOWN.contains(word))
}

fn is_known(entry: &Entry) -> bool {
    entry.facts.status.as_deref().is_some_and(|word| SubscriptionStatus::KNOWN.contains(&word))
}
