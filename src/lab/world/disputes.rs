//! Chargebacks, the inquiries before them, and the issuers' warnings.

use serde_json::{Value, json};

use super::{DAY, World};
use crate::model::kind::ObjectKind;

impl World {
    /// Somebody disputes a charge.
    pub(super) fn dispute(&mut self, charge: &str) {
        self.act(false);
        // Amounts can differ from the charge's, in both directions.
        let amount = match self.dice.below(5) {
            0 => self.int(charge, "amount").saturating_add(150),
            1 => self.int(charge, "amount").checked_div(2).unwrap_or(1),
            _ => self.int(charge, "amount"),
        };
        match self.dice.below(10) {
            0 => {
                let dispute = self.new_dispute(charge, amount, "prevented");
                self.emit(&dispute, "charge.dispute.created");
            }
            1 => {
                let dispute = self.new_dispute(charge, amount, "lost");
                self.change(&dispute, json!({ "balance_transactions": [self.withdrawal(amount)] }));
                self.emit(&dispute, "charge.dispute.created");
                self.emit(&dispute, "charge.dispute.funds_withdrawn");
                self.emit(&dispute, "charge.dispute.closed");
            }
            2..=4 => self.inquiry(charge, amount),
            _ => {
                let dispute = self.new_dispute(charge, amount, "needs_response");
                self.change(&dispute, json!({ "balance_transactions": [self.withdrawal(amount)] }));
                self.emit(&dispute, "charge.dispute.created");
                self.beat();
                self.emit(&dispute, "charge.dispute.funds_withdrawn");
                self.contest(&dispute, amount);
            }
        }
        self.updated(charge, "charge.updated", json!({ "disputed": true }));
    }

    fn withdrawal(&self, amount: i64) -> Value {
        json!({ "amount": amount.saturating_neg(), "fee": 1_500, "net": amount.saturating_add(1_500).saturating_neg(),
                "created": self.now, "type": "adjustment", "reporting_category": "dispute" })
    }

    /// An inquiry: no money moves unless it becomes a chargeback.
    fn inquiry(&mut self, charge: &str, amount: i64) {
        let dispute = self.new_dispute(charge, amount, "warning_needs_response");
        self.emit(&dispute, "charge.dispute.created");
        self.beat();
        if self.dice.chance(50) {
            self.act(true);
            self.updated(
                &dispute,
                "charge.dispute.updated",
                json!({ "status": "warning_under_review",
                        "evidence_details": { "has_evidence": true, "submission_count": 1 } }),
            );
        }
        self.pass(3 * DAY);
        if self.dice.chance(60) {
            self.updated(&dispute, "charge.dispute.closed", json!({ "status": "warning_closed" }));
            return;
        }
        let movement = self.withdrawal(amount);
        let case = json!({ "card": { "case_type": "chargeback" } });
        self.updated(
            &dispute,
            "charge.dispute.updated",
            json!({ "status": "needs_response", "balance_transactions": [movement], "payment_method_details": case,
                    "is_charge_refundable": false }),
        );
        self.emit(&dispute, "charge.dispute.funds_withdrawn");
        self.contest(&dispute, amount);
    }

    /// Evidence, and the network's decision.
    fn contest(&mut self, dispute: &str, amount: i64) {
        self.beat();
        if self.dice.chance(60) {
            self.act(true);
            self.updated(
                dispute,
                "charge.dispute.updated",
                json!({ "evidence_details": { "has_evidence": true }, "metadata": { "case": "opened" } }),
            );
            self.beat();
            let times = self.get(dispute, "evidence_details").get("submission_count").and_then(Value::as_i64);
            let times = times.unwrap_or(0).saturating_add(1);
            self.updated(
                dispute,
                "charge.dispute.updated",
                json!({ "status": "under_review", "evidence_details": { "submission_count": times } }),
            );
        }
        self.act(false);
        let days = self.dice.between(1, 60);
        self.pass(days.saturating_mul(DAY));
        match self.dice.below(10) {
            // Nobody has decided yet.
            0 | 1 => {}
            2..=5 => self.lose(dispute),
            _ => self.win(dispute, amount),
        }
    }

    fn lose(&mut self, dispute: &str) {
        self.updated(dispute, "charge.dispute.closed", json!({ "status": "lost" }));
        if self.dice.chance(10) {
            // A late win is rare but real.
            self.pass(20 * DAY);
            self.updated(dispute, "charge.dispute.updated", json!({ "status": "won" }));
        }
    }

    fn win(&mut self, dispute: &str, amount: i64) {
        let mut movements = self.get(dispute, "balance_transactions").as_array().cloned().unwrap_or_default();
        movements.push(
            json!({ "amount": amount, "fee": 0, "net": amount, "created": self.now, "type": "adjustment",
                               "reporting_category": "dispute_reversal" }),
        );
        let (closed, back) = (json!({ "status": "won" }), json!({ "balance_transactions": movements }));
        // Which of the two comes first is not fixed.
        if self.dice.chance(50) {
            self.updated(dispute, "charge.dispute.closed", closed);
            self.beat();
            self.told(dispute, "charge.dispute.funds_reinstated", back);
        } else {
            self.change(dispute, back);
            self.updated(dispute, "charge.dispute.closed", closed);
            self.beat();
            self.emit(dispute, "charge.dispute.funds_reinstated");
        }
    }

    /// An issuer warns of fraud; the merchant gives the money back, or a dispute follows.
    pub(super) fn fraud_warning(&mut self, charge: &str) {
        self.act(false);
        let id = self.mint("issfr_1");
        let value = json!({ "actionable": true, "charge": charge, "fraud_type": "made_with_stolen_card",
                            "payment_intent": self.get(charge, "payment_intent") });
        self.found(ObjectKind::EarlyFraudWarning, &id, value);
        self.emit(&id, "radar.early_fraud_warning.created");
        self.beat();
        if self.dice.chance(50) {
            self.refunds(charge);
        } else {
            self.dispute(charge);
        }
        self.updated(&id, "radar.early_fraud_warning.updated", json!({ "actionable": false }));
    }
}
