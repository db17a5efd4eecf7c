//! Durable appends of `SledLog` beside the least that durability costs: append and `fdatasync` of the same bodies to a
//! plain file, by one writer with the same group commit. Both in one run, in turns, so that their ratio means something.
//!
//! `cargo bench --bench log` (with `BILLFOLD_BENCH_EVENTS=1000000` for a log of that length) prints appends a second, the ratio, latencies, bytes on disk, and how fast the log is read.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints ratios and stops when something fails"
)]

mod plain;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use billfold::log::{
    Ack, Body, EventLog, NewRecord, Position, Provenance, Provider, RecordId, SledLog, SledOptions,
};
use billfold::model::id::EventId;
use billfold::model::time::Millis;
use plain::PlainFile;

const PRODUCERS: [u64; 4] = [1, 16, 64, 256];
const TURN: Duration = Duration::from_secs(1);
const TURNS: usize = 3;
const BODIES: u64 = 512;
const PAGE_RECORDS: usize = 1_000;
const ALONE_RECORDS: u64 = 20_000;

/// An event as Stripe sends it; `@` stands for a random letter or digit, `#` for a random digit.
const EVENT: &str = include_str!("charge.json");

fn main() {
    let folder = tempfile::tempdir().expect("a folder for the benchmark");
    let bodies = bodies();
    let body_bytes = bodies.iter().map(|body| body.0.len()).sum::<usize>() / bodies.len();
    println!("durable appends a second, bodies of {body_bytes} bytes, median of {TURNS} turns");
    println!("producers      sled  p50 / p99 µs     plain file  p50 / p99 µs     ratio");
    let path = folder.path().join("log");
    let log = SledLog::open(&path, &SledOptions::default()).expect("an empty folder opens");
    let plain = PlainFile::create(&folder.path().join("plain")).expect("the plain file");
    let (numbers, plain_numbers) = (AtomicU64::new(0), AtomicU64::new(0));
    for producers in PRODUCERS {
        let mut sled = Vec::new();
        let mut file = Vec::new();
        for _ in 0..TURNS {
            sled.push(turn(producers, &numbers, &bodies, |record| log.append(vec![record])));
            file.push(turn(producers, &plain_numbers, &bodies, |record| plain.append(record)));
        }
        let (sled, file) = (median(sled), median(file));
        println!(
            "{producers:>9}  {:>8.0}  {:>5} / {:<8}  {:>10.0}  {:>5} / {:<8}  {:.2}",
            sled.rate,
            sled.p50,
            sled.p99,
            file.rate,
            file.p50,
            file.p99,
            sled.rate / file.rate
        );
    }
    fill(&log, &numbers, &bodies);
    let head = log.head();
    drop(log);
    println!("on disk: {}", on_disk(&path, head.records, body_bytes));
    let alone = one_at_a_time(&folder.path().join("alone"), &bodies);
    println!(
        "on disk, each record a commit of its own: {}",
        on_disk(&folder.path().join("alone"), alone, body_bytes)
    );
    let opened = Instant::now();
    let log = SledLog::open(&path, &SledOptions::default()).expect("the log opens again");
    println!("opening: {} ms", opened.elapsed().as_millis());
    read(&log);
}

/// Appends until there are `BILLFOLD_BENCH_EVENTS` records, if that many are wanted.
fn fill(log: &SledLog, numbers: &AtomicU64, bodies: &[Body]) {
    let wanted = std::env::var("BILLFOLD_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    while log.head().records < wanted {
        let records = (0..PAGE_RECORDS).map(|_| record(numbers.fetch_add(1, Ordering::Relaxed), bodies));
        log.append(records.collect()).wait().expect("the appends are durable");
    }
}

/// Appends record after record, each durable before the next: nothing to pack it with.
fn one_at_a_time(path: &Path, bodies: &[Body]) -> u64 {
    let log = SledLog::open(path, &SledOptions::default()).expect("an empty folder opens");
    for number in 0..ALONE_RECORDS {
        log.append(vec![record(number, bodies)]).wait().expect("the append is durable");
    }
    ALONE_RECORDS
}

fn on_disk(path: &Path, records: u64, body_bytes: usize) -> String {
    let each = disk_bytes(path) as f64 / records as f64;
    format!("{each:.0} bytes a record, {:.2} for a raw byte, {records} records", each / body_bytes as f64)
}

