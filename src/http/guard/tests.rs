use super::*;
use crate::http::config::Token;
use crate::http::tokens::{NamedToken, TokenList};
use crate::model::time::Seconds;
use std::sync::Arc;
use warp::http::header::{HeaderName, HeaderValue};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let parsed = pairs
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()));
    parsed.collect()
}

fn from(peer: &str, version: Version) -> Arrival {
    Arrival { peer: peer.parse().unwrap(), version }
}

#[track_caller]
fn check_host(host: &str, loopback: bool) {
    assert_eq!(is_loopback_host(host), loopback, "{host}");
}

#[test]
fn a_host_is_loopback_or_not() {
    for host in ["localhost", "LocalHost:4242", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:4242"] {
        check_host(host, true);
    }
    for host in [
        "",
        ":",
        ":80",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "10.0.0.1:80",
        "::1",
        "[::1",
        "[::2]:80",
        "localhost:",
        "localhost:99999",
        "localhost:a",
        "127.0.0.1@example.com",
        "[127.0.0.1]",
        "0.0.0.0",
    ] {
        check_host(host, false);
    }
}

#[track_caller]
fn check_local(pairs: &[(&str, &str)], arrival: Option<Arrival>, refused: Option<&str>) {
    let found = admit(&headers(pairs), arrival, &KnownTokens::default(), Some(TokenScope::Read));
    match (found, refused) {
        (Ok(()), None) => {}
        (Err(problem), Some(why)) => {
            assert_eq!(problem.kind(), ProblemKind::Forbidden);
            assert!(problem.detail().contains(why), "{problem} does not say {why:?}");
            assert!(problem.detail().contains("BILLFOLD_API_TOKEN"));
        }
        (found, refused) => panic!("{pairs:?}: {found:?}, not {refused:?}"),
    }
}

#[test]
fn without_a_token_only_this_machine_reads() {
    let here = Some(from("127.0.0.1:5000", Version::HTTP_11));
    let host = ("host", "localhost:4242");
    check_local(&[host], here, None);
    check_local(&[host], Some(from("[::1]:5000", Version::HTTP_11)), None);
    check_local(&[host], None, Some("mounted"));
    check_local(&[host], Some(from("10.0.0.1:5000", Version::HTTP_11)), Some("this machine"));
    check_local(&[host], Some(from("127.0.0.1:5000", Version::HTTP_10)), Some("HTTP/1.0"));
    check_local(&[], here, Some("Host"));
    check_local(&[("host", "billing.example.com")], here, Some("Host"));
    for name in
        ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via", "CF-Ray", "CDN-Loop"]
    {
        check_local(&[host, (name, "x")], here, Some(&name.to_lowercase()));
    }
}

#[test]
fn two_hosts_are_none() {
    let mut headers = headers(&[("host", "localhost")]);
    headers.append(HOST, HeaderValue::from_static("example.com"));
    assert!(
        admit(
            &headers,
            Some(from("127.0.0.1:1", Version::HTTP_11)),
            &KnownTokens::default(),
            Some(TokenScope::Read)
        )
        .is_err()
    );
}

#[track_caller]
fn check_bearer(values: &[&'static str], refused: Option<&str>) {
    let tokens = KnownTokens { all_scopes: Token::new("0123456789abcdef").ok(), named: None };
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_static(value));
    }
    // A token makes it all the same where the request comes from.
    let found = admit(&headers, None, &tokens, Some(TokenScope::Admin));
    match (found, refused) {
        (Ok(()), None) => {}
        (Err(problem), Some(why)) => {
            assert_eq!(problem.kind(), ProblemKind::Unauthorized);
            assert!(problem.detail().contains(why), "{problem} does not say {why:?}");
            assert!(!problem.detail().contains("0123"));
        }
        (found, refused) => panic!("{values:?}: {found:?}, not {refused:?}"),
    }
}

#[test]
fn with_a_token_whoever_shows_it_reads() {
    check_bearer(&["Bearer 0123456789abcdef"], None);
    check_bearer(&["bearer  0123456789abcdef"], None);
    check_bearer(&[], Some("is needed"));
    check_bearer(&["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"], Some("one `Authorization"));
    check_bearer(&["Bearer 0123456789abcdeX"], Some("none that this server knows"));
    check_bearer(&["Bearer "], Some("none that this server knows"));
    check_bearer(&["Basic 0123456789abcdef"], Some("begin with `Bearer`"));
    check_bearer(&["Bearer"], Some("begin with `Bearer`"));
}

/// Two tokens beside the one that may everything: `reader-…` with read and feed, `admin-…` with admin alone.
fn known() -> KnownTokens {
    let mut list = TokenList::default();
    for (name, scopes) in
        [("reader", vec![TokenScope::Read, TokenScope::Feed]), ("admin", vec![TokenScope::Admin])]
    {
        let token = Token::new(&format!("{name}-0123456789abcdef")).unwrap();
        list.add(name, NamedToken::new(token, scopes.into_iter().collect(), Seconds(0))).unwrap();
    }
    KnownTokens { all_scopes: Token::new("0123456789abcdef").ok(), named: Some(Arc::new(list)) }
}

#[track_caller]
fn check_scope(token: &str, scope: TokenScope, refused: Option<&str>) {
    let found =
        admit(&headers(&[("authorization", &format!("Bearer {token}"))]), None, &known(), Some(scope));
    match (found, refused) {
        (Ok(()), None) => {}
        (Err(problem), Some(why)) => {
            assert_eq!(problem.kind(), ProblemKind::InsufficientScope);
            assert_eq!(problem.member("scope").and_then(|scope| scope.as_str()), Some(scope.as_str()));
            assert!(problem.detail().contains(why), "{problem} does not say {why:?}");
        }
        (found, refused) => panic!("{token}: {found:?}, not {refused:?}"),
    }
}

#[test]
fn a_token_asks_what_its_scopes_are() {
    for scope in TokenScope::ALL {
        check_scope("0123456789abcdef", scope, None);
    }
    check_scope("reader-0123456789abcdef", TokenScope::Read, None);
    check_scope("reader-0123456789abcdef", TokenScope::Feed, None);
    check_scope("reader-0123456789abcdef", TokenScope::Admin, Some("`reader` has the scopes read, feed"));
    check_scope("admin-0123456789abcdef", TokenScope::Admin, None);
    check_scope("admin-0123456789abcdef", TokenScope::Read, Some("--scope read"));
}

#[test]
fn an_empty_list_of_tokens_lets_nobody_in() {
    let tokens = KnownTokens { all_scopes: None, named: Some(Arc::default()) };
    let local = from("127.0.0.1:1", Version::HTTP_11);
    let refused =
        admit(&headers(&[("host", "localhost")]), Some(local), &tokens, Some(TokenScope::Read)).unwrap_err();
    assert_eq!(refused.kind(), ProblemKind::Unauthorized);
}
