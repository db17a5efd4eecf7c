//! The number of a request, in its log lines and its answer: what a proxy gave it, or one of ours.
//!
//! Never takes over what could be a name, an address or an id of the provider: hex digits and dashes alone.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use warp::http::HeaderMap;
use warp::http::header::{HeaderName, HeaderValue};

/// The header that carries it, in requests and answers.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The shortest number that is taken over, in bytes.
const BYTES_MIN: usize = 16;
/// The longest.
const BYTES_MAX: usize = 64;

/// Numbers that no other server and no earlier start gives.
pub(super) struct RequestIds {
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        // The standard library's own chance, which keeps its maps from being attacked: enough to tell starts apart.
        Self { start: RandomState::new().build_hasher().finish(), next: AtomicU64::new(1) }
    }

    /// The number of a request that came with these headers.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let mut given = headers.get_all(REQUEST_ID).iter();
        if let (Some(given), None) = (given.next(), given.next())
            && is_well_formed(given.as_bytes())
        {
            return given.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let made = format!("{:016x}{number:016x}", self.start);
        HeaderValue::from_str(&made).unwrap_or(HeaderValue::from_static(""))
    }
}

/// A UUID, or any other number in hex.
fn is_well_formed(text: &[u8]) -> bool {
    (BYTES_MIN..=BYTES_MAX).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[&str], taken: bool) {
        let ids = RequestIds::new();
        let id = ids.of(&HeaderMap::from_iter([]));
        let mut headers = HeaderMap::new();
        for text in given {
            headers.append(REQUEST_ID, HeaderValue::from_str(text).unwrap());
        }
        let found = ids.of(&headers);
        assert_eq!(given.first() == found.to_str().ok().as_ref(), taken, "{given:?} {found:?}");
        assert_ne!(found, id, "each has its own");
        assert!(is_well_formed(found.as_bytes()), "{found:?}");
    }

    #[test]
    fn numbers_alone_are_taken_over() {
        check(&["0123456789abcdef"], true);
        check(&["7c9e6679-7425-40de-944b-e07fc1f90ae7"], true);
        check(&["0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"], true);
        let long = "a".repeat(65);
        for odd in [
            "",
            "0123456789abcde",
            "cus_0123456789abcdef",
            "a@example.com-abcdef0",
            "0123456789 abcdef",
            &long,
        ] {
            check(&[odd], false);
        }
        check(&["0123456789abcdef", "0123456789abcde0"], false);
        check(&[], false);
    }
}
