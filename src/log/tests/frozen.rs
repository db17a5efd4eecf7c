//! Folders that earlier layouts left behind: every one of them is opened by today's code.
//!
//! `tests/fixtures/log-format-N/` holds the folder; sled's file is compressed with zstd, because most of it is empty.

use std::path::{Path, PathBuf};

use super::{event, json, noise};
use crate::log::{
    Appended, Digest, EventLog, NewRecord, Provenance, Provider, Record, RecordId, SledLog, SledOptions,
};

/// What was appended to each folder, three to a commit.
fn contents() -> Vec<NewRecord> {
    let mut records: Vec<_> =
        (1..=7).map(|n| event(n, &json(n, 400 * usize::try_from(n).unwrap()))).collect();
    records.push(NewRecord { provenance: Provenance::Imported, ..event(8, &noise(8, 300)) });
    records.push(NewRecord { id: RecordId::Quarantine([9; 32]), ..event(9, b"\xFFnot JSON") });
    records.push(event(10, &noise(10, 2_000)));
    records
}

fn fixture(version: u8) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/log-format-{version}"))
}

/// A fresh copy of a frozen folder: opening a log writes into it.
fn thaw(version: u8) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture(version).join("folder")).unwrap() {
        let from = entry.unwrap().path();
        let to = folder.path().join(from.file_stem().unwrap());
        if from.extension().is_some_and(|extension| extension == "zst") {
            let frozen = std::fs::File::open(from).unwrap();
            zstd::stream::copy_decode(frozen, std::fs::File::create(to).unwrap()).unwrap();
        } else {
            std::fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    folder
}

#[track_caller]
fn check(version: u8, head: &str) {
    let folder = thaw(version);
    let log = SledLog::open(folder.path(), &SledOptions::default()).unwrap();
    assert_eq!(log.head().digest.to_string(), head);
    let records: Vec<Record> = log.read(crate::log::Position::START, 100).unwrap();
    let mut previous = Digest::GENESIS;
    for record in &records {
        assert_eq!(record.digest, record.digest_after(previous));
        previous = record.digest;
        assert_eq!(log.find(Provider::Stripe, &record.content.id).unwrap().as_ref(), Some(record));
    }
    assert_eq!(records.into_iter().map(|record| record.content).collect::<Vec<_>>(), contents());

    let again = log.append(contents()).wait().unwrap();
    assert!(again.iter().all(|outcome| matches!(outcome, Appended::Duplicate { same_body: true, .. })));
    let next = log.append(vec![event(11, b"{}")]).wait().unwrap();
    assert!(matches!(next[..], [Appended::New { .. }]));
    assert!(log.inspect(&mut |_| ()).findings.is_empty());
    drop(log);
    // An older binary must not go on with it: it would not read the new block.
    let layout = std::fs::read_to_string(folder.path().join("layout")).unwrap();
    assert_eq!(layout, format!("billfold log {NEWEST}\n"));
    assert_eq!(SledLog::open(folder.path(), &SledOptions::default()).unwrap().head().records, 11);
}

/// The layout that is written today.
const NEWEST: u8 = 2;

#[test]
fn layout_1_is_read_forever() {
    check(1, "02b10e0b87abdabc5d25a9e115461af6bb5092c2d2796bb8f5a5b6f5dd5b2685");
}

#[test]
fn layout_2_is_read_forever() {
    check(2, "02b10e0b87abdabc5d25a9e115461af6bb5092c2d2796bb8f5a5b6f5dd5b2685");
}

/// Writes the folder of the current layout. Run once for a release, with the folder's name in hand.
#[test]
#[ignore = "writes a fixture"]
fn freeze() {
    let folder = tempfile::tempdir().unwrap();
    let log = SledLog::open(folder.path(), &SledOptions::default()).unwrap();
    for commit in contents().chunks(3) {
        log.append(commit.to_vec()).wait().unwrap();
    }
    println!("head {}", log.head().digest);
    drop(log);
    let to = fixture(NEWEST).join("folder");
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap().to_str().unwrap();
        if name == "db" {
            let frozen = std::fs::File::create_new(to.join("db.zst")).unwrap();
            zstd::stream::copy_encode(std::fs::File::open(&from).unwrap(), frozen, 19).unwrap();
        } else if from.is_file() {
            std::fs::copy(&from, to.join(name)).unwrap();
        }
    }
}
