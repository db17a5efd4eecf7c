//! The stored form of derived state: bincode, without a version of its own.
//!
//! Nothing here is a promise: the projection carries the reducer's version as a whole, and is
//! folded anew when that differs.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ProjectionError;

/// The most bytes that one row may claim while it is decoded.
const ROW_BYTES_MAX: usize = 64 * 1024 * 1024;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<ROW_BYTES_MAX>,
> = bincode::config::standard().with_limit::<ROW_BYTES_MAX>();

/// The bytes of a row.
pub(super) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, ProjectionError> {
    bincode::serde::encode_to_vec(row, CONFIG)
        .map_err(|error| ProjectionError::Damaged { reason: error.to_string().into() })
}

/// The row behind the bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProjectionError> {
    match bincode::serde::decode_from_slice(bytes, CONFIG) {
        Ok((row, read)) if read == bytes.len() => Ok(row),
        Ok(_) => Err(ProjectionError::Damaged { reason: "a row is longer than its content".into() }),
        Err(error) => Err(ProjectionError::Damaged { reason: error.to_string().into() }),
    }
}
