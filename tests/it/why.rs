//! Why an object is as it is: one story a kind of reason, as JSON and as text, the same in every order of delivery.
//!
//! What is expected lies in `tests/fixtures/why/`, written anew with `BILLFOLD_BLESS=1`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use billfold::api::{self, Problem, ProblemKind, Request};
use billfold::engine::{Billfold, Collection, Explained, ListQuery, ScopeFilter};
use billfold::model::id::ObjectId;
use billfold::model::observation::Snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{NOW, Seed, Stream, fixtures, ingest};

/// When the stories begin.
const START: i64 = 1_767_225_600;

/// What happened, and what is asked about.
struct Story {
    name: &'static str,
    id: &'static str,
    bodies: Vec<String>,
}

fn event(id: &str, event_type: &str, second: i64, object: &Value, previous: Option<Value>) -> String {
    let mut data = json!({ "object": object });
    if let Some(previous) = previous {
        data["previous_attributes"] = previous;
    }
    json!({
        "id": id, "object": "event", "type": event_type, "created": START + second, "livemode": false,
        "api_version": "2025-06-30.basil", "data": data,
    })
    .to_string()
}

fn subscription(id: &str, event_type: &str, second: i64, from: Option<&str>, to: &str) -> String {
    let object = json!({ "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": to, "created": START });
    let event_type = format!("customer.subscription.{event_type}");
    event(id, &event_type, second, &object, from.map(|from| json!({ "status": from })))
}

fn invoice(id: &str, event_type: &str, second: i64, fields: Value, previous: Option<Value>) -> String {
    let mut object = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "created": START, "currency": "eur",
        "amount_due": 1000, "amount_paid": 0, "amount_remaining": 1000, "total": 1000, "subtotal": 1000,
        "attempt_count": 0, "attempted": false, "auto_advance": true, "starting_balance": 0,
        "lines": { "object": "list", "data": [], "has_more": false },
    });
    let Value::Object(fields) = fields else { panic!("fields have names") };
    object.as_object_mut().unwrap().extend(fields);
    event(id, &format!("invoice.{event_type}"), second, &object, previous)
}

fn walks() -> Vec<Story> {
    let sub = subscription;
    let created = || sub("evt_0", "created", 0, None, "trialing");
    vec![
        Story {
            name: "walk",
            id: "sub_1",
            bodies: vec![
                created(),
                sub("evt_1", "updated", 60, Some("trialing"), "active"),
                sub("evt_3", "updated", 60, Some("active"), "past_due"),
                sub("evt_2", "updated", 60, Some("past_due"), "active"),
            ],
        },
        Story {
            name: "closed_walk",
            id: "sub_1",
            bodies: vec![
                created(),
                sub("evt_3", "updated", 60, Some("trialing"), "active"),
                sub("evt_2", "updated", 60, Some("active"), "trialing"),
            ],
        },
        Story {
            name: "twins",
            id: "sub_1",
            bodies: vec![
                sub("evt_0", "created", 0, None, "paused"),
                sub("evt_1", "updated", 60, Some("paused"), "active"),
                sub("evt_2", "resumed", 60, None, "active"),
                sub("evt_3", "updated", 60, Some("paused"), "active"),
            ],
        },
        Story {
            name: "doubt_travels",
            id: "sub_1",
            bodies: vec![
                sub("evt_1", "updated", 0, Some("active"), "past_due"),
                sub("evt_2", "updated", 0, Some("past_due"), "active"),
                sub("evt_3", "updated", 60, Some("active"), "past_due"),
                sub("evt_4", "updated", 60, Some("past_due"), "active"),
            ],
        },
        Story {
            name: "terminal",
            id: "sub_1",
            bodies: vec![
                sub("evt_9", "created", 0, None, "active"),
                sub("evt_8", "updated", 0, Some("active"), "past_due"),
                sub("evt_7", "deleted", 0, None, "canceled"),
            ],
        },
    ]
}

