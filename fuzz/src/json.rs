//! JSON changed with sense: still an event, but with a value that nobody expects where nobody expects it.

use std::fmt::Write as _;

use billfold::model::event_type::EventType;
use billfold::model::kind::ObjectKind;
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::fixtures;

/// Words that decide something, in one event or another.
const WORDS: &[&str] = &[
    "",
    "active",
    "past_due",
    "trialing",
    "paused",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "unpaid",
    "draft",
    "open",
    "paid",
    "void",
    "uncollectible",
    "deleted",
    "succeeded",
    "failed",
    "pending",
    "processing",
    "requires_action",
    "requires_capture",
    "requires_payment_method",
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_closed",
    "won",
    "lost",
    "prevented",
    "charge_refunded",
    "complete",
    "expired",
    "unpaid",
    "no_payment_required",
    "completed",
    "released",
    "issued",
    "usd",
    "EUR",
    "xx",
    "month",
    "price_1",
    "evt_1",
    "cus_1",
    "\u{0}",
    "ü😀",
    "a b",
    "9223372036854775808",
    "1.5",
    "-0",
    "brand_new_word",
    "list",
    "event",
    "v2.core.event",
];

/// Numbers at the edges.
const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    100,
    250,
    251,
    65_535,
    1_767_225_600,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    i32::MAX as i64,
    -62_135_596_801,
];

/// Changes `event` in a few places. Any JSON will do; an event is changed in ways that mean something.
pub fn mutate(event: &mut Value, dice: &mut Dice) {
    for _ in 0..=dice.roll(3) {
        if !event.is_object() {
            *event = fresh(dice);
        }
        match dice.roll(14) {
            0..=4 => change_somewhere(event, dice),
            5 => *event = fresh(dice),
            6 => event["type"] = dice.pick(&EventType::all().collect::<Vec<_>>()).name().into(),
            7 => in_object(event, |object| change_somewhere(object, dice)),
            8 | 9 => in_object(event, |object| change_top(object, dice)),
            10 => tell_previous(event, dice),
            11 => in_previous(event, |previous| change_somewhere(previous, dice)),
            12 => in_object(event, |object| expand(object, dice)),
            _ => copy_inside(event, dice),
        }
    }
}

fn fresh(dice: &mut Dice) -> Value {
    let kind = *dice.pick(ObjectKind::ALL);
    let types = fixtures::types_of(kind);
    fixtures::event(dice.pick(&types).name(), fixtures::object(kind), None)
}

fn in_object(event: &mut Value, change: impl FnOnce(&mut Value)) {
    if let Some(object) = event.pointer_mut("/data/object") {
        change(object);
    }
}

fn in_previous(event: &mut Value, change: impl FnOnce(&mut Value)) {
    if let Some(previous) = event.pointer_mut("/data/previous_attributes") {
        change(previous);
    }
}

/// A field of the object itself: that is where statuses, amounts and times stand.
fn change_top(object: &mut Value, dice: &mut Dice) {
    let Value::Object(fields) = object else { return };
    let names: Vec<String> = fields.keys().cloned().collect();
    if !names.is_empty() {
        let name = dice.pick(&names);
        let value = odd(dice);
        fields.insert(name.clone(), value);
    }
}

/// Says what was before: some fields of the object, changed.
fn tell_previous(event: &mut Value, dice: &mut Dice) {
    let Some(Value::Object(fields)) = event.pointer("/data/object") else { return };
    let mut previous = Map::new();
    for (name, value) in fields {
        if dice.roll(6) == 0 {
            let mut value = value.clone();
            if dice.roll(2) == 0 {
                change_somewhere(&mut value, dice);
            }
            previous.insert(name.clone(), value);
        }
    }
    event["data"]["previous_attributes"] = Value::Object(previous);
}

