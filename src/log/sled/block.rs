//! A block: the encoded records of one commit behind a directory, in one sled value where possible.
//!
//! Never looks into a record: each carries its own version and checksum.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, `1` |
//! | 8 | how many records lie before this block, big-endian |
//! | 4 | how many records lie in it (n), big-endian |
//! | n × 16 | the directory: position (8), length of the encoded record (4), length of the raw body (4), each big-endian |
//! | 4 | CRC-32 (IEEE) of everything before it, big-endian |
//! | … | the encoded records, back to back |
//!
//! With the directory a damaged record has a known position, costs none of its neighbours, and a page knows how
//! long its bodies are before it decompresses one.
//!
//! A block that is longer than [`VALUE_BYTES_MAX`] holds a single record and is cut into chunks of that length.

use std::ops::Range;

use super::open::SEGMENT_BYTES;
use crate::log::record::Position;

/// The longest value handed to sled, in bytes.
///
/// sled rewrites up to 17 neighbours as one, and moves what is longer than a quarter of a segment into files that it
/// never syncs: so 17 values must stay below that.
pub(super) const VALUE_BYTES_MAX: usize = 192 * 1024;

/// The values sled rewrites as one, and what it adds to each: key and lengths, generously.
const NEIGHBOURS_MAX: usize = 17;
const NEIGHBOUR_BYTES: usize = VALUE_BYTES_MAX + 64;
const _: () = assert!(NEIGHBOURS_MAX * NEIGHBOUR_BYTES < SEGMENT_BYTES / 4);

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 13;
const ITEM_BYTES: usize = 16;
const CRC_BYTES: usize = 4;

/// Where a record lies inside its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) position: Position,
    pub(super) raw_bytes: u32,
    pub(super) range: Range<usize>,
}

/// A block's directory, decoded and checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) records_before: u64,
    pub(super) items: Vec<Item>,
    /// The whole block's length, over all its chunks.
    pub(super) bytes: usize,
}

impl Directory {
    /// Reads the directory at the start of a block (its first chunk is enough).
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn read(block: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "its block is cut short";
        let (head, _) = block.split_first_chunk::<HEAD_BYTES>().ok_or(SHORT)?;
        let [_, b0, b1, b2, b3, b4, b5, b6, b7, n0, n1, n2, n3] = *head;
        let count = usize::try_from(u32::from_be_bytes([n0, n1, n2, n3])).map_err(|_| SHORT)?;
        let checked_bytes =
            count.checked_mul(ITEM_BYTES).and_then(|n| n.checked_add(HEAD_BYTES)).ok_or(SHORT)?;
        let (checked, rest) = block.split_at_checked(checked_bytes).ok_or(SHORT)?;
        let (crc, _) = rest.split_first_chunk::<CRC_BYTES>().ok_or(SHORT)?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return Err("its block's directory does not fit its checksum");
        }
        if head.first() != Some(&VERSION) {
            return Err("its block has an unknown version");
        }
        let mut bytes = checked_bytes.saturating_add(CRC_BYTES);
        let mut items = Vec::with_capacity(count);
        let (directory, _) = checked.get(HEAD_BYTES..).unwrap_or_default().as_chunks::<ITEM_BYTES>();
        for item in directory {
            let [p0, p1, p2, p3, p4, p5, p6, p7, l0, l1, l2, l3, r0, r1, r2, r3] = *item;
            let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).map_err(|_| SHORT)?;
            let end = bytes.checked_add(length).ok_or(SHORT)?;
            items.push(Item {
                position: Position::new(u64::from_be_bytes([p0, p1, p2, p3, p4, p5, p6, p7])),
                raw_bytes: u32::from_be_bytes([r0, r1, r2, r3]),
                range: bytes..end,
            });
            bytes = end;
        }
        let records_before = u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]);
        Ok(Self { records_before, items, bytes })
    }

    /// Where a record lies.
    pub(super) fn find(&self, position: Position) -> Option<&Item> {
        let at = self.items.binary_search_by_key(&position, |item| item.position).ok()?;
        self.items.get(at)
    }
}

/// Collects records into one block.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    first: Option<Position>,
    directory: Vec<u8>,
    records: Vec<u8>,
    count: u32,
}

impl BlockBuilder {
    /// Whether a record of this encoded length still fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let taken = HEAD_BYTES + CRC_BYTES + ITEM_BYTES + self.directory.len() + self.records.len();
        self.count == 0 || taken.saturating_add(bytes) <= VALUE_BYTES_MAX
    }

    /// Adds an encoded record.
    pub(super) fn push(&mut self, position: Position, raw_bytes: u32, record: &[u8]) {
        self.first.get_or_insert(position);
        self.count = self.count.saturating_add(1);
        // A record is bounded far below 4 GiB.
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        self.directory.extend_from_slice(&position.get().to_be_bytes());
        self.directory.extend_from_slice(&length.to_be_bytes());
        self.directory.extend_from_slice(&raw_bytes.to_be_bytes());
        self.records.extend_from_slice(record);
    }

    pub(super) const fn records(&self) -> u32 {
        self.count
    }

    /// The first position and the whole block; none if nothing was added. Starts over.
    pub(super) fn finish(&mut self, records_before: u64) -> Option<(Position, Vec<u8>)> {
        let Self { first, directory, records, count } = std::mem::take(self);
        let first = first?;
        let mut block = Vec::with_capacity(HEAD_BYTES + CRC_BYTES + directory.len() + records.len());
        block.push(VERSION);
        block.extend_from_slice(&records_before.to_be_bytes());
        block.extend_from_slice(&count.to_be_bytes());
        block.extend_from_slice(&directory);
        let crc = crc32fast::hash(&block);
        block.extend_from_slice(&crc.to_be_bytes());
        block.extend_from_slice(&records);
        Some((first, block))
    }
}

#[cfg(test)]
mod tests;
