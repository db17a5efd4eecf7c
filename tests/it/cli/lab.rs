//! The lab on the command line.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::tempdir;

use super::*;

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn types(ran: &Ran) -> Vec<String> {
    let body = |line: &Value| -> Value { serde_json::from_str(line["body"].as_str().unwrap()).unwrap() };
    lines(ran).iter().map(|line| body(line)["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lives_are_checked_and_one_is_reproduced_by_its_seed() {
    let ran = run(["lab", "check", "--lives", "20", "--orders", "3", "--seed", "5", "--losses"]).ended(0);
    assert!(ran.out.starts_with("holds: 20 lives in 60 orders, "), "{}", ran.out);
    assert!(ran.out.contains("0 wrong, 0 silently undecided"), "{}", ran.out);
    assert!(ran.out.contains("one event lost in the object's newest second"), "{}", ran.out);
    let again = run(["lab", "check", "--lives", "20", "--orders", "3", "--seed", "5", "--losses"]).ended(0);
    assert_eq!(again.out, ran.out);
    let one = run(["lab", "check", "--life", "18446744073709551615", "--json"]).ended(0).json();
    assert_eq!((&one["holds"], &one["lives"], &one["orders"]), (&json!(true), &json!(1), &json!(6)));
    run(["lab", "check", "--ties", "101"]).ended(2);
}

#[test]
fn simpler_rules_end_wrong() {
    let shares = run(["lab", "compare", "--lives", "30", "--json"]).ended(0).json();
    assert_eq!(shares["in_any_order"]["billfold"]["wrong"], 0);
    for rule in ["last_delivered", "newer_second", "same_or_newer_second"] {
        assert!(shares["in_any_order"][rule]["wrong"].as_u64().unwrap() > 0, "{rule}");
    }
    let table = run(["lab", "compare", "--lives", "3"]).ended(0).out;
    assert!(table.starts_with("RULE ") && table.contains("last delivered wins"), "{table}");
}

#[test]
fn stories_are_listed_and_written() {
    let listed = run(["lab", "list", "--json"]).ended(0).json();
    let names: BTreeSet<_> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.is_superset(&["renewal-failed", "dispute-lost", "trial-paused"].into()));
    assert!(run(["lab", "list"]).ended(0).out.contains("WHAT HAPPENS"));

    let story = run_with(b"", &["lab", "write", "renewal-failed"]).ended(0);
    assert!(types(&story).contains(&"invoice.payment_failed".to_owned()));
    let ended = run_with(b"", &["lab", "write", "invoice.voided", "--customer", "cus_mine"]).ended(0);
    assert_eq!(types(&ended).last().unwrap(), "invoice.voided");
    assert!(ended.out.contains("cus_mine"));
    let twice = run_with(b"", &["lab", "write", "dispute-won", "--order", "uniform", "--time", "1800000000"])
        .ended(0);
    assert_eq!(
        run_with(b"", &["lab", "write", "dispute-won", "--order", "uniform", "--time", "1800000000"])
            .ended(0)
            .out,
        twice.out
    );
    run_with(b"", &["lab", "write", "no-such-story"]).ended(3).saying("billfold lab list");
    run_with(b"", &["lab", "write", "test_helpers.test_clock.ready", "--live"]).ended(3);
    run(["lab", "write", "renewal-failed"]).ended(2).saying("STRIPE_WEBHOOK_SECRET");
}

#[test]
fn what_is_written_is_taken_and_folded() {
    let folder = tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let business = ["lab", "write", "--customers", "4", "--order", "uniform", "--api-version", "mixed"];
    let written = run_with(b"", &business).ended(0);
    let taken = run_with(written.out.as_bytes(), &["ingest", "-", "--data", data, "--json"]).ended(0).json();
    assert_eq!(taken["refused"], 0);
    assert!(taken["new"].as_u64().unwrap() > 40, "{taken}");
    let customers = run(["customers", "list", "--data", data, "--json"]).ended(0).json();
    assert!(customers["data"].as_array().unwrap().len() >= 4, "{customers}");
}
