//! Intents, charges, refunds, disputes, payment methods, fraud warnings.

use serde_json::{Value, json};

use super::{Render, START, Shape};

#[derive(Clone)]
pub(crate) struct Intent {
    pub(crate) id: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) invoice: Option<&'static str>,
    pub(crate) status: &'static str,
    pub(crate) amount: i64,
    pub(crate) amount_received: i64,
    pub(crate) amount_capturable: i64,
    pub(crate) latest_charge: Option<&'static str>,
    pub(crate) error: Option<&'static str>,
    pub(crate) canceled: Option<(i64, &'static str)>,
    pub(crate) capture_method: &'static str,
}

impl Intent {
    pub(crate) const fn new(id: &'static str, customer: &'static str, amount: i64) -> Self {
        Self {
            id,
            customer,
            invoice: None,
            status: "requires_payment_method",
            amount,
            amount_received: 0,
            amount_capturable: 0,
            latest_charge: None,
            error: None,
            canceled: None,
            capture_method: "automatic",
        }
    }

    pub(crate) const fn of(self, invoice: &'static str) -> Self {
        Self { invoice: Some(invoice), ..self }
    }

    pub(crate) const fn succeed(&mut self, charge: &Charge) {
        self.status = "succeeded";
        self.amount_received = charge.amount_captured;
        self.amount_capturable = 0;
        self.latest_charge = Some(charge.id);
        self.error = None;
    }

    pub(crate) const fn fail(&mut self, charge: &'static str, error: &'static str) {
        self.status = "requires_payment_method";
        self.latest_charge = Some(charge);
        self.error = Some(error);
    }
}

