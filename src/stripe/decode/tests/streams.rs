//! Recorded streams: everything folded is read, and what was before is what the object's last event showed.

use std::collections::BTreeMap;

use super::*;
use crate::stripe::decode::Ignored;

const AUGMENTED: &[&str] = &[
    "cancel_at_period_end_reactivated",
    "customer_deleted_after_cancel",
    "first_payment_fails_then_pays",
    "kitchen_sink",
    "past_due_then_recovers",
    "pi_3ds_success",
    "pi_manual_capture",
    "refund_partial_to_full",
    "several_customers_interleaved",
];

const NATIVE: &[&str] = &[
    "past_due_then_recovers",
    "pi_3ds_success",
    "pi_manual_capture",
    "refund_partial_to_full",
    "renewals_six",
];

fn bodies(folder: &str) -> Vec<String> {
    let lines = read(&format!("corpus/{folder}/events.jsonl"));
    let body = |line| serde_json::from_str::<Value>(line).unwrap()["body"].as_str().unwrap().to_owned();
    lines.lines().map(body).collect()
}

#[test]
fn every_event_is_folded_or_known_not_to_be() {
    let folders = NATIVE.iter().map(|name| format!("native/{name}"));
    for folder in folders.chain(AUGMENTED.iter().map(|name| format!("augmented/{name}"))) {
        for body in bodies(&folder) {
            match decoded(&body) {
                Decoded::Observed(_) | Decoded::Ignored(Ignored::NotFolded) => {}
                other => panic!("{folder}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_was_before_is_what_was_last_shown() {
    let mut steps = 0;
    for name in AUGMENTED {
        let mut last = BTreeMap::new();
        for body in bodies(&format!("augmented/{name}")) {
            let Decoded::Observed(observation) = decoded(&body) else { continue };
            if let Some(before) = observation.before {
                steps += 1;
                assert_eq!(last.get(&observation.key), Some(&before), "{name}: {}", observation.event);
            }
            last.insert(observation.key, observation.after);
        }
    }
    assert_eq!(steps, 20, "how many events carry old values");
}
