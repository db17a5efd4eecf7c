//! Objects that are watched and change no one's state: schedules, fraud warnings, reviews, test clocks.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::open::open_enum;
use super::time::Seconds;

open_enum! {
    /// The provider's status of a subscription schedule.
    ScheduleStatus {
        NotStarted = "not_started",
        Active = "active",
        Completed = "completed",
        Released = "released",
        Canceled = "canceled",
    }
}

/// Planned phases of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct SubscriptionSchedule {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status.
    pub status: ScheduleStatus,
    /// Whose.
    pub customer: Option<ObjectId>,
    /// What it drives.
    pub subscription: Option<ObjectId>,
    /// What it drove before it was released.
    pub released_subscription: Option<ObjectId>,
    /// First second of the phase at work.
    pub current_phase_start: Option<Seconds>,
    /// End of the phase at work.
    pub current_phase_end: Option<Seconds>,
    /// `release`, `cancel`, `renew`, `none`.
    pub end_behavior: Option<Box<str>>,
    /// The planned phases.
    pub phases: Vec<SchedulePhase>,
    /// When it was canceled.
    pub canceled_at: Option<Seconds>,
    /// When it was completed.
    pub completed_at: Option<Seconds>,
    /// When it was released.
    pub released_at: Option<Seconds>,
}

/// One planned phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct SchedulePhase {
    /// First second.
    pub start: Option<Seconds>,
    /// End.
    pub end: Option<Seconds>,
    /// The prices of the phase.
    pub prices: Vec<ObjectId>,
}

/// An issuer's hint of fraud. Changes no payment by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct EarlyFraudWarning {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Of which charge.
    pub charge: Option<ObjectId>,
    /// Of which intent.
    pub payment_intent: Option<ObjectId>,
    /// A refund could still prevent a dispute.
    pub actionable: bool,
    /// The issuer's kind of fraud.
    pub fraud_type: Option<Box<str>>,
}

/// A payment under manual review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Review {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Of which charge.
    pub charge: Option<ObjectId>,
    /// Of which intent.
    pub payment_intent: Option<ObjectId>,
    /// Not decided yet.
    pub open: bool,
    /// Why it is (or was last) looked at.
    pub reason: Option<Box<str>>,
    /// How it ended.
    pub closed_reason: Option<Box<str>>,
}

/// Simulated time in test mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct TestClock {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// `ready`, `advancing`, `internal_failure`.
    pub status: Option<Box<str>>,
    /// What time it shows.
    pub frozen_time: Option<Seconds>,
    /// When the provider deletes it with all its objects.
    pub deletes_after: Option<Seconds>,
}
