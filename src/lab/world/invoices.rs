//! What is owed: from the draft to paid, void, given up or deleted.

use serde_json::{Value, json};

use super::payments::Attempt;
use super::{DAY, HOUR, Id, World};
use crate::model::kind::ObjectKind;

impl World {
    pub(super) fn finalize(&mut self, invoice: &str) {
        if self.dice.chance(5) {
            let error = json!({ "automatic_tax": { "status": "requires_location_inputs" } });
            self.told(invoice, "invoice.finalization_failed", error);
            self.beat();
        }
        let (now, number) = (self.now, format!("{}-0001", self.dice.letters(8)));
        self.told(
            invoice,
            "invoice.finalized",
            json!({ "status": "open", "number": number, "ending_balance": 0, "auto_advance": true,
                    "status_transitions": { "finalized_at": now },
                    "hosted_invoice_url": "https://invoice.example/i", "invoice_pdf": "https://invoice.example/p" }),
        );
    }

    /// Nothing is due: paid as soon as it is final, without a charge.
    pub(super) fn pay_nothing(&mut self, invoice: &str) {
        self.finalize(invoice);
        self.close_paid(invoice, None, 0);
    }

    /// The invoice's money arrived.
    pub(super) fn pay_invoice(&mut self, invoice: &str, intent: &str, charge: &str) {
        self.change(invoice, json!({ "_charge": charge, "_payment_intent": intent }));
        let count = self.int(invoice, "attempt_count");
        self.close_paid(invoice, Some(intent), count.saturating_add(i64::from(count == 0)));
    }

    fn close_paid(&mut self, invoice: &str, intent: Option<&str>, attempts: i64) {
        let (now, due) = (self.now, self.int(invoice, "amount_due"));
        let patch = json!({
            "status": "paid", "amount_paid": due, "amount_remaining": 0, "attempted": true, "attempt_count": attempts,
            "next_payment_attempt": null, "auto_advance": false, "status_transitions": { "paid_at": now },
        });
        if self.dice.chance(40) {
            self.updated(invoice, "invoice.updated", patch);
        } else {
            self.change(invoice, patch);
        }
        let mut types = ["invoice.paid", "invoice.payment_succeeded"];
        self.dice.shuffle(&mut types);
        for type_name in types {
            // The second of the two sometimes falls into the next second.
            if self.dice.chance(20) {
                self.pass(1);
            }
            self.emit(invoice, type_name);
        }
        if let Some(intent) = intent {
            self.link_payment(invoice, intent, due);
        }
    }

    /// What tells which payment paid the invoice comes last.
    fn link_payment(&mut self, invoice: &str, intent: &str, amount: i64) {
        let (id, now) = (self.mint("inpay_1"), self.now);
        let value = json!({
            "amount_paid": amount, "amount_requested": amount, "currency": "eur", "invoice": invoice,
            "is_default": true, "payment": { "type": "payment_intent", "payment_intent": intent }, "status": "paid",
            "status_transitions": { "canceled_at": null, "paid_at": now },
        });
        self.found(ObjectKind::InvoicePayment, &id, value);
        let wait = self.dice.between(0, 20);
        self.pass(wait);
        self.emit(&id, "invoice_payment.paid");
    }

    /// Somebody paid by other means, and the merchant says so.
    pub(super) fn pay_outside(&mut self, invoice: &str) {
        self.act(true);
        let (now, due) = (self.now, self.int(invoice, "amount_due"));
        let more = if self.dice.chance(10) { 50 } else { 0 };
        let patch = json!({
            "status": "paid", "amount_paid": due, "amount_remaining": 0, "attempted": true, "amount_overpaid": more,
            "amount_paid_off_stripe": due, "next_payment_attempt": null, "auto_advance": false,
            "status_transitions": { "paid_at": now }, "_out_of_band": due,
        });
        if self.dice.chance(40) {
            self.updated(invoice, "invoice.updated", patch);
        } else {
            self.change(invoice, patch);
        }
        self.emit(invoice, "invoice.paid");
        if more > 0 {
            self.emit(invoice, "invoice.overpaid");
        }
    }

    pub(super) fn fail_invoice(&mut self, invoice: &str, asks: bool) {
        let (count, next) =
            (self.int(invoice, "attempt_count").saturating_add(1), self.now.saturating_add(3 * DAY));
        let next = if count < 4 { json!(next) } else { Value::Null };
        let patch = json!({ "attempted": true, "attempt_count": count, "next_payment_attempt": next });
        if self.dice.chance(60) {
            self.updated(invoice, "invoice.updated", patch);
        } else {
            self.change(invoice, patch);
        }
        if asks {
            self.emit(invoice, "invoice.payment_action_required");
        }
        self.emit(invoice, "invoice.payment_failed");
    }

