//! Questions and answers in JSON, over recorded streams and a few hand-made events.

use std::collections::BTreeSet;

use billfold::api::{self, COLLECTIONS, Problem, ProblemKind, Request};
use billfold::engine::Billfold;
use billfold::model::time::Millis;
use billfold::stripe::delivery::Delivery;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{NOW, Stream, fixtures, ingest};

/// A folder that holds one recorded stream.
fn recorded(name: &str) -> (TempDir, Billfold) {
    let stream = Stream::load(&fixtures().join("corpus/augmented").join(name));
    holding(&stream.bodies)
}

fn holding(bodies: &[String]) -> (TempDir, Billfold) {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    ingest(&billfold, bodies);
    (folder, billfold)
}

/// Asks with a path and an undecoded query, as a URL has them.
fn ask_at(billfold: &Billfold, question: &str, now: Millis) -> Result<Value, Problem> {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    api::answer(billfold, &Request { path, query: &pairs, now })
}

#[track_caller]
fn ask(billfold: &Billfold, question: &str) -> Value {
    ask_at(billfold, question, NOW).unwrap_or_else(|problem| panic!("{question}: {problem}"))
}

#[track_caller]
fn refused(billfold: &Billfold, question: &str, kind: ProblemKind) -> Value {
    let problem = ask_at(billfold, question, NOW).expect_err(question);
    assert_eq!(problem.kind(), kind, "{question}: {problem}");
    problem.to_json()
}

fn data(answer: &Value) -> &[Value] {
    answer["data"].as_array().expect("a list")
}

/// A customer's event, as small as it may be.
fn customer_event(event: &str, customer: &str, livemode: bool, created: i64) -> String {
    let object = json!({
        "id": customer, "object": "customer", "created": created, "livemode": livemode, "email": "a@example.com",
        "metadata": { "user_id": "user 42", "created": "not a time" },
    });
    let event = json!({
        "id": event, "object": "event", "api_version": "2025-03-31.basil", "created": created, "livemode": livemode,
        "type": "customer.created", "data": { "object": object },
    });
    event.to_string()
}

#[test]
fn every_object_of_every_list_has_the_common_members_and_is_found_alone() {
    let (_folder, billfold) = recorded("kitchen_sink");
    let mut filled = BTreeSet::new();
    for (word, _) in COLLECTIONS {
        for object in data(&ask(&billfold, &format!("/v1/{word}?limit=500"))) {
            filled.insert(*word);
            for member in [
                "id",
                "object",
                "status",
                "customer",
                "account",
                "livemode",
                "ambiguous",
                "created",
                "created_rfc3339",
                "created_inversion",
                "contradictory",
            ] {
                assert!(object.get(member).is_some(), "{word} without {member}: {object}");
            }
            assert_eq!(object["account"], Value::Null);
            assert_eq!(object["livemode"], false);
            let alone = ask(&billfold, &api::path(&[word, object["id"].as_str().unwrap()]));
            assert_eq!(alone, *object);
        }
    }
    for word in ["customers", "subscriptions", "invoices", "payments", "refunds", "charges", "products"] {
        assert!(filled.contains(word), "the stream shows no {word}: {filled:?}");
    }
}

#[test]
fn a_payment_has_the_derived_status_beside_the_provider_words() {
    let (_folder, billfold) = recorded("refund_partial_to_full");
    let answer = ask(&billfold, "/v1/payments?status=refunded");
    let [payment] = data(&answer) else { panic!("one payment: {answer}") };
    assert_eq!(payment["object"], "payment");
    assert_eq!(payment["status"], "refunded");
    assert_eq!(payment["intent_status"], "succeeded");
    assert_eq!(payment["charge_status"], "succeeded");
    assert_eq!(payment["amount_refunded"], payment["amount_captured"]);
    assert_eq!(payment["amount_disputed"], 0);
    assert!(payment["currency"].is_string());
    let refunds = payment["refunds"].as_array().unwrap();
    assert!(!refunds.is_empty());
    // Any member's id finds it.
    for member in refunds.iter().chain(payment["charges"].as_array().unwrap()) {
        assert_eq!(ask(&billfold, &api::path(&["payments", member.as_str().unwrap()])), *payment);
    }
    assert_eq!(data(&ask(&billfold, "/v1/payments?status=succeeded")).len(), 0);
    refused(&billfold, "/v1/payments?status=paid", ProblemKind::InvalidParameter);
}

