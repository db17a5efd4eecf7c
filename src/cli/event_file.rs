//! Files of events without signatures: a page of `stripe events list`, a JSON array, or one event a line.
//!
//! Each event keeps the text that it has in the file, to the byte. Whether it makes sense is for the decoder.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::deliveries::json_reason;
use super::failure::Failure;
use super::lines::{LINE_BYTES_MAX, Line, Lines};
use crate::stripe::envelope::Summary;

/// One event, or why a part of the file is none.
pub(super) type Found = Result<Vec<u8>, String>;

/// Where in a file something stands: `line 3` or `event 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The line, from 1.
    Line(u64),
    /// The how-manieth event of the file, from 1.
    Event(u64),
}

impl fmt::Display for Place {
    /// What follows the file's name: `:3` as editors understand it, or ` (event 3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, ":{number}"),
            Self::Event(number) => write!(f, " (event {number})"),
        }
    }
}

/// Takes what a file holds, one after the other.
pub(super) type Taker<'a> = dyn FnMut(Place, Found) -> Result<(), Failure> + 'a;

/// Why a file was not read to its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It cannot be read.
    Io(io::Error),
    /// Its taker had enough.
    Taker(Failure),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Hands every event of a file to `take`. True when a page in it says that there is more to fetch.
///
/// A line that is no event is handed over as a reason, and the rest goes on. In a document that spans lines nothing
/// behind a mistake can be told apart: it is the last thing that is handed over.
pub(super) fn read(mut reader: Box<dyn BufRead + '_>, take: &mut Taker<'_>) -> Result<bool, Stopped> {
    skip_mark(&mut reader)?;
    match first_byte(&mut reader)? {
        None => Ok(false),
        Some(b'[') => read_array(reader, take).map(|()| false),
        Some(_) => {
            let mut head = Vec::new();
            reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut head)?;
            let begins_a_document = ends_early(&head) && next_byte(&mut reader, &mut head)? != Some(b'{');
            let whole = io::Cursor::new(head).chain(reader);
            if begins_a_document { read_documents(whole, take) } else { read_lines(whole, take) }
        }
    }
}

fn read_lines(reader: impl BufRead, take: &mut Taker<'_>) -> Result<bool, Stopped> {
    let mut lines = Lines::new(reader);
    let mut more = false;
    while let Some((number, line)) = lines.next_line()? {
        let place = Place::Line(number);
        match line {
            Line::TooLong => take(place, Err("the line is too long".to_owned())).map_err(Stopped::Taker)?,
            Line::Whole(bytes) => more |= read_value(&bytes, take, &mut || place)?,
        }
    }
    Ok(more)
}

/// Values that span lines: pages or events as `jq` and the Stripe CLI print them.
fn read_documents(reader: impl Read, take: &mut Taker<'_>) -> Result<bool, Stopped> {
    let (reader, budget) = Budgeted::new(reader);
    let values = serde_json::Deserializer::from_reader(reader).into_iter::<Box<RawValue>>();
    let mut more = false;
    let mut number: u64 = 0;
    let mut next = || {
        number = number.saturating_add(1);
        Place::Event(number)
    };
    for value in values {
        budget.set(LINE_BYTES_MAX);
        match value {
            Ok(value) => more |= read_value(value.get().as_bytes(), take, &mut next)?,
            Err(error) => {
                take(Place::Line(error.line() as u64), Err(document_reason(error)?))
                    .map_err(Stopped::Taker)?;
                break;
            }
        }
    }
    Ok(more)
}

#[derive(Deserialize)]
struct Page<'a> {
    object: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    has_more: Option<bool>,
}

