//! Format version 1: a record in bytes. The only file of this room that says bincode, zstd or SHA-256.
//!
//! Never changes what a released version wrote: a new layout is a new version byte and a new struct beside the old one.
//!
//! # A record, byte by byte
//! | bytes | what |
//! |---|---|
//! | 1 | the version, `1` |
//! | n | the fields below, in this order, as bincode 2 writes them (standard configuration) |
//! | 4 | CRC-32 (IEEE) of everything before it, little-endian |
//!
//! bincode's standard configuration: a number is one byte below 251, else 251 and 2 bytes, 252 and 4, 253 and 8,
//! little-endian; a signed number is zigzag-encoded first; text and bytes are their length as such a number, then themselves;
//! a variant is its index as such a number; a fixed array is its bytes alone.
//!
//! | field | type |
//! |---|---|
//! | position | unsigned number, from 1 |
//! | provider | text, `stripe` |
//! | id | variant: 0 = event id, text; 1 = quarantine, 32 bytes (SHA-256 of the raw body) |
//! | received at | signed number, milliseconds since 1970 |
//! | provenance | variant: 0 = signed, text (signature header) and text (label of the secret); 1 = imported |
//! | body encoding | one byte: 0 = raw; 1 = one zstd frame, dictionary 1: written before blocks were compressed as a whole |
//! | raw body length | unsigned number |
//! | SHA-256 of the raw body | 32 bytes |
//! | stored body | bytes |
//! | digest | 32 bytes, see below |
//!
//! # The digest
//! `digest = SHA-256(previous digest ‖ position ‖ provider ‖ id ‖ metadata ‖ SHA-256(raw body))`, spelled out:
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the digest of the record before, whatever its position; zeros before the first |
//! | 8 | position, big-endian |
//! | 4 + n | provider: length big-endian, text |
//! | 1 | 0 = event id, 1 = quarantine |
//! | 4 + n | the id: length big-endian, text or the 32 bytes |
//! | 8 | received at, milliseconds since 1970, two's complement big-endian |
//! | 1 | provenance: 0 = signed, 1 = imported |
//! | 4 + n, 4 + n | only if signed: signature header and label, each its length big-endian, text |
//! | 32 | SHA-256 of the raw body |
//!
//! It does not depend on how the record is stored: a new version byte or dictionary leaves the chain as it is.
//!
//! # Dictionary 1
//! `dictionary-1.zstd` was trained with `zstd --train -r bodies/ -B0 --maxdict=65536 -1` (zstd 1.5.4) on 10,400 bodies: every billing
//! object of the API reference in its events, indented as Stripe sends them (one in seven compact), ids, amounts and
//! times drawn at random so that it learns the structure and no values. On bodies kept apart it stores 0.13 to 0.16 of the raw bytes.
//! A better dictionary gets a new encoding; this one stays, byte for byte.

mod digest;
mod packed;

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::error::{AppendError, ReadError};
use super::record::{Body, Digest, NewRecord, Position, Provenance, Provider, Record, RecordId};
use crate::model::id::EventId;
use crate::model::time::Millis;
use packed::RAW;

pub(super) use packed::{ZSTD_SIGN, pack, unpack, unpack_at};

/// The version byte this binary writes, and the newest it reads.
pub const FORMAT_VERSION: u8 = 1;

/// The longest raw body a log takes, in bytes. The doors set lower limits.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest signature header plus label a log takes, in bytes.
pub const PROVENANCE_BYTES_MAX: usize = 64 * 1024;

/// What a claim inside a damaged record can make us allocate at most, in bytes: no record is longer.
pub(super) const DECODE_BYTES_MAX: usize = BODY_BYTES_MAX + PROVENANCE_BYTES_MAX + 4096;

const CRC_BYTES: usize = 4;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<DECODE_BYTES_MAX>()
}

/// A record that is hashed already: what is costly happens before the queue, on many threads.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) provider: Provider,
    pub(super) id: RecordId,
    pub(super) received_at: Millis,
    pub(super) provenance: Provenance,
    pub(super) body_sha256: [u8; 32],
    body: Body,
}

