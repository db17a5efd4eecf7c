//! `ingest` and `import`: files in, an account of every line out.

use super::*;
use crate::support::fixtures;

/// A delivery file of a stream, signed at the time that its lines say they were received.
fn recorded(stream: &Stream, received_at: i64) -> String {
    let secrets = crate::support::secrets();
    let lines = stream.bodies.iter().map(|body| {
        let now = billfold::model::time::Seconds(received_at);
        let header = billfold::stripe::signature::sign(&secrets, body.as_bytes(), now);
        delivery(body, &header, Some(json!(received_at)))
    });
    lines.collect()
}

#[test]
fn deliveries_are_judged_at_the_time_they_were_received() {
    let stream = Stream::load(&fixtures().join("corpus/augmented/refund_partial_to_full"));
    let place = Place::new();
    let file = place.file("deliveries.jsonl", &recorded(&stream, 1_700_000_000));
    let data = place.data();
    let count = stream.bodies.len();
    let first = run_with(b"", &["ingest", "--json", path(&file), "--data", &data]).ended(0).json();
    assert_eq!(first["new"], count);
    assert_eq!(first["refused"], 0);
    let again = run_with(b"", &["ingest", path(&file), "--data", &data]).ended(0);
    assert_eq!(again.out, format!("{count} deliveries: 0 new, {count} known before, 0 refused\n"));
    let without_time =
        recorded(&stream, 1_700_000_000).replace("\"received_at\":1700000000", "\"received_at\":null");
    let old = run_with(without_time.as_bytes(), &["ingest", "-", "--data", &data]).ended(4);
    old.saying("(standard input):1: the signature is right but");
    run_with(without_time.as_bytes(), &["ingest", "--any-age", "-", "--data", &data]).ended(0);
}

#[test]
fn recorded_and_imported_events_give_the_same_state() {
    let (imported, stream) = Place::with("kitchen_sink");
    let ingested = Place::new();
    let file = ingested.file("deliveries.jsonl", &recorded(&stream, 1_700_000_000));
    run_with(b"", &["ingest", path(&file), "--data", &ingested.data()]).ended(0);
    assert_eq!(imported.digest(), ingested.digest());
}

#[test]
fn a_bad_line_is_named_and_the_rest_goes_on() {
    let place = Place::new();
    let good = |event: &str| {
        let body = customer_event(event, "cus_1", 1_700_000_000, "");
        let at = billfold::model::time::Seconds(1_700_000_000);
        let header = billfold::stripe::signature::sign(&crate::support::secrets(), body.as_bytes(), at);
        (body, header)
    };
    let (body, header) = good("evt_1");
    let (last, last_header) = good("evt_2");
    let at = Some(json!("2023-11-14T22:13:20Z"));
    let lines = [
        delivery(&body, &header, at.clone()),
        "\n".to_owned(),
        "no JSON at all\n".to_owned(),
        delivery(&format!("{body} "), &header, at.clone()),
        json!({ "headers": {}, "body": body }).to_string() + "\n",
        format!("{body}\n"),
        delivery(&last, &last_header, Some(json!(99_999_999_999_i64))),
        delivery(&last, &last_header, at),
    ];
    let file = place.file("deliveries.jsonl", &lines.concat());
    let ran = run_with(b"", &["ingest", "--json", path(&file), "--data", &place.data()]).ended(4);
    let account = ran.json();
    assert_eq!((&account["new"], &account["refused"]), (&json!(2), &json!(5)));
    assert_eq!(
        account["refused_by_reason"],
        json!({ "bad_line": 3, "bad_signature": 1, "missing_header": 1 })
    );
    let name = path(&file);
    ran.saying(&format!("{name}:3: not valid JSON"))
        .saying(&format!("{name}:4: no signature matches"))
        .saying(&format!("{name}:5: the Stripe-Signature header is missing"))
        .saying(&format!("{name}:6: an event without headers"))
        .saying(&format!("{name}:7: `received_at` lies in the future"));
    let stats = place.run(&["stats", "--json", "--window", "366d"]).ended(0).json();
    assert_eq!(stats["log"]["records"], 2);
}

