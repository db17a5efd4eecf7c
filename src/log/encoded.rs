//! A record as a log holds it, so that reading and decoding can happen on different threads.
//!
//! Never decodes by itself: whoever wants the record pays for it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

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
    Framed { frame: Arc<Frame>, range: Range<usize> },
}

/// Encoded records that were packed together. Unpacked once, when the first of them is wanted.
pub(super) struct Frame {
    block: Arc<[u8]>,
    /// Where in the block it lies.
    stored: Range<usize>,
    encoding: u8,
    /// Of the records, in bytes.
    length: usize,
    records: OnceLock<Result<Box<[u8]>, &'static str>>,
}

impl Frame {
    pub(super) const fn new(block: Arc<[u8]>, stored: Range<usize>, encoding: u8, length: usize) -> Self {
        Self { block, stored, encoding, length, records: OnceLock::new() }
    }

    fn record(&self, range: &Range<usize>) -> Result<&[u8], &'static str> {
        let unpack = || {
            let stored = self.block.get(self.stored.clone()).unwrap_or_default();
            codec::unpack(self.encoding, self.length, stored).map(|records| Box::from(records.as_ref()))
        };
        let records = self.records.get_or_init(unpack).as_ref().map_err(|reason| *reason)?;
        Ok(records.get(range.clone()).unwrap_or_default())
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("plain"),
            Self::Stored { range, .. } | Self::Framed { range, .. } => write!(f, "<{} bytes>", range.len()),
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

    pub(super) const fn framed(
        position: Position,
        raw_bytes: u32,
        frame: Arc<Frame>,
        range: Range<usize>,
    ) -> Self {
        Self { position, raw_bytes, form: Form::Framed { frame, range } }
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
            Form::Framed { frame, range } => {
                frame.record(range).map(Cow::Borrowed).map_err(|reason| self.corrupt(reason))
            }
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
            Form::Framed { frame, range } => {
                codec::decode(self.position, frame.record(range).map_err(|reason| self.corrupt(reason))?)
            }
        }
    }

    const fn corrupt(&self, reason: &'static str) -> ReadError {
        ReadError::Corrupt { position: self.position, reason }
    }
}
