//! What happened at the door: counts by hour, refusals by reason, conflicts. Operational data, not truth:
//! bounded, kept in a small file, and a crash may lose its last seconds.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::log::{Position, RecordId};
use crate::model::time::Seconds;

mod codec;

/// Seconds a bucket.
const BUCKET_SECONDS: i64 = 3_600;
/// Buckets kept: 31 days.
const BUCKETS_MAX: usize = 31 * 24;
/// Conflicts kept, newest first out.
const CONFLICTS_MAX: usize = 1_000;
/// Different reasons of refusal kept a bucket.
const REASONS_MAX: usize = 32;

/// What happened in a window of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Deliveries stored.
    pub accepted: u64,
    /// Deliveries of events that were stored before.
    pub duplicate: u64,
    /// Deliveries refused.
    pub refused: u64,
    /// The refused ones by reason.
    pub refused_by_reason: BTreeMap<Box<str>, u64>,
    /// Stored records that could not be read.
    pub unreadable: u64,
    /// Deliveries stored although their endpoint expects another mode or account.
    pub unexpected: u64,
}

impl WindowCounts {
    fn add(&mut self, other: &Self) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.duplicate = self.duplicate.saturating_add(other.duplicate);
        self.refused = self.refused.saturating_add(other.refused);
        self.unreadable = self.unreadable.saturating_add(other.unreadable);
        self.unexpected = self.unexpected.saturating_add(other.unexpected);
        for (reason, count) in &other.refused_by_reason {
            let sum = self.refused_by_reason.entry(reason.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// Deliveries in all.
    #[must_use]
    pub const fn deliveries(&self) -> u64 {
        self.accepted.saturating_add(self.duplicate).saturating_add(self.refused)
    }
}

/// A second body under a known event id that says something else. The first one stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The event.
    pub id: RecordId,
    /// When the second body came.
    pub seen_at: Seconds,
    /// The SHA-256 of the second body.
    pub other_sha256: [u8; 32],
}

/// The counts of one folder.
#[derive(Debug)]
pub(super) struct Operations {
    file: Option<PathBuf>,
    buckets: BTreeMap<i64, WindowCounts>,
    conflicts: VecDeque<Conflict>,
    conflicts_total: u64,
    /// Up to here unreadable records were counted: a rebuild does not count them again.
    unreadable_counted_to: Position,
    dirty: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            file: None,
            buckets: BTreeMap::new(),
            conflicts: VecDeque::new(),
            conflicts_total: 0,
            unreadable_counted_to: Position::START,
            dirty: false,
        }
    }
}

impl Operations {
    /// Reads the file, or begins anew: nothing here is worth a failed start.
    pub(super) fn load(file: PathBuf) -> Self {
        let loaded = fs::read(&file).ok().and_then(|bytes| codec::decode(&bytes));
        Self { file: Some(file), ..loaded.unwrap_or_default() }
    }

    fn bucket(&mut self, now: Seconds) -> &mut WindowCounts {
        self.dirty = true;
        let hour = now.0.div_euclid(BUCKET_SECONDS);
        while self.buckets.len() >= BUCKETS_MAX && !self.buckets.contains_key(&hour) {
            self.buckets.pop_first();
        }
        self.buckets.entry(hour).or_default()
    }

    pub(super) fn count_accepted(&mut self, now: Seconds) {
        let bucket = self.bucket(now);
        bucket.accepted = bucket.accepted.saturating_add(1);
    }

    pub(super) fn count_duplicate(&mut self, now: Seconds) {
        let bucket = self.bucket(now);
        bucket.duplicate = bucket.duplicate.saturating_add(1);
    }

