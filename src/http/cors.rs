//! Pages of other origins: nobody's, unless the operator names them; then for reading with a bearer token alone.
//!
//! Never allows credentials that a browser adds by itself, never any origin, never anything where no token is needed.

use std::fmt;

use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN, VARY,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

/// How long a browser may remember what is allowed, in seconds.
const REMEMBERED_SECONDS: &str = "600";
/// The methods that a page may use.
const METHODS: &str = "GET, HEAD";
/// The headers that a page may send beside the usual ones.
const REQUEST_HEADERS: &str = "authorization, if-none-match, last-event-id";
/// The headers of answers that a page may see beside the usual ones.
const ANSWER_HEADERS: &str = "etag, retry-after, www-authenticate";

/// Where a page comes from, as a browser says it: `https://app.example.com`.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(Box<str>);

/// A text that is no origin. *Handling*: the operator writes it as the browser's address bar does, without a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme and a host, such as https://app.example.com or http://localhost:5173, without a path"
)]
pub struct InvalidOrigin;

impl std::str::FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let host =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(InvalidOrigin)?;
        let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || ".-:[]".contains(char);
        if host.is_empty() || !host.chars().all(fits) {
            return Err(InvalidOrigin);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The request's origin, if it is one of those that are allowed.
pub(super) fn allowed(headers: &HeaderMap, origins: &[Origin]) -> Option<HeaderValue> {
    let said = headers.get(ORIGIN)?;
    origins.iter().any(|origin| origin.0.as_bytes() == said.as_bytes()).then(|| said.clone())
}

/// The answer to a browser that asks beforehand; none if it does not, or may not.
pub(super) fn preflight(headers: &HeaderMap, origins: &[Origin]) -> Option<Response> {
    let origin = allowed(headers, origins)?;
    let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != "GET" && method != "HEAD" {
        return None;
    }
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answered = response.headers_mut();
    answered.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED_SECONDS),
        (VARY, "origin"),
    ] {
        answered.insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// Lets the page of an allowed origin see an answer.
pub(super) fn mark(response: &mut Response, origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, fits: bool) {
        assert_eq!(text.parse::<Origin>().is_ok(), fits, "{text}");
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for text in ["https://app.example.com", "http://localhost:5173", "http://[::1]:80"] {
            check(text, true);
        }
        for text in [
            "*",
            "null",
            "",
            "https://",
            "https://*.example.com",
            "https://a.example/",
            "app.example.com",
            "https://A",
        ] {
            check(text, false);
        }
    }
}
