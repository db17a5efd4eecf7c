//! Rot: bytes of a log's files are changed or cut off, anywhere. Either nothing is lost, or it is said what is.
//!
//! `BILLFOLD_ROT_TRIALS` says how many places are tried (10 unless said); each is a seed of its own, and is printed.
//! `BILLFOLD_ROT_SEGMENTS` adds so many of sled's segments (16 MiB) to the log that is damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::{event, json, noise};
use crate::log::{
    EventLog, Head, LogCopy, OpenError, Position, Record, Salvage, Salvaged, SledLog, SledOptions,
};

const TRIALS: u64 = 10;
/// The files of a log, the database first: it is what rots most often, being the largest.
const DATABASE: &str = "db";

fn open(folder: &Path) -> Result<SledLog, OpenError> {
    SledLog::open(folder, &SledOptions::default())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A log with a history: several sessions, commits of one and of many, bodies of every length.
struct Original {
    _folder: tempfile::TempDir,
    /// As it is when a process is killed: the newest records lie behind sled's snapshot.
    killed: PathBuf,
    /// As it is after a start: all of it lies in the snapshot.
    started: PathBuf,
    records: Vec<Record>,
    head: Head,
}

static ORIGINAL: LazyLock<Original> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let mut number = 0;
    let mut append = |log: &SledLog, many: u64, bytes: usize| {
        let body = |n: u64| if n.is_multiple_of(3) { noise(n, bytes) } else { json(n, bytes) };
        let records = (0..many).map(|_| {
            number += 1;
            event(number, &body(number))
        });
        log.append(records.collect()).wait().unwrap();
    };
    for session in 0..3 {
        let log = open(&live).unwrap();
        for turn in 0..40 {
            append(&log, 1, 300 + turn * 37);
            if turn % 8 == 0 {
                append(&log, 20, 2_000);
            }
        }
        append(&log, 1, 700_000);
        append(&log, 1, 190_000);
        for _ in 0..30 {
            append(&log, 1, 1_500);
        }
        if session == 2 {
            let segments = std::env::var_os("BILLFOLD_ROT_SEGMENTS");
            for _ in 0..segments.map_or(0, |many| many.to_str().unwrap().parse().unwrap()) * 20 {
                append(&log, 1, 800_000);
            }
            append(&log, 1, 1_000);
            copy(&live, &folder.path().join("killed"));
        }
    }
    let log = open(&live).unwrap();
    let mut records = Vec::new();
    while let Some(last) =
        Some(log.read(records.last().map_or(Position::START, |r: &Record| r.position), 1_000).unwrap())
            .filter(|page| !page.is_empty())
    {
        records.extend(last);
    }
    let head = log.head();
    drop(log);
    copy(&live, &folder.path().join("started"));
    Original {
        killed: folder.path().join("killed"),
        started: folder.path().join("started"),
        _folder: folder,
        records,
        head,
    }
});

/// A small generator, the same everywhere.
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// Changes something in one of the files, and says what.
fn damage(folder: &Path, seed: &mut Seed) -> String {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != DATABASE)
        .collect();
    names.sort();
    let name = match seed.below(4) {
        0 => names[usize::try_from(seed.below(names.len() as u64)).unwrap()].clone(),
        _ => DATABASE.to_owned(),
    };
    let mut bytes = fs::read(folder.join(&name)).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1) as u64;
    let at = usize::try_from(seed.below(used)).unwrap();
    let what = match seed.below(8) {
        0 => {
            bytes.truncate(at);
            "cut off"
        }
        1 => {
            let end = (at / 512 * 512 + 4096).min(bytes.len());
            bytes[at / 512 * 512..end].fill(0);
            "a page of zeros"
        }
        2 => {
            let end = (at + 64).min(bytes.len());
            bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
            "64 bytes changed"
        }
        _ => {
            bytes[at] ^= 1 << seed.below(8);
            "a bit changed"
        }
    };
    fs::write(folder.join(&name), bytes).unwrap();
    format!("{name}: {what} at {at} of {used}")
}

fn salvage(folders: &[&Path], into: &Path) -> Salvaged {
    let mut salvage = Salvage::new();
    for folder in folders {
        salvage.scan(folder, &|_, _| ()).unwrap();
    }
    let mut copy = LogCopy::open(into).unwrap();
    salvage.finish(Some(&mut copy), &mut |_| (), &|_, _| ()).unwrap()
}

/// Saves what can be saved: true records, each in its place, everything else said to be lost. How many there are.
fn check_saved(folder: &Path, into: &Path, original: &Original) -> u64 {
    let saved = salvage(&[folder], into);
    let log = open(into).unwrap();
    let mut found = Vec::new();
    let inspection = log.inspect(&mut |record| found.push(record.clone()));
    assert!(inspection.findings.is_empty(), "{:?}", inspection.findings.told());
    assert_eq!((inspection.lost, inspection.head), (saved.lost.clone(), saved.head));
    let is_lost =
        |position: Position| saved.lost.iter().any(|lost| lost.after < position && position < lost.next);
    let expected: Vec<_> = original.records.iter().filter(|record| !is_lost(record.position)).collect();
    // What is lost at the end is known by the mark alone, which may be damaged, too.
    assert!(found.iter().eq(expected.into_iter().take(found.len())));
    // A lost position is never given to anybody else.
    let known = saved.lost.last().map_or(0, |lost| lost.next.get() - 1).max(saved.head.position.get());
    let next = log.append(vec![event(1_000_000, b"{}")]).wait().unwrap();
    assert_eq!(next[0].position().get(), known + 1);
    assert!(log.inspect(&mut |_| ()).findings.is_empty());
    saved.head.records
}

