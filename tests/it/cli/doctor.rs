//! `doctor`: a copied request is explained with the server's own secrets; nothing is stored or repeated.

use super::configuring::{Configured, LIVE, TWO, header};
use super::*;

/// What is found about a request, and how the command ended.
fn found(configured: &Configured, head: &str, body: &str) -> (i32, Vec<String>) {
    let (headers, body) = (configured.place.file("head.txt", head), configured.place.file("body.json", body));
    let ran = configured.run(&["doctor", "--json", "--headers", path(&headers), "--body", path(&body)]);
    let findings = ran.json()["findings"].clone();
    let findings = findings.as_array().expect("findings").iter();
    let told = findings.filter(|finding| finding["level"] != "ok");
    let checks = told.map(|finding| finding["check"].as_str().expect("a word").to_owned()).collect();
    assert_eq!(ran.json()["ok"], ran.code == 0);
    for hidden in
        [LIVE, SECRET, "a@example.com", "cus_1", "evt_1", head.split("v1=").nth(1).unwrap_or("whsec_")]
    {
        assert!(!ran.out.contains(hidden) && !ran.err.contains(hidden), "{hidden} is in {}", ran.out);
    }
    (ran.code, checks)
}

#[test]
fn a_request_is_explained_with_the_servers_endpoints() {
    let configured = Configured::new(TWO);
    let body = customer_event("evt_1", "cus_1", 1, "");
    let (live, test) = (header(&body, LIVE), header(&body, SECRET));
    let check = |head: &str, body: &str, code: i32, expected: &[&str]| {
        let (ended, checks) = found(&configured, head, body);
        assert_eq!((ended, checks), (code, expected.iter().map(|&word| word.to_owned()).collect()), "{head}");
    };
    check(&live, &body, 0, &[]);
    check(&format!("POST /webhooks/live HTTP/1.1\n{live}"), &body, 0, &[]);
    check(&format!("POST /hooks/of-a-test HTTP/1.1\n{live}"), &body, 8, &["other_endpoint"]);
    check(&format!("POST /webhooks/stripe HTTP/1.1\n{live}"), &body, 8, &["path"]);
    check(&test, &body, 0, &[]);
    check(&header(&body, "whsec_foreign"), &body, 8, &["wrong_secret"]);
    check(&live.replace("Stripe-", "X-Stripe-"), &body, 8, &["renamed_header"]);
    check("Host: a", &body, 8, &["missing_header"]);
    check(&live, &body.replace("\":", "\" : "), 8, &["body_changed"]);
    assert!(!configured.place.path().exists(), "nothing is stored");
}

#[test]
fn what_a_person_reads_says_what_to_do() {
    let configured = Configured::new(TWO);
    let body = customer_event("evt_1", "cus_1", 1, "");
    let headers = configured.place.file("head.txt", &header(&body, LIVE));
    let changed = configured.place.file("body.json", &format!("{body}\n"));
    let ran = configured.run(&["doctor", "--headers", path(&headers), "--body", path(&changed)]).ended(8);
    assert!(ran.out.starts_with("problem  the secret is right, but the body is not the one"), "{}", ran.out);
    assert!(ran.out.contains("\n           help: "), "{}", ran.out);
    run(["doctor", "--headers", "-", "--body", "-"]).ended(2).saying("cannot both come from standard input");
    run(["doctor", "--headers", path(&headers), "--body", path(&changed)])
        .ended(2)
        .saying("STRIPE_WEBHOOK_SECRET");
}
