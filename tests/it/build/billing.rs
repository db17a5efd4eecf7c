//! Customers, subscriptions, invoices, checkout sessions, schedules.

use serde_json::{Value, json};

use super::{MONTH, Render, START, Shape};

#[derive(Clone)]
pub(crate) struct Customer {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
    pub(crate) delinquent: bool,
    pub(crate) default_payment_method: Option<&'static str>,
    pub(crate) user_id: Option<&'static str>,
    pub(crate) created: i64,
}

impl Customer {
    pub(crate) const fn new(id: &'static str) -> Self {
        let (delinquent, default_payment_method, user_id) = (false, None, None);
        Self { id, email: "jo@example.com", delinquent, default_payment_method, user_id, created: START }
    }
}

impl Render for Customer {
    fn render(&self, _: Shape) -> Value {
        let metadata = self.user_id.map_or_else(|| json!({}), |user| json!({ "user_id": user }));
        json!({
            "id": self.id, "object": "customer", "created": self.created, "livemode": false, "balance": 0,
            "currency": "usd", "delinquent": self.delinquent, "email": self.email, "name": "Jo Example",
            "phone": null, "description": null, "default_source": null, "tax_exempt": "none", "metadata": metadata,
            "invoice_settings": { "default_payment_method": self.default_payment_method, "footer": null },
        })
    }
}

#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) price: &'static str,
    pub(crate) amount: i64,
    pub(crate) quantity: i64,
}

#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) id: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) status: &'static str,
    pub(crate) period: (i64, i64),
    pub(crate) items: Vec<Item>,
    pub(crate) cancel_at_period_end: bool,
    pub(crate) cancel_at: Option<i64>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) trial: Option<(i64, i64)>,
    pub(crate) pause_collection: Option<&'static str>,
    pub(crate) pending_update: bool,
    pub(crate) latest_invoice: Option<&'static str>,
    pub(crate) schedule: Option<&'static str>,
}

impl Subscription {
    /// Active since the beginning, one item of 20.00 a month.
    pub(crate) fn new(id: &'static str, customer: &'static str) -> Self {
        Self {
            id,
            customer,
            status: "active",
            period: (START, START + MONTH),
            items: vec![Item { id: "si_1", price: "price_basic", amount: 2_000, quantity: 1 }],
            cancel_at_period_end: false,
            cancel_at: None,
            canceled_at: None,
            ended_at: None,
            reason: None,
            trial: None,
            pause_collection: None,
            pending_update: false,
            latest_invoice: Some("in_1"),
            schedule: None,
        }
    }

    /// The end of life, asked for now or by what `canceled_at` already says.
    pub(crate) fn end(&mut self, now: i64, reason: &'static str) {
        self.status = "canceled";
        self.canceled_at = self.canceled_at.or(Some(now));
        self.ended_at = Some(now);
        self.reason = Some(reason);
    }

    fn item(&self, item: &Item, shape: Shape) -> Value {
        let mut rendered = json!({
            "id": item.id, "object": "subscription_item", "created": START, "metadata": {}, "quantity": item.quantity,
            "subscription": self.id, "discounts": [],
            "price": {
                "id": item.price, "object": "price", "active": true, "currency": "usd", "lookup_key": null,
                "product": "prod_app", "unit_amount": item.amount, "type": "recurring",
                "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
            },
        });
        if !shape.is_old() {
            rendered["current_period_start"] = self.period.0.into();
            rendered["current_period_end"] = self.period.1.into();
        }
        rendered
    }
}