/// What became of one trial.
fn outcome(folder: &Path, original: &Original) -> &'static str {
    match open(folder) {
        Ok(log) => {
            let inspection = log.inspect(&mut |_| ());
            let findings: Vec<_> = inspection.findings.told().to_vec();
            let mut wrong = Vec::new();
            for record in &original.records {
                let read = log.read(Position::new(record.position.get() - 1), 1);
                let found = log.find(record.content.provider, &record.content.id);
                let same = matches!(&read, Ok(page) if page.first() == Some(record));
                let found_same = matches!(&found, Ok(Some(found)) if found == record);
                if !(same && found_same) {
                    let silent = read.is_ok() && !same || found.is_ok() && !found_same;
                    assert!(!silent || !findings.is_empty(), "{} is gone", record.position);
                    wrong.push(record.position);
                }
            }
            if findings.is_empty() {
                assert!(wrong.is_empty(), "nothing was found, but {wrong:?} cannot be read");
                assert_eq!(log.head(), original.head);
                return "nothing is lost";
            }
            for position in wrong {
                let named = findings.iter().any(|finding| finding.position.is_none_or(|at| at == position));
                assert!(named, "{position} cannot be read, but only {findings:?} is said");
            }
            "opened, and the damage is named"
        }
        Err(OpenError::RecordsLost { .. }) => "refused: records are lost",
        Err(OpenError::Damaged { reason, .. }) if reason.contains("at byte") => {
            "refused: rotten before the snapshot's end"
        }
        Err(OpenError::Damaged { .. }) => "refused later: damaged",
        Err(OpenError::Storage { .. }) => "refused later: storage",
        Err(OpenError::NewerFormat { .. }) => "refused: a newer format",
        Err(other) => panic!("{other}"),
    }
}

/// Over the ends of sled's segments, closed and killed: what nobody has damaged is never refused.
#[test]
fn a_whole_log_is_never_refused() {
    let place = tempfile::tempdir().unwrap();
    let (live, killed) = (place.path().join("live"), place.path().join("killed"));
    let mut number = 0;
    for session in 0..14 {
        let log = open(&live).unwrap_or_else(|error| panic!("session {session}: {error}"));
        assert_eq!(log.head().records, number);
        for turn in 0..=session % 4 {
            let bytes = if turn == 2 { 3_000_000 } else { 900_000 };
            let many = if turn == 1 { 30 } else { 1 };
            let records = (0..many).map(|_| {
                number += 1;
                event(number, &noise(number, if many > 1 { 9_000 } else { bytes }))
            });
            log.append(records.collect()).wait().unwrap();
        }
        let _ = fs::remove_dir_all(&killed);
        copy(&live, &killed);
        let again = open(&killed).unwrap_or_else(|error| panic!("killed in session {session}: {error}"));
        assert_eq!(again.head(), log.head());
    }
    assert!(fs::metadata(live.join(DATABASE)).unwrap().len() > 2 * 16 * 1024 * 1024, "several segments");
}

/// A write that was cut off may leave a record behind whose position another one got.
#[test]
fn of_two_records_at_one_position_the_one_in_the_chain_is_saved() {
    let place = tempfile::tempdir().unwrap();
    let (kept, other) = (place.path().join("kept"), place.path().join("other"));
    let append = |folder: &Path, numbers: std::ops::Range<u64>| {
        let log = open(folder).unwrap();
        log.append(numbers.map(|number| event(number, &json(number, 500))).collect()).wait().unwrap();
    };
    append(&kept, 1..3);
    copy(&kept, &other);
    append(&kept, 3..6);
    append(&other, 100..101);
    let mut bytes = fs::read(other.join(DATABASE)).unwrap();
    bytes.resize(bytes.len().next_multiple_of(16 * 1024 * 1024), 0);
    bytes.extend(fs::read(kept.join(DATABASE)).unwrap());
    let head = open(&kept).unwrap().head();
    fs::write(kept.join(DATABASE), bytes).unwrap();
    let saved = salvage(&[&kept], &place.path().join("saved"));
    assert_eq!((saved.head, saved.lost), (head, Vec::new()));
}

#[test]
fn rotten_bytes_are_never_passed_over_in_silence() {
    let original = &*ORIGINAL;
    let trials = std::env::var_os("BILLFOLD_ROT_TRIALS");
    let trials = trials.map_or(TRIALS, |trials| trials.to_str().unwrap().parse().unwrap());
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for trial in 0..trials {
        let mut seed = Seed(trial);
        seed.below(1);
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("log");
        let from = if seed.below(3) == 0 { &original.started } else { &original.killed };
        copy(from, &folder);
        let what = damage(&folder, &mut seed);
        let damaged = fs::read(folder.join(DATABASE)).unwrap();
        println!("trial {trial}: {} {what}", from.file_name().unwrap().display());
        let came = outcome(&folder, original);
        println!("    {came}");
        *outcomes.entry(came.to_owned()).or_default() += 1;
        // Later, sled has had the file in its hands already; but no record is gone, see below.
        if came.starts_with("refused:") {
            assert!(fs::read(folder.join(DATABASE)).unwrap() == damaged, "a refused log is left as it is");
        }
        let saved = check_saved(&folder, &place.path().join("saved"), original);
        println!("    {saved} of {} can be saved", original.head.records);
        // Every record lies in the file at least once, so one damaged place costs one frame at most; 64 bytes may lie in two.
        assert!(what.contains("cut off") || what.contains("zeros") || saved + 16 >= original.head.records);
    }
    println!("{outcomes:#?}");
}
