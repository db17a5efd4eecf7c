//! A whole business: many customers' lives, told in one sequence of time.
//!
//! Holds only the lives that are going on, never more than a fixed number of them: when more would be, the next customer
//! comes later.

use std::collections::VecDeque;

use super::check::seed_of;
use super::dice::Dice;
use super::world::{Happened, Life, Setting};
use crate::model::time::Seconds;

/// The most lives that go on at once.
const LIVES_OPEN_MAX: usize = 64;
/// How long it takes on average until the next customer comes, in seconds.
const BETWEEN_CUSTOMERS: i64 = 6 * 3_600;
/// When the first customer comes, if nobody says: 2026-01-01T00:00:00Z.
const BEGIN: Seconds = Seconds(1_767_225_600);

/// The events of a business, as they happen. A function of its seed.
///
/// The last event of an object shows its true end: [`Happened::status`], [`Happened::snapshot`].
#[derive(Debug)]
pub struct Saas {
    seed: u64,
    setting: Setting,
    dice: Dice,
    customers: u64,
    begun: u64,
    next_begins: Seconds,
    now: Seconds,
    open: Vec<VecDeque<Happened>>,
}

impl Saas {
    /// A business with so many customers. Unless the setting has a scope, each life has one of its own.
    #[must_use]
    pub fn new(seed: u64, setting: &Setting, customers: u64) -> Self {
        let begin = setting.begin.unwrap_or(BEGIN);
        let setting = setting.clone();
        let dice = Dice::new(seed);
        Self { seed, setting, dice, customers, begun: 0, next_begins: begin, now: begin, open: Vec::new() }
    }

    /// How many customers have come so far, of how many.
    #[must_use]
    pub const fn begun(&self) -> (u64, u64) {
        (self.begun, self.customers)
    }

    /// Lets everybody come whose time it is.
    fn begin(&mut self) {
        while self.begun < self.customers && self.open.len() < LIVES_OPEN_MAX {
            let earliest = self.open.iter().filter_map(|life| life.front()).map(|event| event.created).min();
            if earliest.is_some_and(|earliest| earliest < self.next_begins) {
                break;
            }
            let begin = self.next_begins.max(self.now);
            let setting = Setting { begin: Some(begin), ..self.setting.clone() };
            let life = Life::play(seed_of(self.seed, self.begun), &setting);
            self.open.push(life.events.into());
            self.begun = self.begun.saturating_add(1);
            let wait = self.dice.between(1, 2 * BETWEEN_CUSTOMERS);
            self.next_begins = Seconds(begin.0.saturating_add(wait));
        }
    }
}

impl Iterator for Saas {
    type Item = Happened;

    fn next(&mut self) -> Option<Happened> {
        self.begin();
        let fronts = self.open.iter().enumerate();
        let earliest = fronts.filter_map(|(place, life)| Some((life.front()?.created, place))).min();
        let (created, place) = earliest?;
        self.now = created;
        let event = self.open.get_mut(place).and_then(VecDeque::pop_front);
        self.open.retain(|life| !life.is_empty());
        event
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn time_never_runs_backwards_and_everybody_comes() {
        let mut saas = Saas::new(3, &Setting::default(), 150);
        let (mut last, mut customers, mut ids) = (Seconds(0), BTreeSet::new(), BTreeSet::new());
        while let Some(event) = saas.next() {
            assert!(event.created >= last);
            assert!(saas.open.len() <= LIVES_OPEN_MAX);
            last = event.created;
            if event.type_name == "customer.created" {
                customers.insert(event.key.clone());
            }
            ids.insert(event.id);
        }
        assert!(customers.len() >= 150 && ids.len() > 150 * 10);
        assert_eq!(saas.begun(), (150, 150));
        let bodies = || Saas::new(3, &Setting::default(), 5).map(|event| event.body(1)).collect::<Vec<_>>();
        assert_eq!(bodies(), bodies());
    }
}