fn invoices() -> Vec<Story> {
    let draft = || invoice("evt_9", "created", 0, json!({ "status": "draft", "total": 1100 }), None);
    let open = |attempts: i64| json!({ "status": "open", "attempt_count": attempts });
    let paid = || json!({ "status": "paid", "attempt_count": 1, "amount_paid": 1000, "paid": true });
    let paid_at = |second: i64| json!({ "status_transitions": { "paid_at": START + second } });
    let with = |mut fields: Value, more: Value| {
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    vec![
        Story {
            name: "creation",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_1", "updated", 0, json!({ "status": "draft", "total": 900 }), None),
            ],
        },
        Story {
            name: "lifecycle_rank",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_8", "updated", 0, json!({ "status": "draft" }), Some(json!({ "total": 1100 }))),
                invoice("evt_7", "finalized", 0, open(0), None),
            ],
        },
        Story {
            name: "numbers",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_3", "finalized", 60, open(0), None),
                invoice("evt_2", "payment_failed", 60, open(1), None),
            ],
        },
        Story {
            name: "change",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_2", "sent", 60, json!({ "status": "open", "total": 1000 }), None),
                invoice("evt_1", "updated", 60, json!({ "status": "open", "total": 900 }), None),
            ],
        },
        Story {
            name: "type_rank",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_1", "payment_failed", 60, open(1), None),
                invoice("evt_2", "updated", 60, with(open(1), json!({ "total": 900 })), None),
            ],
        },
        Story {
            name: "event_id",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_1", "payment_failed", 60, open(1), None),
                invoice("evt_2", "payment_failed", 60, with(open(1), json!({ "total": 900 })), None),
            ],
        },
        Story {
            name: "overruled",
            id: "in_1",
            bodies: vec![
                draft(),
                invoice("evt_2", "paid", 60, with(paid(), paid_at(60)), None),
                invoice("evt_1", "updated", 61, open(1), None),
            ],
        },
        Story {
            name: "contradictory",
            id: "in_1",
            bodies: vec![
                invoice("evt_3", "paid", 60, with(paid(), paid_at(60)), None),
                invoice("evt_2", "paid", 61, with(paid(), paid_at(61)), None),
                invoice("evt_1", "voided", 62, json!({ "status": "void" }), None),
            ],
        },
    ]
}

fn payments() -> Vec<Story> {
    let object = |id: &str, object: &str, status: &str| {
        json!({
            "id": id, "object": object, "status": status, "amount": 1000, "currency": "eur", "created": START,
            "payment_intent": "pi_1", "charge": "ch_1", "customer": "cus_1", "paid": status == "succeeded",
            "amount_captured": 1000, "captured": true, "amount_refunded": 0, "refunded": false, "disputed": false,
        })
    };
    let intent = |status: &str, received: i64| {
        json!({
            "id": "pi_1", "object": "payment_intent", "status": status, "amount": 1000, "currency": "eur",
            "created": START, "customer": "cus_1", "amount_received": received, "amount_capturable": 0,
            "latest_charge": "ch_1",
        })
    };
    let named_rule = Story {
        name: "named_rule",
        id: "pi_1",
        bodies: vec![
            event("evt_2", "payment_intent.requires_action", 0, &intent("requires_action", 0), None),
            event("evt_1", "payment_intent.processing", 0, &intent("processing", 0), None),
        ],
    };
    let payment = Story {
        name: "payment",
        id: "pi_1",
        bodies: vec![
            event("evt_1", "payment_intent.created", 0, &intent("requires_payment_method", 0), None),
            event("evt_2", "payment_intent.succeeded", 60, &intent("succeeded", 1000), None),
            event("evt_3", "charge.succeeded", 60, &object("ch_1", "charge", "succeeded"), None),
            event("evt_4", "refund.created", 120, &object("re_1", "refund", "pending"), None),
            event(
                "evt_5",
                "refund.updated",
                120,
                &object("re_1", "refund", "succeeded"),
                Some(json!({ "status": "pending" })),
            ),
        ],
    };
    vec![named_rule, payment]
}

fn stories() -> Vec<Story> {
    walks().into_iter().chain(invoices()).chain(payments()).collect()
}

fn holding(bodies: &[String]) -> (TempDir, Billfold) {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    ingest(&billfold, bodies);
    (folder, billfold)
}

fn ask(billfold: &Billfold, id: &str, query: &[(&str, &str)]) -> Result<Value, Problem> {
    let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    api::answer(billfold, &Request { path: &api::path(&["objects", id, "why"]), query: &query, now: NOW })
}

/// Without what depends on the order of delivery.
fn orderless(mut answer: Value) -> Value {
    for object in answer["objects"].as_array_mut().unwrap() {
        for observation in object["observations"].as_array_mut().unwrap() {
            let observation = observation.as_object_mut().unwrap();
            for member in ["position", "received_at", "received_at_rfc3339"] {
                assert!(!observation.remove(member).expect(member).is_null());
            }
        }
    }
    answer
}

