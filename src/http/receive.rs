//! The webhook: from a request to an acknowledged delivery. 200 means durable, and nothing else does.

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use warp::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Buf, Stream};

use crate::api::{Problem, ProblemKind};
use crate::engine::{IngestError, REFUSED_HEADERS_MAX, Refused};
use crate::log::{AppendError, Appended};
use crate::model::time::Millis;
use crate::stripe::delivery::Delivery;
use crate::stripe::doctor::glance;
use crate::stripe::signature::SignatureError;

use super::body::{self, BodyError};
use super::door::Door;
use super::endpoint::{Endpoint, Unexpected};
use super::reply;

/// The header that carries the signature.
const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// Verifies, stores, answers.
pub(super) async fn receive<S, B, E>(
    door: &Door,
    endpoint: &Endpoint,
    headers: &HeaderMap,
    body: S,
) -> Result<Response, Problem>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
{
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse().ok());
    let received = body::read(body, declared, &door.allowance).await.map_err(|error| {
        note_refused(door, endpoint, headers, error.reason(), None);
        refused_body(door, endpoint, error)
    })?;
    let bytes: Arc<[u8]> = received.bytes.into();
    let arrived = Instant::now();
    let now = (door.config.clock)();
    let header = signature_header(headers);
    let delivery =
        Delivery::verify(header.as_deref(), Arc::clone(&bytes), &endpoint.secrets, endpoint.tolerance, now)
            .map_err(|error| {
            note_refused(door, endpoint, headers, error.reason(), Some(&bytes));
            refused_signature(door, endpoint, &error)
        })?;
    drop(bytes);
    let unexpected = endpoint.unexpected(delivery.body());
    // A task of its own: whoever hangs up cannot stop an append half-way, and a panic is an answer.
    let billfold = door.billfold.clone();
    let ingested = tokio::spawn(async move { billfold.ingest(delivery).await })
        .await
        .map_err(|_| fault())?
        .map_err(|error| not_stored(door, endpoint, &error))?;
    let duplicate = matches!(ingested.outcome, Appended::Duplicate { .. });
    door.metrics.stored(endpoint, if duplicate { "duplicate" } else { "new" }, arrived.elapsed());
    if let Some(unexpected) = unexpected {
        note_unexpected(door, endpoint, unexpected, now);
    }
    let answer = json!({ "received": true, "duplicate": duplicate, "id": ingested.id.to_string() });
    Ok(reply::json(StatusCode::OK, &answer))
}

/// A fault of ours that no answer explains; the panic itself went to stderr.
pub(super) fn fault() -> Problem {
    tracing::error!("a request ended in a panic");
    Problem::new(
        ProblemKind::Internal,
        "Billfold failed while it answered: look into its log and report this",
    )
}

/// Several headers of one name are one list.
fn signature_header(headers: &HeaderMap) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = headers.get_all(SIGNATURE).iter().map(HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(&b','))
}

/// What is authentic is stored, whatever was expected. Somebody should know all the same: a test key in a live shop, or
/// the wrong account, is a mistake that nothing else tells of.
fn note_unexpected(door: &Door, endpoint: &Endpoint, unexpected: Unexpected, now: Millis) {
    door.metrics.unexpected(endpoint, unexpected.as_str());
    door.billfold.count_unexpected(now.seconds());
    let what = unexpected.as_str();
    tracing::warn!(what, "an event of another {what} than this endpoint expects was stored");
}

/// Keeps for the doctor what may show why: names and lengths, never values.
fn note_refused(
    door: &Door,
    endpoint: &Endpoint,
    headers: &HeaderMap,
    reason: &'static str,
    body: Option<&[u8]>,
) {
    let signature = signature_header(headers).unwrap_or_default();
    let (signed_at, signatures) = glance(&signature);
    let named = headers.iter().take(REFUSED_HEADERS_MAX);
    door.billfold.note_refused(Refused {
        at: (door.config.clock)(),
        endpoint: endpoint.name().into(),
        reason,
        headers: named.map(|(name, value)| (name.as_str().into(), value.len())).collect(),
        signed_at,
        signatures,
        body: body.map(|body| (body.len(), Sha256::digest(body).into())),
    });
}

fn refused_signature(door: &Door, endpoint: &Endpoint, error: &SignatureError) -> Problem {
    door.count_refusal(endpoint, error.reason());
    tracing::warn!(reason = error.reason(), "a delivery is refused: {error}");
    Problem::new(ProblemKind::InvalidSignature, error.to_string()).with("reason", error.reason())
}

fn refused_body(door: &Door, endpoint: &Endpoint, error: BodyError) -> Problem {
    let reason = error.reason();
    let (kind, detail) = match error {
        BodyError::TooLarge => {
            let limit = door.allowance.bytes_max;
            let detail = format!(
                "the body is longer than {limit} bytes: Stripe's events are far shorter; raise the limit if yours are not"
            );
            (ProblemKind::BodyTooLarge, detail)
        }
        BodyError::TooSlow => {
            let seconds = door.allowance.within.as_secs();
            let detail = format!(
                "the body did not arrive within {seconds} s: look at the connection and the proxy in between"
            );
            (ProblemKind::RequestTimeout, detail)
        }
        BodyError::NoRoom => {
            let detail = "too many large bodies are on their way at once: send it again later".to_owned();
            (ProblemKind::Unavailable, detail)
        }
        BodyError::Broken => {
            let detail = "the body broke off or its chunks are malformed".to_owned();
            (ProblemKind::InvalidBody, detail)
        }
    };
    door.count_refusal(endpoint, reason);
    Problem::new(kind, detail).with("reason", reason)
}

fn not_stored(door: &Door, endpoint: &Endpoint, error: &IngestError) -> Problem {
    tracing::error!("a delivery was not stored: {error}");
    if let IngestError::Append(AppendError::TooLarge) = error {
        return refused_body(door, endpoint, BodyError::TooLarge);
    }
    door.count_refusal(endpoint, "not_stored");
    let detail = format!("the delivery was not stored, and the provider will send it again: {error}");
    Problem::new(ProblemKind::Unavailable, detail).with("reason", "not_stored")
}
