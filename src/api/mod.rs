//! Questions and answers in JSON: one shape for HTTP and terminal.
//!
//! Never knows HTTP or a terminal, never writes, never decides anything about billing.

mod access;
mod answer_kind;
mod difference;
mod doctor;
mod event;
mod feed;
mod object;
#[cfg(feature = "http")]
mod openapi;
mod operation;
mod parameters;
mod past;
mod path;
mod problem;
mod rebuild;
mod shown;
mod table;
mod token_scope;
mod verb;
mod why;

use serde_json::{Map, Value, json};

use crate::engine::{Billfold, Collection, Cursor, FeedError, ListQuery, QueryError, ScopeFilter};
use crate::log::RecordId;
use crate::model::derived::payment::PaymentStatus;
use crate::model::id::{EventId, ObjectId};
use crate::model::time::Millis;

pub use difference::differences;
pub use doctor::{doctor, findings_json};
pub use feed::{
    FEED_WAIT_SECONDS_MAX, FeedAsked, acknowledge, feed_asked, feed_entry, feed_page, remove_cursor,
};
#[cfg(feature = "http")]
pub use openapi::document;
pub use operation::{head, health, lost};
pub use parameters::{REFERENCE_BYTES_MAX, WINDOW_SECONDS_DEFAULT, WINDOW_SECONDS_MAX, WORD_BYTES_MAX};
pub use path::{COLLECTIONS, Route, path};
pub use problem::{Problem, ProblemKind};
pub use rebuild::{RebuildEnd, RebuildStage, RebuildState, RebuildUnderWay, rebuild};
pub use table::{Answer, Row, TABLE, TokenScope, Verb, is_ours, look_up, template};

use parameters::Parameters;
use problem::echo;

/// A question. `Debug` shows the form of the path alone: ids and references are about people.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The path, percent-encoded as in a URL (`/v1/customers/cus_1`); [`path()`] makes one.
    pub path: &'a str,
    /// The decoded names and values of the query, in their order.
    pub query: &'a [(String, String)],
    /// What time it is.
    pub now: Millis,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("path", &template(self.path))
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Answers a question from the projections. Blocks for a moment while it reads the disk.
///
/// # Errors
/// [`Problem`]: its kind says whether the caller or the operator has to act.
pub fn answer(billfold: &Billfold, request: &Request<'_>) -> Result<Value, Problem> {
    let now = request.now.seconds();
    let (row, route) = look_up(Verb::Get.as_str(), request.path)?;
    let parameters = &Parameters::new(request.query, row.takes)?;
    if let Some(answer) = past::answer(billfold, &route, parameters)? {
        return Ok(answer);
    }
    match route {
        Route::List(collection) => list(billfold, collection, parameters),
        Route::Single(word, collection, id) => single(billfold, word, collection, &id, parameters),
        Route::Events => {
            let page = billfold.events(&parameters.events()?)?;
            let events = page.items.iter().map(|event| event::shown(event, false));
            Ok(page_json(events.collect(), page.next.as_ref()))
        }
        Route::Event(id) => one_event(billfold, &id, parameters),
        Route::CustomerAccess(id) => {
            let found = billfold.access(&object_id(&id)?, &parameters.scope()?, now)?;
            access::shown(&found.ok_or_else(|| not_found("customers", &id))?, now)
        }
        Route::ReferenceAccess => {
            let found = billfold.access_by_reference(parameters.reference()?, &parameters.scope()?, now)?;
            access::shown(&found.ok_or_else(unknown_reference)?, now)
        }
        Route::Why(id) => {
            let found = billfold.why(&object_id(&id)?, &parameters.scope()?, parameters.limit()?)?;
            why::shown(&found.ok_or_else(|| not_found("objects", &id))?)
        }
        Route::History(id) => {
            let (id, scope) = (object_id(&id)?, parameters.scope()?);
            let found = billfold.history(&id, &scope, parameters.limit()?)?;
            past::history(&found.ok_or_else(|| not_found("objects", id.as_str()))?, &id)
        }
        Route::Diff(id) => past::diff(billfold, &id, parameters),
        Route::Stats => {
            let window = parameters.window()?;
            Ok(operation::stats(&billfold.stats(now, window)?, window))
        }
        Route::Doctor => doctor(billfold, request, None),
        Route::Backup => operation::backup(billfold),
        Route::Feed => {
            let asked = feed::asked(billfold, parameters)?;
            Ok(feed_page(&billfold.feed(&asked.query)?))
        }
        Route::FeedCursors => feed::cursors(billfold),
        Route::Conflicts => Ok(page_json(conflicts(billfold, &parameters.scope()?)?, None)),
        Route::Webhook
        | Route::Live
        | Route::Ready
        | Route::Document
        | Route::Metrics
        | Route::Log
        | Route::Rebuild
        | Route::StartRebuild
        | Route::SwapRebuild
        | Route::StopRebuild
        | Route::FeedEvents
        | Route::FeedLog
        | Route::Acknowledge(_)
        | Route::RemoveCursor(_) => {
            let detail = format!("{} is served over HTTP alone", row.path);
            Err(Problem::new(ProblemKind::NoSuchRoute, detail))
        }
    }
}

