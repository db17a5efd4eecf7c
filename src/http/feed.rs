//! The feed over HTTP: pages, pages that are waited for, and server-sent events.
//!
//! Whoever waits holds a place of their own, none of those for questions, and leaves when the server shuts down. Never
//! shows an entry that is not durable; never moves a cursor by itself.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use warp::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::{Reply as _, Response};
use warp::sse::Event;
use warp::{Buf, Stream};

use crate::api::{self, Problem, ProblemKind, Request};
use crate::engine::{Billfold, FeedPage, FeedQuery};
use crate::model::time::Millis;

use super::body::{self, Allowance, BodyError};
use super::config::Limits;
use super::receive::fault;
use super::reply;

/// How many pages of the feed are read at once: followers wake up together.
const FEED_READS_MAX: usize = 8;
/// How often somebody who follows hears that nothing has happened, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The entries that are ready for a connection: more of them would only wait in memory.
const AHEAD_ENTRIES_MAX: usize = 16;
/// The longest acknowledgement, in bytes.
const ACKNOWLEDGEMENT_BYTES_MAX: usize = 1_024;

/// The entry that came last before a connection broke.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks nginx not to hold events back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Who waits for new entries, and until when they may.
#[derive(Clone)]
pub(super) struct Followers {
    places: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    /// True when everybody has to leave.
    closing: watch::Receiver<bool>,
    patience: Duration,
}

impl Followers {
    pub(super) fn new(limits: &Limits, closing: watch::Receiver<bool>) -> Self {
        let places = limits.followers_max.min(limits.connections_max / 2).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            reads: Arc::new(Semaphore::new(FEED_READS_MAX)),
            closing,
            patience: limits.wait_timeout,
        }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let detail = "too many readers wait for the feed at once: ask again later, or without waiting";
            Problem::new(ProblemKind::Unavailable, detail).with("reason", "crowded")
        })
    }

    /// Does what reads the disk, or writes to it, a few at a time.
    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = timeout(self.patience, Arc::clone(&self.reads).acquire_owned()).await;
        let turn = turn.map_err(|_| super::door::crowded())?.map_err(|_| fault())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| fault())?
    }

    async fn read(&self, billfold: &Billfold, query: &FeedQuery) -> Result<FeedPage, Problem> {
        let (billfold, query) = (billfold.clone(), query.clone());
        self.turn(move || Ok(billfold.feed(&query)?)).await
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }
}

/// What was asked, as far as the feed looks at it.
pub(super) struct FeedRequest {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) now: Millis,
}

impl FeedRequest {
    /// It wants server-sent events.
    pub(super) fn wants_events(&self) -> bool {
        let accepted = self.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        accepted.flat_map(|value| value.split(',')).any(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
        })
    }
}

async fn asked(
    followers: &Followers,
    billfold: &Billfold,
    request: FeedRequest,
) -> Result<api::FeedAsked, Problem> {
    let billfold = billfold.clone();
    followers
        .turn(move || {
            let FeedRequest { path, query, headers, now } = &request;
            let last = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default());
            api::feed_asked(&billfold, &Request { path, query, now: *now }, last)
        })
        .await
}

/// A page; one with nothing on it is waited with, as long as was asked for.
pub(super) async fn page(
    followers: &Followers,
    billfold: &Billfold,
    request: FeedRequest,
) -> Result<Response, Problem> {
    let api::FeedAsked { mut query, wait } = asked(followers, billfold, request).await?;
    let deadline = Instant::now() + wait;
    let (mut head, mut closing) = (billfold.watch_feed(), followers.closing.clone());
    let mut place = None;
    loop {
        let page = followers.read(billfold, &query).await?;
        if !page.entries.is_empty() || Instant::now() >= deadline || followers.is_closing() {
            return Ok(reply::json(StatusCode::OK, &api::feed_page(&page)));
        }
        if place.is_none() {
            place = Some(followers.place()?);
        }
        query.after = page.next;
        tokio::select! {
            _ = head.wait_for(|head| *head > query.after) => {}
            _ = closing.wait_for(|closing| *closing) => {}
            () = sleep_until(deadline) => {}
        }
    }
}

