//! The rules: what each subscription status grants, and every number and switch in them.
//!
//! **To change a rule, change `Policy::course` and its helpers; to change a default, change [`Policy::default`].** No
//! other file knows what a status means for access.
//!
//! | status | grants |
//! |---|---|
//! | `trialing` | allowed until the trial's end and a leeway |
//! | `active` | allowed until the end of the period and a leeway; with an end set, until that end and no longer |
//! | `past_due` | grace for a number of days since it began, then denied |
//! | `unpaid`, `paused`, `incomplete`, `incomplete_expired`, `canceled` | denied |
//! | any other word | what the status before it grants, with a warning; denied where there is none |
//!
//! Above the statuses stand the gates: a deleted customer is denied, whatever the subscriptions say; the payment of the
//! latest invoice and a pause of collection deny where the policy says so.

use serde::{Deserialize, Serialize};

use super::answer::{Reason, Verdict, Warning};
use super::schedule::SubscriptionInput;
use crate::model::subscription::{Subscription, SubscriptionStatus};
use crate::model::time::Seconds;

/// The longest grace or leeway, in days: ten years.
pub const GRACE_DAYS_MAX: u32 = 3_650;

const DAY_SECONDS: i64 = 86_400;

/// More days than a grace can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a grace or leeway has 0 to {GRACE_DAYS_MAX} whole days")]
pub struct InvalidDays;

/// Whole days, 0 to [`GRACE_DAYS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(try_from = "u32", into = "u32")]
pub struct Days(u32);

impl Days {
    /// Accepts 0 to [`GRACE_DAYS_MAX`].
    ///
    /// # Errors
    /// [`InvalidDays`] for more.
    pub const fn new(days: u32) -> Result<Self, InvalidDays> {
        if days <= GRACE_DAYS_MAX { Ok(Self(days)) } else { Err(InvalidDays) }
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    fn after(self, moment: Seconds) -> Seconds {
        moment.plus(i64::from(self.0) * DAY_SECONDS)
    }
}

impl TryFrom<u32> for Days {
    type Error = InvalidDays;
    fn try_from(days: u32) -> Result<Self, InvalidDays> {
        Self::new(days)
    }
}

impl From<Days> for u32 {
    fn from(days: Days) -> Self {
        days.0
    }
}

/// What a circumstance does to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Nothing: the status decides.
    Ignore,
    /// Denies, whatever the status grants.
    Deny,
}

/// The merchant's choices. What is left out of a configuration has its default; an unknown name is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How long `past_due` is tolerated, counted from its beginning. Default 7: the provider's retries need days, and
    /// most of them succeed. 0 denies at once.
    pub past_due_grace_days: Days,
    /// How long after its period an active subscription goes on while no renewal has been seen; the same after a trial.
    /// Default 2: the news of a renewal may be late, and a customer who paid must not notice.
    pub renewal_leeway_days: Days,
    /// The latest invoice's payment was charged back. Default deny: the period is not paid, and the provider does not
    /// cancel the subscription for it.
    pub charged_back: Gate,
    /// The latest invoice's payment is in dispute. Default ignore: it is not decided, and merchants do win.
    pub disputed: Gate,
    /// The latest invoice's payment was refunded in full. Default ignore: a refund is often goodwill, and whoever means
    /// to end a subscription cancels it.
    pub refunded: Gate,
    /// Collection of payments is paused. Default ignore: merchants pause to give time for free as often as to stop.
    pub collection_paused: Gate,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            past_due_grace_days: Days(7),
            renewal_leeway_days: Days(2),
            charged_back: Gate::Deny,
            disputed: Gate::Ignore,
            refunded: Gate::Ignore,
            collection_paused: Gate::Ignore,
        }
    }
}

/// What one subscription grants over time: a first decision, and what the clock alone changes, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    pub first: Grant,
    pub then: Vec<(Seconds, Grant)>,
    pub warning: Option<Warning>,
}

/// A verdict with its reason, and since when the reason holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub verdict: Verdict,
    pub reason: Reason,
    pub since: Option<Seconds>,
}

impl Policy {
    /// What a subscription grants, from the status and the gates.
    pub(super) fn course(&self, input: &SubscriptionInput) -> Course {
        let (status, warning) = known_status(input);
        let course = match status {
            Some(status) => Course { warning, ..self.status(input, status) },
            None => Course { warning, ..denied(Reason::UnknownStatus, Some(input.status_since)) },
        };
        self.gated(input, course)
    }

    fn status(&self, input: &SubscriptionInput, status: &SubscriptionStatus) -> Course {
        let subscription = &input.snapshot;
        let since = Some(input.status_since);
        match status {
            SubscriptionStatus::Trialing => self.trialing(subscription, since),
            SubscriptionStatus::Active => self.active(subscription, since),
            SubscriptionStatus::PastDue => self.past_due(input),
            SubscriptionStatus::Incomplete => denied(Reason::Incomplete, since),
            SubscriptionStatus::IncompleteExpired => denied(Reason::IncompleteExpired, since),
            SubscriptionStatus::Unpaid => denied(Reason::Unpaid, since),
            SubscriptionStatus::Paused => denied(Reason::Paused, since),
            SubscriptionStatus::Canceled => denied(Reason::Canceled, subscription.ended_at.or(since)),
            SubscriptionStatus::Other(_) => denied(Reason::UnknownStatus, since),
        }
    }