impl Prepared {
    /// # Errors
    /// [`AppendError::TooLarge`].
    pub(super) fn new(record: NewRecord) -> Result<Self, AppendError> {
        check_limits(&record)?;
        let NewRecord { provider, id, received_at, provenance, body } = record;
        let body_sha256 = digest::sha256(&body.0);
        Ok(Self { provider, id, received_at, provenance, body_sha256, body })
    }

    /// The raw body's length, in bytes.
    pub(super) fn raw_bytes(&self) -> u32 {
        // Bounded far below 4 GiB.
        u32::try_from(self.body.0.len()).unwrap_or(u32::MAX)
    }

    /// About what the record takes when encoded, in bytes.
    pub(super) fn encoded_bytes(&self) -> usize {
        self.body.0.len().saturating_add(512)
    }
}

/// Whether any log takes the record.
///
/// # Errors
/// [`AppendError::TooLarge`].
pub(super) fn check_limits(record: &NewRecord) -> Result<(), AppendError> {
    let said = match &record.provenance {
        Provenance::Signed { header, secret } => header.len().saturating_add(secret.len()),
        Provenance::Imported => 0,
    };
    if record.body.0.len() > BODY_BYTES_MAX || said > PROVENANCE_BYTES_MAX {
        return Err(AppendError::TooLarge);
    }
    Ok(())
}

/// Where a record lands: what the writer alone can know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) position: Position,
    pub(super) received_at: Millis,
    pub(super) previous: Digest,
}

/// Appends the encoded record to `out` and returns its digest.
///
/// # Errors
/// What bincode says; not expected, as everything in a [`Prepared`] is within its limits.
pub(super) fn encode(record: &Prepared, place: Place, out: &mut Vec<u8>) -> Result<Digest, String> {
    let digest = digest::link(&place, record.provider, &record.id, &record.provenance, &record.body_sha256);
    write(record, place, digest, out)?;
    Ok(digest)
}

/// A record that is stored already, in bytes, under the digest that it has.
///
/// # Errors
/// [`ReadError`]; not expected, as it was stored once.
pub(super) fn encode_again(record: &Record) -> Result<Vec<u8>, ReadError> {
    let storage = |reason: String| ReadError::Storage { reason: reason.into() };
    let place = Place {
        position: record.position,
        received_at: record.content.received_at,
        previous: Digest::GENESIS,
    };
    let prepared = Prepared::new(record.content.clone()).map_err(|error| storage(error.to_string()))?;
    let mut out = Vec::new();
    write(&prepared, place, record.digest, &mut out).map_err(storage)?;
    Ok(out)
}

/// Where the record that begins here ends, if its checksum says that it is one.
pub(super) fn record_at(bytes: &[u8]) -> Option<(Position, usize)> {
    let (&version, fields) = bytes.split_first()?;
    if version != FORMAT_VERSION {
        return None;
    }
    let (stored, read) =
        bincode::serde::borrow_decode_from_slice::<StoredRecord<'_>, _>(fields, config()).ok()?;
    let (checked, rest) = bytes.split_at_checked(read.checked_add(1)?)?;
    let crc = u32::from_le_bytes(*rest.first_chunk::<CRC_BYTES>()?);
    let end = checked.len().checked_add(CRC_BYTES)?;
    (crc32fast::hash(checked) == crc).then_some((Position::new(stored.position), end))
}

