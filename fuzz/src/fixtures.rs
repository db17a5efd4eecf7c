//! Real objects, one of each kind, and events around them.

use std::sync::LazyLock;

use billfold::model::event_type::EventType;
use billfold::model::kind::ObjectKind;
use serde_json::{Map, Value, json};

macro_rules! objects {
    ($($name:literal),+ $(,)?) => {
        /// The objects as the newest API version renders them.
        static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
            let texts = [$(include_str!(concat!("../../tests/fixtures/objects/", $name, ".json"))),+];
            texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
        });
    };
}

objects!(
    "charge",
    "checkout.session",
    "credit_note",
    "customer",
    "discount",
    "dispute",
    "entitlements.active_entitlement_summary",
    "invoice",
    "invoice_payment",
    "payment_intent",
    "payment_method",
    "price",
    "product",
    "radar.early_fraud_warning",
    "refund",
    "review",
    "setup_intent",
    "subscription",
    "subscription_schedule",
    "test_helpers.test_clock",
);

/// An object of that kind.
pub fn object(kind: ObjectKind) -> &'static Value {
    OBJECTS.iter().find(|object| object["object"] == kind.object()).unwrap()
}

/// The types of a kind's events.
pub fn types_of(kind: ObjectKind) -> Vec<EventType> {
    EventType::all().filter(|event_type| event_type.kind() == kind).collect()
}

/// An event around `object`.
pub fn event(type_name: &str, object: &Value, previous: Option<&Value>) -> Value {
    let mut data = Map::from_iter([("object".to_owned(), object.clone())]);
    if let Some(previous) = previous {
        data.insert("previous_attributes".to_owned(), previous.clone());
    }
    json!({
        "id": "evt_1", "object": "event", "type": type_name, "created": 1_767_225_600, "livemode": false,
        "api_version": "2026-07-29.dahlia", "pending_webhooks": 1, "request": { "id": null, "idempotency_key": null },
        "data": data,
    })
}
