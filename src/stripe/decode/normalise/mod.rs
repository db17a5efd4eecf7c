//! One shape for all versions: an object's tree becomes the snapshot of its kind.
//!
//! A path that is there is preferred to the older path it replaced. What only some versions can tell stays out of the
//! snapshot: a rendering must never look like a change.

use std::collections::BTreeMap;

use super::Unreadable;
use super::key::Key;
use super::node::Node;
use crate::model::event_type::EventType;
use crate::model::id::ObjectId;
use crate::model::kind::ObjectKind;
use crate::model::observation::{Hint, HintValue, Snapshot};
use crate::model::time::Seconds;

mod catalog;
mod checkout;
mod customer;
mod invoice;
mod payment;
mod shape;
mod subscription;
mod watch;

/// The snapshot that the event shows. Two types say a thing that their object does not.
pub(super) fn after(
    event_type: EventType,
    object: &Node<'_>,
    previous: Option<&Node<'_>>,
) -> Result<Snapshot, Unreadable> {
    let mut snapshot = before(event_type, object)?;
    match (&mut snapshot, event_type.name()) {
        (Snapshot::CheckoutSession(session), "checkout.session.async_payment_failed") => {
            session.async_failed = true;
        }
        (Snapshot::PaymentMethod(method), "payment_method.detached") if method.customer.is_none() => {
            method.customer = previous.and_then(|previous| previous.id(Key::customer));
        }
        _ => {}
    }
    Ok(snapshot)
}

/// The snapshot of an object as it stands there.
pub(super) fn before(event_type: EventType, object: &Node<'_>) -> Result<Snapshot, Unreadable> {
    shape::check(event_type.kind(), object)?;
    Ok(match event_type.kind() {
        ObjectKind::Customer => Snapshot::Customer(customer::customer(object)),
        ObjectKind::Subscription => Snapshot::Subscription(Box::new(subscription::subscription(object)?)),
        ObjectKind::Invoice => Snapshot::Invoice(Box::new(invoice::invoice(object))),
        ObjectKind::InvoicePayment => Snapshot::InvoicePayment(invoice::invoice_payment(object)?),
        ObjectKind::CheckoutSession => Snapshot::CheckoutSession(Box::new(checkout::session(object))),
        ObjectKind::PaymentIntent => Snapshot::PaymentIntent(Box::new(payment::intent(object)?)),
        ObjectKind::Charge => Snapshot::Charge(Box::new(payment::charge(object)?)),
        ObjectKind::Refund => Snapshot::Refund(payment::refund(object)),
        ObjectKind::Dispute => Snapshot::Dispute(Box::new(payment::dispute(object)?)),
        ObjectKind::PaymentMethod => Snapshot::PaymentMethod(checkout::payment_method(object)),
        ObjectKind::Product => Snapshot::Product(catalog::product(object)),
        ObjectKind::Price => Snapshot::Price(Box::new(catalog::price(object))),
        ObjectKind::CreditNote => Snapshot::CreditNote(Box::new(invoice::credit_note(object)?)),
        ObjectKind::SetupIntent => Snapshot::SetupIntent(checkout::setup_intent(object)?),
        ObjectKind::Entitlements => Snapshot::Entitlements(catalog::entitlements(object)),
        ObjectKind::SubscriptionSchedule => {
            Snapshot::SubscriptionSchedule(Box::new(watch::schedule(object)?))
        }
        ObjectKind::Discount => Snapshot::Discount(catalog::discount(object)),
        ObjectKind::EarlyFraudWarning => Snapshot::EarlyFraudWarning(watch::early_fraud_warning(object)),
        ObjectKind::Review => Snapshot::Review(watch::review(object)),
        ObjectKind::TestClock => Snapshot::TestClock(watch::test_clock(object)),
    })
}

/// What only some versions carry.
pub(super) fn hints(kind: ObjectKind, object: &Node<'_>) -> BTreeMap<Hint, HintValue> {
    match kind {
        ObjectKind::Subscription => subscription::hints(object),
        ObjectKind::Invoice => invoice::hints(object),
        _ => BTreeMap::new(),
    }
}

/// A status that the kind always has.
fn status<T: for<'t> From<&'t str>>(object: &Node<'_>) -> Result<T, Unreadable> {
    object.word(Key::status).ok_or(Unreadable::Field("status"))
}

/// When the object was made.
fn created(object: &Node<'_>) -> Option<Seconds> {
    object.seconds(Key::created)
}

/// The price behind a line, an item or a phase: a price or its id, or the older plan.
fn price_of<'s, 'a>(line: &'s Node<'a>) -> &'s Node<'a> {
    line.at(Key::price).or(line.at(Key::plan))
}

/// The discounts at work, in their order: a list of ids or objects, before basil one object.
fn discounts(object: &Node<'_>) -> Vec<ObjectId> {
    let mut ids: Vec<_> = object.at(Key::discounts).list().iter().filter_map(Node::as_id).collect();
    if ids.is_empty() {
        ids.extend(object.id(Key::discount));
    }
    ids
}
