//! Paying: an intent, its attempts, and what they leave behind.

use serde_json::{Value, json};

use super::{DAY, HOUR, Id, World};
use crate::lab::render::put;

/// How an attempt to pay ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The money is there.
    Pays,
    /// The issuer declines.
    Fails,
    /// The customer must do something first.
    Asks,
    /// The answer comes after days.
    Waits,
}

impl World {
    /// An attempt at an intent; gives the charge it made, if it made one.
    pub(super) fn attempt(&mut self, intent: &str, method: &str, how: Attempt) -> Option<Id> {
        self.change(intent, json!({ "payment_method": method }));
        match how {
            Attempt::Pays => Some(self.charge_succeeds(intent)),
            Attempt::Fails => Some(self.charge_fails(intent)),
            Attempt::Asks => {
                self.told(
                    intent,
                    "payment_intent.requires_action",
                    json!({ "status": "requires_action", "last_payment_error": null,
                            "next_action": { "type": "use_stripe_sdk" } }),
                );
                None
            }
            Attempt::Waits => {
                let charge = self.new_charge(intent, "sepa_debit", json!({ "status": "pending" }));
                self.told(
                    intent,
                    "payment_intent.processing",
                    json!({ "status": "processing", "latest_charge": charge, "next_action": null }),
                );
                self.emit(&charge, "charge.pending");
                Some(charge)
            }
        }
    }

    fn charge_succeeds(&mut self, intent: &str) -> Id {
        let amount = self.int(intent, "amount");
        // Sometimes the movement on the balance is known only later.
        let later = self.dice.chance(40);
        let movement = if later { Value::Null } else { self.mint("txn_3").into() };
        let charge = self.new_charge(
            intent,
            "card",
            json!({ "status": "succeeded", "paid": true, "captured": true, "amount_captured": amount,
                    "balance_transaction": movement }),
        );
        self.emit(&charge, "charge.succeeded");
        self.intent_succeeds(intent, &charge);
        if later {
            self.beat();
            let (movement, url) = (self.mint("txn_3"), self.dice.letters(12));
            self.updated(
                &charge,
                "charge.updated",
                json!({ "balance_transaction": movement, "receipt_url": format!("https://pay.example/{url}") }),
            );
        }
        charge
    }

    fn intent_succeeds(&mut self, intent: &str, charge: &str) {
        let amount = self.int(intent, "amount");
        self.told(
            intent,
            "payment_intent.succeeded",
            json!({ "status": "succeeded", "amount_received": amount, "amount_capturable": 0,
                    "latest_charge": charge, "last_payment_error": null, "next_action": null }),
        );
    }

    fn charge_fails(&mut self, intent: &str) -> Id {
        let code = self.dice.word(&["insufficient_funds", "do_not_honor", "expired_card"]);
        let charge = self.new_charge(
            intent,
            "card",
            json!({ "status": "failed", "failure_code": "card_declined", "failure_message": "Your card was declined.",
                    "outcome": { "network_status": "declined_by_network", "reason": code, "type": "issuer_declined" } }),
        );
        self.emit(&charge, "charge.failed");
        self.fail_intent(intent, Some(&charge), code);
        charge
    }

    pub(super) fn fail_intent(&mut self, intent: &str, charge: Option<&str>, code: &str) {
        let error = json!({ "code": "card_declined", "decline_code": code, "type": "card_error" });
        let mut patch =
            json!({ "status": "requires_payment_method", "next_action": null, "last_payment_error": error });
        if let Some(charge) = charge {
            put(&mut patch, "latest_charge", charge.into());
        }
        self.told(intent, "payment_intent.payment_failed", patch);
    }

    /// A delayed payment is decided.
    pub(super) fn settle(&mut self, intent: &str, charge: &str, pays: bool) {
        if pays {
            let (amount, movement) = (self.int(charge, "amount"), self.mint("txn_3"));
            self.told(
                charge,
                "charge.succeeded",
                json!({ "status": "succeeded", "paid": true, "captured": true, "amount_captured": amount,
                        "balance_transaction": movement }),
            );
            self.intent_succeeds(intent, charge);
        } else {
            self.told(
                charge,
                "charge.failed",
                json!({ "status": "failed", "failure_code": "insufficient_funds",
                        "outcome": { "type": "issuer_declined", "reason": "insufficient_funds" } }),
            );
            self.fail_intent(intent, Some(charge), "insufficient_funds");
        }
    }