    fn active(&self, subscription: &Subscription, since: Option<Seconds>) -> Course {
        let end = subscription.current_period_end;
        self.running(subscription, since, end, (Reason::Active, Reason::RenewalNotSeen))
    }

    fn trialing(&self, subscription: &Subscription, since: Option<Seconds>) -> Course {
        let end = subscription.trial_end.or(subscription.current_period_end);
        self.running(subscription, since, end, (Reason::Trialing, Reason::TrialOver))
    }

    /// Allowed until the next news is overdue or the end that was set has come, whichever is first.
    fn running(
        &self,
        subscription: &Subscription,
        since: Option<Seconds>,
        news_due: Option<Seconds>,
        (during, after): (Reason, Reason),
    ) -> Course {
        let overdue = news_due.map(|due| (self.renewal_leeway_days.after(due), after));
        let (reason, since) = if subscription.cancel_scheduled() {
            (Reason::CancelScheduled, subscription.canceled_at.or(since))
        } else {
            (during, since)
        };
        Course {
            first: Grant { verdict: Verdict::Allowed, reason, since },
            then: denied_at(subscription, overdue),
            warning: None,
        }
    }

    /// The past-due rule: grace since the status began, not since the invoice was due; an end that was set still counts.
    fn past_due(&self, input: &SubscriptionInput) -> Course {
        let since = Some(input.status_since);
        if self.past_due_grace_days.get() == 0 {
            return denied(Reason::PastDueGraceOver, since);
        }
        let grace_over = self.past_due_grace_days.after(input.status_since);
        Course {
            first: Grant { verdict: Verdict::Grace, reason: Reason::PastDue, since },
            then: denied_at(&input.snapshot, Some((grace_over, Reason::PastDueGraceOver))),
            warning: None,
        }
    }

    /// The gates take away what the status grants; what it denies keeps its own reason.
    fn gated(&self, input: &SubscriptionInput, course: Course) -> Course {
        if !course.first.verdict.grants() {
            return course;
        }
        let facts = input.latest_payments;
        let gates = [
            (facts.charged_back, self.charged_back, Reason::PaymentChargedBack),
            (facts.disputed, self.disputed, Reason::PaymentDisputed),
            (facts.refunded, self.refunded, Reason::PaymentRefunded),
        ];
        // Each for itself: a gate that is ignored does not open the next one.
        let shut = gates.into_iter().find(|(holds, gate, _)| *holds && *gate == Gate::Deny);
        if let Some((_, _, reason)) = shut {
            return Course { warning: course.warning, ..denied(reason, None) };
        }
        match &input.snapshot.pause_collection {
            Some(pause) if self.collection_paused == Gate::Deny => paused_until(pause.resumes_at, course),
            _ => course,
        }
    }
}

/// Denied while collection is paused; where the provider resumes by itself, what the status grants from then on.
fn paused_until(resumes_at: Option<Seconds>, course: Course) -> Course {
    let paused = Course { warning: course.warning, ..denied(Reason::CollectionPaused, None) };
    let Some(resumes_at) = resumes_at else {
        return paused;
    };
    let (over, mut ahead): (Vec<_>, Vec<_>) =
        course.then.into_iter().partition(|(from, _)| *from <= resumes_at);
    let resumed = over.last().map_or(course.first, |(_, grant)| *grant);
    ahead.insert(0, (resumes_at, resumed));
    Course { then: ahead, ..paused }
}

/// The status that decides: a word that we do not know says nothing, so the one before it goes on.
fn known_status(input: &SubscriptionInput) -> (Option<&SubscriptionStatus>, Option<Warning>) {
    match &input.snapshot.status {
        SubscriptionStatus::Other(_) => {
            let known = |status: &&SubscriptionStatus| !matches!(status, SubscriptionStatus::Other(_));
            (input.last_known_status.as_ref().filter(known), Some(Warning::UnknownStatus))
        }
        known => (Some(known), None),
    }
}

/// The moment that is set for the end: the flexible billing mode sets only `cancel_at`, the API may set only the flag.
pub(crate) fn cancellation(subscription: &Subscription) -> Option<Seconds> {
    let period_end = subscription.current_period_end.filter(|_| subscription.cancel_at_period_end);
    subscription.cancel_at.or(period_end)
}

/// Denied from the earlier of the two on: the end that was set, or the moment when patience ends.
fn denied_at(subscription: &Subscription, patience: Option<(Seconds, Reason)>) -> Vec<(Seconds, Grant)> {
    let end = cancellation(subscription).map(|end| (end, Reason::CancellationReached));
    let first = end.into_iter().chain(patience).min_by_key(|(moment, _)| *moment);
    let deny = |(moment, reason)| (moment, Grant { verdict: Verdict::Denied, reason, since: Some(moment) });
    first.into_iter().map(deny).collect()
}

fn denied(reason: Reason, since: Option<Seconds>) -> Course {
    let first = Grant { verdict: Verdict::Denied, reason, since };
    Course { first, then: Vec::new(), warning: None }
}
