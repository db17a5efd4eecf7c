//! How the values of the configuration are read from text, the same from a flag, a variable and the file.
//! A message never repeats the text: it may be a secret that was put at the wrong place.

use std::net::{IpAddr, SocketAddr};

use tracing_subscriber::EnvFilter;

use crate::http::{ExpectedAccount, ExpectedMode, Origin};
use crate::log;
use crate::model::id::AccountId;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn parse_log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("takes text or json".to_owned()),
    }
}

pub(super) fn parse_log_filter(text: &str) -> Result<String, String> {
    let read = EnvFilter::try_new(text);
    read.map(|_| text.to_owned())
        .map_err(|_| "takes a level or targets, such as warn or billfold=debug".to_owned())
}

/// An address with a port; `localhost` is understood, other names are not: they may stand for several addresses.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numbers = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let text = numbers.as_deref().unwrap_or(text);
    text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(_) => "the port is missing, such as 127.0.0.1:4242".to_owned(),
        Err(_) => "not an address with a port, such as 127.0.0.1:4242 or [::1]:4242".to_owned(),
    })
}

/// A number of bytes, with K or M for 1024 or 1024².
pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1024),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1024 * 1024),
            None => (text, 1),
        },
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| (1024..=log::BODY_BYTES_MAX).contains(bytes))
        .ok_or_else(|| format!("takes 1K to {}M, such as 4M", log::BODY_BYTES_MAX / (1024 * 1024)))
}

pub(super) fn parse_mode(text: &str) -> Result<ExpectedMode, String> {
    match text {
        "any" => Ok(ExpectedMode::Any),
        "live" => Ok(ExpectedMode::Live),
        "test" => Ok(ExpectedMode::Test),
        _ => Err("takes any, live or test".to_owned()),
    }
}

pub(super) fn parse_account(text: &str) -> Result<ExpectedAccount, String> {
    match text {
        "any" => Ok(ExpectedAccount::Any),
        "self" => Ok(ExpectedAccount::Own),
        // Anything else is a slip or something that does not belong here.
        _ if text.strip_prefix("acct_").is_some_and(|rest| !rest.is_empty()) => AccountId::parse(text)
            .map(ExpectedAccount::Connected)
            .map_err(|_| "not the id of a connected account".to_owned()),
        _ => Err("takes any, self or a connected account's id (acct_…)".to_owned()),
    }
}

/// Origins, comma-separated.
pub(super) fn parse_origins(text: &str) -> Result<Vec<Origin>, String> {
    let origins = text.split(',').map(|origin| origin.trim().parse::<Origin>());
    origins.collect::<Result<_, _>>().map_err(|invalid| invalid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_bytes(text: &str, expected: Option<usize>) {
        assert_eq!(parse_bytes(text).ok(), expected, "{text}");
    }

    #[test]
    fn sizes() {
        check_bytes("4M", Some(4 * 1024 * 1024));
        check_bytes("512k", Some(512 * 1024));
        check_bytes("4096", Some(4096));
        for text in ["", "0", "1023", "17M", "99999999999999999999M", "4G", "-1", "1.5M"] {
            check_bytes(text, None);
        }
    }

    #[track_caller]
    fn check_address(text: &str, expected: Option<&str>) {
        assert_eq!(parse_address(text).ok().map(|address| address.to_string()).as_deref(), expected);
    }

    #[test]
    fn addresses() {
        check_address("127.0.0.1:4242", Some("127.0.0.1:4242"));
        check_address("localhost:80", Some("127.0.0.1:80"));
        check_address("[::1]:80", Some("[::1]:80"));
        check_address("127.0.0.1", None);
        check_address("example.com:80", None);
        check_address(":80", None);
    }

    #[test]
    fn expectations() {
        assert_eq!(parse_mode("live"), Ok(ExpectedMode::Live));
        assert_eq!(parse_account("self"), Ok(ExpectedAccount::Own));
        assert!(matches!(parse_account("acct_1"), Ok(ExpectedAccount::Connected(_))));
        for text in ["", "Live", "whsec_1", "acct_", "acct_a b"] {
            assert!(parse_mode(text).is_err() && parse_account(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_message_repeats_what_may_be_a_secret() {
        let secret = "whsec_hidden";
        let messages = [
            parse_address(secret).err(),
            parse_bytes(secret).err(),
            parse_mode(secret).err(),
            parse_origins(secret).err(),
            parse_account(secret).err(),
            parse_log_format(secret).err(),
            parse_log_filter("hidden=hidden=hidden").err(),
        ];
        assert!(messages.iter().flatten().count() >= 6);
        assert!(messages.iter().flatten().all(|message| !message.contains("hidden")));
    }
}
