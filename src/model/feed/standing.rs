//! What the feed says about a subject: only what a merchant acts on, so that nothing else makes an entry.
//!
//! Never holds what only the clock changes, nor a name that another object gives: renaming a price is news of nobody.

use serde::Serialize;

use crate::model::access::{Decision, Reason, Schedule, Verdict, cancellation};
use crate::model::derived::payment::{Payment, PaymentStatus};
use crate::model::id::ObjectId;
use crate::model::money::Currency;
use crate::model::object::Object;
use crate::model::observation::Snapshot;
use crate::model::subscription::{Subscription, SubscriptionStatus};
use crate::model::time::Seconds;

/// The most items of a subscription, and features of a customer, that are said: a row stays short.
pub const SAID_ITEMS_MAX: usize = 200;
/// The most moments ahead at which a customer's access changes by the clock alone that are said.
pub const SAID_STEPS_MAX: usize = 300;

/// What is said about one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Standing {
    /// A subscription.
    Subscription(SubscriptionStanding),
    /// A trial whose end is announced.
    Trial {
        /// When it ends.
        trial_end: Option<Seconds>,
    },
    /// An invoice.
    Invoice(InvoiceStanding),
    /// A payment.
    Payment(PaymentStanding),
    /// What was a payment of its own, and is a part of another one.
    Merged {
        /// The other payment.
        merged_into: ObjectId,
    },
    /// A refund.
    Refund(AmountStanding),
    /// A dispute.
    Dispute(AmountStanding),
    /// A customer's features.
    Entitlements(EntitlementsStanding),
    /// A customer's access.
    Access(AccessStanding),
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionStanding {
    /// The provider's status.
    pub status: SubscriptionStatus,
    /// What is subscribed to, sorted.
    pub items: Vec<PlanItem>,
    /// It ends without a further request. Not said of one that has ended.
    pub cancel_scheduled: bool,
    /// When it ends, where that is known.
    pub cancel_at: Option<Seconds>,
}

/// One thing that is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PlanItem {
    /// What it costs.
    pub price: Option<ObjectId>,
    /// How many; none for metered use.
    pub quantity: Option<i64>,
}

/// An invoice. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceStanding {
    /// The provider's status; none where the provider gave none.
    pub status: Option<Box<str>>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// To be paid in all.
    pub amount_due: i64,
    /// Paid so far.
    pub amount_paid: i64,
    /// Left to pay.
    pub amount_remaining: i64,
}

/// A payment. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentStanding {
    /// Where it stands.
    pub status: PaymentStatus,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Asked for.
    pub amount: i64,
    /// Taken.
    pub amount_captured: i64,
    /// Gone back, or on its way.
    pub amount_refunded: i64,
    /// Withdrawn by chargebacks that are open or lost.
    pub amount_disputed: i64,
}

/// A refund or a dispute. The amount is in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AmountStanding {
    /// The provider's status; none where the provider gave none.
    pub status: Option<Box<str>>,
    /// What the amount is in.
    pub currency: Option<Currency>,
    /// How much.
    pub amount: i64,
}

/// A customer's features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntitlementsStanding {
    /// The lookup keys of the features, sorted.
    pub features: Vec<Box<str>>,
    /// The provider cut the list: it proves presence, not absence.
    pub truncated: bool,
}

/// A customer's access from a moment on: what holds, and what the clock alone will make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessStanding {
    /// What holds at the moment.
    pub now: Grant,
    /// What holds from later moments on, in the order of time.
    pub then: Vec<(Seconds, Grant)>,
}

/// May they use the product, why, and by which subscription?
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// May they use it?
    pub decision: Verdict,
    /// Why.
    pub reason: Reason,
    /// The subscription that decides; none where there is none.
    pub subscription: Option<ObjectId>,
}

impl Standing {
    /// Of an object; none of a kind that the feed does not follow.
    #[must_use]
    pub fn of_object(object: &Object) -> Option<Self> {
        let status = || object.status().map(Box::from);
        Some(match object.current() {
            Snapshot::Subscription(it) => Self::Subscription(SubscriptionStanding::of(&it)),
            Snapshot::Invoice(it) => Self::Invoice(InvoiceStanding {
                status: status(),
                currency: it.currency,
                amount_due: it.amount_due,
                amount_paid: it.amount_paid,
                amount_remaining: it.amount_remaining,
            }),
            Snapshot::Refund(it) => {
                Self::Refund(AmountStanding { status: status(), currency: it.currency, amount: it.amount })
            }
            Snapshot::Dispute(it) => {
                Self::Dispute(AmountStanding { status: status(), currency: it.currency, amount: it.amount })
            }
            Snapshot::Entitlements(it) => {
                let mut features: Vec<Box<str>> =
                    it.active.into_iter().map(|feature| feature.lookup_key).collect();
                features.sort_unstable();
                features.dedup();
                let truncated = it.truncated || features.len() > SAID_ITEMS_MAX;
                features.truncate(SAID_ITEMS_MAX);
                Self::Entitlements(EntitlementsStanding { features, truncated })
            }
            _ => return None,
        })
    }

