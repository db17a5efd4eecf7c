//! Paths: which question a path asks. Segments are percent-encoded, as in a URL.
//!
//! Never looks at a parameter, never reads anything.

use std::fmt::Write as _;

use crate::engine::Collection;
use crate::model::kind::ObjectKind;

use super::parameters;
use super::problem::{Problem, ProblemKind, echo};

/// Every list, by its word in paths.
pub const COLLECTIONS: &[(&str, Collection)] = &[
    ("customers", Collection::Objects(ObjectKind::Customer)),
    ("subscriptions", Collection::Objects(ObjectKind::Subscription)),
    ("invoices", Collection::Objects(ObjectKind::Invoice)),
    ("payments", Collection::Payments),
    ("refunds", Collection::Objects(ObjectKind::Refund)),
    ("disputes", Collection::Objects(ObjectKind::Dispute)),
    ("charges", Collection::Objects(ObjectKind::Charge)),
    ("checkout_sessions", Collection::Objects(ObjectKind::CheckoutSession)),
    ("credit_notes", Collection::Objects(ObjectKind::CreditNote)),
    ("discounts", Collection::Objects(ObjectKind::Discount)),
    ("early_fraud_warnings", Collection::Objects(ObjectKind::EarlyFraudWarning)),
    ("entitlements", Collection::Objects(ObjectKind::Entitlements)),
    ("invoice_payments", Collection::Objects(ObjectKind::InvoicePayment)),
    ("payment_intents", Collection::Objects(ObjectKind::PaymentIntent)),
    ("payment_methods", Collection::Objects(ObjectKind::PaymentMethod)),
    ("prices", Collection::Objects(ObjectKind::Price)),
    ("products", Collection::Objects(ObjectKind::Product)),
    ("reviews", Collection::Objects(ObjectKind::Review)),
    ("setup_intents", Collection::Objects(ObjectKind::SetupIntent)),
    ("subscription_schedules", Collection::Objects(ObjectKind::SubscriptionSchedule)),
    ("test_clocks", Collection::Objects(ObjectKind::TestClock)),
];

/// What a path asks for. Ids are decoded, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    List(Collection),
    Single(&'static str, Collection, String),
    Events,
    Event(String),
    CustomerAccess(String),
    ReferenceAccess,
    Why(String),
    History(String),
    Diff(String),
    Stats,
    Conflicts,
    Backup,
    Log,
}

/// A path under `/v1`, its segments encoded as a URL needs it: `path(&["customers", "cus_1"])` is `/v1/customers/cus_1`.
#[must_use]
pub fn path(segments: &[&str]) -> String {
    let mut path = String::from("/v1");
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
                path.push(char::from(byte));
            } else {
                // Writing into a String cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path
}

/// The form of a path without its ids: what a log line may show.
#[must_use]
pub fn template(path: &str) -> &'static str {
    match Route::parse(path) {
        Ok(Route::List(..)) => "/v1/{collection}",
        Ok(Route::Single(..)) => "/v1/{collection}/{id}",
        Ok(Route::Events) => "/v1/events",
        Ok(Route::Event(_)) => "/v1/events/{id}",
        Ok(Route::CustomerAccess(_)) => "/v1/customers/{id}/access",
        Ok(Route::ReferenceAccess) => "/v1/access",
        Ok(Route::Why(_)) => "/v1/objects/{id}/why",
        Ok(Route::History(_)) => "/v1/objects/{id}/history",
        Ok(Route::Diff(_)) => "/v1/objects/{id}/diff",
        Ok(Route::Stats) => "/v1/stats",
        Ok(Route::Conflicts) => "/v1/conflicts",
        Ok(Route::Backup) => "/v1/backup",
        Ok(Route::Log) => "/v1/log",
        Err(_) => "/v1/{unknown}",
    }
}