fn expected(name: &str) -> PathBuf {
    fixtures().join("why").join(name)
}

/// Compares a file with what was answered, or writes it.
#[track_caller]
fn check(name: &str, found: &str) {
    if std::env::var_os("BILLFOLD_BLESS").is_some() {
        std::fs::create_dir_all(fixtures().join("why")).unwrap();
        std::fs::write(expected(name), found).unwrap();
    }
    let file = std::fs::read_to_string(expected(name)).unwrap_or_default();
    assert!(
        file == found,
        "{name} is not what was answered; if it should be, set BILLFOLD_BLESS=1:\n{found}"
    );
}

#[test]
fn every_story_is_explained_the_same_in_every_order() {
    for story in stories() {
        let mut bodies = story.bodies.clone();
        let mut seed = Seed::new(story.name.len() as u64);
        let mut first = None;
        for _ in 0..4 {
            let (_folder, billfold) = holding(&bodies);
            let answer = orderless(ask(&billfold, story.id, &[]).unwrap());
            let text = serde_json::to_string_pretty(&answer).unwrap() + "\n";
            match &first {
                None => check(&format!("{}.json", story.name), &text),
                Some(first) => assert_eq!(*first, text, "{}", story.name),
            }
            first.get_or_insert(text);
            seed.shuffle(&mut bodies);
        }
    }
}

/// The same by the command line, in the order in which it happened.
#[cfg(feature = "cli")]
#[test]
fn every_story_can_be_read() {
    for story in stories() {
        let (folder, billfold) = holding(&story.bodies);
        drop(billfold);
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_billfold"))
            .args(["why", story.id, "--data", folder.path().to_str().unwrap()])
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}: {}", story.name, String::from_utf8_lossy(&ran.stderr));
        check(&format!("{}.txt", story.name), &String::from_utf8(ran.stdout).unwrap());
    }
}

#[test]
fn scopes_are_told_apart() {
    let live = walks().remove(0).bodies.remove(0).replace("\"livemode\":false", "\"livemode\":true");
    let live = live.replace("evt_0", "evt_live");
    let test = walks().remove(0).bodies.remove(0);
    let (_folder, billfold) = holding(&[live, test]);
    let problem = ask(&billfold, "sub_1", &[]).unwrap_err();
    assert_eq!(problem.kind(), ProblemKind::SeveralScopes);
    assert_eq!(problem.to_json()["scopes"].as_array().unwrap().len(), 2);
    let answer = ask(&billfold, "sub_1", &[("livemode", "true"), ("account", "self")]).unwrap();
    assert_eq!(answer["livemode"], true);
    assert_eq!(answer["objects"][0]["observations"][0]["event"], "evt_live");
    assert_eq!(ask(&billfold, "sub_2", &[]).unwrap_err().kind(), ProblemKind::NotFound);
    assert_eq!(ask(&billfold, "a b", &[]).unwrap_err().kind(), ProblemKind::InvalidId);
    for query in [("limit", "0"), ("limit", "501"), ("status", "active")] {
        let problem = ask(&billfold, "sub_1", &[query]).unwrap_err();
        assert_eq!(problem.kind(), ProblemKind::InvalidParameter);
    }
}

#[test]
fn long_lives_are_cut_and_proofs_are_still_found() {
    let mut bodies = vec![event(
        "evt_gone",
        "customer.deleted",
        0,
        &json!({ "id": "cus_1", "object": "customer", "deleted": true, "created": START }),
        None,
    )];
    for number in 1..=600 {
        let object = json!({
            "id": "cus_1", "object": "customer", "created": START, "name": format!("n{number}"),
        });
        let previous = json!({ "name": format!("n{}", number - 1) });
        bodies.push(event(&format!("evt_{number}"), "customer.updated", number / 2, &object, Some(previous)));
    }
    let (_folder, billfold) = holding(&bodies);
    let answer = ask(&billfold, "cus_1", &[("limit", "7")]).unwrap();
    let object = &answer["objects"][0];
    assert_eq!((object["observations"].as_array().unwrap().len(), &object["omitted"]), (7, &json!(594)));
    assert_eq!(object["overruled"], json!([{ "fields": ["status"], "event": "evt_gone" }]));
    assert_eq!(object["status"], "deleted");
    assert_eq!(object["decides"]["event"], "evt_600");
    let id = ObjectId::parse("cus_1").unwrap();
    let why = billfold.why(&id, &ScopeFilter::default(), 500).unwrap().unwrap();
    assert_eq!(why.objects[0].observed.len(), 500);
}

