//! The past: what an answer was at a moment is what a folder answers that holds nothing later.

use billfold::api::{self, COLLECTIONS, Request};
use billfold::engine::Billfold;
use billfold::lab::check;
use billfold::lab::delivery::{Order, Plan};
use billfold::lab::world::{Life, Setting};
use billfold::model::time::{Millis, Seconds};
use billfold::stripe::delivery::Delivery;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::NOW;

const START: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

fn folder() -> (TempDir, Billfold) {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    (folder, billfold)
}

fn import(billfold: &Billfold, body: &str, received_at: Millis) {
    let delivery = Delivery::vouched(body.as_bytes().to_vec(), received_at);
    billfold.ingest_blocking(vec![delivery]).unwrap();
}

fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn ask(billfold: &Billfold, path: &[&str], pairs: &[(&str, &str)], now: Seconds) -> Result<Value, String> {
    let request = Request { path: &api::path(path), query: &query(pairs), now: now.into() };
    let answer = api::answer(billfold, &request);
    answer.map_err(|problem| problem.to_json()["detail"].as_str().unwrap().to_owned())
}

/// The same answer, as of now and as of a moment.
fn without_mark(mut answer: Value) -> Value {
    let members = answer.as_object_mut().unwrap();
    members.remove("past");
    answer
}

/// All items of a list, page by page.
fn all(billfold: &Billfold, word: &str, pairs: &[(&str, &str)]) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut pairs = pairs.to_vec();
        pairs.extend(after.iter().map(|after| ("after", after.as_str())));
        let page = ask(billfold, &[word], &pairs, NOW.seconds()).unwrap();
        items.extend(page["data"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => return items,
        }
    }
}

/// Every list, object, payment, access and explanation is as in a folder that knows no more.
#[track_caller]
fn assert_same(billfold: &Billfold, as_of: &[(&str, &str)], then: &Billfold, clock: Seconds, place: &str) {
    for (word, _) in COLLECTIONS {
        let expected = all(then, word, &[]);
        assert_eq!(all(billfold, word, &[as_of, &[("limit", "7")]].concat()), expected, "{place}: {word}");
        for item in &expected {
            let id = item["id"].as_str().unwrap();
            let found = ask(billfold, &[word, id], as_of, clock).unwrap();
            assert_eq!(&without_mark(found), item, "{place}: {word} {id}");
        }
        if *word == "customers" {
            for item in &expected {
                let path = ["customers", item["id"].as_str().unwrap(), "access"];
                let found = without_mark(ask(billfold, &path, as_of, clock).unwrap());
                assert_eq!(found, ask(then, &path, &[], clock).unwrap(), "{place}: access");
            }
        }
        if *word == "subscriptions" {
            for item in &expected {
                let path = ["objects", item["id"].as_str().unwrap(), "why"];
                let found = ask(billfold, &path, as_of, clock).unwrap();
                let same = ask(then, &path, &[], clock).unwrap();
                assert_eq!(found["objects"][0]["because"], same["objects"][0]["because"], "{place}: why");
            }
        }
    }
}

#[test]
fn what_was_known_then_is_what_a_folder_knows_that_holds_no_more() {
    for seed in 0..3 {
        let life =
            Life::play(check::seed_of(20_261_121, seed), &Setting { steps_max: 10, ..Setting::default() });
        let plan = Plan::ordered(&life.events, seed, Order::Stragglers);
        let bodies: Vec<String> =
            plan.arrivals.iter().map(|arrival| life.events[arrival.event].body(arrival.pending)).collect();
        let (_folder, billfold) = folder();
        let received = |number: usize| Millis(NOW.0 + i64::try_from(number).unwrap() * 60_000);
        for (number, body) in bodies.iter().enumerate() {
            import(&billfold, body, received(number));
        }
        let (_then_folder, then) = folder();
        let border = bodies.len() / 2;
        for (number, body) in bodies.iter().enumerate().take(border) {
            import(&then, body, received(number));
        }
        let last = then.stats(NOW.seconds(), 60).unwrap();
        let clock = last.newest_received_at.unwrap().seconds();
        let place = format!("seed {seed}");
        assert_same(&billfold, &[("as_of", &format!("@{}", last.head.position))], &then, clock, &place);
        // The same moment by a time: just before the next delivery came.
        let time = Seconds(received(border).seconds().0 - 1);
        assert_same(&billfold, &[("as_of", &time.0.to_string())], &then, time, &place);
    }
}

