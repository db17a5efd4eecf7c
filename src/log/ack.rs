//! The outcome of an append: what was stored, or why nothing was, and how a caller waits for it.
//!
//! Never says that something is stored before it is durable.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::error::AppendError;
use super::record::Position;

/// The two good outcomes of an append. Both mean: durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Stored now.
    New {
        /// Where.
        position: Position,
    },
    /// Stored before; the first body stays.
    Duplicate {
        /// Where the first one is.
        position: Position,
        /// Whether the two bodies are the same bytes.
        same_body: bool,
    },
}

impl Appended {
    /// Where the record is.
    #[must_use]
    pub const fn position(self) -> Position {
        match self {
            Self::New { position } | Self::Duplicate { position, .. } => position,
        }
    }
}

/// The outcome of an append that is under way: await it, or [`Ack::wait`] on a plain thread.
#[derive(Debug)]
pub struct Ack(pub(super) oneshot::Receiver<Result<Vec<Appended>, AppendError>>);

impl Ack {
    /// An acknowledgement and the side that gives it.
    #[must_use]
    pub fn channel() -> (oneshot::Sender<Result<Vec<Appended>, AppendError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// An acknowledgement whose outcome is known already.
    #[must_use]
    pub fn ready(outcome: Result<Vec<Appended>, AppendError>) -> Self {
        let (sender, ack) = Self::channel();
        // The receiving side is in our hands.
        let _ = sender.send(outcome);
        ack
    }

    /// Blocks until the outcome is known. Not to be called from async code.
    ///
    /// # Errors
    /// As [`EventLog::append`](super::EventLog::append).
    pub fn wait(self) -> Result<Vec<Appended>, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Closed))
    }
}

impl Future for Ack {
    type Output = Result<Vec<Appended>, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|outcome| outcome.unwrap_or(Err(AppendError::Closed)))
    }
}
