//! Who may read: whoever shows the token; without one, programs on this machine and nobody behind a proxy.
//!
//! Never guards the webhook or health: those are open, the first behind its signatures.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use warp::http::header::{AUTHORIZATION, HOST};
use warp::http::{HeaderMap, Version};

use crate::api::{Problem, ProblemKind};

use super::config::Token;

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

/// Whether a reading request is answered.
pub(super) fn admit(
    headers: &HeaderMap,
    arrival: Option<Arrival>,
    token: Option<&Token>,
) -> Result<(), Problem> {
    match token {
        Some(token) => bearer(headers, token),
        None => local(headers, arrival),
    }
}

fn bearer(headers: &HeaderMap, token: &Token) -> Result<(), Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized(
            "one `Authorization: Bearer …` header is needed here, with the value of BILLFOLD_API_TOKEN",
        ));
    };
    let presented =
        value.as_bytes().split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    match presented {
        Some((_, presented)) if token.matches(presented.trim_ascii()) => Ok(()),
        Some(_) => Err(unauthorized("the bearer token is not the value of this server's BILLFOLD_API_TOKEN")),
        None => Err(unauthorized("the Authorization header has to begin with `Bearer`")),
    }
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
        "{why}: without BILLFOLD_API_TOKEN only programs on this machine may read; set the token and send it as \
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
