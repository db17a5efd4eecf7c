//! Why an object is as it is, as an answer: its events with what became of each, and one sentence.
//!
//! Shows what the engine explains; never decides between events itself.

mod sentence;

use serde_json::{Map, Value, json};

use crate::engine::{Explained, Observed, Why};
use crate::model::evidence::{About, Claim};
use crate::model::explain::{Lost, Tie};
use crate::model::id::EventId;
use crate::model::kind::ObjectKind;
use crate::model::observation::Snapshot;
use crate::model::time::Millis;

use super::object::{add_twins, rfc3339, rfc3339_millis, scope_json};
use super::past::changed;
use super::problem::Problem;
use super::shown;

/// The objects of the id, each with its events, and the payment that they belong to.
pub(super) fn shown(why: &Why) -> Result<Value, Problem> {
    let objects: Result<Vec<Value>, Problem> = why.objects.iter().map(object).collect();
    let payment = why.payment.as_ref().map(|row| {
        let payment = &row.payment;
        let members = payment.payment_intent.iter().chain(&payment.charges);
        let members = members.chain(&payment.refunds).chain(&payment.disputes);
        json!({
            "id": payment.id, "status": payment.status.as_str(), "ambiguous": payment.ambiguous,
            "members": members.collect::<Vec<_>>(),
        })
    });
    let mut members = scope_json(&why.scope);
    members.insert("payment".to_owned(), json!(payment));
    members.insert("objects".to_owned(), Value::Array(objects?));
    members.insert("omitted".to_owned(), json!(why.omitted));
    Ok(Value::Object(members))
}

fn object(explained: &Explained) -> Result<Value, Problem> {
    let object = &explained.shown.object;
    let explanation = &explained.explanation;
    let kind = object.key.kind;
    let observations: Result<Vec<Value>, Problem> =
        explained.observed.iter().map(|observed| observation(explained, observed)).collect();
    let overruled = explained.evidence.overruled.iter();
    let overruled: Vec<Value> =
        overruled.map(|(about, event)| json!({ "fields": about.fields(kind), "event": event })).collect();
    let mut members = Map::new();
    let known = [
        ("id", json!(object.key.id)),
        ("object", json!(kind.object())),
        ("status", json!(object.status())),
        ("ambiguous", json!(object.ambiguous())),
        ("created_inversion", json!(object.created_inversion())),
        ("contradictory", json!(object.contradictory())),
        ("because", json!(sentence::of(explained))),
        ("decides", tie(&explanation.newest)),
        ("ties", explanation.ties.iter().map(tie).collect()),
        ("overruled", json!(overruled)),
        ("contradictions", contradictions(explained)),
        ("observations", Value::Array(observations?)),
        ("omitted", json!(explanation.omitted)),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    Ok(Value::Object(members))
}

fn tie(tie: &Tie) -> Value {
    json!({
        "created": tie.second, "created_rfc3339": rfc3339(tie.second), "events": tie.events, "event": tie.decides,
        "decided_by": tie.decided_by, "doubt": tie.doubt, "rests_on": tie.rests_on,
    })
}

fn contradictions(explained: &Explained) -> Value {
    let kind = explained.shown.object.key.kind;
    let claims = explained.evidence.contradictions.iter();
    claims
        .map(|((about, claim), event)| {
            let mut said = Map::new();
            said.insert("field".to_owned(), json!(about.fields(kind).first()));
            said.insert("event".to_owned(), json!(event));
            match claim {
                Claim::End(status) => said.insert("value".to_owned(), json!(status)),
                Claim::Moment(moment) => {
                    said.insert("value_rfc3339".to_owned(), json!(rfc3339(*moment)));
                    said.insert("value".to_owned(), json!(moment))
                }
            };
            Value::Object(said)
        })
        .collect()
}

fn observation(explained: &Explained, observed: &Observed) -> Result<Value, Problem> {
    let line = &observed.line;
    let entry = &line.entry;
    let kin = line.like.as_ref().map(|(how, event)| json!({ "how": how.as_str(), "event": event }));
    let changes = match (&observed.before, &observed.snapshot) {
        (Some(before), Some(after)) => Some(changes(before, after)?),
        _ => None,
    };
    let mut members = Map::new();
    let known = [
        ("event", json!(entry.event)),
        ("type", json!(entry.event_type.name())),
        ("created", json!(entry.created)),
        ("status", json!(entry.facts.status)),
        ("standing", json!(line.standing.as_str())),
        ("stale_by", json!(line.lost.map(Lost::as_str))),
        ("like", json!(kin)),
        ("proves", json!(proved_by(explained, &entry.event))),
        ("position", json!(observed.position)),
        ("received_at", json!(observed.received_at.map(Millis::seconds))),
        ("received_at_rfc3339", json!(observed.received_at.and_then(rfc3339_millis))),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut members);
    members.insert("changes".to_owned(), json!(changes));
    Ok(Value::Object(members))
}

/// The fields that this event proves although another one decides.
fn proved_by(explained: &Explained, event: &EventId) -> Vec<&'static str> {
    let kind: ObjectKind = explained.shown.object.key.kind;
    let proofs = explained.evidence.overruled.iter().filter(|(_, proof)| proof.as_ref() == Some(event));
    proofs.flat_map(|(about, _): (&About, _)| about.fields(kind)).copied().collect()
}

/// The fields that differ, by name.
fn changes(before: &Snapshot, after: &Snapshot) -> Result<Vec<Value>, Problem> {
    Ok(changed(shown::state(before)?, shown::state(after)?))
}
