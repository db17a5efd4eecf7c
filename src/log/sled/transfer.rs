//! Records on their way to another log: a page in one block, as `block.rs` lays it out, of any length.
//!
//! Never looks into a record: whoever takes it checks it.

use super::block::{Block, BlockBuilder, Directory};
use crate::log::encoded::Encoded;
use crate::log::error::ReadError;
use crate::log::record::Position;

/// A page of records as one block; nothing at all for an empty page.
///
/// # Errors
/// [`ReadError`] of a record that cannot be encoded.
pub fn pack(page: &[Encoded]) -> Result<Vec<u8>, ReadError> {
    let mut block = BlockBuilder::default();
    for encoded in page {
        block.push(encoded.position(), encoded.raw_bytes(), &encoded.bytes()?);
    }
    Ok(block.finish(0).map(|(_, block)| block).unwrap_or_default())
}

/// The records of a packed page, not yet checked.
///
/// # Errors
/// [`ReadError::Corrupt`] when it is no packed page, or not a whole one.
pub fn unpack(page: Vec<u8>) -> Result<Vec<Encoded>, ReadError> {
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let corrupt = |reason| ReadError::Corrupt { position: Position::START, reason };
    let directory = Directory::read(&page).map_err(corrupt)?;
    if directory.bytes != page.len() {
        return Err(corrupt("the page is not whole"));
    }
    let block = Block::new(Position::START, directory, page.into());
    Ok(block.directory.items.iter().map(|item| block.encoded(item)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{event, json};
    use crate::log::{EventLog, MemoryLog};

    #[test]
    fn a_page_comes_back_as_it_was() {
        let log = MemoryLog::new();
        log.append((1..=40).map(|n| event(n, &json(n, 9_000))).collect()).wait().unwrap();
        let page = log.read_encoded(Position::START, 100).unwrap();
        let packed = pack(&page).unwrap();
        let unpacked = unpack(packed.clone()).unwrap();
        assert_eq!(unpacked.len(), 40);
        for (one, other) in page.iter().zip(&unpacked) {
            assert_eq!(one.decode().unwrap(), other.decode().unwrap());
            assert_eq!(one.raw_bytes(), other.raw_bytes());
        }
        assert_eq!(pack(&unpacked).unwrap(), packed);
        assert!(unpack(packed[..packed.len() - 1].to_vec()).is_err());
        assert!(unpack(packed[..20].to_vec()).is_err());
        assert!(unpack(pack(&[]).unwrap()).unwrap().is_empty());
    }
}
