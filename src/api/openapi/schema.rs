//! The few words of JSON Schema that answers are described with.

use serde_json::{Map, Value, json};

/// A schema of the document, by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same, or null.
pub(super) fn or_null(schema: Value) -> Value {
    match schema.get("type") {
        Some(Value::String(word)) if schema.get("enum").is_none() => {
            let kinds = json!([word, "null"]);
            let mut schema = schema;
            if let Some(members) = schema.as_object_mut() {
                members.insert("type".to_owned(), kinds);
            }
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn integer() -> Value {
    json!({ "type": "integer", "format": "int64" })
}

/// Zero or more.
pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// Anything that JSON can say.
pub(super) fn anything() -> Value {
    json!({})
}

pub(super) fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// One of these words.
pub(super) fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}

/// A moment in RFC 3339; null for one that is null or beyond the year 9999.
pub(super) fn moment() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

/// An object that always has these members. A name that ends in `?` may be missing.
pub(super) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        let always = name.trim_end_matches('?');
        if always == name {
            required.push(name);
        }
        properties.insert(always.to_owned(), schema);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// An object that has the members of both.
pub(super) fn joined(mut one: Value, other: &Value) -> Value {
    for part in ["properties", "required"] {
        match (one.get_mut(part), other.get(part)) {
            (Some(Value::Object(members)), Some(Value::Object(more))) => members.extend(more.clone()),
            (Some(Value::Array(names)), Some(Value::Array(more))) => {
                names.extend(more.clone());
                names.sort_by_key(ToString::to_string);
                names.dedup();
            }
            _ => {}
        }
    }
    one
}

/// Says what it is.
pub(super) fn said(mut schema: Value, what: &str) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(what));
    }
    schema
}
