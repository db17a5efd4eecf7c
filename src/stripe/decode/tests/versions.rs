//! One object in the shapes of four versions: one snapshot, one fingerprint.
//!
//! The shapes are those of pre-basil, basil, clover and dahlia; where a version changed nothing, its row is missing.

use super::*;
use crate::model::id::ObjectId;
use crate::model::observation::{Hint, HintValue, Link, Snapshot};

/// Every shape must read like the first.
#[track_caller]
fn same(type_name: &str, shapes: &[Value]) -> Vec<Observation> {
    let read: Vec<_> = shapes.iter().map(|shape| observed(type_name, &whole(shape), None)).collect();
    for other in &read[1..] {
        assert_eq!(format!("{:#?}", other.snapshot), format!("{:#?}", read[0].snapshot));
        assert_eq!(other.snapshot, read[0].snapshot);
        assert_eq!(other.after, read[0].after);
    }
    read
}

/// The shape with what every version has and the row does not speak of.
fn whole(shape: &Value) -> Value {
    let always = match shape["object"].as_str() {
        Some("invoice") => json!({ "total": 0, "amount_due": 0 }),
        Some("payment_intent" | "charge" | "refund" | "dispute") => json!({ "amount": 0, "currency": "eur" }),
        _ => json!({}),
    };
    merged(always, shape.clone())
}

fn names(observation: &Observation) -> Vec<String> {
    observation.links.iter().map(|Link { kind, id }| format!("{kind} {id}")).collect()
}

fn merged(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!() };
    object.as_object_mut().unwrap().extend(more);
    object
}

fn price(id: &str) -> Value {
    json!({
        "id": id, "object": "price", "product": "prod_1", "unit_amount": 2000, "lookup_key": null,
        "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
    })
}

fn plan(id: &str) -> Value {
    json!({
        "id": id, "object": "plan", "product": "prod_1", "amount": 2000,
        "interval": "month", "interval_count": 1, "usage_type": "licensed",
    })
}

#[test]
fn subscription() {
    let base = json!({
        "id": "sub_1", "object": "subscription", "status": "active", "created": 100, "customer": "cus_1",
        "currency": "usd", "cancel_at_period_end": false, "collection_method": "charge_automatically",
        "latest_invoice": "in_1", "metadata": {}, "start_date": 100, "billing_cycle_anchor": 100,
    });
    let item = json!({ "id": "si_1", "object": "subscription_item", "quantity": 2, "metadata": {} });
    let with_price = merged(item.clone(), json!({ "price": price("price_1"), "plan": plan("price_1") }));
    let periods = json!({ "current_period_start": 100, "current_period_end": 200 });
    let with_periods = merged(with_price.clone(), periods.clone());
    let page = |item: &Value| json!({ "object": "list", "data": [item], "has_more": false });

    let oldest = merged(
        base.clone(),
        json!({
            "items": page(&merged(item, json!({ "plan": plan("price_1") }))), "billing": "charge_automatically",
            "current_period_start": 100, "current_period_end": 200, "discount": { "id": "di_1", "coupon": { "id": "c" } },
            "collection_method": null, "plan": plan("price_1"), "quantity": 2,
        }),
    );
    let pre_basil = merged(
        base.clone(),
        json!({
            "items": page(&with_price), "discount": { "id": "di_1", "object": "discount" }, "discounts": ["di_1"],
            "current_period_start": 100, "current_period_end": 200, "pause_collection": null, "trial_end": null,
        }),
    );
    let basil = merged(
        base.clone(),
        json!({
            "items": page(&with_periods), "discounts": ["di_1"], "billing_mode": { "type": "classic" },
        }),
    );
    let clover = merged(
        base.clone(),
        json!({
            "items": page(&with_periods), "discounts": [{ "id": "di_1", "source": { "coupon": "c" } }],
            "customer": { "id": "cus_1", "object": "customer", "deleted": true },
            "billing_mode": { "type": "flexible", "flexible": {} }, "latest_invoice": { "id": "in_1", "object": "invoice" },
        }),
    );
    let dahlia = merged(
        base,
        json!({
            "items": page(&with_periods), "discounts": ["di_1"], "billing_mode": { "type": "flexible" },
            "billing_schedules": [{ "key": "k" }], "plan": plan("price_1"), "quantity": 2, "managed_payments": null,
        }),
    );
    let read = same("customer.subscription.updated", &[basil, oldest, pre_basil, clover, dahlia]);
    let Snapshot::Subscription(subscription) = &read[0].snapshot else { panic!() };
    assert_eq!(subscription.current_period_end.map(|end| end.0), Some(200));
    assert_eq!(subscription.items[0].current_period_start.map(|start| start.0), Some(100));
    assert_eq!(subscription.items[0].product.as_ref().map(ObjectId::as_str), Some("prod_1"));
    assert_eq!(subscription.items[0].unit_amount, Some(2000));
    assert_eq!(subscription.discounts.len(), 1);
    for observation in &read {
        assert_eq!(names(observation), ["customer cus_1", "invoice in_1"]);
    }
    let mode = |word: &str| Some(HintValue::Word(word.into()));
    let modes: Vec<_> = read.iter().map(|one| one.hints.get(&Hint::BillingMode).cloned()).collect();
    assert_eq!(modes, [mode("classic"), None, None, mode("flexible"), mode("flexible")]);
}

