//! A look at the end of sled's file before sled is let near it.
//!
//! When sled opens, it reads what was written since its snapshot, cuts the file off at the first message that it cannot
//! read, and passes over the rest of an older segment without a word. After a power cut that is right: nobody was promised
//! those bytes. When bytes have rotten it would throw acknowledged records away, and the way to get them back.
//!
//! So everything that the [`Mark`] knows to be durable since that snapshot has to be seen first. Never writes.

use std::fs::File;
use std::io;
use std::path::Path;

use super::block::Directory;
use super::mark::Mark;
use super::raw::{self, Found, Message, Segment};
use crate::log::record::Position;
use crate::storage::{SEGMENT_BYTES, SNAPSHOT};

/// What sled will find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Everything that is known to be durable can be read.
    Whole,
    /// So it is; but there are bytes in between that make no sense.
    Torn,
    /// Records that are known to be durable are not there any more; up to this position all are.
    Lost(Position),
    /// What sled's snapshot has seen whole cannot be read any more, at this byte of the file. sled would clear everything
    /// behind it in its segment, and only then refuse to open.
    Rotten(u64),
}

/// The number in the name of sled's newest snapshot; 0 without one.
pub(super) fn newest_snapshot(folder: &Path) -> io::Result<u64> {
    let mut newest = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(SNAPSHOT));
        newest = newest.max(number.and_then(|number| u64::from_str_radix(number, 16).ok()).unwrap_or(0));
    }
    Ok(newest)
}

/// What sled will find in `folder`, compared with what is known to be durable.
pub(super) fn look(folder: &Path, mark: Option<&Mark>) -> io::Result<Look> {
    let file = match File::open(folder.join("db")) {
        // Whether there should be one is for others to say.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Look::Whole),
        file => file?,
    };
    let snapshot = newest_snapshot(folder)?;
    let begin = snapshot / SEGMENT_BYTES as u64 * SEGMENT_BYTES as u64;
    let mut segments = raw::segments(&file)?;
    segments.retain(|segment| segment.lsn >= begin);
    // From here on sled stops for good at what it cannot read.
    let stable = segments.iter().map(|segment| segment.stable).fold(begin, u64::max);
    let unstable = stable / SEGMENT_BYTES as u64 * SEGMENT_BYTES as u64;
    // Only as long as sled's snapshot is the one that the mark speaks of is it known what must be seen.
    let mark = mark.filter(|mark| mark.snapshot == snapshot);
    let mut seen = Seen::new(mark);
    let mut torn = false;
    let mut expected = unstable;
    // Where a segment is used again, what its earlier use left lies behind its newest message. It makes no sense either,
    // but nothing was written behind it. Nor is anything older gone if that message itself is damaged: what a message
    // replaces is written over by a later segment only.
    let newest = segments.last().map_or(begin, |segment| segment.lsn);
    for segment in &segments {
        if segment.lsn >= unstable {
            if segment.lsn != expected {
                torn = true;
                break;
            }
            expected = expected.saturating_add(SEGMENT_BYTES as u64);
        }
        let bytes = raw::read_segment(&file, segment.offset)?;
        if let Some(place) = walk(segment, &bytes, snapshot, &mut seen) {
            if segment.lsn_at(place) < snapshot {
                return Ok(Look::Rotten(segment.offset.saturating_add(place as u64)));
            }
            torn |= segment.lsn != newest || segment.next_whole(&bytes, place).is_some();
            if segment.lsn >= unstable {
                break;
            }
        }
    }
    Ok(match seen.missing() {
        Some(found) => Look::Lost(found),
        None if torn => Look::Torn,
        None => Look::Whole,
    })
}

/// Notes what a segment holds, up to the first place that makes no sense.
fn walk(segment: &Segment, bytes: &[u8], snapshot: u64, seen: &mut Seen) -> Option<usize> {
    let mut place = Segment::start();
    loop {
        match segment.at(bytes, place) {
            Found::Message(message) => {
                let end = segment.lsn_at(message.next);
                if segment.lsn_at(place) >= snapshot {
                    seen.note(&message, end);
                }
                place = message.next;
            }
            Found::Cap => return None,
            Found::End | Found::Damaged { .. } => return Some(place),
        }
    }
}

/// Which of the records that have to be there were seen. They are counted, because positions may have gaps.
struct Seen {
    /// How many records lie before them, and the last one's position.
    before: (u64, Position),
    /// Their positions; 0 for those that were not seen.
    found: Vec<u64>,
    /// The LSN that a batch needs, and what it holds (a record's number, its position): nothing of it counts before that
    /// LSN is reached.
    batch: Option<(u64, Vec<(u64, u64)>)>,
}

impl Seen {
    fn new(mark: Option<&Mark>) -> Self {
        let before = mark.map_or((0, Position::START), |mark| (mark.opened_records, mark.opened_at));
        let count = mark.map_or(0, |mark| mark.records.saturating_sub(mark.opened_records));
        Self { before, found: vec![0; usize::try_from(count).unwrap_or(0)], batch: None }
    }

    fn note(&mut self, message: &Message<'_>, end: u64) {
        if self.found.is_empty() {
            return;
        }
        if let Some(needed) = message.batch_end() {
            self.close_batch(end);
            self.batch = Some((needed, Vec::new()));
            return;
        }
        for entry in message.entries() {
            let value = message.body.get(entry.value).unwrap_or_default();
            let Ok(directory) = Directory::read(value) else { continue };
            for (number, item) in (directory.records_before..).zip(&directory.items) {
                match &mut self.batch {
                    Some((_, held)) => held.push((number, item.position.get())),
                    None => self.count(number, item.position.get()),
                }
            }
        }
        self.close_batch(end);
    }

    /// Counts what a batch holds, if the log reaches far enough for it.
    fn close_batch(&mut self, reached: u64) {
        if let Some((_, held)) = self.batch.take_if(|(needed, _)| *needed < reached) {
            for (number, position) in held {
                self.count(number, position);
            }
        }
    }

    fn count(&mut self, number: u64, position: u64) {
        let place = number.checked_sub(self.before.0).and_then(|place| usize::try_from(place).ok());
        if let Some(found) = place.and_then(|place| self.found.get_mut(place)) {
            *found = position;
        }
    }

    /// If one was not seen: the position up to which all were.
    fn missing(&self) -> Option<Position> {
        let place = self.found.iter().position(|found| *found == 0)?;
        let last = place.checked_sub(1).and_then(|place| self.found.get(place));
        Some(last.map_or(self.before.1, |position| Position::new(*position)))
    }
}
