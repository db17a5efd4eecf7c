//! What every test of the decoder needs: objects, events around them, and the decoder's answer.

use serde_json::{Value, json};

use super::{Decoded, decode};
use crate::model::event_type::EventType;
use crate::model::kind::ObjectKind;
use crate::model::observation::Observation;
use crate::stripe::envelope::Envelope;

mod answers;
mod earlier;
mod hostile;
mod streams;
mod versions;

fn read(path: &str) -> String {
    let path = format!("{}/tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An object of `kind` as the newest version renders it.
fn fixture(kind: ObjectKind) -> Value {
    serde_json::from_str(&read(&format!("objects/{}.json", kind.object()))).unwrap()
}

fn body(type_name: &str, object: &Value, previous: Option<&Value>) -> String {
    let mut data = json!({ "object": object });
    if let Some(previous) = previous {
        data["previous_attributes"] = previous.clone();
    }
    let event = json!({
        "id": "evt_1", "object": "event", "type": type_name, "created": 1_767_225_600, "livemode": false,
        "api_version": "2026-07-29.dahlia", "pending_webhooks": 1, "data": data,
    });
    event.to_string()
}

fn decoded(body: &str) -> Decoded {
    decode(&Envelope::parse(body.as_bytes()).unwrap())
}

#[track_caller]
fn observed(type_name: &str, object: &Value, previous: Option<&Value>) -> Observation {
    match decoded(&body(type_name, object, previous)) {
        Decoded::Observed(observation) => *observation,
        other => panic!("{type_name}: {other:?}"),
    }
}

/// Some type of every kind.
fn type_of(kind: ObjectKind) -> EventType {
    EventType::all().find(|event_type| event_type.kind() == kind).unwrap()
}
