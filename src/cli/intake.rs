//! What `ingest` and `import` share: files in, deliveries to the folder in batches, and an account of what became of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::body::STDIN;
use super::exit::Exit;
use super::failure::Failure;
use super::folder::with_sources;
use super::progress::Bar;
use crate::engine::Billfold;
use crate::log::{Appended, BODY_BYTES_MAX};
use crate::stripe::delivery::Delivery;

/// The most deliveries that are made durable at once.
const BATCH_DELIVERIES_MAX: usize = 512;
/// The most bytes of bodies that are made durable at once.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most refusals that are told one by one; the others are counted.
const TOLD_MAX: u64 = 100;
/// How much of a file is read at once, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// A file to read, or standard input.
pub(super) struct Input {
    path: PathBuf,
    length: Option<u64>,
}

impl Input {
    /// Looks at every file before anything is read: a wrong name must not leave half of the others done.
    pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        paths.iter().map(|path| Self::new(path)).collect()
    }

    fn new(path: &Path) -> Result<Self, Failure> {
        let mut length = None;
        if path.as_os_str() != STDIN {
            let about = std::fs::metadata(path).map_err(|error| Failure::reading(path, &error))?;
            if about.is_dir() {
                return Err(Failure::usage(format!("{} is a folder: name files", path.display())));
            }
            length = about.is_file().then_some(about.len());
        }
        Ok(Self { path: path.to_path_buf(), length })
    }

    /// What errors call it.
    pub(super) fn name(&self) -> String {
        if self.path.as_os_str() == STDIN {
            "(standard input)".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    /// A bar over its bytes.
    pub(super) fn bar(&self) -> Bar {
        Bar::bytes(self.name(), self.length)
    }

    /// Opens it; what is read moves the bar.
    pub(super) fn open<'a>(&self, bar: &'a Bar) -> Result<Box<dyn BufRead + 'a>, Failure> {
        let reader: Box<dyn Read> = if self.path.as_os_str() == STDIN {
            Box::new(io::stdin())
        } else {
            Box::new(std::fs::File::open(&self.path).map_err(|error| self.failure(&error))?)
        };
        Ok(Box::new(BufReader::with_capacity(READ_BYTES, Counted { reader, bar })))
    }

    pub(super) fn failure(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Failed, format!("{} cannot be read: {error}", self.name()))
    }
}

struct Counted<'a> {
    reader: Box<dyn Read>,
    bar: &'a Bar,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bar.advance(read as u64);
        Ok(read)
    }
}

/// What became of everything that was read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    new: u64,
    duplicate: u64,
    conflicts: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Whether everything went through.
    pub(super) fn exit(&self) -> Exit {
        if self.refused.is_empty() { Exit::Done } else { Exit::Refused }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "read": self.new.saturating_add(self.duplicate).saturating_add(self.refused()),
            "new": self.new,
            "duplicate": self.duplicate,
            "conflicts": self.conflicts,
            "refused": self.refused(),
            "refused_by_reason": self.refused,
        })
    }

    /// `12 events: 10 new, 1 known before, 1 refused (bad_signature 1)`.
    pub(super) fn sentence(&self, what: &str) -> String {
        let read = self.new.saturating_add(self.duplicate).saturating_add(self.refused());
        let mut text = format!(
            "{read} {what}: {} new, {} known before, {} refused",
            self.new,
            self.duplicate,
            self.refused()
        );
        for (index, (reason, count)) in self.refused.iter().enumerate() {
            let opening = if index == 0 { " (" } else { ", " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{opening}{reason} {count}");
        }
        if !self.refused.is_empty() {
            text.push(')');
        }
        if self.conflicts > 0 {
            let _ = write!(
                text,
                "\n{} said something else than what is stored: see `billfold conflicts`",
                self.conflicts
            );
        }
        text.push('\n');
        text
    }
}

/// Takes deliveries to the folder, many at a time.
pub(super) struct Intake<'a> {
    billfold: &'a Billfold,
    batch: Vec<Delivery>,
    bytes: usize,
    pub(super) tally: Tally,
}

impl<'a> Intake<'a> {
    pub(super) fn new(billfold: &'a Billfold) -> Self {
        Self { billfold, batch: Vec::new(), bytes: 0, tally: Tally::default() }
    }

    /// Adds a delivery; stores what has come together when that is enough.
    pub(super) fn take(&mut self, delivery: Delivery) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(delivery.body().len());
        self.batch.push(delivery);
        if self.batch.len() >= BATCH_DELIVERIES_MAX || self.bytes >= BATCH_BYTES_MAX {
            self.store()?;
        }
        Ok(())
    }

    /// Stores what has come together.
    pub(super) fn store(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        if batch.is_empty() {
            return Ok(());
        }
        let stored = self.billfold.ingest_blocking(batch).map_err(|error| {
            let so_far = self.tally.new.saturating_add(self.tally.duplicate);
            Failure::new(Exit::Failed, format!("after {so_far} stored events: {}", with_sources(&error)))
                .remedy("mend that and run the command again: what is stored already is skipped")
        })?;
        let mut unseen = false;
        for one in stored {
            match one.outcome {
                Appended::New { .. } => self.tally.new = self.tally.new.saturating_add(1),
                Appended::Duplicate { .. } => self.tally.duplicate = self.tally.duplicate.saturating_add(1),
            }
            self.tally.conflicts = self.tally.conflicts.saturating_add(u64::from(one.conflict));
            unseen |= !one.shown;
        }
        if unseen {
            let reasons = self.billfold.readiness().reasons.join("; ");
            return Err(Failure::new(
                Exit::Failed,
                format!("what was read so far is stored, but not folded: {reasons}"),
            )
            .remedy("mend that, and run the command again: what is stored already is skipped"));
        }
        Ok(())
    }

    /// Counts and tells what did not go through. `place` is its file and line.
    pub(super) fn refuse(&mut self, bar: &Bar, place: &str, reason: &'static str, text: &str) {
        let told = self.tally.refused();
        let count = self.tally.refused.entry(reason).or_default();
        *count = count.saturating_add(1);
        if told < TOLD_MAX {
            bar.line(&format!("{place}: {text}"));
        } else if told == TOLD_MAX {
            bar.line("further ones are counted, not told");
        }
    }
}

/// Whether a body can be stored at all.
pub(super) fn check_length(body: &[u8]) -> Result<(), String> {
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("the body is longer than {BODY_BYTES_MAX} bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_complete() {
        let mut tally = Tally { new: 2, duplicate: 1, ..Tally::default() };
        assert_eq!(tally.sentence("events"), "3 events: 2 new, 1 known before, 0 refused\n");
        assert_eq!(tally.exit(), Exit::Done);
        tally.refused.insert("too_old", 2);
        tally.conflicts = 1;
        assert!(
            tally
                .sentence("lines")
                .starts_with("5 lines: 2 new, 1 known before, 2 refused (too_old 2)\n1 said")
        );
        assert_eq!(tally.exit(), Exit::Refused);
        assert_eq!(tally.to_json()["read"], 5);
    }
}
