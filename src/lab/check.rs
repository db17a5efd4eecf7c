//! A life, delivered in many orders, against the truth.
//!
//! What the fold says must be true or flagged; what it flags must be undecidable; every order must give the same bytes.
//! A fault names the seed, the order and the fewest events of one object that show it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::delivery::{Order, Plan};
use super::dice::Dice;
use super::fold::{self, Folded};
use super::oracle;
use super::world::{Life, Setting};
use crate::model::id::ObjectKey;
use crate::model::observation::{Entry, Observation, Snapshot};
use crate::model::register::Seconded;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FaultKind {
    /// Another state than the true one, and nothing says so.
    Wrong,
    /// Nobody could know the end from the content, and nothing says so. The state is the true one by luck.
    SilentlyUndecided,
    /// Flagged although the content decides it.
    FlaggedInVain,
    /// Two orders of the same events give two results.
    OrderMatters,
    /// Two parts folded apart and joined are not the whole.
    PartsDiffer,
    /// An event of the life could not be read.
    Unread,
    /// The true end is none of those that the content allows: the lab contradicts itself.
    Impossible,
}

impl FaultKind {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::SilentlyUndecided => "silently_undecided",
            Self::FlaggedInVain => "flagged_in_vain",
            Self::OrderMatters => "order_matters",
            Self::PartsDiffer => "parts_differ",
            Self::Unread => "unread",
            Self::Impossible => "impossible",
        }
    }

    /// Breaks a promise. A flag in vain is only a pity.
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        !matches!(self, Self::FlaggedInVain)
    }
}

/// One fault, and what reproduces it.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// The life's seed.
    pub life: u64,
    /// The order that showed it.
    pub order: Order,
    /// Of which object.
    pub key: ObjectKey,
    /// The fewest events of it that show the fault, one a line; no personal data.
    pub events: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, life, order, key, events } = self;
        writeln!(f, "{}: life {life}, order {order}, {} {}", kind.as_str(), key.kind.object(), key.id)?;
        f.write_str(events)
    }
}

/// What many checks found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Lives played.
    pub lives: u64,
    /// Orders delivered, over all lives.
    pub orders: u64,
    /// Events folded, over all orders.
    pub events: u64,
    /// Objects compared, over all lives.
    pub objects: u64,
    /// Objects that are flagged.
    pub flagged: u64,
    /// Objects whose end the content does not decide.
    pub undecidable: u64,
    /// Faults by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The first few of each kind.
    pub examples: Vec<Fault>,
}

/// How many faults of one kind are kept.
const EXAMPLES_MAX: usize = 3;

impl Verdict {
    /// No promise was broken.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.keys().all(|kind| !kind.is_fatal())
    }

    /// How often a fault of this kind was seen.
    #[must_use]
    pub fn count(&self, kind: FaultKind) -> u64 {
        self.faults.get(&kind).copied().unwrap_or(0)
    }

    /// Takes in what another check found.
    pub fn absorb(&mut self, other: Self) {
        self.lives = self.lives.saturating_add(other.lives);
        self.orders = self.orders.saturating_add(other.orders);
        self.events = self.events.saturating_add(other.events);
        self.objects = self.objects.saturating_add(other.objects);
        self.flagged = self.flagged.saturating_add(other.flagged);
        self.undecidable = self.undecidable.saturating_add(other.undecidable);
        for (kind, count) in other.faults {
            let mine = self.faults.entry(kind).or_default();
            *mine = mine.saturating_add(count);
        }
        for fault in other.examples {
            self.keep(fault);
        }
    }

    fn keep(&mut self, fault: Fault) {
        if self.examples.iter().filter(|kept| kept.kind == fault.kind).count() < EXAMPLES_MAX {
            self.examples.push(fault);
        }
    }
}

/// The seed of life number `number` of a run.
#[must_use]
pub fn seed_of(seed: u64, number: u64) -> u64 {
    Dice::of(seed, number).next()
}

