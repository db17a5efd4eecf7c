//! What happens next: the dice decide, the state of the customer allows.

use super::person::Person;
use super::{DAY, World};
use crate::model::kind::ObjectKind;

/// The most customers of one life.
const PEOPLE_MAX: i64 = 2;
/// How often nothing happens after a step any more, in percent.
const STEPS_END: u32 = 10;
/// The most subscriptions of one customer.
const SUBSCRIPTIONS_MAX: usize = 3;

impl World {
    /// A whole life.
    pub(super) fn play(&mut self) {
        let people = if self.dice.chance(15) { PEOPLE_MAX } else { 1 };
        for _ in 0..people {
            let mut person = self.arrive();
            if self.dice.chance(85) {
                self.subscribe(&mut person);
            }
            // Fewer steps at most are the beginning of the same life.
            for _ in 0..self.setting.steps_max {
                if person.gone || self.dice.chance(STEPS_END) {
                    break;
                }
                self.step(&mut person);
            }
        }
    }

    fn step(&mut self, person: &mut Person) {
        if self.dice.chance(60) {
            let wait =
                self.dice.between(0, 4).saturating_mul(DAY).saturating_add(self.dice.between(0, 4_000));
            self.pass(wait);
        } else {
            self.beat();
        }
        let subscription = self.running(person);
        match self.dice.below(100) {
            0..=49 => match subscription {
                Some(subscription) => self.live_on(person, &subscription),
                None if person.subscriptions.len() < SUBSCRIPTIONS_MAX => self.subscribe(person),
                None => self.rename(person),
            },
            50..=62 => self.after_payment(),
            63..=72 => {
                if let Some(method) = person.method.clone() {
                    self.buy(person, &method);
                }
            }
            73..=77 => self.rename(person),
            78..=80 => self.change_card(person),
            81..=83 => {
                self.manual_invoice(&person.customer);
            }
            84..=86 => self.entitle(person),
            87 | 88 => {
                if let Some(subscription) = subscription {
                    self.schedule(&person.customer, &subscription);
                }
            }
            89 | 90 => self.discount(person),
            91 => self.sell(),
            94 => self.run_clock(),
            92 | 93 => self.delete(person),
            _ if person.subscriptions.len() < SUBSCRIPTIONS_MAX => self.subscribe(person),
            _ => {}
        }
    }

    fn buy(&mut self, person: &Person, method: &str) {
        let charge = match self.dice.below(3) {
            0 => self.held(&person.customer, method),
            _ => self.one_off(&person.customer, method),
        };
        if let Some(charge) = charge.filter(|_| self.dice.chance(40)) {
            self.beat();
            self.trouble(&charge);
        }
    }

    /// Something happens to a payment of the past.
    fn after_payment(&mut self) {
        let paid: Vec<String> = self
            .things
            .iter()
            .filter(|(id, thing)| thing.kind == ObjectKind::Charge && self.int(id, "amount_captured") > 0)
            .map(|(id, _)| id.clone())
            .collect();
        if let Some(charge) = self.dice.pick(&paid).cloned() {
            self.trouble(&charge);
        }
    }

    fn trouble(&mut self, charge: &str) {
        match self.dice.below(10) {
            0..=4 => self.refunds(charge),
            5 | 6 => self.dispute(charge),
            7 => self.fraud_warning(charge),
            8 => self.review(charge),
            _ => {
                let invoice = self.text(charge, "_invoice");
                if invoice.is_empty() {
                    self.refunds(charge);
                } else {
                    self.credit_note(&invoice);
                }
            }
        }
    }

    /// One of the customer's subscriptions that have not ended.
    fn running(&mut self, person: &Person) -> Option<String> {
        let alive = |id: &&String| {
            !matches!(self.text(id, "status").as_str(), "canceled" | "incomplete_expired" | "incomplete")
        };
        let running: Vec<String> = person.subscriptions.iter().filter(alive).cloned().collect();
        self.dice.pick(&running).cloned()
    }
}
