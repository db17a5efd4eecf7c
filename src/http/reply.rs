//! Answers as HTTP: JSON and problem documents, with the headers that keep them where they belong.

use serde_json::Value;
use warp::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use crate::api::{Problem, ProblemKind};

use super::etag;

/// When a sender should try again while the storage does not work, in seconds.
pub(super) const RETRY_AFTER_SECONDS: &str = "10";

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    with_type(status, "application/json", value.to_string().into_bytes())
}

/// A JSON answer with its tag; without its body where whoever asks has it.
pub(super) fn tagged_json(headers: &HeaderMap, value: &Value) -> Response {
    let body = value.to_string().into_bytes();
    tagged(headers, etag::of_answer(value, &body), "application/json", body)
}

/// The same for an answer that is no text.
pub(super) fn tagged_bytes(headers: &HeaderMap, body: Vec<u8>) -> Response {
    tagged(headers, etag::of_bytes(&body), "application/octet-stream", body)
}

fn tagged(headers: &HeaderMap, tag: String, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = if etag::is_known(headers, &tag) {
        let mut response = with_type(StatusCode::NOT_MODIFIED, content_type, Vec::new());
        // There is no content that it could be the type of.
        response.headers_mut().remove(CONTENT_TYPE);
        response
    } else {
        with_type(StatusCode::OK, content_type, body)
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// An answer in a text format of its own.
pub(super) fn text(content_type: &'static str, text: String) -> Response {
    with_type(StatusCode::OK, content_type, text.into_bytes())
}

/// A problem document (RFC 9457), with the headers that its status asks for.
pub(super) fn problem(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        with_type(status, "application/problem+json", problem.to_json().to_string().into_bytes());
    let headers = response.headers_mut();
    match problem.kind() {
        ProblemKind::Unauthorized => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"billfold\""));
        }
        ProblemKind::InsufficientScope => {
            let scope = problem.member("scope").and_then(Value::as_str).unwrap_or_default();
            let challenge =
                format!("Bearer realm=\"billfold\", error=\"insufficient_scope\", scope=\"{scope}\"");
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
        }
        ProblemKind::MethodNotAllowed => {
            let allow = problem.member("allow").and_then(Value::as_array);
            let words: Vec<&str> = allow.into_iter().flatten().filter_map(Value::as_str).collect();
            if let Ok(words) = HeaderValue::from_str(&words.join(", ")) {
                headers.insert(ALLOW, words);
            }
        }
        ProblemKind::Unavailable => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    response
}

fn with_type(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    guard(response.headers_mut());
    response
}

/// Customers' data stays out of caches, and is never taken for a page or a script.
pub(super) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
