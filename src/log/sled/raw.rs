//! sled's file read past sled: segments, messages, and the keys and values in them, damaged ones included.
//!
//! Never writes. Written down from sled 0.34.7's `pagecache/{header,logger,snapshot}.rs` and `serialization.rs`:
//!
//! | what | bytes |
//! |---|---|
//! | segment | at a multiple of the segment size; 20 bytes of header, then messages |
//! | header | CRC-32 of the rest, inverted (4) ‖ LSN (8) ‖ largest stable LSN (8), both with all bits but the sign inverted; little-endian |
//! | message | CRC-32 (4, little-endian, inverted) ‖ kind (1) ‖ length ‖ segment's number ‖ page, as varints ‖ body; the CRC covers the body, then the header behind it |
//! | link, kind 10 | `0` ‖ key ‖ value: each its length as a varint, then itself; the key without its page's prefix |
//! | node, kind 8 | next, merging child: varints ‖ merging (1) ‖ prefix length (1) ‖ lowest key ‖ highest key ‖ `0` ‖ count ‖ the keys, without the prefix ‖ the values |

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use crate::storage::SEGMENT_BYTES;

const HEADER_BYTES: usize = 20;
/// sled starts no message closer to a segment's end than this.
const MESSAGE_HEADER_BYTES_MAX: usize = 32;
const CRC_BYTES: usize = 4;
const INVERTED: u64 = 0x7FFF_FFFF_FFFF_FFFF;

const CORRUPTED: u8 = 0;
const CAP: u8 = 2;
const BATCH: u8 = 3;
const NODE: u8 = 8;
const LINK: u8 = 10;
const KIND_MAX: u8 = 11;

/// Where a segment lies in the file, and which part of sled's log it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) lsn: u64,
    /// Up to where the log was stable when this segment was begun.
    pub(super) stable: u64,
}

/// What stands at a place inside a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Message(Message<'a>),
    /// The segment was closed here.
    Cap,
    /// Nothing was written here yet: zeros to the segment's end, or what an earlier use of the segment left.
    End,
    /// Neither: torn, or rotten. The next message may begin at `next`, if the length can be believed.
    Damaged {
        kind: u8,
        page: u64,
        body: &'a [u8],
        next: Option<usize>,
    },
}

/// A message whose checksum fits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) page: u64,
    pub(super) body: &'a [u8],
    /// Where the next one begins.
    pub(super) next: usize,
}

/// A key, without the beginning that its whole page shares (unknown for a link), and where its value lies in the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) prefix: Option<Vec<u8>>,
    pub(super) key: Vec<u8>,
    pub(super) value: Range<usize>,
}

impl Entry {
    /// The whole key, if it is known what its page's keys begin with.
    pub(super) fn whole_key(&self) -> Option<Vec<u8>> {
        let prefix = self.prefix.as_ref()?;
        Some(prefix.iter().chain(&self.key).copied().collect())
    }
}

