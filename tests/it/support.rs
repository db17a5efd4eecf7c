//! What several areas need: recorded streams, a seeded shuffle, a folder to throw away.

use std::path::{Path, PathBuf};

use billfold::engine::Billfold;
use billfold::model::time::{Millis, Seconds};
use billfold::stripe::delivery::Delivery;
use billfold::stripe::signature::{Secrets, Tolerance, sign};
use serde_json::Value;

/// The secret that tests sign with.
pub const SECRET: &str = "whsec_test_only_0123456789";
/// The time at which tests receive.
pub const NOW: Millis = Millis(1_800_000_000_000);

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn secrets() -> Secrets {
    SECRET.parse().unwrap()
}

/// Signs a body as the provider would, and verifies it as the server does.
pub fn signed(body: &str) -> Delivery {
    let header = sign(&secrets(), body.as_bytes(), NOW.seconds());
    Delivery::verify(Some(header.as_bytes()), body.as_bytes(), &secrets(), Tolerance::default(), NOW).unwrap()
}

pub fn ingest(billfold: &Billfold, bodies: &[String]) {
    for batch in bodies.chunks(100) {
        let deliveries = batch.iter().map(|body| signed(body)).collect();
        let ingested = billfold.ingest_blocking(deliveries).unwrap();
        assert!(ingested.iter().all(|one| one.shown && !one.conflict));
    }
}

/// A recorded stream and what its objects were at the end.
pub struct Stream {
    pub name: String,
    pub bodies: Vec<String>,
    pub expected: Value,
}

impl Stream {
    pub fn load(folder: &Path) -> Self {
        let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
        let bodies = events.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["body"].as_str().unwrap().to_owned()
        });
        let expected = std::fs::read(folder.join("expected_from_stream.json")).unwrap();
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            bodies: bodies.collect(),
            expected: serde_json::from_slice(&expected).unwrap(),
        }
    }

    /// Every recorded stream of a family (`native`, `augmented`), by name.
    pub fn all(family: &str) -> Vec<Self> {
        let mut folders: Vec<_> = std::fs::read_dir(fixtures().join("corpus").join(family))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.sort();
        assert!(!folders.is_empty());
        folders.iter().map(|folder| Self::load(folder)).collect()
    }
}

/// A small seeded generator: the order that a seed gives is the same everywhere.
pub struct Seed(u64);

impl Seed {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The second that a test's clock shows.
pub const fn now() -> Seconds {
    Seconds(NOW.0 / 1_000)
}
