//! What a reader of access gets: the verdict, its reason as a stable word, and the plan behind it.

use serde::{Deserialize, Serialize};

use crate::model::catalog::Entitlement;
use crate::model::id::ObjectId;
use crate::model::subscription::{Subscription, SubscriptionItem};
use crate::model::time::Seconds;

/// May they use the product? Ordered from the worst to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No.
    Denied,
    /// Yes, for now: something has to be put right.
    Grace,
    /// Yes.
    Allowed,
}

impl Verdict {
    /// The word, the same as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Grace => "grace",
            Self::Allowed => "allowed",
        }
    }

    /// They may use the product: allowed or in grace.
    #[must_use]
    pub const fn grants(self) -> bool {
        !matches!(self, Self::Denied)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)+) => {
        /// Why. The words are stable; new ones may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, the same as in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

reasons! {
    /// Allowed: the subscription is active.
    Active = "active";
    /// Allowed: the subscription is in its trial.
    Trialing = "trialing";
    /// Allowed: active or in its trial, and an end is set.
    CancelScheduled = "cancel_scheduled";
    /// Grace: a payment is overdue.
    PastDue = "past_due";
    /// Denied: a payment was overdue for longer than the grace.
    PastDueGraceOver = "past_due_grace_over";
    /// Denied: the paid period and its leeway are over, and no renewal has been seen.
    RenewalNotSeen = "renewal_not_seen";
    /// Denied: the trial and its leeway are over, and nothing has been seen since.
    TrialOver = "trial_over";
    /// Denied: the moment set for the end has come.
    CancellationReached = "cancellation_reached";
    /// Denied: the subscription has ended.
    Canceled = "canceled";
    /// Denied: the first payment has not arrived.
    Incomplete = "incomplete";
    /// Denied: the first payment never arrived.
    IncompleteExpired = "incomplete_expired";
    /// Denied: the provider has given up collecting.
    Unpaid = "unpaid";
    /// Denied: paused after a trial without a payment method.
    Paused = "paused";
    /// Denied: a status that this version does not know, and none before it.
    UnknownStatus = "unknown_status";
    /// Denied by the policy: collection of payments is paused.
    CollectionPaused = "collection_paused";
    /// Denied by the policy: the latest invoice's payment was charged back.
    PaymentChargedBack = "payment_charged_back";
    /// Denied by the policy: the latest invoice's payment is in dispute.
    PaymentDisputed = "payment_disputed";
    /// Denied by the policy: the latest invoice's payment was refunded in full.
    PaymentRefunded = "payment_refunded";
    /// Denied: the customer was deleted.
    CustomerDeleted = "customer_deleted";
    /// Denied: there is no subscription.
    NoSubscription = "no_subscription";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an operator should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// The subscription's status is a word that this version does not know: the decision is that of the status before.
    UnknownStatus,
}

/// The subscription behind a decision. Ordered by age first: the newest is the greatest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made.
    pub created: Option<Seconds>,
    /// Which subscription.
    pub subscription: ObjectId,
    /// Until when it is paid, or was last.
    pub current_period_end: Option<Seconds>,
    /// When it ends or has ended, where that is known.
    pub ends_at: Option<Seconds>,
    /// Its items, in the provider's order.
    pub items: Vec<AccessItem>,
    /// The provider cut the list of items.
    pub items_truncated: bool,
}

impl Plan {
    pub(super) fn new(id: &ObjectId, snapshot: &Subscription, ends_at: Option<Seconds>) -> Self {
        Self {
            subscription: id.clone(),
            created: snapshot.created,
            current_period_end: snapshot.current_period_end,
            ends_at,
            items: snapshot.items.iter().map(AccessItem::from).collect(),
            items_truncated: snapshot.items_truncated,
        }
    }
}

/// One thing that was subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct AccessItem {
    /// What it costs.
    pub price: Option<ObjectId>,
    /// What is sold.
    pub product: Option<ObjectId>,
    /// The merchant's name for the price.
    pub lookup_key: Option<Box<str>>,
    /// How many; none for metered use.
    pub quantity: Option<i64>,
}

impl From<&SubscriptionItem> for AccessItem {
    fn from(item: &SubscriptionItem) -> Self {
        Self {
            price: item.price.clone(),
            product: item.product.clone(),
            lookup_key: item.lookup_key.clone(),
            quantity: item.quantity,
        }
    }
}

/// Who may use the product at the moment asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Access {
    /// `allowed`, `grace` or `denied`.
    pub decision: Verdict,
    /// Why.
    pub reason: Reason,
    /// Since when the reason holds, where that is known.
    pub since: Option<Seconds>,
    /// Until when the decision holds if no event comes; none without an end.
    pub until: Option<Seconds>,
    /// The next moment at which the clock alone changes anything here: the decision, its reason or the plan behind it.
    pub next_change_at: Option<Seconds>,
    /// What an operator should look at.
    pub warning: Option<Warning>,
    /// Whose access decides, where several customers were asked about.
    pub customer: Option<ObjectId>,
    /// The subscription that decides; none where there is none.
    pub subscription: Option<ObjectId>,
    /// The price of its first item.
    pub price: Option<ObjectId>,
    /// The product of its first item.
    pub product: Option<ObjectId>,
    /// The lookup key of its first item.
    pub lookup_key: Option<Box<str>>,
    /// The quantity of its first item.
    pub quantity: Option<i64>,
    /// Until when it is paid, or was last.
    pub current_period_end: Option<Seconds>,
    /// When it ends or has ended, where that is known.
    pub ends_at: Option<Seconds>,
    /// All its items.
    pub items: Vec<AccessItem>,
    /// The provider cut the list of items.
    pub items_truncated: bool,
    /// The features that may be used. Empty while denied: whoever reads only this must not let anybody in.
    pub entitlements: Vec<Entitlement>,
    /// The provider cut the list of features: it proves presence, not absence.
    pub entitlements_truncated: bool,
    /// The events do not decide what the decision rests on.
    pub ambiguous: bool,
}
