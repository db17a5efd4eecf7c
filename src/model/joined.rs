//! Layer A: what is true of an object whatever the order of its events.
//!
//! A join-semilattice: [`Joined::join`] is commutative, associative and idempotent, so parts of a
//! history can be folded apart and put together. Nothing here reads a clock that is not maximal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event_type::Role;
use super::facts::async_failed;
use super::id::{EventId, ObjectId};
use super::kind::ObjectKind;
use super::observation::{Entry, Hint, HintValue, Link, Observation, Snapshot};
use super::time::Seconds;

/// A moment that is set once in the life of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Once {
    /// An invoice became open.
    FinalizedAt,
    /// An invoice or its payment was paid.
    PaidAt,
    /// An invoice or a credit note was voided.
    VoidedAt,
    /// An invoice was given up.
    MarkedUncollectibleAt,
    /// A subscription ended.
    EndedAt,
    /// An intent, a schedule or an invoice payment was canceled. Not for subscriptions: a
    /// scheduled cancellation can be taken back.
    CanceledAt,
    /// A schedule ran to its end.
    CompletedAt,
    /// A schedule let its subscription go.
    ReleasedAt,
    /// The object was deleted: the second of the event.
    DeletedAt,
}

/// The values seen for a moment that should have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The least.
    pub min: Seconds,
    /// The greatest: the one that counts.
    pub max: Seconds,
}

/// The furthest stage of the lifecycle that any event shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Top {
    /// What is compared; the rest follows from the event.
    order: Order,
    status: Option<Box<str>>,
    terminal: bool,
    /// Whether a checkout session is paid: it belongs to the stage.
    payment_status: Option<Box<str>>,
}

/// Stages by rank; equal ones by the usual order of events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Order {
    rank: u8,
    created: Seconds,
    rank_inside_second: u8,
    type_rank: u8,
    event: EventId,
}

/// A dispute's movements of money, as one event shows them. More movements are newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Moved {
    count: i64,
    withdrawn: i64,
    reinstated: i64,
    fees: i64,
}

/// When a feature was last listed, and its id.
type Listed = (Seconds, Option<ObjectId>);

/// What is known of an object from the set of its events, order aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The second of the oldest event.
    pub first_seen: Seconds,
    /// The second of the newest event.
    pub last_seen: Seconds,
    top: Top,
    /// The statuses of the top rank, each with the first second that shows it.
    reached: BTreeMap<Box<str>, Seconds>,
    numbers: [i64; 2],
    times: BTreeMap<Once, Span>,
    links: BTreeSet<Link>,
    hints: BTreeMap<Hint, HintValue>,
    async_failed: bool,
    moved: Option<Moved>,
    /// Features by lookup key, since the newest complete list.
    listed: BTreeMap<Box<str>, Listed>,
    /// The second of the newest complete list of features.
    complete: Option<Seconds>,
}

impl Joined {
    /// What one observation tells.
    #[must_use]
    pub fn of(observation: &Observation) -> Self {
        let entry = Entry::of(observation);
        let second = observation.created;
        let snapshot = &observation.snapshot;
        let top = top(&entry, snapshot);
        let mut joined = Self {
            first_seen: second,
            last_seen: second,
            reached: stage_word(&top, snapshot).map(|word| (word, second)).into_iter().collect(),
            top,
            numbers: entry.facts.numbers,
            times: times(snapshot),
            links: observation.links.clone(),
            hints: observation.hints.clone(),
            async_failed: false,
            moved: None,
            listed: BTreeMap::new(),
            complete: None,
        };
        if observation.event_type.role() == Role::Deleted {
            joined.times.insert(Once::DeletedAt, Span { min: second, max: second });
        }
        match snapshot {
            Snapshot::CheckoutSession(it) => {
                joined.async_failed = async_failed(it, observation.event_type);
            }
            Snapshot::Dispute(it) => {
                joined.moved = Some(Moved {
                    count: it.balance_transactions,
                    withdrawn: it.amount_withdrawn,
                    reinstated: it.amount_reinstated,
                    fees: it.fees,
                });
            }
            Snapshot::Entitlements(it) => {
                let listed = it.active.iter();
                joined.listed =
                    listed.map(|one| (one.lookup_key.clone(), (second, one.feature.clone()))).collect();
                joined.complete = (!it.truncated).then_some(second);
            }
            _ => {}
        }
        joined
    }

