//! What can be read of damaged logs, past the storage that kept them.
//!
//! The log only ever adds: any whole copy of a record, wherever in sled's file it lies, is the record. So every place that
//! looks like the beginning of one, or of a frame of several, is tried; and the record's checksum, its body's hash and the
//! digest chain say whether it is one.
//! Never writes to what it reads.

mod kin;
mod pieces;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mark::Mark;
use super::open;
use super::raw::{self, Entry, Found, Segment};
use crate::log::codec;
use crate::log::encoded::Encoded;
use crate::log::error::OpenError;
use crate::log::record::{Digest, Position, Provider, Record};
use crate::storage::SEGMENT_BYTES;
use pieces::Pieces;

pub use plan::Salvaged;

/// Where a record's bytes begin: its provider behind its position, each with its length.
const SIGN: &[u8] = b"\x06stripe";
/// How a frame of records begins.
const FRAME_SIGN: &[u8] = &codec::ZSTD_SIGN;
/// The lengths that a position can have in bytes.
const POSITION_BYTES: [usize; 4] = [1, 3, 5, 9];

/// The records that were found, and where.
#[derive(Debug, Default)]
pub struct Salvage {
    files: Vec<File>,
    folders: Vec<PathBuf>,
    found: BTreeMap<u64, Vec<Candidate>>,
    pieces: Pieces,
    /// What the first folder is known to have held.
    mark: Option<Mark>,
    /// What earlier repairs lost, by the position where the log went on.
    notes: BTreeMap<u64, Note>,
}

/// A whole record.
#[derive(Debug, Clone)]
struct Candidate {
    digest: Digest,
    /// Two copies of one record have the same.
    sum: u32,
    place: Place,
    /// Where it lies among the records of a frame, if its place is one.
    in_frame: Option<Range<usize>>,
    /// Which files have it, ascending.
    files: Vec<usize>,
}

/// What an earlier repair lost.
#[derive(Debug, Clone, Copy)]
struct Note {
    /// The last position before it.
    after: u64,
    /// The first file that says so.
    file: usize,
}

/// Where bytes lie.
#[derive(Debug, Clone)]
enum Place {
    At(Extent),
    /// In the order in which they have to be put together; the record begins so far inside the first.
    Pieces {
        extents: Vec<Extent>,
        skip: usize,
    },
}

/// A stretch of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    file: usize,
    offset: u64,
    length: usize,
}

