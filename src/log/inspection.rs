//! What a walk over a whole log finds: how much there is, and all that is not as it was written.
//!
//! Never mends anything, never repeats a body.

use super::record::{Head, Position};

/// The most findings that are told one by one; the others are counted.
pub const FINDINGS_MAX: usize = 1_000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which record, where it is one.
    pub position: Option<Position>,
    /// What does not fit.
    pub what: Box<str>,
}

/// Findings in the order in which they were met. The list is bounded, the count is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    told: Vec<Finding>,
    count: u64,
}

impl Findings {
    /// Adds one.
    pub fn note(&mut self, position: Option<Position>, what: impl Into<Box<str>>) {
        self.count = self.count.saturating_add(1);
        if self.told.len() < FINDINGS_MAX {
            self.told.push(Finding { position, what: what.into() });
        }
    }

    /// The first [`FINDINGS_MAX`] of them.
    #[must_use]
    pub fn told(&self) -> &[Finding] {
        &self.told
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Positions that a repair could not save: those between `after` and `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The last record before them.
    pub after: Position,
    /// Where the log goes on. Its record, if it is older than the repair, links to a lost one.
    pub next: Position,
}

impl Lost {
    /// How many positions are lost; 0 where only the chain is broken.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.next.get().saturating_sub(self.after.get()).saturating_sub(1)
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (first, last) = (self.after.get().saturating_add(1), self.next.get().saturating_sub(1));
        match self.count() {
            0 => write!(f, "none, but the chain is broken at position {}", self.next),
            1 => write!(f, "{first}"),
            _ => write!(f, "{first} to {last}"),
        }
    }
}

/// What a walk over a whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The end of the log, with the digest as it was computed anew along the way.
    pub head: Head,
    /// Records that are as they were written.
    pub records_whole: u64,
    /// Entries of the index of ids.
    pub index_entries: u64,
    /// What an earlier repair could not save. No finding: it was said then.
    pub lost: Vec<Lost>,
    /// What is not as it was written.
    pub findings: Findings,
}
