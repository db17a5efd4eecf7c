//! What the demo shows at the end: the customers, whether all is true, and what simpler rules would have said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::folder::with_sources;
use crate::cli::table::{self, Look};
use crate::engine::{Billfold, ListQuery, ScopeFilter};
use crate::lab::compare::{Rule, Score};
use crate::lab::crowd::{Crowd, CrowdArrival, Judgement};
use crate::model::access::Verdict;
use crate::model::id::ObjectKey;
use crate::model::kind::ObjectKind;
use crate::model::time::Seconds;

/// The customers that are shown; the others are counted.
const CUSTOMERS_SHOWN_MAX: usize = 15;
/// The objects of one customer that are summed up.
const OBJECTS_MAX: usize = 100;

/// The business as Billfold sees it, and as it truly is.
pub(super) struct Business {
    customers: Vec<Customer>,
    judgement: Judgement,
    scores: BTreeMap<Rule, Score>,
}

struct Customer {
    id: String,
    decision: Verdict,
    reason: &'static str,
    subscriptions: String,
    payments: String,
}

impl Business {
    /// Asks for everything.
    pub(super) fn look(
        billfold: &Billfold,
        crowd: &Crowd,
        deliveries: &[CrowdArrival],
    ) -> Result<Self, Failure> {
        let mut customers = Vec::new();
        for life in crowd.lives() {
            let truth = life.truth();
            // The lives end at different times; each is judged when its own story ends.
            let end = life.events.last().map_or(Seconds(0), |event| event.created);
            for key in truth.keys().filter(|key| key.kind == ObjectKind::Customer) {
                customers.extend(customer(billfold, key, end)?);
            }
        }
        let judgement = crowd.judge(|key| {
            let shown = billfold.object(key.kind, &key.id, &ScopeFilter::only(&key.scope)).map_err(failed)?;
            Ok::<_, Failure>(shown.map(|shown| shown.object))
        })?;
        Ok(Self { customers, judgement, scores: crowd.compare(deliveries) })
    }

    /// Nothing is wrong without saying so.
    pub(super) const fn is_true(&self) -> bool {
        self.judgement.wrong.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        let judgement = &self.judgement;
        let rules: Vec<Value> = self
            .scores
            .iter()
            .map(|(rule, score)| {
                json!({
                    "rule": rule.title(), "objects": score.objects, "wrong": score.wrong,
                    "wrong_status": score.wrong_status, "flagged": score.flagged,
                })
            })
            .collect();
        let customers: Vec<Value> = self
            .customers
            .iter()
            .map(|customer| {
                json!({
                    "id": customer.id, "decision": customer.decision.as_str(), "reason": customer.reason,
                    "subscriptions": customer.subscriptions, "payments": customer.payments,
                })
            })
            .collect();
        json!({
            "objects": judgement.objects, "equal_to_the_truth": judgement.right, "ambiguous": judgement.flagged,
            "wrong": judgement.wrong.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(),
            "rules": rules, "customers": customers,
        })
    }

    pub(super) fn to_text(&self, look: Look) -> String {
        let mut text = String::new();
        let shown = self.customers.iter().take(CUSTOMERS_SHOWN_MAX);
        let rows: Vec<Vec<String>> = shown.map(Customer::row).collect();
        text += &table::texts(&["CUSTOMER", "ACCESS", "REASON", "SUBSCRIPTIONS", "PAYMENTS"], &rows, look);
        let more = self.customers.len().saturating_sub(CUSTOMERS_SHOWN_MAX);
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "and {more} more");
        }
        text.push('\n');
        text += &self.verdict();
        text += "\nThe same deliveries, decided by the rules in use elsewhere:\n\n";
        let rows: Vec<Vec<String>> = self.scores.iter().map(|(rule, score)| row_of(*rule, score)).collect();
        text += &table::rows(&["RULE", "OBJECTS", "WRONG", "SHARE", "WRONG STATUS", "FLAGGED"], &rows, look);
        text
    }

    fn verdict(&self) -> String {
        let Judgement { objects, right, flagged, wrong } = &self.judgement;
        let mut text = format!("{right} of {objects} objects equal the truth");
        let _ = match flagged {
            0 => writeln!(text, "."),
            _ => writeln!(
                text,
                "; {flagged} are flagged as ambiguous: their events do not decide their state."
            ),
        };
        for key in wrong {
            let _ = writeln!(text, "WRONG: {} {}", key.kind, key.id);
        }
        text
    }
}

impl Customer {
    fn row(&self) -> Vec<String> {
        let columns = [&self.id, self.decision.as_str(), self.reason, &self.subscriptions, &self.payments];
        columns.map(str::to_owned).into()
    }
}

fn row_of(rule: Rule, score: &Score) -> Vec<String> {
    vec![
        rule.title().to_owned(),
        score.objects.to_string(),
        score.wrong.to_string(),
        share(score.wrong, score.objects),
        score.wrong_status.to_string(),
        score.flagged.to_string(),
    ]
}

/// A share in percent with one decimal, rounded down but never to nothing.
fn share(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    match (part, tenths) {
        (0, _) => "0 %".into(),
        (_, 0) => "< 0.1 %".into(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

fn customer(billfold: &Billfold, key: &ObjectKey, end: Seconds) -> Result<Option<Customer>, Failure> {
    let scope = ScopeFilter::only(&key.scope);
    let Some(answer) = billfold.access(&key.id, &scope, end).map_err(failed)? else {
        return Ok(None);
    };
    let query =
        ListQuery { scope, customer: Some(key.id.clone()), limit: OBJECTS_MAX, ..ListQuery::default() };
    let subscriptions = billfold.objects(ObjectKind::Subscription, &query).map_err(failed)?;
    let statuses = subscriptions.items.iter().filter_map(|shown| shown.object.status());
    let payments = billfold.payments(&query).map_err(failed)?;
    Ok(Some(Customer {
        id: key.id.to_string(),
        decision: answer.access.decision,
        reason: answer.access.reason.as_str(),
        subscriptions: counted(statuses),
        payments: counted(payments.items.iter().map(|row| row.payment.status.as_str())),
    }))
}

/// `canceled, 2 succeeded`.
fn counted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for word in words {
        let count = counts.entry(word).or_default();
        *count = count.saturating_add(1);
    }
    let parts = counts.into_iter().map(|(word, count)| match count {
        1 => word.to_owned(),
        count => format!("{count} {word}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::new(Exit::Failed, with_sources(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_nothing() {
        for (part, whole, expected) in
            [(0, 10, "0 %"), (0, 0, "0 %"), (1, 10_000, "< 0.1 %"), (1, 3, "33.3 %"), (3, 3, "100.0 %")]
        {
            assert_eq!(share(part, whole), expected);
        }
    }

    #[test]
    fn words_are_counted() {
        assert_eq!(counted(["b", "a", "b"].into_iter()), "a, 2 b");
        assert_eq!(counted(std::iter::empty()), "");
    }
}
