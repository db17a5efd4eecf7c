//! Which events prove what layer A knows of an object: values that overrule the deciding event, and contradictions.
//!
//! Asks each observation for its own part of the join ([`Joined::of`]), so that the proof is made of what the fold joined.
//! Never compares snapshots by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::checkout::CheckoutPaymentStatus;
use super::event_type::Role;
use super::id::EventId;
use super::joined::{Joined, Once};
use super::kind::ObjectKind;
use super::object::Object;
use super::observation::{Observation, Snapshot};
use super::time::Seconds;

/// A value that holds in any order of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum About {
    /// The furthest stage of the lifecycle; deletions are one.
    Status,
    /// Whether a session is paid: it belongs to the stage.
    PaymentStatus,
    /// The delayed payment of a session failed.
    AsyncFailed,
    /// The first or second of the numbers that never fall.
    Number(usize),
    /// A moment that is set once.
    Moment(Once),
    /// The features of a list that was cut: joined from several events.
    Features,
}

impl About {
    /// The fields of the object that hold it.
    #[must_use]
    pub const fn fields(self, kind: ObjectKind) -> &'static [&'static str] {
        use ObjectKind as K;
        match (self, kind) {
            (Self::Status, _) => &["status"],
            (Self::PaymentStatus, _) => &["payment_status"],
            (Self::AsyncFailed, _) => &["async_failed"],
            (Self::Features, _) => &["active"],
            (Self::Number(0), K::Invoice) => &["attempt_count"],
            (Self::Number(_), K::Invoice) => &["amount_paid"],
            (Self::Number(0), K::PaymentIntent) => &["amount_received"],
            (Self::Number(0), K::Charge) => &["amount_captured"],
            (Self::Number(_), K::Charge) => &["captured"],
            (Self::Number(0), K::Dispute) => {
                &["balance_transactions", "amount_withdrawn", "amount_reinstated", "fees"]
            }
            (Self::Number(_), K::Dispute) => &["submission_count"],
            (Self::Number(0), K::Product) => &["updated"],
            (Self::Number(_), _) => &[],
            (Self::Moment(once), _) => once.fields(),
        }
    }
}

impl Once {
    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::FinalizedAt => &["finalized_at"],
            Self::PaidAt => &["paid_at"],
            Self::VoidedAt => &["voided_at"],
            Self::MarkedUncollectibleAt => &["marked_uncollectible_at"],
            Self::EndedAt => &["ended_at"],
            Self::CanceledAt => &["canceled_at"],
            Self::CompletedAt => &["completed_at"],
            Self::ReleasedAt => &["released_at"],
            Self::DeletedAt => &["deleted_at"],
        }
    }
}

/// One of the values that cannot all be true.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// An end of life.
    End(Box<str>),
    /// A moment.
    Moment(Seconds),
}

/// What layer A says about an object beyond its deciding event, and which events prove it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Values that the deciding event does not show, or shows less of, each with the newest event that shows it. None
    /// where several events together do, or where none was looked at that does.
    pub overruled: BTreeMap<About, Option<EventId>>,
    /// Values that contradict each other, each with the newest event that shows it.
    pub contradictions: BTreeMap<(About, Claim), Option<EventId>>,
}

impl Evidence {
    /// What has to be proved.
    #[must_use]
    pub fn wanted(object: &Object) -> Self {
        let joined = &object.joined;
        let overruled = overruled(object).into_iter().map(|about| (about, None)).collect();
        let ends: Vec<&str> = joined.ends().collect();
        let ends = ends.iter().filter(|_| ends.len() > 1);
        let ends = ends.map(|end| (About::Status, Claim::End((*end).into())));
        let torn = joined.torn().flat_map(|(once, span)| {
            [span.min, span.max].map(|moment| (About::Moment(once), Claim::Moment(moment)))
        });
        Self { overruled, contradictions: ends.chain(torn).map(|claim| (claim, None)).collect() }
    }

    /// No further event can add to it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let overruled = self.overruled.iter().filter(|(about, _)| **about != About::Features);
        overruled.map(|(_, event)| event).chain(self.contradictions.values()).all(Option::is_some)
    }

    /// Looks at one event of the object. The newest ones come first.
    pub fn look_at(&mut self, object: &Object, observation: &Observation) {
        let alone = Joined::of(observation);
        for (about, event) in self.overruled.iter_mut().filter(|(_, event)| event.is_none()) {
            if proves(object, *about, observation, &alone) {
                *event = Some(observation.event.clone());
            }
        }
        for ((about, claim), event) in self.contradictions.iter_mut().filter(|(_, event)| event.is_none()) {
            let claims = match (claim, about) {
                (Claim::End(end), _) => alone.ends().any(|status| *status == **end),
                (Claim::Moment(moment), About::Moment(once)) => alone.once(*once) == Some(*moment),
                (Claim::Moment(_), _) => false,
            };
            if claims {
                *event = Some(observation.event.clone());
            }
        }
    }
}

/// The values of the state that are not those of the newest snapshot.
fn overruled(object: &Object) -> Vec<About> {
    let Object { snapshot, joined, .. } = object;
    let mut all = Vec::new();
    let behind = joined.status_beyond(object.now.facts.rank).is_some();
    all.extend(behind.then_some(About::Status));
    match snapshot {
        Snapshot::CheckoutSession(it) => {
            let word = it.payment_status.as_ref().map(CheckoutPaymentStatus::as_str);
            let paid = joined.payment_status().filter(|_| behind);
            all.extend(paid.filter(|paid| Some(*paid) != word).map(|_| About::PaymentStatus));
            all.extend((joined.async_failed() && !it.async_failed).then_some(About::AsyncFailed));
        }
        Snapshot::Entitlements(it) if it.truncated => {
            let shown: BTreeSet<&str> = it.active.iter().map(|one| &*one.lookup_key).collect();
            let more = joined.listed().any(|(key, _)| !shown.contains(key));
            all.extend(more.then_some(About::Features));
        }
        _ => {}
    }
    let numbers = object.now.facts.numbers.into_iter().zip(joined.numbers()).enumerate();
    all.extend(numbers.filter(|(_, (shown, most))| shown < most).map(|(place, _)| About::Number(place)));
    let shown = super::joined::times(snapshot);
    let differs = |once: &Once| shown.get(once).map(|span| span.max) != joined.once(*once);
    let moments = joined.moments().map(|(once, _)| once).filter(|once| *once != Once::DeletedAt);
    all.extend(moments.filter(differs).map(About::Moment));
    all
}

/// The observation alone shows the value that the whole set has.
fn proves(object: &Object, about: About, observation: &Observation, alone: &Joined) -> bool {
    let joined = &object.joined;
    match about {
        About::Status | About::PaymentStatus => observation.event == *joined.top_event(),
        About::AsyncFailed => alone.async_failed(),
        About::Number(0) if joined.moved().is_some() => alone.moved() == joined.moved(),
        About::Number(place) => alone.numbers().get(place) == joined.numbers().get(place),
        About::Moment(Once::DeletedAt) => observation.event_type.role() == Role::Deleted,
        About::Moment(once) => alone.once(once) == joined.once(once),
        About::Features => false,
    }
}

#[cfg(test)]
mod tests;