struct Turn {
    rate: f64,
    p50: u128,
    p99: u128,
}

fn median(mut turns: Vec<Turn>) -> Turn {
    turns.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    turns.swap_remove(turns.len() / 2)
}

/// Producers that each wait for the durable answer before they send the next event.
fn turn<F>(producers: u64, numbers: &AtomicU64, bodies: &[Body], append: F) -> Turn
where
    F: Fn(NewRecord) -> Ack + Sync,
{
    let stop = AtomicBool::new(false);
    let begin = Instant::now();
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let (stop, append) = (&stop, &append);
        let producers: Vec<_> = (0..producers)
            .map(|_| {
                scope.spawn(move || {
                    let mut latencies = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let number = numbers.fetch_add(1, Ordering::Relaxed);
                        let record = record(number, bodies);
                        let sent = Instant::now();
                        append(record).wait().expect("the append is durable");
                        latencies.push(sent.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        std::thread::sleep(TURN);
        stop.store(true, Ordering::Relaxed);
        producers.into_iter().flat_map(|one| one.join().expect("a producer")).collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).map_or(0, Duration::as_micros);
    Turn { rate: latencies.len() as f64 / seconds, p50: at(50), p99: at(99) }
}

fn read(log: &SledLog) {
    let records = log.head().records as f64;
    for round in ["first", "again"] {
        let begin = Instant::now();
        let mut after = Position::START;
        while let Some(last) = log.read_encoded(after, PAGE_RECORDS).expect("a page").last() {
            after = last.position();
        }
        println!("reading, {round}: {:.0} records/s", records / begin.elapsed().as_secs_f64());
    }
    let begin = Instant::now();
    let mut after = Position::START;
    while let Some(last) = log.read(after, PAGE_RECORDS).expect("a page").last() {
        after = last.position;
    }
    println!("reading and decoding on one thread: {:.0} records/s", records / begin.elapsed().as_secs_f64());
    let mut times: Vec<Duration> = (0..2_000)
        .map(|n| {
            let id = id(n * log.head().records / 2_000);
            let begin = Instant::now();
            let found = log.find(Provider::Stripe, &id).expect("looking an id up");
            let time = begin.elapsed();
            assert!(found.is_some(), "every number below the head was appended");
            time
        })
        .collect();
    times.sort_unstable();
    println!("looking an id up: {} µs in the median", times[times.len() / 2].as_micros());
}

fn record(number: u64, bodies: &[Body]) -> NewRecord {
    NewRecord {
        provider: Provider::Stripe,
        id: id(number),
        received_at: Millis(1_780_000_000_000),
        provenance: Provenance::Signed {
            header: format!("t=1780000000,v1={:064x}", u128::from(number) * 0x9E37_79B9_7F4A_7C15).into(),
            secret: "main".into(),
        },
        body: bodies[usize::try_from(number % BODIES).expect("few")].clone(),
    }
}

/// Ids as Stripe makes them: the second, the account, then chance.
fn id(number: u64) -> RecordId {
    let second = base62(1_780_000_000 + number / 2_000, 6);
    let chance = base62(number.wrapping_mul(0x9E37_79B9_7F4A_7C15), 8);
    RecordId::Event(EventId::parse(&format!("evt_{second}B7WZ01zgkW{chance}")).expect("an id"))
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn base62(mut number: u64, length: usize) -> String {
    let mut text = vec![b'0'; length];
    for place in text.iter_mut().rev() {
        *place = DIGITS[usize::try_from(number % 62).expect("few")];
        number /= 62;
    }
    String::from_utf8(text).expect("ASCII")
}

fn bodies() -> Vec<Body> {
    let mut state = 1_u64;
    let mut chance = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % below).expect("few")
    };
    let mut body = || {
        let filled = EVENT.bytes().map(|byte| match byte {
            b'@' => DIGITS[chance(62)],
            b'#' => DIGITS[chance(10)],
            other => other,
        });
        Body(Arc::from(filled.collect::<Vec<u8>>()))
    };
    (0..BODIES).map(|_| body()).collect()
}

fn disk_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder).expect("the log's folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("its metadata");
            if metadata.is_dir() { disk_bytes(&entry.path()) } else { metadata.blocks() * 512 }
        })
        .sum()
}
