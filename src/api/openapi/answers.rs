//! The schemas of the answers that no single type is behind.

use serde_json::{Map, Value, json};

use super::doctor;
use super::kinds::page;
use super::schema::{
    anything, count, flag, integer, joined, list, moment, object, or_null, reference, said, text, word,
};
use crate::api::problem::ProblemKind;
use crate::api::rebuild::{RebuildEnd, RebuildStage};
use crate::engine::FoldOutcome;
use crate::model::feed::Kind;
use crate::model::register::{Decision, Doubt};

/// All of them, by name.
pub(super) fn schemas() -> Map<String, Value> {
    let named = [
        ("Receipt", object([("received", json!({ "const": true })), ("duplicate", flag()), ("id", text())])),
        ("Live", object([("live", json!({ "const": true }))])),
        ("Readiness", readiness()),
        ("Document", said(json!({ "type": "object" }), "This document.")),
        ("Problem", problem()),
        ("Scope", scope()),
        ("Past", past()),
        ("Event", event()),
        ("EventList", page(&reference("Event"))),
        ("Change", change()),
        ("Why", why()),
        ("Explained", explained()),
        ("Tie", tie()),
        ("Observation", observation()),
        ("History", history()),
        ("Diff", diff()),
        ("Stats", stats()),
        ("ConflictList", page(&conflict())),
        ("FeedEntry", feed_entry()),
        (
            "FeedPage",
            object([
                ("data", list(&reference("FeedEntry"))),
                ("next", said(count(), "Where to go on: `after` of the next question.")),
                ("head", said(count(), "The newest entry.")),
            ]),
        ),
        ("Cursor", cursor()),
        ("CursorList", page(&reference("Cursor"))),
        ("Head", head()),
        ("BackupPlan", backup()),
        ("Diagnosis", doctor::diagnosis()),
        ("Differences", differences()),
        ("Rebuild", rebuild()),
    ];
    named.map(|(name, schema)| (name.to_owned(), schema)).into_iter().collect()
}

/// What the provider posts.
pub(super) fn delivery() -> Value {
    json!({
        "required": true, "description": "The event, byte for byte as it was signed.",
        "content": { "application/json": { "schema": {} } },
    })
}

/// What a reader of the feed posts.
pub(super) fn acknowledgement() -> Value {
    let mut body = object([("after", said(count(), "The last entry that is done with; 0 begins anew."))]);
    if let Some(members) = body.as_object_mut() {
        members.insert("additionalProperties".to_owned(), json!(false));
    }
    json!({ "required": true, "content": { "application/json": { "schema": body } } })
}

fn feed_entry() -> Value {
    let standing =
        || said(json!({ "type": ["object", "null"] }), "What was said; its members depend on the kind.");
    let cause = object([
        ("why", word(["event", "rebuild", "policy"])),
        ("event?", text()),
        ("type?", text()),
        ("reducer?", count()),
    ]);
    let members = object([
        ("id", said(count(), "Its place in the feed, from 1 without holes.")),
        ("position", said(count(), "The record that it is true up to.")),
        ("received_at", integer()),
        ("received_at_rfc3339", moment()),
        ("kind", word(Kind::ALL.iter().map(|kind| kind.as_str()))),
        ("object", said(text(), "The object's id; of access and entitlements the customer's.")),
        ("customer", or_null(text())),
        ("from", standing()),
        ("to", standing()),
        ("next_change_at", said(or_null(integer()), "When the clock alone changes it.")),
        ("next_change_at_rfc3339", moment()),
        ("cause", cause),
        ("ambiguous", flag()),
        ("idempotency_key", said(text(), "The same for every delivery of this entry, and of no other one.")),
    ]);
    joined(scope(), &members)
}

fn cursor() -> Value {
    object([
        ("name", text()),
        ("after", said(count(), "The last entry that its reader has done with.")),
        ("lag", said(count(), "How many entries lie behind it.")),
    ])
}

fn readiness() -> Value {
    object([("ready", flag()), ("reasons", list(&text())), ("applied", count()), ("head", count())])
}

fn problem() -> Value {
    let types = ProblemKind::ALL.iter().map(|kind| format!("urn:billfold:problem:{}", kind.as_str()));
    let types: Vec<String> = types.collect();
    let members = object([
        ("type", word(types.iter().map(String::as_str))),
        ("title", said(text(), "The same for every problem of its type.")),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 })),
        ("detail", said(text(), "What happened this time, and what to do.")),
        ("reason?", text()),
        ("parameter?", said(text(), "The parameter that does not fit.")),
        ("allowed?", said(list(&text()), "The parameters that the route takes.")),
        ("scope?", said(text(), "The scope that the token does not have.")),
        ("allow?", said(list(&text()), "The methods that the route takes.")),
        ("scopes?", said(list(&reference("Scope")), "Where the id exists.")),
    ]);
    said(members, "A problem document (RFC 9457).")
}

