//! New objects, as the newest API version shows them.
//!
//! Every field that Billfold reads is there, and some that it must not mind.

use serde_json::{Value, json};

use super::{DAY, Id, World};
use crate::lab::render::put;
use crate::model::kind::ObjectKind;

/// The plans on sale: price, product, minor units, interval, days.
pub(super) const PLANS: &[(&str, &str, i64, &str, i64)] = &[
    ("price_basic_month", "prod_basic", 900, "month", 30),
    ("price_team_month", "prod_team", 2_900, "month", 30),
    ("price_team_year", "prod_team", 29_000, "year", 365),
    ("price_free", "prod_free", 0, "month", 30),
];

/// One of [`PLANS`].
pub(super) fn plan(number: usize) -> (&'static str, &'static str, i64, &'static str, i64) {
    PLANS.get(number).copied().unwrap_or(("price_basic_month", "prod_basic", 900, "month", 30))
}

impl World {
    pub(super) fn new_customer(&mut self) -> Id {
        let new = self.mint("cus_");
        let id = self.setting.customer.take().map_or(new, |id| id.as_str().to_owned());
        let name = self.dice.word(&["Ada", "Bruno", "Chiyo", "Dara", "Emre", "Freya"]);
        let email = format!("{}.{}@example.com", name.to_lowercase(), self.dice.letters(5));
        let user = format!("user_{}", self.dice.letters(6));
        let value = json!({
            "address": null, "balance": 0, "currency": null, "default_source": null, "delinquent": false,
            "description": null, "discount": null, "email": email, "invoice_prefix": self.dice.letters(8),
            "invoice_settings": { "custom_fields": null, "default_payment_method": null, "footer": null },
            "metadata": { "user_id": user }, "name": name, "next_invoice_sequence": 1, "phone": null,
            "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
        });
        self.found(ObjectKind::Customer, &id, value);
        id
    }

    pub(super) fn new_method(&mut self, customer: &str, method_type: &str) -> Id {
        let id = self.mint("pm_");
        let brand = self.dice.word(&["visa", "mastercard", "amex"]);
        let card = json!({
            "brand": brand, "country": "DE", "exp_month": 8, "exp_year": 2_031, "fingerprint": self.dice.letters(16),
            "funding": "credit", "last4": "4242",
        });
        let card = if method_type == "card" { card } else { Value::Null };
        let value = json!({
            "billing_details": { "email": null, "name": null }, "card": card, "customer": customer, "metadata": {},
            "type": method_type,
        });
        self.found(ObjectKind::PaymentMethod, &id, value);
        id
    }

    /// A subscription's line for a plan, its period beginning now.
    pub(super) fn item(&mut self, number: usize, period_days: i64) -> Value {
        let (price, product, amount, interval, _) = plan(number);
        json!({
            "id": self.mint("si_"), "object": "subscription_item", "created": self.now,
            "current_period_end": self.now.saturating_add(period_days.saturating_mul(DAY)),
            "current_period_start": self.now, "discounts": [], "metadata": {}, "quantity": 1,
            "price": price_object(price, product, amount, interval),
        })
    }

    pub(super) fn new_subscription(
        &mut self,
        customer: &str,
        method: Option<&str>,
        number: usize,
        trial: i64,
    ) -> Id {
        let id = self.mint("sub_");
        let days = if trial > 0 { trial } else { plan(number).4 };
        let item = self.item(number, days);
        let trial_end = (trial > 0).then(|| self.now.saturating_add(trial.saturating_mul(DAY)));
        let mode = self.dice.word(&["classic", "flexible"]);
        let value = json!({
            "automatic_tax": { "enabled": false }, "billing_cycle_anchor": trial_end.unwrap_or(self.now),
            "billing_mode": { "type": mode }, "cancel_at": null, "cancel_at_period_end": false, "canceled_at": null,
            "cancellation_details": { "comment": null, "feedback": null, "reason": null },
            "collection_method": "charge_automatically", "currency": "eur", "customer": customer,
            "days_until_due": null, "default_payment_method": method, "discounts": [], "ended_at": null,
            "items": { "object": "list", "data": [item], "has_more": false, "total_count": 1,
                       "url": format!("/v1/subscription_items?subscription={id}") },
            "latest_invoice": null, "metadata": {}, "pause_collection": null, "pending_setup_intent": null,
            "pending_update": null, "schedule": null, "start_date": self.now, "status": "incomplete",
            "test_clock": null, "trial_end": trial_end, "trial_start": trial_end.map(|_| self.now),
            "_plan": number,
        });
        self.found(ObjectKind::Subscription, &id, value);
        id
    }

