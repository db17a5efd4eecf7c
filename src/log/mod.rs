//! Ground state: the append-only event log, its contract and what a record is.
//!
//! Never looks into a body, never knows JSON or a provider's rules.
//!
//! # The contract of [`EventLog`]
//! 1. An idempotency key (provider, event id) is stored at most once, forever.
//! 2. [`Appended::New`] and [`Appended::Duplicate`] are said only when the record is durable.
//! 3. Positions grow in commit order.
//! 4. No record appears at or below a position that was already read.
//! 5. `read(after, max)` ascends, and is empty only at the end.
//! 6. Bodies come back identical, or the error is [`ReadError::Corrupt`] and names the position.
//! 7. After a failed write or flush the log refuses to append until it is reopened; reads go on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::model::id::EventId;
use crate::model::time::Millis;

/// A record's place in the log. Strictly increasing; gaps are allowed. The first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before every record.
    pub const START: Self = Self(0);

    /// Only a log, and what stores a log's positions, makes one.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number behind the position.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Who sent the event. With the event id it is the idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Stripe.
    Stripe,
}

impl Provider {
    /// The stored word. Never changes once released.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
        }
    }
}

/// The identity of a record inside its provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordId {
    /// The provider's event id.
    Event(EventId),
    /// An authentic body without a readable id, kept in quarantine under its SHA-256.
    Quarantine([u8; 32]),
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(id) => id.fmt(f),
            Self::Quarantine(hash) => write!(f, "sha256:{}", hex::encode(hash)),
        }
    }
}

/// Why we believe a record.
#[derive(Clone, PartialEq, Eq)]
pub enum Provenance {
    /// The signature matched one of our secrets. Kept, so that it can be checked again.
    Signed {
        /// The signature header as received.
        header: Box<str>,
        /// The label (never the secret) of the secret that matched.
        secret: Box<str>,
    },
    /// An operator vouched for it.
    Imported,
}

impl fmt::Debug for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { secret, .. } => write!(f, "Signed {{ secret: {secret:?} }}"),
            Self::Imported => f.write_str("Imported"),
        }
    }
}

/// A raw body, byte for byte as received. `Debug` shows its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(pub std::sync::Arc<[u8]>);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// What a log is asked to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Who sent it.
    pub provider: Provider,
    /// Which event it is.
    pub id: RecordId,
    /// When it reached us. The log raises it to the latest one stored, so that it never decreases.
    pub received_at: Millis,
    /// Why we believe it.
    pub provenance: Provenance,
    /// The raw body.
    pub body: Body,
}

/// The digest that links a record to its predecessor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest before the first record.
    pub const GENESIS: Self = Self([0; 32]);
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// What a log has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub position: Position,
    /// What was appended (with `received_at` as stored).
    pub content: NewRecord,
    /// The chain up to and with this record.
    pub digest: Digest,
}

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

/// Why nothing was stored. The provider retries; nothing is lost.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The queue is full. *Handling*: answer 503 and let the provider retry.
    #[error("the log's queue is full: retry later")]
    Overloaded,
    /// A write or flush failed, now or before. *Handling*: mend the disk, then reopen.
    #[error("the log refuses to append since a write failed ({reason}): mend the disk, then restart")]
    Poisoned {
        /// What the failed write said.
        reason: std::sync::Arc<str>,
    },
    /// The log was closed. *Handling*: open it again.
    #[error("the log is closed")]
    Closed,
}

/// Why a record could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stored bytes are not what was written. *Handling*: verify the log, restore from a backup.
    #[error("the record at position {position} is damaged ({reason}): restore it from a backup")]
    Corrupt {
        /// Which record.
        position: Position,
        /// What does not fit.
        reason: &'static str,
    },
    /// The record was written by a newer version. *Handling*: upgrade the binary.
    #[error("the record at position {position} has format version {version}, which is newer than this binary: upgrade it")]
    NewerFormat {
        /// Which record.
        position: Position,
        /// Its version byte.
        version: u8,
    },
    /// The storage failed. *Handling*: look at the disk.
    #[error("reading the log failed: {reason}")]
    Storage {
        /// What the storage said.
        reason: std::sync::Arc<str>,
    },
}

/// The outcome of an append that is under way: await it, or [`Ack::wait`] on a plain thread.
#[derive(Debug)]
pub struct Ack(oneshot::Receiver<Result<Vec<Appended>, AppendError>>);

impl Ack {
    /// An acknowledgement and the side that gives it.
    #[must_use]
    pub fn channel() -> (oneshot::Sender<Result<Vec<Appended>, AppendError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Blocks until the outcome is known. Not to be called from async code.
    ///
    /// # Errors
    /// As [`EventLog::append`].
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

/// The end of the log: how far it reaches, and the chain up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record's position ([`Position::START`] when empty).
    pub position: Position,
    /// The last record's digest ([`Digest::GENESIS`] when empty).
    pub digest: Digest,
    /// How many records there are.
    pub records: u64,
}

/// A durable, append-only, idempotent log. The numbered rules stand at the head of this module.
pub trait EventLog: Send + Sync + 'static {
    /// Stores each record once, durably, in the order given. All of one call share one outcome list.
    ///
    /// Does not block: a full queue is [`AppendError::Overloaded`] through the `Ack`.
    fn append(&self, records: Vec<NewRecord>) -> Ack;

    /// Up to `max` records after `after`, ascending; empty only at the end.
    ///
    /// # Errors
    /// [`ReadError`]; the records before a damaged one are returned first.
    fn read(&self, after: Position, max: usize) -> Result<Vec<Record>, ReadError>;

    /// The record of an id.
    ///
    /// # Errors
    /// [`ReadError`].
    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError>;

    /// How far the log reaches: durable records only.
    fn head(&self) -> Head;

    /// Why appending is refused, if it is.
    fn poisoned(&self) -> Option<std::sync::Arc<str>>;
}
