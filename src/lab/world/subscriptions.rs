//! What happens to a subscription: renewals, failures, changes of plan, pauses, cancellations.

use serde_json::{Value, json};

use super::objects::{PLANS, plan};
use super::payments::Attempt;
use super::person::Person;
use super::{DAY, HOUR, World};
use crate::lab::render::put;

const UPDATED: &str = "customer.subscription.updated";

impl World {
    /// One thing that happens to a subscription, by its status.
    pub(super) fn live_on(&mut self, person: &mut Person, subscription: &str) {
        match self.text(subscription, "status").as_str() {
            "trialing" => self.trial(person, subscription),
            "active" => self.active(person, subscription),
            "past_due" => self.past_due(person, subscription),
            "unpaid" => self.unpaid(person, subscription),
            "paused" => self.paused(person, subscription),
            _ => {}
        }
    }

    fn trial(&mut self, person: &mut Person, subscription: &str) {
        if self.dice.chance(15) {
            self.act(true);
            self.cancel_now(subscription, "cancellation_requested");
            return;
        }
        self.act(false);
        let end = self.int(subscription, "trial_end");
        self.until(end.saturating_sub(3 * DAY));
        self.emit(subscription, "customer.subscription.trial_will_end");
        self.until(end);
        if let Some(method) = person.method.clone() {
            let invoice = self.begin_period(subscription, json!({ "status": "active" }));
            self.collect_period(person, subscription, &invoice, &method);
            return;
        }
        match self.dice.below(3) {
            0 => self.cancel_now(subscription, "payment_failed"),
            _ => self.pause(subscription),
        }
    }

    /// No card at the end of the trial: paused until there is one.
    fn pause(&mut self, subscription: &str) {
        self.pair(subscription, "customer.subscription.paused", "paused");
        if self.dice.chance(10) {
            // A machine resumes it at once.
            self.beat();
            self.pair(subscription, "customer.subscription.resumed", "active");
        }
    }

    /// A change of status that two types tell.
    fn pair(&mut self, subscription: &str, twin: &'static str, status: &str) {
        let patch = json!({ "status": status });
        if self.dice.chance(50) {
            self.updated(subscription, UPDATED, patch);
            self.emit(subscription, twin);
        } else {
            let before = self.change(subscription, patch);
            self.emit(subscription, twin);
            self.tell(subscription, UPDATED, before);
        }
    }

    fn paused(&mut self, person: &mut Person, subscription: &str) {
        self.act(true);
        let wait = self.dice.between(0, 40).saturating_mul(DAY);
        self.pass(wait);
        if self.dice.chance(25) {
            self.cancel_now(subscription, "cancellation_requested");
            return;
        }
        self.add_card(person);
        let now = self.now;
        self.updated(subscription, UPDATED, json!({ "billing_cycle_anchor": now }));
        self.pair(subscription, "customer.subscription.resumed", "active");
    }

    fn active(&mut self, person: &mut Person, subscription: &str) {
        match self.dice.below(100) {
            0..=39 => self.renew(person, subscription),
            40..=51 => self.plan_cancel(subscription),
            52..=57 => {
                self.act(true);
                self.cancel_now(subscription, "cancellation_requested");
            }
            58..=69 => self.upgrade(person, subscription),
            70..=78 => self.pause_collection(subscription),
            79..=84 => self.pending_update(subscription),
            85..=88 => self.back_to_trial(subscription),
            _ => self.fiddle(subscription),
        }
    }

    /// A new period, a new invoice.
    pub(super) fn renew(&mut self, person: &mut Person, subscription: &str) {
        self.act(false);
        let end = self.period_end(subscription);
        self.until(end);
        if self.is(subscription, "cancel_at_period_end") || !self.get(subscription, "cancel_at").is_null() {
            self.end(subscription, None);
            return;
        }
        let invoice = self.begin_period(subscription, json!({}));
        match person.method.clone() {
            Some(method) => self.collect_period(person, subscription, &invoice, &method),
            None => self.miss(person, subscription, &invoice),
        }
    }

    /// The period turns: the subscription shows the new one, the invoice begins as a draft.
    fn begin_period(&mut self, subscription: &str, mut patch: Value) -> String {
        let customer = self.text(subscription, "customer");
        let (_, _, amount, _, days) = self.plan_of(subscription);
        let invoice = self.new_invoice(&customer, Some(subscription), "subscription_cycle", amount);
        let (start, end) = (self.now, self.now.saturating_add(days.saturating_mul(DAY)));
        let items = self.items(subscription, |item| {
            put(item, "current_period_start", start.into());
            put(item, "current_period_end", end.into());
        });
        put(&mut patch, "items", items);
        put(&mut patch, "latest_invoice", invoice.clone().into());
        self.updated(subscription, UPDATED, patch);
        self.beat();
        self.emit(&invoice, "invoice.created");
        if self.dice.chance(20) {
            self.beat();
            self.updated(&invoice, "invoice.updated", json!({ "metadata": { "period": "new" } }));
        }
        let wait = if self.dice.chance(80) { HOUR } else { 30 * HOUR };
        self.pass(wait);
        invoice
    }

