//! The fields that money and access hang on: of the type that every version gives them, or the object is not understood.
//!
//! Whatever else is odd reads as absent. The amount of a charge, refund or dispute must not: it would be folded as zero,
//! and nobody would know.

use super::super::key::Key;
use super::super::node::Node;
use super::Unreadable;
use crate::model::kind::ObjectKind;

/// The type of a value.
#[derive(Clone, Copy)]
enum Shape {
    Whole,
    Flag,
    Word,
}

impl Shape {
    fn fits(self, value: &Node<'_>) -> bool {
        match self {
            Self::Whole => value.as_int().is_some(),
            Self::Flag => value.as_bool().is_some(),
            Self::Word => value.as_str().is_some(),
        }
    }
}

/// A field, its name and its type.
type Rule = (Key, &'static str, Shape);

const AMOUNT: Rule = (Key::amount, "amount", Shape::Whole);
const CURRENCY: Rule = (Key::currency, "currency", Shape::Word);

/// The fields of `kind` that are always there.
const fn always(kind: ObjectKind) -> &'static [Rule] {
    match kind {
        // Money that moved, or is asked back: without its amount the sums are wrong.
        ObjectKind::Charge | ObjectKind::Refund | ObjectKind::Dispute => &[AMOUNT],
        _ => &[],
    }
}

/// The fields of `kind` that may be absent or null, but of no other type.
const fn if_any(kind: ObjectKind) -> &'static [Rule] {
    match kind {
        ObjectKind::PaymentIntent => {
            &[AMOUNT, CURRENCY, (Key::amount_received, "amount_received", Shape::Whole)]
        }
        ObjectKind::Dispute => &[CURRENCY],
        ObjectKind::Charge => &[
            CURRENCY,
            (Key::amount_captured, "amount_captured", Shape::Whole),
            (Key::amount_refunded, "amount_refunded", Shape::Whole),
        ],
        ObjectKind::Refund => &[CURRENCY, (Key::status, "status", Shape::Word)],
        ObjectKind::Invoice => &[
            (Key::total, "total", Shape::Whole),
            (Key::amount_due, "amount_due", Shape::Whole),
            (Key::status, "status", Shape::Word),
            (Key::amount_paid, "amount_paid", Shape::Whole),
            (Key::amount_remaining, "amount_remaining", Shape::Whole),
        ],
        ObjectKind::Subscription => &[
            (Key::cancel_at_period_end, "cancel_at_period_end", Shape::Flag),
            (Key::cancel_at, "cancel_at", Shape::Whole),
            (Key::ended_at, "ended_at", Shape::Whole),
            (Key::trial_end, "trial_end", Shape::Whole),
            PERIOD_START,
            PERIOD_END,
        ],
        _ => &[],
    }
}

const PERIOD_START: Rule = (Key::current_period_start, "current_period_start", Shape::Whole);
const PERIOD_END: Rule = (Key::current_period_end, "current_period_end", Shape::Whole);

/// Refuses an object of `kind` that would be read as another one than was sent.
pub(super) fn check(kind: ObjectKind, object: &Node<'_>) -> Result<(), Unreadable> {
    for &(key, name, shape) in always(kind) {
        if !shape.fits(object.at(key)) {
            return Err(Unreadable::Field(name));
        }
    }
    check_if_any(object, if_any(kind))?;
    if kind == ObjectKind::Subscription { items(object.at(Key::items)) } else { Ok(()) }
}

fn check_if_any(object: &Node<'_>, rules: &[Rule]) -> Result<(), Unreadable> {
    for &(key, name, shape) in rules {
        let value = object.at(key);
        if !value.is_null() && !shape.fits(value) {
            return Err(Unreadable::Field(name));
        }
    }
    Ok(())
}

/// A page or a bare list of items, each with a period of its own or none.
fn items(page: &Node<'_>) -> Result<(), Unreadable> {
    let is_list = matches!(page, Node::List(_)) || matches!(page.at(Key::data), Node::List(_));
    if !is_list && !page.is_null() {
        return Err(Unreadable::Field("items"));
    }
    for item in page.list() {
        if !matches!(item, Node::Map(_)) {
            return Err(Unreadable::Field("items"));
        }
        check_if_any(item, &[PERIOD_START, PERIOD_END])?;
    }
    Ok(())
}