    pub(super) fn count_refused(&mut self, reason: &'static str, now: Seconds) {
        let bucket = self.bucket(now);
        bucket.refused = bucket.refused.saturating_add(1);
        let reasons = &mut bucket.refused_by_reason;
        if reasons.len() < REASONS_MAX || reasons.contains_key(reason) {
            let count = reasons.entry(reason.into()).or_default();
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn count_unexpected(&mut self, now: Seconds) {
        let bucket = self.bucket(now);
        bucket.unexpected = bucket.unexpected.saturating_add(1);
    }

    pub(super) fn count_unreadable(&mut self, position: Position, received_at: Seconds) {
        if position > self.unreadable_counted_to {
            self.unreadable_counted_to = position;
            let bucket = self.bucket(received_at);
            bucket.unreadable = bucket.unreadable.saturating_add(1);
        }
    }

    pub(super) fn note_conflict(&mut self, conflict: Conflict) {
        self.dirty = true;
        self.conflicts_total = self.conflicts_total.saturating_add(1);
        self.conflicts.push_front(conflict);
        self.conflicts.truncate(CONFLICTS_MAX);
    }

    /// The counts of the hours that touch the last `seconds` before `now`.
    pub(super) fn window(&self, now: Seconds, seconds: i64) -> WindowCounts {
        let first = now.plus(seconds.saturating_neg()).0.div_euclid(BUCKET_SECONDS);
        let mut counts = WindowCounts::default();
        self.buckets.range(first..).for_each(|(_, bucket)| counts.add(bucket));
        counts
    }

    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        self.conflicts.iter().cloned().collect()
    }

    pub(super) const fn conflicts_total(&self) -> u64 {
        self.conflicts_total
    }

    /// Writes the file if anything changed: whole, beside, then in place.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let Some(file) = self.file.as_deref().filter(|_| self.dirty) else {
            return Ok(());
        };
        replace(file, &codec::encode(self))?;
        self.dirty = false;
        Ok(())
    }
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    // For this user alone, as all that lies beside it.
    let mut draft = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    draft.write_all(bytes)?;
    fs::rename(&beside, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn counts_fall_into_windows_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operations");
        let mut operations = Operations::load(file.clone());
        operations.count_accepted(Seconds(10));
        operations.count_duplicate(Seconds(7_300));
        operations.count_refused("bad_signature", Seconds(7_300));
        operations.count_unreadable(Position::new(2), Seconds(7_300));
        operations.count_unreadable(Position::new(2), Seconds(7_300));
        operations.count_unexpected(Seconds(7_300));
        operations.save().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let operations = Operations::load(file);
        let recent = operations.window(Seconds(7_400), 3_600);
        assert_eq!((recent.accepted, recent.duplicate, recent.refused, recent.unreadable), (0, 1, 1, 1));
        assert_eq!(recent.unexpected, 1);
        assert_eq!(operations.window(Seconds(7_400), 86_400).deliveries(), 3);
    }

    /// An upgrade keeps what was counted before it.
    #[test]
    fn counts_of_the_first_version_are_read() {
        // Version 1: the hour 2 with 1 accepted, 0 duplicate, 2 refused as "x", 3 unreadable.
        let mut bytes = vec![1, 1, 4, 1, 0, 2, 1, 1, b'x', 2, 3, 0, 0, 7];
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let window = codec::decode(&bytes).unwrap().window(Seconds(7_400), 3_600);
        assert_eq!((window.accepted, window.refused, window.unreadable, window.unexpected), (1, 2, 3, 0));
        assert_eq!(window.refused_by_reason.get("x"), Some(&2));
    }

    #[test]
    fn a_damaged_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operations");
        fs::write(&file, b"\x01garbage").unwrap();
        assert_eq!(Operations::load(file).window(Seconds(0), 3_600), WindowCounts::default());
    }

    #[test]
    fn the_hours_kept_are_bounded() {
        let mut operations = Operations::default();
        for hour in 0..2_000 {
            operations.count_accepted(Seconds(hour * BUCKET_SECONDS));
        }
        assert_eq!(operations.buckets.len(), BUCKETS_MAX);
    }
}
