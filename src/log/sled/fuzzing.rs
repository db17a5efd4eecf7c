//! Blocks for the fuzz targets. Compiled under `--cfg fuzzing` alone.

use std::ops::Range;

use super::block::{BlockBuilder, Directory};
use crate::log::record::Position;

/// The block of encoded records, each with its place and the length of its raw body; none without records.
#[must_use]
pub fn block(records_before: u64, records: &[(Position, u32, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut builder = BlockBuilder::default();
    for (position, raw_bytes, record) in records {
        builder.push(*position, *raw_bytes, record);
    }
    builder.finish(records_before).map(|(_, block)| block)
}

/// What a block's directory says of each record: place, raw length, where its bytes lie. And how many records lie before.
///
/// # Errors
/// What does not fit.
#[expect(clippy::type_complexity, reason = "a type of its own would be known to nobody else")]
pub fn directory(block: &[u8]) -> Result<(u64, Vec<(Position, u32, Range<usize>)>), &'static str> {
    let directory = Directory::read(block)?;
    for item in &directory.items {
        // Whatever the positions are, looking for one ends.
        let _ = directory.find(item.position);
    }
    let items = directory.items.into_iter().map(|item| (item.position, item.raw_bytes, item.range));
    Ok((directory.records_before, items.collect()))
}