    /// One payment without a subscription: bought through Checkout or the API. Gives the charge that succeeded.
    pub(super) fn one_off(&mut self, customer: &str, method: &str) -> Option<Id> {
        self.act(true);
        let amount = self.dice.between(5, 400).saturating_mul(50);
        let intent = self.new_intent(customer, amount, None);
        let session = self.dice.chance(50).then(|| self.new_session(customer, "payment", amount));
        self.emit(&intent, "payment_intent.created");
        self.beat();
        if self.dice.chance(4) {
            self.transfer(&intent, amount);
        }
        let mut charge = None;
        if self.dice.chance(25) {
            self.attempt(&intent, method, Attempt::Asks);
            let wait = self.dice.between(4, 90);
            self.pass(wait);
            if self.dice.chance(30) {
                // The authentication fails; a machine tries again, perhaps within the second.
                self.fail_intent(&intent, None, "authentication_required");
                self.beat();
                if self.dice.chance(30) {
                    self.attempt(&intent, method, Attempt::Asks);
                    self.pass(7);
                }
            }
        }
        if self.dice.chance(20) {
            charge = self.attempt(&intent, method, Attempt::Fails);
            self.beat();
        }
        match self.dice.below(10) {
            0 => self.cancel_intent(&intent, "abandoned"),
            1 | 2 => return self.delayed(&intent, method, session.as_deref()),
            _ => charge = self.attempt(&intent, method, Attempt::Pays),
        }
        let paid = self.text(&intent, "status") == "succeeded";
        if let Some(session) = session {
            self.end_session(&session, &intent, paid, "paid");
        }
        charge.filter(|_| paid)
    }

    /// A bank transfer comes in part, and the rest is waited for.
    fn transfer(&mut self, intent: &str, amount: i64) {
        let asks = json!({ "status": "requires_action", "next_action": { "type": "display_bank_transfer_instructions" } });
        self.told(intent, "payment_intent.requires_action", asks);
        self.pass(DAY);
        let part = amount.checked_div(2).unwrap_or(0);
        self.told(intent, "payment_intent.partially_funded", json!({ "amount_received": part }));
        self.pass(DAY);
    }

    fn delayed(&mut self, intent: &str, method: &str, session: Option<&str>) -> Option<Id> {
        let charge = self.attempt(intent, method, Attempt::Waits)?;
        if let Some(session) = session {
            self.end_session(session, intent, true, "unpaid");
        }
        self.act(false);
        // A machine's bank may answer within the second.
        let days = self.dice.between(0, 5);
        self.pass(days.saturating_mul(DAY));
        let pays = self.dice.chance(65);
        self.settle(intent, &charge, pays);
        if let Some(session) = session {
            if pays {
                let type_name = "checkout.session.async_payment_succeeded";
                self.told(session, type_name, json!({ "payment_status": "paid" }));
            } else {
                self.emit(session, "checkout.session.async_payment_failed");
            }
        }
        pays.then_some(charge)
    }

    pub(super) fn end_session(&mut self, session: &str, intent: &str, complete: bool, payment_status: &str) {
        if complete {
            self.told(
                session,
                "checkout.session.completed",
                json!({ "status": "complete", "payment_status": payment_status, "payment_intent": intent }),
            );
        } else {
            self.pass(DAY);
            self.told(session, "checkout.session.expired", json!({ "status": "expired" }));
        }
    }

    pub(super) fn cancel_intent(&mut self, intent: &str, reason: &str) {
        if matches!(self.text(intent, "status").as_str(), "succeeded" | "canceled") {
            return;
        }
        let now = self.now;
        self.told(
            intent,
            "payment_intent.canceled",
            json!({ "status": "canceled", "canceled_at": now, "cancellation_reason": reason, "next_action": null,
                    "amount_capturable": 0 }),
        );
    }

    /// Money is held first and taken or released later.
    pub(super) fn held(&mut self, customer: &str, method: &str) -> Option<Id> {
        self.act(true);
        let amount = self.dice.between(10, 90).saturating_mul(100);
        let intent = self.new_intent(customer, amount, None);
        self.change(&intent, json!({ "capture_method": "manual", "payment_method": method }));
        self.emit(&intent, "payment_intent.created");
        let charge = self.new_charge(&intent, "card", json!({ "status": "succeeded", "paid": true }));
        self.emit(&charge, "charge.succeeded");
        self.told(
            &intent,
            "payment_intent.amount_capturable_updated",
            json!({ "status": "requires_capture", "amount_capturable": amount, "latest_charge": charge }),
        );
        let wait = self.dice.between(0, 30).saturating_mul(HOUR);
        self.pass(wait);
        self.beat();
        if self.dice.chance(60) {
            let (taken, movement) =
                (amount.saturating_sub(self.dice.between(0, 1).saturating_mul(300)), self.mint("txn_3"));
            self.told(
                &charge,
                "charge.captured",
                json!({ "captured": true, "amount_captured": taken, "balance_transaction": movement }),
            );
            self.told(
                &intent,
                "payment_intent.succeeded",
                json!({ "status": "succeeded", "amount_received": taken, "amount_capturable": 0 }),
            );
            return Some(charge);
        }
        self.pass(7 * DAY);
        self.emit(&charge, "charge.expired");
        self.cancel_intent(&intent, "automatic");
        None
    }
}
