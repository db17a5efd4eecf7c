//! A block: the encoded records of one commit behind a directory, in one sled value where possible.
//!
//! Never looks into a record: each carries its own version and checksum.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, `2` |
//! | 8 | how many records lie before this block, big-endian |
//! | 4 | how many records lie in it (n), big-endian |
//! | 4 | in how many frames (f), big-endian |
//! | n × 16 | the directory: position (8), length of the encoded record (4), length of the raw body (4), each big-endian |
//! | f × 9 | the frames: how many of the records (4), encoding (1: 0 = as they are, 1 = one zstd frame, dictionary 1), length as stored (4), big-endian |
//! | 4 | CRC-32 (IEEE) of everything before it, big-endian |
//! | … | the frames, back to back; in each its encoded records, back to back |
//!
//! Records that are packed together take a third of the bytes that each takes by itself, because events of one moment say
//! much the same. A frame is small all the same: what one damaged byte costs is a frame.
//! With the directory every damaged record has a known position, and a page knows how long its bodies are before it unpacks one.
//!
//! Version 1 had no frames: neither f nor their table, and the encoded records as they are, each with a packed body.
//!
//! A block that is longer than [`VALUE_BYTES_MAX`] holds a single record and is cut into chunks of that length.

use std::ops::Range;
use std::sync::Arc;

use crate::log::codec;
use crate::log::encoded::{Encoded, Frame};
use crate::log::record::Position;
use crate::storage::SEGMENT_BYTES;

/// The longest value handed to sled, in bytes.
///
/// sled rewrites up to 17 neighbours as one, and moves what is longer than a quarter of a segment into files that it
/// never syncs: so 17 values must stay below that.
pub(super) const VALUE_BYTES_MAX: usize = 192 * 1024;

/// The values sled rewrites as one, and what it adds to each: key and lengths, generously.
const NEIGHBOURS_MAX: usize = 17;
const NEIGHBOUR_BYTES: usize = VALUE_BYTES_MAX + 64;
const _: () = assert!(NEIGHBOURS_MAX * NEIGHBOUR_BYTES < SEGMENT_BYTES / 4);

/// The most records in a frame. Twice as many would save another tenth of the bytes, and cost twice as many records when
/// a byte rots.
pub(super) const FRAME_RECORDS_MAX: u32 = 8;
/// How long the records of a frame are together, in bytes, if they are several.
const FRAME_BYTES_MAX: usize = 64 * 1024;

const UNFRAMED: u8 = 1;
const VERSION: u8 = 2;
/// The version, and how many records lie before.
const BEFORE_BYTES: usize = 9;
const COUNT_BYTES: usize = 4;
const ITEM_BYTES: usize = 16;
const SPAN_BYTES: usize = 9;
const CRC_BYTES: usize = 4;
const HEAD_BYTES: usize = BEFORE_BYTES + 2 * COUNT_BYTES;

/// Where a record lies inside its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) position: Position,
    pub(super) raw_bytes: u32,
    /// The frame that holds it; none in version 1.
    pub(super) frame: Option<usize>,
    /// Where it lies among its frame's records, or, without a frame, in the block.
    pub(super) range: Range<usize>,
}

/// Where a frame lies inside its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) encoding: u8,
    pub(super) stored: Range<usize>,
    /// Of its records, in bytes.
    pub(super) length: usize,
}

/// A block's directory, decoded and checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) records_before: u64,
    pub(super) items: Vec<Item>,
    pub(super) frames: Vec<Span>,
    /// The whole block's length, over all its chunks.
    pub(super) bytes: usize,
}

const SHORT: &str = "its block is cut short";
const MISFIT: &str = "its block's frames do not fit its records";

