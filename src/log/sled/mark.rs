//! The mark: how far the log is known to be durable, in a small file beside sled's.
//!
//! sled cuts its file off at the first message that it cannot read, and says nothing. The mark is what tells a torn end,
//! which nobody was promised, from rotten bytes, which somebody was.
//!
//! It is written after a commit is durable and is not synced: it may say less than the truth, never more.
//!
//! The file `mark` has two slots, at 0 and at 512, written in turns, so that a torn write leaves the other one:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, `1` |
//! | 8 | the position up to which everything is durable, big-endian |
//! | 32 | the digest of the record there; zeros when the log is empty |
//! | 8 | how many records there are up to there, big-endian |
//! | 8 | the position of the log's end when it was opened, big-endian |
//! | 8 | how many records there were then, big-endian |
//! | 8 | the number in the name of sled's snapshot at that moment, big-endian; 0 without one |
//! | 4 | CRC-32 (IEEE) of everything before it, big-endian |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::log::record::{Digest, Head, Position};

/// The file's name inside the log's folder.
const FILE: &str = "mark";
const VERSION: u8 = 1;
const SLOT_BYTES: usize = 77;
/// A slot a sector: a disk tears between sectors, not inside one.
const SLOT_PLACES: [u64; 2] = [0, 512];
const FILE_BYTES: u64 = 1024;

/// What was durable, and what sled's snapshot covered when the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: Position,
    pub(super) digest: Digest,
    pub(super) records: u64,
    pub(super) opened_at: Position,
    pub(super) opened_records: u64,
    pub(super) snapshot: u64,
}

impl Mark {
    /// The newest mark of a folder; none where there is no file, or none that makes sense.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let slots = SLOT_PLACES.iter().filter_map(|place| {
            let slot = bytes.get(usize::try_from(*place).ok()?..)?.first_chunk::<SLOT_BYTES>()?;
            Self::from_bytes(slot)
        });
        Ok(slots.max_by_key(|mark| (mark.position, mark.opened_at)))
    }

    fn from_bytes(slot: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (checked, crc) = slot.split_last_chunk::<4>()?;
        let (version, fields) = checked.split_first()?;
        if *version != VERSION || crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (position, rest) = fields.split_first_chunk::<8>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (opened_at, rest) = rest.split_first_chunk::<8>()?;
        let (opened_records, rest) = rest.split_first_chunk::<8>()?;
        let (snapshot, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            position: Position::new(u64::from_be_bytes(*position)),
            digest: Digest(*digest),
            records: u64::from_be_bytes(*records),
            opened_at: Position::new(u64::from_be_bytes(*opened_at)),
            opened_records: u64::from_be_bytes(*opened_records),
            snapshot: u64::from_be_bytes(*snapshot),
        })
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut slot = vec![VERSION];
        slot.extend_from_slice(&self.position.get().to_be_bytes());
        slot.extend_from_slice(&self.digest.0);
        for number in [self.records, self.opened_at.get(), self.opened_records, self.snapshot] {
            slot.extend_from_slice(&number.to_be_bytes());
        }
        let crc = crc32fast::hash(&slot);
        slot.extend_from_slice(&crc.to_be_bytes());
        slot
    }
}

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Marker {
    file: File,
    last: Mark,
    turn: bool,
}

impl Marker {
    /// Takes the file over, or makes it, and writes what opening the log has shown: both slots, durably.
    pub(super) fn open(folder: &Path, mark: Mark) -> io::Result<Self> {
        let options = File::options().write(true).create(true).truncate(false).clone();
        let file = options.open(folder.join(FILE))?;
        if file.metadata()?.len() != FILE_BYTES {
            file.set_len(FILE_BYTES)?;
        }
        let mut marker = Self { file, last: mark, turn: false };
        // One after the other: a cut between the two leaves one of them whole.
        for _ in SLOT_PLACES {
            marker.write(mark)?;
            marker.file.sync_all()?;
        }
        Ok(marker)
    }

    /// Says that the log is durable up to `head`.
    pub(super) fn advance(&mut self, head: &Head) -> io::Result<()> {
        let Head { position, digest, records } = *head;
        self.write(Mark { position, digest, records, ..self.last })
    }

    fn write(&mut self, mark: Mark) -> io::Result<()> {
        let [first, second] = SLOT_PLACES;
        self.file.write_all_at(&mark.to_bytes(), if self.turn { second } else { first })?;
        self.turn = !self.turn;
        self.last = mark;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(position: u64) -> Mark {
        Mark {
            position: Position::new(position),
            digest: Digest([7; 32]),
            records: position,
            opened_at: Position::new(1),
            opened_records: 1,
            snapshot: 9,
        }
    }

    fn head(position: u64) -> Head {
        Head { position: Position::new(position), digest: Digest([7; 32]), records: position }
    }

    #[test]
    fn the_newest_slot_counts_and_a_torn_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), None);
        let mut marker = Marker::open(folder.path(), mark(3)).unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), Some(mark(3)));
        for position in 4..9 {
            marker.advance(&head(position)).unwrap();
            assert_eq!(Mark::read(folder.path()).unwrap(), Some(mark(position)));
        }
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..FILE_BYTES {
            let mut torn = whole.clone();
            torn[usize::try_from(at).unwrap()] ^= 4;
            std::fs::write(&path, torn).unwrap();
            let read = Mark::read(folder.path()).unwrap().unwrap();
            assert!(read == mark(8) || read == mark(7), "byte {at}");
        }
        for length in [0, 76, 77, 512, 600] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let read = Mark::read(folder.path()).unwrap();
            assert_eq!(read.is_some(), length >= 77, "{length} bytes");
        }
    }
}