/// Plays the life of `seed` and delivers it in `orders` orders.
#[must_use]
pub fn check(seed: u64, setting: &Setting, orders: usize) -> Verdict {
    check_life(&Life::play(seed, setting), orders)
}

/// Delivers a life in `orders` orders.
#[must_use]
pub fn check_life(life: &Life, orders: usize) -> Verdict {
    let mut case = Case::new(life);
    for number in 0..orders.max(1) {
        case.deliver(number);
    }
    case.compare();
    case.verdict
}

/// A life, what its events say, and what the orders gave.
struct Case<'a> {
    life: &'a Life,
    said: Vec<Observation>,
    /// The fold of the first order, by object.
    first: BTreeMap<ObjectKey, (Order, Folded)>,
    verdict: Verdict,
}

impl<'a> Case<'a> {
    fn new(life: &'a Life) -> Self {
        let verdict = Verdict { lives: 1, ..Verdict::default() };
        let mut case = Self { life, said: Vec::new(), first: BTreeMap::new(), verdict };
        for event in &life.events {
            // A redelivery with another number of endpoints says the same.
            let (said, again) = (fold::observe(&event.body(1)), fold::observe(&event.body(2)));
            match said {
                Some(said) if Some(&said) == again.as_ref() => case.said.push(said),
                _ => case.fault(FaultKind::Unread, Order::Happened, &event.key, &[]),
            }
        }
        case
    }

    fn deliver(&mut self, number: usize) {
        let seed = Dice::of(self.life.seed, u64::try_from(number).unwrap_or(0)).next();
        let plan = Plan::of(&self.life.events, seed, number);
        let said = std::mem::take(&mut self.said);
        let arrived = plan.arrivals.iter().filter_map(|arrival| said.get(arrival.event));
        self.verdict.orders = self.verdict.orders.saturating_add(1);
        self.verdict.events =
            self.verdict.events.saturating_add(u64::try_from(plan.arrivals.len()).unwrap_or(0));
        for (key, observations) in fold::by_object(arrived) {
            let Some(folded) = fold::fold(observations.iter().copied()) else { continue };
            match self.first.get(key) {
                Some((_, first)) if *first != folded => {
                    self.fault(FaultKind::OrderMatters, plan.order, key, &observations);
                }
                Some(_) => {}
                None => {
                    self.first.insert(key.clone(), (plan.order, folded));
                }
            }
            self.parts(plan.order, key, &observations);
        }
        self.said = said;
    }

    /// Any two parts of the events, folded apart, join to the whole.
    fn parts(&mut self, order: Order, key: &ObjectKey, observations: &[&Observation]) {
        let (a, b): (Vec<_>, Vec<_>) = observations.iter().enumerate().partition(|(place, _)| place % 3 == 0);
        let part = |part: Vec<(usize, &&Observation)>| {
            fold::fold(part.into_iter().map(|(_, &observation)| observation))
        };
        let (Some(a), Some(b), Some((_, whole))) = (part(a), part(b), self.first.get(key)) else { return };
        let joined = fold::join(&a, &b);
        let whole = (whole.object.now.clone(), whole.object.joined.clone(), whole.memory.clone());
        if joined != Some(whole) || fold::join(&b, &a) != joined {
            self.fault(FaultKind::PartsDiffer, order, key, observations);
        }
    }

