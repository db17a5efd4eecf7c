//! Questions about the past: the same answers, as of a moment, and what changed between two.

use serde_json::{Map, Value, json};

use crate::engine::{
    AsOf, Billfold, Border, Collection, History, Past, QueryError, ScopeFilter, Stage, Subject,
};
use crate::model::id::ObjectId;
use crate::model::time::Seconds;

use super::object::{add_twins, rfc3339, scope_json};
use super::parameters::Parameters;
use super::path::Route;
use super::problem::{Problem, ProblemKind, echo};
use super::{access, event, not_found, object_id, page_json, shown, unknown_reference, why};

/// The answer, if the question is about the past.
pub(super) fn answer(
    billfold: &Billfold,
    route: &Route,
    parameters: &Parameters<'_>,
) -> Result<Option<Value>, Problem> {
    // Routes that know no past have refused the parameters like any other that they do not know.
    match parameters.as_of("as_of")? {
        _ if matches!(route, Route::Diff(_)) => Ok(None),
        Some(as_of) => answer_then(billfold, route, parameters, as_of).map(Some),
        None if parameters.has("by_created") => {
            Err(parameters.refused("by_created", "says how `as_of` is meant, which is missing"))
        }
        None => Ok(None),
    }
}

fn answer_then(
    billfold: &Billfold,
    route: &Route,
    parameters: &Parameters<'_>,
    as_of: AsOf,
) -> Result<Value, Problem> {
    match route {
        Route::List(collection) => list(billfold, *collection, parameters, as_of),
        Route::Single(word, collection, id) => {
            let found = single(billfold, *collection, &object_id(id)?, &parameters.scope()?, as_of)?;
            found.ok_or_else(|| not_known_then(word, id))
        }
        Route::Why(id) => {
            let (id, scope) = (object_id(id)?, parameters.scope()?);
            let past = billfold.past_of(std::slice::from_ref(&id), &scope, as_of)?;
            let found = past.view().why(&id, &scope, parameters.limit()?)?;
            let mut answer = why::shown(&found.ok_or_else(|| not_known_then("objects", id.as_str()))?)?;
            mark(&mut answer, &past);
            Ok(answer)
        }
        Route::CustomerAccess(id) => {
            let (past, found) = billfold.past_access(&object_id(id)?, &parameters.scope()?, as_of)?;
            let mut answer =
                access::shown(&found.ok_or_else(|| not_known_then("customers", id))?, past.clock())?;
            mark(&mut answer, &past);
            Ok(answer)
        }
        Route::ReferenceAccess => {
            let (past, found) =
                billfold.past_access_by_reference(parameters.reference()?, &parameters.scope()?, as_of)?;
            let mut answer = access::shown(&found.ok_or_else(unknown_reference)?, past.clock())?;
            mark(&mut answer, &past);
            Ok(answer)
        }
        Route::Events => {
            let (border, page) = billfold.past_events(&parameters.events()?, as_of)?;
            let events = page.items.iter().map(|event| event::shown(event, false));
            let mut answer = page_json(events.collect(), page.next.as_ref());
            mark_as(&mut answer, border);
            Ok(answer)
        }
        _ => Err(Problem::new(ProblemKind::InvalidParameter, "this is only known of now")
            .with("parameter", "as_of")),
    }
}

/// It may be known today.
fn not_known_then(word: &str, id: &str) -> Problem {
    let detail =
        format!("nothing under /v1/{word} had the id {} at that moment, in the scope asked for", echo(id));
    Problem::new(ProblemKind::NotFound, detail)
}

fn single(
    billfold: &Billfold,
    collection: Collection,
    id: &ObjectId,
    scope: &ScopeFilter,
    as_of: AsOf,
) -> Result<Option<Value>, Problem> {
    let past = billfold.past_of(std::slice::from_ref(id), scope, as_of)?;
    let found = match collection {
        Collection::Objects(kind) => {
            past.object(kind, id, scope)?.map(|found| shown::object(past.view(), &found)).transpose()?
        }
        Collection::Payments => past.payment(id, scope)?.map(|row| shown::payment(&row)).transpose()?,
    };
    Ok(found.map(|mut answer| {
        mark(&mut answer, &past);
        answer
    }))
}

fn list(
    billfold: &Billfold,
    collection: Collection,
    parameters: &Parameters<'_>,
    as_of: AsOf,
) -> Result<Value, Problem> {
    let wanted = super::list_query(collection, parameters)?;
    let (past, data, next) = match collection {
        Collection::Objects(kind) => {
            let (past, page) = billfold.past_objects(kind, &wanted, as_of)?;
            let objects: Result<Vec<Value>, Problem> =
                page.items.iter().map(|found| shown::object(past.view(), found)).collect();
            (past, objects?, page.next)
        }
        Collection::Payments => {
            let (past, page) = billfold.past_payments(&wanted, as_of)?;
            let payments: Result<Vec<Value>, Problem> = page.items.iter().map(shown::payment).collect();
            (past, payments?, page.next)
        }
    };
    let mut answer = page_json(data, next.as_ref());
    mark(&mut answer, &past);
    Ok(answer)
}

/// Says of which moment an answer is.
fn mark(answer: &mut Value, past: &Past) {
    mark_as(answer, past.border());
}

