//! From what was said last to what is true now: one change for each kind of news in it.

use super::kind::Kind;
use super::standing::{AccessStanding, Standing, SubscriptionStanding};
use crate::model::access::Verdict;
use crate::model::time::Seconds;

/// One step of a subject. The steps of one change follow each other: each begins where the one before it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it tells.
    pub kind: Kind,
    /// What was said last; none where nothing was said yet.
    pub from: Option<Standing>,
    /// What is said now.
    pub to: Standing,
}

/// What is new in `to` at the moment `at`, if `from` was said last. Empty if nothing is.
#[must_use]
pub fn changes(from: Option<&Standing>, to: &Standing, at: Seconds) -> Vec<Change> {
    let from = from.cloned().map(|from| from.from(at));
    let to = to.clone().from(at);
    if from.as_ref() == Some(&to) {
        return Vec::new();
    }
    match (&from, &to) {
        (Some(Standing::Subscription(before)), Standing::Subscription(now)) => {
            steps(Vec::new(), before.clone(), now)
        }
        (None, Standing::Subscription(now)) => {
            let first = SubscriptionStanding { cancel_scheduled: false, cancel_at: None, ..now.clone() };
            let seen = Change {
                kind: Kind::SubscriptionStatusChanged,
                from: None,
                to: Standing::Subscription(first.clone()),
            };
            steps(vec![seen], first, now)
        }
        _ => kind_of(from.as_ref(), &to).map(|kind| Change { kind, from, to }).into_iter().collect(),
    }
}

/// The steps of a subscription, the status first: who is gone has no plan to change.
fn steps(mut steps: Vec<Change>, before: SubscriptionStanding, now: &SubscriptionStanding) -> Vec<Change> {
    let mut last = before;
    let mut step = |kind, next: SubscriptionStanding, last: &mut SubscriptionStanding| {
        let from = Some(Standing::Subscription(std::mem::replace(last, next.clone())));
        steps.push(Change { kind, from, to: Standing::Subscription(next) });
    };
    if last.status != now.status {
        let mut next = SubscriptionStanding { status: now.status.clone(), ..last.clone() };
        // The end that was set has come, or another one before it: nothing was withdrawn.
        if now.is_over() {
            (next.cancel_scheduled, next.cancel_at) = (now.cancel_scheduled, now.cancel_at);
        }
        step(Kind::SubscriptionStatusChanged, next, &mut last);
    }
    if last.items != now.items {
        let next = SubscriptionStanding { items: now.items.clone(), ..last.clone() };
        step(Kind::SubscriptionPlanChanged, next, &mut last);
    }
    if last != *now {
        let kind = if now.cancel_scheduled {
            Kind::SubscriptionCancellationScheduled
        } else {
            Kind::SubscriptionCancellationWithdrawn
        };
        step(kind, now.clone(), &mut last);
    }
    steps
}

/// The kind of a change that is one step; none where it is no news.
fn kind_of(from: Option<&Standing>, to: &Standing) -> Option<Kind> {
    use Standing::{Access, Dispute, Entitlements, Invoice, Merged, Payment, Refund, Trial};
    let pick = |same_status, status, amount| if same_status { amount } else { status };
    Some(match (from, to) {
        (_, Trial { .. }) => Kind::SubscriptionTrialEnding,
        (_, Invoice(now)) => pick(
            matches!(from, Some(Invoice(before)) if before.status == now.status),
            Kind::InvoiceStatusChanged,
            Kind::InvoiceAmountChanged,
        ),
        (_, Payment(now)) => pick(
            matches!(from, Some(Payment(before)) if before.status == now.status),
            Kind::PaymentStatusChanged,
            Kind::PaymentAmountChanged,
        ),
        // Nobody was told of it.
        (None, Merged { .. }) => return None,
        (Some(_), Merged { .. }) => Kind::PaymentMerged,
        (_, Refund(now)) => pick(
            matches!(from, Some(Refund(before)) if before.status == now.status),
            Kind::RefundStatusChanged,
            Kind::RefundAmountChanged,
        ),
        (_, Dispute(now)) => pick(
            matches!(from, Some(Dispute(before)) if before.status == now.status),
            Kind::DisputeStatusChanged,
            Kind::DisputeAmountChanged,
        ),
        (_, Entitlements(_)) => Kind::EntitlementsChanged,
        (Some(Access(before)), Access(now)) => return access_kind(before, now),
        (_, Access(now)) => return access_kind(&AccessStanding::default(), now),
        (_, Standing::Subscription(_)) => Kind::SubscriptionStatusChanged,
    })
}

fn access_kind(before: &AccessStanding, now: &AccessStanding) -> Option<Kind> {
    if before == now {
        return None;
    }
    Some(match now.now.decision {
        same if same == before.now.decision => Kind::AccessRescheduled,
        Verdict::Allowed => Kind::AccessGranted,
        Verdict::Grace => Kind::AccessInGrace,
        Verdict::Denied => Kind::AccessRevoked,
    })
}
