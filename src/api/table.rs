//! The table of routes: where each is, who may ask it, what it takes and what it answers.
//!
//! The router, the OpenAPI document and the table in docs/api.md are made from it: a route that is not here does not
//! exist. Never answers anything itself.

pub use super::answer_kind::Answer;
use super::parameters;
use super::path::{COLLECTIONS, Captured, Route, collection, decode, template_words};
use super::problem::{Problem, ProblemKind, echo};
pub use super::token_scope::TokenScope;
pub use super::verb::Verb;

/// One route.
#[derive(Debug)]
pub struct Row {
    /// What programs call it; `{collection}` stands for the word in the path.
    pub name: &'static str,
    /// How it is asked.
    pub verb: Verb,
    /// Its path, with `{…}` for what varies.
    pub path: &'static str,
    /// What a token needs for it; none: it is open to everybody.
    pub scope: Option<TokenScope>,
    /// The names of its query parameters. Routes that are not open refuse all others.
    pub takes: &'static [&'static str],
    /// What it answers.
    pub answer: Answer,
    /// What it is, in half a sentence.
    pub is: &'static str,
    pub(super) route: fn(Captured) -> Route,
}

const fn get(
    name: &'static str,
    path: &'static str,
    takes: &'static [&'static str],
    answer: Answer,
    is: &'static str,
    route: fn(Captured) -> Route,
) -> Row {
    Row { name, verb: Verb::Get, path, scope: Some(TokenScope::Read), takes, answer, is, route }
}

impl Row {
    /// Whether a page in a browser may ask it, where the operator allows pages: what is read, and this description.
    #[must_use]
    pub fn is_for_pages(&self) -> bool {
        self.verb == Verb::Get && (self.scope.is_some() || self.path == "/openapi.json")
    }

    const fn open(self) -> Self {
        Self { scope: None, ..self }
    }

