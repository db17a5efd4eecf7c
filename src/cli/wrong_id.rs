//! What was wrong with an id that finds nothing, as far as it can be seen on the id alone. It is told, never acted on.

use super::exit::Exit;
use super::failure::Failure;
use super::view;

/// How ids of the provider begin, and the command that shows such an object. The longer of two that fit counts.
const PREFIXES: &[(&str, &str)] = &[
    ("ch_", "payments show"),
    ("clock_", "objects test_clocks show"),
    ("cn_", "objects credit_notes show"),
    ("cs_", "objects checkout_sessions show"),
    ("cus_", "customers show"),
    ("di_", "objects discounts show"),
    ("dp_", "disputes show"),
    ("du_", "disputes show"),
    ("evt_", "events show"),
    ("in_", "invoices show"),
    ("inpay_", "objects invoice_payments show"),
    ("issfr_", "objects early_fraud_warnings show"),
    ("pi_", "payments show"),
    ("pm_", "objects payment_methods show"),
    ("price_", "objects prices show"),
    ("prod_", "objects products show"),
    ("prv_", "objects reviews show"),
    ("py_", "payments show"),
    ("pyr_", "refunds show"),
    ("re_", "refunds show"),
    ("seti_", "objects setup_intents show"),
    ("sub_", "subscriptions show"),
    ("sub_sched_", "objects subscription_schedules show"),
];

/// Collections that find an object by the id of another kind, too.
const SHARED: &[(&str, &[&str])] = &[
    ("payments", &["ch_", "pi_", "py_", "pyr_", "re_", "dp_", "du_"]),
    ("payment_intents", &["pi_"]),
    ("charges", &["ch_", "py_"]),
];

/// Adds what may be wrong with the id to a failure that says that nothing was found, or that it cannot be one.
/// `collection` is the word in the path; `objects` finds every kind.
pub(super) fn remedied(failure: Failure, collection: &str, id: &str) -> Failure {
    match &failure {
        Failure::Told { exit: Exit::NotFound | Exit::Usage, remedy: None, .. } => {
            match remedy(collection, id) {
                Some(text) => failure.remedy(text),
                None => failure,
            }
        }
        _ => failure,
    }
}

fn remedy(collection: &str, id: &str) -> Option<String> {
    let trimmed = id.trim();
    if trimmed != id {
        return Some(format!("there are blanks around the id: {}", view::clean(trimmed)));
    }
    let lower = id.to_ascii_lowercase();
    let Some((prefix, command)) = prefix_of(id) else {
        let (prefix, _) = prefix_of(&lower)?;
        let rest = id.get(prefix.len()..)?;
        return Some(format!("capitals matter: {}", view::clean(&format!("{prefix}{rest}"))));
    };
    let shared = SHARED.iter().any(|(word, prefixes)| *word == collection && prefixes.contains(&prefix));
    let belongs = collection == "objects" && prefix != "evt_"
        || shared
        || command.split(' ').rev().nth(1) == Some(collection);
    if belongs {
        return None;
    }
    Some(format!("that looks like another kind of object: `billfold {command} {}`", view::clean(id)))
}

fn prefix_of(id: &str) -> Option<(&'static str, &'static str)> {
    let fitting = PREFIXES.iter().filter(|(prefix, _)| id.starts_with(prefix));
    fitting.max_by_key(|(prefix, _)| prefix.len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::COLLECTIONS;

    #[track_caller]
    fn check(collection: &str, id: &str, expected: Option<&str>) {
        let found = remedy(collection, id);
        match expected {
            Some(text) => assert!(found.as_ref().is_some_and(|found| found.contains(text)), "{found:?}"),
            None => assert_eq!(found, None),
        }
    }

    #[test]
    fn what_can_be_seen_on_an_id_is_told() {
        check("subscriptions", "sub_1", None);
        check("subscriptions", "cus_1", Some("billfold customers show cus_1"));
        check("subscriptions", "sub_sched_1", Some("objects subscription_schedules show sub_sched_1"));
        check("customers", "evt_1", Some("events show evt_1"));
        check("events", "in_1", Some("invoices show in_1"));
        check("payments", "re_1", None);
        check("refunds", "pi_1", Some("payments show pi_1"));
        check("charges", "ch_1", None);
        check("objects", "cus_1", None);
        check("objects", "evt_1", Some("events show evt_1"));
        check("products", "prod_1", None);
        check("customers", " cus_1 ", Some("blanks around the id: cus_1"));
        check("customers", "CUS_Ab1", Some("capitals matter: cus_Ab1"));
        check("customers", "anything", None);
    }

    #[test]
    fn every_command_that_is_named_exists() {
        assert!(PREFIXES.is_sorted());
        for (_, command) in PREFIXES {
            let word = command.split(' ').rev().nth(1).unwrap();
            assert!(
                word == "events" || COLLECTIONS.iter().any(|(collection, _)| *collection == word),
                "{word}"
            );
        }
    }
}