#[test]
fn periods_of_several_items_are_spanned() {
    let item = |id: &str, start: i64, end: i64| json!({ "id": id, "price": price("p"), "current_period_start": start, "current_period_end": end });
    let object = json!({
        "id": "sub_1", "object": "subscription", "status": "active",
        "items": { "data": [item("si_1", 50, 90), item("si_2", 20, 80)], "has_more": true },
    });
    let Snapshot::Subscription(read) = observed("customer.subscription.updated", &object, None).snapshot
    else {
        panic!()
    };
    assert_eq!(read.current_period_start.map(|start| start.0), Some(20));
    assert_eq!(read.current_period_end.map(|end| end.0), Some(90));
    assert!(read.items_truncated);
}

#[test]
fn invoice() {
    let base = json!({
        "id": "in_1", "object": "invoice", "status": "paid", "created": 100, "customer": "cus_1", "currency": "usd",
        "number": "A-1", "amount_due": 2380, "amount_paid": 2380, "amount_remaining": 0, "total": 2380,
        "subtotal": 2000, "attempt_count": 1, "attempted": true, "metadata": {}, "period_start": 1, "period_end": 2,
        "status_transitions": { "finalized_at": 101, "paid_at": 102, "voided_at": null },
    });
    let line = json!({
        "id": "il_1", "object": "line_item", "amount": 2000, "quantity": 2, "period": { "start": 1, "end": 2 },
    });
    let page = |line: Value| json!({ "object": "list", "data": [line], "has_more": false });
    let old_line = |price: Value| {
        let old = json!({ "subscription_item": "si_1", "proration": true, "type": "subscription" });
        page(merged(merged(line.clone(), old), price))
    };
    let new_line = page(merged(
        line.clone(),
        json!({
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": { "subscription_item": "si_1", "proration": true, "subscription": "sub_1" },
            },
            "pricing": { "type": "price_details", "price_details": { "price": "price_1", "product": "prod_1" } },
        }),
    ));
    let parent = json!({
        "type": "subscription_details", "quote_details": null,
        "subscription_details": { "subscription": "sub_1", "metadata": {} },
    });
    let oldest = merged(
        base.clone(),
        json!({
            "lines": old_line(json!({ "plan": { "id": "price_1" } })), "subscription": "sub_1", "discount": { "id": "di_1" },
            "tax": 380, "charge": "ch_1", "payment_intent": "pi_1", "paid": true, "date": 100, "created": null,
        }),
    );
    let pre_basil = merged(
        base.clone(),
        json!({
            "lines": old_line(json!({ "price": { "id": "price_1" }, "plan": { "id": "price_1" } })),
            "subscription": { "id": "sub_1" }, "discounts": ["di_1"], "discount": { "id": "di_1" },
            "total_tax_amounts": [{ "amount": 300 }, { "amount": 80 }], "tax": 380, "charge": { "id": "ch_1" },
            "payment_intent": { "id": "pi_1" }, "paid": true, "paid_out_of_band": false, "quote": null,
        }),
    );
    let basil = merged(
        base.clone(),
        json!({
            "lines": new_line, "parent": parent, "discounts": ["di_1"], "amount_overpaid": 0,
            "total_taxes": [{ "amount": 300 }, { "amount": 80 }],
        }),
    );
    let clover = merged(
        basil.clone(),
        json!({
            "discounts": [{ "id": "di_1", "source": { "coupon": "c" } }],
            "payments": { "data": [
                { "id": "inpay_1", "payment": { "type": "payment_intent", "payment_intent": "pi_1" } },
                { "id": "inpay_2", "payment": { "type": "charge", "charge": "ch_1" } },
                { "id": "inpay_3", "payment": { "type": "payment_record", "payment_record": "pr_1" } },
            ] },
        }),
    );
    let dahlia = merged(
        basil.clone(),
        json!({ "amount_paid_off_stripe": 2380, "subscription": null, "charge": null }),
    );
    let read = same("invoice.paid", &[basil, oldest, pre_basil, clover, dahlia]);

    let Snapshot::Invoice(invoice) = &read[0].snapshot else { panic!() };
    assert_eq!((invoice.tax, invoice.amount_paid, invoice.lines.len()), (Some(380), 2380, 1));
    assert_eq!(invoice.lines[0].price.as_ref().map(ObjectId::as_str), Some("price_1"));
    assert_eq!(invoice.lines[0].subscription_item.as_ref().map(ObjectId::as_str), Some("si_1"));
    assert!(invoice.lines[0].proration);
    let known = ["customer cus_1", "subscription sub_1"];
    let paid_by = ["customer cus_1", "subscription sub_1", "payment_intent pi_1", "charge ch_1"];
    assert_eq!(names(&read[0]), known);
    assert_eq!(names(&read[1]), paid_by);
    assert_eq!(names(&read[2]), paid_by);
    assert_eq!(names(&read[3]), paid_by);
    assert_eq!(names(&read[4]), known);
    let outside: Vec<_> = read.iter().map(|one| one.hints.get(&Hint::PaidOutOfBand).cloned()).collect();
    let number = |number| Some(HintValue::Number(number));
    assert_eq!(outside, [None, None, number(0), number(1), number(1)]);
}