#[test]
fn an_invoice_names_its_payments() {
    let (_folder, billfold) = recorded("past_due_then_recovers");
    let payments: BTreeSet<String> = data(&ask(&billfold, "/v1/payments"))
        .iter()
        .map(|payment| payment["id"].as_str().unwrap().to_owned())
        .collect();
    let invoices = ask(&billfold, "/v1/invoices");
    assert!(!data(&invoices).is_empty());
    for invoice in data(&invoices) {
        assert_eq!(invoice["status"], "paid");
        assert!(invoice["paid_at_rfc3339"].as_str().is_some_and(|moment| moment.ends_with('Z')));
        let named = invoice["payments"].as_array().unwrap();
        assert!(!named.is_empty(), "{invoice}");
        assert!(named.iter().all(|id| payments.contains(id.as_str().unwrap())));
    }
}

#[test]
fn a_deleted_customer_is_still_there() {
    let (_folder, billfold) = recorded("customer_deleted_after_cancel");
    let customer = &data(&ask(&billfold, "/v1/customers"))[0].clone();
    assert_eq!(customer["deleted"], true);
    assert!(customer["deleted_at"].is_i64());
    assert!(customer["deleted_at_rfc3339"].is_string());
    let id = customer["id"].as_str().unwrap();
    let access = ask(&billfold, &format!("/v1/customers/{id}/access"));
    assert_eq!(access["granted"], false);
    assert_eq!(access["decision"], "denied");
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let (_folder, billfold) = recorded("several_customers_interleaved");
    for list in ["customers", "invoices", "payments", "events"] {
        let whole = ask(&billfold, &format!("/v1/{list}?limit=500"));
        assert_eq!(whole["next"], Value::Null);
        let mut paged = Vec::new();
        let mut question = format!("/v1/{list}?limit=2");
        loop {
            let page = ask(&billfold, &question);
            assert!(data(&page).len() <= 2);
            paged.extend(data(&page).to_vec());
            let Some(next) = page["next"].as_str() else { break };
            question = format!("/v1/{list}?limit=2&after={next}");
        }
        assert_eq!(paged, data(&whole), "{list}");
        assert!(paged.len() > 2, "{list}");
    }
}

#[test]
fn a_cursor_survives_restarts_and_a_rebuild() {
    let (folder, first) = recorded("several_customers_interleaved");
    let mut billfold = Some(first);
    for list in ["customers", "payments", "events"] {
        let whole = ask(billfold.as_ref().unwrap(), &format!("/v1/{list}?limit=500"));
        let mut paged = Vec::new();
        let mut question = format!("/v1/{list}?limit=2");
        loop {
            // Closed and opened for every page; folded anew before the second.
            let page = ask(billfold.as_ref().unwrap(), &question);
            if paged.is_empty() {
                billfold.as_ref().unwrap().rebuild(&|_| ()).unwrap();
            }
            paged.extend(data(&page).to_vec());
            let Some(next) = page["next"].as_str() else { break };
            question = format!("/v1/{list}?limit=2&after={next}");
            drop(billfold.take());
            billfold = Some(Billfold::open(folder.path()).unwrap());
        }
        assert_eq!(paged, data(&whole), "{list}");
    }
}

#[test]
fn lists_are_narrowed() {
    let (_folder, billfold) = recorded("several_customers_interleaved");
    let whole = ask(&billfold, "/v1/subscriptions");
    let first = &data(&whole)[0];
    let customer = first["customer"].as_str().unwrap();
    let own = ask(&billfold, &format!("/v1/subscriptions?customer={customer}"));
    assert!(data(&own).iter().all(|it| it["customer"] == customer) && !data(&own).is_empty());
    let canceled = ask(&billfold, "/v1/subscriptions?status=canceled");
    assert!(data(&canceled).iter().all(|it| it["status"] == "canceled") && !data(&canceled).is_empty());
    assert!(data(&canceled).len() < data(&whole).len());
    let (seconds, text) = (first["created"].as_i64().unwrap(), first["created_rfc3339"].as_str().unwrap());
    let from = ask(&billfold, &format!("/v1/subscriptions?created_from={text}"));
    assert!(data(&from).iter().all(|it| it["created"].as_i64() >= Some(seconds)) && !data(&from).is_empty());
    let before = ask(&billfold, &format!("/v1/subscriptions?created_before={seconds}"));
    assert_eq!(data(&from).len() + data(&before).len(), data(&whole).len());
    assert_eq!(data(&ask(&billfold, "/v1/subscriptions?livemode=true")).len(), 0);
    assert_eq!(data(&ask(&billfold, "/v1/subscriptions?account=acct_1")).len(), 0);
    assert_eq!(data(&ask(&billfold, "/v1/subscriptions?account=self")).len(), data(&whole).len());
}

