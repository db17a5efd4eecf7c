//! What happens beside the bills: features, schedules, discounts, products, reviews, and the end of a customer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::person::Person;
use super::{DAY, World};
use crate::model::kind::ObjectKind;

impl World {
    /// The customer is deleted; what runs ends with it.
    pub(super) fn delete(&mut self, person: &mut Person) {
        self.act(true);
        for subscription in person.subscriptions.clone() {
            let status = self.text(&subscription, "status");
            if !matches!(status.as_str(), "canceled" | "incomplete_expired") {
                self.cancel_now(&subscription, "cancellation_requested");
                self.beat();
            }
        }
        if let Some(method) = person.method.take() {
            self.detach(&method);
        }
        self.emit(&person.customer, "customer.deleted");
        person.gone = true;
    }

    pub(super) fn detach(&mut self, method: &str) {
        self.updated(method, "payment_method.detached", json!({ "customer": null }));
    }

    /// Another card: the new one pays, the old one goes or stays.
    pub(super) fn change_card(&mut self, person: &mut Person) {
        self.act(true);
        if let Some(old) = person.method.clone() {
            if self.dice.chance(40) {
                let year = self.dice.between(2_032, 2_036);
                let type_name =
                    self.dice.word(&["payment_method.updated", "payment_method.automatically_updated"]);
                self.updated(&old, type_name, json!({ "card": { "exp_year": year } }));
                return;
            }
            self.detach(&old);
            self.beat();
        }
        self.add_card(person);
    }

    /// The customer's data change, some of it there and back again.
    pub(super) fn rename(&mut self, person: &Person) {
        for _ in 0..self.dice.between(1, 4) {
            self.act(true);
            let patch = match self.dice.below(4) {
                0 => json!({ "name": self.dice.word(&["Ada", "Bo", "Cy"]) }),
                1 => json!({ "metadata": { "tier": self.dice.word(&["gold", "tin"]) } }),
                2 => json!({ "metadata": { "tier": null } }),
                _ => json!({ "balance": self.dice.between(-3, 0).saturating_mul(100) }),
            };
            self.updated(&person.customer, "customer.updated", patch);
            self.beat();
        }
    }

    /// The features that the customer may use, each list a full one or cut.
    pub(super) fn entitle(&mut self, person: &Person) {
        self.act(false);
        let id = format!("entitlements of {}", person.customer);
        if !self.things.contains_key(&id) {
            let value = json!({ "customer": person.customer, "entitlements": {
                "object": "list", "data": [], "has_more": false, "url": "/v1/entitlements" } });
            self.found(ObjectKind::Entitlements, &id, value);
            let thing = self.things.get_mut(&id).map(|thing| Arc::make_mut(&mut thing.value));
            if let Some(fields) = thing.and_then(Value::as_object_mut) {
                fields.remove("id");
            }
        }
        for _ in 0..self.dice.between(1, 2) {
            let keys = ["export", "seats", "audit", "sso"];
            let data: Vec<_> = keys
                .iter()
                .filter(|_| self.dice.chance(50))
                .map(|key| {
                    json!({ "id": format!("ent_{key}"), "object": "entitlements.active_entitlement",
                                   "feature": format!("feat_{key}"), "lookup_key": key })
                })
                .collect();
            let patch = json!({ "entitlements": { "data": data } });
            self.updated(&id, "entitlements.active_entitlement_summary.updated", patch);
            self.beat();
        }
    }

    /// A schedule drives the subscription for a while.
    pub(super) fn schedule(&mut self, customer: &str, subscription: &str) {
        self.act(true);
        let id = self.mint("sub_sched_1");
        let (start, end) = (self.now, self.now.saturating_add(30 * DAY));
        let phase =
            json!({ "start_date": start, "end_date": end, "items": [{ "price": "price_basic_month" }] });
        let value = json!({
            "canceled_at": null, "completed_at": null, "current_phase": null, "customer": customer,
            "end_behavior": "release", "phases": [phase], "released_at": null, "released_subscription": null,
            "status": "not_started", "subscription": null,
        });
        self.found(ObjectKind::SubscriptionSchedule, &id, value);
        self.emit(&id, "subscription_schedule.created");
        self.beat();
        let phase = json!({ "start_date": start, "end_date": end });
        let patch = json!({ "status": "active", "current_phase": phase, "subscription": subscription });
        self.updated(&id, "subscription_schedule.updated", patch);
        self.beat();
        self.end_schedule(&id, subscription, end);
    }

