//! Every mangling, and what is found.

use super::*;
use crate::stripe::signature::sign;

const NOW: Seconds = Seconds(1_767_225_600);
const BODY: &str = "{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"api_version\": \"2025-03-31.basil\",\n  \"created\": 1767225600,\n  \"data\": {\n    \"object\": {\n      \"id\": \"cus_1\",\n      \"object\": \"customer\",\n      \"name\": \"Zoë <a> ☃ 𝄞 \\\" a/b\"\n    }\n  },\n  \"livemode\": true,\n  \"pending_webhooks\": 1,\n  \"type\": \"customer.created\"\n}";

fn secrets() -> (Secrets, Secrets) {
    let parse = |list: &str| list.parse::<Secrets>().expect("secrets");
    (parse("live=whsec_live_0123456789"), parse("test=whsec_test_0123456789"))
}

/// A request as it leaves the provider: head and body.
struct Sent {
    head: String,
    body: Vec<u8>,
    path: Option<&'static str>,
    arrived: Option<Seconds>,
}

fn sent() -> Sent {
    let (live, _) = secrets();
    let signature = sign(&live, BODY.as_bytes(), NOW);
    Sent {
        head: format!(
            "POST /webhooks/live HTTP/1.1\r\nHost: a\r\nStripe-Signature: {signature}\r\nContent-Type: application/json\r\n"
        ),
        body: BODY.into(),
        path: None,
        arrived: Some(NOW),
    }
}

fn diagnosed(sent: &Sent) -> Vec<Finding> {
    let (live, test) = secrets();
    let place = |name, path, secrets, livemode| Place {
        name,
        path,
        secrets,
        tolerance: Tolerance::default(),
        livemode,
    };
    let places = [
        place("live", "/webhooks/live", &live, Some(true)),
        place("test", "/webhooks/test", &test, Some(false)),
    ];
    let head = Head::parse(sent.head.as_bytes());
    let (path, body, arrived) = (sent.path, &sent.body[..], sent.arrived);
    let findings = diagnose(&Case { head: &head, path, body, places: &places, arrived, now: NOW });
    let signature = sent.head.split("v1=").nth(1).map_or("whsec_", |rest| rest.get(..16).unwrap_or("whsec_"));
    let said = format!("{findings:?}");
    for hidden in ["whsec_live", "whsec_test", signature, "Zo", "cus_1", "evt_1"] {
        assert!(!said.contains(hidden), "{hidden} is in {said}");
    }
    findings
}

/// What is found beside what is as it should be.
#[track_caller]
fn check(sent: &Sent, expected: &[&str]) {
    let findings = diagnosed(sent);
    let found: Vec<&str> =
        findings.iter().filter(|finding| finding.level > Level::Ok).map(|finding| finding.check).collect();
    assert_eq!(found, expected, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.level == Level::Ok || finding.help.is_some()));
}

#[track_caller]
fn headed(change: impl Fn(&str) -> String, expected: &[&str]) {
    let sent = sent();
    check(&Sent { head: change(&sent.head), ..sent }, expected);
}

#[track_caller]
fn carried(body: impl Into<Vec<u8>>, expected: &str) {
    let sent = Sent { body: body.into(), ..sent() };
    check(&sent, &["body_changed"]);
    let findings = diagnosed(&sent);
    let what = &findings.last().expect("a finding").what;
    assert!(what.contains(expected), "{what}");
}

#[test]
fn a_good_request_is_good() {
    check(&sent(), &[]);
    headed(|head| head.replace("Stripe-Signature", "stripe-signature"), &[]);
    headed(
        |head| {
            let sent = head.trim_end().replace('\n', "\n> ");
            format!("> {sent}\n< HTTP/1.1 400\n* closed\n")
        },
        &[],
    );
    headed(
        |head| head.replace("POST /webhooks/live HTTP/1.1", ":method: POST\r\n:path: /webhooks/live/?a=1"),
        &[],
    );
    headed(|head| head.replace("POST /webhooks/live", "POST https://a.example/webhooks/live"), &[]);
    headed(|head| head.lines().skip(1).map(|line| ["  -H '", line, "' \\\n"].concat()).collect(), &[]);
    headed(
        |head| {
            let value = head.split("Signature: ").nth(1).unwrap().lines().next().unwrap();
            format!(
                r#"{{"httpMethod":"POST","path":"/webhooks/live","headers":{{"stripe-signature":"{value}"}}}}"#
            )
        },
        &[],
    );
}

#[test]
fn what_happened_to_the_header_is_named() {
    headed(|_| "POST /webhooks/live HTTP/1.1\nHost: a\n".to_owned(), &["missing_header"]);
    headed(|_| "nothing that is a header".to_owned(), &["missing_header"]);
    headed(|head| head.replace("Stripe-Signature", "X-Stripe-Signature"), &["renamed_header"]);
    headed(|head| head.replace("Stripe-Signature", "X-Webhook-Proof"), &["renamed_header"]);
    headed(|head| head.replace("Stripe-Signature", "HTTP_STRIPE_SIGNATURE"), &["respelled_header"]);
    headed(|head| head.replace(",v1=", ",\r\n  v1="), &["folded_header"]);
    headed(
        |head| head.replace(": t=", ": \"t=").replace("\r\nContent-Type", "\"\r\nContent-Type"),
        &["header_changed"],
    );
    headed(|head| head.replace("v1=", "v1= "), &["header_changed"]);
    headed(|head| head.replace(",v1=", ";v1="), &["header_changed"]);
    headed(|head| head.replace("v1=", "v0="), &["only_v0"]);
    headed(|head| head.replace("v1=", "v1=…"), &["cut_header"]);
    headed(|head| head.split("v1=").next().unwrap().to_owned() + "v1=0123456789abcdef\n", &["cut_header"]);
    headed(|head| head.replace(": t=", ": x="), &["malformed_header"]);
    headed(|head| head.replace(": t=", ": t=1,t="), &["malformed_header"]);
}

