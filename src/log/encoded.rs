//! A record as a log holds it, so that reading and decoding can happen on different threads.
//!
//! Never decodes by itself: whoever wants the record pays for it.

use std::ops::Range;
use std::sync::Arc;

use super::codec;
use super::error::ReadError;
use super::record::{Position, Record};

/// A stored record that has not been checked or decompressed yet. Cheap to clone and to send.
#[derive(Debug, Clone)]
pub struct Encoded {
    position: Position,
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
    pub(super) const fn plain(record: Record) -> Self {
        Self { position: record.position, form: Form::Plain(record) }
    }

    pub(super) const fn stored(position: Position, block: Arc<[u8]>, range: Range<usize>) -> Self {
        Self { position, form: Form::Stored { block, range } }
    }

    /// The record's place.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
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