    /// Of a payment.
    #[must_use]
    pub fn of_payment(payment: &Payment) -> Self {
        Self::Payment(PaymentStanding {
            status: payment.status,
            currency: payment.currency.clone(),
            amount: payment.amount,
            amount_captured: payment.amount_captured,
            amount_refunded: payment.amount_refunded,
            amount_disputed: payment.amount_disputed,
        })
    }

    /// Of a subscription's trial, while it lasts.
    #[must_use]
    pub fn of_trial(object: &Object) -> Option<Self> {
        match object.current() {
            Snapshot::Subscription(it) if it.status == SubscriptionStatus::Trialing => {
                Some(Self::Trial { trial_end: it.trial_end })
            }
            _ => None,
        }
    }

    /// Of a customer's access from `at` on.
    #[must_use]
    pub fn of_access(schedule: &Schedule, at: Seconds) -> Self {
        Self::Access(AccessStanding::of(schedule).from(at).cut())
    }

    /// The same from a later moment on.
    #[must_use]
    pub fn from(self, at: Seconds) -> Self {
        match self {
            Self::Access(access) => Self::Access(access.from(at)),
            other => other,
        }
    }

    /// The next moment at which the clock alone changes anything here.
    #[must_use]
    pub fn next_change_at(&self) -> Option<Seconds> {
        match self {
            Self::Access(access) => access.then.first().map(|(moment, _)| *moment),
            _ => None,
        }
    }
}

impl SubscriptionStanding {
    fn of(subscription: &Subscription) -> Self {
        let mut items: Vec<PlanItem> = subscription
            .items
            .iter()
            .map(|item| PlanItem { price: item.price.clone(), quantity: item.quantity })
            .collect();
        items.sort_unstable();
        items.truncate(SAID_ITEMS_MAX);
        let scheduled = subscription.cancel_scheduled() && !is_over(&subscription.status);
        Self {
            status: subscription.status.clone(),
            items,
            cancel_scheduled: scheduled,
            cancel_at: cancellation(subscription).filter(|_| scheduled),
        }
    }

    /// It has ended, and cannot begin again.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        is_over(&self.status)
    }
}

const fn is_over(status: &SubscriptionStatus) -> bool {
    matches!(status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired)
}

impl AccessStanding {
    fn of(schedule: &Schedule) -> Self {
        let mut standing = Self { now: Grant::of(schedule.first()), then: Vec::new() };
        for step in schedule.steps() {
            let grant = Grant::of(&step.decision);
            // Other plans or features under the same answer are no news here.
            if *standing.last() != grant {
                standing.then.push((step.from, grant));
            }
        }
        standing
    }

    fn last(&self) -> &Grant {
        self.then.last().map_or(&self.now, |(_, grant)| grant)
    }

    /// The part from `at` on: what lies before is no part of any comparison.
    #[must_use]
    pub fn from(mut self, at: Seconds) -> Self {
        let over = self.then.partition_point(|(moment, _)| *moment <= at);
        if let Some((_, grant)) = self.then.drain(..over).next_back() {
            self.now = grant;
        }
        self
    }
}

impl AccessStanding {
    fn cut(mut self) -> Self {
        self.then.truncate(SAID_STEPS_MAX);
        self
    }
}

impl Default for AccessStanding {
    /// Of a customer that nothing was said about.
    fn default() -> Self {
        Self {
            now: Grant { decision: Verdict::Denied, reason: Reason::NoSubscription, subscription: None },
            then: Vec::new(),
        }
    }
}

impl Serialize for AccessStanding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.now.serialize(serializer)
    }
}

impl Grant {
    fn of(decision: &Decision) -> Self {
        Self {
            decision: decision.verdict,
            reason: decision.reason,
            subscription: decision.plan.as_ref().map(|plan| plan.subscription.clone()),
        }
    }
}