fn write(record: &Prepared, place: Place, digest: Digest, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    out.push(FORMAT_VERSION);
    let stored = StoredRecord {
        position: place.position.get(),
        provider: record.provider.as_str(),
        id: match &record.id {
            RecordId::Event(id) => StoredId::Event(id.as_str()),
            RecordId::Quarantine(hash) => StoredId::Quarantine(*hash),
        },
        received_at: place.received_at.0,
        provenance: match &record.provenance {
            Provenance::Signed { header, secret } => StoredProvenance::Signed { header, secret },
            Provenance::Imported => StoredProvenance::Imported,
        },
        body_encoding: RAW,
        body_bytes: record.raw_bytes(),
        body_sha256: record.body_sha256,
        body: &record.body.0,
        digest: digest.0,
    };
    bincode::serde::encode_into_std_write(&stored, out, config()).map_err(|error| error.to_string())?;
    let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// The record at `position`, checked: version, checksum, lengths, the body's SHA-256.
///
/// # Errors
/// [`ReadError::Corrupt`] or [`ReadError::NewerFormat`].
pub(super) fn decode(position: Position, bytes: &[u8]) -> Result<Record, ReadError> {
    let corrupt = |reason| ReadError::Corrupt { position, reason };
    let (checked, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or_else(|| corrupt("it is too short"))?;
    // The checksum first: a damaged version byte is damage, not a newer format.
    if crc32fast::hash(checked) != u32::from_le_bytes(*crc) {
        return Err(corrupt("its checksum does not fit"));
    }
    match checked.split_first() {
        Some((&FORMAT_VERSION, fields)) => decode_1(position, fields),
        Some((&version, _)) if version > FORMAT_VERSION => Err(ReadError::NewerFormat { position, version }),
        _ => Err(corrupt("its version is none that was ever written")),
    }
}

fn decode_1(position: Position, fields: &[u8]) -> Result<Record, ReadError> {
    let corrupt = |reason| ReadError::Corrupt { position, reason };
    let (stored, read) = bincode::serde::borrow_decode_from_slice::<StoredRecord<'_>, _>(fields, config())
        .map_err(|_| corrupt("its fields cannot be read"))?;
    if read != fields.len() {
        return Err(corrupt("it is longer than its fields"));
    }
    if stored.position != position.get() {
        return Err(corrupt("it belongs to another position"));
    }
    if stored.provider != Provider::Stripe.as_str() {
        return Err(corrupt("its provider is unknown"));
    }
    let id = match stored.id {
        StoredId::Event(text) => {
            RecordId::Event(EventId::parse(text).map_err(|_| corrupt("its event id is none"))?)
        }
        StoredId::Quarantine(hash) => RecordId::Quarantine(hash),
    };
    let length = usize::try_from(stored.body_bytes).unwrap_or(usize::MAX);
    if length > BODY_BYTES_MAX {
        return Err(corrupt("its body is longer than any that was taken"));
    }
    let raw = unpack(stored.body_encoding, length, stored.body).map_err(corrupt)?;
    if digest::sha256(&raw) != stored.body_sha256 {
        return Err(corrupt("its body's SHA-256 does not fit"));
    }
    let provenance = match stored.provenance {
        StoredProvenance::Signed { header, secret } => {
            Provenance::Signed { header: header.into(), secret: secret.into() }
        }
        StoredProvenance::Imported => Provenance::Imported,
    };
    Ok(Record {
        position,
        content: NewRecord {
            provider: Provider::Stripe,
            id,
            received_at: Millis(stored.received_at),
            provenance,
            body: Body(Arc::from(raw.as_ref())),
        },
        digest: Digest(stored.digest),
    })
}

/// The SHA-256 of a raw body, as the record and the index of ids hold it.
pub(super) fn body_sha256(body: &Body) -> [u8; 32] {
    digest::sha256(&body.0)
}

impl Record {
    /// What this record's digest must be when `previous` is the digest of the record before it.
    ///
    /// A log is whole when this equals [`Record::digest`] for every record, from [`Digest::GENESIS`] on.
    #[must_use]
    pub fn digest_after(&self, previous: Digest) -> Digest {
        let content = &self.content;
        let place = Place { position: self.position, received_at: content.received_at, previous };
        let sha256 = digest::sha256(&content.body.0);
        digest::link(&place, content.provider, &content.id, &content.provenance, &sha256)
    }
}

/// The fields of version 1, in stored order. The order is the format: see the head of this file.
#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    position: u64,
    #[serde(borrow)]
    provider: &'a str,
    #[serde(borrow)]
    id: StoredId<'a>,
    received_at: i64,
    #[serde(borrow)]
    provenance: StoredProvenance<'a>,
    body_encoding: u8,
    body_bytes: u32,
    body_sha256: [u8; 32],
    #[serde(borrow, serialize_with = "as_bytes")]
    body: &'a [u8],
    digest: [u8; 32],
}

#[derive(Serialize, Deserialize)]
enum StoredId<'a> {
    #[serde(borrow)]
    Event(&'a str),
    Quarantine([u8; 32]),
}

#[derive(Serialize, Deserialize)]
enum StoredProvenance<'a> {
    Signed { header: &'a str, secret: &'a str },
    Imported,
}

/// The same bytes as serde's way for a slice, without a call for each of them.
fn as_bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

#[cfg(test)]
mod tests;
