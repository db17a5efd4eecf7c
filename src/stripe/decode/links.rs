//! The other objects that an object names: every explicit reference, from wherever a version puts it.
//!
//! Never guesses: two objects are linked only because one of them holds the other's id.

use std::collections::BTreeSet;

use super::key::Key;
use super::node::Node;
use crate::model::kind::ObjectKind;
use crate::model::observation::Link;

/// References that mean the same wherever they stand at the top of an object.
const NAMED: &[(Key, ObjectKind)] = &[
    (Key::customer, ObjectKind::Customer),
    (Key::subscription, ObjectKind::Subscription),
    (Key::released_subscription, ObjectKind::Subscription),
    (Key::schedule, ObjectKind::SubscriptionSchedule),
    (Key::invoice, ObjectKind::Invoice),
    (Key::latest_invoice, ObjectKind::Invoice),
    (Key::payment_intent, ObjectKind::PaymentIntent),
    (Key::setup_intent, ObjectKind::SetupIntent),
    (Key::pending_setup_intent, ObjectKind::SetupIntent),
    (Key::charge, ObjectKind::Charge),
    (Key::latest_charge, ObjectKind::Charge),
    (Key::dispute, ObjectKind::Dispute),
    (Key::refund, ObjectKind::Refund),
];

/// Every link of an object of `kind`.
pub(super) fn links(kind: ObjectKind, object: &Node<'_>) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    for &(key, kind) in NAMED {
        add(&mut links, kind, object.at(key));
    }
    match kind {
        ObjectKind::Invoice => invoice(&mut links, object),
        ObjectKind::InvoicePayment => payment(&mut links, object.at(Key::payment)),
        ObjectKind::PaymentIntent => {
            for charge in object.at(Key::charges).list() {
                add(&mut links, ObjectKind::Charge, charge);
            }
        }
        ObjectKind::CreditNote => {
            for refund in object.at(Key::refunds).list() {
                add(&mut links, ObjectKind::Refund, refund.at(Key::refund));
            }
        }
        _ => {}
    }
    links
}

/// The subscription stands in `parent` since basil, and what paid in a list that is usually left out.
fn invoice(links: &mut BTreeSet<Link>, object: &Node<'_>) {
    let details = object.at(Key::parent).at(Key::subscription_details);
    add(links, ObjectKind::Subscription, details.at(Key::subscription));
    for part in object.at(Key::payments).list() {
        payment(links, part.at(Key::payment));
    }
}

fn payment(links: &mut BTreeSet<Link>, payment: &Node<'_>) {
    add(links, ObjectKind::PaymentIntent, payment.at(Key::payment_intent));
    add(links, ObjectKind::Charge, payment.at(Key::charge));
}

fn add(links: &mut BTreeSet<Link>, kind: ObjectKind, reference: &Node<'_>) {
    if let Some(id) = reference.as_id() {
        links.insert(Link { kind, id });
    }
}