#[test]
fn what_was_true_then_is_what_all_events_made_by_then_say() {
    let life = Life::play(check::seed_of(20_261_121, 7), &Setting { steps_max: 12, ..Setting::default() });
    let bodies: Vec<String> = life.events.iter().map(|event| event.body(1)).collect();
    let created = |body: &String| serde_json::from_str::<Value>(body).unwrap()["created"].as_i64().unwrap();
    let mut moments: Vec<i64> = bodies.iter().map(created).collect();
    moments.sort_unstable();
    let moment = moments[moments.len() * 2 / 3];
    let (_folder, billfold) = folder();
    for body in bodies.iter().rev() {
        import(&billfold, body, NOW);
    }
    let (_then_folder, then) = folder();
    for body in bodies.iter().rev().filter(|body| created(body) <= moment) {
        import(&then, body, NOW);
    }
    let as_of = [("as_of", moment.to_string()), ("by_created", "true".to_owned())];
    let as_of = as_of.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_same(&billfold, &as_of, &then, Seconds(moment), "by created");
}

fn subscription(number: usize, day: i64, from: Option<&str>, to: &str) -> String {
    let object = json!({ "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": to, "created": START });
    let mut data = json!({ "object": object });
    if let Some(from) = from {
        data["previous_attributes"] = json!({ "status": from });
    }
    let event_type = if from.is_some() { "updated" } else { "created" };
    json!({
        "id": format!("evt_{number}"), "object": "event", "created": START + day * DAY, "livemode": false,
        "type": format!("customer.subscription.{event_type}"), "api_version": "2025-06-30.basil", "data": data,
    })
    .to_string()
}

/// Failed on the 10th day, which was heard of on the 20th.
fn late() -> (TempDir, Billfold) {
    let (folder, billfold) = folder();
    let at = |day: i64| Millis((START + day * DAY) * 1_000);
    import(&billfold, &subscription(1, 0, None, "active"), at(0));
    import(&billfold, &subscription(2, 10, Some("active"), "past_due"), at(20));
    import(&billfold, &subscription(3, 15, Some("past_due"), "active"), at(21));
    (folder, billfold)
}

#[test]
fn what_was_known_and_what_was_true_are_two_questions() {
    let (_folder, billfold) = late();
    let status = |day: i64, by_created: &str| {
        let time = (START + day * DAY).to_string();
        let found = ask(
            &billfold,
            &["subscriptions", "sub_1"],
            &[("as_of", &time), ("by_created", by_created)],
            NOW.seconds(),
        );
        found.map(|found| found["status"].as_str().unwrap().to_owned())
    };
    for (day, known, truly) in [
        (0, "active", "active"),
        (12, "active", "past_due"),
        (20, "past_due", "active"),
        (30, "active", "active"),
    ] {
        assert_eq!(status(day, "false").as_deref(), Ok(known), "known on day {day}");
        assert_eq!(status(day, "true").as_deref(), Ok(truly), "true on day {day}");
    }
    assert!(status(-1, "false").unwrap_err().contains("sub_1"), "nothing was known before the first record");
    let access = |day: i64| {
        let time = (START + day * DAY).to_string();
        let path = ["customers", "cus_1", "access"];
        ask(&billfold, &path, &[("as_of", &time), ("by_created", "true")], NOW.seconds()).unwrap()
    };
    assert_eq!((&access(5)["decision"], &access(12)["decision"]), (&json!("allowed"), &json!("grace")));
    assert_eq!(access(12)["as_of"], START + 12 * DAY, "the clock is turned back, too");
}

