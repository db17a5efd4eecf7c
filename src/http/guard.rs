//! Who may ask: whoever shows a token with the scope that is needed; where there are no tokens, programs on this machine and nobody behind a proxy.
//!
//! Never guards the webhook or health: those are open, the first behind its signatures.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use warp::http::header::{AUTHORIZATION, HOST};
use warp::http::{HeaderMap, Version};

use crate::api::{Problem, ProblemKind, TokenScope};

use super::config::KnownTokens;

/// Headers that only an intermediary adds: with one, the reader may be anybody.
const FORWARDING: &[&str] = &[
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-ray",
    "cdn-loop",
    "fastly-client-ip",
    "fly-client-ip",
    "x-amzn-trace-id",
    "x-envoy-external-address",
];
/// And whole families of them.
const FORWARDING_PREFIX: &str = "x-forwarded";

/// How a request reached our own server. A request without it came through somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) peer: SocketAddr,
    pub(super) version: Version,
}

/// Whether a request is answered that needs `scope`; without one any token will do.
pub(super) fn admit(
    headers: &HeaderMap,
    arrival: Option<Arrival>,
    tokens: &KnownTokens,
    scope: Option<TokenScope>,
) -> Result<(), Problem> {
    if tokens.are_required() { bearer(headers, tokens, scope) } else { local(headers, arrival) }
}

fn bearer(headers: &HeaderMap, tokens: &KnownTokens, scope: Option<TokenScope>) -> Result<(), Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized(
            "one `Authorization: Bearer …` header is needed here, with the value of BILLFOLD_API_TOKEN or a token of \
             `billfold tokens add`",
        ));
    };
    let presented =
        value.as_bytes().split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    let Some((_, presented)) = presented else {
        return Err(unauthorized("the Authorization header has to begin with `Bearer`"));
    };
    let presented = presented.trim_ascii();
    if tokens.all_scopes.as_ref().is_some_and(|token| token.matches(presented)) {
        return Ok(());
    }
    // All of them, whichever fits: how long it takes says nothing about which one was nearly right.
    let named = tokens.named.iter().flat_map(|named| named.iter());
    let found =
        named.fold(None, |found, (name, token)| token.matches(presented).then_some((name, token)).or(found));
    match (found, scope) {
        (Some((name, token)), Some(scope)) if !token.scopes.contains(&scope) => {
            Err(beyond(name, &token.scopes, scope))
        }
        (Some(_), _) => Ok(()),
        (None, _) => Err(unauthorized("the bearer token is none that this server knows")),
    }
}

fn beyond(name: &str, scopes: &BTreeSet<TokenScope>, scope: TokenScope) -> Problem {
    let (has, needed) =
        (scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", "), scope.as_str());
    let detail = format!(
        "the token `{name}` has the scopes {has}, and this needs {needed}: `billfold tokens add NAME --scope {needed}` makes \
         one that has it"
    );
    Problem::new(ProblemKind::InsufficientScope, detail).with("scope", needed)
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unauthorized, detail)
}

fn local(headers: &HeaderMap, arrival: Option<Arrival>) -> Result<(), Problem> {
    let Some(Arrival { peer, version }) = arrival else {
        return Err(forbidden("these routes are mounted in another server, which may be open to anybody"));
    };
    if !peer.ip().to_canonical().is_loopback() {
        return Err(forbidden("the request does not come from this machine"));
    }
    // Several proxies ask with HTTP/1.0 and our own address as the Host, and so hide that they are one.
    if version < Version::HTTP_11 {
        return Err(forbidden("the request speaks HTTP/1.0, as proxies do"));
    }
    if let Some(name) = headers.keys().find(|name| is_forwarding(name.as_str())) {
        return Err(forbidden(&format!("the request came through a proxy: it carries the header `{name}`")));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    if host.is_some_and(is_loopback_host) {
        Ok(())
    } else {
        Err(forbidden("the Host header is not localhost, 127.x.x.x or [::1]"))
    }
}

fn forbidden(why: &str) -> Problem {
    let detail = format!(
        "{why}: without a token only programs on this machine may read; set BILLFOLD_API_TOKEN and send it as \
         `Authorization: Bearer …`"
    );
    Problem::new(ProblemKind::Forbidden, detail)
}

fn is_forwarding(name: &str) -> bool {
    name.starts_with(FORWARDING_PREFIX) || FORWARDING.contains(&name)
}

/// `localhost`, an address of 127.0.0.0/8 or `[::1]`, with or without a port.
fn is_loopback_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // A colon inside brackets belongs to the address.
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return false;
    }
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().map(IpAddr::V6),
        None => name.parse::<Ipv4Addr>().map(IpAddr::V4),
    };
    address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
