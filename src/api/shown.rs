//! Objects and payments as answers: which members each kind adds to the common shape.

use serde_json::{Map, Value, json};

use crate::engine::{Billfold, PaymentRow, Shown};
use crate::model::joined::Once;
use crate::model::kind::ObjectKind;
use crate::model::observation::{Hint, HintValue, Snapshot};

use super::object::{Header, add_twins, fields, shown};
use super::problem::Problem;

/// An object: the common members, all fields of its state, and what only its kind has.
pub(super) fn object(billfold: &Billfold, found: &Shown) -> Result<Value, Problem> {
    let object = &found.object;
    let header = Header {
        id: &object.key.id,
        object: object.key.kind.object(),
        status: object.status(),
        customer: found.customer.as_ref(),
        scope: &object.key.scope,
        created: Some(object.created()),
        ambiguous: Some(object.ambiguous()),
        created_inversion: Some(object.created_inversion()),
        contradictory: Some(object.contradictory()),
    };
    let mut members = shown(&header, &state(&object.current())?)?;
    let mut more = Map::new();
    more.insert("deleted".to_owned(), json!(object.deleted()));
    more.insert("deleted_at".to_owned(), json!(object.joined.once(Once::DeletedAt)));
    if object.status().is_some() {
        more.insert("status_since".to_owned(), json!(object.status_since()));
    }
    let hint = |hint| object.joined.hint(hint).map(hint_json);
    match object.key.kind {
        ObjectKind::Subscription => {
            more.insert("billing_mode".to_owned(), json!(hint(Hint::BillingMode)));
        }
        ObjectKind::Invoice => {
            more.insert("amount_overpaid".to_owned(), json!(hint(Hint::AmountOverpaid)));
            let out_of_band =
                hint(Hint::PaidOutOfBand).and_then(|value| value.as_i64()).map(|number| number > 0);
            more.insert("paid_out_of_band".to_owned(), json!(out_of_band));
            let payments = billfold.invoice_payments(&object.key)?;
            let ids: Vec<_> = payments.iter().map(|row| &row.payment.id).collect();
            more.insert("payments".to_owned(), json!(ids));
        }
        _ => {}
    }
    add_twins(&mut more);
    members.append(&mut more);
    Ok(Value::Object(members))
}

/// The fields of a snapshot, whatever its kind.
pub(super) fn state(snapshot: &Snapshot) -> Result<Map<String, Value>, Problem> {
    // A snapshot is an enum over the kinds: its one member holds the fields.
    match fields(snapshot)?.into_iter().next() {
        Some((_, Value::Object(state))) => Ok(state),
        _ => Ok(Map::new()),
    }
}

/// A payment: derived from its intent, charges, refunds and disputes.
pub(super) fn payment(row: &PaymentRow) -> Result<Value, Problem> {
    let payment = &row.payment;
    let header = Header {
        id: &payment.id,
        object: "payment",
        status: Some(payment.status.as_str()),
        customer: payment.customer.as_ref(),
        scope: &row.scope,
        created: payment.created,
        ambiguous: Some(payment.ambiguous),
        created_inversion: None,
        contradictory: None,
    };
    shown(&header, payment).map(Value::Object)
}

fn hint_json(value: &HintValue) -> Value {
    match value {
        HintValue::Number(number) => json!(number),
        HintValue::Word(word) => json!(word),
    }
}