impl Route {
    /// What the route takes, if it knows the past.
    pub(super) const fn past_parameters(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::List(_) => Some(parameters::LIST),
            Self::Single(..) | Self::CustomerAccess(_) => Some(parameters::SINGLE),
            Self::ReferenceAccess => Some(parameters::REFERENCE),
            Self::Why(_) => Some(parameters::WHY),
            Self::Events => Some(parameters::EVENTS),
            Self::Event(_)
            | Self::History(_)
            | Self::Diff(_)
            | Self::Stats
            | Self::Conflicts
            | Self::Backup
            | Self::Log => None,
        }
    }

    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let rest = path.strip_prefix("/v1/").ok_or_else(|| unknown(path))?;
        let segments: Option<Vec<String>> = rest.trim_end_matches('/').split('/').map(decode).collect();
        let segments = segments.ok_or_else(|| unknown(path))?;
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        match *words.as_slice() {
            ["stats"] => Ok(Self::Stats),
            ["conflicts"] => Ok(Self::Conflicts),
            ["backup"] => Ok(Self::Backup),
            ["log"] => Ok(Self::Log),
            ["access"] => Ok(Self::ReferenceAccess),
            ["events"] => Ok(Self::Events),
            ["events", id] => Ok(Self::Event(id.to_owned())),
            ["customers", id, "access"] => Ok(Self::CustomerAccess(id.to_owned())),
            ["objects", id, "why"] => Ok(Self::Why(id.to_owned())),
            ["objects", id, "history"] => Ok(Self::History(id.to_owned())),
            ["objects", id, "diff"] => Ok(Self::Diff(id.to_owned())),
            [word] => collection(word).map(|(_, list)| Self::List(list)).ok_or_else(|| unknown(path)),
            [word, id] => collection(word)
                .map(|(word, list)| Self::Single(word, list, id.to_owned()))
                .ok_or_else(|| unknown(path)),
            _ => Err(unknown(path)),
        }
    }
}

fn collection(word: &str) -> Option<(&'static str, Collection)> {
    COLLECTIONS.iter().find(|(name, _)| *name == word).copied()
}

fn unknown(path: &str) -> Problem {
    let lists: Vec<&str> = COLLECTIONS.iter().map(|(word, _)| *word).collect();
    let detail = format!(
        "there is no {}: under /v1 there are events, stats, conflicts, backup, log, access, customers/{{id}}/access, \
         objects/{{id}}/why, /history and /diff, and as lists and with an id: {}",
        echo(path),
        lists.join(", ")
    );
    Problem::new(ProblemKind::NoSuchRoute, detail)
}

/// Undoes percent-encoding; none for what is no text.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_exactly_one_list() {
        let words: BTreeSet<_> = COLLECTIONS.iter().map(|(word, _)| word).collect();
        let lists: BTreeSet<_> = COLLECTIONS.iter().map(|(_, list)| list).collect();
        assert_eq!(words.len(), COLLECTIONS.len());
        assert_eq!(lists.len(), COLLECTIONS.len());
        assert_eq!(lists.len(), ObjectKind::ALL.len() + 1);
    }

    #[track_caller]
    fn check(path: &str, expected: Option<Route>) {
        match (Route::parse(path), expected) {
            (Ok(found), Some(wanted)) => assert_eq!(found, wanted),
            (Err(problem), None) => assert_eq!(problem.kind(), ProblemKind::NoSuchRoute),
            (found, wanted) => panic!("{path}: {found:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn paths_are_questions() {
        let customers = Collection::Objects(ObjectKind::Customer);
        check("/v1/customers", Some(Route::List(customers)));
        check("/v1/customers/", Some(Route::List(customers)));
        check("/v1/customers/cus_1", Some(Route::Single("customers", customers, "cus_1".to_owned())));
        check("/v1/customers/a%2Fb", Some(Route::Single("customers", customers, "a/b".to_owned())));
        check("/v1/customers/cus_1/access", Some(Route::CustomerAccess("cus_1".to_owned())));
        check("/v1/objects/a%2Fb/why", Some(Route::Why("a/b".to_owned())));
        check("/v1/payments", Some(Route::List(Collection::Payments)));
        check("/v1/events/evt_1", Some(Route::Event("evt_1".to_owned())));
        check("/v1/access", Some(Route::ReferenceAccess));
        check("/v1/backup", Some(Route::Backup));
        check("/v1/log", Some(Route::Log));
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v2/customers",
            "/v1/nothing",
            "/v1/customers/a/b",
            "/v1/objects/a",
            "/v1/customers/%zz",
            "/v1/customers/%ff",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for id in ["cus_1", "sha256:00ff", "a/b?c#d e%", "ümlaut"] {
            let customers = Collection::Objects(ObjectKind::Customer);
            check(&path(&["customers", id]), Some(Route::Single("customers", customers, id.to_owned())));
        }
    }

    #[test]
    fn templates_show_no_id() {
        assert_eq!(template("/v1/customers/cus_secret"), "/v1/{collection}/{id}");
        assert_eq!(template("/v1/objects/cus_secret/why"), "/v1/objects/{id}/why");
        assert_eq!(template("/v1/../../etc/passwd"), "/v1/{unknown}");
    }
}
