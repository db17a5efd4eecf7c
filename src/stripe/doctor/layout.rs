//! Layouts of a JSON text: whitespace between its values and at its ends, and nothing else.

pub(super) fn without_carriage_returns(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    bytes.retain(|byte| *byte != b'\r');
    bytes
}

pub(super) fn with_carriage_returns(body: &[u8]) -> Vec<u8> {
    without_carriage_returns(body).split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
}

/// Drops whitespace outside of strings. Order and spelling of everything else stay: that is what a signature needs.
pub(super) fn compact(body: &[u8]) -> Vec<u8> {
    let mut compact = Vec::with_capacity(body.len());
    let (mut in_string, mut escaped) = (false, false);
    for byte in body {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = *byte == b'"';
        }
        compact.push(*byte);
    }
    compact
}

/// As Stripe prints bodies: indented by two spaces, members in their order.
pub(super) fn printed(body: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).ok()?;
    let mut printed = Vec::with_capacity(body.len().saturating_mul(2));
    let mut depth: usize = 0;
    let (mut in_string, mut escaped) = (false, false);
    let compact = compact(body);
    let mut bytes = compact.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            printed.push(byte);
            continue;
        }
        match byte {
            b'{' | b'[' => {
                printed.push(byte);
                if bytes.peek().is_some_and(|next| matches!(next, b'}' | b']')) {
                    printed.extend(bytes.next());
                } else {
                    depth = depth.saturating_add(1);
                    new_line(&mut printed, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut printed, depth);
                printed.push(byte);
            }
            b',' => {
                printed.push(byte);
                new_line(&mut printed, depth);
            }
            b':' => printed.extend(b": "),
            _ => {
                in_string = byte == b'"';
                printed.push(byte);
            }
        }
    }
    Some(printed)
}

fn new_line(printed: &mut Vec<u8>, depth: usize) {
    printed.push(b'\n');
    printed.extend(std::iter::repeat_n(b' ', depth.saturating_mul(2)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_is_what_serde_prints() {
        let text = r#"{"a":{"b":[],"c":[1,"x\\\"y, z"],"d":{}},"e":null}"#;
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let expected = serde_json::to_string_pretty(&value).expect("JSON");
        assert_eq!(printed(text.as_bytes()), Some(expected.into_bytes()));
    }
}
