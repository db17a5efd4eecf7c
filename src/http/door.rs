//! The routes, and the one place that decides what a request gets.
//!
//! Filters extract; [`Door::answer`] decides. Never logs an object's id, a query, a header or a body: the request's number,
//! method, the path's form, status and duration are all.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;
use warp::{Buf, Filter, Rejection, Stream};

use crate::api::{self, Problem, ProblemKind, Request, Route, TokenScope};
use crate::engine::Billfold;

use super::body::{self, Allowance};
use super::config::ServeConfig;
use super::cors;
use super::endpoint::{DEFAULT_PATH, Endpoint, Endpoints};
use super::feed::{self, FeedRequest, Followers};
use super::guard::{self, Arrival};
use super::metrics::{self, Metrics};
use super::rebuild::Rebuilds;
use super::receive::{self, receive};
use super::reply;
use super::request_id::{REQUEST_ID, RequestIds};

/// What log lines and metrics say of an endpoint at a path of the operator's choice: the path may be kept secret.
const OTHER_WEBHOOK: &str = "/{webhook}";

/// What requests are answered with.
pub(super) struct Door {
    pub(super) config: ServeConfig,
    pub(super) billfold: Billfold,
    pub(super) allowance: Allowance,
    pub(super) metrics: Metrics,
    reads: Arc<Semaphore>,
    request_ids: RequestIds,
    rebuilds: Arc<Rebuilds>,
    followers: Followers,
    /// The same as long as the server runs.
    document: Value,
}

/// What the filters took out of a request.
struct Asked {
    /// The path below the mount, with its first `/`.
    path: String,
    /// The endpoint that is there.
    endpoint: Option<Arc<Endpoint>>,
    method: Method,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    arrival: Option<Arrival>,
}

/// The webhook, health and reading routes as a filter to mount in a warp server of your own (below a path, if you like).
///
/// Paths that are not Billfold's are left to other filters. Mounted like this, the reading routes are served only with
/// [`Keyring::api_token`](super::Keyring::api_token) or [`ServeConfig::tokens`] set: who asks is not known here. Header
/// time-outs are the mounting server's.
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
    // Who mounts the routes ends connections: nobody is asked to leave.
    let (open, closing) = watch::channel(false);
    routes_until(config, billfold, closing).map(move |response| {
        let _stays_open = &open;
        response
    })
}

/// The same; whoever follows the feed leaves when `closing` turns true.
pub(super) fn routes_until(
    config: ServeConfig,
    billfold: Billfold,
    closing: watch::Receiver<bool>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    let keys = config.keys.clone();
    let door = Arc::new(Door::new(config, billfold, closing));
    warp::path::peek()
        .and_then(move |path: warp::path::Peek| {
            let place = place(path.as_str(), &keys.current().endpoints);
            std::future::ready(place.ok_or_else(warp::reject::not_found))
        })
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::query::<Vec<(String, String)>>())
        .and(warp::ext::optional::<Arrival>())
        .map(|(path, endpoint), method, headers, query, arrival| Asked {
            path,
            endpoint,
            method,
            headers,
            query,
            arrival,
        })
        .and(warp::body::stream())
        .then(move |asked: Asked, body| Arc::clone(&door).observed(asked, body))
}

/// The path with its first `/`, and the endpoint that is there; none for paths that are not ours.
fn place(below: &str, endpoints: &Endpoints) -> Option<(String, Option<Arc<Endpoint>>)> {
    let path = format!("/{below}");
    let endpoint = endpoints.at(below.strip_suffix('/').unwrap_or(below));
    // The usual endpoint is in the table of routes, and may not be there.
    let ours = endpoint.is_some() || (api::is_ours(&path) && api::template(&path) != DEFAULT_PATH);
    ours.then_some((path, endpoint))
}

impl Asked {
    /// The path without its ids.
    fn template(&self) -> &'static str {
        match &self.endpoint {
            Some(endpoint) if endpoint.path() == DEFAULT_PATH => DEFAULT_PATH,
            Some(_) => OTHER_WEBHOOK,
            None => api::template(&self.path),
        }
    }
}

/// The answer to every path that is not ours.
pub(super) fn nowhere() -> Response {
    reply::problem(&Problem::new(
        ProblemKind::NoSuchRoute,
        "there is nothing here: Stripe delivers to POST /webhooks/stripe, or where `billfold config show` says; health is at \
         /health/live and /health/ready, the state under /v1",
    ))
}