    fn end_schedule(&mut self, id: &str, subscription: &str, end: i64) {
        let now = self.now;
        match self.dice.below(6) {
            0 | 1 => {
                let patch = json!({ "status": "released", "released_at": now, "subscription": null,
                                    "released_subscription": subscription, "current_phase": null });
                self.told(id, "subscription_schedule.released", patch);
            }
            choice @ (2 | 3) => {
                let patch = json!({ "status": "canceled", "canceled_at": now, "current_phase": null });
                // Aborted: the customer did not pay.
                let type_name = if choice == 2 {
                    "subscription_schedule.canceled"
                } else {
                    "subscription_schedule.aborted"
                };
                self.told(id, type_name, patch);
            }
            4 => {
                self.act(false);
                self.until(end.saturating_sub(7 * DAY));
                self.emit(id, "subscription_schedule.expiring");
                self.until(end);
                let patch = json!({ "status": "completed", "completed_at": end, "current_phase": null });
                self.told(id, "subscription_schedule.completed", patch);
            }
            _ => {}
        }
    }

    /// Simulated time, in test mode: it runs ahead, and is thrown away.
    pub(super) fn run_clock(&mut self) {
        if self.scope.livemode {
            return;
        }
        self.act(true);
        let id = self.mint("clock_1");
        let value = json!({ "deletes_after": self.now.saturating_add(30 * DAY), "frozen_time": self.now,
                            "name": "a year in a minute", "status": "ready" });
        self.found(ObjectKind::TestClock, &id, value);
        self.emit(&id, "test_helpers.test_clock.created");
        for _ in 0..self.dice.between(1, 3) {
            self.beat();
            self.updated(&id, "test_helpers.test_clock.advancing", json!({ "status": "advancing" }));
            let wait = self.dice.between(1, 40);
            self.pass(wait);
            if self.dice.chance(10) {
                let patch = json!({ "status": "internal_failure" });
                self.updated(&id, "test_helpers.test_clock.internal_failure", patch);
                break;
            }
            let frozen = self.int(&id, "frozen_time").saturating_add(10 * DAY);
            let patch = json!({ "status": "ready", "frozen_time": frozen });
            self.updated(&id, "test_helpers.test_clock.ready", patch);
        }
        if self.dice.chance(40) {
            self.pass(1);
            self.emit(&id, "test_helpers.test_clock.deleted");
        }
    }

    /// A coupon works for a while.
    pub(super) fn discount(&mut self, person: &Person) {
        self.act(true);
        let id = self.mint("di_1");
        let value = json!({ "customer": person.customer, "end": null, "promotion_code": null, "start": self.now,
                            "source": { "type": "coupon", "coupon": "WELCOME" }, "subscription": null });
        self.found(ObjectKind::Discount, &id, value);
        self.emit(&id, "customer.discount.created");
        self.beat();
        if self.dice.chance(40) {
            let end = self.now.saturating_add(90 * DAY);
            self.updated(&id, "customer.discount.updated", json!({ "end": end }));
            self.beat();
        }
        if self.dice.chance(50) {
            self.emit(&id, "customer.discount.deleted");
        }
    }

    /// Something is put on sale, changed and perhaps taken away.
    pub(super) fn sell(&mut self) {
        self.act(true);
        let (product, price) = (self.mint("prod_"), self.mint("price_1"));
        let value = json!({ "active": true, "default_price": null, "metadata": {}, "name": "A plan", "updated": self.now });
        self.found(ObjectKind::Product, &product, value);
        self.emit(&product, "product.created");
        let value = json!({ "active": true, "billing_scheme": "per_unit", "currency": "eur", "lookup_key": null,
                            "metadata": {}, "nickname": null, "product": product, "tiers_mode": null, "type": "recurring",
                            "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
                            "unit_amount": 500, "unit_amount_decimal": "500" });
        self.found(ObjectKind::Price, &price, value);
        self.emit(&price, "price.created");
        let now = self.now;
        self.updated(&product, "product.updated", json!({ "default_price": price, "updated": now }));
        self.beat();
        for active in [false, true] {
            if self.dice.chance(50) {
                let now = self.now;
                self.updated(&price, "price.updated", json!({ "active": active }));
                self.updated(&product, "product.updated", json!({ "active": active, "updated": now }));
                self.beat();
            }
        }
        if self.dice.chance(20) {
            self.emit(&price, "price.deleted");
            self.emit(&product, "product.deleted");
        }
    }

    /// A payment is looked at by a person.
    pub(super) fn review(&mut self, charge: &str) {
        self.act(false);
        let id = self.mint("prv_1");
        let value = json!({ "charge": charge, "closed_reason": null, "open": true,
                            "payment_intent": self.get(charge, "payment_intent"), "reason": "rule" });
        self.found(ObjectKind::Review, &id, value);
        self.emit(&id, "review.opened");
        self.beat();
        if self.dice.chance(70) {
            let reason = self.dice.word(&["approved", "refunded_as_fraud", "disputed"]);
            self.told(
                &id,
                "review.closed",
                json!({ "open": false, "reason": reason, "closed_reason": reason }),
            );
        }
    }
}