#[test]
fn an_id_in_several_scopes_asks_which() {
    let live = customer_event("evt_live", "cus_1", true, 1_700_000_000);
    let test = customer_event("evt_test", "cus_1", false, 1_700_000_001);
    let (_folder, billfold) = holding(&[live, test]);
    for question in ["/v1/customers/cus_1", "/v1/customers/cus_1/access", "/v1/access?ref=user 42"] {
        let problem = refused(&billfold, question, ProblemKind::SeveralScopes);
        assert_eq!(problem["status"], 409);
        assert_eq!(problem["scopes"].as_array().map(Vec::len), Some(2));
        let glue = if question.contains('?') { '&' } else { '?' };
        let answer = ask(&billfold, &format!("{question}{glue}livemode=true"));
        assert_eq!(answer["livemode"], true);
    }
    let customer = ask(&billfold, "/v1/customers/cus_1?livemode=true&account=self");
    assert_eq!(customer["created_rfc3339"], "2023-11-14T22:13:20Z");
    assert_eq!(customer["email"], "a@example.com");
    assert_eq!(customer["metadata"], json!({ "user_id": "user 42", "created": "not a time" }));
    assert_eq!(customer["deleted"], false);
    let access = ask(&billfold, "/v1/access?ref=user 42&livemode=false");
    assert_eq!(access["reason"], "no_subscription");
    assert_eq!(access["granted"], false);
    assert_eq!(access["as_of"], NOW.seconds().0);
    assert_eq!(access["customers"], json!(["cus_1"]));
}

