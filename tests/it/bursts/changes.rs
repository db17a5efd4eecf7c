//! A subscription changes: upgrade, cancellation, pause, the customer's end.

use serde_json::{Value, json};

use billfold::model::kind::ObjectKind;

use super::acts::{FIRST_END, collect, finalize, subscriber};
use super::truth::Truth;
use super::{Burst, check, laws, renewals, starts};
use crate::build::{Customer, DAY, Intent, Invoice, Item, MONTH, Place, Story, Subscription};

fn pro() -> Vec<Item> {
    vec![Item { id: "si_1", price: "price_pro", amount: 5_000, quantity: 3 }]
}

fn shows_price(price: &str) -> Value {
    json!({ "items": [{ "id": "si_1", "price": price }], "pending_update": false })
}

fn invoice_item(id: &str, amount: i64) -> Value {
    json!({ "id": id, "object": "invoiceitem", "customer": "cus_1", "amount": amount, "currency": "usd", "proration": true })
}

pub(super) fn upgrade_at_once() -> Burst {
    let (mut story, mut customer, mut subscription) = subscriber();
    story.changes("customer.updated", &mut customer, |it| it.default_payment_method = Some("pm_1"));
    let mut invoice = Invoice::draft("in_2", &subscription, "subscription_update", story.now());
    invoice.amount = 3_000;
    story.shows("invoice.created", &invoice);
    finalize(&mut story, &mut invoice);
    let mut intent = Intent::new("pi_2", "cus_1", 3_000).of("in_2");
    story.shows("payment_intent.created", &intent);
    collect(&mut story, &mut invoice, &mut intent, "ch_2");
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.items = pro();
        it.latest_invoice = Some("in_2");
    });
    story.shows("invoiceitem.created", &invoice_item("ii_1", 3_000));
    let truth = Truth::new()
        .subscription(shows_price("price_pro"))
        .customer(json!({ "default_payment_method": "pm_1" }))
        .invoice(
            "in_2",
            json!({ "status": "paid", "amount_paid": 3_000, "billing_reason": "subscription_update" }),
        )
        .payment("pi_2", "succeeded", [3_000, 0, 0])
        .access_shows(FIRST_END, json!({ "decision": "allowed", "price": "price_pro", "quantity": 3 }));
    Burst::new("B6 an upgrade, invoiced at once", story.events(), truth)
}

pub(super) fn upgrade_billed_later() -> Burst {
    let (mut story, _, mut subscription) = subscriber();
    story.shows("invoiceitem.created", &invoice_item("ii_1", -1_000));
    story.shows("invoiceitem.created", &invoice_item("ii_2", 2_500));
    story.changes("customer.subscription.updated", &mut subscription, |it| it.items = pro());
    let truth = Truth::new()
        .subscription(shows_price("price_pro"))
        .access_shows(FIRST_END, json!({ "decision": "allowed", "price": "price_pro" }));
    Burst::new("B6 an upgrade, billed with the next period", story.events(), truth)
}

pub(super) fn upgrade_without_payment() -> Burst {
    let (mut story, _, mut subscription) = subscriber();
    story.changes("customer.subscription.updated", &mut subscription, |it| it.items = pro());
    story.changes("customer.subscription.updated", &mut subscription, |it| it.status = "past_due");
    let truth = Truth::new()
        .subscription(shows_price("price_pro"))
        .subscription(json!({ "status": "past_due", "items": [{ "price": "price_pro" }] }))
        .access(FIRST_END, "grace", "past_due");
    Burst::new("B6 an upgrade that is not paid", story.events(), truth)
}

pub(super) fn pending_upgrade() -> [Burst; 4] {
    let (mut story, _, mut subscription) = subscriber();
    story.changes("customer.subscription.updated", &mut subscription, |it| it.pending_update = true);
    let shown = json!({ "status": "active", "items": [{ "price": "price_basic" }], "pending_update": true });
    let truth = Truth::new().subscription(shown).access_shows(FIRST_END, json!({ "price": "price_basic" }));
    let pending = Burst::new("B6 an upgrade waits for its payment", story.events(), truth);

    let mut expiring = story.clone();
    let mut unchanged = subscription.clone();
    expiring.later(DAY);
    expiring.changes("customer.subscription.updated", &mut unchanged, |it| it.pending_update = false);
    expiring.shows("customer.subscription.pending_update_expired", &unchanged);
    let truth = Truth::new().subscription(shows_price("price_basic"));
    let expired = Burst::new("B6 an upgrade is not paid in time", expiring.events(), truth.clone());

    let mut silent = story.clone();
    silent.later(DAY);
    silent.shows("customer.subscription.pending_update_expired", &unchanged);
    // An update waits for hours before it expires.
    let unsaid = Burst::new("B6 an upgrade expires without an update", silent.events(), truth).never_tied();

    story.later(60);
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.items = pro();
        it.pending_update = false;
    });
    story.shows("customer.subscription.pending_update_applied", &subscription);
    let truth = Truth::new()
        .subscription(shows_price("price_pro"))
        .access_shows(FIRST_END, json!({ "price": "price_pro" }));
    let applied = Burst::new("B6 an upgrade is paid and applied", story.events(), truth);
    [pending, expired, unsaid, applied]
}

