//! Secrets, signatures and people pass through everything that the program says; none of it holds any of them.

use super::configuring::{Configured, LIVE, TWO, header};
use super::*;

const TOKEN: &str = "needle-token-0123456789abcdef";
/// What belongs to a person, in a body.
const PERSON: [&str; 4] = ["needle.person@example.com", "Needle Person", "+4930needle", "Needle Street 7"];
/// What must not even be in a log line: ids say who buys what.
const IDS: [&str; 4] = ["cus_needle", "evt_needle", "acct_needle", "user_needle"];

fn body() -> String {
    let [email, name, phone, street] = PERSON;
    let object = json!({
        "id": "cus_needle", "object": "customer", "created": 1, "livemode": true, "email": email, "name": name,
        "phone": phone, "address": { "line1": street }, "metadata": { "user_id": "user_needle" },
    });
    json!({
        "id": "evt_needle", "object": "event", "type": "customer.created", "created": 1, "livemode": true,
        "api_version": "2025-03-31.basil", "data": { "object": object },
    })
    .to_string()
}

#[track_caller]
fn hides(what: &str, text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(!text.contains(needle), "{needle} is in {what}:\n{text}");
    }
}

/// Good and bad requests with everything in them that should not be repeated; what was answered, but for the state itself.
fn passes_through(served: &super::serving::Served, signed: &str) -> String {
    let body = body();
    let [email, ..] = PERSON;
    let deliver = |path: &str, header: &str, body: &str| {
        let length = body.len();
        served.send(
            format!("POST {path} HTTP/1.1\r\nHost: a\r\n{header}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
                .as_bytes(),
        )
    };
    let get = |path: &str, token: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        served
            .send(format!("{head}Authorization: Bearer {token}\r\nX-Request-Id: {email}\r\n\r\n").as_bytes())
    };
    let answers = [
        deliver("/webhooks/live", signed, &body),
        deliver("/webhooks/live", signed, &body),
        deliver("/webhooks/live", signed, &body.replace("Needle", "Noodle")),
        deliver("/webhooks/live", &format!("Stripe-Signature: t=1,v1={LIVE}"), &body),
        deliver("/webhooks/live", &format!("Stripe-Signature: {LIVE}"), &body),
        deliver("/webhooks/live", "X-Nothing: 1", &body),
        deliver("/hooks/of-a-test", signed, &body),
        deliver("/health/live", signed, &body),
        get("/v1/customers/cus_none", TOKEN),
        get("/v1/customers?bogus=1", TOKEN),
        get("/v1/customers", LIVE),
        get("/v1/stats", TOKEN),
        get("/metrics", TOKEN),
        get("/health/ready", TOKEN),
        get("/v1/doctor", TOKEN),
    ];
    // What is asked for, the asker knows: only that nothing else comes with it counts, and what the log keeps.
    for asked in
        ["/v1/customers/cus_needle", "/v1/access?ref=user_needle", "/v1/customers?account=acct_needle"]
    {
        get(asked, TOKEN);
    }
    get(&format!("/v1/access?ref={email}"), TOKEN);
    get(&format!("/v1/access?ref=%FF{email}&%zz={email}"), TOKEN);
    get(&format!("/{email}?{email}"), TOKEN);
    served.send(format!("{email} / HTTP/1.1\r\nHost: {email}\r\n\r\n").as_bytes());
    answers.join("\n")
}

/// What the doctor says of a request with everything in it, and a header with a secret in the wrong place.
fn doctor(configured: &Configured, signed: &str) -> Ran {
    let head = format!("POST /hooks/{LIVE} HTTP/1.1\n{LIVE}: {LIVE}\nX-{signed}\nX-A: {}\n", PERSON[0]);
    let (head, body) =
        (configured.place.file("head.txt", &head), configured.place.file("body.json", &body()));
    configured.run(&["doctor", "--headers", path(&head), "--body", path(&body)]).ended(8)
}

#[track_caller]
fn check(format: &str) {
    let configured = Configured::new(TWO);
    let mut command = configured.command(&["serve", "--listen", "127.0.0.1:0", "--log-format", format]);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1").env("BILLFOLD_API_TOKEN", TOKEN);
    let mut served = super::serving::Served::spawn(command);
    let log = served.reading_the_log();
    let body = body();
    let signed = header(&body, LIVE);
    let signature = signed.split("v1=").nth(1).expect("a signature").to_owned();
    let answers = passes_through(&served, &signed);
    let doctor = [served.ask(&["doctor"], Some(TOKEN)), doctor(&configured, &signed)];
    // Reloads that fail, with the secret in the wrong place, and one that does not.
    configured.secret(&format!("{LIVE} {LIVE}"));
    served.signal("-HUP");
    configured.place.file("billfold.toml", &format!("listen = \"{LIVE}\"\n{LIVE} = {LIVE}\n{TWO}"));
    let check = configured.run(&["config", "check"]).ended(2).out;
    let shown = configured.run(&["config", "show"]).ended(2);
    served.signal("-HUP");
    configured.place.file("billfold.toml", TWO);
    configured.secret(LIVE);
    let show = configured.run(&["config", "show", "--json"]).ended(0).out;
    let said = served.greeting.clone() + &served.ended();
    let log = log.join().expect("read");

    let secrets = [LIVE, SECRET, TOKEN, &signature];
    let everything = [
        ("the answers", &answers),
        ("the log", &log),
        ("the output", &said),
        ("the doctor", &doctor[0].out),
        ("the doctor", &doctor[1].out),
        ("the doctor", &doctor[1].err),
        ("config check", &check),
        ("config show", &show),
        ("config show", &shown.out),
        ("config show", &shown.err),
    ];
    for (what, text) in everything {
        hides(what, text, &secrets);
        hides(what, text, &PERSON);
    }
    hides("the log", &log, &IDS);
    hides("the log", &log, &["/hooks/of-a-test"]);
    // It was there to be seen.
    for text in ["bad_signature", "missing_header", "malformed_header", "answered", "DEBUG"] {
        assert!(log.contains(text), "{text} is not in the log:\n{log}");
    }
    assert!(
        doctor[0].out.contains("missing_header") && doctor[1].out.contains("another name"),
        "{}",
        doctor[1].out
    );
    for text in ["\"duplicate\":true", "billfold_refusals_total", "urn:billfold:problem:unauthorized", "405 "]
    {
        assert!(answers.contains(text), "{text} is not in the answers:\n{answers}");
    }
}

#[test]
fn nothing_that_is_said_for_people_holds_a_secret_or_a_person() {
    check("text");
}

#[test]
fn nothing_that_is_said_for_programs_holds_a_secret_or_a_person() {
    check("json");
}