impl Salvage {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks through a log's folder. Further folders (backups) fill what the first one lacks.
    /// `progress` is told the bytes done, and those in all.
    ///
    /// # Errors
    /// [`OpenError`] when the folder is in use, or its file cannot be read.
    pub fn scan(&mut self, folder: &Path, progress: &dyn Fn(u64, u64)) -> Result<(), OpenError> {
        let refused = |error: std::io::Error| open::refused(folder, &error);
        let file = match File::open(folder.join("db")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(open::damaged(folder, "its file db is missing"));
            }
            file => file.map_err(refused)?,
        };
        if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
            return Err(OpenError::Locked { path: folder.to_owned() });
        }
        if self.files.is_empty() {
            self.mark = Mark::read(folder).map_err(refused)?;
        }
        let whole = raw::segments(&file).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        let number = self.files.len();
        // Held open, and so locked, until the last record is read.
        self.files.push(file);
        self.folders.push(folder.to_owned());
        for offset in (0..length).step_by(SEGMENT_BYTES) {
            let Some(file) = self.files.get(number) else { break };
            let bytes = raw::read_segment(file, offset).map_err(refused)?;
            self.records(number, offset, &bytes);
            self.frames(number, offset, &bytes);
            let header = whole.iter().find(|segment| segment.offset == offset).copied();
            if let Some(segment) = header.or_else(|| Segment::guess(offset, &bytes)) {
                each_entry(&segment, &bytes, &mut |body, entry| {
                    self.entry(number, offset, &bytes, body, entry);
                });
            }
            progress(offset.saturating_add(bytes.len() as u64), length);
        }
        Ok(())
    }

    /// Everything in a segment that is a record.
    fn records(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let mut from = 0;
        while let Some(sign) = find(bytes, SIGN, from) {
            from = sign.saturating_add(1);
            for length in POSITION_BYTES {
                let Some(start) = sign.checked_sub(length).and_then(|at| at.checked_sub(1)) else { continue };
                let Some(rest) = bytes.get(start..) else { continue };
                let Some((position, end)) = codec::record_at(rest) else { continue };
                let extent = Extent { file, offset: offset.saturating_add(start as u64), length: end };
                self.candidate(position, rest.get(..end).unwrap_or_default(), file, &Place::At(extent), None);
                from = start.saturating_add(end);
                break;
            }
        }
    }

    /// Everything in a segment that is a frame of records.
    fn frames(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let mut from = 0;
        while let Some(start) = find(bytes, FRAME_SIGN, from) {
            from = start.saturating_add(1);
            let rest = bytes.get(start..).unwrap_or_default();
            if let Some((records, length)) = codec::unpack_at(rest, codec::DECODE_BYTES_MAX) {
                let extent = Extent { file, offset: offset.saturating_add(start as u64), length };
                self.framed(&records, file, &Place::At(extent));
            }
        }
    }

    /// The records of a frame, back to back. How many?
    fn framed(&mut self, records: &[u8], file: usize, place: &Place) -> usize {
        let (mut start, mut count) = (0_usize, 0_usize);
        while let Some(rest) = records.get(start..)
            && let Some((position, length)) = codec::record_at(rest)
        {
            let end = start.saturating_add(length);
            let bytes = rest.get(..length).unwrap_or_default();
            self.candidate(position, bytes, file, place, Some(start..end));
            start = end;
            count = count.saturating_add(1);
        }
        count
    }

    fn candidate(
        &mut self,
        position: Position,
        bytes: &[u8],
        file: usize,
        place: &Place,
        in_frame: Option<Range<usize>>,
    ) {
        // Its own checksum. One over all of it, checksum included, would be the same for every record.
        let sum = bytes.last_chunk().map_or(0, |sum| u32::from_le_bytes(*sum));
        let known = self.found.entry(position.get()).or_default();
        if let Some(candidate) = known.iter_mut().find(|candidate| candidate.sum == sum) {
            if candidate.files.last() != Some(&file) {
                candidate.files.push(file);
            }
            return;
        }
        if let Ok(record) = codec::decode(position, bytes) {
            let place = place.clone();
            known.push(Candidate { digest: record.digest, sum, place, in_frame, files: vec![file] });
        }
        if known.is_empty() {
            self.found.remove(&position.get());
        }
    }

    /// A key and its value, of which only those matter that hold no record by themselves.
    fn entry(&mut self, file: usize, offset: u64, bytes: &[u8], body: usize, entry: &Entry) {
        let value = body.saturating_add(entry.value.start)..body.saturating_add(entry.value.end);
        let held = bytes.get(value.clone()).unwrap_or_default();
        let key = entry.whole_key();
        if let Some((next, after)) = key.as_deref().and_then(|key| note(key, held)) {
            self.notes.entry(next).or_insert(Note { after, file });
            return;
        }
        let extent = Extent { file, offset: offset.saturating_add(value.start as u64), length: held.len() };
        self.pieces.note(key.as_deref(), &entry.key, held, extent);
    }

    fn bytes(&self, place: &Place) -> std::io::Result<Vec<u8>> {
        let (extents, skip) = match place {
            Place::At(extent) => (std::slice::from_ref(extent), 0),
            Place::Pieces { extents, skip } => (extents.as_slice(), *skip),
        };
        let mut bytes = Vec::new();
        for extent in extents {
            let mut piece = vec![0; extent.length];
            if let Some(file) = self.files.get(extent.file) {
                file.read_exact_at(&mut piece, extent.offset)?;
            }
            bytes.append(&mut piece);
        }
        bytes.drain(..skip.min(bytes.len()));
        Ok(bytes)
    }

    /// A candidate's record, and the same as it is stored.
    fn read(&self, position: u64, candidate: &Candidate) -> Option<(Record, Encoded)> {
        let mut bytes = self.bytes(&candidate.place).ok()?;
        if let Some(range) = &candidate.in_frame {
            let (records, _) = codec::unpack_at(&bytes, codec::DECODE_BYTES_MAX)?;
            bytes = records.get(range.clone())?.to_vec();
        }
        let position = Position::new(position);
        let record = codec::decode(position, &bytes).ok()?;
        let raw_bytes = u32::try_from(record.content.body.0.len()).ok()?;
        let range = 0..bytes.len();
        Some((record, Encoded::stored(position, raw_bytes, Arc::from(bytes), range)))
    }

    /// The ids that the index of ids has for positions, as far as they can be read: so that what is lost has a name.
    fn names(&self, wanted: &BTreeSet<u64>) -> BTreeMap<u64, Box<str>> {
        let mut names = BTreeMap::new();
        for file in &self.files {
            for segment in raw::segments(file).unwrap_or_default() {
                let Ok(bytes) = raw::read_segment(file, segment.offset) else { continue };
                each_entry(&segment, &bytes, &mut |body, entry| {
                    let value = body.saturating_add(entry.value.start)..body.saturating_add(entry.value.end);
                    let position = bytes.get(value).filter(|value| value.len() == 16);
                    let position = position.and_then(<[u8]>::first_chunk).map(|at| u64::from_be_bytes(*at));
                    let key = position.filter(|at| wanted.contains(at)).and_then(|_| entry.whole_key());
                    if let (Some(position), Some(name)) = (position, key.as_deref().and_then(id_of)) {
                        names.insert(position, name);
                    }
                });
            }
        }
        names
    }
}