fn scope() -> Value {
    object([
        ("account", said(or_null(text()), "The connected account; null for your own.")),
        ("livemode", said(flag(), "Live mode, not test mode.")),
    ])
}

fn past() -> Value {
    let members = object([("position?", count()), ("created?", integer()), ("created_rfc3339?", moment())]);
    said(members, "Of which moment the answer is.")
}

fn event() -> Value {
    let provenance = object([("kind", word(["signed", "imported"])), ("secret", or_null(text()))]);
    let subject = object([("object", text()), ("id", text())]);
    object([
        ("id", said(text(), "Its id, or `sha256:` and 64 hex digits in quarantine.")),
        ("type", or_null(text())),
        ("created", or_null(integer())),
        ("created_rfc3339", moment()),
        ("account", or_null(text())),
        ("livemode", or_null(flag())),
        ("api_version", or_null(text())),
        ("position", said(count(), "Its place in the log.")),
        ("received_at", integer()),
        ("received_at_rfc3339", moment()),
        ("provenance", said(provenance, "Whose word it is: the label of the secret that verified it.")),
        (
            "outcome",
            said(word(FoldOutcome::ALL.iter().map(|outcome| outcome.as_str())), "What was made of it."),
        ),
        ("reason", said(or_null(text()), "Why.")),
        ("object", or_null(subject)),
        ("digest", text()),
        ("body_bytes", count()),
        ("body?", said(text(), "The raw body.")),
        ("body_encoding?", word(["utf-8", "hex"])),
        ("status", json!({ "type": "null" })),
        ("customer", json!({ "type": "null" })),
        ("ambiguous", json!({ "type": "null" })),
    ])
}

fn change() -> Value {
    object([("field", text()), ("from", anything()), ("to", anything())])
}

fn why() -> Value {
    let payment =
        object([("id", text()), ("status", text()), ("ambiguous", flag()), ("members", list(&text()))]);
    let members = object([
        ("payment", or_null(payment)),
        ("objects", list(&reference("Explained"))),
        ("omitted", said(count(), "Members of the payment that are not explained.")),
        ("past?", reference("Past")),
    ]);
    joined(scope(), &members)
}

fn explained() -> Value {
    let overruled = object([("fields", list(&text())), ("event", or_null(text()))]);
    let contradiction = object([
        ("field", or_null(text())),
        ("event", or_null(text())),
        ("value", anything()),
        ("value_rfc3339?", moment()),
    ]);
    object([
        ("id", text()),
        ("object", text()),
        ("status", or_null(text())),
        ("ambiguous", flag()),
        ("created_inversion", flag()),
        ("contradictory", flag()),
        ("because", said(text(), "The answer in words.")),
        ("decides", said(reference("Tie"), "The newest second.")),
        ("ties", list(&reference("Tie"))),
        ("overruled", list(&overruled)),
        ("contradictions", list(&contradiction)),
        ("observations", said(list(&reference("Observation")), "The newest events, the newest last.")),
        ("omitted", said(count(), "Older events that are not shown.")),
    ])
}

fn tie() -> Value {
    object([
        ("created", integer()),
        ("created_rfc3339", moment()),
        ("events", count()),
        ("event", said(text(), "The event that decides.")),
        ("decided_by", word(Decision::ALL.iter().map(|decision| decision.as_str()))),
        ("doubt", or_null(word(Doubt::ALL.iter().map(|doubt| doubt.as_str())))),
        ("rests_on", or_null(text())),
    ])
}

fn observation() -> Value {
    let like = object([("how", word(["duplicate", "twin", "same_content"])), ("event", text())]);
    object([
        ("event", text()),
        ("type", text()),
        ("created", integer()),
        ("created_rfc3339", moment()),
        ("status", or_null(text())),
        ("standing", word(["decides", "agrees", "stale"])),
        ("stale_by", or_null(text())),
        ("like", or_null(like)),
        ("proves", list(&text())),
        ("position", or_null(count())),
        ("received_at", or_null(integer())),
        ("received_at_rfc3339", moment()),
        ("changes", or_null(list(&reference("Change")))),
    ])
}

