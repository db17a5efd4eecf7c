//! A short name for the content of a snapshot: equal content, equal fingerprint.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The first 128 bits of a SHA-256 over a snapshot's canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(&self.0[..4]))
    }
}
