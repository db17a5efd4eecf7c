//! A request's body, byte for byte: counted while it streams in, within a time and a share of the memory.
//!
//! Never looks into it, never trusts the declared length alone.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use warp::{Buf, Stream};

/// The share of the memory that a body takes at a time, in bytes. The first one is free, so that usual bodies
/// (a few kilobytes) pass while big ones are refused.
const SHARE_BYTES: usize = 64 * 1024;

/// What a body may cost.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    /// Its longest length, in bytes.
    pub(super) bytes_max: usize,
    /// How long it may take to arrive.
    pub(super) within: Duration,
    /// The shares that all bodies have together.
    pub(super) shares: Arc<Semaphore>,
}

/// The shares for so many bytes.
pub(super) fn shares(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((bytes / SHARE_BYTES).min(Semaphore::MAX_PERMITS)))
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// Too many large bodies are on their way at once.
    NoRoom,
    /// The connection broke, or the chunks are none.
    Broken,
}

impl BodyError {
    /// A stable word.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "body_too_large",
            Self::TooSlow => "body_too_slow",
            Self::NoRoom => "no_room",
            Self::Broken => "body_broken",
        }
    }
}

/// A whole body, with its shares of the memory: dropping them gives them back.
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    shares: Vec<OwnedSemaphorePermit>,
}

/// Reads a body. `declared` is its length as the request says it.
///
/// A body that is a little too long is read to its end and thrown away: a sender that still writes when the
/// connection closes would not see the answer.
pub(super) async fn read<S, B, E>(
    body: S,
    declared: Option<u64>,
    allowance: &Allowance,
) -> Result<Received, BodyError>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
{
    let drained_max = allowance.bytes_max.saturating_mul(2);
    if declared.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > drained_max)) {
        return Err(BodyError::TooLarge);
    }
    timeout(allowance.within, collect(body, allowance, drained_max)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<S, B, E>(body: S, allowance: &Allowance, drained_max: usize) -> Result<Received, BodyError>
where
    S: Stream<Item = Result<B, E>>,
    B: Buf,
{
    let mut body = pin!(body);
    let mut received = Received { bytes: Vec::new(), shares: Vec::new() };
    let mut length = 0_usize;
    while let Some(chunk) = poll_fn(|context| body.as_mut().poll_next(context)).await {
        let mut chunk = chunk.map_err(|_| BodyError::Broken)?;
        length = length.saturating_add(chunk.remaining());
        if length > drained_max {
            return Err(BodyError::TooLarge);
        }
        if length > allowance.bytes_max {
            received = Received { bytes: Vec::new(), shares: Vec::new() };
            continue;
        }
        while length / SHARE_BYTES > received.shares.len() {
            let share = Arc::clone(&allowance.shares).try_acquire_owned().map_err(|_| BodyError::NoRoom)?;
            received.shares.push(share);
        }
        while chunk.has_remaining() {
            let bytes = chunk.chunk();
            received.bytes.extend_from_slice(bytes);
            let taken = bytes.len();
            chunk.advance(taken);
        }
    }
    if length > allowance.bytes_max { Err(BodyError::TooLarge) } else { Ok(received) }
}

#[cfg(test)]
mod tests;