impl Render for Subscription {
    fn render(&self, shape: Shape) -> Value {
        let items: Vec<_> = self.items.iter().map(|item| self.item(item, shape)).collect();
        let pause = self.pause_collection.map(|behavior| json!({ "behavior": behavior, "resumes_at": null }));
        let pending =
            self.pending_update.then(|| json!({ "expires_at": self.period.1, "subscription_items": [] }));
        let mut object = json!({
            "id": self.id, "object": "subscription", "created": self.period.0.min(START), "livemode": false,
            "customer": self.customer, "status": self.status, "currency": "usd", "metadata": {},
            "items": {
                "object": "list", "data": items, "has_more": false, "total_count": items.len(),
                "url": format!("/v1/subscription_items?subscription={}", self.id),
            },
            "cancel_at_period_end": self.cancel_at_period_end, "cancel_at": self.cancel_at,
            "canceled_at": self.canceled_at, "ended_at": self.ended_at,
            "cancellation_details": { "comment": null, "feedback": null, "reason": self.reason },
            "trial_start": self.trial.map(|trial| trial.0), "trial_end": self.trial.map(|trial| trial.1),
            "pause_collection": pause, "pending_update": pending, "pending_setup_intent": null,
            "latest_invoice": self.latest_invoice, "default_payment_method": "pm_1", "schedule": self.schedule,
            "collection_method": "charge_automatically", "days_until_due": null, "discounts": [],
            "start_date": START, "billing_cycle_anchor": START, "test_clock": null,
        });
        match shape {
            Shape::PreBasil => {
                object["current_period_start"] = self.period.0.into();
                object["current_period_end"] = self.period.1.into();
                object["discount"] = Value::Null;
            }
            Shape::Basil => {}
            Shape::Clover | Shape::Dahlia => object["billing_mode"] = json!({ "type": "flexible" }),
        }
        if shape == Shape::Dahlia {
            // Newer renderings still show fields of the past.
            object["quantity"] = self.items[0].quantity.into();
            object["billing_schedules"] = json!([]);
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct Invoice {
    pub(crate) id: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) subscription: &'static str,
    pub(crate) status: &'static str,
    pub(crate) billing_reason: &'static str,
    pub(crate) amount: i64,
    pub(crate) amount_paid: i64,
    pub(crate) attempt_count: i64,
    pub(crate) attempted: bool,
    pub(crate) next_payment_attempt: Option<i64>,
    pub(crate) auto_advance: bool,
    pub(crate) finalized_at: Option<i64>,
    pub(crate) paid_at: Option<i64>,
    pub(crate) voided_at: Option<i64>,
    pub(crate) marked_uncollectible_at: Option<i64>,
    pub(crate) created: i64,
    /// What pays. Old versions say it, newer ones leave it to the invoice's payments.
    pub(crate) paid_by: Option<(&'static str, &'static str)>,
}

impl Invoice {
    pub(crate) fn draft(
        id: &'static str,
        subscription: &Subscription,
        reason: &'static str,
        now: i64,
    ) -> Self {
        let items = subscription.items.iter();
        Self {
            id,
            customer: subscription.customer,
            subscription: subscription.id,
            status: "draft",
            billing_reason: reason,
            amount: items.map(|item| item.amount * item.quantity).sum(),
            amount_paid: 0,
            attempt_count: 0,
            attempted: false,
            next_payment_attempt: Some(now + 3_600),
            auto_advance: true,
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            marked_uncollectible_at: None,
            created: now,
            paid_by: None,
        }
    }

    pub(crate) fn finalize(&mut self, now: i64) {
        self.status = "open";
        self.finalized_at = Some(now);
    }

    pub(crate) fn pay(&mut self, now: i64) {
        self.status = "paid";
        self.amount_paid = self.amount;
        self.attempted = true;
        // A payment of nothing is no attempt.
        self.attempt_count += i64::from(self.amount > 0);
        self.next_payment_attempt = None;
        self.auto_advance = false;
        self.paid_at = Some(now);
    }

    pub(crate) fn fail(&mut self, next: Option<i64>) {
        self.attempted = true;
        self.attempt_count += 1;
        self.next_payment_attempt = next;
    }

    fn line(&self, shape: Shape) -> Value {
        let mut line = json!({
            "id": "il_1", "object": "line_item", "amount": self.amount, "currency": "usd", "quantity": 1,
            "period": { "start": self.created, "end": self.created + MONTH }, "metadata": {},
        });
        if shape.is_old() {
            line["price"] = json!({ "id": "price_basic", "object": "price" });
            line["subscription_item"] = "si_1".into();
            line["proration"] = false.into();
            line["type"] = "subscription".into();
        } else {
            line["pricing"] = json!({ "type": "price_details", "price_details": { "price": "price_basic" } });
            line["parent"] = json!({
                "type": "subscription_item_details",
                "subscription_item_details": { "subscription_item": "si_1", "proration": false },
            });
        }
        line
    }
}

impl Render for Invoice {
    fn render(&self, shape: Shape) -> Value {
        let mut object = json!({
            "id": self.id, "object": "invoice", "created": self.created, "livemode": false, "currency": "usd",
            "customer": self.customer, "status": self.status, "billing_reason": self.billing_reason,
            "collection_method": "charge_automatically", "amount_due": self.amount, "amount_paid": self.amount_paid,
            "amount_remaining": self.amount - self.amount_paid, "total": self.amount, "subtotal": self.amount,
            "starting_balance": 0, "ending_balance": self.finalized_at.map(|_| 0), "discounts": [],
            "attempt_count": self.attempt_count, "attempted": self.attempted, "auto_advance": self.auto_advance,
            "next_payment_attempt": self.next_payment_attempt, "due_date": null, "metadata": {},
            "number": self.finalized_at.map(|_| format!("A-{}", self.id)),
            "period_start": self.created - MONTH, "period_end": self.created,
            "status_transitions": {
                "finalized_at": self.finalized_at, "paid_at": self.paid_at, "voided_at": self.voided_at,
                "marked_uncollectible_at": self.marked_uncollectible_at,
            },
            "lines": { "object": "list", "data": [self.line(shape)], "has_more": false, "total_count": 1 },
            "latest_revision": null, "from_invoice": null, "test_clock": null,
            "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
        });
        let more = if shape.is_old() {
            json!({
                "subscription": self.subscription, "paid": self.status == "paid", "paid_out_of_band": false,
                "payment_intent": self.paid_by.map(|by| by.0), "charge": self.paid_by.map(|by| by.1),
                "tax": null, "total_tax_amounts": [], "discount": null, "quote": null,
            })
        } else {
            json!({
                "parent": {
                    "type": "subscription_details", "quote_details": null,
                    "subscription_details": { "subscription": self.subscription, "metadata": {} },
                },
                "total_taxes": [], "amount_overpaid": 0,
            })
        };
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if shape == Shape::Dahlia {
            object["amount_paid_off_stripe"] = 0.into();
        }
        object
    }
}

#[derive(Clone)]
pub(crate) struct InvoicePayment {
    pub(crate) id: &'static str,
    pub(crate) invoice: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) amount: i64,
    pub(crate) paid_at: i64,
}

impl Render for InvoicePayment {
    fn render(&self, _: Shape) -> Value {
        json!({
            "id": self.id, "object": "invoice_payment", "created": self.paid_at, "livemode": false, "currency": "usd",
            "invoice": self.invoice, "status": "paid", "is_default": true, "amount_requested": self.amount,
            "amount_paid": self.amount, "payment": { "type": "payment_intent", "payment_intent": self.intent },
            "status_transitions": { "paid_at": self.paid_at, "canceled_at": null },
        })
    }
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: &'static str,
    pub(crate) customer: &'static str,
    pub(crate) subscription: Option<&'static str>,
    pub(crate) intent: Option<&'static str>,
    pub(crate) invoice: Option<&'static str>,
    pub(crate) payment_status: &'static str,
    pub(crate) user: Option<&'static str>,
    pub(crate) amount: i64,
}

impl Render for Session {
    fn render(&self, _: Shape) -> Value {
        let mode = if self.subscription.is_some() { "subscription" } else { "payment" };
        json!({
            "id": self.id, "object": "checkout.session", "created": START, "livemode": false, "mode": mode,
            "status": "complete", "payment_status": self.payment_status, "customer": self.customer,
            "subscription": self.subscription, "payment_intent": self.intent, "invoice": self.invoice,
            "setup_intent": null, "client_reference_id": self.user, "customer_email": null,
            "customer_details": { "email": "jo@example.com", "name": "Jo Example" }, "currency": "usd",
            "amount_total": self.amount, "amount_subtotal": self.amount, "payment_link": null, "metadata": {},
            "expires_at": START + 86_400, "url": null,
        })
    }
}

#[derive(Clone)]
pub(crate) struct Schedule {
    pub(crate) status: &'static str,
    pub(crate) canceled_at: Option<i64>,
}

impl Render for Schedule {
    fn render(&self, _: Shape) -> Value {
        json!({
            "id": "sub_sched_1", "object": "subscription_schedule", "created": START, "livemode": false,
            "status": self.status, "customer": "cus_1", "subscription": "sub_1", "released_subscription": null,
            "current_phase": null, "end_behavior": "release", "phases": [], "canceled_at": self.canceled_at,
            "completed_at": null, "released_at": null, "metadata": {},
        })
    }
}