#[test]
fn b6_upgrade() {
    check(&upgrade_at_once());
    check(&upgrade_billed_later());
    check(&upgrade_without_payment());
    pending_upgrade().iter().for_each(check);
}

fn schedule_end(story: &mut Story, subscription: &mut Subscription) {
    let now = story.now();
    story.changes("customer.subscription.updated", subscription, |it| {
        it.cancel_at_period_end = true;
        it.cancel_at = Some(it.period.1);
        it.canceled_at = Some(now);
        it.reason = Some("cancellation_requested");
    });
}

fn take_back(story: &mut Story, subscription: &mut Subscription) {
    story.changes("customer.subscription.updated", subscription, |it| {
        it.cancel_at_period_end = false;
        it.cancel_at = None;
        it.canceled_at = None;
        it.reason = None;
    });
}

/// Somebody in the middle of a period.
fn in_period() -> (Story, Subscription, i64) {
    let (mut story, _, subscription) = subscriber();
    story.later(-10 * DAY);
    let now = story.now();
    (story, subscription, now)
}

fn going_on() -> Value {
    json!({ "status": "active", "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null,
        "ended_at": null, "cancellation_reason": null })
}

pub(super) fn cancellation() -> [Burst; 3] {
    let (mut story, mut subscription, asked) = in_period();
    schedule_end(&mut story, &mut subscription);
    let truth = Truth::new()
        .subscription(json!({ "status": "active", "cancel_at_period_end": true, "cancel_at": FIRST_END,
            "canceled_at": asked, "ended_at": null }))
        .access_shows(
            asked,
            json!({ "decision": "allowed", "reason": "cancel_scheduled", "until": FIRST_END,
            "ends_at": FIRST_END }),
        )
        .access(FIRST_END - 1, "allowed", "cancel_scheduled")
        .access(FIRST_END, "denied", "cancellation_reached");
    let scheduled = Burst::new("B7 the end is set", story.events(), truth);

    let mut kept = story.clone();
    let mut alive = subscription.clone();
    kept.later(60);
    take_back(&mut kept, &mut alive);
    let truth = Truth::new().subscription(going_on()).access(FIRST_END, "allowed", "active");
    let kept = Burst::new("B7 the end is set and taken back", kept.events(), truth);

    story.later(FIRST_END - asked);
    subscription.end(story.now(), "cancellation_requested");
    story.shows("customer.subscription.deleted", &subscription);
    let truth = Truth::new()
        .subscription(json!({ "status": "canceled", "canceled_at": asked, "ended_at": FIRST_END }))
        .access(FIRST_END, "denied", "canceled")
        .access_shows(FIRST_END, json!({ "ends_at": FIRST_END }));
    [scheduled, kept, Burst::new("B7 the end comes", story.events(), truth)]
}

/// Set, taken back and set again: more of a knot than anybody would make by hand.
pub(super) fn wavering() -> Burst {
    let (mut story, mut subscription, asked) = in_period();
    for _ in 0..2 {
        schedule_end(&mut story, &mut subscription);
        take_back(&mut story, &mut subscription);
        story.later(60);
    }
    schedule_end(&mut story, &mut subscription);
    let truth = Truth::new()
        .subscription(json!({ "status": "active", "cancel_at_period_end": true, "canceled_at": asked + 120 }))
        .access(FIRST_END, "denied", "cancellation_reached");
    Burst::new("B7 the end is set and taken back and set", story.events(), truth)
}

