use super::*;

const SNAPSHOT: &str = r#"{
  "id": "evt_1", "object": "event", "type": "customer.updated", "created": 1767225595,
  "api_version": "2026-07-29.dahlia", "livemode": false, "account": "acct_1", "context": "acct_1",
  "pending_webhooks": 2, "request": {"id": "req_1", "idempotency_key": "key \u0031"},
  "data": {"object": {"id": "cus_1", "object": "customer"}, "previous_attributes": {"name": null}, "later": [1]},
  "later": {"id": "no", "data": {"object": 1}}
}"#;

const THIN: &str = r#"{
  "id": "evt_test_1", "object": "v2.core.event", "type": "v2.core.account[requirements].updated",
  "created": "2025-04-01T12:00:00.999Z", "livemode": true,
  "related_object": {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
  "reason": {"type": "request", "request": {"id": "req_2", "idempotency_key": null}}
}"#;

/// The snapshot with one line of it replaced.
fn with(from: &str, to: &str) -> String {
    assert!(SNAPSHOT.contains(from), "{from}");
    SNAPSHOT.replace(from, to)
}

#[test]
fn a_snapshot_event_is_read() {
    let envelope = Envelope::parse(SNAPSHOT.as_bytes()).unwrap();
    assert_eq!(envelope.id.as_str(), "evt_1");
    assert_eq!(envelope.form, Form::Snapshot);
    assert_eq!(envelope.type_name, "customer.updated");
    assert_eq!(envelope.created, Seconds(1_767_225_595));
    assert_eq!(envelope.api_version.as_deref(), Some("2026-07-29.dahlia"));
    assert!(!envelope.livemode);
    assert_eq!(envelope.account.as_ref().map(AccountId::as_str), Some("acct_1"));
    assert_eq!(envelope.context.as_deref(), Some("acct_1"));
    assert_eq!(envelope.request_id.as_deref(), Some("req_1"));
    assert_eq!(envelope.idempotency_key.as_deref(), Some("key 1"));
    assert_eq!(envelope.object.unwrap().get(), r#"{"id": "cus_1", "object": "customer"}"#);
    assert_eq!(envelope.previous_attributes.unwrap().get(), r#"{"name": null}"#);
}

#[test]
fn a_thin_event_is_read() {
    let envelope = Envelope::parse(THIN.as_bytes()).unwrap();
    assert_eq!(envelope.form, Form::Thin);
    assert_eq!(envelope.type_name, "v2.core.account[requirements].updated");
    assert_eq!(envelope.created, Seconds(1_743_508_800), "the fraction is cut");
    assert!(envelope.livemode);
    assert_eq!(envelope.request_id.as_deref(), Some("req_2"));
    assert!(
        envelope.object.is_none() && envelope.previous_attributes.is_none() && envelope.api_version.is_none()
    );
}

#[track_caller]
fn check(body: &str, expected: Result<(), EnvelopeError>) {
    assert_eq!(Envelope::parse(body.as_bytes()).map(|_| ()), expected);
    let has_id = !matches!(expected, Err(EnvelopeError::NotJson | EnvelopeError::NoId));
    assert_eq!(event_id(body.as_bytes()).is_some(), has_id, "the cheap reading agrees");
    assert_eq!(Summary::of(body.as_bytes()).id.is_some(), has_id, "the listing agrees");
}

#[test]
fn what_is_no_json_object_is_said_to_be_none() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "\"evt_1\"",
        "1",
        "{",
        "{\"id\":\"evt_1\"",
        "{\"id\":\"evt_1\"} x",
        "\u{feff}{}",
    ] {
        check(body, Err(EnvelopeError::NotJson));
    }
    check(&SNAPSHOT[..SNAPSHOT.len() - 1], Err(EnvelopeError::NotJson));
    assert_eq!(event_id(b"{\"id\":\"evt_1\",\"raw\":\"\xff\xfe\"}"), None, "not UTF-8, though the id is");
    assert_eq!(Envelope::parse(b"{\"id\":\"evt_1\",\"raw\":\"\xff\"}").unwrap_err(), EnvelopeError::NotJson);
}