fn history() -> Value {
    let state = object([
        ("created", or_null(integer())),
        ("created_rfc3339", moment()),
        ("status", or_null(text())),
        ("ambiguous", flag()),
        ("deleted", flag()),
        ("events", list(&text())),
        ("changes", or_null(list(&reference("Change")))),
    ]);
    let members = object([
        ("id", text()),
        ("object", text()),
        ("states", said(list(&state), "The newest last.")),
        ("omitted", said(count(), "Older states that are not shown.")),
    ]);
    joined(scope(), &members)
}

fn diff() -> Value {
    let members = object([
        ("id", text()),
        ("object", text()),
        ("from", reference("Past")),
        ("to", said(or_null(reference("Past")), "Null for now.")),
        ("existed", object([("from", flag()), ("to", flag())])),
        ("changes", list(&reference("Change"))),
    ]);
    joined(scope(), &members)
}

fn stats() -> Value {
    let numbers = json!({ "type": "object", "additionalProperties": count() });
    let window = object([
        ("seconds", count()),
        ("accepted", count()),
        ("duplicate", count()),
        ("refused", count()),
        ("refused_by_reason", numbers.clone()),
        ("unreadable", count()),
        ("unexpected", count()),
        ("deliveries", count()),
        ("success_rate", json!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 })),
    ]);
    let by_type = object([("type", or_null(text())), ("outcome", text()), ("count", count())]);
    let feed = object([
        ("head", count()),
        ("through", said(count(), "The position up to which it is made.")),
        ("bytes", count()),
        ("cursors", list(&reference("Cursor"))),
    ]);
    object([
        ("log", reference("Head")),
        ("applied", count()),
        ("lag", count()),
        ("window", window),
        ("by_type", list(&by_type)),
        ("conflicts", count()),
        ("objects", numbers),
        ("ambiguous", count()),
        ("created_inversions", count()),
        ("projection_bytes", count()),
        ("newest_received_at", or_null(integer())),
        ("newest_received_at_rfc3339", moment()),
        ("scopes", list(&reference("Scope"))),
        ("feed", feed),
    ])
}

fn conflict() -> Value {
    object([("id", text()), ("seen_at", integer()), ("seen_at_rfc3339", moment()), ("other_sha256", text())])
}

fn head() -> Value {
    object([("position", count()), ("records", count()), ("digest", text())])
}

fn backup() -> Value {
    let lost = object([("after", count()), ("next", or_null(count()))]);
    let settings = object([("policy", reference("Policy")), ("reference_keys", list(&text()))]);
    let feed = object([
        ("head", said(count(), "The newest entry of the feed.")),
        ("through", said(count(), "The position up to which it is made.")),
        ("snapshot", said(text(), "What the copy of the feed ends with.")),
    ]);
    object([("feed", feed), ("head", reference("Head")), ("lost", list(&lost)), ("settings", settings)])
}

fn differences() -> Value {
    let access = object([
        ("granted", flag()),
        ("decision", text()),
        ("reason", text()),
        ("until", or_null(integer())),
        ("until_rfc3339", moment()),
    ]);
    let sides = object([("from", or_null(access.clone())), ("to", or_null(access))]);
    let status =
        object([("object", text()), ("id", text()), ("from", or_null(text())), ("to", or_null(text()))]);
    let customer = joined(object([("customer", text())]), &sides);
    object([
        ("rows", said(count(), "Rows, of any sort, that are not the same bytes.")),
        ("statuses", list(&joined(status, &scope()))),
        ("access", list(&joined(customer, &scope()))),
        ("access_compared", said(flag(), "Whether access could be compared.")),
        ("cut", said(flag(), "There are more than are named.")),
    ])
}

fn rebuild() -> Value {
    let differences = said(
        or_null(reference("Differences")),
        "Null where none are known, or nothing was there to compare with.",
    );
    let under_way = object([
        ("stage", word(RebuildStage::ALL.iter().map(|stage| stage.as_str()))),
        ("compare", said(flag(), "It waits for a confirmation before the swap.")),
        ("done", said(count(), "Records folded.")),
        ("total", said(count(), "Records in all.")),
        ("per_second", or_null(count())),
        ("remaining_seconds", or_null(count())),
        ("started_at", integer()),
        ("started_at_rfc3339", moment()),
        ("differences", differences.clone()),
    ]);
    let last = object([
        ("outcome", word(RebuildEnd::OUTCOMES)),
        ("started_at", integer()),
        ("started_at_rfc3339", moment()),
        ("ended_at", integer()),
        ("ended_at_rfc3339", moment()),
        ("records", or_null(count())),
        ("changed", said(or_null(flag()), "The state is not the same bytes as before.")),
        ("digest", or_null(text())),
        ("differences", differences),
        ("error", or_null(text())),
    ]);
    object([("under_way", or_null(under_way)), ("last", said(or_null(last), "Since the server started."))])
}
