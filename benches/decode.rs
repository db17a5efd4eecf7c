//! Reading an event, against what limits it: walking over the same bytes, and a tree of all of them.
//!
//! All in one run, in turns, the best turn of each; the ratios are what to compare between machines.
//! A word as argument keeps only the ways with that word in their name (for a profiler).

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark may stop"
)]
#![expect(clippy::float_arithmetic, reason = "ratios")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use billfold::stripe::decode::{Decoded, decode};
use billfold::stripe::envelope::Envelope;
use serde::de::IgnoredAny;
use serde_json::Value;

/// How often each way is tried.
const TURNS: usize = 15;
/// How often a turn reads all bodies.
const PASSES: usize = 10;

fn bodies() -> Vec<Vec<u8>> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/corpus");
    let mut bodies = Vec::new();
    for half in ["native", "augmented"] {
        for folder in std::fs::read_dir(format!("{corpus}/{half}")).unwrap() {
            let lines = std::fs::read_to_string(folder.unwrap().path().join("events.jsonl")).unwrap();
            for line in lines.lines() {
                let delivery: Value = serde_json::from_str(line).unwrap();
                bodies.push(delivery["body"].as_str().unwrap().as_bytes().to_vec());
            }
        }
    }
    bodies
}

type Way = (&'static str, fn(&[u8]));

const WAYS: &[Way] = &[
    ("walk over the body (serde_json::IgnoredAny)", |body| {
        black_box(serde_json::from_slice::<IgnoredAny>(body).unwrap());
    }),
    ("a tree of the body (serde_json::Value)", |body| {
        black_box(serde_json::from_slice::<Value>(body).unwrap());
    }),
    ("envelope", |body| {
        black_box(Envelope::parse(body).unwrap());
    }),
    ("envelope and decode", |body| {
        black_box(decode(&Envelope::parse(body).unwrap()));
    }),
];

fn time(bodies: &[Vec<u8>], read: fn(&[u8])) -> Duration {
    let start = Instant::now();
    for _ in 0..PASSES {
        for body in bodies {
            read(body);
        }
    }
    start.elapsed()
}

fn report(title: &str, bodies: &[Vec<u8>], ways: &[Way]) {
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    println!("\n{title}: {} events of {} bytes on average", bodies.len(), bytes / bodies.len());
    let mut best = vec![Duration::MAX; ways.len()];
    for _ in 0..TURNS {
        for (best, (_, read)) in best.iter_mut().zip(ways) {
            *best = time(bodies, *read).min(*best);
        }
    }
    let first = best.first().map_or(1.0, Duration::as_secs_f64);
    for (taken, (name, _)) in best.iter().zip(ways) {
        let each = taken.as_secs_f64() / (PASSES * bodies.len()) as f64;
        let speed = bytes as f64 * PASSES as f64 / taken.as_secs_f64() / 1e6;
        println!(
            "{name:45} {:7.2} us {:9.0} events/s {speed:6.0} MB/s {:5.2} x the first",
            each * 1e6,
            1.0 / each,
            taken.as_secs_f64() / first
        );
    }
}

fn main() {
    let (folded, other): (Vec<_>, Vec<_>) = bodies()
        .into_iter()
        .partition(|body| matches!(decode(&Envelope::parse(body).unwrap()), Decoded::Observed(_)));
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let asked = |way: &&Way| word.as_deref().is_none_or(|word| way.0.contains(word));
    let ways: Vec<Way> = WAYS.iter().filter(asked).copied().collect();
    report("folded", &folded, &ways);
    report("not folded", &other, &ways);
}