/// An id becomes the object behind it, or a value becomes a list.
fn expand(object: &mut Value, dice: &mut Dice) {
    let at = dice.roll(places(object).max(1));
    visit(object, &mut { at }, &mut |value| {
        *value = match (&*value, dice.roll(3)) {
            (Value::String(id), 0 | 1) => {
                json!({ "id": id, "object": "customer", "deleted": dice.roll(2) == 0 })
            }
            (other, 0) => json!({ "object": "list", "data": [other], "has_more": dice.roll(2) == 0 }),
            (Value::Array(items), _) => items.first().cloned().unwrap_or_default(),
            (Value::Object(fields), _) => {
                fields.get("data").or(fields.get("id")).cloned().unwrap_or_default()
            }
            (other, _) => json!([other, other]),
        };
    });
}

/// Something from one place stands in another, too.
fn copy_inside(event: &mut Value, dice: &mut Dice) {
    let all = places(event).max(1);
    let (from, to) = (dice.roll(all), dice.roll(all));
    let mut copy = Value::Null;
    visit(event, &mut { from }, &mut |value| copy = value.clone());
    visit(event, &mut { to }, &mut |value| *value = copy.clone());
}

fn change_somewhere(value: &mut Value, dice: &mut Dice) {
    let at = dice.roll(places(value).max(1));
    if dice.roll(5) == 0 {
        remove(value, &mut { at });
    } else {
        visit(value, &mut { at }, &mut |value| *value = odd(dice));
    }
}

/// A value of any type.
fn odd(dice: &mut Dice) -> Value {
    match dice.roll(16) {
        0 => Value::Null,
        1 => true.into(),
        2 => false.into(),
        3..=6 => (*dice.pick(NUMBERS)).into(),
        7 => u64::MAX.into(),
        8 => json!(1e300),
        9 => json!(0.5),
        10..=12 => (*dice.pick(WORDS)).into(),
        13 => json!([]),
        14 => json!({ "id": *dice.pick(WORDS), "data": [odd(dice)], "k": odd(dice) }),
        _ => json!([odd(dice), odd(dice)]),
    }
}

/// How many values lie below the top.
fn places(value: &Value) -> usize {
    match value {
        Value::Array(parts) => parts.iter().map(|part| 1 + places(part)).sum(),
        Value::Object(parts) => parts.values().map(|part| 1 + places(part)).sum(),
        _ => 0,
    }
}

/// The value number `at` below the top, in order, if there is one.
fn visit(value: &mut Value, at: &mut usize, change: &mut dyn FnMut(&mut Value)) -> bool {
    let mut step = |part: &mut Value| {
        if *at == 0 {
            change(part);
            return true;
        }
        *at -= 1;
        visit(part, at, change)
    };
    match value {
        Value::Array(parts) => parts.iter_mut().any(&mut step),
        Value::Object(parts) => parts.values_mut().any(&mut step),
        _ => false,
    }
}

/// Takes the value number `at` away, with its name.
fn remove(value: &mut Value, at: &mut usize) -> bool {
    match value {
        Value::Array(parts) => {
            for index in 0..parts.len() {
                if *at == 0 {
                    parts.remove(index);
                    return true;
                }
                *at -= 1;
                if remove(&mut parts[index], at) {
                    return true;
                }
            }
        }
        Value::Object(parts) => {
            let names: Vec<String> = parts.keys().cloned().collect();
            for name in names {
                if *at == 0 {
                    parts.remove(&name);
                    return true;
                }
                *at -= 1;
                if remove(&mut parts[&name], at) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}

/// The same value written otherwise: names in the reverse order, blanks everywhere, every letter escaped.
pub fn rewritten(value: &Value) -> String {
    let mut text = String::new();
    write_otherwise(value, &mut text);
    text
}

fn write_otherwise(value: &Value, out: &mut String) {
    match value {
        Value::Array(parts) => {
            out.push_str("[ ");
            for (index, part) in parts.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { " ,\n" });
                write_otherwise(part, out);
            }
            out.push_str("\t]");
        }
        Value::Object(parts) => {
            out.push_str("{\r\n");
            for (index, (name, part)) in parts.iter().rev().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_text(name, out);
                out.push_str(" : ");
                write_otherwise(part, out);
            }
            out.push_str(" }");
        }
        Value::String(text) => write_text(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        // Writing into a text cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
    out.push('"');
}