#[test]
fn where_it_was_sent_counts() {
    headed(|head| head.replace("POST", "GET"), &["method"]);
    headed(|head| head.replace("/webhooks/live", "/webhook"), &["path"]);
    headed(|head| head.replace("/webhooks/live", "/api/webhooks/live"), &["path"]);
    headed(|head| head.replace("/webhooks/live", "/Webhooks/Live"), &["path"]);
    headed(|head| head.replace("/webhooks/live", "/webhooks/test"), &["other_endpoint"]);
    check(&Sent { path: Some("/nowhere"), ..sent() }, &["path"]);
}

#[test]
fn what_happened_to_the_body_is_named() {
    let value: serde_json::Value = serde_json::from_str(BODY).unwrap();
    let compact = String::from_utf8(layout::compact(BODY.as_bytes())).unwrap();
    let escaped = String::from_utf8(spelling::escaped(BODY.as_bytes()).unwrap()).unwrap();
    carried(format!("{BODY}\n"), "whitespace around it");
    carried(format!("\u{feff}{BODY}"), "byte order mark");
    carried(BODY.replace('\n', "\r\n"), "from LF to CRLF");
    carried(compact.clone(), "indented by two spaces");
    carried(compact.replace("\":", "\": ").replace(",\"", ", \""), "indented by two spaces");
    carried(serde_json::to_string_pretty(&value).unwrap(), "members of objects were sorted");
    carried(serde_json::to_string(&value).unwrap(), "members of objects were sorted");
    carried(escaped.clone(), "written as escapes");
    carried(
        escaped.replace('/', "\\/").replace('<', "\\u003c").replace('>', "\\u003E"),
        "written as escapes",
    );
    carried(layout::compact(escaped.as_bytes()), "written as escapes");
    carried(to_base64(BODY.as_bytes()), "base64");
    carried(format!("\"{}\"", to_base64(compact.as_bytes())), "base64");
    carried(serde_json::to_string(BODY).unwrap(), "one JSON string");
    carried(serde_json::json!({ "body": BODY, "headers": {} }).to_string(), "another JSON object");
    carried(
        serde_json::json!({ "body": to_base64(BODY.as_bytes()), "isBase64Encoded": true }).to_string(),
        "another JSON object",
    );
    carried(format!("payload={}", percent(BODY)), "percent-encoded");
    carried(percent(BODY), "percent-encoded");
    carried(BODY.bytes().map(char::from).collect::<String>(), "Latin-1");
}

fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| (bits << 8) | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn percent(text: &str) -> String {
    let digits = hex::encode_upper(text);
    digits.as_bytes().chunks(2).flat_map(|octet| [b"%", octet].concat()).map(char::from).collect()
}

#[test]
fn what_is_signed_without_whitespace_may_be_expanded() {
    let (live, _) = secrets();
    let compact = layout::compact(BODY.as_bytes());
    let signature = sign(&live, &compact, NOW);
    let base = sent();
    check(&Sent { head: format!("Stripe-Signature: {signature}"), ..base }, &["body_changed"]);
}

#[test]
fn a_secret_that_does_not_fit_is_told_with_what_was_tried() {
    let foreign: Secrets = "whsec_other_0123456789".parse().unwrap();
    let signature = sign(&foreign, BODY.as_bytes(), NOW);
    let head = format!("POST /webhooks/test HTTP/1.1\nStripe-Signature: {signature}\n");
    let wrong = Sent { head, ..sent() };
    check(&wrong, &["wrong_secret", "wrong_mode"]);
    let findings = diagnosed(&wrong);
    assert!(findings.iter().any(|found| found.what.contains("live (live), test (test)")), "{findings:?}");
    let changed = Sent { body: BODY.replace("Zo", "Mo").into(), ..sent() };
    check(&changed, &["wrong_secret"]);
}

#[test]
fn an_event_of_another_mode_is_noticed() {
    let body = BODY.replace("\"livemode\": true", "\"livemode\": false");
    let (live, _) = secrets();
    let head = format!("Stripe-Signature: {}", sign(&live, body.as_bytes(), NOW));
    check(&Sent { head, body: body.into(), ..sent() }, &["wrong_mode"]);
    let head = format!("Stripe-Signature: {}", sign(&live, b"no JSON", NOW));
    check(&Sent { head, body: b"no JSON".into(), ..sent() }, &["unreadable_body"]);
}

#[test]
fn clocks_are_judged_when_it_is_known_when_it_came() {
    check(&Sent { arrived: Some(NOW.plus(300)), ..sent() }, &[]);
    check(&Sent { arrived: Some(NOW.plus(301)), ..sent() }, &["too_old"]);
    check(&Sent { arrived: Some(NOW.plus(-301)), ..sent() }, &["too_new"]);
    let (live, _) = secrets();
    let head = format!("Stripe-Signature: {}", sign(&live, BODY.as_bytes(), NOW.plus(-1_000)));
    let copy = Sent { head, arrived: None, ..sent() };
    check(&copy, &["too_old"]);
    assert!(diagnosed(&copy).iter().all(|finding| finding.level < Level::Problem), "a copy is always old");
}

#[test]
fn bodies_that_cannot_be_right_are_told() {
    check(&Sent { body: Vec::new(), ..sent() }, &["body_empty", "wrong_secret"]);
    check(&Sent { body: vec![0x1f, 0x8b, 8], ..sent() }, &["body_compressed", "wrong_secret"]);
    headed(|head| head.replace("Content-Type: application/json", "Content-Length: 1"), &["body_length"]);
}