pub(super) fn canceled_at_once() -> [Burst; 2] {
    let (mut story, mut subscription, now) = in_period();
    subscription.end(now, "cancellation_requested");
    story.shows("customer.subscription.deleted", &subscription);
    let truth = Truth::new()
        .subscription(json!({ "status": "canceled", "ended_at": now, "canceled_at": now }))
        .access(now, "denied", "canceled");
    let alone = Burst::new("B7 canceled at once", story.events(), truth.clone());
    let mut invoice = Invoice::draft("in_2", &subscription, "manual", now);
    story.shows("invoiceitem.created", &invoice_item("ii_1", -700));
    story.shows("invoice.created", &invoice);
    finalize(&mut story, &mut invoice);
    let truth = truth.invoice("in_2", json!({ "status": "open" }));
    [alone, Burst::new("B7 canceled at once, with a last invoice", story.events(), truth)]
}

/// The portal of the flexible billing mode sets a moment and no flag.
pub(super) fn flexible_cancellation() -> Burst {
    let (mut story, mut subscription, now) = in_period();
    story.changes("customer.subscription.updated", &mut subscription, |it| {
        it.cancel_at = Some(FIRST_END);
        it.canceled_at = Some(now);
    });
    let truth = Truth::new()
        .subscription(json!({ "status": "active", "cancel_at_period_end": false, "cancel_at": FIRST_END }))
        .access(now, "allowed", "cancel_scheduled")
        .access(FIRST_END, "denied", "cancellation_reached");
    Burst::new("B7 the end is set by the portal", story.events(), truth)
}

/// Without anything before it, a second that ends where it began has no end; whatever comes later settles it.
pub(super) fn unanchored() -> [Burst; 2] {
    let mut story = Story::new();
    let mut subscription = Subscription::new("sub_1", "cus_1");
    story.later(DAY);
    schedule_end(&mut story, &mut subscription);
    story.later(60);
    take_back(&mut story, &mut subscription);
    let truth = Truth::new().subscription(going_on());
    let open = Truth::new()
        .subscription(json!({ "status": "active", "ended_at": null }))
        .undecidable("sub_1")
        .access_shows(START_OF_TIES, json!({ "decision": "allowed", "ambiguous": true }));
    let toggled = Burst::new("B7 set and taken back, nothing known before", story.events(), truth).tied(open);
    story.later(DAY);
    schedule_end(&mut story, &mut subscription);
    let truth = Truth::new().subscription(json!({ "cancel_at_period_end": true }));
    let settled = Burst::new("B7 a toggle settled by a later change", in_ties(&story), truth).never_tied();
    [toggled, settled]
}

/// When the toggles of [`unanchored`] are asked about.
const START_OF_TIES: i64 = FIRST_END - 10 * DAY;

/// All but the last event in one second.
fn in_ties(story: &Story) -> Vec<crate::build::Event> {
    let mut events = story.events();
    let last = events.pop().unwrap();
    let mut tied = super::in_one_second(&events);
    tied.push(last);
    tied
}

#[test]
fn b7_cancellation() {
    cancellation().iter().for_each(check);
    check(&wavering());
    canceled_at_once().iter().for_each(check);
    check(&flexible_cancellation());
    unanchored().iter().for_each(check);
}

pub(super) fn collection_paused() -> [Burst; 2] {
    let (mut story, mut subscription, now) = in_period();
    story
        .changes("customer.subscription.updated", &mut subscription, |it| it.pause_collection = Some("void"));
    let truth = Truth::new()
        .subscription(json!({ "status": "active", "pause_collection": { "behavior": "void" } }))
        // Giving time for free is the usual reason: the default policy lets them in.
        .access(now, "allowed", "active");
    let paused = Burst::new("B11 collection pauses", story.events(), truth);
    story.later(DAY);
    story.changes("customer.subscription.updated", &mut subscription, |it| it.pause_collection = None);
    let truth = Truth::new()
        .subscription(json!({ "status": "active", "pause_collection": null }))
        .access(now, "allowed", "active");
    [paused, Burst::new("B11 collection goes on", story.events(), truth)]
}

/// The very same change twice: in one second it may be one change that was told twice, so the state is right and flagged.
pub(super) fn collection_paused_twice() -> Burst {
    let (mut story, mut subscription, _) = in_period();
    for pause in [Some("void"), None, Some("void")] {
        story.changes("customer.subscription.updated", &mut subscription, |it| it.pause_collection = pause);
        story.later(60);
    }
    let truth = Truth::new().subscription(json!({ "pause_collection": { "behavior": "void" } }));
    let tied = truth.clone().undecidable("sub_1");
    Burst::new("B11 collection pauses twice", story.events(), truth).tied(tied)
}

