//! The parameters of the routes, as the document describes them. What they mean is decided in `api::parameters`.

use serde_json::{Map, Value, json};

use super::schema::{flag, text, word};
use crate::api::parameters::{REFERENCE_BYTES_MAX, WORD_BYTES_MAX};
use crate::api::table::{Row, TABLE};
use crate::engine::{
    CURSOR_NAME_BYTES_MAX, CURSOR_TEXT_BYTES_MAX, FoldOutcome, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX,
};
use crate::model::derived::payment::PaymentStatus;
use crate::model::feed::Kind;
use crate::model::id::ID_BYTES_MAX;

/// A moment as a pattern, in parts that other patterns hold.
macro_rules! moment {
    () => {
        concat!(
            r"-?[0-9]{1,11}|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
            r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
        )
    };
}

/// What every character of an id or a word is: printable ASCII, no space.
const WORD: &str = "^[!-~]+$";
/// Unix seconds or RFC 3339. That no February has 30 days is not said here, and refused all the same.
const MOMENT: &str = concat!("^(", moment!(), ")$");
/// The same, or `@` and a position.
const PAST: &str = concat!("^(@[0-9]{1,19}|", moment!(), ")$");

/// Every parameter that the table names, once.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    all.insert("id".to_owned(), id());
    all.insert("If-None-Match".to_owned(), if_none_match());
    all.insert("name".to_owned(), cursor_name("name", "path", "A reader's name."));
    for name in TABLE.iter().flat_map(|row| row.takes) {
        if let Some((schema, description)) = query(name) {
            let required = *name == "ref";
            all.insert(
                (*name).to_owned(),
                json!({ "name": name, "in": "query", "required": required, "description": description, "schema": schema }),
            );
        }
    }
    Value::Object(all)
}

/// Those of a row, by reference where its meaning is the common one.
pub(super) fn of<'a>(row: &'a Row, word: &'a str) -> impl Iterator<Item = Value> + 'a {
    let common = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    let id = row.path.contains("{id}").then(|| common("id"));
    let more = row.takes.iter().map(move |name| match (*name, row.name, word) {
        ("status", _, "payments") => payment_status(),
        ("after", "log", _) => position(),
        ("after", "feed" | "follow_feed" | "feed_log", _) => entry(),
        ("object", "feed" | "follow_feed", _) => subject(),
        ("from", ..) => required(common_definition("from")),
        _ => common(name),
    });
    let tag = super::has_tag(row).then(|| common("If-None-Match"));
    let name = row.path.contains("{name}").then(|| common("name"));
    id.into_iter().chain(name).chain(more).chain(tag)
}

fn required(mut parameter: Value) -> Value {
    if let Some(members) = parameter.as_object_mut() {
        members.insert("required".to_owned(), json!(true));
    }
    parameter
}

fn common_definition(name: &str) -> Value {
    all().get(name).cloned().unwrap_or_default()
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "An id as the provider says it.",
        "schema": { "type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX, "pattern": WORD },
    })
}

fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match", "in": "header", "required": false,
        "description": "The `ETag` of the answer that is known.", "schema": text(),
    })
}

fn payment_status() -> Value {
    json!({
        "name": "status", "in": "query", "required": false, "description": "Only payments with this status.",
        "schema": word(PaymentStatus::ALL.iter().map(|status| status.as_str())),
    })
}

fn position() -> Value {
    json!({
        "name": "after", "in": "query", "required": false,
        "description": "The position behind which records are wanted; 0 unless said.",
        "schema": { "type": "integer", "minimum": 0, "maximum": u64::MAX },
    })
}

fn entry() -> Value {
    json!({
        "name": "after", "in": "query", "required": false,
        "description": "The `id` of the entry behind which to go on, or `next` of a page; 0 unless said.",
        "schema": { "type": "integer", "minimum": 0, "maximum": u64::MAX },
    })
}