#[test]
fn an_id_is_a_short_printable_string() {
    for id in
        ["1", "null", "{}", "[\"evt_1\"]", "\"\"", "\"evt 1\"", "\"evt\\n1\"", "\"\\ud800\"", "\"evt_é\""]
    {
        check(&format!("{{\"id\":{id}}}"), Err(EnvelopeError::NoId));
    }
    check("{}", Err(EnvelopeError::NoId));
    check(&format!("{{\"id\":\"{}\"}}", "e".repeat(256)), Err(EnvelopeError::NoId));
    let longest = "e".repeat(255);
    assert_eq!(event_id(format!("{{\"id\":\"{longest}\"}}").as_bytes()).unwrap().as_str(), longest);
    assert_eq!(event_id(br#"{"id":"\u0065vt_1"}"#).unwrap().as_str(), "evt_1");
    assert_eq!(event_id(br#"{"\u0069d":"evt_1"}"#).unwrap().as_str(), "evt_1");
}

#[test]
fn a_field_that_decides_the_meaning_is_needed() {
    check(SNAPSHOT, Ok(()));
    check(THIN, Ok(()));
    let field = |field| Err(EnvelopeError::Field { field });
    check(&with("\"object\": \"event\", ", ""), field("object"));
    check(&with("\"event\"", "\"list\""), field("object"));
    check(&with("\"type\"", "\"kind\""), field("type"));
    check(&with("\"customer.updated\"", "{}"), field("type"));
    check(&with("customer.updated", "customer\\u001b[0m"), field("type"));
    check(&with("1767225595", "1767225595.5"), field("created"));
    check(&with("1767225595", "1e9"), field("created"));
    check(&with("1767225595", "99999999999999999999"), field("created"));
    check(&with("1767225595", "\"yesterday\""), field("created"));
    check(&with("1767225595", "null"), field("created"));
    check(&with("\"livemode\": false", "\"livemode\": \"false\""), field("livemode"));
    check(&with("\"acct_1\", \"context\"", "7, \"context\""), field("account"));
    check(&with("{\"id\": \"cus_1\", \"object\": \"customer\"}", "\"cus_1\""), field("data.object"));
    check(&with("{\"id\": \"cus_1\", \"object\": \"customer\"}", "null"), field("data.object"));
    check(&with("{\"name\": null}", "[]"), field("data.previous_attributes"));
    for data in ["null", "true", "-1", "1", "1.5", "\"x\"", "[[{}]]"] {
        check(&with("\"later\": {", &format!("\"data\": {data}, \"later\": {{")), field("data.object"));
    }
}

#[test]
fn a_field_that_only_informs_may_be_anything() {
    check(&with("\"2026-07-29.dahlia\"", "null"), Ok(()));
    check(&with("\"2026-07-29.dahlia\"", "[{}]"), Ok(()));
    check(&with("\"acct_1\", \"context\"", "null, \"context\""), Ok(()));
    check(&with("{\"name\": null}", "null"), Ok(()));
    check(&with("1767225595", "\"2026-01-01T00:00:00Z\""), Ok(()));
}

#[test]
fn a_text_is_bounded_by_its_value_not_by_its_escapes() {
    check(&with("customer.updated", &"t".repeat(TEXT_BYTES_MAX)), Ok(()));
    check(&with("customer.updated", &"\\u0074".repeat(TEXT_BYTES_MAX)), Ok(()));
    let too_long = Err(EnvelopeError::Field { field: "type" });
    check(&with("customer.updated", &"t".repeat(TEXT_BYTES_MAX + 1)), too_long);
    check(&with("customer.updated", &"\\u0074".repeat(TEXT_BYTES_MAX + 1)), too_long);
    check(&with("customer.updated", ""), too_long);
    check(&with("2026-07-29.dahlia", &"v".repeat(TEXT_BYTES_MAX + 1)), Ok(()));
}

#[test]
fn a_request_is_null_a_string_or_an_object() {
    #[track_caller]
    fn check(request: &str, id: Option<&str>, key: Option<&str>) {
        let body = with("{\"id\": \"req_1\", \"idempotency_key\": \"key \\u0031\"}", request);
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!((envelope.request_id.as_deref(), envelope.idempotency_key.as_deref()), (id, key));
    }
    check("null", None, None);
    check("\"req_old\"", Some("req_old"), None);
    check("{\"id\": null, \"idempotency_key\": \"k\"}", None, Some("k"));
    check("{\"id\": {}, \"idempotency_key\": 3}", None, None);
    check("[1]", None, None);
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let body = with(
        "\"later\": {",
        "\"id\": \"evt_2\", \"type\": \"customer.deleted\", \"data\": {\"object\": {}, \"object\": {\"a\": 1}}, \"later\": {",
    );
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    assert_eq!((envelope.id.as_str(), &*envelope.type_name), ("evt_2", "customer.deleted"));
    assert_eq!(envelope.object.unwrap().get(), "{\"a\": 1}");
    assert!(envelope.previous_attributes.is_none(), "the first `data` is gone as a whole");
    assert_eq!(event_id(body.as_bytes()).unwrap().as_str(), "evt_2");
    check(&with("\"later\": {", "\"id\": null, \"later\": {"), Err(EnvelopeError::NoId));
}

#[test]
fn nesting_of_any_depth_is_framed_without_recursion() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    for place in
        ["\"later\": {", "\"pending_webhooks\"", "\"request\"", "\"data\"", "\"type\"", "\"id\": \"evt_1\", "]
    {
        let name = place.split('"').nth(1).unwrap();
        let body = with(place, &format!("\"{name}\": {deep}, {place}"));
        check(&body, Ok(()));
    }
    let object = format!("{{\"a\": {deep}}}");
    let body = with("{\"id\": \"cus_1\", \"object\": \"customer\"}", &object);
    assert_eq!(Envelope::parse(body.as_bytes()).unwrap().object.unwrap().get(), object);
    check(&"[".repeat(1_000_000), Err(EnvelopeError::NotJson));
    check(&"{\"a\":".repeat(1_000_000), Err(EnvelopeError::NotJson));
}

#[test]
fn a_summary_reads_what_can_be_read() {
    let full = Summary::of(SNAPSHOT.as_bytes());
    assert_eq!(full.type_name.as_deref(), Some("customer.updated"));
    assert_eq!(full.form, Some(Form::Snapshot));
    let broken =
        Summary::of(br#"{"id":"evt_1","type":7,"created":5,"livemode":true,"account":[],"object":"event"}"#);
    let expected = Summary {
        id: Some(EventId::parse("evt_1").unwrap()),
        created: Some(Seconds(5)),
        livemode: Some(true),
        form: Some(Form::Snapshot),
        ..Summary::default()
    };
    assert_eq!(broken, expected);
    assert_eq!(Summary::of(b"[]"), Summary::default());
}

#[test]
fn debug_shows_no_content() {
    let shown = format!("{:?}", Envelope::parse(SNAPSHOT.as_bytes()).unwrap());
    assert!(!shown.contains("cus_1") && !shown.contains("key 1") && !shown.contains("previous"), "{shown}");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = (Envelope::parse(&body).is_ok(), Summary::of(&body), event_id(&body));
    }

    #[test]
    fn no_damage_makes_the_readings_disagree(at in 0..SNAPSHOT.len(), byte: u8) {
        let mut body = SNAPSHOT.as_bytes().to_vec();
        body[at] = byte;
        let id = event_id(&body);
        proptest::prop_assert_eq!(&id, &Summary::of(&body).id);
        if let Ok(envelope) = Envelope::parse(&body) {
            proptest::prop_assert_eq!(id, Some(envelope.id));
        }
    }
}
