use super::*;
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
    let found = admit(&headers(pairs), arrival, None);
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
    assert!(admit(&headers, Some(from("127.0.0.1:1", Version::HTTP_11)), None).is_err());
}

#[track_caller]
fn check_bearer(values: &[&'static str], refused: Option<&str>) {
    let token = Token::new("0123456789abcdef").unwrap();
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_static(value));
    }
    // A token makes it all the same where the request comes from.
    let found = admit(&headers, None, Some(&token));
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
    check_bearer(&["Bearer 0123456789abcdeX"], Some("is not the value"));
    check_bearer(&["Bearer "], Some("is not the value"));
    check_bearer(&["Basic 0123456789abcdef"], Some("begin with `Bearer`"));
    check_bearer(&["Bearer"], Some("begin with `Bearer`"));
}
