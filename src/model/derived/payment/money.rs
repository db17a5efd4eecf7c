//! How much of a payment was taken, went back, and is in dispute. Whole minor units of one currency; a sum that does
//! not fit holds at the end of the range.

use super::{Member, PaymentGroup};
use crate::model::id::ObjectId;
use crate::model::money::Currency;
use crate::model::payment::{
    Charge, ChargeStatus, Dispute, DisputeStatus, PaymentIntentStatus, Refund, RefundStatus,
};

/// The refund reason under which the provider lets go of an authorization. No money was taken, so none goes back.
const RELEASE_REASON: &str = "expired_uncaptured_charge";

/// What the members say about money.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Money was taken, even where the amount is not known.
    pub taken: bool,
    pub captured: i64,
    pub refunded: i64,
    pub disputed: i64,
    pub refunds_incomplete: bool,
    pub disputes_incomplete: bool,
}

pub(super) fn of(group: &PaymentGroup, currency: Option<&Currency>) -> Sums {
    let (taken, captured) = captured(group);
    // What was not taken cannot go back: a refund then is the end of an authorization.
    let (refunded, refunds_incomplete) = if taken { refunded(group, currency) } else { (0, false) };
    let (disputed, disputes_incomplete) = disputed(group, currency);
    Sums { taken, captured, refunded, disputed, refunds_incomplete, disputes_incomplete }
}

/// The charge took money: it succeeded and is more than an authorization.
pub(super) fn has_captured(charge: &Charge) -> bool {
    charge.status == ChargeStatus::Succeeded && charge.captured
}

/// The bank asks; no money has moved.
pub(super) fn is_inquiry(dispute: &Dispute) -> bool {
    matches!(dispute.status, DisputeStatus::WarningNeedsResponse | DisputeStatus::WarningUnderReview)
}

/// The intent's success stands: the attempt that it names has not failed since.
pub(super) fn intent_succeeded(group: &PaymentGroup) -> bool {
    group.intent.as_ref().is_some_and(|member| member.snapshot.status == PaymentIntentStatus::Succeeded)
        && !latest_failed(group)
}

/// The attempt that the intent names as its latest has failed.
pub(super) fn latest_failed(group: &PaymentGroup) -> bool {
    let latest = group.intent.as_ref().and_then(|member| member.snapshot.latest_charge.as_ref());
    latest
        .and_then(|latest| group.charges.iter().find(|member| member.id == *latest))
        .is_some_and(|member| member.snapshot.status == ChargeStatus::Failed)
}

fn captured(group: &PaymentGroup) -> (bool, i64) {
    let taking = group.charges.iter().map(|member| &member.snapshot).filter(|charge| has_captured(charge));
    let captured = total(taking.clone().map(captured_of));
    if taking.count() > 0 {
        return (true, captured);
    }
    let taken = intent_succeeded(group) || is_proven(group);
    let Some(intent) = group.intent.as_ref().map(|member| &member.snapshot).filter(|_| taken) else {
        return (taken, 0);
    };
    (true, if intent.amount_received > 0 { intent.amount_received } else { intent.amount })
}

/// Versions without `amount_captured` show zero: such a charge was captured whole.
fn captured_of(charge: &Charge) -> i64 {
    if charge.amount_captured > 0 { charge.amount_captured } else { charge.amount }
}

/// A refund or chargeback of a charge that was not received: nothing goes back that was not taken.
fn is_proven(group: &PaymentGroup) -> bool {
    let canceled =
        group.intent.as_ref().is_some_and(|member| member.snapshot.status == PaymentIntentStatus::Canceled);
    let unseen = |charge: Option<&ObjectId>| match charge {
        Some(id) => group.charges.iter().all(|member| member.id != *id),
        None => group.charges.is_empty(),
    };
    let refunds = group.refunds.iter().map(|member| &member.snapshot);
    let disputes = group.disputes.iter().map(|member| &member.snapshot);
    refunds.filter(|refund| !is_release(refund)).any(|refund| !canceled && unseen(refund.charge.as_ref()))
        || disputes.into_iter().any(|dispute| unseen(dispute.charge.as_ref()))
}

