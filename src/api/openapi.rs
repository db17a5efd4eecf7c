//! The OpenAPI 3.1 document, made from the table of routes and from the types that are answered.
//!
//! Never says what the table does not: a route, a parameter or a scope is written once, there.

mod answers;
mod doctor;
mod kinds;
mod parameters;
mod schema;

use serde_json::{Map, Value, json};

use super::path::COLLECTIONS;
use super::problem::ProblemKind;
use super::table::{Answer, Row, TABLE, Verb};
use schema::reference;

/// The whole document: the same for all servers of one version.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for row in TABLE {
        for (path, word, schema) in places(row) {
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                item.insert(row.verb.as_str().to_lowercase(), operation(row, word, &schema));
            }
        }
    }
    let mut schemas = answers::schemas();
    schemas.extend(kinds::Kinds::new().schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Billfold",
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
            "description": "Times are Unix seconds, and each `x` has an `x_rfc3339` beside it. Amounts are minor units of \
                            `currency`. New members and new words may be added.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "headers": { "ETag": {
                "description": "Sent back as `If-None-Match` it is answered 304 as long as nothing has changed.",
                "required": true,
                "schema": { "type": "string" },
            } },
            "parameters": parameters::all(),
            "responses": responses(),
            "schemas": schemas,
            "securitySchemes": { "bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A token with the scope that the operation names. A server without any token answers \
                                programs on its own machine alone.",
            } },
        },
    })
}

/// Where a row is in the document: each collection has a place of its own, as each has its own schema.
fn places(row: &Row) -> Vec<(String, &'static str, Value)> {
    let of = |list: bool| {
        COLLECTIONS.iter().map(move |(word, collection)| {
            let name = kinds::name(*collection);
            let schema = if list { format!("{name}List") } else { name };
            (row.path.replace("{collection}", word), *word, reference(&schema))
        })
    };
    match row.answer {
        Answer::ListOf => of(true).collect(),
        Answer::OneOf => of(false).collect(),
        Answer::Json(name) | Answer::Started(name) => vec![(row.path.to_owned(), "", reference(name))],
        Answer::Metrics | Answer::Records | Answer::Events => vec![(row.path.to_owned(), "", json!({}))],
    }
}

fn operation(row: &Row, word: &str, schema: &Value) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(row.name.replace("{collection}", word)));
    operation.insert("summary".to_owned(), json!(plain(row.is)));
    if let Some(scope) = row.scope {
        operation.insert("security".to_owned(), json!([{ "bearer": [scope.as_str()] }]));
    }
    let parameters: Vec<Value> = parameters::of(row, word).collect();
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    if row.name == "receive" {
        operation.insert("parameters".to_owned(), json!([parameters::signature()]));
        operation.insert("requestBody".to_owned(), answers::delivery());
    }
    if row.name == "acknowledge" {
        operation.insert("requestBody".to_owned(), answers::acknowledgement());
    }
    let mut responses = Map::new();
    let done = if matches!(row.answer, Answer::Started(_)) { "202" } else { "200" };
    responses.insert(done.to_owned(), success(row, word, schema));
    if has_tag(row) {
        responses.insert("304".to_owned(), json!({ "$ref": "#/components/responses/304" }));
    }
    for status in statuses(row) {
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    if row.name == "ready" {
        responses.insert("503".to_owned(), success(row, word, schema));
    }
    operation.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(operation)
}

/// Summaries are written for a page: links become their text.
fn plain(text: &str) -> String {
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    rest.fold(first, |text, rest| text + rest).replace('[', "")
}

