//! Rebuilding the projections against reading, decompressing and parsing alone.

use billfold::engine::Billfold;
use billfold::log::{EventLog, Position, SledLog, SledOptions};
use billfold::model::time::Millis;
use billfold::stripe::decode::decode;
use billfold::stripe::delivery::Delivery;
use billfold::stripe::envelope::Envelope;
use serde::de::IgnoredAny;

use crate::{lives::Lives, rate, time};

/// Events; `BILLFOLD_BENCH_EVENTS` changes it.
const EVENTS: usize = 100_000;
const ROUNDS: usize = 3;

pub(crate) fn events() -> usize {
    std::env::var("BILLFOLD_BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(EVENTS)
}

pub(crate) fn fill(billfold: &Billfold, lives: &Lives, count: usize) -> u64 {
    let mut bytes = 0;
    let mut bodies = lives.bodies(count).peekable();
    while bodies.peek().is_some() {
        let batch: Vec<Delivery> = bodies
            .by_ref()
            .take(2_000)
            .map(|body| {
                bytes += body.len() as u64;
                Delivery::vouched(body.into_bytes(), Millis(1_800_000_000_000))
            })
            .collect();
        billfold.ingest_blocking(batch).unwrap();
    }
    bytes
}

pub(crate) fn run() {
    let count = events();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let mut raw = 0;
    let filling = time(|| raw = fill(&billfold, &Lives::load(), count));
    println!(
        "{count} events of {} bytes on average; filled at {:.0} a second",
        raw / count as u64,
        rate(count, filling)
    );
    for round in 1..=ROUNDS {
        let mut rebuilt = None;
        let whole = time(|| rebuilt = Some(billfold.rebuild(&|_| ()).unwrap()));
        assert_eq!(rebuilt.map(|rebuilt| (rebuilt.records, rebuilt.changed)), Some((count as u64, false)));
        println!("round {round}: rebuild {:.0} events a second", rate(count, whole));
    }
    drop(billfold);
    let log = SledLog::open(&folder.path().join("log"), &SledOptions::default()).unwrap();
    let parse = |body: &[u8]| {
        serde_json::from_slice::<IgnoredAny>(body).unwrap();
    };
    let fold_less = |body: &[u8]| drop(decode(&Envelope::parse(body).unwrap()));
    for (name, work) in
        [("read, decompress, parse", &parse as &dyn Fn(&[u8])), ("read, decompress, decode", &fold_less)]
    {
        let alone = time(|| read_all(&log, work));
        println!("{name}, one thread: {:.0} events a second", rate(count, alone));
    }
}

fn read_all(log: &SledLog, work: &dyn Fn(&[u8])) {
    let mut after = Position::START;
    loop {
        let page = log.read(after, 4_096).unwrap();
        let Some(last) = page.last() else { break };
        after = last.position;
        for record in &page {
            work(&record.content.body.0);
        }
    }
}