impl Directory {
    /// Reads the directory at the start of a block (its first chunk is enough).
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn read(block: &[u8]) -> Result<Self, &'static str> {
        let (head, rest) = block.split_first_chunk::<BEFORE_BYTES>().ok_or(SHORT)?;
        let [version, before @ ..] = *head;
        let (records, rest) = number(rest)?;
        let (frames, rest) = if version == VERSION { number(rest)? } else { (0, rest) };
        let table = size(records, ITEM_BYTES)?.checked_add(size(frames, SPAN_BYTES)?).ok_or(SHORT)?;
        let begin = block.len().saturating_sub(rest.len());
        let (checked, rest) = block.split_at_checked(begin.checked_add(table).ok_or(SHORT)?).ok_or(SHORT)?;
        let (crc, _) = rest.split_first_chunk::<CRC_BYTES>().ok_or(SHORT)?;
        // The checksum first: a damaged version is damage, not another version.
        if crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return Err("its block's directory does not fit its checksum");
        }
        let table = checked.get(begin..).unwrap_or_default();
        let (items, spans) = table.split_at_checked(size(records, ITEM_BYTES)?).ok_or(SHORT)?;
        let directory = Self {
            records_before: u64::from_be_bytes(before),
            items: Vec::with_capacity(records),
            frames: Vec::with_capacity(frames),
            bytes: checked.len().saturating_add(CRC_BYTES),
        };
        match version {
            UNFRAMED => directory.unframed(items),
            VERSION => directory.framed(items, spans),
            _ => Err("its block has an unknown version"),
        }
    }

    fn unframed(mut self, items: &[u8]) -> Result<Self, &'static str> {
        for (position, length, raw_bytes) in listed(items) {
            let end = self.bytes.checked_add(length).ok_or(SHORT)?;
            self.items.push(Item { position, raw_bytes, frame: None, range: self.bytes..end });
            self.bytes = end;
        }
        Ok(self)
    }

    fn framed(mut self, items: &[u8], spans: &[u8]) -> Result<Self, &'static str> {
        let mut items = listed(items);
        let (spans, _) = spans.as_chunks::<SPAN_BYTES>();
        for (frame, span) in spans.iter().enumerate() {
            let [n0, n1, n2, n3, encoding, l0, l1, l2, l3] = *span;
            let records = u32::from_be_bytes([n0, n1, n2, n3]);
            let stored = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).map_err(|_| SHORT)?;
            let mut length = 0_usize;
            for _ in 0..records {
                let (position, bytes, raw_bytes) = items.next().ok_or(MISFIT)?;
                let end = length.checked_add(bytes).ok_or(SHORT)?;
                self.items.push(Item { position, raw_bytes, frame: Some(frame), range: length..end });
                length = end;
            }
            // What a claim can make us allocate.
            if length > if records > 1 { FRAME_BYTES_MAX } else { codec::DECODE_BYTES_MAX } {
                return Err(MISFIT);
            }
            let end = self.bytes.checked_add(stored).ok_or(SHORT)?;
            self.frames.push(Span { encoding, stored: self.bytes..end, length });
            self.bytes = end;
        }
        if items.next().is_some() { Err(MISFIT) } else { Ok(self) }
    }

    /// Where a record lies.
    pub(super) fn find(&self, position: Position) -> Option<&Item> {
        let at = self.items.binary_search_by_key(&position, |item| item.position).ok()?;
        self.items.get(at)
    }
}

/// A number of things in front of the rest.
fn number(bytes: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    let (count, rest) = bytes.split_first_chunk::<COUNT_BYTES>().ok_or(SHORT)?;
    Ok((usize::try_from(u32::from_be_bytes(*count)).map_err(|_| SHORT)?, rest))
}

fn size(count: usize, each: usize) -> Result<usize, &'static str> {
    count.checked_mul(each).ok_or(SHORT)
}

/// Position, length of the encoded record, length of the raw body.
fn listed(items: &[u8]) -> impl Iterator<Item = (Position, usize, u32)> {
    let (items, _) = items.as_chunks::<ITEM_BYTES>();
    items.iter().map(|item| {
        let [p0, p1, p2, p3, p4, p5, p6, p7, l0, l1, l2, l3, r0, r1, r2, r3] = *item;
        let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let position = Position::new(u64::from_be_bytes([p0, p1, p2, p3, p4, p5, p6, p7]));
        (position, length, u32::from_be_bytes([r0, r1, r2, r3]))
    })
}

/// A block in memory.
pub(super) struct Block {
    pub(super) first: Position,
    pub(super) directory: Directory,
    pub(super) bytes: Arc<[u8]>,
    frames: Vec<Arc<Frame>>,
}

