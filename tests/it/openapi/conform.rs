//! Whether JSON is as a schema says, strictly: a member that the schema does not name is a finding, too.
//!
//! Knows the words of JSON Schema that the document uses, and fails on any other.

use serde_json::{Map, Value};

/// Words that say nothing about which values fit.
const REMARKS: &[&str] = &["description", "title", "examples", "format", "pattern", "default"];

pub(crate) fn conforms(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(words) = schema.as_object() else { return Err(format!("no schema: {schema}")) };
    for (word, wanted) in words {
        match word.as_str() {
            "$ref" => {
                let there = document.pointer(wanted.as_str().unwrap().trim_start_matches('#'));
                conforms(document, there.ok_or("a reference leads nowhere")?, value)?;
            }
            "type" => check(is_of(wanted, value), || format!("{value} is not of type {wanted}"))?,
            "const" => check(wanted == value, || format!("{value} is not {wanted}"))?,
            "enum" => {
                check(wanted.as_array().unwrap().contains(value), || format!("{value} is not of {wanted}"))?;
            }
            "anyOf" | "oneOf" => {
                let fits =
                    wanted.as_array().unwrap().iter().any(|one| conforms(document, one, value).is_ok());
                check(fits, || format!("{value} is none of {wanted}"))?;
            }
            // What a word says is of values of its type alone.
            "required" if !value.is_object() => {}
            "minimum" | "maximum" if !value.is_number() => {}
            "minimum" => check(value.as_f64() >= wanted.as_f64(), || format!("{value} < {wanted}"))?,
            "maximum" => check(value.as_f64() <= wanted.as_f64(), || format!("{value} > {wanted}"))?,
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    conforms(document, wanted, item)?;
                }
            }
            "required" => {
                for name in wanted.as_array().unwrap() {
                    check(value.get(name.as_str().unwrap()).is_some(), || format!("{name} is missing"))?;
                }
            }
            "properties" => members(document, words, value)?,
            "additionalProperties" => {}
            known if REMARKS.contains(&known) => {}
            other => return Err(format!("the schema says {other}, which is not known here")),
        }
    }
    Ok(())
}

fn check(fits: bool, what: impl Fn() -> String) -> Result<(), String> {
    if fits { Ok(()) } else { Err(what()) }
}

/// Each member has its schema, or that of all others.
fn members(document: &Value, schema: &Map<String, Value>, value: &Value) -> Result<(), String> {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let own = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        let own = own.ok_or_else(|| format!("{name} is not in the schema"))?;
        conforms(document, own, inner).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

fn is_of(wanted: &Value, value: &Value) -> bool {
    let is = |word: &str| match word {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type: {other}"),
    };
    match wanted {
        Value::String(word) => is(word),
        words => words.as_array().unwrap().iter().any(|word| is(word.as_str().unwrap())),
    }
}