/// Whether a rebuild is to wait for a confirmation, as a request to start one says.
///
/// # Errors
/// [`Problem`] for a parameter that does not fit.
pub fn wants_comparison(query: &[(String, String)]) -> Result<bool, Problem> {
    Ok(Parameters::new(query, parameters::REBUILD)?.flag("diff")?.unwrap_or(false))
}

/// Refuses parameters where a route takes none.
///
/// # Errors
/// [`Problem`] for any parameter.
pub fn takes_nothing(query: &[(String, String)]) -> Result<(), Problem> {
    Parameters::new(query, &[]).map(drop)
}

/// The page of stored records that `/v1/log` asks for, packed.
///
/// # Errors
/// As [`answer`].
pub fn records(billfold: &Billfold, request: &Request<'_>) -> Result<Vec<u8>, Problem> {
    let after = Parameters::new(request.query, parameters::LOG)?.position("after")?;
    Ok(billfold.packed_records(after)?)
}

/// The page of entries that `/v1/feed/log` asks for, packed.
///
/// # Errors
/// As [`answer`].
pub fn entries(billfold: &Billfold, request: &Request<'_>) -> Result<Vec<u8>, Problem> {
    let after = Parameters::new(request.query, parameters::LOG)?.position("after")?;
    Ok(billfold.packed_entries(after.get())?)
}

fn single(
    billfold: &Billfold,
    word: &'static str,
    collection: Collection,
    id: &str,
    parameters: &Parameters<'_>,
) -> Result<Value, Problem> {
    let scope = parameters.scope()?;
    let id = object_id(id)?;
    let found = match collection {
        Collection::Objects(kind) => {
            let found = billfold.object(kind, &id, &scope)?;
            found.map(|found| shown::object(billfold, &found)).transpose()?
        }
        Collection::Payments => billfold.payment(&id, &scope)?.map(|row| shown::payment(&row)).transpose()?,
    };
    found.ok_or_else(|| not_found(word, id.as_str()))
}

fn one_event(billfold: &Billfold, id: &str, parameters: &Parameters<'_>) -> Result<Value, Problem> {
    let body = parameters.flag("body")?.unwrap_or(false);
    let scope = parameters.scope()?;
    let found = billfold.event(&record_id(id)?)?.filter(|found| event::is_in(found, &scope));
    found.map(|found| event::shown(&found, body)).ok_or_else(|| not_found("events", id))
}

