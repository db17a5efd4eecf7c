//! Customers.

use super::{Key, Node, created};
use crate::model::customer::Customer;

/// A deleted customer may be no more than its id; everything else is absent then.
pub(super) fn customer(object: &Node<'_>) -> Customer {
    let invoices = object.at(Key::invoice_settings);
    Customer {
        created: created(object),
        email: object.private(Key::email),
        name: object.private(Key::name),
        phone: object.private(Key::phone),
        description: object.private(Key::description),
        currency: object.currency(),
        // `account_balance` before 2019-10-17.
        balance: object.at(Key::balance).or(object.at(Key::account_balance)).as_int().unwrap_or(0),
        delinquent: object.at(Key::delinquent).as_bool(),
        default_payment_method: invoices
            .at(Key::default_payment_method)
            .or(object.at(Key::default_source))
            .as_id(),
        tax_exempt: object.text(Key::tax_exempt),
        country: object.at(Key::address).text(Key::country),
        test_clock: object.id(Key::test_clock),
        metadata: object.metadata(),
    }
}
