//! How an answer's JSON looks to a person: amounts in major units, times as RFC 3339, nothing that is empty.
//!
//! Shows what the answer says; never computes a status, an amount or a decision of its own. Control characters never
//! reach the terminal: names and descriptions come from strangers.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::model::money::{Currency, Money};

/// Members that are whole minor units of the `currency` beside or around them.
const MONEY_MEMBERS: &[&str] = &[
    "amount",
    "amount_capturable",
    "amount_captured",
    "amount_disputed",
    "amount_due",
    "amount_paid",
    "amount_received",
    "amount_refunded",
    "amount_remaining",
    "amount_requested",
    "amount_subtotal",
    "amount_total",
    "balance",
    "ending_balance",
    "out_of_band_amount",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "starting_balance",
    "subtotal",
    "tax",
    "total",
    "unit_amount",
];

/// What comes first when an object is shown; the rest follows by name.
const FIRST_MEMBERS: &[&str] = &[
    "id",
    "object",
    "type",
    "granted",
    "decision",
    "reason",
    "until",
    "status",
    "customer",
    "account",
    "livemode",
    "ambiguous",
    "currency",
    "amount",
    "total",
    "created",
];

/// What stands behind a time's name when the answer spells it out.
const TWIN: &str = "_rfc3339";

/// Spaces in front of each level.
const INDENT: usize = 2;

/// A text without what a terminal would obey.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

/// A plain member: text as it stands, numbers and flags as words, nothing for null and for what has members itself.
pub(super) fn plain(object: &Value, name: &str) -> String {
    object.get(name).and_then(scalar).unwrap_or_default()
}

/// A time, by its spelled-out twin.
pub(super) fn time(object: &Value, name: &str) -> String {
    object.get(format!("{name}{TWIN}")).and_then(scalar).unwrap_or_default()
}

/// An amount with its currency; the bare number where none is known.
pub(super) fn money(object: &Value, name: &str) -> String {
    let currency = object.get("currency").and_then(Value::as_str);
    object.get(name).and_then(|value| amount(value, currency)).unwrap_or_default()
}

fn amount(value: &Value, currency: Option<&str>) -> Option<String> {
    let minor_units = value.as_i64()?;
    Some(match currency {
        Some(currency) => clean(&Money { minor_units, currency: Currency::new(currency) }.to_string()),
        None => minor_units.to_string(),
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(clean(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object, a member a line, what it holds indented below it.
pub(super) fn object(value: &Value) -> String {
    let mut text = String::new();
    if let Value::Object(members) = value {
        write_members(&mut text, members, 0, None);
    }
    text
}

fn write_members(text: &mut String, members: &Map<String, Value>, depth: usize, around: Option<&str>) {
    let currency = members.get("currency").and_then(Value::as_str).or(around);
    let shown: Vec<(&String, &Value)> =
        ordered(members).filter(|(name, value)| is_shown(name, value, members)).collect();
    let width = shown.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in shown {
        let indent = " ".repeat(depth.saturating_mul(INDENT));
        // Writing into a String cannot fail, here and below.
        if let Some(line) = one_line(name, value, members, currency) {
            let _ = writeln!(text, "{indent}{:width$}  {line}", clean(name));
        } else {
            let _ = writeln!(text, "{indent}{}", clean(name));
            write_inner(text, value, depth.saturating_add(1), currency);
        }
    }
}

fn write_inner(text: &mut String, value: &Value, depth: usize, currency: Option<&str>) {
    match value {
        Value::Object(members) => write_members(text, members, depth, currency),
        Value::Array(items) => {
            for item in items {
                let indent = " ".repeat(depth.saturating_mul(INDENT));
                let Value::Object(members) = item else {
                    let _ = writeln!(text, "{indent}- {}", scalar(item).unwrap_or_default());
                    continue;
                };
                let mut inner = String::new();
                write_members(&mut inner, members, depth.saturating_add(1), currency);
                let first = depth.saturating_add(1).saturating_mul(INDENT);
                let _ = write!(text, "{indent}- {}", inner.get(first..).unwrap_or_default());
            }
        }
        _ => {}
    }
}

fn ordered(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let first = FIRST_MEMBERS.iter().filter_map(|name| members.get_key_value(*name));
    let rest = members.iter().filter(|(name, _)| !FIRST_MEMBERS.contains(&name.as_str()));
    first.chain(rest)
}

/// The scope is always worth a line: whoever looks at the wrong account or mode must see it.
fn is_shown(name: &str, value: &Value, members: &Map<String, Value>) -> bool {
    let twin = name.strip_suffix(TWIN).is_some_and(|time| members.contains_key(time));
    let empty = match value {
        Value::Null => name != "account",
        Value::Array(items) => items.is_empty(),
        Value::Object(inner) => inner.is_empty(),
        _ => false,
    };
    !twin && !empty
}

fn one_line(
    name: &str,
    value: &Value,
    members: &Map<String, Value>,
    currency: Option<&str>,
) -> Option<String> {
    if name == "account" && value.is_null() {
        return Some("self".to_owned());
    }
    if let Some(spelled) = members.get(&format!("{name}{TWIN}")).and_then(Value::as_str) {
        return Some(clean(spelled));
    }
    if MONEY_MEMBERS.contains(&name) && currency.is_some() && value.is_i64() {
        return amount(value, currency);
    }
    match value {
        Value::Array(items) => {
            let words: Option<Vec<String>> = items.iter().map(scalar).collect();
            words.map(|words| words.join(", "))
        }
        _ => scalar(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(object(value), expected);
    }

    #[test]
    fn members_have_an_order_and_empty_ones_are_left_out() {
        check(
            &json!({"zeta": 1, "id": "a", "status": null, "account": null, "livemode": true, "list": [], "map": {}}),
            "id        a\naccount   self\nlivemode  true\nzeta      1\n",
        );
    }

    #[test]
    fn times_are_spelled_out_once() {
        check(
            &json!({"created": 0, "created_rfc3339": "1970-01-01T00:00:00Z", "ended_at": null, "ended_at_rfc3339": null}),
            "created  1970-01-01T00:00:00Z\n",
        );
    }

    #[test]
    fn amounts_take_the_currency_around_them() {
        check(
            &json!({"currency": "usd", "amount": 1050, "items": [{"unit_amount": 5, "quantity": 2}, {"unit_amount": 7}]}),
            "currency  usd\namount    10.50 usd\nitems\n  - quantity     2\n    unit_amount  0.05 usd\n  - unit_amount  0.07 usd\n",
        );
        check(&json!({"amount": 5}), "amount  5\n");
    }

    #[test]
    fn what_is_inside_is_indented() {
        check(
            &json!({"metadata": {"user_id": "7"}, "charges": ["ch_1", "ch_2"]}),
            "charges   ch_1, ch_2\nmetadata\n  user_id  7\n",
        );
    }

    #[test]
    fn a_stranger_cannot_write_to_the_terminal() {
        check(&json!({"name": "a\u{1b}[2Jb\nc"}), "name  a\u{fffd}[2Jb\u{fffd}c\n");
        assert_eq!(plain(&json!({"x": "\u{9b}"}), "x"), "\u{fffd}");
    }
}
