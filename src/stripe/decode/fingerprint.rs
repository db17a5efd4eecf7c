//! The fingerprint of a snapshot: equal content, equal fingerprint, whatever rendered it.

use sha2::{Digest, Sha256};

use crate::model::fingerprint::Fingerprint;
use crate::model::observation::Snapshot;

/// What most snapshots take, in bytes.
const CANONICAL_BYTES: usize = 2048;

/// Takes fingerprints, with one piece of memory for all of them.
pub(super) struct Fingerprints(Vec<u8>);

impl Fingerprints {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(CANONICAL_BYTES))
    }

    /// The fingerprint of `snapshot`; none if it has no canonical form, which no snapshot lacks.
    pub(super) fn of(&mut self, snapshot: &Snapshot) -> Option<Fingerprint> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, snapshot).ok()?;
        let digest = Sha256::digest(&self.0);
        digest.first_chunk().copied().map(Fingerprint)
    }
}
