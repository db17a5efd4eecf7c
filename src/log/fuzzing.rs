//! The door of the fuzz targets (`fuzz/`): they damage what lies behind private codecs.
//!
//! Compiled under `--cfg fuzzing` alone, so it is no part of the public interface. Never holds a rule of its own.

use super::codec::{self, Place, Prepared};
use super::error::{AppendError, ReadError};
use super::record::{Digest, NewRecord, Position, Record};

pub use super::sled::fuzzing::{block, records};

/// A place that no log gave.
#[must_use]
pub const fn position(number: u64) -> Position {
    Position::new(number)
}

/// The bytes of a record at `position` after `previous`, and its digest.
///
/// # Errors
/// [`AppendError::TooLarge`].
///
/// # Panics
/// When what is within the limits cannot be encoded: that is a finding.
#[expect(clippy::panic, reason = "a finding has to be loud")]
pub fn encode(
    record: NewRecord,
    position: Position,
    previous: Digest,
) -> Result<(Vec<u8>, Digest), AppendError> {
    let prepared = Prepared::new(record)?;
    let place = Place { position, received_at: prepared.received_at, previous };
    let mut bytes = Vec::new();
    match codec::encode(&prepared, place, &mut bytes) {
        Ok(digest) => Ok((bytes, digest)),
        Err(reason) => panic!("a record within its limits is not encoded: {reason}"),
    }
}

/// The record behind the bytes.
///
/// # Errors
/// [`ReadError`].
pub fn decode(position: Position, bytes: &[u8]) -> Result<Record, ReadError> {
    codec::decode(position, bytes)
}