    /// An attempt to collect an open invoice; true if it was paid.
    pub(super) fn collect(&mut self, invoice: &str, method: &str, how: Attempt) -> bool {
        let intent = match self.text(invoice, "_payment_intent") {
            known if !known.is_empty() => known,
            _ => {
                let (customer, amount) = (self.text(invoice, "customer"), self.int(invoice, "amount_due"));
                let intent = self.new_intent(&customer, amount, Some(invoice));
                self.change(invoice, json!({ "_payment_intent": intent }));
                self.emit(&intent, "payment_intent.created");
                intent
            }
        };
        let charge = self.attempt(&intent, method, how);
        match (how, charge) {
            (Attempt::Pays, Some(charge)) => {
                self.pay_invoice(invoice, &intent, &charge);
                true
            }
            (Attempt::Waits, Some(charge)) => {
                self.act(false);
                let days = self.dice.between(2, 6);
                self.pass(days.saturating_mul(DAY));
                let pays = self.dice.chance(60);
                self.settle(&intent, &charge, pays);
                if pays {
                    self.pay_invoice(invoice, &intent, &charge);
                } else {
                    self.fail_invoice(invoice, false);
                }
                pays
            }
            (how, _) => {
                self.fail_invoice(invoice, how == Attempt::Asks);
                false
            }
        }
    }

    /// Nobody will pay it: void, or given up and perhaps paid or void after all.
    pub(super) fn give_up(&mut self, invoice: &str) {
        let intent = self.text(invoice, "_payment_intent");
        if self.dice.chance(50) {
            self.void(invoice, &intent);
            return;
        }
        let now = self.now;
        self.told(
            invoice,
            "invoice.marked_uncollectible",
            json!({ "status": "uncollectible", "auto_advance": false, "next_payment_attempt": null,
                    "status_transitions": { "marked_uncollectible_at": now } }),
        );
        self.beat();
        match self.dice.below(4) {
            0 => self.pay_outside(invoice),
            1 => self.void(invoice, &intent),
            _ => {}
        }
    }

    pub(super) fn void(&mut self, invoice: &str, intent: &str) {
        let now = self.now;
        self.told(
            invoice,
            "invoice.voided",
            json!({ "status": "void", "next_payment_attempt": null, "status_transitions": { "voided_at": now } }),
        );
        if !intent.is_empty() {
            self.cancel_intent(intent, "void_invoice");
        }
    }

    /// An invoice that the merchant writes by hand: sent, corrected, paid, deleted.
    pub(super) fn manual_invoice(&mut self, customer: &str) -> Id {
        self.act(true);
        let amount = self.dice.between(10, 300).saturating_mul(100);
        let invoice = self.new_invoice(customer, None, "manual", amount);
        let due = self.now.saturating_add(14 * DAY);
        self.change(
            &invoice,
            json!({ "collection_method": "send_invoice", "due_date": due, "auto_advance": false }),
        );
        self.emit(&invoice, "invoice.created");
        self.beat();
        for _ in 0..self.dice.below(3) {
            let memo = self.dice.letters(4);
            self.updated(&invoice, "invoice.updated", json!({ "metadata": { "order": memo } }));
            self.beat();
        }
        if self.dice.chance(15) {
            self.told(&invoice, "invoice.deleted", json!({}));
            return invoice;
        }
        self.finalize(&invoice);
        self.emit(&invoice, "invoice.sent");
        if self.dice.chance(10) {
            self.emit(&invoice, "invoice.payment_attempt_required");
        }
        let wait = self.dice.between(0, 20).saturating_mul(DAY);
        if wait > 7 * DAY {
            self.pass(7 * DAY);
            self.emit(&invoice, "invoice.will_be_due");
            self.pass(wait.saturating_sub(7 * DAY));
        } else {
            self.pass(wait);
        }
        self.beat();
        if wait > 14 * DAY {
            self.emit(&invoice, "invoice.overdue");
        }
        match self.dice.below(4) {
            0 => self.give_up(&invoice),
            1 => {}
            _ => self.pay_outside(&invoice),
        }
        self.pass(HOUR);
        invoice
    }
}
