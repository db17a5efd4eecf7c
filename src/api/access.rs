//! Who may use the product, as an answer: the decision on top, each subscription's own below.

use serde_json::{Value, json};

use crate::engine::AccessAnswer;
use crate::model::time::Seconds;

use super::object::{add_twins, fields, scope_json};
use super::problem::Problem;

/// `granted` is the one member that a gate has to read; the others say why and until when.
pub(super) fn shown(answer: &AccessAnswer, now: Seconds) -> Result<Value, Problem> {
    let mut members = fields(&answer.access)?;
    members.append(&mut scope_json(&answer.scope));
    let mut subscriptions = Vec::with_capacity(answer.subscriptions.len());
    for (id, access) in &answer.subscriptions {
        let mut alone = fields(access)?;
        alone.insert("subscription".to_owned(), json!(id));
        alone.insert("granted".to_owned(), json!(access.decision.grants()));
        subscriptions.push(Value::Object(alone));
    }
    let more = [
        ("object", json!("access")),
        ("granted", json!(answer.access.decision.grants())),
        ("as_of", json!(now)),
        ("customers", json!(answer.customers)),
        ("subscriptions", Value::Array(subscriptions)),
    ];
    members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut members);
    Ok(Value::Object(members))
}
