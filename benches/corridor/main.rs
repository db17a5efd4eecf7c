//! `cargo bench --bench corridor [verify|rebuild|http|reads|feed|past|memory]`: the way of an event, paired with what limits it.
//!
//! Every pair is measured in one run, in turn, and printed as a ratio: only the ratios carry over to another machine.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "ratios of measured times")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that fails stops")]

mod feed;
mod http;
mod lives;
mod memory;
mod past;
mod reads;
mod rebuild;
mod verify;

use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(["memory-child", folder]) = arguments.iter().map(String::as_str).collect::<Vec<_>>().get(..2)
    {
        memory::child(folder);
        return;
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|word| word == name);
    let areas: [(&str, fn()); 8] = [
        ("verify", verify::run),
        ("rebuild", rebuild::run),
        ("http", http::run),
        ("reads", reads::run),
        ("feed", feed::run),
        ("past", past::run),
        ("memory", memory::run),
        ("peers", http::peers),
    ];
    for (name, run) in areas {
        if wanted(name) {
            println!("\n# {name}");
            run();
        }
    }
}

/// How long `work` takes.
fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The middle one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Things a second.
fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
