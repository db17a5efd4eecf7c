//! How a customer begins: through Checkout or the API, at once or with a trial, with a card or without.

use serde_json::json;

use super::objects::{PLANS, plan};
use super::payments::Attempt;
use super::person::Person;
use super::{HOUR, Id, World};
use crate::model::kind::ObjectKind;

impl World {
    /// A new customer, known by name and perhaps by a card.
    pub(super) fn arrive(&mut self) -> Person {
        self.act(true);
        let customer = self.new_customer();
        self.emit(&customer, "customer.created");
        self.beat();
        if self.dice.chance(30) {
            self.updated(
                &customer,
                "customer.updated",
                json!({ "address": { "country": "DE" }, "currency": "eur" }),
            );
            self.beat();
        }
        let mut person = Person { customer, method: None, subscriptions: Vec::new(), gone: false };
        if self.dice.chance(85) {
            self.add_card(&mut person);
        }
        person
    }

    pub(super) fn add_card(&mut self, person: &mut Person) {
        if self.dice.chance(20) {
            self.set_up(&person.customer);
        }
        let method = self.new_method(&person.customer, "card");
        self.emit(&method, "payment_method.attached");
        let default = json!({ "invoice_settings": { "default_payment_method": method } });
        self.updated(&person.customer, "customer.updated", default);
        person.method = Some(method);
        self.beat();
    }

    fn set_up(&mut self, customer: &str) {
        let id = self.mint("seti_1");
        let value = json!({ "cancellation_reason": null, "customer": customer, "last_setup_error": null,
                            "latest_attempt": null, "payment_method": null, "status": "requires_payment_method",
                            "usage": "off_session" });
        self.found(ObjectKind::SetupIntent, &id, value);
        self.emit(&id, "setup_intent.created");
        self.beat();
        if self.dice.chance(40) {
            self.told(&id, "setup_intent.requires_action", json!({ "status": "requires_action" }));
            self.pass(9);
        }
        if self.dice.chance(85) {
            self.told(&id, "setup_intent.succeeded", json!({ "status": "succeeded" }));
        } else {
            let error = json!({ "status": "requires_payment_method", "last_setup_error": { "code": "card_declined" } });
            self.told(&id, "setup_intent.setup_failed", error);
            self.pass(1);
            if self.dice.chance(50) {
                let patch = json!({ "status": "canceled", "cancellation_reason": "abandoned" });
                self.told(&id, "setup_intent.canceled", patch);
            }
        }
    }

    /// A subscription begins.
    pub(super) fn subscribe(&mut self, person: &mut Person) {
        self.act(true);
        let number = self.dice.below(PLANS.len());
        let trial = if self.dice.chance(30) { self.dice.between(1, 3).saturating_mul(7) } else { 0 };
        let session =
            self.dice.chance(50).then(|| self.new_session(&person.customer, "subscription", plan(number).2));
        let method = person.method.clone();
        let subscription = self.new_subscription(&person.customer, method.as_deref(), number, trial);
        let amount = if trial > 0 { 0 } else { plan(number).2 };
        let invoice = self.new_invoice(&person.customer, Some(&subscription), "subscription_create", amount);
        self.change(&subscription, json!({ "latest_invoice": invoice }));
        person.subscriptions.push(subscription.clone());
        let began = match (amount, method) {
            (0, _) => self.begin_free(&subscription, &invoice, trial),
            (_, None) => self.begin_unpaid(&subscription, &invoice),
            (_, Some(method)) => self.begin_paid(&subscription, &invoice, &method),
        };
        if let Some(session) = session {
            if began {
                let patch = json!({ "status": "complete", "payment_status": if amount > 0 { "paid" } else { "no_payment_required" },
                                    "subscription": subscription, "invoice": invoice });
                self.told(&session, "checkout.session.completed", patch);
            } else {
                self.told(&session, "checkout.session.expired", json!({ "status": "expired" }));
            }
        }
    }

    /// Nothing is due yet: a trial or a free plan.
    fn begin_free(&mut self, subscription: &str, invoice: &str, trial: i64) -> bool {
        let status = if trial > 0 { "trialing" } else { "active" };
        self.told(subscription, "customer.subscription.created", json!({ "status": status }));
        if trial > 0 && self.dice.chance(30) {
            self.emit(subscription, "customer.subscription.trial_will_end");
        }
        self.emit(invoice, "invoice.created");
        self.pay_nothing(invoice);
        true
    }

    /// There is nothing to pay with: the customer has 23 hours.
    fn begin_unpaid(&mut self, subscription: &str, invoice: &str) -> bool {
        self.emit(subscription, "customer.subscription.created");
        self.emit(invoice, "invoice.created");
        self.finalize(invoice);
        self.expire(subscription, invoice);
        false
    }

    fn begin_paid(&mut self, subscription: &str, invoice: &str, method: &str) -> bool {
        let how = match self.dice.below(10) {
            0 => Attempt::Fails,
            1 | 2 => Attempt::Asks,
            3 => Attempt::Waits,
            _ => Attempt::Pays,
        };
        if how == Attempt::Pays && self.dice.chance(70) {
            return self.begin_at_once(subscription, invoice, method);
        }
        self.emit(subscription, "customer.subscription.created");
        self.beat();
        self.emit(invoice, "invoice.created");
        self.finalize(invoice);
        let mut paid = self.collect(invoice, method, how);
        if !paid && self.dice.chance(70) {
            self.act(true);
            let wait = self.dice.between(0, 900);
            self.pass(wait);
            paid = self.collect(invoice, method, Attempt::Pays);
        }
        if paid {
            self.beat();
            self.updated(subscription, "customer.subscription.updated", json!({ "status": "active" }));
        } else {
            self.expire(subscription, invoice);
        }
        paid
    }

    /// Paid while it is made: no event ever shows it incomplete, and the invoice may already show its end.
    fn begin_at_once(&mut self, subscription: &str, invoice: &str, method: &str) -> bool {
        let customer = self.text(subscription, "customer");
        let intent = self.new_intent(&customer, self.int(invoice, "amount_due"), Some(invoice));
        self.change(invoice, json!({ "_payment_intent": intent }));
        self.emit(&intent, "payment_intent.created");
        let Some(charge) = self.attempt(&intent, method, Attempt::Pays) else { return false };
        self.told(subscription, "customer.subscription.created", json!({ "status": "active" }));
        self.emit(invoice, "invoice.created");
        self.finalize(invoice);
        self.pay_invoice(invoice, &intent, &charge);
        true
    }

    /// Not paid within 23 hours.
    fn expire(&mut self, subscription: &str, invoice: &str) {
        self.act(false);
        self.pass(23 * HOUR);
        let now = self.now;
        let patch = json!({ "status": "incomplete_expired", "ended_at": now });
        self.updated(subscription, "customer.subscription.updated", patch);
        let intent = self.text(invoice, "_payment_intent");
        self.void(invoice, &intent);
    }

    /// The id of a subscription's newest invoice.
    pub(super) fn latest_invoice(&self, subscription: &str) -> Id {
        self.text(subscription, "latest_invoice")
    }
}
