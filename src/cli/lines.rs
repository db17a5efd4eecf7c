//! Lines of a file of any size, one at a time, with a limit. Never looks into them.

use std::io::{self, BufRead, Read as _};

use crate::log::BODY_BYTES_MAX;

/// The longest line that is read, in bytes: the largest body that is stored, each byte escaped as `\u00ff`, and headers.
pub(super) const LINE_BYTES_MAX: u64 = 6 * BODY_BYTES_MAX as u64 + 1024 * 1024;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its bytes, without the line's end.
    Whole(Vec<u8>),
    /// Longer than [`LINE_BYTES_MAX`], skipped.
    TooLong,
}

/// Numbers the lines of a reader, from 1. Empty lines are counted, not shown.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    bytes_max: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0, bytes_max: LINE_BYTES_MAX }
    }

    /// The next line that is not blank, and its number.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(u64, Line)>> {
        loop {
            let mut bytes = Vec::new();
            let limit = self.bytes_max.saturating_add(1);
            if self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            let complete = bytes.last() == Some(&b'\n');
            if !complete && u64::try_from(bytes.len()).is_ok_and(|length| length > self.bytes_max) {
                self.skip_rest_of_line()?;
                return Ok(Some((self.number, Line::TooLong)));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            if complete {
                bytes.pop();
            }
            return Ok(Some((self.number, Line::Whole(bytes))));
        }
    }

    fn skip_rest_of_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                self.reader.consume(end + 1);
                return Ok(());
            }
            let length = buffer.len();
            self.reader.consume(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, bytes_max: u64, expected: &[(u64, Option<&str>)]) {
        let mut lines = Lines { reader: text.as_bytes(), number: 0, bytes_max };
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next_line().expect("memory can be read") {
            found.push(match line {
                Line::Whole(bytes) => (number, Some(String::from_utf8(bytes).expect("text"))),
                Line::TooLong => (number, None),
            });
        }
        let found: Vec<_> = found.iter().map(|(number, line)| (*number, line.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        check("", 9, &[]);
        check("a", 9, &[(1, Some("a"))]);
        check("a\n\n \r\nb\n", 9, &[(1, Some("a")), (4, Some("b"))]);
        check("a\r\nb", 9, &[(1, Some("a\r")), (2, Some("b"))]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_counted() {
        check("abc\nabcd\nabc\n", 3, &[(1, Some("abc")), (2, None), (3, Some("abc"))]);
        check("abc\nabcd", 3, &[(1, Some("abc")), (2, None)]);
        check("abcdefgh", 3, &[(1, None)]);
    }
}