    const fn needs(self, scope: TokenScope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    const fn post(self) -> Self {
        Self { verb: Verb::Post, ..self }
    }

    const fn delete(self) -> Self {
        Self { verb: Verb::Delete, ..self }
    }
}

/// Every route.
pub const TABLE: &[Row] = &[
    get(
        "receive",
        "/webhooks/stripe",
        &[],
        Answer::Json("Receipt"),
        "takes a delivery; 200 when it is durable",
        |_| Route::Webhook,
    )
    .open()
    .post(),
    get("live", "/health/live", &[], Answer::Json("Live"), "the process answers", |_| Route::Live).open(),
    get(
        "ready",
        "/health/ready",
        &[],
        Answer::Json("Readiness"),
        "200, or 503 with `reasons` while requests should not come here",
        |_| Route::Ready,
    )
    .open(),
    get(
        "document",
        "/openapi.json",
        &[],
        Answer::Json("Document"),
        "these routes as an OpenAPI 3.1 document; `billfold openapi` prints it",
        |_| Route::Document,
    )
    .open(),
    get(
        "metrics",
        "/metrics",
        &[],
        Answer::Metrics,
        "for Prometheus, in the OpenMetrics text format",
        |_| Route::Metrics,
    ),
    get(
        "list_{collection}",
        "/v1/{collection}",
        parameters::LIST,
        Answer::ListOf,
        "a list, newest first",
        |of| Route::List(of.collection),
    ),
    get(
        "show_{collection}",
        "/v1/{collection}/{id}",
        parameters::SINGLE,
        Answer::OneOf,
        "one object; a payment also by the id of its intent or of any charge, refund or dispute in it",
        |of| Route::Single(of.word, of.collection, of.id),
    ),
    get(
        "customer_access",
        "/v1/customers/{id}/access",
        parameters::SINGLE,
        Answer::Json("Access"),
        "who may use the product: a customer by Stripe's id",
        |of| Route::CustomerAccess(of.id),
    ),
    get(
        "reference_access",
        "/v1/access",
        parameters::REFERENCE,
        Answer::Json("Access"),
        "the same by your own user id",
        |_| Route::ReferenceAccess,
    ),
    get(
        "list_events",
        "/v1/events",
        parameters::EVENTS,
        Answer::Json("EventList"),
        "what was received, newest first",
        |_| Route::Events,
    ),
    get(
        "show_event",
        "/v1/events/{id}",
        parameters::EVENT,
        Answer::Json("Event"),
        "one event; `?body=true` adds its raw body",
        |of| Route::Event(of.id),
    ),
    get(
        "why",
        "/v1/objects/{id}/why",
        parameters::WHY,
        Answer::Json("Why"),
        "which event decides an object's state, and what became of the others; of a payment's id: of its members",
        |of| Route::Why(of.id),
    ),
    get(
        "history",
        "/v1/objects/{id}/history",
        parameters::HISTORY,
        Answer::Json("History"),
        "the states of an object or a payment, each with the events that made it",
        |of| Route::History(of.id),
    ),
    get(
        "diff",
        "/v1/objects/{id}/diff",
        parameters::DIFF,
        Answer::Json("Diff"),
        "what changed of it between two moments",
        |of| Route::Diff(of.id),
    ),
    get(
        "stats",
        "/v1/stats",
        parameters::STATS,
        Answer::Json("Stats"),
        "counts; `?window=24h` is how far the counts at the door look back, in whole hours",
        |_| Route::Stats,
    ),
    get(
        "list_conflicts",
        "/v1/conflicts",
        parameters::SCOPE,
        Answer::Json("ConflictList"),
        "event ids that came with two contents, newest first",
        |_| Route::Conflicts,
    ),
    get(
        "feed",
        "/v1/feed",
        parameters::FEED,
        Answer::Json("FeedPage"),
        "what has changed, in the order of its `id`, behind `after`; with `?wait=30s` it waits for something new. \
         [feed.md](feed.md) says what",
        |_| Route::Feed,
    )
    .needs(TokenScope::Feed),
    get(
        "follow_feed",
        "/v1/feed/events",
        parameters::FOLLOW,
        Answer::Events,
        "the same as server-sent events, without an end; `Last-Event-ID` goes on where a connection broke. So answers \
         `/v1/feed` too, with `Accept: text/event-stream`",
        |_| Route::FeedEvents,
    )
    .needs(TokenScope::Feed),
    get(
        "list_cursors",
        "/v1/feed/cursors",
        &[],
        Answer::Json("CursorList"),
        "readers' places in the feed, and how far they are behind",
        |_| Route::FeedCursors,
    )
    .needs(TokenScope::Feed),
    get(
        "acknowledge",
        "/v1/feed/cursors/{name}",
        &[],
        Answer::Json("Cursor"),
        "`{\"after\": ID}`, as `application/json`: this reader has done with everything up to there",
        |of| Route::Acknowledge(of.id),
    )
    .needs(TokenScope::Feed)
    .post(),
    get(
        "remove_cursor",
        "/v1/feed/cursors/{name}",
        &[],
        Answer::Json("Cursor"),
        "forgets a reader's place",
        |of| Route::RemoveCursor(of.id),
    )
    .needs(TokenScope::Feed)
    .delete(),
    get(
        "doctor",
        "/v1/doctor",
        parameters::DOCTOR,
        Answer::Json("Diagnosis"),
        "is the folder well? `findings`, and the deliveries that were refused last",
        |_| Route::Doctor,
    )
    .needs(TokenScope::Admin),
    get(
        "backup",
        "/v1/backup",
        &[],
        Answer::Json("BackupPlan"),
        "what a backup begins with: `head`, `lost` (ranges that a repair could not save), `settings`",
        |_| Route::Backup,
    )
    .needs(TokenScope::Admin),
    get(
        "log",
        "/v1/log",
        parameters::LOG,
        Answer::Records,
        "stored records behind a position (0 unless said): one block as [design.md](design.md) lays it out, of any \
         length; empty at the end",
        |_| Route::Log,
    )
    .needs(TokenScope::Admin),
    get(
        "feed_log",
        "/v1/feed/log",
        parameters::LOG,
        Answer::Records,
        "entries of the feed behind a number (0 unless said), packed for a backup; empty at the end",
        |_| Route::FeedLog,
    )
    .needs(TokenScope::Admin),
    get(
        "show_rebuild",
        "/v1/rebuild",
        &[],
        Answer::Json("Rebuild"),
        "the rebuild that is under way, with its progress, and how the last one ended",
        |_| Route::Rebuild,
    )
    .needs(TokenScope::Admin),
    get(
        "start_rebuild",
        "/v1/rebuild",
        parameters::REBUILD,
        Answer::Started("Rebuild"),
        "folds the log anew beside the state that serves, which it then replaces; `?diff=true` compares first, and waits for \
         a confirmation",
        |_| Route::StartRebuild,
    )
    .post()
    .needs(TokenScope::Admin),
    get(
        "swap_rebuild",
        "/v1/rebuild/swap",
        &[],
        Answer::Started("Rebuild"),
        "confirms the swap of a rebuild that waits for it; without one it is thrown away after an hour",
        |_| Route::SwapRebuild,
    )
    .post()
    .needs(TokenScope::Admin),
    get(
        "stop_rebuild",
        "/v1/rebuild",
        &[],
        Answer::Started("Rebuild"),
        "stops the rebuild that is under way, or waits; the old state stays",
        |_| Route::StopRebuild,
    )
    .delete()
    .needs(TokenScope::Admin),
];

/// The route that a request asks for.
///
/// # Errors
/// A problem of the kind `no_such_route`, or `method_not_allowed` with the member `allow`.
pub fn look_up(method: &str, path: &str) -> Result<(&'static Row, Route), Problem> {
    let mut verbs = Vec::new();
    for row in TABLE {
        if let Some(captured) = captured(row, path) {
            if row.verb.takes(method) {
                return Ok((row, (row.route)(captured)));
            }
            verbs.push(row.verb);
        }
    }
    if verbs.is_empty() {
        return Err(unknown(path));
    }
    let words = verbs.iter().flat_map(|verb| match verb {
        Verb::Get => ["GET", "HEAD"].as_slice(),
        Verb::Post => &["POST"],
        Verb::Delete => &["DELETE"],
    });
    let allow: Vec<&str> = words.copied().collect();
    let detail = format!("{} takes {} only", template(path), allow.join(", "));
    Err(Problem::new(ProblemKind::MethodNotAllowed, detail).with("allow", allow))
}

/// The form of a path without its ids: what a log line may show. None for one that is nobody's.
#[must_use]
pub fn template(path: &str) -> &'static str {
    let row = TABLE.iter().find(|row| captured(row, path).is_some());
    row.map_or("/v1/{unknown}", |row| row.path)
}

/// Whether a path is one of ours, or would be if it were known: everything under `/v1` is.
#[must_use]
pub fn is_ours(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/") || TABLE.iter().any(|row| captured(row, path).is_some())
}

/// What the path says where the row's has `{…}`; none if it is another path.
fn captured(row: &Row, path: &str) -> Option<Captured> {
    let mut captured = Captured::default();
    let mut said = path.trim_end_matches('/').split('/');
    for word in row.path.split('/') {
        let given = decode(said.next()?)?;
        match word {
            "{collection}" => (captured.word, captured.collection) = collection(&given)?,
            _ if word.starts_with('{') => captured.id = given,
            _ if word != given => return None,
            _ => {}
        }
    }
    said.next().is_none().then_some(captured)
}

fn unknown(path: &str) -> Problem {
    let lists: Vec<&str> = COLLECTIONS.iter().map(|(word, _)| *word).collect();
    let detail = format!(
        "there is no {}: under /v1 there are {}, and as lists and with an id: {}",
        echo(path),
        template_words(TABLE).join(", "),
        lists.join(", ")
    );
    Problem::new(ProblemKind::NoSuchRoute, detail)
}