/// Paused and resumed, without the updates that usually come beside: what was before tells where it ends.
pub(super) fn paused_in_between() -> Burst {
    let (mut story, mut subscription, now) = in_period();
    subscription.status = "paused";
    story.shows("customer.subscription.paused", &subscription);
    story.later(60);
    subscription.status = "active";
    story.shows("customer.subscription.resumed", &subscription);
    let truth =
        Truth::new().subscription(json!({ "status": "active" })).access(now + 60, "allowed", "active");
    Burst::new("B11 paused and resumed without updates", story.events(), truth)
}

#[test]
fn b11_pause() {
    collection_paused().iter().for_each(check);
    check(&collection_paused_twice());
    check(&paused_in_between());
}

pub(super) fn customer_deleted() -> [Burst; 2] {
    let mut story = Story::prelude();
    let mut customer = Customer::new("cus_1");
    story.shows("customer.created", &customer);
    let mut first = Subscription::new("sub_1", "cus_1");
    let mut second =
        Subscription { id: "sub_2", latest_invoice: None, ..Subscription::new("sub_2", "cus_1") };
    story.shows("customer.subscription.created", &first);
    story.shows("customer.subscription.created", &second);
    let mut invoice = Invoice::draft("in_1", &first, "subscription_create", story.now());
    finalize(&mut story, &mut invoice);
    story.burst(MONTH / 2);
    let now = story.now();
    story.changes("customer.updated", &mut customer, |it| it.email = "gone@example.com");
    story.optional();
    let mut bare = story.clone();
    bare.shows("customer.deleted", &customer);
    let truth = Truth::new()
        .customer(json!({ "status_word": "deleted" }))
        .invoice("in_1", json!({ "status": "open" }))
        .access_shows(now, json!({ "decision": "denied", "reason": "customer_deleted", "entitlements": [] }))
        .access(now + MONTH, "denied", "customer_deleted");
    // Nobody said what became of the subscriptions: their words stay, and grant nothing.
    let without = truth.clone().subscription(json!({ "status": "active" }));
    let bare = Burst::new("B15 a customer is deleted, nothing else is said", bare.events(), without);

    story.shows("customer.deleted", &customer);
    for subscription in [&mut first, &mut second] {
        subscription.end(now, "cancellation_requested");
        story.shows("customer.subscription.deleted", subscription);
    }
    let discount = json!({
        "id": "di_1", "object": "discount", "customer": "cus_1", "subscription": null, "start": now, "end": null,
        "source": { "type": "coupon", "coupon": "co_1" }, "promotion_code": null,
    });
    story.shows("customer.discount.deleted", &discount);
    story.optional();
    let truth = truth.subscription(json!({ "status": "canceled", "ended_at": now })).object(
        ObjectKind::Subscription,
        "sub_2",
        json!({ "status": "canceled", "ended_at": now }),
    );
    [bare, Burst::new("B15 a customer is deleted", story.events(), truth)]
}

#[test]
fn b15_customer_deleted() {
    customer_deleted().iter().for_each(check);
}

/// A second that is wrong harms nothing that has an order of its own, and it is counted.
#[test]
fn wrong_seconds_are_noticed() {
    let [_, _, ended] = cancellation();
    let over = Truth::new().subscription(json!({ "status": "canceled", "ended_at": FIRST_END }));
    let over = over.access(FIRST_END, "denied", "canceled");
    laws::counts_inversions(&ended, "customer.subscription.updated", &over, 1);

    let [_, renewed] = renewals::renewal();
    let paid = json!({ "status": "paid", "amount_paid": 2_000, "attempt_count": 1 });
    let paid = Truth::new().invoice("in_2", paid).payment("pi_2", "succeeded", [2_000, 0, 0]);
    for late in ["invoice.created", "invoice.finalized", "payment_intent.created"] {
        laws::counts_inversions(&renewed, late, &paid, 1);
    }
    // Nothing in an address book tells the order of two entries.
    let [_, _, recovered] = renewals::failure_and_recovery();
    laws::counts_inversions(
        &recovered,
        "customer.updated",
        &paid.invoice("in_2", json!({ "status": "paid" })),
        0,
    );
}

/// The same ids in three places, each with a life of its own.
#[test]
fn scopes_never_mix() {
    let [_, paid] = renewals::renewal();
    let [canceled, ..] = renewals::canceled_for_good();
    let never = starts::never_paid();
    let live = Place { livemode: true, account: None };
    let connected = Place { livemode: true, account: Some("acct_1") };
    laws::scopes_apart(&[(&paid, live), (&canceled, Place::default()), (&never, connected)]);
}
