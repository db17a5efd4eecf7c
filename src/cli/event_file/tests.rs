use super::*;

const E1: &str = r#"{"id":"evt_1", "object":"event"}"#;
const E2: &str = r#"{"object":"event","id":"evt_2","data":{"object":{}}}"#;

fn read_all(text: &str) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let more = read(Box::new(text.as_bytes()), &mut |place, event| {
        found.push(match event {
            Ok(bytes) => format!("{place} {}", String::from_utf8(bytes).expect("text")),
            Err(reason) => format!("{place} ! {reason}"),
        });
        Ok(())
    });
    (found, more.expect("memory can be read"))
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let (found, _) = read_all(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
}

#[test]
fn one_event_a_line_keeps_its_text() {
    check("", &[]);
    check(" \n", &[]);
    check(&format!("{E1}\n\n{E2}\r\n"), &[&format!(":1 {E1}"), &format!(":3 {E2}")]);
    check(&format!("\u{feff}{E1}"), &[&format!(":1 {E1}")]);
}

#[test]
fn a_page_is_taken_apart() {
    let page = format!(r#"{{"object":"list","data":[{E1}, {E2}],"has_more":true}}"#);
    check(&page, &[&format!(":1 {E1}"), &format!(":1 {E2}")]);
    assert!(read_all(&page).1);
    let printed = format!(
        "{{\n  \"object\": \"list\",\n  \"data\": [\n    {E1},\n    {E2}\n  ],\n  \"has_more\": false\n}}\n"
    );
    check(&printed, &[&format!(" (event 1) {E1}"), &format!(" (event 2) {E2}")]);
    assert!(!read_all(&printed).1);
    check(&format!("{printed}{printed}"), &[" (event 1)", " (event 2)", " (event 3)", " (event 4)"]);
}

#[test]
fn events_that_span_lines_keep_their_text() {
    let printed = "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\"\n}";
    check(
        &format!("{printed}\n{printed}\n"),
        &[&format!(" (event 1) {printed}"), &format!(" (event 2) {printed}")],
    );
}

#[test]
fn an_array_is_taken_apart() {
    check(&format!(" [{E1}\n,{E2}]\n"), &[&format!(" (event 1) {E1}"), &format!(" (event 2) {E2}")]);
    check("[]", &[]);
    check(&format!("[{E1},{E2}"), &[" (event 1)", " (event 2)", ":1 ! JSON that ends too early"]);
    check(&format!("[{E1}] x"), &[" (event 1)", ":1 ! not valid JSON"]);
}

#[test]
fn a_bad_line_is_named_and_the_rest_goes_on() {
    check(&format!("{{\"id\":\n{E1}\n"), &[":1 ! JSON that ends too early", &format!(":2 {E1}")]);
    check(&format!("{E1}\nnonsense\n{E2}"), &[":1 {", ":2 ! not valid JSON (column", ":3 {"]);
    check(&format!("7\n{E2}"), &[":1 ! not a JSON object", ":2 {"]);
}

#[test]
fn a_document_ends_at_its_mistake() {
    check("{\n \"id\": oops\n}\n", &[":2 ! not valid JSON"]);
    check("{\n \"object\": \"list\", \"data\": 7\n}\n", &[" (event 1) ! a list whose `data` is no array"]);
}

#[test]
fn what_is_no_event_is_refused() {
    check(r#"{"id":"cus_1","object":"customer"}"#, &[":1 ! not an event"]);
    check(r#"{"headers":{},"body":""}"#, &[":1 ! not an event (`object` is not `event`): a delivery"]);
    check(r#"{"object":"event"}"#, &[":1 ! an event without a usable `id`"]);
}

#[test]
fn a_taker_that_has_enough_stops_the_file() {
    for text in [
        format!("[{E1},{E2}]"),
        format!("{E1}\n{E2}"),
        format!("{{\n\"object\":\"list\",\"data\":[{E1},{E2}]}}"),
    ] {
        let mut taken = 0;
        let outcome = read(Box::new(text.as_bytes()), &mut |_, _| {
            taken += 1;
            Err(Failure::ReaderLeft)
        });
        assert!(matches!(outcome, Err(Stopped::Taker(Failure::ReaderLeft))));
        assert_eq!(taken, 1, "{text}");
    }
}

#[test]
fn utf_16_is_named() {
    let outcome = read(Box::new(&b"\xff\xfe{\0"[..]), &mut |_, _| Ok(()));
    assert!(matches!(outcome, Err(Stopped::Io(error)) if error.to_string().contains("UTF-16")));
}