    fn collect_period(&mut self, person: &mut Person, subscription: &str, invoice: &str, method: &str) {
        if self.int(invoice, "amount_due") == 0 {
            self.pay_nothing(invoice);
            return;
        }
        self.finalize(invoice);
        let how = match self.dice.below(10) {
            0..=2 => Attempt::Fails,
            3 => Attempt::Asks,
            4 => Attempt::Waits,
            _ => Attempt::Pays,
        };
        if !self.collect(invoice, method, how) {
            self.fall_behind(person, subscription);
        }
    }

    /// No card: the attempt fails without a charge.
    fn miss(&mut self, person: &mut Person, subscription: &str, invoice: &str) {
        if self.int(invoice, "amount_due") == 0 {
            self.pay_nothing(invoice);
            return;
        }
        self.finalize(invoice);
        self.fail_invoice(invoice, false);
        self.fall_behind(person, subscription);
    }

    fn fall_behind(&mut self, person: &Person, subscription: &str) {
        self.updated(subscription, UPDATED, json!({ "status": "past_due" }));
        self.updated(&person.customer, "customer.updated", json!({ "delinquent": true }));
    }

    fn recover(&mut self, person: &Person, subscription: &str) {
        self.beat();
        self.updated(subscription, UPDATED, json!({ "status": "active" }));
        self.updated(&person.customer, "customer.updated", json!({ "delinquent": false }));
    }

    fn past_due(&mut self, person: &mut Person, subscription: &str) {
        self.act(false);
        let invoice = self.latest_invoice(subscription);
        let tries = self.int(&invoice, "attempt_count");
        self.pass(3 * DAY);
        let method = person.method.clone();
        match (self.dice.below(10), method) {
            (0..=4, Some(method)) => {
                if self.collect(&invoice, &method, Attempt::Pays) {
                    self.recover(person, subscription);
                }
            }
            (5..=7, Some(method)) if tries < 4 => {
                self.collect(&invoice, &method, Attempt::Fails);
            }
            (8, _) => {
                self.updated(subscription, UPDATED, json!({ "status": "unpaid" }));
            }
            (0..=3, None) => {
                self.pay_outside(&invoice);
                self.recover(person, subscription);
            }
            (4, None) => {
                self.give_up(&invoice);
                self.recover(person, subscription);
            }
            _ => {
                self.cancel_now(subscription, "payment_failed");
                self.give_up(&invoice);
            }
        }
    }

    fn unpaid(&mut self, person: &mut Person, subscription: &str) {
        self.act(true);
        let invoice = self.latest_invoice(subscription);
        self.pass(5 * DAY);
        match person.method.clone() {
            Some(method) if self.dice.chance(60) => {
                if self.collect(&invoice, &method, Attempt::Pays) {
                    self.recover(person, subscription);
                }
            }
            _ => self.cancel_now(subscription, "payment_failed"),
        }
    }

    /// Asked to end with the period; taken back, perhaps within the second, or kept.
    pub(super) fn plan_cancel(&mut self, subscription: &str) {
        self.act(true);
        let (now, end) = (self.now, self.period_end(subscription));
        let by_portal = self.text(subscription, "default_payment_method").is_empty();
        self.updated(
            subscription,
            UPDATED,
            json!({ "cancel_at_period_end": !by_portal, "cancel_at": end, "canceled_at": now,
                    "cancellation_details": { "reason": "cancellation_requested" } }),
        );
        while self.dice.chance(45) {
            self.beat();
            self.act(true);
            let back = json!({ "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null,
                               "cancellation_details": { "reason": null } });
            self.updated(subscription, UPDATED, back);
            self.beat();
            if self.dice.chance(50) {
                return;
            }
            let now = self.now;
            let again = json!({ "cancel_at_period_end": true, "cancel_at": end, "canceled_at": now,
                                "cancellation_details": { "reason": "cancellation_requested" } });
            self.updated(subscription, UPDATED, again);
        }
        if self.dice.chance(50) {
            self.act(false);
            self.until(end);
            self.end(subscription, None);
        }
    }

    pub(super) fn cancel_now(&mut self, subscription: &str, reason: &str) {
        self.end(subscription, Some(reason));
    }

    fn end(&mut self, subscription: &str, reason: Option<&str>) {
        let now = self.now;
        let mut patch = json!({ "status": "canceled", "ended_at": now });
        if let Some(reason) = reason {
            put(&mut patch, "canceled_at", now.into());
            put(&mut patch, "cancellation_details", json!({ "reason": reason }));
        }
        self.told(subscription, "customer.subscription.deleted", patch);
    }

