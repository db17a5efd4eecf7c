//! A record as a log holds it, so that reading and decoding can happen on different threads.
//!
//! Never decodes by itself: whoever wants the record pays for it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::codec;
use super::error::ReadError;
use super::record::{Position, Record};

/// A stored record that has not been checked or decompressed yet. Cheap to clone and to send.
#[derive(Debug, Clone)]
pub struct Encoded {
    position: Position,
    raw_bytes: u32,
    form: Form,
}

#[derive(Clone)]
enum Form {
    Plain(Record),
    Stored { block: Arc<[u8]>, range: Range<usize> },
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("plain"),
            Self::Stored { range, .. } => write!(f, "<{} bytes>", range.len()),
        }
    }
}

impl Encoded {
    pub(super) fn plain(record: Record) -> Self {
        let raw_bytes = u32::try_from(record.content.body.0.len()).unwrap_or(u32::MAX);
        Self { position: record.position, raw_bytes, form: Form::Plain(record) }
    }

    pub(super) const fn stored(
        position: Position,
        raw_bytes: u32,
        block: Arc<[u8]>,
        range: Range<usize>,
    ) -> Self {
        Self { position, raw_bytes, form: Form::Stored { block, range } }
    }

    /// The record's place.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// How long the raw body is said to be, in bytes.
    #[must_use]
    pub const fn raw_bytes(&self) -> u32 {
        self.raw_bytes
    }

    /// The record as it is stored.
    pub(super) fn bytes(&self) -> Result<Cow<'_, [u8]>, ReadError> {
        match &self.form {
            Form::Plain(record) => codec::encode_again(record).map(Cow::Owned),
            Form::Stored { block, range } => Ok(Cow::Borrowed(block.get(range.clone()).unwrap_or_default())),
        }
    }

    /// Checks the version, the checksum, the lengths and the body's SHA-256, and decompresses.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] or [`ReadError::NewerFormat`].
    pub fn decode(&self) -> Result<Record, ReadError> {
        match &self.form {
            Form::Plain(record) => Ok(record.clone()),
            Form::Stored { block, range } => {
                codec::decode(self.position, block.get(range.clone()).unwrap_or_default())
            }
        }
    }
}