#[test]
fn a_moment_that_is_none_is_refused_with_what_fits() {
    let (_folder, billfold) = late();
    let refused =
        |path: &[&str], pairs: &[(&str, &str)]| ask(&billfold, path, pairs, NOW.seconds()).unwrap_err();
    let one = ["subscriptions", "sub_1"];
    assert!(refused(&one, &[("as_of", "yesterday")]).contains("@42"));
    assert!(refused(&one, &[("as_of", "@2"), ("by_created", "true")]).contains("needs a time"));
    assert!(refused(&one, &[("by_created", "true")]).contains("as_of"));
    assert!(refused(&["stats"], &[("as_of", "@2")]).contains("not known here"));
    assert!(refused(&["objects", "sub_1", "diff"], &[]).contains("`from` is missing"));
}

#[test]
fn a_history_names_each_state_and_the_events_that_made_it() {
    let (_folder, billfold) = late();
    let history = ask(&billfold, &["objects", "sub_1", "history"], &[], NOW.seconds()).unwrap();
    let states = history["states"].as_array().unwrap();
    let told: Vec<_> = states.iter().map(|state| (&state["status"], &state["events"])).collect();
    let expected = [("active", "evt_1"), ("past_due", "evt_2"), ("active", "evt_3")];
    let expected: Vec<_> = expected.iter().map(|(status, event)| (json!(status), json!([event]))).collect();
    assert_eq!(told, expected.iter().map(|(status, events)| (status, events)).collect::<Vec<_>>());
    assert!(states[0]["changes"].is_null());
    assert_eq!(states[1]["changes"], json!([{ "field": "status", "from": "active", "to": "past_due" }]));
    let newest = ask(&billfold, &["objects", "sub_1", "history"], &[("limit", "1")], NOW.seconds()).unwrap();
    assert_eq!((newest["states"].as_array().unwrap().len(), &newest["omitted"]), (1, &json!(2)));
    assert!(ask(&billfold, &["objects", "sub_2", "history"], &[], NOW.seconds()).is_err());
}

#[test]
fn a_diff_names_what_changed_between_two_moments() {
    let (_folder, billfold) = late();
    let diff =
        |pairs: &[(&str, &str)]| ask(&billfold, &["objects", "sub_1", "diff"], pairs, NOW.seconds()).unwrap();
    let changes = diff(&[("from", "@1"), ("to", "@2")])["changes"].clone();
    assert_eq!(changes, json!([{ "field": "status", "from": "active", "to": "past_due" }]));
    assert_eq!(diff(&[("from", "@1")])["changes"], json!([]), "there and back");
    let born = diff(&[("from", "@0"), ("to", "@1")]);
    assert_eq!(born["existed"], json!({ "from": false, "to": true }));
}

#[test]
fn a_payment_has_a_history_of_its_own() {
    let event = |number: i64, event_type: &str, object: Value| {
        json!({
            "id": format!("evt_{number}"), "object": "event", "created": START + number, "livemode": false,
            "type": event_type, "api_version": "2025-06-30.basil", "data": { "object": object },
        })
        .to_string()
    };
    let charge = |number: i64, event_type: &str, status: &str, refunded: i64| {
        let object = json!({ "id": "ch_1", "object": "charge", "created": START, "payment_intent": "pi_1", "amount": 1000,
            "amount_captured": 1000, "amount_refunded": refunded, "currency": "eur", "status": status, "paid": true,
            "captured": true, "refunded": refunded == 1000 });
        event(number, event_type, object)
    };
    let refund = json!({ "id": "re_1", "object": "refund", "created": START + 3, "amount": 400, "currency": "eur",
        "charge": "ch_1", "payment_intent": "pi_1", "status": "succeeded" });
    let bodies = [charge(1, "charge.succeeded", "succeeded", 0), event(3, "refund.created", refund)];
    let (_folder, billfold) = folder();
    for body in bodies.iter().rev() {
        import(&billfold, body, NOW);
    }
    let id = ask(&billfold, &["payments", "re_1"], &[], NOW.seconds()).unwrap()["id"].clone();
    let history = ask(&billfold, &["objects", id.as_str().unwrap(), "history"], &[], NOW.seconds()).unwrap();
    assert_eq!(history["object"], "payment");
    let statuses: Vec<&Value> =
        history["states"].as_array().unwrap().iter().map(|state| &state["status"]).collect();
    assert_eq!(statuses, ["succeeded", "partially_refunded"]);
}
