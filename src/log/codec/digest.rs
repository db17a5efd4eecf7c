//! SHA-256, and the chain that links a record to the one before it.
//!
//! Never depends on how a record is stored.

use sha2::{Digest as _, Sha256};

use super::Place;
use crate::log::record::{Digest, Provenance, Provider, RecordId};

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of a record, as the head of `codec.rs` spells it out.
pub(super) fn link(
    place: &Place,
    provider: Provider,
    id: &RecordId,
    provenance: &Provenance,
    body_sha256: &[u8; 32],
) -> Digest {
    let mut hash = Sha256::new();
    hash.update(place.previous.0);
    hash.update(place.position.get().to_be_bytes());
    variable(&mut hash, provider.as_str().as_bytes());
    match id {
        RecordId::Event(id) => {
            hash.update([0]);
            variable(&mut hash, id.as_str().as_bytes());
        }
        RecordId::Quarantine(sha256) => {
            hash.update([1]);
            variable(&mut hash, sha256);
        }
    }
    hash.update(place.received_at.0.to_be_bytes());
    match provenance {
        Provenance::Signed { header, secret } => {
            hash.update([0]);
            variable(&mut hash, header.as_bytes());
            variable(&mut hash, secret.as_bytes());
        }
        Provenance::Imported => hash.update([1]),
    }
    hash.update(body_sha256);
    Digest(hash.finalize().into())
}

/// With its length in front, so that no two different records hash the same bytes.
fn variable(hash: &mut Sha256, bytes: &[u8]) {
    // Everything variable is bounded far below 4 GiB before it gets here.
    hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(bytes);
}