    pub(super) fn new_invoice(
        &mut self,
        customer: &str,
        subscription: Option<&str>,
        reason: &str,
        amount: i64,
    ) -> Id {
        let id = self.mint("in_");
        let number = subscription.map_or(0, |id| usize::try_from(self.int(id, "_plan")).unwrap_or(0));
        let (price, product, ..) = plan(number);
        let tax = amount.checked_div(6).unwrap_or(0);
        let parent = subscription.map(|id| {
            json!({ "quote_details": null, "type": "subscription_details",
                    "subscription_details": { "metadata": {}, "subscription": id } })
        });
        let line = json!({
            "id": self.mint("il_"), "object": "line_item", "amount": amount, "currency": "eur", "quantity": 1,
            "period": { "start": self.now, "end": self.now.saturating_add(30 * DAY) },
            "parent": { "type": "subscription_item_details", "invoice_item_details": null,
                        "subscription_item_details": { "proration": false, "subscription_item": null } },
            "pricing": { "type": "price_details", "price_details": { "price": price, "product": product } },
        });
        let value = json!({
            "amount_due": amount, "amount_overpaid": 0, "amount_paid": 0, "amount_paid_off_stripe": 0,
            "amount_remaining": amount, "attempt_count": 0, "attempted": false, "auto_advance": true,
            "billing_reason": reason, "collection_method": "charge_automatically", "currency": "eur",
            "customer": customer, "discounts": [], "due_date": null, "ending_balance": null, "from_invoice": null,
            "hosted_invoice_url": null, "invoice_pdf": null, "latest_revision": null,
            "lines": { "object": "list", "data": [line], "has_more": false, "total_count": 1 },
            "metadata": {}, "next_payment_attempt": null, "number": null, "parent": parent,
            "period_end": self.now, "period_start": self.now, "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0, "starting_balance": 0, "status": "draft",
            "status_transitions": { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null,
                                    "voided_at": null },
            "subtotal": amount, "test_clock": null, "total": amount,
            "total_taxes": [{ "amount": tax, "tax_behavior": "inclusive" }], "webhooks_delivered_at": null,
            "_payment_intent": null, "_charge": null, "_out_of_band": 0,
        });
        self.found(ObjectKind::Invoice, &id, value);
        id
    }

    pub(super) fn new_intent(&mut self, customer: &str, amount: i64, invoice: Option<&str>) -> Id {
        let id = self.mint("pi_3");
        let value = json!({
            "amount": amount, "amount_capturable": 0, "amount_received": 0, "canceled_at": null,
            "cancellation_reason": null, "capture_method": "automatic", "currency": "eur", "customer": customer,
            "last_payment_error": null, "latest_charge": null, "metadata": {}, "next_action": null,
            "payment_method": null, "setup_future_usage": null, "status": "requires_payment_method",
            "client_secret": null, "_invoice": invoice,
        });
        self.found(ObjectKind::PaymentIntent, &id, value);
        id
    }

