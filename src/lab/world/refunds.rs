//! Money going back, in all its ways, and the notes that correct an invoice.

use serde_json::json;

use super::{DAY, Id, World};
use crate::model::kind::ObjectKind;

impl World {
    /// One refund, or several, of a charge that succeeded.
    pub(super) fn refunds(&mut self, charge: &str) {
        let parts = self.dice.between(1, 3);
        for _ in 0..parts {
            let left =
                self.int(charge, "amount_captured").saturating_sub(self.int(charge, "amount_refunded"));
            if left <= 0 {
                return;
            }
            let amount = if self.dice.chance(50) { left } else { self.dice.between(1, left) };
            self.act(true);
            self.refund(charge, amount);
            self.beat();
        }
    }

    fn refund(&mut self, charge: &str, amount: i64) {
        if self.dice.chance(30) {
            self.slow_refund(charge, amount);
            return;
        }
        let refund = self.new_refund(charge, amount, "succeeded");
        self.emit(&refund, "refund.created");
        self.charge_refunded(charge, amount);
        if self.dice.chance(70) {
            // The acquirer's number arrives, mostly at once.
            self.beat();
            self.refund_updated(
                &refund,
                json!({ "destination_details": { "card": { "reference_status": "available" } } }),
            );
        }
        if self.dice.chance(20) {
            let days = self.dice.between(1, 20);
            self.pass(days.saturating_mul(DAY));
            self.fail_refund(charge, &refund, amount);
        }
    }

    /// Waits for money or the bank; then it goes through, fails or is taken back.
    fn slow_refund(&mut self, charge: &str, amount: i64) {
        let refund = self.new_refund(charge, amount, "pending");
        self.emit(&refund, "refund.created");
        self.charge_refunded(charge, amount);
        self.act(false);
        let days = self.dice.between(0, 4);
        self.pass(days.saturating_mul(DAY).max(1));
        match self.dice.below(3) {
            0 => {
                self.refund_updated(&refund, json!({ "status": "canceled" }));
                self.charge_refunded(charge, amount.saturating_neg());
            }
            1 => self.fail_refund(charge, &refund, amount),
            _ => self.refund_updated(&refund, json!({ "status": "succeeded", "pending_reason": null })),
        }
    }

    fn refund_updated(&mut self, refund: &str, patch: serde_json::Value) {
        if self.dice.chance(70) {
            self.twins(refund, ["refund.updated", "charge.refund.updated"], patch);
        } else {
            self.updated(refund, "refund.updated", patch);
        }
    }

    fn fail_refund(&mut self, charge: &str, refund: &str, amount: i64) {
        let movement = self.mint("txn_3");
        self.refund_updated(
            refund,
            json!({ "status": "failed", "failure_reason": "expired_or_canceled_card",
                    "failure_balance_transaction": movement }),
        );
        self.emit(refund, "refund.failed");
        // Not every failed refund is told by its charge.
        if self.dice.chance(60) {
            self.charge_refunded(charge, amount.saturating_neg());
        }
    }

    fn charge_refunded(&mut self, charge: &str, amount: i64) {
        let sum = self.int(charge, "amount_refunded").saturating_add(amount);
        let refunded = sum > 0 && sum == self.int(charge, "amount_captured");
        let patch = json!({ "amount_refunded": sum, "refunded": refunded });
        if amount < 0 {
            self.updated(charge, "charge.updated", patch);
        } else if self.dice.chance(50) {
            self.updated(charge, "charge.refunded", patch);
        } else {
            self.told(charge, "charge.refunded", patch);
        }
    }

    /// A correction of a paid invoice; some are taken back.
    pub(super) fn credit_note(&mut self, invoice: &str) {
        let paid = self
            .int(invoice, "amount_paid")
            .saturating_sub(self.int(invoice, "post_payment_credit_notes_amount"));
        if paid <= 0 {
            return;
        }
        self.act(true);
        let amount = self.dice.between(1, paid);
        let note = self.new_note(invoice, amount);
        self.emit(&note, "credit_note.created");
        let sum = self.int(invoice, "post_payment_credit_notes_amount").saturating_add(amount);
        self.updated(invoice, "invoice.updated", json!({ "post_payment_credit_notes_amount": sum }));
        self.beat();
        if self.dice.chance(30) {
            self.updated(
                &note,
                "credit_note.updated",
                json!({ "memo": "a correction", "reason": "order_change" }),
            );
        }
        if self.dice.chance(30) {
            let now = self.now;
            self.told(&note, "credit_note.voided", json!({ "status": "void", "voided_at": now }));
            let sum = sum.saturating_sub(amount);
            self.updated(invoice, "invoice.updated", json!({ "post_payment_credit_notes_amount": sum }));
        }
    }

    fn new_note(&mut self, invoice: &str, amount: i64) -> Id {
        let id = self.mint("cn_1");
        let number = format!("{}-CN-01", self.dice.letters(6));
        let value = json!({
            "amount": amount, "currency": "eur", "customer": self.get(invoice, "customer"),
            "customer_balance_transaction": null, "invoice": invoice, "memo": null, "number": number,
            "out_of_band_amount": null, "post_payment_amount": amount, "pre_payment_amount": 0,
            "reason": null, "refunds": [], "status": "issued", "total": amount, "type": "post_payment",
            "voided_at": null,
        });
        self.found(ObjectKind::CreditNote, &id, value);
        id
    }
}