fn mark_as(answer: &mut Value, border: Border) {
    if let Some(members) = answer.as_object_mut() {
        members.insert("past".to_owned(), moment(border));
    }
}

fn moment(border: Border) -> Value {
    if border.created < Seconds(i64::MAX) {
        return json!({ "created": border.created, "created_rfc3339": rfc3339(border.created) });
    }
    json!({ "position": border.position })
}

/// The states of an object or a payment, the newest last.
pub(super) fn history(history: &History, id: &ObjectId) -> Result<Value, Problem> {
    let states: Result<Vec<Value>, Problem> = history.states.iter().map(stage).collect();
    let mut members = Map::new();
    if let Some(last) = history.states.last() {
        let (kind, scope) = match &last.state {
            Subject::Object(object) => (object.key.kind.object(), &object.key.scope),
            Subject::Payment(row) => ("payment", &row.scope),
        };
        members.append(&mut scope_json(scope));
        members.insert("object".to_owned(), json!(kind));
    }
    members.insert("id".to_owned(), json!(id));
    members.insert("states".to_owned(), Value::Array(states?));
    members.insert("omitted".to_owned(), json!(history.omitted));
    Ok(Value::Object(members))
}

fn stage(stage: &Stage) -> Result<Value, Problem> {
    let (status, ambiguous, deleted) = match &stage.state {
        Subject::Object(object) => (object.status(), object.ambiguous(), object.deleted()),
        Subject::Payment(row) => (Some(row.payment.status.as_str()), row.payment.ambiguous, false),
    };
    let before = stage.before.as_deref().map(fields_of).transpose()?;
    let changes =
        before.map(|before| Ok::<_, Problem>(changed(before, fields_of(&stage.state)?))).transpose()?;
    let mut members = Map::new();
    let known = [
        ("created", json!(stage.created)),
        ("status", json!(status)),
        ("ambiguous", json!(ambiguous)),
        ("deleted", json!(deleted)),
        ("events", json!(stage.events)),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut members);
    members.insert("changes".to_owned(), json!(changes));
    Ok(Value::Object(members))
}

fn fields_of(subject: &Subject) -> Result<Map<String, Value>, Problem> {
    match subject {
        Subject::Object(object) => shown::state(&object.current()),
        Subject::Payment(row) => super::object::fields(&row.payment),
    }
}

/// The fields that differ, by name.
pub(super) fn changed(mut before: Map<String, Value>, after: Map<String, Value>) -> Vec<Value> {
    let mut changes: Vec<Value> = after
        .into_iter()
        .filter_map(|(field, to)| {
            let from = before.remove(&field).unwrap_or_default();
            (from != to).then(|| json!({ "field": field, "from": from, "to": to }))
        })
        .collect();
    changes.extend(
        before
            .into_iter()
            .filter(|(_, from)| !from.is_null())
            .map(|(field, from)| json!({ "field": field, "from": from, "to": null })),
    );
    changes
}

/// What is different at `to` from what it was at `from`.
pub(super) fn diff(billfold: &Billfold, id: &str, parameters: &Parameters<'_>) -> Result<Value, Problem> {
    let (id, scope) = (object_id(id)?, parameters.scope()?);
    let Some(from) = parameters.as_of("from")? else {
        return Err(Problem::new(
            ProblemKind::InvalidParameter,
            "`from` is missing: it takes the earlier moment",
        )
        .with("parameter", "from"));
    };
    let to = parameters.as_of("to")?;
    let subject = billfold.subject(&id, &scope)?.ok_or_else(|| not_found("objects", id.as_str()))?;
    let at = |as_of| -> Result<(Value, Option<Map<String, Value>>), Problem> {
        let past = billfold.past_of(std::slice::from_ref(&id), &scope, as_of)?;
        Ok((moment(past.border()), fields_then(past.view(), &subject, &id, &scope)?))
    };
    let (from, before) = at(from)?;
    let (to, after) = match to {
        Some(to) => at(to)?,
        None => (Value::Null, fields_then(billfold, &subject, &id, &scope)?),
    };
    let kind = match &subject {
        Subject::Object(object) => object.key.kind.object(),
        Subject::Payment(_) => "payment",
    };
    let mut members = scope_json(match &subject {
        Subject::Object(object) => &object.key.scope,
        Subject::Payment(row) => &row.scope,
    });
    let known = [
        ("id", json!(id)),
        ("object", json!(kind)),
        ("from", from),
        ("to", to),
        ("existed", json!({ "from": before.is_some(), "to": after.is_some() })),
        ("changes", json!(changed(before.unwrap_or_default(), after.unwrap_or_default()))),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    Ok(Value::Object(members))
}

/// The subject's fields in a state; none where it did not exist.
fn fields_then(
    billfold: &Billfold,
    subject: &Subject,
    id: &ObjectId,
    scope: &ScopeFilter,
) -> Result<Option<Map<String, Value>>, Problem> {
    let found: Result<Option<Subject>, QueryError> = match subject {
        Subject::Object(object) => {
            let found = billfold.object(object.key.kind, id, scope);
            found.map(|found| found.map(|shown| Subject::Object(Box::new(shown.object))))
        }
        Subject::Payment(_) => {
            billfold.payment(id, scope).map(|found| found.map(|row| Subject::Payment(Box::new(row))))
        }
    };
    found?.as_ref().map(fields_of).transpose()
}