fn is_release(refund: &Refund) -> bool {
    refund.reason.as_deref() == Some(RELEASE_REASON)
}

/// The refunds know what went back: a charge's own number stays too high when a refund fails. Only where the refunds
/// that we hold cannot explain that number does it stand, and the answer says so.
fn refunded(group: &PaymentGroup, currency: Option<&Currency>) -> (i64, bool) {
    let (known, foreign): (Vec<_>, Vec<_>) = group
        .refunds
        .iter()
        .map(|member| &member.snapshot)
        .filter(|refund| !is_release(refund) && !of_authorization(group, refund))
        .partition(|refund| same(refund.currency.as_ref(), currency));
    let sum =
        |live: bool| total(known.iter().filter(|refund| is_live(refund) == live).map(|refund| refund.amount));
    let (live, dead) = (sum(true), sum(false));
    let incomplete = !foreign.is_empty();
    let taking = || group.charges.iter().map(|member| &member.snapshot).filter(|charge| has_captured(charge));
    let said = total(taking().map(refunded_of));
    if said <= live.saturating_add(dead) || taking().any(|charge| is_rest_released(charge, live)) {
        return (live, incomplete);
    }
    (said, true)
}

/// Only these two end a refund; a word that we do not know, or none, is a refund under way.
fn is_live(refund: &Refund) -> bool {
    !matches!(refund.status, Some(RefundStatus::Failed | RefundStatus::Canceled))
}

/// The release of a held authorization. Without `refunded` the charge has only not been seen captured yet.
fn of_authorization(group: &PaymentGroup, refund: &Refund) -> bool {
    let is_its = |member: &&Member<Charge>| refund.charge.as_ref() == Some(&member.id);
    group
        .charges
        .iter()
        .find(is_its)
        .is_some_and(|member| !member.snapshot.captured && member.snapshot.refunded)
}

/// More than was taken cannot go back: beyond it, old versions count the part that was never captured.
fn refunded_of(charge: &Charge) -> i64 {
    let captured = captured_of(charge);
    if charge.refunded { captured } else { charge.amount_refunded.min(captured) }
}

/// Old versions report the part that was never captured as refunded.
fn is_rest_released(charge: &Charge, live: i64) -> bool {
    let rest = charge.amount.saturating_sub(captured_of(charge));
    !charge.refunded && rest > 0 && charge.amount_refunded == rest.saturating_add(live)
}

fn disputed(group: &PaymentGroup, currency: Option<&Currency>) -> (i64, bool) {
    let hinted = group.charges.iter().any(|member| member.snapshot.disputed);
    let at_stake =
        group.disputes.iter().map(|member| &member.snapshot).filter(|dispute| at_stake_of(dispute) != 0);
    let (known, foreign): (Vec<_>, Vec<_>) =
        at_stake.partition(|dispute| same(dispute.currency.as_ref(), currency));
    let incomplete = !foreign.is_empty() || (hinted && group.disputes.is_empty());
    (total(known.into_iter().map(at_stake_of)), incomplete)
}

fn at_stake_of(dispute: &Dispute) -> i64 {
    match dispute.status {
        DisputeStatus::Lost => lost_of(dispute),
        _ if dispute.is_open_chargeback() => dispute.amount,
        _ => 0,
    }
}

/// Withdrawn less reinstated. Both are in the currency of the merchant's balance, the dispute may be in another: so the
/// share that is gone is taken of the dispute's own amount. In one currency that is the plain difference.
fn lost_of(dispute: &Dispute) -> i64 {
    let withdrawn = i128::from(dispute.amount_withdrawn);
    if withdrawn <= 0 {
        return dispute.amount;
    }
    let gone = (withdrawn - i128::from(dispute.amount_reinstated)).clamp(0, withdrawn);
    let share = (i128::from(dispute.amount) * gone + withdrawn / 2) / withdrawn;
    i64::try_from(share).unwrap_or(dispute.amount)
}

/// Added up wide and cut at the end: cutting at each step would depend on the order.
fn total(amounts: impl Iterator<Item = i64>) -> i64 {
    let sum: i128 = amounts.map(i128::from).sum();
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

fn same(one: Option<&Currency>, other: Option<&Currency>) -> bool {
    one.is_none() || one == other
}