    /// Another plan: billed at once, or with the next invoice.
    pub(super) fn upgrade(&mut self, person: &mut Person, subscription: &str) {
        self.act(true);
        let number = self.dice.below(PLANS.len());
        let item = self.item(number, plan(number).4);
        let items = json!({ "data": [item] });
        let at_once = self.dice.chance(50);
        let Some(method) = person.method.clone().filter(|_| at_once) else {
            self.updated(subscription, UPDATED, json!({ "items": items, "_plan": number }));
            return;
        };
        let customer = self.text(subscription, "customer");
        let amount = plan(number).2.max(100);
        let invoice = self.new_invoice(&customer, Some(subscription), "subscription_update", amount);
        let patch = json!({ "items": items, "_plan": number, "latest_invoice": invoice });
        if self.dice.chance(50) {
            self.updated(subscription, UPDATED, patch);
            self.emit(&invoice, "invoice.created");
        } else {
            self.emit(&invoice, "invoice.created");
            self.updated(subscription, UPDATED, patch);
        }
        self.finalize(&invoice);
        let how = if self.dice.chance(80) { Attempt::Pays } else { Attempt::Fails };
        if !self.collect(&invoice, &method, how) {
            self.fall_behind(person, subscription);
        }
    }

    pub(super) fn pause_collection(&mut self, subscription: &str) {
        self.act(true);
        let behavior = self.dice.word(&["keep_as_draft", "mark_uncollectible", "void"]);
        let pause = json!({ "behavior": behavior, "resumes_at": null });
        let paused = !self.get(subscription, "pause_collection").is_null();
        let first = if paused { Value::Null } else { pause };
        self.updated(subscription, UPDATED, json!({ "pause_collection": first }));
        if self.dice.chance(50) {
            self.beat();
            let second =
                if paused { json!({ "behavior": behavior, "resumes_at": null }) } else { Value::Null };
            self.updated(subscription, UPDATED, json!({ "pause_collection": second }));
        }
    }

    /// A change that waits for its payment: applied, or dropped after a day.
    fn pending_update(&mut self, subscription: &str) {
        self.act(true);
        let number = self.dice.below(PLANS.len());
        let item = self.item(number, plan(number).4);
        let expires = self.now.saturating_add(DAY);
        self.updated(subscription, UPDATED, json!({ "pending_update": { "expires_at": expires } }));
        self.beat();
        if self.dice.chance(60) {
            let patch = json!({ "pending_update": null, "items": { "data": [item] }, "_plan": number });
            self.updated(subscription, UPDATED, patch);
            self.emit(subscription, "customer.subscription.pending_update_applied");
        } else {
            self.pass(DAY);
            self.told(
                subscription,
                "customer.subscription.pending_update_expired",
                json!({ "pending_update": null }),
            );
        }
    }

    fn back_to_trial(&mut self, subscription: &str) {
        self.act(true);
        let (start, end) = (self.now, self.now.saturating_add(10 * DAY));
        let items = self.items(subscription, |item| {
            put(item, "current_period_start", start.into());
            put(item, "current_period_end", end.into());
        });
        let patch = json!({ "status": "trialing", "trial_start": start, "trial_end": end, "billing_cycle_anchor": end,
                            "items": items });
        self.updated(subscription, UPDATED, patch);
    }

    /// Small changes in quick succession.
    fn fiddle(&mut self, subscription: &str) {
        for _ in 0..self.dice.between(1, 4) {
            self.act(true);
            let value = self.dice.word(&["a", "b", "c"]);
            let patch = match self.dice.below(3) {
                0 => json!({ "metadata": { "note": value } }),
                1 => json!({ "metadata": { "note": null } }),
                _ => {
                    let quantity = self.dice.between(1, 3);
                    let items = self.items(subscription, |item| put(item, "quantity", quantity.into()));
                    json!({ "items": items })
                }
            };
            self.updated(subscription, UPDATED, patch);
            self.beat();
        }
    }

    /// The items, each changed by `change`, as a patch.
    fn items(&self, subscription: &str, change: impl Fn(&mut Value)) -> Value {
        let data = self.get(subscription, "items").get("data").and_then(Value::as_array);
        let mut data = data.cloned().unwrap_or_default();
        data.iter_mut().for_each(change);
        json!({ "data": data })
    }

    pub(super) fn period_end(&self, subscription: &str) -> i64 {
        let end = self.get(subscription, "items").pointer("/data/0/current_period_end");
        end.and_then(Value::as_i64).unwrap_or(self.now)
    }

    fn plan_of(&self, subscription: &str) -> (&'static str, &'static str, i64, &'static str, i64) {
        plan(usize::try_from(self.int(subscription, "_plan")).unwrap_or(0))
    }

    /// Waits for a moment, if it is still to come.
    pub(super) fn until(&mut self, moment: i64) {
        self.now = self.now.max(moment);
    }
}
