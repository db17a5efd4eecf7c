//! What entries are about, and the kinds of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::id::{ObjectId, Scope};

/// What is followed from entry to entry. The code is stored; it never changes once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Topic {
    /// A subscription: status, plan, and whether an end is set.
    Subscription = 1,
    /// The announced end of a subscription's trial.
    Trial = 2,
    /// An invoice.
    Invoice = 3,
    /// A payment: an intent with its charges, refunds and disputes.
    Payment = 4,
    /// A refund.
    Refund = 5,
    /// A dispute.
    Dispute = 6,
    /// What a customer may use, by feature.
    Entitlements = 7,
    /// Whether a customer may use the product.
    Access = 8,
}

impl Topic {
    /// Every topic, in the order of the codes.
    pub const ALL: [Self; 8] = [
        Self::Subscription,
        Self::Trial,
        Self::Invoice,
        Self::Payment,
        Self::Refund,
        Self::Dispute,
        Self::Entitlements,
        Self::Access,
    ];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The topic behind a stored code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.code() == code)
    }
}

/// One thing that the feed follows: each of its entries begins where the one before it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Whose, live or test.
    pub scope: Scope,
    /// What about it.
    pub topic: Topic,
    /// Which; of entitlements and access the customer.
    pub object: ObjectId,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $topic:ident;)+) => {
        /// What an entry tells. The words are stable; new ones may be added.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "Box<str>", into = "Box<str>")]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, the same as in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it is about.
            #[must_use]
            pub const fn topic(self) -> Topic {
                match self { $(Self::$variant => Topic::$topic,)+ }
            }

            /// What it tells, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

kinds! {
    /// A subscription is seen for the first time, or has another status.
    SubscriptionStatusChanged = "subscription.status_changed", Subscription;
    /// A subscription has other prices or quantities.
    SubscriptionPlanChanged = "subscription.plan_changed", Subscription;
    /// A subscription will end, or at another moment than was said.
    SubscriptionCancellationScheduled = "subscription.cancellation_scheduled", Subscription;
    /// A subscription that was to end goes on.
    SubscriptionCancellationWithdrawn = "subscription.cancellation_withdrawn", Subscription;
    /// The provider announces that a trial ends.
    SubscriptionTrialEnding = "subscription.trial_ending", Trial;
    /// An invoice is seen for the first time, or has another status.
    InvoiceStatusChanged = "invoice.status_changed", Invoice;
    /// An invoice has other amounts under the same status.
    InvoiceAmountChanged = "invoice.amount_changed", Invoice;
    /// A payment is seen for the first time, or has another status.
    PaymentStatusChanged = "payment.status_changed", Payment;
    /// A payment has other amounts under the same status.
    PaymentAmountChanged = "payment.amount_changed", Payment;
    /// What was told as a payment of its own turned out to be a part of another one.
    PaymentMerged = "payment.merged", Payment;
    /// A refund is seen for the first time, or has another status.
    RefundStatusChanged = "refund.status_changed", Refund;
    /// A refund has another amount under the same status.
    RefundAmountChanged = "refund.amount_changed", Refund;
    /// A dispute is seen for the first time, or has another status.
    DisputeStatusChanged = "dispute.status_changed", Dispute;
    /// A dispute has another amount under the same status.
    DisputeAmountChanged = "dispute.amount_changed", Dispute;
    /// A customer may use other features.
    EntitlementsChanged = "entitlements.changed", Entitlements;
    /// A customer may use the product, and could not, or was in grace.
    AccessGranted = "access.granted", Access;
    /// A customer may use the product for now; something has to be put right.
    AccessInGrace = "access.in_grace", Access;
    /// A customer may not use the product any more.
    AccessRevoked = "access.revoked", Access;
    /// The same verdict for another reason, by another subscription, or until another moment.
    AccessRescheduled = "access.rescheduled", Access;
}

impl Kind {
    /// The kind behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

impl From<Kind> for Box<str> {
    fn from(kind: Kind) -> Self {
        kind.as_str().into()
    }
}

impl TryFrom<Box<str>> for Kind {
    type Error = &'static str;

    fn try_from(word: Box<str>) -> Result<Self, Self::Error> {
        Self::parse(&word).ok_or("no kind of entry")
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
