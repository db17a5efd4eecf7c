//! Blocks for the fuzz targets. Compiled under `--cfg fuzzing` alone.

use super::block::{Block, BlockBuilder, Directory};
use crate::log::encoded::Encoded;
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

/// What a block holds: how many records lie before it, and each record, not yet unpacked, with the length it is said to have.
///
/// # Errors
/// What does not fit.
pub fn records(block: &[u8]) -> Result<(u64, Vec<(usize, Encoded)>), &'static str> {
    let directory = Directory::read(block)?;
    for item in &directory.items {
        // Whatever the positions are, looking for one ends.
        let _ = directory.find(item.position);
    }
    let block = Block::new(Position::START, directory, block.into());
    let items = block.directory.items.iter().map(|item| (item.range.len(), block.encoded(item)));
    Ok((block.directory.records_before, items.collect()))
}