/// One value: a page of events, or an event.
fn read_value(text: &[u8], take: &mut Taker<'_>, next: &mut dyn FnMut() -> Place) -> Result<bool, Stopped> {
    let page = match serde_json::from_slice::<Page<'_>>(text) {
        Ok(page) => page,
        Err(error) => return take(next(), Err(json_reason(&error))).map(|()| false).map_err(Stopped::Taker),
    };
    if page.object.as_deref() != Some("list") {
        return take(next(), event(text)).map(|()| false).map_err(Stopped::Taker);
    }
    let data = page.data.map(|data| serde_json::from_str::<Vec<&RawValue>>(data.get()));
    let Some(Ok(events)) = data else {
        return take(next(), Err("a list whose `data` is no array".to_owned()))
            .map(|()| false)
            .map_err(Stopped::Taker);
    };
    for text in events {
        take(next(), event(text.get().as_bytes())).map_err(Stopped::Taker)?;
    }
    Ok(page.has_more == Some(true))
}

/// The text when it is an event with an id; what else is imported by accident would be there for good.
fn event(text: &[u8]) -> Found {
    let text = text.trim_ascii();
    let summary = Summary::of(text);
    match (summary.id, summary.form) {
        (Some(_), Some(_)) => Ok(text.to_vec()),
        (None, Some(_)) => Err("an event without a usable `id`".to_owned()),
        (_, None) => {
            Err("not an event (`object` is not `event`): a delivery with headers is for `billfold ingest`"
                .to_owned())
        }
    }
}

/// An array of any length, one element at a time.
fn read_array(reader: impl Read, take: &mut Taker<'_>) -> Result<(), Stopped> {
    let (reader, budget) = Budgeted::new(reader);
    let mut stopped = None;
    let mut number: u64 = 0;
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let outcome = deserializer
        .deserialize_seq(Elements {
            take: &mut |element| {
                budget.set(LINE_BYTES_MAX);
                number = number.saturating_add(1);
                take(Place::Event(number), event(element.get().as_bytes()))
                    .map_err(|failure| stopped = Some(failure))
                    .is_ok()
            },
        })
        .and_then(|()| deserializer.end());
    match (stopped, outcome) {
        (Some(failure), _) => Err(Stopped::Taker(failure)),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            let place = Place::Line(error.line() as u64);
            take(place, Err(document_reason(error)?)).map_err(Stopped::Taker)
        }
    }
}

/// Takes elements while it answers true.
struct Elements<'a> {
    take: &'a mut dyn FnMut(Box<RawValue>) -> bool,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            if !(self.take)(element) {
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

fn document_reason(error: serde_json::Error) -> Result<String, io::Error> {
    if error.is_io() {
        return Err(error.into());
    }
    Ok(format!("{}; what follows cannot be told apart and is left out", json_reason(&error)))
}

/// Whether a text is the beginning of a JSON value.
fn ends_early(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_err_and(|error| error.is_eof())
}

fn first_byte(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        let Some(first) = buffer.first() else { return Ok(None) };
        if !first.is_ascii_whitespace() {
            return Ok(Some(*first));
        }
        reader.consume(1);
    }
}

/// The first byte behind `head` that is no blank. The blanks belong to an event's text: they go to `head`.
fn next_byte(reader: &mut dyn BufRead, head: &mut Vec<u8>) -> io::Result<Option<u8>> {
    while let Some(byte) = reader.fill_buf()?.first().copied() {
        if !byte.is_ascii_whitespace() || head.len() as u64 > LINE_BYTES_MAX {
            return Ok(Some(byte));
        }
        head.push(byte);
        reader.consume(1);
    }
    Ok(None)
}

/// Skips a byte order mark; says so when the text is not UTF-8 at all, as a Windows shell's `>` writes it.
fn skip_mark(reader: &mut dyn BufRead) -> io::Result<()> {
    let buffer = reader.fill_buf()?;
    if buffer.starts_with(&[0xff, 0xfe]) || buffer.starts_with(&[0xfe, 0xff]) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the text is UTF-16: save it as UTF-8"));
    }
    if buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
        reader.consume(3);
    }
    Ok(())
}

/// A reader that ends in an error when one value takes more than its share.
struct Budgeted<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Budgeted<R> {
    fn new(reader: R) -> (BufReader<Self>, Rc<Cell<u64>>) {
        let left = Rc::new(Cell::new(LINE_BYTES_MAX));
        (BufReader::new(Self { reader, left: Rc::clone(&left) }), left)
    }
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(
            left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "one value in it is too long"))?,
        );
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