impl Block {
    /// The whole of a block, put together from its chunks.
    pub(super) fn new(first: Position, directory: Directory, bytes: Arc<[u8]>) -> Self {
        let frame = |span: &Span| {
            Arc::new(Frame::new(Arc::clone(&bytes), span.stored.clone(), span.encoding, span.length))
        };
        let frames = directory.frames.iter().map(frame).collect();
        Self { first, directory, bytes, frames }
    }

    /// One of its records, not yet unpacked.
    pub(super) fn encoded(&self, item: &Item) -> Encoded {
        let range = item.range.clone();
        match item.frame.and_then(|frame| self.frames.get(frame)) {
            Some(frame) => Encoded::framed(item.position, item.raw_bytes, Arc::clone(frame), range),
            None => Encoded::stored(item.position, item.raw_bytes, Arc::clone(&self.bytes), range),
        }
    }
}

/// Collects records into one block.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    first: Option<Position>,
    count: u32,
    directory: Vec<u8>,
    frames: u32,
    spans: Vec<u8>,
    packed: Vec<u8>,
    /// The records of the frame under construction.
    open: Vec<u8>,
    open_records: u32,
}

impl BlockBuilder {
    /// Whether a record of this encoded length still fits, even if it cannot be packed.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        const MORE: usize = HEAD_BYTES + ITEM_BYTES + 2 * SPAN_BYTES + CRC_BYTES;
        let taken = MORE + self.directory.len() + self.spans.len() + self.packed.len() + self.open.len();
        self.count == 0 || taken.saturating_add(bytes) <= VALUE_BYTES_MAX
    }

    /// Adds an encoded record.
    pub(super) fn push(&mut self, position: Position, raw_bytes: u32, record: &[u8]) {
        self.first.get_or_insert(position);
        if self.open.len().saturating_add(record.len()) > FRAME_BYTES_MAX {
            self.close_frame();
        }
        self.count = self.count.saturating_add(1);
        self.directory.extend_from_slice(&position.get().to_be_bytes());
        self.directory.extend_from_slice(&length(record));
        self.directory.extend_from_slice(&raw_bytes.to_be_bytes());
        self.open.extend_from_slice(record);
        self.open_records = self.open_records.saturating_add(1);
        if self.open_records >= FRAME_RECORDS_MAX || self.open.len() >= FRAME_BYTES_MAX {
            self.close_frame();
        }
    }

    fn close_frame(&mut self) {
        if self.open_records == 0 {
            return;
        }
        let (encoding, stored) = codec::pack(&self.open);
        self.spans.extend_from_slice(&self.open_records.to_be_bytes());
        self.spans.push(encoding);
        self.spans.extend_from_slice(&length(&stored));
        self.packed.extend_from_slice(&stored);
        self.frames = self.frames.saturating_add(1);
        self.open.clear();
        self.open_records = 0;
    }

    pub(super) const fn records(&self) -> u32 {
        self.count
    }

    /// How long its records are by now, packed as far as they are, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.packed.len().saturating_add(self.open.len())
    }

    /// The first position and the whole block; none if nothing was added. Starts over.
    pub(super) fn finish(&mut self, records_before: u64) -> Option<(Position, Vec<u8>)> {
        self.close_frame();
        let Self { first, count, directory, frames, spans, packed, .. } = std::mem::take(self);
        let first = first?;
        let bytes = HEAD_BYTES + CRC_BYTES + directory.len() + spans.len() + packed.len();
        let mut block = Vec::with_capacity(bytes);
        block.push(VERSION);
        block.extend_from_slice(&records_before.to_be_bytes());
        block.extend_from_slice(&count.to_be_bytes());
        block.extend_from_slice(&frames.to_be_bytes());
        block.extend_from_slice(&directory);
        block.extend_from_slice(&spans);
        let crc = crc32fast::hash(&block);
        block.extend_from_slice(&crc.to_be_bytes());
        block.extend_from_slice(&packed);
        Some((first, block))
    }
}

/// A record is bounded far below 4 GiB.
fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests;