impl Door {
    fn new(config: ServeConfig, billfold: Billfold, closing: watch::Receiver<bool>) -> Self {
        let allowance = Allowance {
            bytes_max: config.limits.body_bytes_max,
            within: config.limits.body_timeout,
            shares: body::shares(config.limits.bodies_bytes_max),
        };
        let (reads_max, clock) = (config.limits.reads_max, Arc::clone(&config.clock));
        let followers = Followers::new(&config.limits, closing);
        Self {
            followers,
            config,
            billfold,
            allowance,
            metrics: Metrics::new(),
            reads: Arc::new(Semaphore::new(reads_max)),
            request_ids: RequestIds::new(),
            rebuilds: Arc::new(Rebuilds::new(clock)),
            document: api::document(),
        }
    }

    pub(super) fn count_refusal(&self, endpoint: &Endpoint, reason: &'static str) {
        self.metrics.refused(endpoint, reason);
        self.billfold.count_refusal(reason, (self.config.clock)().seconds());
    }

    async fn observed<S, B, E>(self: Arc<Self>, asked: Asked, body: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: Buf + Send,
        E: Send,
    {
        let started = Instant::now();
        let (method, path) = (shown_method(&asked.method), asked.template());
        let id = self.request_ids.of(&asked.headers);
        let request_id = id.to_str().unwrap_or_default();
        let span = tracing::info_span!("request", request_id, method, path, endpoint = tracing::field::Empty);
        if let Some(endpoint) = &asked.endpoint {
            span.record("endpoint", endpoint.name());
        }
        let mut response = self.across_origins(asked, body).instrument(span.clone()).await;
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.metrics.answered(path, response.status().as_u16());
        response.headers_mut().insert(REQUEST_ID, id);
        span.in_scope(|| tracing::info!(status = response.status().as_u16(), duration_us, "answered"));
        response
    }

    /// Lets pages of the origins that are allowed see what is read with a token; without any, all stays as it is.
    async fn across_origins<S, B, E>(&self, asked: Asked, body: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: Buf + Send,
        E: Send,
    {
        let origins = &self.config.cors_origins;
        let is_read = matches!(api::look_up("GET", &asked.path), Ok((row, _)) if row.is_for_pages());
        if origins.is_empty() || !is_read || !self.config.known_tokens().are_required() {
            return self.answer(asked, body).await;
        }
        if asked.method == Method::OPTIONS
            && let Some(allowed) = cors::preflight(&asked.headers, origins)
        {
            return allowed;
        }
        let is_asked = asked.method == Method::GET || asked.method == Method::HEAD;
        let origin = cors::allowed(&asked.headers, origins).filter(|_| is_asked);
        let mut response = self.answer(asked, body).await;
        cors::mark(&mut response, origin);
        response
    }

    /// Every request comes through here.
    async fn answer<S, B, E>(&self, asked: Asked, body: S) -> Response
    where
        S: Stream<Item = Result<B, E>> + Send,
        B: Buf + Send,
        E: Send,
    {
        // All endpoints are one route of the table.
        let path = asked.endpoint.as_ref().map_or(asked.path.as_str(), |_| DEFAULT_PATH);
        let answered = match api::look_up(asked.method.as_str(), path) {
            Ok((row, route)) if row.scope.is_some() => self.admit(&asked, row.scope).map(|()| route),
            Ok((_, route)) => Ok(route),
            // Before a token is shown, not even routes can be told apart.
            Err(problem) if asked.path.starts_with("/v1") => self.admit(&asked, None).and(Err(problem)),
            Err(problem) => Err(problem),
        };
        let answered = match answered {
            Ok(Route::Webhook) => match &asked.endpoint {
                Some(endpoint) => receive(self, endpoint, &asked.headers, body).await,
                None => Err(receive::fault()),
            },
            Ok(Route::Live) => Ok(reply::json(StatusCode::OK, &json!({ "live": true }))),
            Ok(Route::Ready) => self.ready().await,
            Ok(Route::Document) => Ok(reply::tagged_json(&asked.headers, &self.document)),
            Ok(Route::Metrics) => self.scraped().await,
            Ok(Route::Rebuild) => api::takes_nothing(&asked.query)
                .map(|()| reply::tagged_json(&asked.headers, &self.rebuilds.shown())),
            Ok(Route::StartRebuild) => self.start_rebuild(&asked.query).await,
            Ok(Route::SwapRebuild) => api::takes_nothing(&asked.query)
                .and_then(|()| self.rebuilds.confirm())
                .map(|state| begun(&state)),
            Ok(Route::StopRebuild) => api::takes_nothing(&asked.query)
                .and_then(|()| self.rebuilds.stop())
                .map(|state| begun(&state)),
            Ok(Route::Feed) => self.feed(asked, false).await,
            Ok(Route::FeedEvents) => self.feed(asked, true).await,
            Ok(Route::Acknowledge(name)) => {
                let told = (&asked.headers, body);
                feed::acknowledge(&self.followers, &self.billfold, told, name, &self.allowance).await
            }
            Ok(Route::RemoveCursor(name)) => feed::remove(&self.followers, &self.billfold, name).await,
            Ok(route) => self.read(asked, route).await,
            Err(problem) => Err(problem),
        };
        answered.unwrap_or_else(|problem| reply::problem(&problem))
    }

    /// Whether whoever asks may ask what needs this scope.
    fn admit(&self, asked: &Asked, scope: Option<TokenScope>) -> Result<(), Problem> {
        guard::admit(&asked.headers, asked.arrival, &self.config.known_tokens(), scope)
    }

    async fn feed(&self, asked: Asked, follows: bool) -> Result<Response, Problem> {
        let Asked { path, query, headers, .. } = asked;
        let request = FeedRequest { path, query, headers, now: (self.config.clock)() };
        if follows || request.wants_events() {
            feed::follow(&self.followers, &self.billfold, request).await
        } else {
            feed::page(&self.followers, &self.billfold, request).await
        }
    }

    async fn ready(&self) -> Result<Response, Problem> {
        let billfold = self.billfold.clone();
        let readiness =
            tokio::task::spawn_blocking(move || billfold.readiness()).await.map_err(|_| receive::fault())?;
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        Ok(reply::json(status, &api::health(&readiness)))
    }

    async fn start_rebuild(&self, query: &[(String, String)]) -> Result<Response, Problem> {
        let compare = api::wants_comparison(query)?;
        let (rebuilds, billfold) = (Arc::clone(&self.rebuilds), self.billfold.clone());
        let started = tokio::task::spawn_blocking(move || rebuilds.start(&billfold, compare));
        started.await.map_err(|_| receive::fault())?.map(|state| begun(&state))
    }

    async fn scraped(&self) -> Result<Response, Problem> {
        let (billfold, now) = (self.billfold.clone(), (self.config.clock)().seconds());
        let stats = tokio::task::spawn_blocking(move || billfold.stats(now, 0));
        let stats = stats.await.map_err(|_| receive::fault())??;
        Ok(reply::text(
            metrics::CONTENT_TYPE,
            self.metrics.text(&self.billfold, stats, self.config.keys.is_stale()),
        ))
    }

    async fn read(&self, asked: Asked, route: Route) -> Result<Response, Problem> {
        let (billfold, now) = (self.billfold.clone(), (self.config.clock)());
        let keys = self.config.keys.clone();
        let turn = timeout(self.config.limits.wait_timeout, Arc::clone(&self.reads).acquire_owned());
        let turn = turn.await.map_err(|_| crowded())?.map_err(|_| receive::fault())?;
        let answer = tokio::task::spawn_blocking(move || {
            let request = Request { path: &asked.path, query: &asked.query, now };
            let answer = match route {
                Route::Log => {
                    api::records(&billfold, &request).map(|page| reply::tagged_bytes(&asked.headers, page))
                }
                Route::FeedLog => {
                    api::entries(&billfold, &request).map(|page| reply::tagged_bytes(&asked.headers, page))
                }
                Route::Doctor => {
                    let labels = keys.current().endpoints.labels().map(Box::from).collect();
                    api::doctor(&billfold, &request, Some(labels))
                        .map(|value| reply::tagged_json(&asked.headers, &value))
                }
                _ => api::answer(&billfold, &request).map(|value| reply::tagged_json(&asked.headers, &value)),
            };
            drop(turn);
            answer
        });
        answer.await.map_err(|_| receive::fault())?
    }
}

/// What goes on behind the answer.
fn begun(state: &Value) -> Response {
    reply::json(StatusCode::ACCEPTED, state)
}

pub(super) fn crowded() -> Problem {
    let detail = "too many questions are asked at once: ask again later, or fewer at a time";
    Problem::new(ProblemKind::Unavailable, detail).with("reason", "crowded")
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
