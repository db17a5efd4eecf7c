//! Invoices, what paid them, and credit notes.

use std::collections::BTreeMap;

use super::subscription::collection_method;
use super::{Hint, HintValue, Key, Node, Unreadable, created, discounts, price_of, status};
use crate::model::invoice::{CreditNote, Invoice, InvoiceLine, InvoicePayment, InvoiceStatus};

pub(super) fn invoice(object: &Node<'_>) -> Invoice {
    let status = invoice_status(object);
    let moments = object.at(Key::status_transitions);
    let page = object.at(Key::lines);
    let (amount_paid, amount_remaining) = paid_and_remaining(object);
    Invoice {
        // `date` before 2019-03-14.
        created: created(object).or(object.seconds(Key::date)),
        customer: object.id(Key::customer),
        currency: object.currency(),
        subscription: origin(object, "subscription_details", Key::subscription_details, Key::subscription)
            .as_id(),
        quote: origin(object, "quote_details", Key::quote_details, Key::quote).as_id(),
        number: number(object, status.as_ref()),
        status,
        billing_reason: object.text(Key::billing_reason),
        collection_method: collection_method(object).as_str().map(Into::into),
        amount_due: object.amount(Key::amount_due),
        amount_paid,
        amount_remaining,
        total: object.amount(Key::total),
        subtotal: object.amount(Key::subtotal),
        tax: tax(object),
        starting_balance: object.amount(Key::starting_balance),
        ending_balance: object.int(Key::ending_balance),
        attempt_count: object.amount(Key::attempt_count),
        attempted: object.is(Key::attempted),
        next_payment_attempt: object.seconds(Key::next_payment_attempt),
        auto_advance: object.is(Key::auto_advance),
        due_date: object.seconds(Key::due_date),
        period_start: object.seconds(Key::period_start),
        period_end: object.seconds(Key::period_end),
        finalized_at: moments.seconds(Key::finalized_at).or(object.seconds(Key::finalized_at)),
        paid_at: moments.seconds(Key::paid_at),
        voided_at: moments.seconds(Key::voided_at),
        marked_uncollectible_at: moments.seconds(Key::marked_uncollectible_at),
        post_payment_credit_notes_amount: object.amount(Key::post_payment_credit_notes_amount),
        pre_payment_credit_notes_amount: object.amount(Key::pre_payment_credit_notes_amount),
        lines: page.list().iter().map(line).collect(),
        lines_truncated: page.is(Key::has_more),
        discounts: discounts(object),
        latest_revision: object.id(Key::latest_revision),
        from_invoice: object.at(Key::from_invoice).id(Key::invoice),
        test_clock: object.id(Key::test_clock),
        metadata: object.metadata(),
    }
}

/// Before 2018-11-08 an invoice had no status, only `paid`.
fn invoice_status(object: &Node<'_>) -> Option<InvoiceStatus> {
    if object.is(Key::deleted) {
        return Some(InvoiceStatus::Deleted);
    }
    object.word(Key::status).or_else(|| object.is(Key::paid).then_some(InvoiceStatus::Paid))
}