#[test]
fn an_invoice_without_tax_has_none_in_any_version() {
    let invoice = |tax: Value| merged(json!({ "id": "in_1", "object": "invoice", "status": "draft" }), tax);
    same(
        "invoice.created",
        &[
            invoice(json!({ "tax": null, "total_tax_amounts": [] })),
            invoice(json!({ "tax": 0, "total_tax_amounts": [] })),
            invoice(json!({ "total_taxes": [] })),
            invoice(json!({ "total_taxes": null })),
        ],
    );
}

#[test]
fn money_paid_elsewhere_is_paid_in_any_version() {
    let invoice = |more: Value| {
        merged(json!({ "id": "in_1", "object": "invoice", "status": "paid", "amount_due": 900 }), more)
    };
    let outside = |paid: i64, left: i64| json!({ "amount_paid": paid, "amount_remaining": left, "paid": true, "paid_out_of_band": true });
    let read = same(
        "invoice.paid",
        &[
            invoice(json!({ "amount_paid": 900, "amount_remaining": 0, "amount_paid_off_stripe": 900 })),
            invoice(json!({ "amount_paid": 900, "amount_remaining": 0 })),
            invoice(outside(0, 900)),
            invoice(outside(900, 0)),
        ],
    );
    let Snapshot::Invoice(invoice) = &read[2].snapshot else { panic!() };
    assert_eq!((invoice.amount_paid, invoice.amount_remaining), (900, 0));
}

#[test]
fn an_invoice_item_on_an_invoice() {
    let invoice = |line: Value| json!({ "id": "in_1", "object": "invoice", "status": "draft", "lines": { "data": [line] } });
    same(
        "invoice.updated",
        &[
            invoice(json!({ "id": "il_1", "amount": -5, "proration": true, "price": { "id": "price_1" } })),
            invoice(json!({
                "id": "il_1", "amount": -5, "pricing": { "price_details": { "price": "price_1" } },
                "parent": { "type": "invoice_item_details", "invoice_item_details": { "proration": true } },
            })),
        ],
    );
}

#[test]
fn an_invoice_of_a_quote() {
    let invoice = |more: Value| merged(json!({ "id": "in_1", "object": "invoice", "status": "open" }), more);
    let read = same(
        "invoice.finalized",
        &[
            invoice(json!({ "quote": "qt_1", "subscription": null })),
            invoice(json!({ "parent": { "type": "quote_details", "quote_details": { "quote": "qt_1" } } })),
        ],
    );
    let Snapshot::Invoice(invoice) = &read[0].snapshot else { panic!() };
    assert_eq!(invoice.quote.as_ref().map(ObjectId::as_str), Some("qt_1"));
}

