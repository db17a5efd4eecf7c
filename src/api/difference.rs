//! What a rebuild would change, as an answer.

use serde_json::{Map, Value, json};

use crate::engine::{Collection, Differences};
use crate::model::access::Access;

use super::object::{add_twins, scope_json};

/// All changes that are named.
#[must_use]
pub fn differences(found: &Differences) -> Value {
    let statuses = found.statuses.iter().map(|change| {
        let mut members = scope_json(&change.scope);
        let object = match change.collection {
            Collection::Objects(kind) => kind.object(),
            Collection::Payments => "payment",
        };
        let more = [
            ("object", json!(object)),
            ("id", json!(change.id)),
            ("from", json!(change.from)),
            ("to", json!(change.to)),
        ];
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(members)
    });
    let access = found.access.iter().map(|change| {
        let mut members = scope_json(&change.scope);
        let more = [
            ("customer", json!(change.customer)),
            ("from", noticed(change.from.as_ref())),
            ("to", noticed(change.to.as_ref())),
        ];
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(members)
    });
    json!({
        "rows": found.rows,
        "statuses": statuses.collect::<Vec<_>>(),
        "access": access.collect::<Vec<_>>(),
        "access_compared": found.access_compared,
        "cut": found.cut,
    })
}

fn noticed(access: Option<&Access>) -> Value {
    let Some(access) = access else { return Value::Null };
    let members = [
        ("granted", json!(access.decision.grants())),
        ("decision", json!(access.decision)),
        ("reason", json!(access.reason)),
        ("until", json!(access.until)),
    ];
    let mut members: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    add_twins(&mut members);
    Value::Object(members)
}
