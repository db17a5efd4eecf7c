//! How the writer is doing: counted since the log was opened, for whoever watches it. Nothing depends on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The upper bounds of times, in microseconds; what is longer is counted in the sum alone.
const MICROS_BOUNDS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000,
];
/// The upper bounds of records in a commit.
const RECORDS_BOUNDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/// When something began whose time is counted.
#[expect(clippy::disallowed_methods, reason = "only to say how long something took")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// How numbers are spread.
#[derive(Debug)]
pub struct Spread {
    bounds: &'static [u64],
    /// One more than bounds: the last one is for what lies beyond them.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Spread {
    fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// A spread of times in microseconds.
    #[must_use]
    pub fn of_micros() -> Self {
        Self::new(MICROS_BOUNDS)
    }

    /// Counts one.
    pub fn count(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a time, in microseconds.
    pub fn count_time(&self, took: Duration) {
        self.count(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Each upper bound with how many lie at or below it and above the one before; none for what lies beyond.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> + '_ {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        bounds.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Of all that was counted.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

/// How the writer is doing.
#[derive(Debug)]
pub struct Vitals {
    /// How long commits took, the sync included, in microseconds.
    pub commit_micros: Spread,
    /// How long `fdatasync` took, in microseconds.
    pub sync_micros: Spread,
    /// New records in a commit.
    pub commit_records: Spread,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            commit_micros: Spread::of_micros(),
            sync_micros: Spread::of_micros(),
            commit_records: Spread::new(RECORDS_BOUNDS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let spread = Spread::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000] {
            spread.count(value);
        }
        let buckets: Vec<_> = spread.buckets().collect();
        assert_eq!(buckets, [(Some(10), 2), (Some(20), 2), (None, 2)]);
        assert_eq!(spread.sum(), 1_062);
    }
}
