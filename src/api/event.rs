//! A stored event as an answer. Never shows the signature header.

use serde_json::{Map, Value, json};

use crate::engine::{ScopeFilter, StoredEvent};
use crate::log::Provenance;

use super::object::{add_twins, rfc3339_millis};

/// Whether the event lies in a scope asked for; one that says none lies in no scope that is named.
pub(super) fn is_in(event: &StoredEvent, filter: &ScopeFilter) -> bool {
    *filter == ScopeFilter::default() || event.scope.as_ref().is_some_and(|scope| filter.admits(scope))
}

/// What is known of the event, and the raw body where it is asked for.
pub(super) fn shown(event: &StoredEvent, with_body: bool) -> Value {
    let content = &event.record.content;
    let scope = event.scope.as_ref();
    let mut members = Map::new();
    let known = [
        ("id", json!(content.id.to_string())),
        ("type", json!(event.event_type)),
        ("created", json!(event.created)),
        ("account", json!(scope.and_then(|scope| scope.account.as_ref()))),
        ("livemode", json!(scope.map(|scope| scope.livemode))),
        ("api_version", json!(event.api_version)),
        ("position", json!(event.record.position)),
        ("received_at", json!(content.received_at.seconds())),
        ("received_at_rfc3339", json!(rfc3339_millis(content.received_at))),
        ("provenance", provenance(&content.provenance)),
        ("outcome", json!(event.outcome.as_str())),
        ("reason", json!(event.reason)),
        (
            "object",
            json!(event.object.as_ref().map(|(kind, id)| json!({ "object": kind.object(), "id": id }))),
        ),
        ("digest", json!(event.record.digest.to_string())),
        ("body_bytes", json!(content.body.0.len())),
        // Events have none of these; every answer has the members.
        ("status", Value::Null),
        ("customer", Value::Null),
        ("ambiguous", Value::Null),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut members);
    if with_body {
        let (encoding, text) = match std::str::from_utf8(&content.body.0) {
            Ok(text) => ("utf-8", text.to_owned()),
            Err(_) => ("hex", hex::encode(&content.body.0)),
        };
        members.insert("body".to_owned(), json!(text));
        members.insert("body_encoding".to_owned(), json!(encoding));
    }
    Value::Object(members)
}

fn provenance(provenance: &Provenance) -> Value {
    match provenance {
        Provenance::Signed { secret, .. } => json!({ "kind": "signed", "secret": secret }),
        Provenance::Imported => json!({ "kind": "imported", "secret": null }),
    }
}