/// Every object that is listed, payments by their own ids.
fn ids(billfold: &Billfold) -> BTreeSet<ObjectId> {
    let mut ids = BTreeSet::new();
    let query = ListQuery { limit: 500, ..ListQuery::default() };
    for (_, collection) in api::COLLECTIONS {
        match collection {
            Collection::Objects(kind) => {
                let page = billfold.objects(*kind, &query).unwrap();
                ids.extend(page.items.into_iter().map(|shown| shown.object.key.id));
            }
            Collection::Payments => {
                let page = billfold.payments(&query).unwrap();
                ids.extend(page.items.into_iter().map(|row| row.payment.id));
            }
        }
    }
    assert!(ids.len() > 3);
    ids
}

/// A field of the state that differs from the deciding event's, and nobody says why.
fn unexplained(explained: &Explained) -> Option<String> {
    let object = &explained.shown.object;
    let fields = |snapshot: &Snapshot| match serde_json::to_value(snapshot).unwrap() {
        Value::Object(variant) => variant.into_iter().next().unwrap().1,
        other => panic!("{other}"),
    };
    let decides = &explained.explanation.newest.decides;
    let deciding = explained.observed.iter().find(|one| one.line.entry.event == *decides).unwrap();
    let (shown, state) = (fields(deciding.snapshot.as_ref().unwrap()), fields(&object.current()));
    let named = |field: &str| {
        let mut all = explained.evidence.overruled.keys();
        all.any(|about| about.fields(object.key.kind).contains(&field))
    };
    let state = state.as_object().unwrap();
    let differs = state.iter().find(|(field, value)| shown[field.as_str()] != **value && !named(field));
    differs.map(|(field, value)| format!("{field} {value} of {:?}", object.key.id))
}

/// Clocks that lie: whatever overrules the newest event is named, and so is the event that proves it.
#[test]
fn what_overrules_is_named() {
    let mut seed = Seed::new(5);
    let mut overruled = 0;
    for stream in Stream::all("augmented") {
        let bodies: Vec<String> = stream
            .bodies
            .iter()
            .map(|body| {
                let mut event: Value = serde_json::from_str(body).unwrap();
                let late = i64::try_from(seed.below(3) * seed.below(400_000)).unwrap();
                event["created"] = (event["created"].as_i64().unwrap() + late).into();
                event.to_string()
            })
            .collect();
        let (_folder, billfold) = holding(&bodies);
        for id in ids(&billfold) {
            let why = billfold.why(&id, &ScopeFilter::default(), 500).unwrap().expect("it is listed");
            for explained in &why.objects {
                assert_eq!(unexplained(explained), None, "{}", stream.name);
                assert!(explained.evidence.is_complete());
                let object = &explained.shown.object;
                assert_eq!(object.contradictory(), !explained.evidence.contradictions.is_empty());
                assert!(!object.created_inversion() || !explained.evidence.overruled.is_empty());
                overruled += explained.evidence.overruled.len();
            }
        }
    }
    assert!(overruled > 20, "only {overruled} values were overruled");
}

/// Real streams: the explanation agrees with the state, and every change that an event tells is shown.
#[test]
fn recorded_streams_are_explained() {
    for stream in Stream::all("augmented") {
        let (_folder, billfold) = holding(&stream.bodies);
        for id in ids(&billfold) {
            let answer = ask(&billfold, id.as_str(), &[("limit", "500")]).unwrap();
            for object in answer["objects"].as_array().unwrap() {
                let observations = object["observations"].as_array().unwrap();
                let deciding: Vec<_> =
                    observations.iter().filter(|one| one["standing"] == "decides").collect();
                let [decides] = deciding.as_slice() else { panic!("{}: {object}", stream.name) };
                assert_eq!(decides["event"], object["decides"]["event"]);
                assert_eq!(object["ambiguous"], !object["decides"]["doubt"].is_null());
                let overruled = object["overruled"].as_array().unwrap();
                let status = overruled.iter().any(|one| one["fields"][0] == "status");
                assert!(status || decides["status"] == object["status"], "{}: {object}", stream.name);
                assert!(observations.iter().all(|one| !one["position"].is_null()));
            }
        }
    }
}