/// Entries as they come, without an end.
pub(super) async fn follow(
    followers: &Followers,
    billfold: &Billfold,
    request: FeedRequest,
) -> Result<Response, Problem> {
    let query = asked(followers, billfold, request).await?.query;
    let place = followers.place()?;
    let (ahead, events) = mpsc::channel(AHEAD_ENTRIES_MAX);
    let (followers, billfold) = (followers.clone(), billfold.clone());
    tokio::spawn(async move {
        tell(&followers, &billfold, query, &ahead).await;
        drop(place);
    });
    let mut response = warp::sse::reply(Events(events)).into_response();
    reply::guard(response.headers_mut());
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// Hands over entries until nobody takes them, the server shuts down, or they cannot be read.
async fn tell(followers: &Followers, billfold: &Billfold, mut query: FeedQuery, ahead: &mpsc::Sender<Event>) {
    let (mut head, mut closing) = (billfold.watch_feed(), followers.closing.clone());
    // Says at once that it has begun.
    let mut beat = Some(Event::default().comment("billfold"));
    let mut quiet_since = Instant::now();
    loop {
        if let Some(event) = beat.take() {
            if ahead.send(event).await.is_err() {
                return;
            }
            quiet_since = Instant::now();
        }
        let page = match followers.read(billfold, &query).await {
            Ok(page) => page,
            Err(problem) if problem.kind() == ProblemKind::Unavailable => {
                tracing::warn!("a follower of the feed has to come again: {}", problem.detail());
                return;
            }
            Err(_) => return,
        };
        for entry in &page.entries {
            let event =
                Event::default().id(entry.number.to_string()).data(api::feed_entry(entry).to_string());
            tokio::select! {
                sent = ahead.send(event) => if sent.is_err() { return },
                _ = closing.wait_for(|closing| *closing) => return,
            }
            quiet_since = Instant::now();
        }
        query.after = page.next;
        tokio::select! {
            // Before new entries: a filter may leave out all of them.
            biased;
            () = sleep_until(quiet_since + HEARTBEAT) => beat = Some(Event::default().comment("")),
            _ = closing.wait_for(|closing| *closing) => return,
            () = ahead.closed() => return,
            _ = head.wait_for(|head| *head > query.after) => {}
        }
    }
}

/// What is ready for a connection.
struct Events(mpsc::Receiver<Event>);

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Moves a cursor.
pub(super) async fn acknowledge<S, B, E>(
    followers: &Followers,
    billfold: &Billfold,
    (headers, body): (&HeaderMap, S),
    name: String,
    allowance: &Allowance,
) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
{
    // No page of a browser can send this to a server on the same machine without being asked for permission.
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let detail = "an acknowledgement is JSON: send it with `Content-Type: application/json`";
        return Err(Problem::new(ProblemKind::InvalidBody, detail));
    }
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let allowance = Allowance { bytes_max: ACKNOWLEDGEMENT_BYTES_MAX, ..allowance.clone() };
    let received = body::read(body, declared, &allowance).await.map_err(refused)?;
    let billfold = billfold.clone();
    let answer = followers.turn(move || api::acknowledge(&billfold, &name, &received.bytes)).await?;
    Ok(reply::json(StatusCode::OK, &answer))
}

fn refused(error: BodyError) -> Problem {
    let (kind, detail) = match error {
        BodyError::TooLarge => {
            (ProblemKind::BodyTooLarge, "an acknowledgement is {\"after\": ID} and no more")
        }
        BodyError::TooSlow => (ProblemKind::RequestTimeout, "the body did not arrive in time"),
        BodyError::NoRoom => (ProblemKind::Unavailable, "too many large bodies are on their way at once"),
        BodyError::Broken => (ProblemKind::InvalidBody, "the body broke off"),
    };
    Problem::new(kind, detail)
}

/// Forgets a cursor.
pub(super) async fn remove(
    followers: &Followers,
    billfold: &Billfold,
    name: String,
) -> Result<Response, Problem> {
    let billfold = billfold.clone();
    let answer = followers.turn(move || api::remove_cursor(&billfold, &name)).await?;
    Ok(reply::json(StatusCode::OK, &answer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::Options;
    use crate::log::{Body, EventLog as _, MemoryLog, NewRecord, Provenance, Provider, RecordId};
    use crate::model::feed::Kind;
    use crate::model::id::EventId;

    fn refund(number: i64) -> NewRecord {
        let id = format!("evt_{number}");
        let body = json!({
            "id": id, "object": "event", "type": "refund.created", "created": number, "livemode": false,
            "data": { "object": { "id": format!("re_{number}"), "object": "refund", "status": "succeeded", "amount": 5 } },
        });
        NewRecord {
            provider: Provider::Stripe,
            id: RecordId::Event(EventId::parse(&id).unwrap()),
            received_at: Millis(number),
            provenance: Provenance::Imported,
            body: Body(body.to_string().into_bytes().into()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_nothing_because_of_a_filter_hears_that_the_connection_lives() {
        let folder = tempfile::tempdir().unwrap();
        let log = MemoryLog::new();
        let billfold = Billfold::over(Options::new(folder.path()), Arc::new(log.clone())).unwrap();
        let (_open, closing) = watch::channel(false);
        let followers = Followers::new(&Limits::default(), closing);
        let (ahead, mut events) = mpsc::channel(AHEAD_ENTRIES_MAX);
        let query = FeedQuery { kind: Some(Kind::AccessGranted), ..FeedQuery::default() };
        let told = {
            let billfold = billfold.clone();
            tokio::spawn(async move { tell(&followers, &billfold, query, &ahead).await })
        };
        for number in 1..=10 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            log.append(vec![refund(number)]).await.unwrap();
            billfold.catch_up().unwrap();
        }
        assert!(billfold.feed_head() >= 10);
        let mut beats = 0;
        while events.try_recv().is_ok() {
            beats += 1;
        }
        assert!(beats >= 4, "{beats} in 100 seconds");
        told.abort();
    }
}
