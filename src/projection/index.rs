//! What a row is listed under: a pure function of the row, so that it can always be taken back.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::model::id::ObjectKey;
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::Snapshot;
use crate::model::private::Private;

use super::derive::PaymentRow;
use super::keys;
use super::query::Collection;

/// Every key, except its own, that an object's row brings with it.
pub(super) fn keys_of(object: &Object, reference_keys: &[Box<str>]) -> BTreeSet<Vec<u8>> {
    let key = &object.key;
    let customer = object.customer();
    let status = object.status();
    let mut keys: BTreeSet<Vec<u8>> = keys::list_keys(
        Collection::Objects(key.kind),
        &key.scope,
        object.created(),
        &key.id,
        status,
        customer,
    )
    .into_iter()
    .collect();
    for link in object.joined.links().iter().filter(|link| is_followed_back(key.kind, link.kind)) {
        let to = ObjectKey { kind: link.kind, id: link.id.clone(), scope: key.scope.clone() };
        keys.insert(keys::link(&to, key.kind, &key.id));
    }
    if let Some(customer) = customer {
        for reference in references(object, reference_keys) {
            keys.insert(keys::reference(&hash_reference(reference), key, customer));
        }
    }
    keys.insert(keys::scope(&key.scope));
    keys
}

/// Links that payments and invoices are found by from their other end; the rest are read from their own end only.
const fn is_followed_back(from: ObjectKind, to: ObjectKind) -> bool {
    use ObjectKind::{Charge, Dispute, Invoice, InvoicePayment, PaymentIntent, Refund};
    matches!(from, PaymentIntent | Charge | Refund | Dispute | Invoice | InvoicePayment)
        && matches!(to, PaymentIntent | Charge | Refund | Dispute | Invoice)
}

/// Every list key of a payment's row.
pub(super) fn keys_of_payment(row: &PaymentRow) -> Vec<Vec<u8>> {
    let payment = &row.payment;
    keys::list_keys(
        Collection::Payments,
        &row.scope,
        row.created(),
        &payment.id,
        Some(payment.status.as_str()),
        payment.customer.as_ref(),
    )
}

/// The merchant's own ids of the customer that an object carries.
fn references<'o>(object: &'o Object, reference_keys: &'o [Box<str>]) -> Vec<&'o str> {
    let (metadata, own) = match &object.snapshot {
        Snapshot::Customer(customer) => (&customer.metadata, None),
        Snapshot::Subscription(subscription) => (&subscription.metadata, None),
        Snapshot::CheckoutSession(session) => (&session.metadata, session.client_reference_id.as_ref()),
        _ => return Vec::new(),
    };
    let named = reference_keys.iter().filter_map(|key| metadata.get(key));
    own.map(Private::reveal).into_iter().chain(named).filter(|text| !text.is_empty()).collect()
}

/// References can be long and say who somebody is; the index holds a hash of them.
pub(super) fn hash_reference(reference: &str) -> [u8; 16] {
    let hash = Sha256::digest(reference.as_bytes());
    let mut short = [0; 16];
    short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    short
}
