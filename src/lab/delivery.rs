//! The adversary between the provider and us: late, twice, backwards, and again after three days.
//!
//! A plan is a function of its seed. Every event arrives at least once: what is dropped is caught up with at the end.

use std::fmt;
use std::str::FromStr;

use super::dice::Dice;
use super::world::Happened;

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The event, by place in the life.
    pub event: usize,
    /// Endpoints that have not answered yet: differs between deliveries of one event.
    pub pending: u8,
}

/// In which order events arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// As they happened.
    Happened,
    /// Each order as likely as any other.
    Uniform,
    /// Neighbours change places.
    Swapped,
    /// Some arrive days later.
    Stragglers,
    /// The newest first.
    Reversed,
    /// Each object's newest event first, the objects one after the other.
    Adversarial,
}

impl Order {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Happened, Self::Uniform, Self::Swapped, Self::Stragglers, Self::Reversed, Self::Adversarial];

    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::Uniform => "uniform",
            Self::Swapped => "swapped",
            Self::Stragglers => "stragglers",
            Self::Reversed => "reversed",
            Self::Adversarial => "adversarial",
        }
    }
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|order| order.as_str() == word).ok_or("no such order")
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a life is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What reproduces it.
    pub seed: u64,
    /// In which order.
    pub order: Order,
    /// Every arrival, the first one first.
    pub arrivals: Vec<Arrival>,
}

impl Plan {
    /// The plan of `seed`. The number says which of a life's plans it is, so that all orders come up.
    #[must_use]
    pub fn of(events: &[Happened], seed: u64, number: usize) -> Self {
        let order = number.checked_rem(Order::ALL.len()).and_then(|number| Order::ALL.get(number));
        Self::ordered(events, seed, order.copied().unwrap_or(Order::Uniform))
    }

    /// Every event once, as it happened.
    #[must_use]
    pub fn in_order(events: &[Happened]) -> Self {
        let arrivals = (0..events.len()).map(|event| Arrival { event, pending: 1 }).collect();
        Self { seed: 0, order: Order::Happened, arrivals }
    }

    /// The plan of `seed` in an order of one kind.
    #[must_use]
    pub fn ordered(events: &[Happened], seed: u64, order: Order) -> Self {
        let mut dice = Dice::new(seed);
        let mut places = places(events, order, &mut dice);
        again(&mut places, &mut dice);
        let arrivals = places
            .into_iter()
            .map(|event| Arrival { event, pending: u8::try_from(dice.between(1, 3)).unwrap_or(1) })
            .collect();
        Self { seed, order, arrivals }
    }
}

fn places(events: &[Happened], order: Order, dice: &mut Dice) -> Vec<usize> {
    let mut places: Vec<usize> = (0..events.len()).collect();
    match order {
        Order::Happened => {}
        Order::Uniform => dice.shuffle(&mut places),
        Order::Swapped => {
            for second in 1..places.len() {
                if dice.chance(40) {
                    places.swap(second.saturating_sub(1), second);
                }
            }
        }
        Order::Stragglers => {
            let (late, mut now): (Vec<usize>, Vec<usize>) = places.iter().partition(|_| dice.chance(15));
            for event in late {
                let place = dice.between(0, i64::try_from(now.len()).unwrap_or(0));
                now.insert(usize::try_from(place).unwrap_or(0).min(now.len()), event);
            }
            places = now;
        }
        Order::Reversed => places.reverse(),
        Order::Adversarial => {
            places.sort_by(|&a, &b| {
                let key = |place: usize| events.get(place).map(|event| &event.key);
                key(a).cmp(&key(b)).then(b.cmp(&a))
            });
        }
    }
    places
}

/// Some events arrive twice at once, some again much later; some are lost first and caught up with.
fn again(places: &mut Vec<usize>, dice: &mut Dice) {
    let mut all = Vec::with_capacity(places.len().saturating_mul(2));
    let mut later = Vec::new();
    for &event in places.iter() {
        match dice.below(20) {
            0 => later.push(event),
            1 | 2 => all.extend([event, event]),
            3 => {
                all.push(event);
                later.push(event);
            }
            _ => all.push(event),
        }
    }
    dice.shuffle(&mut later);
    all.extend(later);
    *places = all;
}

/// The most items that wait a long time at once.
const STRAGGLERS_MAX: usize = 256;

/// Items of any kind in disorder, with bounded memory: see [`disorder`].
#[derive(Debug)]
pub struct Disorder<I: Iterator> {
    items: I,
    dice: Dice,
    window: usize,
    near: Vec<I::Item>,
    stragglers: Vec<I::Item>,
}

/// Mixes up a sequence that may be too long to hold: neighbours within `window` in any order, one in ten twice, one in
/// fifty much later. Everything arrives. A window of 1 or less leaves the order alone but for those.
pub fn disorder<I>(items: I, seed: u64, window: usize) -> Disorder<I>
where
    I: Iterator<Item: Clone>,
{
    Disorder { items, dice: Dice::new(seed), window: window.max(1), near: Vec::new(), stragglers: Vec::new() }
}

impl<I: Iterator<Item: Clone>> Disorder<I> {
    fn fill(&mut self) {
        while self.near.len() < self.window {
            let Some(item) = self.items.next() else { return };
            if self.dice.chance(2) && self.stragglers.len() < STRAGGLERS_MAX {
                self.stragglers.push(item);
                continue;
            }
            if self.dice.chance(10) {
                self.near.push(item.clone());
            }
            self.near.push(item);
        }
        if self.dice.chance(1) && !self.stragglers.is_empty() {
            let late = self.dice.below(self.stragglers.len());
            self.near.push(self.stragglers.swap_remove(late));
        }
    }
}

impl<I: Iterator<Item: Clone>> Iterator for Disorder<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.fill();
        let from = if self.near.is_empty() { &mut self.stragglers } else { &mut self.near };
        let place = self.dice.below(from.len());
        (place < from.len()).then(|| from.swap_remove(place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lab::world::{Life, Setting};

    #[test]
    fn disorder_loses_nothing_and_keeps_little() {
        let mut mixed = disorder(0..10_000, 4, 32);
        let mut arrived = Vec::new();
        while let Some(item) = mixed.next() {
            assert!(mixed.near.len() <= 34 && mixed.stragglers.len() <= STRAGGLERS_MAX);
            arrived.push(item);
        }
        assert!(arrived.len() > 10_500 && !arrived.is_sorted());
        assert_eq!(arrived.iter().copied().collect::<BTreeSet<_>>(), (0..10_000).collect());
        assert!(disorder(0..0, 1, 0).next().is_none());
    }

    #[test]
    fn every_event_arrives_and_a_seed_gives_the_same_plan() {
        let life = Life::play(11, &Setting::default());
        for (number, order) in Order::ALL.iter().enumerate() {
            let plan = Plan::of(&life.events, 5, number);
            assert_eq!(plan.order, *order);
            assert_eq!(plan, Plan::of(&life.events, 5, number));
            let arrived: BTreeSet<usize> = plan.arrivals.iter().map(|arrival| arrival.event).collect();
            assert_eq!(arrived, (0..life.events.len()).collect(), "{order}");
            assert!(plan.arrivals.len() > life.events.len(), "{order}: some come twice");
        }
    }
}
