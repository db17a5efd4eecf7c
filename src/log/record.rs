//! What a log stores: positions, identities, provenance, bodies, records and the digest that chains them.
//!
//! Never knows how any of it is laid out in bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

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
