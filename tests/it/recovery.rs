//! What a folder does after damage: derived state comes back by itself, a log that lost records says so.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use billfold::engine::{Billfold, OpenError, Options};
use serde_json::json;

use crate::support::{NOW, Seed, ingest, signed};

const CUSTOMERS: usize = 400;
/// Bytes that are changed at once.
const DAMAGE_BYTES: usize = 64;
const ROUNDS: u64 = 6;

fn body(event: &str, customer: usize, created: i64) -> String {
    json!({
        "id": event, "object": "event", "type": "customer.updated", "created": created, "livemode": false,
        "api_version": "2025-03-31.basil",
        "data": { "object": {
            "id": format!("cus_{customer}"), "object": "customer", "created": 1, "livemode": false,
            "name": format!("customer number {customer} at {created}"), "metadata": {},
        } },
    })
    .to_string()
}

fn fill(folder: &Path, round: i64) {
    let billfold = Billfold::open(folder).unwrap();
    let bodies: Vec<String> =
        (0..CUSTOMERS).map(|customer| body(&format!("evt_{round}_{customer}"), customer, round)).collect();
    ingest(&billfold, &bodies);
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Changes, clears or cuts off something in one of the folder's files, and says what. Most often in the database.
fn damage(folder: &Path, seed: u64) -> String {
    let mut seed = Seed::new(seed);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    let file = match seed.below(3) {
        0 => files[seed.below(files.len())].clone(),
        _ => folder.join("db"),
    };
    let mut bytes = fs::read(&file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let at = seed.below(used.max(1));
    let end = (at + DAMAGE_BYTES).min(used);
    let what = match seed.below(4) {
        0 => {
            bytes.truncate(at);
            "cut off"
        }
        1 => {
            bytes[at..end].fill(0);
            "cleared"
        }
        _ => {
            bytes[at..end].iter_mut().for_each(|byte| *byte ^= 0x5a);
            "changed"
        }
    };
    fs::write(&file, bytes).unwrap();
    format!("{} {what} at {at} of {used}", file.display())
}

/// `BILLFOLD_ROT_TRIALS` says how many places are tried.
#[test]
fn a_damaged_projection_comes_back_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1);
    let (place, kept) = (folder.path().join("projection"), folder.path().join("kept"));
    fs::rename(&place, &kept).unwrap();
    let rounds = std::env::var_os("BILLFOLD_ROT_TRIALS");
    for round in 0..rounds.map_or(ROUNDS, |rounds| rounds.to_str().unwrap().parse().unwrap()) {
        let _ = fs::remove_dir_all(&place);
        copy(&kept, &place);
        let what = damage(&place, round);
        // Opening alone reads little of it; events of the same objects read the rest.
        let billfold = Billfold::open(folder.path()).unwrap();
        let number = i64::try_from(round).unwrap();
        let events =
            (0..CUSTOMERS).map(|customer| body(&format!("evt_{number}_{customer}"), customer, number));
        let _ = billfold.ingest_blocking(events.map(|body| signed(&body)).collect()).unwrap();
        drop(billfold);
        let billfold = Billfold::open(folder.path()).unwrap();
        assert!(billfold.readiness().ready, "round {round}: {what}");
        assert!(!billfold.rebuild(&|_| ()).unwrap().changed, "round {round}: {what}");
    }
}

#[test]
fn a_row_that_cannot_be_read_stops_the_fold_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1);
    let database =
        sled::Config::new().path(folder.path().join("projection")).segment_size(16 << 20).open().unwrap();
    let rows = database.open_tree("state").unwrap();
    for row in &rows {
        let (key, value) = row.unwrap();
        if key.starts_with(b"o") {
            rows.insert(&key, &value[..value.len() / 2]).unwrap();
        }
    }
    drop((rows, database));
    let billfold = Billfold::open(folder.path()).unwrap();
    let stored = billfold.ingest_blocking(vec![signed(&body("evt_2_7", 7, 2))]).unwrap();
    assert!(!stored[0].shown, "what is not folded is not said to be shown");
    let readiness = billfold.readiness();
    assert!(!readiness.ready && readiness.reasons[0].contains("damaged"), "{readiness:?}");
    drop(billfold);
    let billfold = Billfold::open(folder.path()).unwrap();
    assert!(billfold.readiness().ready);
    assert_eq!(billfold.stats(NOW.seconds(), 60).unwrap().lag, 0);
    assert!(!billfold.rebuild(&|_| ()).unwrap().changed);
}

#[test]
fn a_log_that_ends_before_what_was_folded_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    fill(folder.path(), 1);
    copy(&folder.path().join("log"), older.path());
    fill(folder.path(), 2);
    fs::remove_dir_all(folder.path().join("log")).unwrap();
    copy(older.path(), &folder.path().join("log"));
    let refused = || {
        let error = Billfold::open(folder.path()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("400") && said.contains("800") && said.contains("Restore log/"), "{said}");
        error
    };
    assert!(matches!(refused(), OpenError::FeedAhead { .. }));
    fs::rename(folder.path().join("feed"), older.path().join("feed")).unwrap();
    assert!(matches!(refused(), OpenError::LogShorter { .. }));
    fs::remove_dir_all(folder.path().join("projection")).unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    assert!(billfold.readiness().ready);
}

#[test]
fn folding_at_the_start_tells_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1);
    fs::remove_dir_all(folder.path().join("projection")).unwrap();
    let told = Arc::new((AtomicU64::new(0), Mutex::new(None)));
    let hears = Arc::clone(&told);
    let options = Options {
        on_progress: Some(Arc::new(move |progress| {
            hears.0.fetch_add(1, Ordering::Relaxed);
            *hears.1.lock().unwrap() = Some((progress.done, progress.total));
        })),
        ..Options::new(folder.path())
    };
    drop(Billfold::open_with(options).unwrap());
    assert!(told.0.load(Ordering::Relaxed) > 0);
    assert_eq!(*told.1.lock().unwrap(), Some((CUSTOMERS as u64, CUSTOMERS as u64)));
}