#[test]
fn a_drafts_number_for_display_is_none() {
    let invoice =
        |number: Value| json!({ "id": "in_1", "object": "invoice", "status": "draft", "number": number });
    same("invoice.created", &[invoice(json!(null)), invoice(json!("ABCD-DRAFT"))]);
}

#[test]
fn payment_intent() {
    let base = json!({
        "id": "pi_1", "object": "payment_intent", "status": "requires_action", "amount": 5, "currency": "usd",
        "customer": "cus_1", "payment_method": "pm_1", "next_action": { "type": "use_stripe_sdk" },
    });
    let read = same(
        "payment_intent.requires_action",
        &[
            merged(base.clone(), json!({ "latest_charge": "ch_2", "metadata": {} })),
            merged(
                base.clone(),
                json!({
                    "charges": { "data": [{ "id": "ch_2" }, { "id": "ch_1" }] }, "invoice": "in_1", "metadata": {},
                }),
            ),
            merged(base.clone(), json!({ "latest_charge": { "id": "ch_2" }, "invoice": { "id": "in_1" } })),
            merged(
                base,
                json!({
                    "status": "requires_source_action", "charges": { "data": [{ "id": "ch_2" }] },
                    "payment_method": null, "source": "pm_1",
                }),
            ),
        ],
    );
    assert_eq!(names(&read[0]), ["customer cus_1", "charge ch_2"]);
    assert_eq!(names(&read[1]), ["customer cus_1", "invoice in_1", "charge ch_1", "charge ch_2"]);
    assert_eq!(names(&read[2]), ["customer cus_1", "invoice in_1", "charge ch_2"]);
}

#[test]
fn charge() {
    let base = json!({
        "id": "ch_1", "object": "charge", "status": "succeeded", "amount": 5, "currency": "usd", "paid": true,
        "captured": true, "customer": "cus_1", "payment_intent": "pi_1", "payment_method": "pm_1",
    });
    let read = same(
        "charge.succeeded",
        &[
            merged(base.clone(), json!({ "amount_captured": 5, "disputed": true })),
            merged(base.clone(), json!({ "dispute": "dp_1", "invoice": "in_1" })),
            merged(
                base,
                json!({
                    "status": "paid", "payment_method": null, "source": { "id": "pm_1", "object": "card" },
                    "dispute": { "id": "dp_1" }, "balance_transaction": null, "refunds": { "data": [] },
                }),
            ),
        ],
    );
    assert_eq!(names(&read[0]), ["customer cus_1", "payment_intent pi_1"]);
    assert_eq!(names(&read[1]), ["customer cus_1", "invoice in_1", "payment_intent pi_1", "dispute dp_1"]);
}

#[test]
fn refund_and_dispute() {
    let refund = json!({
        "id": "re_1", "object": "refund", "status": "succeeded", "amount": 5, "charge": "ch_1", "payment_intent": "pi_1",
    });
    let dahlia = merged(refund.clone(), json!({ "customer": "cus_1", "payment_method": "pm_1" }));
    let read = same("refund.updated", &[refund, dahlia]);
    assert_eq!(names(&read[0]), ["payment_intent pi_1", "charge ch_1"]);
    assert_eq!(names(&read[1]), ["customer cus_1", "payment_intent pi_1", "charge ch_1"]);

    let dispute =
        json!({ "id": "du_1", "object": "dispute", "status": "lost", "amount": 5, "charge": "ch_1" });
    let read = same(
        "charge.dispute.closed",
        &[
            merged(dispute.clone(), json!({ "network_reason_code": "10.4", "balance_transaction": "txn_1" })),
            merged(
                dispute,
                json!({ "payment_method_details": { "card": { "network_reason_code": "10.4" } } }),
            ),
        ],
    );
    assert_eq!(names(&read[0]), ["charge ch_1"]);
}

#[test]
fn credit_note() {
    let base = json!({
        "id": "cn_1", "object": "credit_note", "status": "issued", "amount": 5, "total": 5, "invoice": "in_1",
    });
    let read = same(
        "credit_note.created",
        &[
            merged(base.clone(), json!({ "refund": "re_1" })),
            merged(base.clone(), json!({ "refund": { "id": "re_1" } })),
            merged(base.clone(), json!({ "refunds": [{ "refund": "re_1", "amount_refunded": 5 }] })),
            merged(base, json!({ "refunds": [{ "refund": { "id": "re_1" } }], "type": "mixed" })),
        ],
    );
    for observation in &read {
        assert_eq!(names(observation), ["invoice in_1", "refund re_1"]);
    }
}

