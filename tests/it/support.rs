//! What several areas need: recorded streams, a seeded shuffle, a folder to throw away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use billfold::engine::Billfold;
use billfold::model::time::{Millis, Seconds};
use billfold::stripe::delivery::Delivery;
use billfold::stripe::signature::{Secrets, Tolerance, sign};
use serde_json::Value;

/// The secret that tests sign with.
pub(crate) const SECRET: &str = "whsec_test_only_0123456789";
/// The time at which tests receive.
pub(crate) const NOW: Millis = Millis(1_800_000_000_000);

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub(crate) fn secrets() -> Secrets {
    SECRET.parse().unwrap()
}

/// Signs a body as the provider would, and verifies it as the server does.
pub(crate) fn signed(body: &str) -> Delivery {
    let header = sign(&secrets(), body.as_bytes(), NOW.seconds());
    Delivery::verify(Some(header.as_bytes()), body.as_bytes(), &secrets(), Tolerance::default(), NOW).unwrap()
}

pub(crate) fn ingest(billfold: &Billfold, bodies: &[String]) {
    for batch in bodies.chunks(100) {
        let deliveries = batch.iter().map(|body| signed(body)).collect();
        let ingested = billfold.ingest_blocking(deliveries).unwrap();
        assert!(ingested.iter().all(|one| one.shown && !one.conflict));
    }
}

/// A recorded stream and what its objects were at the end.
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) bodies: Vec<String>,
    pub(crate) expected: Value,
    /// The objects at the end, as the provider's API showed them.
    pub(crate) truth: Value,
    is_native: bool,
    /// The event types of each object, by second.
    moments: BTreeMap<String, BTreeMap<i64, BTreeSet<String>>>,
}

impl Stream {
    pub(crate) fn load(folder: &Path) -> Self {
        let events = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
        let bodies: Vec<String> = events
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["body"].as_str().unwrap().to_owned()
            })
            .collect();
        let mut moments: BTreeMap<String, BTreeMap<i64, BTreeSet<String>>> = BTreeMap::new();
        for body in &bodies {
            let event: Value = serde_json::from_str(body).unwrap();
            let id = event["data"]["object"]["id"].as_str().unwrap_or_default().to_owned();
            let types = moments.entry(id).or_default().entry(event["created"].as_i64().unwrap()).or_default();
            types.insert(event["type"].as_str().unwrap().to_owned());
        }
        let read = |name| serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let is_native = folder.parent().is_some_and(|family| family.ends_with("native"));
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            bodies,
            moments,
            expected: read("expected_from_stream.json"),
            truth: read("truth.json"),
            is_native,
        }
    }

    /// The stream has an event of this object.
    pub(crate) fn tells_of(&self, id: &str) -> bool {
        self.moments.contains_key(id)
    }

    /// The stream is what the fake sends by itself: it leaves out most changes.
    pub(crate) const fn is_native(&self) -> bool {
        self.is_native
    }

    /// A failed authentication and a request for one in the same second of one intent: no content orders them.
    pub(crate) fn is_undecidable(&self, id: &str) -> bool {
        let Some(newest) = self.moments.get(id).and_then(|moments| moments.last_key_value()) else {
            return false;
        };
        let has = |event_type: &str| newest.1.contains(event_type);
        let ended = has("payment_intent.succeeded") || has("payment_intent.canceled");
        has("payment_intent.payment_failed") && has("payment_intent.requires_action") && !ended
    }

    /// Every recorded stream of a family (`native`, `augmented`), by name.
    pub(crate) fn all(family: &str) -> Vec<Self> {
        // More recorded streams can be tried by naming their folder.
        let corpus =
            std::env::var_os("BILLFOLD_CORPUS").map_or_else(|| fixtures().join("corpus"), PathBuf::from);
        let mut folders: Vec<_> =
            std::fs::read_dir(corpus.join(family)).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        assert!(!folders.is_empty());
        folders.iter().map(|folder| Self::load(folder)).collect()
    }
}

/// A small seeded generator: the order that a seed gives is the same everywhere.
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The second that a test's clock shows.
pub(crate) const fn now() -> Seconds {
    Seconds(NOW.0 / 1_000)
}