    /// What the fold says against what is true.
    fn compare(&mut self) {
        let said = std::mem::take(&mut self.said);
        let objects = fold::by_object(&said);
        for (key, truth) in self.life.truth() {
            let Some((order, folded)) = self.first.get(&key).cloned() else { continue };
            let Some(shown) = said.get(truth.shown_by) else { continue };
            let observations = objects.get(&key).map(Vec::as_slice).unwrap_or_default();
            self.verdict.objects = self.verdict.objects.saturating_add(1);
            let ends = oracle::ends(key.kind, &folded.memory);
            let undecidable = ends.as_ref().is_some_and(|ends| ends.len() > 1) || partial(&shown.snapshot);
            let ambiguous = folded.object.ambiguous();
            self.verdict.flagged = self.verdict.flagged.saturating_add(ambiguous.into());
            self.verdict.undecidable = self.verdict.undecidable.saturating_add(undecidable.into());
            let right = fold::is_true(&folded.object, shown, truth.status.as_deref());
            let fault = match (right, ambiguous, undecidable) {
                (false, false, _) => Some(FaultKind::Wrong),
                (true, false, true) => Some(FaultKind::SilentlyUndecided),
                (_, true, false) if ends.is_some() => Some(FaultKind::FlaggedInVain),
                _ => None,
            };
            if let Some(kind) = fault {
                let fewest = fewest(kind, observations, shown, truth.status.as_deref());
                self.fault(kind, order, &key, &fewest);
            }
            if ends.is_some_and(|ends| !ends.contains(&shown.after)) {
                self.fault(FaultKind::Impossible, order, &key, observations);
            }
        }
        self.said = said;
    }

    fn fault(&mut self, kind: FaultKind, order: Order, key: &ObjectKey, observations: &[&Observation]) {
        let count = self.verdict.faults.entry(kind).or_default();
        *count = count.saturating_add(1);
        let events = listed(observations);
        self.verdict.keep(Fault { kind, life: self.life.seed, order, key: key.clone(), events });
    }
}

/// A list that was cut proves no end.
const fn partial(snapshot: &Snapshot) -> bool {
    matches!(snapshot, Snapshot::Entitlements(entitlements) if entitlements.truncated)
}

/// Leaves out one event after the other, as long as the fault stays. The end is never left out.
fn fewest<'a>(
    kind: FaultKind,
    observations: &[&'a Observation],
    shown: &'a Observation,
    status: Option<&str>,
) -> Vec<&'a Observation> {
    let mut kept: Vec<&Observation> = observations.to_vec();
    let still = |observations: &[&Observation]| {
        let Some(folded) = fold::fold(observations.iter().copied()) else { return false };
        // What is left must still be a life that ends as the whole one does.
        if oracle::ends(shown.key.kind, &folded.memory).is_some_and(|ends| !ends.contains(&shown.after)) {
            return false;
        }
        let right = fold::is_true(&folded.object, shown, status);
        match kind {
            FaultKind::Wrong => !right && !folded.object.ambiguous(),
            FaultKind::FlaggedInVain => {
                let ends = oracle::ends(shown.key.kind, &folded.memory);
                folded.object.ambiguous() && ends.is_some_and(|ends| ends.len() == 1)
            }
            FaultKind::SilentlyUndecided => {
                let ends = oracle::ends(shown.key.kind, &folded.memory);
                !folded.object.ambiguous() && ends.is_some_and(|ends| ends.len() > 1)
            }
            _ => !folded.object.ambiguous(),
        }
    };
    let mut place = 0;
    while let Some(&next) = kept.get(place) {
        let fewer: Vec<&Observation> =
            kept.iter().copied().filter(|other| other.event != next.event).collect();
        if next.event != shown.event && next.created < shown.created && still(&fewer) {
            kept = fewer;
        } else {
            place = place.saturating_add(1);
        }
    }
    kept
}

/// One line an event: second, type, status, contents before and after.
pub(super) fn listed(observations: &[&Observation]) -> String {
    let mut seen = BTreeSet::new();
    let mut seconds = Seconded::new();
    for observation in observations.iter().filter(|observation| seen.insert(&observation.event)) {
        seconds.entry(observation.created).or_default().push(Entry::of(observation));
    }
    let mut text = String::new();
    for entry in seconds.values().flatten() {
        let before = entry.before.map_or_else(|| "-".to_owned(), |before| format!("{before:?}"));
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "  {} {} {} [{} {:?} {}] {before} -> {:?}",
            entry.created.0,
            entry.event,
            entry.event_type,
            entry.facts.status.as_deref().unwrap_or("-"),
            entry.facts.numbers,
            entry.facts.rank,
            entry.after,
        );
    }
    text
}
