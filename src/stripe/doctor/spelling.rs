//! Spellings of one JSON value: escapes or characters in its texts, and the order of its members.

use std::fmt::Write as _;

use serde_json::Value;

/// With characters as they are, wherever a string has an escape that it does not need.
pub(super) fn unescaped(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.contains("\\u") && !text.contains("\\/") {
        return None;
    }
    let mut spelled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at)?;
        spelled.push_str(before);
        let length = escape_length(escape)?;
        let (one, behind) = escape.split_at_checked(length)?;
        // The parser knows what it means, pairs of surrogates included.
        let meant: String = serde_json::from_str(&format!("\"{one}\"")).ok()?;
        let needs = meant.chars().any(|char| char < ' ' || char == '"' || char == '\\');
        spelled.push_str(if needs { one } else { &meant });
        rest = behind;
    }
    spelled.push_str(rest);
    Some(spelled.into_bytes())
}

/// The bytes of the escape at the beginning of a text: two of them where they make one character.
fn escape_length(text: &str) -> Option<usize> {
    let unit = |text: &str| u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    match unit(text) {
        Some(0xd800..=0xdbff) => Some(12),
        Some(_) => Some(6),
        None => text.chars().nth(1).map(|char| char.len_utf8().saturating_add(1)),
    }
}

/// With an escape for every character that is not ASCII.
pub(super) fn escaped(body: &[u8]) -> Option<Vec<u8>> {
    if body.is_ascii() {
        return None;
    }
    let mut spelled = String::with_capacity(body.len());
    for char in std::str::from_utf8(body).ok()?.chars() {
        if char.is_ascii() {
            spelled.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing into a String cannot fail.
                let _ = write!(spelled, "\\u{unit:04x}");
            }
        }
    }
    Some(spelled.into_bytes())
}

/// With the members in the alphabet's order, without whitespace.
pub(super) fn sorted(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::to_vec(&serde_json::from_slice::<Value>(body).ok()?).ok()
}

/// With `id` and `object` first and the rest in the alphabet's order, as the provider writes objects, without whitespace.
pub(super) fn providers_order(body: &[u8]) -> Option<Vec<u8>> {
    let mut written = Vec::with_capacity(body.len());
    // The parser bounds the depth.
    write(&serde_json::from_slice::<Value>(body).ok()?, &mut written)?;
    Some(written)
}

fn write(value: &Value, written: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Object(members) => {
            let first = ["id", "object"].into_iter().filter_map(|name| members.get_key_value(name));
            let rest = members.iter().filter(|(name, _)| !["id", "object"].contains(&name.as_str()));
            written.push(b'{');
            for (index, (name, value)) in first.chain(rest).enumerate() {
                if index > 0 {
                    written.push(b',');
                }
                serde_json::to_writer(&mut *written, name).ok()?;
                written.push(b':');
                write(value, written)?;
            }
            written.push(b'}');
        }
        Value::Array(items) => {
            written.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    written.push(b',');
                }
                write(item, written)?;
            }
            written.push(b']');
        }
        plain => serde_json::to_writer(&mut *written, plain).ok()?,
    }
    Some(())
}
