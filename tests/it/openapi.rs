//! The OpenAPI document: it names every route that the router knows and no other, and every answer is as it says.
//!
//! docs/openapi.json is the document as it was last looked at; `BILLFOLD_BLESS=1` writes it anew.

mod conform;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use billfold::api::{self, Answer, COLLECTIONS, Request, TABLE};
use billfold::engine::Billfold;
use billfold::lab::world::{Scenario, Setting};
use billfold::model::event_type::EventType;
use serde_json::{Value, json};

use crate::docs::check;
use crate::support::{NOW, Stream, ingest};
use conform::conforms;

/// The operations of the document: verb, path, id.
fn documented() -> BTreeSet<(String, String, String)> {
    let document = api::document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter().map(move |(verb, operation)| {
            let id = operation["operationId"].as_str().unwrap();
            (verb.to_uppercase(), path.clone(), id.to_owned())
        })
    });
    operations.collect()
}

#[test]
fn the_document_names_every_route_and_no_other() {
    let mut routed = BTreeSet::new();
    for row in TABLE {
        let words: Vec<&str> = match row.answer {
            Answer::ListOf | Answer::OneOf => COLLECTIONS.iter().map(|(word, _)| *word).collect(),
            _ => vec![""],
        };
        for word in words {
            let path = row.path.replace("{collection}", word);
            let id = row.name.replace("{collection}", word);
            // The router finds this very row, and by no other method that is in use.
            let asked = path.replace("{id}", "x_1");
            let (found, _) = api::look_up(row.verb.as_str(), &asked).unwrap();
            assert_eq!(found.name, row.name, "{asked}");
            assert!(api::look_up("PATCH", &asked).is_err(), "{asked}");
            routed.insert((row.verb.as_str().to_owned(), path, id));
        }
    }
    assert_eq!(documented(), routed);
    let ids: BTreeSet<_> = routed.iter().map(|(_, _, id)| id).collect();
    assert_eq!(ids.len(), routed.len(), "an operation's id is its own");
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let there = document.pointer(reference.trim_start_matches('#'));
                    assert!(there.is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|inner| walk(document, inner));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(document, inner)),
            _ => {}
        }
    }
    let document = api::document();
    walk(&document, &document);
}

#[test]
fn the_document_is_the_one_that_was_looked_at() {
    check("docs/openapi.json", &listed(&api::document()));
}

/// The document with one operation, parameter, response or schema a line: what changes is seen at a glance.
fn listed(document: &Value) -> String {
    fn level(text: &mut String, members: &Value, depth: usize) {
        let members = members.as_object().unwrap();
        for (number, (name, value)) in members.iter().enumerate() {
            let (comma, indent) = (if number > 0 { "," } else { "" }, " ".repeat(depth));
            let _ = write!(text, "{comma}\n{indent}\"{name}\": ");
            match name.as_str() {
                "paths" | "components" | "parameters" | "responses" | "schemas" if value.is_object() => {
                    text.push('{');
                    level(text, value, depth + 1);
                    text.push('}');
                }
                _ => text.push_str(&value.to_string()),
            }
        }
    }
    let mut text = String::from("{");
    level(&mut text, document, 1);
    text.push_str("\n}\n");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *document);
    text
}

/// Asks, and holds the answer against the document; gives it back.
#[track_caller]
fn ask(billfold: &Billfold, document: &Value, path: &str, query: &[(&str, &str)]) -> Value {
    let query: Vec<(String, String)> =
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (row, _) = api::look_up("GET", path).unwrap();
    let word = path.split('/').nth(2).unwrap();
    let place = row.path.replace("{collection}", word);
    let answer = api::answer(billfold, &Request { path, query: &query, now: NOW });
    let response = format!("/paths/{}/get/responses", place.replace('~', "~0").replace('/', "~1"));
    let responses = document.pointer(&response).unwrap();
    let (shown, schema) = match answer {
        Ok(answer) => (answer, responses["200"]["content"]["application/json"]["schema"].clone()),
        Err(problem) => {
            let status = problem.status().to_string();
            assert!(responses.get(&status).is_some(), "{path}: {status} is not documented: {problem}");
            (problem.to_json(), json!({ "$ref": "#/components/schemas/Problem" }))
        }
    };
    if let Err(what) = conforms(document, &schema, &shown) {
        panic!("{path}: {what}\n{shown}");
    }
    shown
}

/// A life that ends with each type that is folded, and what was recorded.
fn streams() -> Vec<Vec<String>> {
    let lives = EventType::all()
        .zip(1..)
        .filter_map(|(last, seed)| Scenario::ending_with(last).play(seed, &Setting::default()));
    let made = lives.flat_map(|life| life.events.iter().map(|event| event.body(0)).collect::<Vec<_>>());
    let recorded = Stream::all("augmented").into_iter().map(|stream| stream.bodies);
    std::iter::once(made.collect()).chain(recorded).collect()
}

#[test]
fn every_answer_is_as_the_document_says() {
    let document = api::document();
    let mut seen = BTreeSet::new();
    for bodies in streams() {
        let folder = tempfile::tempdir().unwrap();
        let billfold = Billfold::open(folder.path()).unwrap();
        ingest(&billfold, &bodies);
        let whole = [("limit", "500")];
        for (word, _) in COLLECTIONS {
            let list = ask(&billfold, &document, &api::path(&[word]), &whole);
            ask(&billfold, &document, &api::path(&[word]), &[("as_of", "@5"), ("limit", "3")]);
            for object in list["data"].as_array().unwrap().iter().take(20) {
                seen.insert(*word);
                let id = object["id"].as_str().unwrap();
                ask(&billfold, &document, &api::path(&[word, id]), &[]);
                for question in ["why", "history"] {
                    ask(&billfold, &document, &api::path(&["objects", id, question]), &[]);
                }
                ask(&billfold, &document, &api::path(&["objects", id, "diff"]), &[("from", "@1")]);
                if *word == "customers" {
                    ask(&billfold, &document, &api::path(&["customers", id, "access"]), &[]);
                    ask(&billfold, &document, &api::path(&["customers", id, "access"]), &[("as_of", "@5")]);
                }
            }
        }
        let events = ask(&billfold, &document, "/v1/events", &whole);
        let event = events["data"][0]["id"].as_str().unwrap();
        ask(&billfold, &document, &api::path(&["events", event]), &[("body", "true")]);
        for path in
            ["/v1/stats", "/v1/doctor", "/v1/conflicts", "/v1/backup", "/v1/access", "/v1/events/evt_none"]
        {
            ask(&billfold, &document, path, &[]);
        }
    }
    let unseen: Vec<_> = COLLECTIONS.iter().filter(|(word, _)| !seen.contains(word)).collect();
    assert!(unseen.is_empty(), "the streams do not show {unseen:?}");
}
