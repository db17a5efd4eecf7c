//! Bodies to measure with: recorded lives, copied under fresh ids.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The recorded streams that are copied.
const STREAMS: [&str; 4] =
    ["past_due_then_recovers", "kitchen_sink", "refund_partial_to_full", "cancel_at_period_end_reactivated"];

/// Recorded lives and the ids in them.
pub(crate) struct Lives(Vec<(Vec<String>, Vec<String>)>);

impl Lives {
    pub(crate) fn load() -> Self {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/corpus/augmented");
        let lives = STREAMS.map(|name| {
            let events = std::fs::read_to_string(corpus.join(name).join("events.jsonl")).unwrap();
            let bodies: Vec<String> = events
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].as_str().unwrap().to_owned())
                .filter(|body| !body.contains("\"plan.") && !body.contains("\"product."))
                .collect();
            let mut ids = BTreeSet::new();
            for body in &bodies {
                collect_ids(&serde_json::from_str(body).unwrap(), &mut ids);
            }
            (bodies, ids.into_iter().collect())
        });
        Self(lives.into())
    }

    /// `count` bodies; each life is a customer of its own.
    pub(crate) fn bodies(&self, count: usize) -> impl Iterator<Item = String> {
        (0_usize..).flat_map(move |copy| self.life(copy)).take(count)
    }

    /// The bodies of one life.
    pub(crate) fn life(&self, copy: usize) -> Vec<String> {
        let (bodies, ids) = self.0.get(copy % self.0.len()).unwrap();
        let mark = format!("{copy:07}");
        let renamed = |body: &String| {
            let mut body = body.clone();
            for id in ids {
                // As long as before: the last characters become the copy's number.
                let fresh = format!("{}{mark}", id.get(..id.len() - mark.len()).unwrap());
                body = body.replace(id.as_str(), &fresh);
            }
            body
        };
        bodies.iter().map(renamed).collect()
    }
}

fn collect_ids(value: &Value, ids: &mut BTreeSet<String>) {
    const PREFIXES: [&str; 12] =
        ["evt_", "cus_", "sub_", "si_", "in_", "il_", "pi_", "ch_", "re_", "pm_", "txn_", "src_"];
    match value {
        Value::String(text) if text.len() > 16 && PREFIXES.iter().any(|prefix| text.starts_with(prefix)) => {
            ids.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(fields) => fields.values().for_each(|field| collect_ids(field, ids)),
        _ => {}
    }
}