fn list(billfold: &Billfold, collection: Collection, parameters: &Parameters<'_>) -> Result<Value, Problem> {
    let wanted = list_query(collection, parameters)?;
    match collection {
        Collection::Objects(kind) => {
            let page = billfold.objects(kind, &wanted)?;
            let objects: Result<_, _> =
                page.items.iter().map(|found| shown::object(billfold, found)).collect();
            Ok(page_json(objects?, page.next.as_ref()))
        }
        Collection::Payments => {
            let page = billfold.payments(&wanted)?;
            let payments: Result<_, _> = page.items.iter().map(shown::payment).collect();
            Ok(page_json(payments?, page.next.as_ref()))
        }
    }
}

/// The question for a list. The statuses of payments are ours, and all known.
fn list_query(collection: Collection, parameters: &Parameters<'_>) -> Result<ListQuery, Problem> {
    match collection {
        Collection::Objects(_) => parameters.list(None),
        Collection::Payments => {
            let statuses: Vec<&str> = PaymentStatus::ALL.iter().map(|status| status.as_str()).collect();
            parameters.list(Some(&statuses))
        }
    }
}

/// A conflict lies where the event that stays does.
fn conflicts(billfold: &Billfold, scope: &ScopeFilter) -> Result<Vec<Value>, Problem> {
    let mut shown = Vec::new();
    for conflict in billfold.conflicts() {
        let everywhere = *scope == ScopeFilter::default();
        if everywhere || billfold.event(&conflict.id)?.is_some_and(|found| event::is_in(&found, scope)) {
            shown.push(operation::conflict(&conflict));
        }
    }
    Ok(shown)
}

fn page_json(data: Vec<Value>, next: Option<&Cursor>) -> Value {
    let mut page = Map::new();
    page.insert("data".to_owned(), Value::Array(data));
    page.insert("next".to_owned(), json!(next.map(ToString::to_string)));
    Value::Object(page)
}

fn object_id(text: &str) -> Result<ObjectId, Problem> {
    ObjectId::parse(text).map_err(|invalid| Problem::new(ProblemKind::InvalidId, invalid.to_string()))
}

/// An event's id, or `sha256:` and 64 hex digits for a body in quarantine.
fn record_id(text: &str) -> Result<RecordId, Problem> {
    let Some(digits) = text.strip_prefix("sha256:") else {
        let id = EventId::parse(text)
            .map_err(|invalid| Problem::new(ProblemKind::InvalidId, invalid.to_string()))?;
        return Ok(RecordId::Event(id));
    };
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).map_err(|_| {
        Problem::new(ProblemKind::InvalidId, "after `sha256:` an id in quarantine has 64 hex digits")
    })?;
    Ok(RecordId::Quarantine(hash))
}

fn not_found(word: &str, id: &str) -> Problem {
    let detail = format!(
        "nothing under /v1/{word} has the id {} in the scope asked for: only what a delivered or imported event has \
         shown is known here",
        echo(id)
    );
    Problem::new(ProblemKind::NotFound, detail)
}

fn unknown_reference() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "no customer carries this reference: it is read from a checkout's client_reference_id and from the configured \
         metadata keys",
    )
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::SeveralScopes(scopes) => Self::several_scopes(&scopes),
            QueryError::Cursor(invalid) => {
                Self::new(ProblemKind::InvalidParameter, invalid.to_string()).with("parameter", "after")
            }
            QueryError::PastTooLong => {
                Self::new(ProblemKind::InvalidParameter, error.to_string()).with("parameter", "as_of")
            }
            QueryError::Feed(FeedError::CursorName) => {
                Self::new(ProblemKind::InvalidParameter, error.to_string()).with("parameter", "as")
            }
            QueryError::Feed(FeedError::Ahead { .. } | FeedError::TooManyCursors) => {
                Self::new(ProblemKind::InvalidParameter, error.to_string()).with("parameter", "after")
            }
            QueryError::Log(_) | QueryError::Projection(_) | QueryError::Feed(_) | QueryError::BrokeOff => {
                Self::new(ProblemKind::Unavailable, error.to_string())
            }
        }
    }
}
