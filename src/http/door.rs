//! The routes, and the one place that decides what a request gets.
//!
//! Filters extract; [`Door::answer`] decides. Never logs an id, a query, a header or a body: method, the path's
//! form, status and duration are all.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use warp::http::header::{ALLOW, HeaderValue};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;
use warp::{Buf, Filter, Rejection, Stream};

use crate::api::{self, Problem, ProblemKind, Request};
use crate::engine::Billfold;

use super::body::{self, Allowance};
use super::config::ServeConfig;
use super::guard::{self, Arrival};
use super::metrics::{self, Metrics};
use super::receive::{self, receive};
use super::reply;

/// Where deliveries go, with what to do about a path that is not it.
const WEBHOOK: &str = "webhooks/stripe";

/// A request's place, by its path below the mount.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Webhook,
    Live,
    Ready,
    Metrics,
    /// The whole path of a reading route.
    Read(String),
}

impl Place {
    /// None for paths that are not ours.
    fn of(path: &str) -> Option<Self> {
        match path.strip_suffix('/').unwrap_or(path) {
            WEBHOOK => Some(Self::Webhook),
            "health/live" => Some(Self::Live),
            "health/ready" => Some(Self::Ready),
            "metrics" => Some(Self::Metrics),
            path if path == "v1" || path.starts_with("v1/") => Some(Self::Read(format!("/{path}"))),
            _ => None,
        }
    }

    /// The path without its ids.
    fn template(&self) -> &'static str {
        match self {
            Self::Webhook => "/webhooks/stripe",
            Self::Live => "/health/live",
            Self::Ready => "/health/ready",
            Self::Metrics => "/metrics",
            Self::Read(path) => api::template(path),
        }
    }

    const fn methods(&self) -> &'static str {
        match self {
            Self::Webhook => "POST",
            _ => "GET, HEAD",
        }
    }

    fn takes(&self, method: &Method) -> bool {
        match self {
            Self::Webhook => *method == Method::POST,
            _ => *method == Method::GET || *method == Method::HEAD,
        }
    }
}

/// What requests are answered with.
pub(super) struct Door {
    pub(super) config: ServeConfig,
    pub(super) billfold: Billfold,
    pub(super) allowance: Allowance,
    pub(super) metrics: Metrics,
    reads: Arc<Semaphore>,
}

/// What the filters took out of a request.
struct Asked {
    place: Place,
    method: Method,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    arrival: Option<Arrival>,
}

/// The webhook, health and reading routes as a filter to mount in a warp server of your own (below a path, if you like).
///
/// Paths that are not Billfold's are left to other filters. Mounted like this, the reading routes are served only with
/// [`ServeConfig::api_token`] set: who asks is not known here. Header time-outs are the mounting server's.
///
/// ```
/// # use billfold::{engine::Billfold, http::{ServeConfig, routes}};
/// use warp::Filter;
///
/// # fn mount(billfold: Billfold, config: ServeConfig) {
/// let all = warp::path("billing").and(routes(config, billfold)).or(warp::path("hello").map(|| "hello"));
/// # let _ = warp::service(all);
/// # }
/// ```
#[must_use]
pub fn routes(
    config: ServeConfig,
    billfold: Billfold,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    let door = Arc::new(Door::new(config, billfold));
    warp::path::peek()
        .and_then(async |path: warp::path::Peek| Place::of(path.as_str()).ok_or_else(warp::reject::not_found))
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::query::<Vec<(String, String)>>())
        .and(warp::ext::optional::<Arrival>())
        .map(|place, method, headers, query, arrival| Asked { place, method, headers, query, arrival })
        .and(warp::body::stream())
        .then(move |asked: Asked, body| Arc::clone(&door).observed(asked, body))
}

/// The answer to every path that is not ours.
pub(super) fn nowhere() -> Response {
    reply::problem(&Problem::new(
        ProblemKind::NoSuchRoute,
        "there is nothing here: Stripe delivers to POST /webhooks/stripe; health is at /health/live and /health/ready, \
         the state under /v1",
    ))
}

