//! What gateways and frameworks carry a body in, taken off.

use serde_json::{Map, Value};

/// The members in which logs and gateways keep a body.
const WRAPPERS: [&str; 6] = ["body", "rawBody", "raw_body", "payload", "data", "content"];

/// What base64 text decodes to: either alphabet, padded or not, in lines or one.
pub(super) fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let text = body.trim_ascii();
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    let mut decoded = Vec::with_capacity(text.len());
    let (mut bits, mut held): (u32, u32) = (0, 0);
    for byte in text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        (bits, held) = ((bits << 6) | u32::from(digit), held.saturating_add(6));
        if held >= 8 {
            held = held.saturating_sub(8);
            decoded.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (!decoded.is_empty()).then_some(decoded)
}

/// What a form, or a percent-encoded text, decodes to; the name of a single field in front is dropped.
pub(super) fn form(body: &[u8]) -> Option<Vec<u8>> {
    let text = body.trim_ascii();
    let is_text_alone = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let equals = text.iter().position(|byte| *byte == b'=');
    let named = equals.and_then(|at| text.split_at_checked(at)).filter(|(name, _)| is_text_alone(name));
    let value = named.and_then(|(_, rest)| rest.split_first()).map_or(text, |(_, value)| value);
    if !value.contains(&b'%') {
        return None;
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut octet = [0];
                hex::decode_to_slice([bytes.next()?, bytes.next()?], &mut octet).ok()?;
                decoded.extend(octet);
            }
            b'+' => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    Some(decoded)
}

/// The text in a JSON string.
pub(super) fn quoted(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<String>(body).ok().map(String::into_bytes)
}

/// The text that a gateway's or a log's JSON object holds as the body.
pub(super) fn wrapped(body: &[u8]) -> Option<Vec<u8>> {
    let members = serde_json::from_slice::<Map<String, Value>>(body).ok()?;
    let text = WRAPPERS.into_iter().find_map(|name| members.get(name)?.as_str())?.as_bytes();
    match members.get("isBase64Encoded").or_else(|| members.get("base64")) {
        Some(Value::Bool(true)) => base64(text),
        _ => Some(text.to_vec()),
    }
}

/// Bytes that were taken for characters.
pub(super) fn latin(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_ascii() {
        return None;
    }
    std::str::from_utf8(body).ok()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}