fn success(row: &Row, word: &str, schema: &Value) -> Value {
    let content_type = match row.answer {
        Answer::Metrics => "application/openmetrics-text",
        Answer::Records => "application/octet-stream",
        Answer::Events => "text/event-stream",
        _ => "application/json",
    };
    let content =
        if schema.as_object().is_some_and(Map::is_empty) { json!({}) } else { json!({ "schema": schema }) };
    let mut response = json!({ "description": plain(row.is), "content": { content_type: content } });
    if has_tag(row)
        && let Some(members) = response.as_object_mut()
    {
        members.insert("headers".to_owned(), json!({ "ETag": { "$ref": "#/components/headers/ETag" } }));
    }
    if let Some(members) = response.as_object_mut() {
        let links: Map<String, Value> = links(row, word)
            .into_iter()
            .map(|operation| {
                let link =
                    json!({ "operationId": operation, "parameters": { "id": "$response.body#/data/0/id" } });
                (operation, link)
            })
            .collect();
        if !links.is_empty() {
            members.insert("links".to_owned(), Value::Object(links));
        }
    }
    response
}

/// What can be asked about the first item of a list.
fn links(row: &Row, word: &str) -> Vec<String> {
    let more: &[&str] = match (row.answer, word) {
        (Answer::ListOf, "customers") => &["customer_access", "why", "history"],
        (Answer::ListOf, _) => &["why", "history"],
        (Answer::Json("EventList"), _) => return vec!["show_event".to_owned()],
        _ => return Vec::new(),
    };
    more.iter().map(|name| (*name).to_owned()).chain([format!("show_{word}")]).collect()
}

/// Whether answers have a tag, by which they are asked for again.
fn has_tag(row: &Row) -> bool {
    // The feed grows: who asks for it asks for what is new.
    let is_state = !matches!(row.answer, Answer::Metrics | Answer::Events | Answer::Json("FeedPage"));
    row.verb == Verb::Get && row.scope.is_some() && is_state
}

/// The statuses of the problems that a row can end in.
fn statuses(row: &Row) -> Vec<u16> {
    let mut statuses: Vec<u16> = kinds_of(row).into_iter().map(ProblemKind::status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// The problems that a row can end in.
fn kinds_of(row: &Row) -> Vec<ProblemKind> {
    use ProblemKind as Kind;
    let mut kinds = Vec::new();
    if row.scope.is_some() {
        kinds.extend([
            Kind::InvalidParameter,
            Kind::Unauthorized,
            Kind::Forbidden,
            Kind::InsufficientScope,
            Kind::Internal,
            Kind::Unavailable,
        ]);
    }
    if row.path.contains("{id}") || row.takes.contains(&"ref") {
        kinds.extend([Kind::InvalidId, Kind::NotFound, Kind::SeveralScopes]);
    }
    if row.path.starts_with("/v1/rebuild") && row.verb != Verb::Get {
        kinds.extend([Kind::RebuildUnderWay, Kind::NoRebuild]);
    }
    if row.path.contains("{name}") {
        kinds.extend([Kind::NotFound, Kind::InvalidBody, Kind::BodyTooLarge, Kind::RequestTimeout]);
    }
    if row.verb == Verb::Post && row.scope.is_none() {
        kinds.extend([
            Kind::InvalidBody,
            Kind::InvalidSignature,
            Kind::RequestTimeout,
            Kind::BodyTooLarge,
            Kind::Internal,
            Kind::Unavailable,
        ]);
    }
    kinds
}

/// One response a status, with the kinds of problem that it tells.
fn responses() -> Value {
    let mut responses = Map::new();
    responses
        .insert("304".to_owned(), json!({ "description": "Nothing has changed since the tag was given." }));
    for kind in ProblemKind::ALL {
        let same = ProblemKind::ALL.into_iter().filter(|other| other.status() == kind.status());
        let told: Vec<String> = same.map(|kind| format!("`{}`: {}", kind.as_str(), kind.title())).collect();
        let response = json!({
            "description": told.join("; "),
            "content": { "application/problem+json": { "schema": reference("Problem") } },
        });
        responses.insert(kind.status().to_string(), response);
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_their_text_and_nothing_else_is_lost() {
        assert_eq!(plain("a (b) as [c](c.md#d) has, e (f)"), "a (b) as c has, e (f)");
        assert_eq!(plain("a (b), `c`"), "a (b), `c`");
    }
}
