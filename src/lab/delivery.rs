//! The adversary between the provider and us: late, twice, backwards, and again after three days.
//!
//! A plan is a function of its seed. Every event arrives at least once: what is dropped is caught up with at the end.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lab::world::{Life, Setting};

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