    /// Takes in one more observation of the same object.
    pub fn absorb(&mut self, observation: &Observation) {
        self.join(&Self::of(observation));
    }

    /// Takes in all that `other` knows of the same object.
    pub fn join(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.join_top(other);
        for (mine, theirs) in self.numbers.iter_mut().zip(other.numbers) {
            *mine = (*mine).max(theirs);
        }
        for (&once, &span) in &other.times {
            let mine = self.times.entry(once).or_insert(span);
            *mine = Span { min: mine.min.min(span.min), max: mine.max.max(span.max) };
        }
        self.links.extend(other.links.iter().cloned());
        for (&hint, value) in &other.hints {
            raise(&mut self.hints, hint, value);
        }
        self.async_failed |= other.async_failed;
        self.moved = self.moved.max(other.moved);
        self.complete = self.complete.max(other.complete);
        for (key, listed) in &other.listed {
            raise(&mut self.listed, key.clone(), listed);
        }
        // A complete list replaces all that was listed before it.
        let complete = self.complete;
        self.listed.retain(|_, listed| complete.is_none_or(|complete| listed.0 >= complete));
    }

    fn join_top(&mut self, other: &Self) {
        if other.top.order.rank > self.top.order.rank {
            self.reached.clear();
        }
        if other.top.order.rank >= self.top.order.rank {
            for (status, &first) in &other.reached {
                let mine = self.reached.entry(status.clone()).or_insert(first);
                *mine = (*mine).min(first);
            }
        }
        if other.top.order > self.top.order {
            self.top = other.top.clone();
        }
    }

    /// The status of the furthest stage, if it is further than `rank`.
    pub(super) fn status_beyond(&self, rank: u8) -> Option<&str> {
        self.top.status.as_deref().filter(|_| self.top.order.rank > rank)
    }

    /// The first second that shows a status of the furthest stage.
    pub(super) fn stage_since(&self) -> Seconds {
        self.reached.values().copied().min().unwrap_or(self.top.order.created)
    }

    /// Whether a checkout session is paid, as the furthest stage shows it.
    pub(super) fn payment_status(&self) -> Option<&str> {
        self.top.payment_status.as_deref()
    }

    /// The highest numbers that any event shows.
    pub(super) const fn numbers(&self) -> [i64; 2] {
        self.numbers
    }

    /// A delayed payment of the checkout session failed.
    pub(super) const fn async_failed(&self) -> bool {
        self.async_failed
    }

    /// A dispute's movements: withdrawn, reinstated, fees of the event that shows the most.
    pub(super) fn moved(&self) -> Option<[i64; 3]> {
        self.moved.map(|moved| [moved.withdrawn, moved.reinstated, moved.fees])
    }

