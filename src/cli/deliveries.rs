//! A line of a delivery file: `{"headers":{"Stripe-Signature":"…"},"body":"…","received_at":…}`.
//!
//! Only takes it apart. Whether it is believed is for the signature.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::moment::parse_moment_millis;
use crate::model::time::Millis;

/// The header's name. Compared without case, as HTTP does.
const SIGNATURE_HEADER: &str = "stripe-signature";

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DeliveryLine {
    /// The signature header; none when the line has none.
    pub(super) header: Option<String>,
    /// The raw body.
    pub(super) body: Vec<u8>,
    /// When it was received, if the line says so.
    pub(super) received_at: Option<Millis>,
}

#[derive(Deserialize)]
struct Fields {
    headers: Option<Value>,
    body: Option<Value>,
    received_at: Option<Value>,
    object: Option<Value>,
}

impl DeliveryLine {
    /// Takes a line apart.
    ///
    /// # Errors
    /// A reason that shows nothing of the line.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let fields: Fields = serde_json::from_slice(line).map_err(|error| json_reason(&error))?;
        let headers = match fields.headers {
            Some(Value::Object(headers)) => headers,
            None if fields.object.is_some() => {
                return Err("an event without headers, so without a signature: `billfold import` takes it if you vouch for it".to_owned());
            }
            _ => return Err("`headers` is missing or not an object".to_owned()),
        };
        let body = match fields.body {
            Some(Value::String(body)) => body.into_bytes(),
            Some(Value::Object(_)) => {
                return Err(
                    "`body` is an object: the raw text was signed, put it there as a string, byte for byte"
                        .to_owned(),
                );
            }
            _ => return Err("`body` is missing or not a string".to_owned()),
        };
        Ok(Self { header: signature_header(&headers), body, received_at: received_at(fields.received_at)? })
    }
}

fn signature_header(headers: &Map<String, Value>) -> Option<String> {
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE_HEADER));
    match found?.1 {
        Value::String(value) => Some(value.clone()),
        // Some frameworks record every header as a list of values.
        Value::Array(values) => values.first()?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn received_at(value: Option<Value>) -> Result<Option<Millis>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text,
        Some(_) => String::new(),
    };
    parse_moment_millis(&text).map(Some).map_err(|reason| format!("`received_at` is {reason}"))
}

/// Why a text is no JSON. The parser's own sentences may repeat the input; this one does not.
pub(super) fn json_reason(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "not a JSON object".to_owned(),
        serde_json::error::Category::Eof => "JSON that ends too early".to_owned(),
        _ => format!("not valid JSON (column {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, header: Option<&str>, body: &str, received_at: Option<i64>) {
        let parsed = DeliveryLine::parse(line.as_bytes()).expect(line);
        assert_eq!(parsed.header.as_deref(), header);
        assert_eq!(parsed.body, body.as_bytes());
        assert_eq!(parsed.received_at.map(|moment| moment.0), received_at);
    }

    #[test]
    fn lines_are_taken_apart() {
        check(
            r#"{"headers":{"Stripe-Signature":"t=1,v1=a"},"body":"{ }\n"}"#,
            Some("t=1,v1=a"),
            "{ }\n",
            None,
        );
        check(
            r#"{"body":"","headers":{"stripe-signature":["x"]},"received_at":5,"more":1}"#,
            Some("x"),
            "",
            Some(5_000),
        );
        check(r#"{"headers":{},"body":"b","received_at":"1970-01-01T00:00:05Z"}"#, None, "b", Some(5_000));
        check(r#"{"headers":{},"body":"b","received_at":null}"#, None, "b", None);
    }

    #[track_caller]
    fn refuse(line: &str, reason: &str) {
        let found = DeliveryLine::parse(line.as_bytes()).expect_err(line);
        assert!(found.contains(reason), "{found}");
        assert!(!found.contains("SECRET"), "{found}");
    }

    #[test]
    fn what_is_no_delivery_is_refused_without_being_repeated() {
        refuse("", "ends too early");
        refuse(r#"{"body":"SECRET"#, "ends too early");
        refuse(r#"{"body":SECRET}"#, "column 9");
        refuse(r#""SECRET""#, "not a JSON object");
        refuse("[]", "not a JSON object");
        refuse("{}", "`headers` is missing");
        refuse(r#"{"id":"evt_SECRET","object":"event"}"#, "billfold import");
        refuse(r#"{"headers":{},"body":{"id":"SECRET"}}"#, "the raw text was signed");
        refuse(r#"{"headers":{},"body":7}"#, "`body` is missing");
        refuse(r#"{"headers":{},"body":"b","received_at":"SECRET"}"#, "`received_at` is not a time");
        refuse(r#"{"headers":{},"body":"b","received_at":[]}"#, "`received_at` is not a time");
        refuse(r#"{"headers":{},"body":"b","received_at":1.5}"#, "`received_at` is not a time");
    }
}