/// Shows every entry of a segment, damaged messages included, with the place of its message's body.
fn each_entry(segment: &Segment, bytes: &[u8], each: &mut dyn FnMut(usize, &Entry)) {
    // A link's key lacks what all keys of its page begin with: the page's last node says what that is.
    let mut prefixes: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut place = Segment::start();
    while place < bytes.len() {
        let (kind, page, body, next) = match segment.at(bytes, place) {
            Found::Message(message) => (message.kind, message.page, message.body, Some(message.next)),
            Found::Damaged { kind, page, body, next } => (kind, page, body, next),
            Found::Cap | Found::End => return,
        };
        let start = next.unwrap_or(place).saturating_sub(body.len());
        for mut entry in raw::entries(kind, body) {
            match &entry.prefix {
                Some(prefix) => {
                    prefixes.insert(page, prefix.clone());
                }
                None => entry.prefix = prefixes.get(&page).cloned(),
            }
            each(start, &entry);
        }
        let whole = matches!(segment.at(bytes, place), Found::Message(_));
        let behind =
            next.filter(|next| whole || matches!(segment.at(bytes, *next), Found::Message(_) | Found::Cap));
        match behind.or_else(|| segment.next_whole(bytes, place)) {
            Some(next) => place = next,
            None => return,
        }
    }
}

/// A note of lost positions.
fn note(key: &[u8], value: &[u8]) -> Option<(u64, u64)> {
    let next = key.strip_prefix(b"g")?;
    Some((u64::from_be_bytes(next.try_into().ok()?), u64::from_be_bytes(value.try_into().ok()?)))
}

/// The id in a key of the index of ids, as people write it.
fn id_of(key: &[u8]) -> Option<Box<str>> {
    let rest = key.strip_prefix(b"i")?.strip_prefix(Provider::Stripe.as_str().as_bytes())?;
    match rest.strip_prefix(b"\0")?.split_first()? {
        (b'e', id) => std::str::from_utf8(id).ok().map(Box::from),
        (b'q', hash) => Some(format!("sha256:{}", hex::encode(hash)).into()),
        _ => None,
    }
}

/// Where the sign comes next.
fn find(bytes: &[u8], sign: &[u8], from: usize) -> Option<usize> {
    let (first, _) = sign.split_first()?;
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        at = at.checked_add(rest.iter().position(|byte| byte == first)?)?;
        if bytes.get(at..)?.starts_with(sign) {
            return Some(at);
        }
        at = at.checked_add(1)?;
    }
}