/// Every segment whose header is whole, in the order of sled's log.
pub(super) fn segments(file: &File) -> io::Result<Vec<Segment>> {
    let bytes = file.metadata()?.len();
    let mut segments = Vec::new();
    for offset in (0..bytes).step_by(SEGMENT_BYTES) {
        let mut header = [0; HEADER_BYTES];
        match file.read_exact_at(&mut header, offset) {
            Ok(()) => segments.extend(segment(offset, &header)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    segments.sort_by_key(|segment| segment.lsn);
    Ok(segments)
}

fn segment(offset: u64, header: &[u8; HEADER_BYTES]) -> Option<Segment> {
    let (crc, rest) = header.split_first_chunk::<CRC_BYTES>()?;
    let (lsn, stable) = rest.split_first_chunk::<8>()?;
    if crc32fast::hash(rest) != !u32::from_le_bytes(*crc) {
        return None;
    }
    let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) ^ INVERTED;
    // The stable LSN is -1 until something is: that is before 0.
    let stable = i64::try_from(number(stable.first_chunk()?)).unwrap_or(0).unsigned_abs();
    Some(Segment { offset, lsn: number(lsn), stable })
}

/// A segment's bytes; fewer at the file's end.
pub(super) fn read_segment(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; SEGMENT_BYTES];
    let mut filled = 0_usize;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

impl Segment {
    const fn number(&self) -> u64 {
        self.lsn / SEGMENT_BYTES as u64
    }

    /// The LSN of a place inside the segment.
    pub(super) const fn lsn_at(&self, place: usize) -> u64 {
        self.lsn.saturating_add(place as u64)
    }

    /// Where the first message begins.
    pub(super) const fn start() -> usize {
        HEADER_BYTES
    }

    /// A segment whose own header is damaged, by the number that its first message has.
    pub(super) fn guess(offset: u64, segment: &[u8]) -> Option<Self> {
        let header = Header::read(segment.get(HEADER_BYTES..)?)?;
        Some(Self { offset, lsn: header.segment.checked_mul(SEGMENT_BYTES as u64)?, stable: 0 })
    }

    /// The next place behind `place` where a whole message begins.
    pub(super) fn next_whole(&self, segment: &[u8], place: usize) -> Option<usize> {
        (place.saturating_add(1)..segment.len().saturating_sub(CRC_BYTES)).find(|place| {
            let rest = segment.get(*place..).unwrap_or_default();
            // The length is looked at before a checksum is computed over it.
            let plausible = rest.get(CRC_BYTES).is_some_and(|kind| (1..=KIND_MAX).contains(kind));
            let header = if plausible { Header::read(rest) } else { None };
            header.filter(|header| header.segment == self.number()).is_some_and(|header| {
                rest.get(header.body.clone()).is_some_and(|body| header.crc(rest, body) == header.crc)
            })
        })
    }

    /// What stands at `place`.
    pub(super) fn at<'a>(&self, segment: &'a [u8], place: usize) -> Found<'a> {
        if place.saturating_add(MESSAGE_HEADER_BYTES_MAX) > SEGMENT_BYTES {
            // No room for a message: as good as a cap.
            return Found::Cap;
        }
        let rest = segment.get(place..).unwrap_or_default();
        let nothing = Found::Damaged { kind: CORRUPTED, page: 0, body: &[], next: None };
        let Some(header) = Header::read(rest) else {
            return if is_zero(rest) { Found::End } else { nothing };
        };
        if header.kind == CORRUPTED || header.kind > KIND_MAX {
            return if is_zero(rest) { Found::End } else { nothing };
        }
        let Some(body) = rest.get(header.body.clone()) else { return nothing };
        let next = place.saturating_add(header.body.end);
        let fits = header.crc(rest, body) == header.crc;
        match (fits, header.segment == self.number()) {
            (true, true) if header.kind == CAP => Found::Cap,
            (true, true) => Found::Message(Message { kind: header.kind, page: header.page, body, next }),
            // What an earlier use of the segment left behind its newest message.
            (true, false) if header.segment < self.number() => Found::End,
            _ => Found::Damaged { kind: header.kind, page: header.page, body, next: Some(next) },
        }
    }
}

impl Message<'_> {
    /// The last LSN that the batch beginning here needs; none if it is no batch.
    pub(super) fn batch_end(&self) -> Option<u64> {
        (self.kind == BATCH).then(|| self.body.first_chunk().map_or(u64::MAX, |end| u64::from_le_bytes(*end)))
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        entries(self.kind, self.body)
    }
}

/// The keys and values of a message, as far as they can be told apart; the checksum is not looked at.
pub(super) fn entries(kind: u8, body: &[u8]) -> Vec<Entry> {
    let mut cursor = Cursor { bytes: body, at: 0 };
    match kind {
        LINK => cursor.link().into_iter().collect(),
        NODE => cursor.node().unwrap_or_default(),
        _ => Vec::new(),
    }
}

