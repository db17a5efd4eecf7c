//! What the bursts have in common: who was there before, attempts to collect, their money.

use crate::build::{Charge, Customer, Intent, Invoice, InvoicePayment, MONTH, START, Story, Subscription};

/// The end of the first period of [`subscriber`].
pub(super) const FIRST_END: i64 = START + MONTH;

/// A customer with an active subscription, known before the burst that begins with the next period.
pub(super) fn subscriber() -> (Story, Customer, Subscription) {
    let mut story = Story::prelude();
    let customer = Customer::new("cus_1");
    story.shows("customer.created", &customer);
    let subscription = Subscription::new("sub_1", "cus_1");
    story.shows("customer.subscription.created", &subscription);
    story.burst(MONTH);
    (story, customer, subscription)
}

/// A payment of 20.00 that has succeeded before the burst.
pub(super) fn paid() -> (Story, Intent, Charge) {
    let mut story = Story::prelude();
    let mut intent = Intent::new("pi_1", "cus_1", 2_000);
    let charge = Charge::new("ch_1", &intent);
    intent.succeed(&charge);
    story.shows("payment_intent.succeeded", &intent);
    story.shows("charge.succeeded", &charge);
    story.burst(1_000);
    (story, intent, charge)
}

/// The subscription enters its next period, with a draft for it.
pub(super) fn renew(story: &mut Story, subscription: &mut Subscription, invoice: &'static str) -> Invoice {
    story.changes("customer.subscription.updated", subscription, |it| {
        it.status = "active";
        it.period = (it.period.1, it.period.1 + MONTH);
        it.latest_invoice = Some(invoice);
    });
    let invoice = Invoice::draft(invoice, subscription, "subscription_cycle", story.now());
    story.shows("invoice.created", &invoice);
    invoice
}

pub(super) fn finalize(story: &mut Story, invoice: &mut Invoice) {
    invoice.finalize(story.now());
    story.shows("invoice.finalized", invoice);
}

/// An attempt takes the money; the invoice's payment is reported with a delay.
pub(super) fn collect(
    story: &mut Story,
    invoice: &mut Invoice,
    intent: &mut Intent,
    charge: &'static str,
) -> Charge {
    let mut charge = Charge::new(charge, intent);
    story.shows("charge.succeeded", &charge);
    intent.succeed(&charge);
    story.shows("payment_intent.succeeded", intent);
    let now = story.now();
    story.changes("invoice.updated", invoice, |it| {
        it.pay(now);
        it.paid_by = Some((intent.id, charge.id));
    });
    story.optional();
    story.shows("invoice.paid", invoice);
    story.shows("invoice.payment_succeeded", invoice);
    story.changes("charge.updated", &mut charge, |it| it.balance_transaction = Some("txn_1"));
    story.optional();
    report(story, invoice, intent);
    charge
}

/// What says which intent paid the invoice.
pub(super) fn report(story: &mut Story, invoice: &Invoice, intent: &Intent) {
    story.later(3);
    let payment = InvoicePayment {
        id: "inpay_1",
        invoice: invoice.id,
        intent: intent.id,
        amount: invoice.amount,
        paid_at: story.now(),
    };
    story.shows("invoice_payment.paid", &payment);
}

/// An attempt fails; the next one is planned, or none.
pub(super) fn decline(
    story: &mut Story,
    invoice: &mut Invoice,
    intent: &mut Intent,
    charge: &'static str,
    next: Option<i64>,
) {
    story.shows("charge.failed", &Charge::failed(charge, intent, "card_declined"));
    intent.fail(charge, "card_declined");
    story.shows("payment_intent.payment_failed", intent);
    story.changes("invoice.updated", invoice, |it| it.fail(next));
    story.optional();
    story.shows("invoice.payment_failed", invoice);
}
