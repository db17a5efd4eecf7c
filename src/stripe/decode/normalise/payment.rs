//! Intents, charges, refunds and disputes.

use super::{Key, Node, Unreadable, created, status};
use crate::model::payment::{Charge, ChargeStatus, Dispute, PaymentError, PaymentIntent, Refund};

pub(super) fn intent(object: &Node<'_>) -> Result<PaymentIntent, Unreadable> {
    // Before 2022-11-15 the charges are listed, the newest first.
    let latest = object.find(Key::latest_charge).or(object.at(Key::charges).list().first());
    Ok(PaymentIntent {
        created: created(object),
        customer: object.id(Key::customer),
        status: intent_status(object)?,
        currency: object.currency(),
        amount: object.amount(Key::amount),
        amount_received: object.amount(Key::amount_received),
        amount_capturable: object.amount(Key::amount_capturable),
        latest_charge: latest.and_then(Node::as_id),
        payment_method: object.at(Key::payment_method).or(object.at(Key::source)).as_id(),
        last_payment_error: payment_error(object.at(Key::last_payment_error)),
        next_action: object.at(Key::next_action).text(Key::r#type),
        cancellation_reason: object.text(Key::cancellation_reason),
        canceled_at: object.seconds(Key::canceled_at),
        capture_method: object.text(Key::capture_method),
        setup_future_usage: object.text(Key::setup_future_usage),
        metadata: object.metadata(),
    })
}

/// The status of a payment or setup intent; before 2019-02-11 two of them had other words.
pub(super) fn intent_status<T: for<'t> From<&'t str>>(object: &Node<'_>) -> Result<T, Unreadable> {
    match object.at(Key::status).as_str() {
        Some("requires_source") => Ok(T::from("requires_payment_method")),
        Some("requires_source_action") => Ok(T::from("requires_action")),
        _ => status(object),
    }
}

fn payment_error(error: &Node<'_>) -> Option<PaymentError> {
    matches!(error, Node::Map(_)).then(|| PaymentError {
        code: error.text(Key::code),
        decline_code: error.text(Key::decline_code),
        error_type: error.text(Key::r#type),
    })
}

pub(super) fn charge(object: &Node<'_>) -> Result<Charge, Unreadable> {
    let method = object.at(Key::payment_method_details);
    let card = method.at(Key::card);
    let outcome = object.at(Key::outcome);
    let status = charge_status(object)?;
    Ok(Charge {
        created: created(object),
        customer: object.id(Key::customer),
        currency: object.currency(),
        amount: object.amount(Key::amount),
        amount_captured: amount_captured(object, &status),
        status,
        amount_refunded: object.amount(Key::amount_refunded),
        paid: object.is(Key::paid),
        captured: object.is(Key::captured),
        refunded: object.is(Key::refunded),
        // Before 2023-08-16 the dispute itself was named.
        disputed: object.is(Key::disputed) || object.id(Key::dispute).is_some(),
        payment_intent: object.id(Key::payment_intent),
        payment_method: object.at(Key::payment_method).or(object.at(Key::source)).as_id(),
        payment_method_type: method.text(Key::r#type),
        card_brand: card.text(Key::brand),
        card_last4: card.private(Key::last4),
        balance_transaction: object.id(Key::balance_transaction),
        failure_code: object.text(Key::failure_code),
        failure_balance_transaction: object.id(Key::failure_balance_transaction),
        outcome_type: outcome.text(Key::r#type),
        outcome_reason: outcome.text(Key::reason),
        risk_level: outcome.text(Key::risk_level),
        metadata: object.metadata(),
    })
}

/// `paid` before 2015-02-18.
fn charge_status(object: &Node<'_>) -> Result<ChargeStatus, Unreadable> {
    match object.at(Key::status).as_str() {
        Some("paid") => Ok(ChargeStatus::Succeeded),
        _ => status(object),
    }
}

/// Old versions say only whether it was captured; what a partial capture left counts as refunded there.
fn amount_captured(object: &Node<'_>, status: &ChargeStatus) -> i64 {
    let taken = *status == ChargeStatus::Succeeded && object.is(Key::captured);
    object.int(Key::amount_captured).unwrap_or_else(|| if taken { object.amount(Key::amount) } else { 0 })
}

pub(super) fn refund(object: &Node<'_>) -> Refund {
    let destination = object.at(Key::destination_details).at(Key::card);
    Refund {
        created: created(object),
        status: object.word(Key::status),
        currency: object.currency(),
        amount: object.amount(Key::amount),
        charge: object.id(Key::charge),
        payment_intent: object.id(Key::payment_intent),
        reason: object.text(Key::reason),
        failure_reason: object.text(Key::failure_reason),
        failure_balance_transaction: object.id(Key::failure_balance_transaction),
        pending_reason: object.text(Key::pending_reason),
        balance_transaction: object.id(Key::balance_transaction),
        reference_status: destination.text(Key::reference_status),
        metadata: object.metadata(),
    }
}

pub(super) fn dispute(object: &Node<'_>) -> Result<Dispute, Unreadable> {
    let movements = object.at(Key::balance_transactions).list();
    let evidence = object.at(Key::evidence_details);
    let card = object.at(Key::payment_method_details).at(Key::card);
    let sum = |part: fn(&Node<'_>) -> i64| {
        movements.iter().fold(0, |sum: i64, movement| sum.saturating_add(part(movement)))
    };
    Ok(Dispute {
        created: created(object),
        status: status(object)?,
        currency: object.currency(),
        amount: object.amount(Key::amount),
        reason: object.text(Key::reason),
        charge: object.id(Key::charge),
        payment_intent: object.id(Key::payment_intent),
        balance_transactions: i64::try_from(movements.len()).unwrap_or(i64::MAX),
        amount_withdrawn: sum(|movement| movement.amount(Key::amount).min(0).saturating_neg()),
        amount_reinstated: sum(|movement| movement.amount(Key::amount).max(0)),
        fees: sum(|movement| movement.amount(Key::fee)),
        // Zero where no answer is possible.
        due_by: evidence.seconds(Key::due_by).filter(|due_by| due_by.0 != 0),
        has_evidence: evidence.is(Key::has_evidence),
        submission_count: evidence.amount(Key::submission_count),
        past_due: evidence.is(Key::past_due),
        is_charge_refundable: object.is(Key::is_charge_refundable),
        case_type: card.text(Key::case_type),
        // At the top in older versions.
        network_reason_code: card
            .at(Key::network_reason_code)
            .or(object.at(Key::network_reason_code))
            .as_str()
            .map(Into::into),
        metadata: object.metadata(),
    })
}
