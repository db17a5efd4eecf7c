//! The feed as questions and answers: pages of entries, and readers' places among them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::engine::{Billfold, FeedCursor, FeedError, FeedPage, FeedQuery, QueryError};
use crate::model::feed::{Cause, Entry};

use super::Request;
use super::object::{add_twins, rfc3339_millis, scope_json};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemKind};
use super::table::{Verb, look_up};

/// The longest that a question waits for new entries, in seconds.
pub const FEED_WAIT_SECONDS_MAX: u64 = 60;

/// A question for entries, and how long it may wait for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedAsked {
    /// What is asked for.
    pub query: FeedQuery,
    /// How long to wait where there is nothing new.
    pub wait: Duration,
}

/// Reads a question for entries. Whoever names a cursor begins where it stands; whoever comes again after a connection
/// broke says the id of the entry that came last.
///
/// # Errors
/// [`Problem`].
pub fn feed_asked(
    billfold: &Billfold,
    request: &Request<'_>,
    last_event_id: Option<&str>,
) -> Result<FeedAsked, Problem> {
    let (row, _) = look_up(Verb::Get.as_str(), request.path)?;
    let mut asked = asked(billfold, &Parameters::new(request.query, row.takes)?)?;
    if let Some(id) = last_event_id {
        let detail = "the header Last-Event-ID is none of this feed's: it is the `id` of an entry";
        asked.query.after =
            id.trim().parse().map_err(|_| Problem::new(ProblemKind::InvalidParameter, detail))?;
    }
    // Before anybody begins to wait there.
    let (number, head) = (asked.query.after, billfold.feed_head());
    if number > head {
        return Err(QueryError::from(FeedError::Ahead { number, head }).into());
    }
    Ok(asked)
}

pub(super) fn asked(billfold: &Billfold, parameters: &Parameters<'_>) -> Result<FeedAsked, Problem> {
    let mut asked = parameters.feed()?;
    if let Some(name) = parameters.cursor_name() {
        if parameters.has("after") {
            return Err(parameters.refused("as", "goes without `after`: the cursor says where to go on"));
        }
        asked.query.after = billfold.feed_cursor(name)?.unwrap_or(0);
    }
    Ok(asked)
}

/// A page of entries.
pub fn feed_page(page: &FeedPage) -> Value {
    json!({
        "data": page.entries.iter().map(feed_entry).collect::<Vec<_>>(),
        "next": page.next,
        "head": page.head,
    })
}

/// One entry.
#[must_use]
pub fn feed_entry(entry: &Entry) -> Value {
    let mut members = scope_json(&entry.scope);
    let known = [
        ("id", json!(entry.number)),
        ("position", json!(entry.position)),
        ("received_at", json!(entry.received_at.seconds())),
        ("received_at_rfc3339", json!(rfc3339_millis(entry.received_at))),
        ("kind", json!(entry.kind)),
        ("object", json!(entry.object)),
        ("customer", json!(entry.customer)),
        ("from", json!(entry.from)),
        ("to", json!(entry.to)),
        ("next_change_at", json!(entry.next_change_at())),
        ("cause", cause(&entry.cause)),
        ("ambiguous", json!(entry.ambiguous)),
        ("idempotency_key", json!(entry.idempotency_key())),
    ];
    members.extend(known.map(|(name, value)| (name.to_owned(), value)));
    add_twins(&mut members);
    Value::Object(members)
}

fn cause(cause: &Cause) -> Value {
    match cause {
        Cause::Event { event, event_type } => json!({ "why": "event", "event": event, "type": event_type }),
        Cause::Rebuild { reducer } => json!({ "why": "rebuild", "reducer": reducer }),
        Cause::Policy => json!({ "why": "policy" }),
    }
}

/// Every cursor, by name.
pub(super) fn cursors(billfold: &Billfold) -> Result<Value, Problem> {
    let cursors = billfold.feed_cursors()?;
    Ok(json!({ "data": cursors.iter().map(cursor).collect::<Vec<_>>(), "next": null }))
}

pub(super) fn cursor(cursor: &FeedCursor) -> Value {
    let members = [("name", json!(cursor.name)), ("after", json!(cursor.after)), ("lag", json!(cursor.lag))];
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>())
}

/// Puts a cursor where the body says: `{"after": 42}`. Durable when it returns.
///
/// # Errors
/// [`Problem`].
pub fn acknowledge(billfold: &Billfold, name: &str, body: &[u8]) -> Result<Value, Problem> {
    let said = serde_json::from_slice::<Value>(body).ok();
    let members = said.as_ref().and_then(Value::as_object).filter(|members| members.len() == 1);
    let Some(after) = members.and_then(|members| members.get("after")).and_then(Value::as_u64) else {
        let detail = "the body is {\"after\": ID}, with the `id` of the last entry that is done with, or 0";
        return Err(Problem::new(ProblemKind::InvalidBody, detail));
    };
    billfold.acknowledge(name, after)?;
    one_cursor(billfold, name)
}

/// Forgets a cursor, and says where it stood.
///
/// # Errors
/// [`Problem`].
pub fn remove_cursor(billfold: &Billfold, name: &str) -> Result<Value, Problem> {
    let removed = one_cursor(billfold, name)?;
    billfold.remove_feed_cursor(name)?;
    Ok(removed)
}

fn one_cursor(billfold: &Billfold, name: &str) -> Result<Value, Problem> {
    // Checks the name, too.
    let found = billfold.feed_cursor(name)?;
    let Some(after) = found else {
        let detail = "no cursor has this name: the first acknowledgement makes it";
        return Err(Problem::new(ProblemKind::NotFound, detail));
    };
    let lag = billfold.feed_head().saturating_sub(after);
    Ok(cursor(&FeedCursor { name: name.into(), after, lag }))
}