    /// The features listed since the newest complete list: key, id.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&str, Option<&ObjectId>)> {
        self.listed.iter().map(|(key, (_, feature))| (&**key, feature.as_ref()))
    }

    /// A moment of the object's life. Where events differ, the latest.
    #[must_use]
    pub fn once(&self, once: Once) -> Option<Seconds> {
        self.times.get(&once).map(|span| span.max)
    }

    /// Every object that it ever named.
    #[must_use]
    pub const fn links(&self) -> &BTreeSet<Link> {
        &self.links
    }

    /// The only object of that kind that it ever named.
    #[must_use]
    pub fn only_link(&self, kind: ObjectKind) -> Option<&ObjectId> {
        let mut links = self.links.iter().filter(|link| link.kind == kind);
        let only = links.next();
        only.filter(|_| links.next().is_none()).map(|link| &link.id)
    }

    /// A value that only some API versions carry.
    #[must_use]
    pub fn hint(&self, hint: Hint) -> Option<&HintValue> {
        self.hints.get(&hint)
    }

    /// The event that shows the furthest stage.
    pub(super) const fn top_event(&self) -> &EventId {
        &self.top.order.event
    }

    /// The ends of life that were reached; more than one cannot be.
    pub(super) fn ends(&self) -> impl Iterator<Item = &str> {
        self.reached.keys().filter(|_| self.top.terminal).map(|status| &**status)
    }

    /// The moments of the object's life.
    pub(super) fn moments(&self) -> impl Iterator<Item = (Once, Span)> {
        self.times.iter().map(|(&once, &span)| (once, span))
    }

    /// The moments that should have one value and have two.
    ///
    /// A deletion that is reported twice is no contradiction: its moment is the event's, not the object's.
    pub(super) fn torn(&self) -> impl Iterator<Item = (Once, Span)> {
        self.moments().filter(|&(once, span)| once != Once::DeletedAt && span.min != span.max)
    }

    /// The events cannot all be true: two different ends of life, or two values of what is set once.
    #[must_use]
    pub fn contradictory(&self) -> bool {
        self.ends().nth(1).is_some() || self.torn().next().is_some()
    }
}

/// Sets `key` to the greater of what it has and `value`.
fn raise<K: Ord, V: Ord + Clone>(map: &mut BTreeMap<K, V>, key: K, value: &V) {
    map.entry(key)
        .and_modify(|mine| {
            if value > mine {
                mine.clone_from(value);
            }
        })
        .or_insert_with(|| value.clone());
}

fn top(entry: &Entry, snapshot: &Snapshot) -> Top {
    let payment_status = match snapshot {
        Snapshot::CheckoutSession(it) => it.payment_status.as_ref().map(|word| word.as_str().into()),
        _ => None,
    };
    Top {
        order: Order {
            rank: entry.facts.rank,
            created: entry.created,
            rank_inside_second: entry.facts.rank_inside_second(snapshot.kind()),
            type_rank: entry.event_type.rank(),
            event: entry.event.clone(),
        },
        status: entry.facts.status.clone(),
        terminal: entry.facts.terminal,
        payment_status,
    }
}

/// What tells one stage from another of equal rank: the status, for a completed session its payment.
fn stage_word(top: &Top, snapshot: &Snapshot) -> Option<Box<str>> {
    let paid = || top.payment_status.clone().filter(|_| top.terminal);
    match snapshot {
        Snapshot::CheckoutSession(_) if top.status.as_deref() == Some("complete") => paid(),
        _ => None,
    }
    .or_else(|| top.status.clone())
}

/// The moments that the snapshot shows and that never change once set.
pub(super) fn times(snapshot: &Snapshot) -> BTreeMap<Once, Span> {
    let shown: Vec<(Once, Option<Seconds>)> = match snapshot {
        Snapshot::Subscription(it) => vec![(Once::EndedAt, it.ended_at)],
        Snapshot::Invoice(it) => vec![
            (Once::FinalizedAt, it.finalized_at),
            (Once::PaidAt, it.paid_at),
            (Once::VoidedAt, it.voided_at),
            (Once::MarkedUncollectibleAt, it.marked_uncollectible_at),
        ],
        Snapshot::InvoicePayment(it) => {
            vec![(Once::PaidAt, it.paid_at), (Once::CanceledAt, it.canceled_at)]
        }
        Snapshot::PaymentIntent(it) => vec![(Once::CanceledAt, it.canceled_at)],
        Snapshot::CreditNote(it) => vec![(Once::VoidedAt, it.voided_at)],
        Snapshot::SubscriptionSchedule(it) => vec![
            (Once::CanceledAt, it.canceled_at),
            (Once::CompletedAt, it.completed_at),
            (Once::ReleasedAt, it.released_at),
        ],
        _ => Vec::new(),
    };
    let set = shown.into_iter().filter_map(|(once, second)| Some((once, second?)));
    set.map(|(once, second)| (once, Span { min: second, max: second })).collect()
}

#[cfg(test)]
mod tests;