struct Header {
    crc: u32,
    kind: u8,
    segment: u64,
    page: u64,
    body: Range<usize>,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes, at: 0 };
        let crc = u32::from_le_bytes(*bytes.first_chunk()?);
        cursor.at = CRC_BYTES;
        let kind = cursor.byte()?;
        let length = usize::try_from(cursor.number()?).ok()?;
        let segment = cursor.number()?;
        let page = cursor.number()?;
        Some(Self { crc, kind, segment, page, body: cursor.at..cursor.at.checked_add(length)? })
    }

    fn crc(&self, bytes: &[u8], body: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(body);
        hasher.update(bytes.get(CRC_BYTES..self.body.start).unwrap_or_default());
        !hasher.finalize()
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    fn range(&mut self, length: usize) -> Option<Range<usize>> {
        let range = self.at..self.at.checked_add(length)?;
        self.bytes.get(range.clone())?;
        self.at = range.end;
        Some(range)
    }

    /// sled's varint.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        match first {
            0..=240 => Some(u64::from(first)),
            241..=248 => Some(240 + 256 * (u64::from(first) - 241) + u64::from(self.byte()?)),
            249 => Some(2288 + 256 * u64::from(self.byte()?) + u64::from(self.byte()?)),
            250..=255 => {
                let range = self.range(usize::from(first - 247))?;
                let mut number = [0; 8];
                for (to, from) in number.iter_mut().zip(self.bytes.get(range)?) {
                    *to = *from;
                }
                Some(u64::from_le_bytes(number))
            }
        }
    }

    fn text(&mut self) -> Option<Range<usize>> {
        let length = usize::try_from(self.number()?).ok()?;
        self.range(length)
    }

    fn copy(&self, range: Range<usize>) -> Vec<u8> {
        self.bytes.get(range).unwrap_or_default().to_vec()
    }

    fn link(&mut self) -> Option<Entry> {
        if self.byte()? != 0 {
            return None;
        }
        let key = self.text()?;
        Some(Entry { prefix: None, key: self.copy(key), value: self.text()? })
    }

    fn node(&mut self) -> Option<Vec<Entry>> {
        let _next = self.number()?;
        let _merging_child = self.number()?;
        let _merging = self.byte()?;
        let prefix = usize::from(self.byte()?);
        let low = self.text()?;
        let _high = self.text()?;
        if self.byte()? != 0 {
            return None;
        }
        let count = usize::try_from(self.number()?).ok()?;
        let mut prefix = self.copy(low).get(..prefix)?.to_vec();
        prefix.shrink_to_fit();
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(self.text()?);
        }
        let mut entries = Vec::new();
        for key in keys {
            // What can be told apart is worth having, even if the rest cannot.
            let Some(value) = self.text() else { break };
            entries.push(Entry { prefix: Some(prefix.clone()), key: self.copy(key), value });
        }
        Some(entries)
    }
}

/// Whether nothing but zeros is left.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_sled_writes_them() {
        for (bytes, number) in [
            (&[0_u8][..], 0),
            (&[240], 240),
            (&[241, 0], 240),
            (&[248, 255], 2287),
            (&[249, 0, 0], 2288),
            (&[249, 255, 255], 67_823),
            (&[250, 1, 0, 1], 65_537),
            (&[255, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
        ] {
            let mut cursor = Cursor { bytes, at: 0 };
            assert_eq!((cursor.number(), cursor.at), (Some(number), bytes.len()));
            let mut short = Cursor { bytes: &bytes[..bytes.len() - 1], at: 0 };
            assert_eq!(short.number(), None);
        }
    }

    proptest! {
        /// Whatever the bytes are, reading them ends, within them.
        #[test]
        fn no_bytes_lead_astray(bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0..13_u8, place in 0..700_usize) {
            for entry in entries(kind, &bytes) {
                prop_assert!(entry.value.end <= bytes.len());
            }
            let segment = Segment { offset: 0, lsn: 0, stable: 0 };
            match segment.at(&bytes, place) {
                Found::Message(Message { body, next, .. }) | Found::Damaged { body, next: Some(next), .. } => {
                    prop_assert!(place < next && next <= bytes.len() && body.len() <= bytes.len());
                }
                Found::Damaged { .. } | Found::Cap | Found::End => {}
            }
            if let Some(next) = segment.next_whole(&bytes, place) {
                prop_assert!(place < next && next < bytes.len());
            }
            let _ = Segment::guess(0, &bytes);
        }
    }
}
