//! Validators: an answer's tag, and whether whoever asks has it already (RFC 9110, 8.8 and 13.1).
//!
//! Never looks at time: what is the same has the same tag, on every server and after every restart.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use warp::http::HeaderMap;
use warp::http::header::IF_NONE_MATCH;

/// The bytes of the hash that a tag shows: 128 bits tell all answers apart.
const TAG_BYTES: usize = 16;
/// Members that only say when the answer was made: without them it is the same answer.
const MOMENT_OF_ANSWER: &[&str] = &["as_of", "as_of_rfc3339"];

/// The tag of an answer: strong, over its bytes; weak, over all but the moment, where the answer names that.
pub(super) fn of_answer(answer: &Value, body: &[u8]) -> String {
    match answer.as_object() {
        Some(members) if MOMENT_OF_ANSWER.iter().any(|name| members.contains_key(*name)) => {
            let mut members = members.clone();
            members.retain(|name, _| !MOMENT_OF_ANSWER.contains(&name.as_str()));
            format!("W/{}", of_bytes(Value::Object(members).to_string().as_bytes()))
        }
        _ => of_bytes(body),
    }
}

/// The strong tag of bytes.
pub(super) fn of_bytes(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    format!("\"{}\"", hex::encode(hash.get(..TAG_BYTES).unwrap_or_default()))
}

/// Whether the request says that it has what bears this tag. Weak and strong tags of one content are the same here.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let wanted = opaque(tag);
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    // No tag of ours holds a comma.
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|known| known == "*" || opaque(known) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use warp::http::header::HeaderValue;

    #[track_caller]
    fn check(lists: &[&'static str], known: bool) {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(list));
        }
        assert_eq!(is_known(&headers, "\"aa\""), known, "{lists:?}");
    }

    #[test]
    fn whoever_has_it_is_told_so() {
        check(&[], false);
        check(&["\"aa\""], true);
        check(&["W/\"aa\""], true);
        check(&["\"bb\", \"aa\""], true);
        check(&["\"bb\"", "\"aa\""], true);
        check(&["*"], true);
        check(&["aa"], false);
        check(&["\"bb\""], false);
        check(&[""], false);
    }

    #[test]
    fn the_moment_of_an_answer_makes_no_other_answer() {
        let tag = |answer: &Value| of_answer(answer, answer.to_string().as_bytes());
        let access = |as_of: i64, granted: bool| json!({ "granted": granted, "as_of": as_of });
        assert!(tag(&access(1, true)).starts_with("W/\""));
        assert_eq!(tag(&access(1, true)), tag(&access(2, true)));
        assert_ne!(tag(&access(1, true)), tag(&access(1, false)));
        assert!(tag(&json!({ "data": [] })).starts_with('"'));
        assert_ne!(tag(&json!({ "data": [] })), tag(&json!({ "data": [1] })));
    }
}
