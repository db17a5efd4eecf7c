//! The canonical bytes of a snapshot, and their fingerprint: equal content, equal fingerprint, whatever rendered it.
//!
//! The bytes live no longer than it takes to hash them. Nothing here is ever read back.

use sha2::{Digest, Sha256};

use crate::model::fingerprint::Fingerprint;
use crate::model::observation::Snapshot;

/// What most snapshots take, in bytes.
const CANONICAL_BYTES: usize = 1024;

/// Takes fingerprints, with one piece of memory for all of them.
pub(super) struct Fingerprints(Vec<u8>);

impl Fingerprints {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(CANONICAL_BYTES))
    }

    /// The fingerprint of `snapshot`; none if it has no canonical form, which no snapshot lacks.
    ///
    /// Every field in its order, every text with its length, every absent value marked: no two contents share their bytes.
    pub(super) fn of(&mut self, snapshot: &Snapshot) -> Option<Fingerprint> {
        self.0.clear();
        let config = bincode::config::standard();
        bincode::serde::encode_into_std_write(snapshot, &mut self.0, config).ok()?;
        Sha256::digest(&self.0).first_chunk().copied().map(Fingerprint)
    }
}
