//! A subscription: a customer's plan, and nothing else.
//!
//! Its status may go in circles until it is canceled or has expired unpaid; those two are final.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::open::open_enum;
use super::private::Metadata;
use super::time::Seconds;

open_enum! {
    /// The provider's status of a subscription.
    SubscriptionStatus {
        Incomplete = "incomplete",
        IncompleteExpired = "incomplete_expired",
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        Canceled = "canceled",
        Unpaid = "unpaid",
        Paused = "paused",
    }
}

/// A subscription as one event showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Subscription {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Whose plan.
    pub customer: Option<ObjectId>,
    /// The provider's status.
    pub status: SubscriptionStatus,
    /// What its prices are in.
    pub currency: Option<Currency>,
    /// What is subscribed to; items carry their own periods.
    pub items: Vec<SubscriptionItem>,
    /// The list of items was cut by the provider.
    pub items_truncated: bool,
    /// The least start of the items' periods.
    pub current_period_start: Option<Seconds>,
    /// The greatest end of the items' periods.
    pub current_period_end: Option<Seconds>,
    /// Ends with the period.
    pub cancel_at_period_end: bool,
    /// Ends at this moment.
    pub cancel_at: Option<Seconds>,
    /// When the cancellation was asked for. Not the end.
    pub canceled_at: Option<Seconds>,
    /// When it really ended.
    pub ended_at: Option<Seconds>,
    /// Why it was canceled (`cancellation_requested`, `payment_failed`, …).
    pub cancellation_reason: Option<Box<str>>,
    /// First second of the trial; stays after the trial.
    pub trial_start: Option<Seconds>,
    /// End of the trial; stays after the trial.
    pub trial_end: Option<Seconds>,
    /// Collection of payments is paused. The status says nothing about that.
    pub pause_collection: Option<PauseCollection>,
    /// `charge_automatically` or `send_invoice`.
    pub collection_method: Option<Box<str>>,
    /// The newest invoice.
    pub latest_invoice: Option<ObjectId>,
    /// What pays, if it is not the customer's default.
    pub default_payment_method: Option<ObjectId>,
    /// A change waits for its payment.
    pub pending_update: bool,
    /// A payment method waits to be set up.
    pub pending_setup_intent: Option<ObjectId>,
    /// The schedule that drives it.
    pub schedule: Option<ObjectId>,
    /// Discounts at work.
    pub discounts: Vec<ObjectId>,
    /// First second of the first period.
    pub start_date: Option<Seconds>,
    /// What the periods are counted from.
    pub billing_cycle_anchor: Option<Seconds>,
    /// Days that a sent invoice may stay unpaid.
    pub days_until_due: Option<i64>,
    /// The test clock that it lives by.
    pub test_clock: Option<ObjectId>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

impl Subscription {
    /// It will end without a further request. Portal cancellations of the flexible billing mode set `cancel_at` alone.
    #[must_use]
    pub fn cancel_scheduled(&self) -> bool {
        self.cancel_at_period_end || self.cancel_at.is_some()
    }
}

/// One line of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct SubscriptionItem {
    /// The item (`si_…`).
    pub id: Option<ObjectId>,
    /// What it costs.
    pub price: Option<ObjectId>,
    /// What is sold.
    pub product: Option<ObjectId>,
    /// The merchant's name for the price.
    pub lookup_key: Option<Box<str>>,
    /// Minor units a unit; none when tiered or a fraction.
    pub unit_amount: Option<i64>,
    /// `day`, `week`, `month`, `year`.
    pub interval: Option<Box<str>>,
    /// Intervals a period.
    pub interval_count: Option<i64>,
    /// `licensed` or `metered`.
    pub usage_type: Option<Box<str>>,
    /// How many; none for metered use.
    pub quantity: Option<i64>,
    /// First second of the period.
    pub current_period_start: Option<Seconds>,
    /// End of the period.
    pub current_period_end: Option<Seconds>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// How payments are paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct PauseCollection {
    /// `keep_as_draft`, `mark_uncollectible`, `void`.
    pub behavior: Box<str>,
    /// When collection goes on by itself.
    pub resumes_at: Option<Seconds>,
}
