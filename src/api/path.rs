//! Paths: what a path can ask for. Segments are percent-encoded, as in a URL.
//!
//! Never looks at a parameter, never reads anything, never says who may ask: the table does.

use std::fmt::Write as _;

use crate::engine::Collection;
use crate::model::kind::ObjectKind;

use super::table::Row;

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
#[non_exhaustive]
#[expect(missing_docs, reason = "each is a row of the table")]
pub enum Route {
    Webhook,
    Live,
    Ready,
    Document,
    Metrics,
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
    Feed,
    FeedEvents,
    FeedCursors,
    FeedLog,
    Acknowledge(String),
    RemoveCursor(String),
    Doctor,
    Backup,
    Log,
    Rebuild,
    StartRebuild,
    SwapRebuild,
    StopRebuild,
}

/// What a path says where its row has `{…}`. What the row does not have stays as it is here.
#[derive(Debug)]
pub(super) struct Captured {
    pub(super) word: &'static str,
    pub(super) collection: Collection,
    pub(super) id: String,
}

impl Default for Captured {
    fn default() -> Self {
        Self { word: "", collection: Collection::Payments, id: String::new() }
    }
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

/// The collection of a word in a path.
pub(super) fn collection(word: &str) -> Option<(&'static str, Collection)> {
    COLLECTIONS.iter().find(|(name, _)| *name == word).copied()
}

/// What stands behind `/v1/` in the paths that name no collection, each once.
pub(super) fn template_words(table: &'static [Row]) -> Vec<&'static str> {
    let words = table.iter().filter_map(|row| row.path.strip_prefix("/v1/"));
    let mut told = Vec::new();
    for word in words.filter(|word| !word.starts_with("{collection}")) {
        if !told.contains(&word) {
            told.push(word);
        }
    }
    told
}

/// Undoes percent-encoding; none for what is no text.
pub(super) fn decode(segment: &str) -> Option<String> {
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
    use crate::api::ProblemKind;
    use crate::api::table::{TABLE, look_up, template};
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
        match (look_up("GET", path).map(|(_, route)| route), expected) {
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
    fn no_route_is_told_twice() {
        let mut words = template_words(TABLE);
        let told = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), told);
    }

    #[test]
    fn templates_show_no_id() {
        assert_eq!(template("/v1/customers/cus_secret"), "/v1/{collection}/{id}");
        assert_eq!(template("/v1/objects/cus_secret/why"), "/v1/objects/{id}/why");
        assert_eq!(template("/v1/../../etc/passwd"), "/v1/{unknown}");
    }
}
