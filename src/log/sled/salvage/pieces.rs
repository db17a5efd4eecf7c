//! Records that are longer than one value: their blocks lie in chunks, each under a key of its own.
//!
//! A link's key may lack its beginning. So chunks are tried by the end of their key and by their length, and the record's
//! checksum says which ones belong together.

use std::collections::BTreeMap;

use super::{Extent, Place, Salvage};
use crate::log::codec;
use crate::log::record::Position;
use crate::log::sled::block::{Directory, VALUE_BYTES_MAX};
use crate::log::sled::store::block_key;

/// More chunks than the longest record has.
const CHUNKS_MAX: u16 = 128;
/// The most ways in which one record's chunks are put together.
const TRIES_MAX: usize = 64;
/// A block's key.
const KEY_BYTES: usize = 11;

/// The chunks that were found.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Blocks that go on in further chunks, by position.
    begun: BTreeMap<u64, Vec<Begun>>,
    /// What may be one of those, by its number.
    chunks: BTreeMap<u16, Vec<Chunk>>,
}

#[derive(Debug)]
struct Begun {
    extent: Extent,
    /// The whole block's length, and where in it the record begins, or the frame that holds it.
    bytes: usize,
    start: usize,
}

#[derive(Debug)]
struct Chunk {
    /// The end of its key, as much as is known.
    key: Vec<u8>,
    sum: u32,
    extent: Extent,
}

impl Pieces {
    /// Keeps what may be a part of a long record.
    pub(super) fn note(&mut self, whole_key: Option<&[u8]>, key: &[u8], value: &[u8], extent: Extent) {
        if value.len() == VALUE_BYTES_MAX
            && let Ok(directory) = Directory::read(value)
        {
            if let ([item], true) = (directory.items.as_slice(), directory.bytes > value.len()) {
                let frame = directory.frames.first();
                let start = frame.map_or(item.range.start, |frame| frame.stored.start);
                let begun = Begun { extent, bytes: directory.bytes, start };
                self.begun.entry(item.position.get()).or_default().push(begun);
            }
            return;
        }
        let key = whole_key.filter(|key| key.len() == KEY_BYTES && key.starts_with(b"b")).unwrap_or(key);
        let number = key.last_chunk::<2>().map_or(0, |number| u16::from_be_bytes(*number));
        if (1..CHUNKS_MAX).contains(&number) && key.len() <= KEY_BYTES && value.len() <= VALUE_BYTES_MAX {
            let chunk = Chunk { key: key.to_vec(), sum: crc32fast::hash(value), extent };
            self.chunks.entry(number).or_default().push(chunk);
        }
    }

    /// The chunks that can be number `number` of the block at `position`, each content once.
    fn fitting(&self, position: u64, number: u16, length: usize) -> Vec<Extent> {
        let key = block_key(Position::new(position), number);
        let mut fitting: BTreeMap<u32, &Chunk> = BTreeMap::new();
        for chunk in self.chunks.get(&number).into_iter().flatten() {
            if chunk.extent.length == length && key.ends_with(&chunk.key) {
                fitting.entry(chunk.sum).or_insert(chunk);
            }
        }
        let mut fitting: Vec<&Chunk> = fitting.into_values().collect();
        // The more of a key is known, the surer.
        fitting.sort_by_key(|chunk| std::cmp::Reverse(chunk.key.len()));
        fitting.iter().map(|chunk| chunk.extent).collect()
    }

    /// The ways in which a begun block may go on.
    fn ways(&self, position: u64, begun: &Begun) -> Vec<Vec<Extent>> {
        let mut ways = vec![vec![begun.extent]];
        let mut left = begun.bytes.saturating_sub(VALUE_BYTES_MAX);
        let mut number = 1;
        while left > 0 && number < CHUNKS_MAX {
            let length = left.min(VALUE_BYTES_MAX);
            let fitting = self.fitting(position, number, length);
            ways = ways
                .iter()
                .flat_map(|way| fitting.iter().map(|next| way.iter().chain([next]).copied().collect()))
                .take(TRIES_MAX)
                .collect();
            left = left.saturating_sub(length);
            number = number.saturating_add(1);
        }
        ways
    }
}

impl Salvage {
    /// Puts long records together.
    pub(super) fn assemble(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        for (position, begun) in &pieces.begun {
            for begun in begun {
                for extents in pieces.ways(*position, begun) {
                    let place = Place::Pieces { extents, skip: begun.start };
                    let Ok(bytes) = self.bytes(&place) else { continue };
                    if self.long(&bytes, begun.extent.file, &place) {
                        break;
                    }
                }
            }
        }
    }

    /// Whether what was put together is a record, or a frame with one.
    fn long(&mut self, bytes: &[u8], file: usize, place: &Place) -> bool {
        if let Some((found, end)) = codec::record_at(bytes)
            && end == bytes.len()
        {
            self.candidate(found, bytes, file, place, None);
            return true;
        }
        match codec::unpack_at(bytes, codec::DECODE_BYTES_MAX) {
            Some((records, end)) if end == bytes.len() => self.framed(&records, file, place) > 0,
            _ => false,
        }
    }
}