/// What an invoice came from: in its `parent` since basil, at the top before.
fn origin<'s, 'a>(object: &'s Node<'a>, parent_type: &str, details: Key, key: Key) -> &'s Node<'a> {
    let parent = object.at(Key::parent);
    let is_meant = parent.at(Key::r#type).as_str().is_none_or(|word| word == parent_type);
    let inside = if is_meant { parent.at(details).at(key) } else { object.at(key) };
    inside.or(object.at(key))
}

/// Renderings of 2019 number a draft for display; the number comes with finalization.
fn number(object: &Node<'_>, status: Option<&InvoiceStatus>) -> Option<Box<str>> {
    let is_draft = status == Some(&InvoiceStatus::Draft);
    object.text(Key::number).filter(|number| !(is_draft && number.ends_with("-DRAFT")))
}

/// What was paid elsewhere counts as paid since basil; before, it was left out and still shown as remaining.
fn paid_and_remaining(object: &Node<'_>) -> (i64, i64) {
    let (due, paid) = (object.amount(Key::amount_due), object.amount(Key::amount_paid));
    if object.is(Key::paid_out_of_band) {
        return (paid.max(due), 0);
    }
    (paid, object.int(Key::amount_remaining).unwrap_or_else(|| due.saturating_sub(paid)))
}

/// The sum of the taxes: under three names over the years. A version that knows none of them says nothing.
fn tax(object: &Node<'_>) -> Option<i64> {
    let keys = [Key::total_taxes, Key::total_tax_amounts, Key::tax];
    if keys.iter().all(|&key| object.find(key).is_none()) {
        return None;
    }
    let [taxes, amounts, sum] = keys.map(|key| object.at(key));
    let Some(list) = [taxes.list(), amounts.list()].into_iter().find(|list| !list.is_empty()) else {
        return Some(sum.as_int().unwrap_or(0));
    };
    Some(list.iter().fold(0, |sum: i64, tax| sum.saturating_add(tax.amount(Key::amount))))
}

fn line(line: &Node<'_>) -> InvoiceLine {
    let parent = line.at(Key::parent);
    // Either part may be there; a line of a subscription is told by the first.
    let details = parent.at(Key::subscription_item_details).or(parent.at(Key::invoice_item_details)).or(line);
    let price = line.at(Key::pricing).at(Key::price_details).at(Key::price);
    let period = line.at(Key::period);
    InvoiceLine {
        id: line.id(Key::id),
        amount: line.amount(Key::amount),
        quantity: line.int(Key::quantity),
        price: price.or(price_of(line)).as_id(),
        subscription_item: details.id(Key::subscription_item),
        proration: details.is(Key::proration),
        period_start: period.seconds(Key::start),
        period_end: period.seconds(Key::end),
    }
}

/// Money paid outside or beyond what was due: told by some versions only.
pub(super) fn hints(object: &Node<'_>) -> BTreeMap<Hint, HintValue> {
    let mut hints = BTreeMap::new();
    if let Some(amount) = object.int(Key::amount_overpaid) {
        hints.insert(Hint::AmountOverpaid, HintValue::Number(amount));
    }
    let record = |part: &Node<'_>| part.at(Key::payment).at(Key::r#type).as_str() == Some("payment_record");
    let said = object.at(Key::paid_out_of_band).as_bool();
    let amount = object.int(Key::amount_paid_off_stripe).map(|amount| amount > 0);
    let listed = object.at(Key::payments).list().iter().any(record).then_some(true);
    if let Some(outside) = [said, amount, listed].into_iter().flatten().max() {
        hints.insert(Hint::PaidOutOfBand, HintValue::Number(outside.into()));
    }
    hints
}

pub(super) fn invoice_payment(object: &Node<'_>) -> Result<InvoicePayment, Unreadable> {
    let payment = object.at(Key::payment);
    let moments = object.at(Key::status_transitions);
    Ok(InvoicePayment {
        created: created(object),
        status: status(object)?,
        invoice: object.id(Key::invoice),
        payment_type: payment.text(Key::r#type),
        payment_intent: payment.id(Key::payment_intent),
        charge: payment.id(Key::charge),
        payment_record: payment.id(Key::payment_record),
        currency: object.currency(),
        amount_requested: object.amount(Key::amount_requested),
        amount_paid: object.int(Key::amount_paid),
        is_default: object.is(Key::is_default),
        paid_at: moments.seconds(Key::paid_at),
        canceled_at: moments.seconds(Key::canceled_at),
    })
}

pub(super) fn credit_note(object: &Node<'_>) -> Result<CreditNote, Unreadable> {
    // One `refund` before basil, a list of objects that name one since.
    let list = object.at(Key::refunds).list();
    let mut refunds: Vec<_> = list.iter().filter_map(|entry| entry.id(Key::refund)).collect();
    if refunds.is_empty() {
        refunds.extend(object.id(Key::refund));
    }
    Ok(CreditNote {
        created: created(object),
        status: status(object)?,
        customer: object.id(Key::customer),
        invoice: object.id(Key::invoice),
        number: object.text(Key::number),
        currency: object.currency(),
        amount: object.amount(Key::amount),
        total: object.amount(Key::total),
        reason: object.text(Key::reason),
        refunds,
        out_of_band_amount: object.int(Key::out_of_band_amount),
        customer_balance_transaction: object.id(Key::customer_balance_transaction),
        voided_at: object.seconds(Key::voided_at),
    })
}
