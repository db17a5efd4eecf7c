//! Checkout sessions, payment methods, setup intents.

use super::payment::intent_status;
use super::{Key, Node, Unreadable, created};
use crate::model::checkout::{CheckoutSession, PaymentMethod, SetupIntent};
use crate::model::private::Private;

pub(super) fn session(object: &Node<'_>) -> CheckoutSession {
    // What the buyer typed, else what the merchant filled in.
    let email = object.at(Key::customer_details).at(Key::email).or(object.at(Key::customer_email));
    CheckoutSession {
        created: created(object),
        status: object.word(Key::status),
        payment_status: object.word(Key::payment_status),
        async_failed: false,
        mode: object.text(Key::mode),
        customer: object.id(Key::customer),
        client_reference_id: object.private(Key::client_reference_id),
        email: email.as_str().map(Private::new),
        subscription: object.id(Key::subscription),
        payment_intent: object.id(Key::payment_intent),
        invoice: object.id(Key::invoice),
        setup_intent: object.id(Key::setup_intent),
        currency: object.currency(),
        amount_total: object.int(Key::amount_total),
        amount_subtotal: object.int(Key::amount_subtotal),
        payment_link: object.id(Key::payment_link),
        expires_at: object.seconds(Key::expires_at),
        metadata: object.metadata(),
    }
}

pub(super) fn payment_method(object: &Node<'_>) -> PaymentMethod {
    let card = object.at(Key::card);
    PaymentMethod {
        created: created(object),
        customer: object.id(Key::customer),
        method_type: object.text(Key::r#type),
        card_brand: card.text(Key::brand),
        card_last4: card.private(Key::last4),
        card_exp_month: card.int(Key::exp_month),
        card_exp_year: card.int(Key::exp_year),
        card_country: card.text(Key::country),
        card_funding: card.text(Key::funding),
        metadata: object.metadata(),
    }
}

pub(super) fn setup_intent(object: &Node<'_>) -> Result<SetupIntent, Unreadable> {
    Ok(SetupIntent {
        created: created(object),
        status: intent_status(object)?,
        customer: object.id(Key::customer),
        payment_method: object.id(Key::payment_method),
        usage: object.text(Key::usage),
        last_setup_error: object.at(Key::last_setup_error).text(Key::code),
        cancellation_reason: object.text(Key::cancellation_reason),
        latest_attempt: object.id(Key::latest_attempt),
    })
}