#[test]
fn no_event_is_left_out_of_a_list_because_bodies_are_long() {
    let body = |number: usize| {
        let mut event: Value =
            serde_json::from_str(&customer_event(&format!("evt_{number}"), "cus_1", false, 1_700_000_000))
                .unwrap();
        event["data"]["object"]["description"] = json!("x".repeat(3_000_000));
        event.to_string()
    };
    let (_folder, billfold) = holding(&(0..14).map(body).collect::<Vec<_>>());
    let (mut positions, mut after) = (Vec::new(), String::new());
    loop {
        let page = ask(&billfold, &format!("/v1/events?limit=9{after}"));
        positions.extend(data(&page).iter().map(|event| event["position"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(positions, (1..=14).rev().collect::<Vec<_>>());
}

#[test]
fn events_are_shown_with_their_proof_but_never_with_the_signature() {
    let body = customer_event("evt_1", "cus_1", false, 1_700_000_000);
    let (_folder, billfold) = holding(std::slice::from_ref(&body));
    let imported = customer_event("evt_2", "cus_2", false, 1_700_000_001);
    let odd = Delivery::vouched(b"\xff\xfe".to_vec(), NOW);
    billfold.ingest_blocking(vec![Delivery::vouched(imported.into_bytes(), NOW), odd]).unwrap();

    let event = ask(&billfold, "/v1/events/evt_1?body=true");
    assert_eq!(event["type"], "customer.created");
    assert_eq!(event["api_version"], "2025-03-31.basil");
    assert_eq!(event["outcome"], "folded");
    assert_eq!(event["object"], json!({ "object": "customer", "id": "cus_1" }));
    assert_eq!(event["provenance"], json!({ "kind": "signed", "secret": "secret-1" }));
    assert_eq!(event["position"], 1);
    assert_eq!(event["received_at"], NOW.seconds().0);
    assert_eq!(event["received_at_rfc3339"], "2027-01-15T08:00:00Z");
    assert_eq!(event["body"], body);
    assert_eq!(event["digest"].as_str().map(str::len), Some(64));
    assert!(!event.to_string().contains("v1="), "the signature is not shown");
    assert_eq!(ask(&billfold, "/v1/events/evt_1").get("body"), None);

    assert_eq!(ask(&billfold, "/v1/events/evt_2")["provenance"]["kind"], "imported");
    let quarantined = ask(&billfold, "/v1/events?outcome=quarantined");
    let id = data(&quarantined)[0]["id"].as_str().unwrap();
    assert!(id.starts_with("sha256:"));
    let alone = ask(&billfold, &api::path(&["events", id]));
    assert_eq!(alone["outcome"], "quarantined");
    let with_body = ask(&billfold, &format!("{}?body=true", api::path(&["events", id])));
    assert_eq!((&with_body["body"], &with_body["body_encoding"]), (&json!("fffe"), &json!("hex")));
    let of_one = ask(&billfold, "/v1/events?object=cus_2");
    assert_eq!(data(&of_one).len(), 1);
    assert_eq!(data(&of_one)[0]["id"], "evt_2");
}

#[test]
fn what_is_not_there_is_said_so() {
    let (_folder, billfold) = holding(&[customer_event("evt_1", "cus_1", false, 1)]);
    for question in [
        "/v1/customers/cus_2",
        "/v1/subscriptions/cus_1",
        "/v1/payments/pi_1",
        "/v1/events/evt_2",
        "/v1/customers/cus_2/access",
        "/v1/access?ref=nobody",
        "/v1/customers/cus_1?livemode=true",
    ] {
        assert_eq!(refused(&billfold, question, ProblemKind::NotFound)["status"], 404);
    }
    refused(&billfold, "/v1/customer", ProblemKind::NoSuchRoute);
    refused(&billfold, "/v1/customers/a%20b", ProblemKind::InvalidId);
    refused(&billfold, "/v1/events/sha256:12", ProblemKind::InvalidId);
    refused(&billfold, "/v1/access", ProblemKind::InvalidParameter);
    let unknown = refused(&billfold, "/v1/customers?colour=red", ProblemKind::InvalidParameter);
    assert_eq!(unknown["parameter"], "colour");
    // A cursor of another list is none of this one's.
    refused(&billfold, "/v1/events?after=00", ProblemKind::InvalidParameter);
    for list in ["customers", "subscriptions", "payments"] {
        for cursor in ["ffffffff", "00", "0000000000000001"] {
            let told =
                refused(&billfold, &format!("/v1/{list}?after={cursor}"), ProblemKind::InvalidParameter);
            assert_eq!(told["parameter"], "after");
        }
    }
}

#[test]
fn an_event_of_another_scope_is_not_there() {
    let (_folder, billfold) = holding(&[customer_event("evt_1", "cus_1", false, 1)]);
    for scope in ["livemode=false", "account=self", "livemode=false&account=self&body=true"] {
        assert_eq!(ask(&billfold, &format!("/v1/events/evt_1?{scope}"))["id"], "evt_1");
    }
    for scope in ["livemode=true", "account=acct_1"] {
        refused(&billfold, &format!("/v1/events/evt_1?{scope}"), ProblemKind::NotFound);
    }
    refused(&billfold, "/v1/events/evt_1?livemode=maybe", ProblemKind::InvalidParameter);
    refused(&billfold, "/v1/stats?livemode=true", ProblemKind::InvalidParameter);
}

#[test]
fn a_cursor_far_beyond_the_log_reads_from_its_end() {
    let (_folder, billfold) = holding(&[customer_event("evt_1", "cus_1", false, 1)]);
    let page = ask(&billfold, "/v1/events?after=ffffffffffffffff");
    assert_eq!(data(&page).len(), 1);
    assert!(page["next"].is_null());
}

#[test]
fn counts_say_how_the_door_is_doing() {
    let body = customer_event("evt_1", "cus_1", false, 1);
    let (_folder, billfold) = holding(&[body.clone(), body]);
    billfold.count_refusal("bad_signature", NOW.seconds());
    let stats = ask(&billfold, "/v1/stats?window=1h");
    assert_eq!(stats["window"]["seconds"], 3_600);
    assert_eq!(stats["window"]["accepted"], 1);
    assert_eq!(stats["window"]["duplicate"], 1);
    assert_eq!(stats["window"]["refused"], 1);
    assert_eq!(stats["window"]["refused_by_reason"], json!({ "bad_signature": 1 }));
    assert_eq!(stats["window"]["success_rate"], 0.6666);
    assert_eq!(stats["log"]["records"], 1);
    assert_eq!(stats["objects"]["customer"], 1);
    assert_eq!(stats["by_type"], json!([{ "type": "customer.created", "outcome": "folded", "count": 1 }]));
    assert_eq!(stats["scopes"], json!([{ "account": null, "livemode": false }]));
    refused(&billfold, "/v1/stats?window=soon", ProblemKind::InvalidParameter);
}

#[test]
fn another_content_under_a_known_id_is_listed() {
    let first = customer_event("evt_1", "cus_1", false, 1);
    let (_folder, billfold) = holding(&[first]);
    assert_eq!(ask(&billfold, "/v1/conflicts"), json!({ "data": [], "next": null }));
    let other = customer_event("evt_1", "cus_2", false, 1);
    billfold.ingest_blocking(vec![Delivery::vouched(other.into_bytes(), NOW)]).unwrap();
    let conflicts = ask(&billfold, "/v1/conflicts");
    assert_eq!(data(&conflicts)[0]["id"], "evt_1");
    assert_eq!(data(&conflicts)[0]["seen_at"], NOW.seconds().0);
    assert_eq!(data(&conflicts)[0]["other_sha256"].as_str().map(str::len), Some(64));
    assert_eq!(data(&ask(&billfold, "/v1/conflicts?livemode=false&account=self")).len(), 1);
    assert_eq!(data(&ask(&billfold, "/v1/conflicts?livemode=true")).len(), 0);
    refused(&billfold, "/v1/conflicts?limit=1", ProblemKind::InvalidParameter);
}
