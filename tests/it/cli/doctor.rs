//! `doctor`: a copied request is explained with the server's own secrets; nothing is stored or repeated.

use super::configuring::{Configured, LIVE, TWO, header};
use super::serving::Served;
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

fn checks(diagnosis: &Value, level: &str) -> Vec<String> {
    let findings = diagnosis["findings"].as_array().expect("findings").iter();
    let found = findings.filter(|finding| finding["level"] == level);
    found.map(|finding| finding["check"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn a_folder_is_examined() {
    let (place, _) = Place::with("first_payment_fails_then_pays");
    let examined = place.run(&["doctor", "--json", "--silence", "1d"]);
    assert_eq!(checks(&examined.json(), "problem"), Vec::<String>::new(), "{}", examined.out);
    assert_eq!((examined.code, &examined.json()["ok"]), (0, &json!(true)));
    assert_eq!(examined.json()["refused"], json!([]));

    let permit = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(mode)).expect("permitted");
    };
    permit(0o755);
    let open = place.run(&["doctor"]).ended(8);
    assert!(
        open.out.contains("problem  others can look into the folder: its permissions are 0755"),
        "{}",
        open.out
    );
    permit(0o700);

    // A test clock runs ahead of ours; real money does not.
    for (livemode, expected) in [("false", vec![]), ("true", vec!["clock".to_owned()])] {
        let ahead = Place::new();
        let body = customer_event("evt_1", "cus_1", 9_000_000_000, "");
        let body = body.replace(r#""livemode":true"#, &format!(r#""livemode":{livemode}"#));
        let signed = header(&body, SECRET).replace("Stripe-Signature: ", "");
        let file = ahead.file("ahead.jsonl", &delivery(&body, &signed, None));
        run_with(b"", &["ingest", path(&file), "--data", &ahead.data()]).ended(0);
        assert_eq!(checks(&ahead.run(&["doctor", "--json"]).json(), "problem"), expected, "{livemode}");
    }

    // Old deliveries, taken now: nothing fresh has come, and they came late.
    let old = Place::new();
    super::care::ingest(&old, 0..30, &crate::support::secrets());
    let mut command = command();
    command.args(["doctor", "--json", "--silence", "2d", "--data", &old.data()]);
    let ran =
        Ran::of(command.env("STRIPE_WEBHOOK_SECRET", "new=whsec_new_one").output().expect("run")).ended(8);
    assert_eq!(checks(&ran.json(), "problem"), ["silence"]);
    assert_eq!(checks(&ran.json(), "note"), ["types", "secrets", "secrets"]);
    run(["doctor", "--data", path(&place.dir.path().join("none"))]).ended(1).saying("there is no folder");
}

#[test]
fn a_server_shows_what_it_refused_last() {
    let configured = Configured::new(TWO);
    let served = Served::spawn(configured.command(&["serve", "--listen", "127.0.0.1:0"]));
    let body = customer_event("evt_1", "cus_1", 1, "");
    assert_eq!(served.deliver_to("/webhooks/live", &body, &header(&body, LIVE)), 200);
    let well = served.ask(&["doctor", "--json"], None).ended(0).json();
    assert_eq!((&well["ok"], &well["refused"]), (&json!(true), &json!([])));
    let right = header(&body, LIVE);
    let wrong = format!("{},v1={}", header(&body, SECRET), "0".repeat(64));
    assert_eq!(served.deliver_to("/webhooks/live", &body, &wrong), 400);
    assert_eq!(served.deliver_to("/webhooks/live", &body, &right.replace("Stripe-", "X-Stripe-")), 400);
    let found = served.ask(&["doctor", "--json"], None).ended(0).json();
    let refused = found["refused"].as_array().expect("a list");
    let seen: Vec<_> =
        refused.iter().map(|one| (&one["reason"], &one["signatures"], &one["endpoint"])).collect();
    let live = &json!("live");
    assert_eq!(
        seen,
        [(&json!("missing_header"), &json!(0), live), (&json!("bad_signature"), &json!(2), live)],
        "newest first"
    );
    assert_eq!(refused[1]["body_bytes"], body.len());
    assert_eq!(refused[1]["body_sha256"].as_str().map(str::len), Some(64));
    let names: Vec<_> =
        refused[0]["headers"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert!(names.contains(&&json!("x-stripe-signature")), "{names:?}");
    let told = served.ask(&["doctor"], None).ended(0).out;
    assert!(told.contains("bad_signature") && told.contains("x-stripe-signature"), "{told}");

    // A bounded number is kept, the newest.
    for _ in 0..40 {
        assert_eq!(served.deliver_to("/webhooks/live", &body, "X-Nothing: 1"), 400);
    }
    let refused = served.ask(&["doctor", "--json"], None).json()["refused"].clone();
    let refused = refused.as_array().expect("a list");
    assert!(refused.len() == 32 && refused.iter().all(|one| one["reason"] == "missing_header"));
}