#[test]
fn a_page_an_array_and_lines_are_the_same() {
    let (lines, stream) = Place::with("pi_3ds_success");
    let expected = lines.digest();
    let joined = stream.bodies.join(",\n");
    let forms = [
        format!("{{\n  \"object\": \"list\",\n  \"data\": [{joined}],\n  \"has_more\": true\n}}\n"),
        format!("[{joined}]"),
        stream.bodies.join("\n"),
    ];
    for form in forms {
        let place = Place::new();
        let file = place.file("events.json", &form);
        let ran = place.run(&["import", path(&file)]).ended(0);
        assert!(ran.out.contains(&format!("{} new", stream.bodies.len())), "{}", ran.out);
        assert_eq!(ran.err.contains("one page of several"), form.ends_with("\"has_more\": true\n}\n"));
        assert_eq!(place.digest(), expected);
    }
}

#[test]
fn an_imported_event_keeps_its_text() {
    let place = Place::new();
    let body = "{  \"object\":\"event\",\n \"id\":\"evt_odd\", \"type\":\"a.b\", \"x\": 1.50 , \"created\":1,\"livemode\":false,\"data\":{\"object\":{}}}";
    let file = place.file("event.json", &format!("[\n{body}\n]"));
    place.run(&["import", path(&file)]).ended(0);
    let shown = place.run(&["events", "show", "evt_odd", "--body", "--json"]).ended(0).json();
    assert_eq!(shown["body"], body);
    assert_eq!(shown["provenance"]["kind"], "imported");
    assert_eq!(shown["outcome"], "unknown_type");
}

#[test]
fn what_is_no_event_is_not_imported() {
    let place = Place::new();
    let file = place.file(
        "customers.json",
        "{\"object\":\"list\",\"data\":[{\"id\":\"cus_1\",\"object\":\"customer\"}]}",
    );
    let ran = place.run(&["import", "--json", path(&file)]).ended(4).saying(":1: not an event");
    assert_eq!(ran.json()["new"], 0);
}

#[test]
fn a_wrong_file_is_found_before_anything_is_stored() {
    let place = Place::new();
    let good = place.file("good.jsonl", &customer_event("evt_1", "cus_1", 1, ""));
    place.run(&["import", path(&good), "/nowhere/events"]).ended(1).saying("/nowhere/events cannot be read");
    assert!(!place.path().exists());
    place.run(&["import", path(place.dir.path())]).ended(2).saying("is a folder");
}

#[test]
fn another_content_under_a_known_id_is_a_conflict() {
    let place = Place::new();
    let first = place.file("first.jsonl", &customer_event("evt_1", "cus_1", 1, ""));
    let plain = place.file("plain.jsonl", &customer_event("evt_1", "cus_1", 1, ",\"pending_webhooks\":3"));
    let other = place.file("other.jsonl", &customer_event("evt_1", "cus_2", 1, ""));
    for (file, conflicts) in [(&first, 0), (&plain, 0), (&other, 1)] {
        let account = place.run(&["import", "--json", path(file)]).ended(0).json();
        assert_eq!(account["conflicts"], conflicts, "{}", file.display());
    }
    let listed = place.run(&["conflicts", "--json"]).ended(0).json();
    assert_eq!(listed["data"][0]["id"], "evt_1");
    assert!(place.run(&["conflicts"]).ended(0).out.starts_with("ID     SEEN"));
    place.run(&["customers", "show", "cus_2"]).ended(3);
}

#[test]
fn shells_and_readers_get_their_papers() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(["completions", shell]).ended(0).out;
        assert!(script.contains("billfold") && script.contains("subscriptions"), "{shell}");
    }
    run(["completions", "tcsh"]).ended(2);
    let folder = tempfile::tempdir().unwrap();
    run(["man", path(folder.path())]).ended(0);
    let page = std::fs::read_to_string(folder.path().join("billfold-access.1")).unwrap();
    assert!(page.contains("user_42"), "{page}");
    assert!(folder.path().join("billfold.1").exists() && folder.path().join("billfold-lab-check.1").exists());
    run(["man", path(&folder.path().join("nowhere"))]).ended(1).saying("name a folder that exists");
}