impl Render for Intent {
    fn render(&self, shape: Shape) -> Value {
        let error =
            self.error.map(|code| json!({ "code": code, "decline_code": null, "type": "card_error" }));
        let action = (self.status == "requires_action").then(|| json!({ "type": "use_stripe_sdk" }));
        let mut object = json!({
            "id": self.id, "object": "payment_intent", "created": START, "livemode": false, "currency": "usd",
            "customer": self.customer, "status": self.status, "amount": self.amount,
            "amount_received": self.amount_received, "amount_capturable": self.amount_capturable,
            "latest_charge": self.latest_charge, "payment_method": self.latest_charge.map(|_| "pm_1"),
            "last_payment_error": error, "next_action": action, "capture_method": self.capture_method,
            "canceled_at": self.canceled.map(|canceled| canceled.0),
            "cancellation_reason": self.canceled.map(|canceled| canceled.1), "setup_future_usage": "off_session",
            "metadata": {}, "client_secret": "not_kept",
        });
        if shape.is_old() {
            object["invoice"] = self.invoice.into();
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct Charge {
    pub(crate) id: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) invoice: Option<&'static str>,
    pub(crate) status: &'static str,
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    pub(crate) amount_refunded: i64,
    pub(crate) disputed: bool,
    pub(crate) failure_code: Option<&'static str>,
    pub(crate) balance_transaction: Option<&'static str>,
}

impl Charge {
    /// A charge that took its money.
    pub(crate) const fn new(id: &'static str, intent: &Intent) -> Self {
        Self {
            id,
            intent: intent.id,
            invoice: intent.invoice,
            status: "succeeded",
            amount: intent.amount,
            amount_captured: intent.amount,
            amount_refunded: 0,
            disputed: false,
            failure_code: None,
            balance_transaction: None,
        }
    }

    pub(crate) const fn failed(id: &'static str, intent: &Intent, code: &'static str) -> Self {
        let charge = Self::new(id, intent);
        Self { status: "failed", amount_captured: 0, failure_code: Some(code), ..charge }
    }

    pub(crate) const fn authorized(id: &'static str, intent: &Intent) -> Self {
        Self { amount_captured: 0, ..Self::new(id, intent) }
    }
}

impl Render for Charge {
    fn render(&self, shape: Shape) -> Value {
        let taken = self.status == "succeeded" && self.amount_captured > 0;
        let whole = if taken { self.amount_captured } else { self.amount };
        let mut object = json!({
            "id": self.id, "object": "charge", "created": START, "livemode": false, "currency": "usd",
            "customer": "cus_1", "payment_intent": self.intent, "status": self.status, "amount": self.amount,
            "amount_captured": self.amount_captured, "amount_refunded": self.amount_refunded,
            "paid": self.status == "succeeded", "captured": taken, "refunded": self.amount_refunded >= whole,
            "disputed": self.disputed, "failure_code": self.failure_code, "failure_balance_transaction": null,
            "balance_transaction": self.balance_transaction, "payment_method": "pm_1",
            "payment_method_details": { "type": "card", "card": { "brand": "visa", "last4": "4242" } },
            "outcome": { "type": "authorized", "reason": null, "risk_level": "normal" }, "metadata": {},
        });
        if shape.is_old() {
            object["invoice"] = self.invoice.into();
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct Refund {
    pub(crate) id: &'static str,
    pub(crate) charge: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    pub(crate) failure_reason: Option<&'static str>,
    /// The reference for the cardholder's bank is known.
    pub(crate) referenced: bool,
}

impl Refund {
    pub(crate) const fn new(id: &'static str, charge: &Charge, amount: i64) -> Self {
        let (failure_reason, referenced) = (None, false);
        Self {
            id,
            charge: charge.id,
            intent: charge.intent,
            amount,
            status: "succeeded",
            failure_reason,
            referenced,
        }
    }
}

impl Render for Refund {
    fn render(&self, _: Shape) -> Value {
        let reference = if self.referenced { "available" } else { "pending" };
        let mut object = json!({
            "id": self.id, "object": "refund", "created": START, "currency": "usd", "amount": self.amount,
            "charge": self.charge, "payment_intent": self.intent, "status": self.status,
            "reason": "requested_by_customer", "balance_transaction": "txn_refund", "metadata": {},
            "destination_details": { "type": "card", "card": { "type": "refund", "reference_status": reference } },
        });
        if self.status == "failed" {
            object["failure_reason"] = self.failure_reason.into();
            object["failure_balance_transaction"] = "txn_back".into();
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct Dispute {
    pub(crate) charge: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    /// What moved on the merchant's balance, and the fee for it.
    pub(crate) movements: Vec<(i64, i64)>,
    pub(crate) has_evidence: bool,
    pub(crate) submissions: i64,
}

impl Dispute {
    pub(crate) const fn new(charge: &Charge, status: &'static str) -> Self {
        Self {
            charge: charge.id,
            intent: charge.intent,
            amount: charge.amount,
            status,
            movements: Vec::new(),
            has_evidence: false,
            submissions: 0,
        }
    }
}

impl Render for Dispute {
    fn render(&self, shape: Shape) -> Value {
        let movement = |(number, &(amount, fee)): (usize, &(i64, i64))| {
            json!({ "id": format!("txn_dp_{number}"), "object": "balance_transaction", "amount": amount, "fee": fee,
                "net": amount - fee, "currency": "usd" })
        };
        let movements: Vec<_> = self.movements.iter().enumerate().map(movement).collect();
        let mut object = json!({
            "id": "du_1", "object": "dispute", "created": START, "livemode": false, "currency": "usd",
            "amount": self.amount, "charge": self.charge, "payment_intent": self.intent, "status": self.status,
            "reason": "fraudulent", "balance_transactions": movements, "is_charge_refundable": false,
            "evidence_details": {
                "due_by": START + 700_000, "has_evidence": self.has_evidence, "past_due": false,
                "submission_count": self.submissions,
            },
            "payment_method_details": { "type": "card", "card": { "case_type": "chargeback", "brand": "visa" } },
            "metadata": {},
        });
        if shape == Shape::Dahlia {
            object["payment_method_details"]["card"]["network"] = "visa".into();
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct Method {
    pub(crate) id: &'static str,
    pub(crate) customer: Option<&'static str>,
}

impl Render for Method {
    fn render(&self, _: Shape) -> Value {
        json!({
            "id": self.id, "object": "payment_method", "created": START, "livemode": false, "type": "card",
            "customer": self.customer, "metadata": {},
            "card": { "brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030, "country": "US", "funding": "credit" },
        })
    }
}

/// The card network suspects fraud.
#[derive(Clone)]
pub(crate) struct Warning {
    pub(crate) charge: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) actionable: bool,
}

impl Render for Warning {
    fn render(&self, _: Shape) -> Value {
        json!({
            "id": "issfr_1", "object": "radar.early_fraud_warning", "created": START, "livemode": false,
            "charge": self.charge, "payment_intent": self.intent, "actionable": self.actionable,
            "fraud_type": "made_with_stolen_card",
        })
    }
}
