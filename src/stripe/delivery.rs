//! A delivery: a body that we believe, not yet stored.
//!
//! Only two doors make one: a signature that matches, or an operator who vouches for it. Never refuses a body
//! because it is not understood: what holds no event id gets an identity of its own.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::envelope;
use super::signature::{self, Secrets, SignatureError, Tolerance, Verified};
use crate::model::id::EventId;
use crate::model::time::{Millis, Seconds};

#[cfg(test)]
mod tests;

/// Which event a delivery is. Two deliveries of one event have the same identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The event's id.
    Event(EventId),
    /// The body is no JSON object, or holds no usable id: it goes by its hash.
    Unreadable {
        /// The SHA-256 of the body.
        sha256: [u8; 32],
    },
}

/// Why we believe a delivery.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its signature matched.
    Signed {
        /// The signature header as received, to check it again some day.
        header: Box<str>,
        /// The label (never the secret) of the secret that matched.
        secret: Box<str>,
        /// When this attempt was signed. Not the time of the event.
        signed_at: Seconds,
    },
    /// An operator imported it.
    Vouched,
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { secret, signed_at, .. } => f
                .debug_struct("Signed")
                .field("secret", secret)
                .field("signed_at", signed_at)
                .finish_non_exhaustive(),
            Self::Vouched => f.write_str("Vouched"),
        }
    }
}

/// An authenticated body, not yet stored. `Debug` shows no content.
#[derive(Clone)]
pub struct Delivery {
    identity: Identity,
    received_at: Millis,
    proof: Proof,
    body: Arc<[u8]>,
}

impl Delivery {
    /// The live door: `body` is believed when one of `secrets` signed it close to `now`.
    ///
    /// `header` is the value of `Stripe-Signature`; `body` are the raw bytes, before any JSON or charset treatment.
    ///
    /// # Errors
    /// [`SignatureError`]; nothing of the body was read.
    pub fn verify(
        header: Option<&[u8]>,
        body: impl Into<Arc<[u8]>>,
        secrets: &Secrets,
        tolerance: Tolerance,
        now: Millis,
    ) -> Result<Self, SignatureError> {
        let body = body.into();
        let Verified { header, label, signed_at } =
            signature::verify(header, &body, secrets, tolerance, now.seconds())?;
        let proof = Proof::Signed { header: header.into(), secret: label.into(), signed_at };
        Ok(Self::believed(proof, body, now))
    }

    /// The import door: an operator vouches for `body`.
    #[must_use]
    pub fn vouched(body: impl Into<Arc<[u8]>>, now: Millis) -> Self {
        Self::believed(Proof::Vouched, body.into(), now)
    }

    fn believed(proof: Proof, body: Arc<[u8]>, received_at: Millis) -> Self {
        let identity = envelope::event_id(&body)
            .map_or_else(|| Identity::Unreadable { sha256: Sha256::digest(&body).into() }, Identity::Event);
        Self { identity, received_at, proof, body }
    }

    /// Which event it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it reached us.
    #[must_use]
    pub const fn received_at(&self) -> Millis {
        self.received_at
    }

    /// Why it is believed.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The raw bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Everything, to store it.
    #[must_use]
    pub fn into_parts(self) -> (Identity, Millis, Proof, Arc<[u8]>) {
        (self.identity, self.received_at, self.proof, self.body)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("identity", &self.identity)
            .field("received_at", &self.received_at)
            .field("proof", &self.proof)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