impl Door {
    fn new(config: ServeConfig, billfold: Billfold) -> Self {
        let allowance = Allowance {
            bytes_max: config.limits.body_bytes_max,
            within: config.limits.body_timeout,
            shares: body::shares(config.limits.bodies_bytes_max),
        };
        let reads_max = config.limits.reads_max;
        Self {
            config,
            billfold,
            allowance,
            metrics: Metrics::new(),
            reads: Arc::new(Semaphore::new(reads_max)),
        }
    }

    pub(super) fn count_refusal(&self, reason: &'static str) {
        self.metrics.refused(reason);
        self.billfold.count_refusal(reason, (self.config.clock)().seconds());
    }

    async fn observed<S, B, E>(self: Arc<Self>, asked: Asked, body: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: Buf + Send,
        E: Send,
    {
        let started = Instant::now();
        let (method, path) = (shown_method(&asked.method), asked.place.template());
        let span = tracing::info_span!("request", method, path);
        let response = self.answer(asked, body).instrument(span.clone()).await;
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.metrics.answered(path, response.status().as_u16());
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), duration_us, "answered"));
        response
    }

    /// Every request comes through here.
    async fn answer<S, B, E>(&self, asked: Asked, body: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: Buf + Send,
        E: Send,
    {
        if !asked.place.takes(&asked.method) {
            return wrong_method(&asked.place);
        }
        let answered = match asked.place {
            Place::Webhook => receive(self, &asked.headers, body).await,
            Place::Live => Ok(reply::json(StatusCode::OK, &json!({ "live": true }))),
            Place::Ready => self.ready().await,
            Place::Metrics => self.scraped(&asked).await,
            Place::Read(_) => self.read(asked).await,
        };
        answered.unwrap_or_else(|problem| reply::problem(&problem))
    }

    async fn ready(&self) -> Result<Response, Problem> {
        let billfold = self.billfold.clone();
        let readiness =
            tokio::task::spawn_blocking(move || billfold.readiness()).await.map_err(|_| receive::fault())?;
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(reply::json(status, &api::health(&readiness)))
    }

    async fn scraped(&self, asked: &Asked) -> Result<Response, Problem> {
        guard::admit(&asked.headers, asked.arrival, self.config.api_token.as_ref())?;
        let (billfold, now) = (self.billfold.clone(), (self.config.clock)().seconds());
        let stats = tokio::task::spawn_blocking(move || billfold.stats(now, 0));
        let stats = stats.await.map_err(|_| receive::fault())??;
        Ok(reply::text(metrics::CONTENT_TYPE, self.metrics.text(&self.billfold, stats)))
    }

    async fn read(&self, asked: Asked) -> Result<Response, Problem> {
        guard::admit(&asked.headers, asked.arrival, self.config.api_token.as_ref())?;
        let Place::Read(path) = asked.place else { return Err(receive::fault()) };
        let (billfold, now) = (self.billfold.clone(), (self.config.clock)());
        let turn = timeout(self.config.limits.wait_timeout, Arc::clone(&self.reads).acquire_owned());
        let turn = turn.await.map_err(|_| crowded())?.map_err(|_| receive::fault())?;
        let answer = tokio::task::spawn_blocking(move || {
            let request = Request { path: &path, query: &asked.query, now };
            let answer = match api::records(&billfold, &request) {
                Some(page) => page.map(reply::bytes),
                None => api::answer(&billfold, &request).map(|value| reply::json(StatusCode::OK, &value)),
            };
            drop(turn);
            answer
        });
        answer.await.map_err(|_| receive::fault())?
    }
}

fn crowded() -> Problem {
    let detail = "too many questions are asked at once: ask again later, or fewer at a time";
    Problem::new(ProblemKind::Unavailable, detail).with("reason", "crowded")
}

fn wrong_method(place: &Place) -> Response {
    let methods = place.methods();
    let detail = format!("{} takes {methods} only", place.template());
    let mut response = reply::problem(&Problem::new(ProblemKind::MethodNotAllowed, detail));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// A method is any word: only those that everybody knows are logged.
fn shown_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