    pub(super) fn new_charge(&mut self, intent: &str, method_type: &str, patch: Value) -> Id {
        let id = self.mint(if method_type == "card" { "ch_3" } else { "py_3" });
        let card = json!({ "brand": "visa", "last4": "4242" });
        let value = json!({
            "amount": self.int(intent, "amount"), "amount_captured": 0, "amount_refunded": 0,
            "balance_transaction": null, "billing_details": { "email": null }, "captured": false, "currency": "eur",
            "customer": self.get(intent, "customer"), "disputed": false, "failure_balance_transaction": null,
            "failure_code": null, "failure_message": null, "metadata": {},
            "outcome": { "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
                         "type": "authorized" },
            "paid": false, "payment_intent": intent, "payment_method": self.get(intent, "payment_method"),
            "payment_method_details": { "type": method_type, "card": if method_type == "card" { card } else { Value::Null } },
            "receipt_url": null, "refunded": false, "status": "pending", "_invoice": self.get(intent, "_invoice"),
        });
        self.found(ObjectKind::Charge, &id, value);
        self.change(&id, patch);
        id
    }

    pub(super) fn new_session(&mut self, customer: &str, mode: &str, amount: i64) -> Id {
        let prefix = if self.scope.livemode { "cs_live_" } else { "cs_test_" };
        let id = self.mint(prefix);
        let value = json!({
            "amount_subtotal": amount, "amount_total": amount, "client_reference_id": format!("user_{}", self.dice.letters(6)),
            "currency": "eur", "customer": customer, "customer_details": { "email": self.get(customer, "email") },
            "customer_email": null, "expires_at": self.now.saturating_add(DAY), "invoice": null, "metadata": {},
            "mode": mode, "payment_intent": null, "payment_link": null, "payment_status": "unpaid",
            "setup_intent": null, "status": "open", "subscription": null, "url": null,
        });
        self.found(ObjectKind::CheckoutSession, &id, value);
        id
    }

    pub(super) fn new_refund(&mut self, charge: &str, amount: i64, status: &str) -> Id {
        let id = self.mint("re_3");
        let mut value = json!({
            "amount": amount, "balance_transaction": self.mint("txn_3"), "charge": charge, "currency": "eur",
            "destination_details": { "type": "card", "card": { "reference_status": "pending",
                                     "reference_type": "acquirer_reference_number", "type": "refund" } },
            "metadata": {}, "payment_intent": self.get(charge, "payment_intent"),
            "reason": "requested_by_customer", "receipt_number": null, "status": status,
        });
        if status == "pending" {
            put(&mut value, "pending_reason", "processing".into());
        }
        self.found(ObjectKind::Refund, &id, value);
        id
    }

    pub(super) fn new_dispute(&mut self, charge: &str, amount: i64, status: &str) -> Id {
        let id = self.mint("du_1");
        let is_inquiry = status.starts_with("warning");
        let reason =
            self.dice.word(&["fraudulent", "product_not_received", "subscription_canceled", "general"]);
        let value = json!({
            "amount": amount, "balance_transactions": [], "charge": charge, "currency": "eur",
            "evidence_details": { "due_by": self.now.saturating_add(10 * DAY), "has_evidence": false,
                                  "past_due": false, "submission_count": 0 },
            "is_charge_refundable": is_inquiry, "metadata": {},
            "payment_intent": self.get(charge, "payment_intent"),
            "payment_method_details": { "type": "card", "card": { "brand": "visa",
                "case_type": if is_inquiry { "inquiry" } else { "chargeback" }, "network_reason_code": "10.4" } },
            "reason": reason, "status": status,
        });
        self.found(ObjectKind::Dispute, &id, value);
        id
    }
}

fn price_object(price: &str, product: &str, amount: i64, interval: &str) -> Value {
    json!({
        "id": price, "object": "price", "active": true, "currency": "eur", "lookup_key": null, "metadata": {},
        "product": product, "recurring": { "interval": interval, "interval_count": 1, "usage_type": "licensed" },
        "type": "recurring", "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
    })
}