#[test]
fn customer() {
    let base =
        json!({ "id": "cus_1", "object": "customer", "email": "a@example.com", "metadata": { "user": "7" } });
    same(
        "customer.updated",
        &[
            merged(
                base.clone(),
                json!({ "balance": -5, "invoice_settings": { "default_payment_method": "pm_1" } }),
            ),
            merged(base.clone(), json!({ "account_balance": -5, "default_source": "pm_1" })),
            merged(
                base,
                json!({
                    "account_balance": 9, "balance": -5, "default_source": { "id": "card_1" },
                    "invoice_settings": { "default_payment_method": { "id": "pm_1" } },
                }),
            ),
        ],
    );
}

#[test]
fn checkout_session() {
    let base = json!({
        "id": "cs_test_1", "object": "checkout.session", "mode": "subscription", "status": "complete",
        "payment_status": "paid", "client_reference_id": "user-7",
    });
    let read = same(
        "checkout.session.completed",
        &[
            merged(
                base.clone(),
                json!({
                    "customer": "cus_1", "subscription": "sub_1", "invoice": "in_1", "payment_intent": null,
                    "customer_details": { "email": "a@example.com" }, "customer_email": "typed@example.com",
                }),
            ),
            merged(
                base,
                json!({
                    "customer": { "id": "cus_1" }, "subscription": { "id": "sub_1" }, "invoice": { "id": "in_1" },
                    "customer_email": "a@example.com", "customer_details": null,
                }),
            ),
        ],
    );
    assert_eq!(names(&read[0]), ["customer cus_1", "subscription sub_1", "invoice in_1"]);
}

#[test]
fn discount_entitlements_and_schedule() {
    let discount =
        json!({ "id": "di_1", "object": "discount", "customer": "cus_1", "start": 1, "end": null });
    same(
        "customer.discount.created",
        &[
            merged(discount.clone(), json!({ "coupon": { "id": "c1" } })),
            merged(discount.clone(), json!({ "source": { "type": "coupon", "coupon": "c1" } })),
            merged(
                discount,
                json!({ "source": { "type": "coupon", "coupon": { "id": "c1" } }, "promotion_code": null }),
            ),
        ],
    );
    let summary = |entries: Value| {
        json!({
            "object": "entitlements.active_entitlement_summary", "customer": "cus_1",
            "entitlements": { "data": entries, "has_more": false },
        })
    };
    let read = same(
        "entitlements.active_entitlement_summary.updated",
        &[
            summary(
                json!([{ "feature": "feat_a", "lookup_key": "a" }, { "feature": "feat_b", "lookup_key": "b" }]),
            ),
            summary(json!([
                { "feature": { "id": "feat_b", "lookup_key": "b" } },
                { "feature": { "id": "feat_a" }, "lookup_key": "a" },
            ])),
        ],
    );
    assert_eq!(read[0].key.id.as_str(), "cus_1");
    let schedule = |phase: Value| {
        json!({
            "id": "sub_sched_1", "object": "subscription_schedule", "status": "released",
            "released_subscription": "sub_1", "phases": [phase],
        })
    };
    let read = same(
        "subscription_schedule.released",
        &[
            schedule(json!({ "start_date": 1, "end_date": 2, "items": [{ "price": "price_1" }] })),
            schedule(
                json!({ "start_date": 1, "end_date": 2, "items": [{ "price": { "id": "price_1" }, "plan": "x" }] }),
            ),
            schedule(json!({ "start_date": 1, "end_date": 2, "plans": [{ "plan": "price_1" }] })),
        ],
    );
    assert_eq!(names(&read[0]), ["subscription sub_1"]);
}

#[test]
fn invoice_payment() {
    let payment = json!({
        "id": "inpay_1", "object": "invoice_payment", "status": "paid", "invoice": "in_1", "amount_paid": 5,
        "payment": { "type": "payment_intent", "payment_intent": "pi_1" }, "status_transitions": { "paid_at": 9 },
    });
    let read = same(
        "invoice_payment.paid",
        &[
            payment.clone(),
            merged(
                payment,
                json!({ "payment": { "type": "payment_intent", "payment_intent": { "id": "pi_1" } } }),
            ),
        ],
    );
    assert_eq!(names(&read[0]), ["invoice in_1", "payment_intent pi_1"]);
}
