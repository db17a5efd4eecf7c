//! Objects: every kind in one shape, the common members over the fields of its snapshot.
//!
//! Never decides anything: it shows what the fold made. Times are Unix seconds, each with its RFC 3339 twin.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::id::{ObjectId, Scope};
use crate::model::time::{Millis, Seconds};

use super::problem::{Problem, ProblemKind};

/// Every member that is a time, wherever it stands. A test holds the list against the fields of the model.
pub(super) const TIME_FIELDS: &[&str] = &[
    "billing_cycle_anchor",
    "cancel_at",
    "canceled_at",
    "completed_at",
    "created",
    "current_period_end",
    "current_period_start",
    "current_phase_end",
    "current_phase_start",
    "deletes_after",
    "due_by",
    "due_date",
    "end",
    "ended_at",
    "ends_at",
    "expires_at",
    "finalized_at",
    "frozen_time",
    "marked_uncollectible_at",
    "next_change_at",
    "next_payment_attempt",
    "paid_at",
    "period_end",
    "period_start",
    "released_at",
    "resumes_at",
    "since",
    "start",
    "start_date",
    "trial_end",
    "trial_start",
    "until",
    "updated",
    "voided_at",
];

/// Times that are read by a method, or that only answers have.
const TIME_FIELDS_OF_ANSWERS: &[&str] = &["as_of", "deleted_at", "seen_at", "started_at", "status_since"];

/// The merchant's own keys and values: nothing in there is a time of ours.
pub(super) const OPAQUE_FIELD: &str = "metadata";

/// What every object has, whatever its kind.
pub(super) struct Header<'a> {
    pub(super) id: &'a ObjectId,
    pub(super) object: &'static str,
    pub(super) status: Option<&'a str>,
    pub(super) customer: Option<&'a ObjectId>,
    pub(super) scope: &'a Scope,
    pub(super) created: Option<Seconds>,
    pub(super) ambiguous: Option<bool>,
    pub(super) created_inversion: Option<bool>,
    pub(super) contradictory: Option<bool>,
}

/// The fields of `content`, flat, with the common members laid over them, and the twins of the times.
pub(super) fn shown(header: &Header<'_>, content: &impl Serialize) -> Result<Map<String, Value>, Problem> {
    let mut object = fields(content)?;
    object.append(&mut scope_json(header.scope));
    let common = [
        ("id", json!(header.id)),
        ("object", json!(header.object)),
        ("status", json!(header.status)),
        ("customer", json!(header.customer)),
        ("created", json!(header.created)),
        ("ambiguous", json!(header.ambiguous)),
        ("created_inversion", json!(header.created_inversion)),
        ("contradictory", json!(header.contradictory)),
    ];
    object.extend(common.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut object);
    Ok(object)
}

/// The fields of a struct, or of the struct inside an enum's variant.
pub(super) fn fields(content: &impl Serialize) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(content) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Problem::new(ProblemKind::Internal, "an answer could not be written as JSON: report this")),
    }
}

/// `account` (null for our own) and `livemode`.
pub(super) fn scope_json(scope: &Scope) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("account".to_owned(), json!(scope.account));
    members.insert("livemode".to_owned(), json!(scope.livemode));
    members
}

/// Puts `x_rfc3339` beside each time `x`, at every depth. A time that is null or beyond the year 9999 has a null twin.
pub(super) fn add_twins(object: &mut Map<String, Value>) {
    let mut twins = Map::new();
    for (name, value) in object.iter_mut().filter(|(name, _)| *name != OPAQUE_FIELD) {
        if is_time(name) {
            twins.insert(
                format!("{name}_rfc3339"),
                json!(value.as_i64().and_then(|seconds| rfc3339(Seconds(seconds)))),
            );
        }
        match value {
            Value::Object(inner) => add_twins(inner),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(add_twins),
            _ => {}
        }
    }
    object.append(&mut twins);
}

/// Whether a member of this name is a time, which has a twin.
pub(super) fn is_time(name: &str) -> bool {
    TIME_FIELDS.contains(&name) || TIME_FIELDS_OF_ANSWERS.contains(&name)
}

/// A second as RFC 3339 text; none where that has no year: before 0 and after 9999.
pub(super) fn rfc3339(seconds: Seconds) -> Option<String> {
    written(Timestamp::from_second(seconds.0).ok()?)
}

/// A millisecond as RFC 3339 text.
pub(super) fn rfc3339_millis(millis: Millis) -> Option<String> {
    written(Timestamp::from_millisecond(millis.0).ok()?)
}

fn written(moment: Timestamp) -> Option<String> {
    let text = moment.to_string();
    // Years before 0 are written with a sign, which the standard does not know.
    (!text.starts_with('-')).then_some(text)
}

#[cfg(test)]
mod tests;