fn subject() -> Value {
    json!({
        "name": "object", "in": "query", "required": false, "description": "Only entries of the object with this id.",
        "schema": { "type": "string", "minLength": 1, "maxLength": ID_BYTES_MAX, "pattern": WORD },
    })
}

fn cursor_name(name: &str, place: &str, description: &str) -> Value {
    json!({
        "name": name, "in": place, "required": place == "path", "description": description,
        "schema": cursor_name_schema(),
    })
}

fn cursor_name_schema() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": CURSOR_NAME_BYTES_MAX, "pattern": "^[A-Za-z0-9._-]+$",
    })
}

/// The header that carries a delivery's signature.
pub(super) fn signature() -> Value {
    json!({
        "name": "Stripe-Signature", "in": "header", "required": true,
        "description": "`t=` and `v1=`, as the provider signs.", "schema": text(),
    })
}

/// What a query parameter takes, and what it does.
fn query(name: &str) -> Option<(Value, &'static str)> {
    let words = |max: usize| json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": WORD });
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    Some(match name {
        "account" => (
            pattern("^(self|acct_[!-~]{1,250})$"),
            "Only your own account (`self`), or a connected one's id.",
        ),
        "livemode" => (flag(), "Only live mode, or only test mode."),
        "status" => (words(WORD_BYTES_MAX), "Only objects with this status."),
        "customer" => (words(ID_BYTES_MAX), "Only this customer's."),
        "created_from" => (pattern(MOMENT), "Only what was made at this moment or later."),
        "created_before" => (pattern(MOMENT), "Only what was made before this moment."),
        "limit" => (
            json!({ "type": "integer", "minimum": 1, "maximum": PAGE_ITEMS_MAX, "default": PAGE_ITEMS_DEFAULT }),
            "How many at most.",
        ),
        "after" => (
            json!({ "type": "string", "minLength": 2, "maxLength": CURSOR_TEXT_BYTES_MAX, "pattern": "^([0-9a-f]{2})+$" }),
            "`next` of the page before, unchanged, with the same filters.",
        ),
        "as_of" => (
            pattern(PAST),
            "As it was known at this moment (Unix seconds or RFC 3339), or when the record at a position (`@42`) had come.",
        ),
        "by_created" => (flag(), "With a time: as it truly was then, whenever its events came."),
        "ref" => (
            json!({ "type": "string", "minLength": 1, "maxLength": REFERENCE_BYTES_MAX }),
            "Your own id of the user.",
        ),
        "from" => (pattern(PAST), "The earlier moment, as `as_of` takes it."),
        "to" => (pattern(PAST), "The later moment; now unless said."),
        "body" => (flag(), "Whether the raw body is shown."),
        "type" => (words(WORD_BYTES_MAX), "Only events of this type."),
        "outcome" => {
            (word(FoldOutcome::ALL.iter().map(|outcome| outcome.as_str())), "Only events that became this.")
        }
        "object" => (words(ID_BYTES_MAX), "Only events of the object with this id."),
        "diff" => (flag(), "Whether to compare, and to wait for a confirmation before the swap."),
        "as" => (
            cursor_name_schema(),
            "In whose name: goes on where this reader's cursor stands; not with `after`.",
        ),
        "wait" => (
            pattern("^([0-9]|[1-5][0-9]|60)s$"),
            "How long to wait where there is nothing new; no time unless said.",
        ),
        "kind" => (word(Kind::ALL.iter().map(|kind| kind.as_str())), "Only entries of this kind."),
        "silence" => (
            pattern("^[1-9][0-9]{0,3}[hd]$"),
            "How old the newest event may be before that is a problem, such as `7d`: at most 366 days.",
        ),
        "window" => (
            pattern("^[1-9][0-9]{0,3}[hd]$"),
            "How far the counts at the door look back, such as `24h`: at most 366 days.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_the_table_is_described() {
        for name in TABLE.iter().flat_map(|row| row.takes) {
            assert!(query(name).is_some(), "{name}");
        }
    }
}
