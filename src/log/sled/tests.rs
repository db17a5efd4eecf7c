//! What holds for the sled log alone: its files, its order of steps, its damage.

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;

use super::*;
use crate::log::ack::Appended;
use crate::log::tests::{event, json, noise};
use crate::log::{CopyError, Digest, Provider};

fn open_log(path: &Path) -> SledLog {
    SledLog::open(path, &SledOptions::default()).unwrap()
}

fn positions(log: &SledLog, after: u64) -> Result<Vec<u64>, ReadError> {
    let records = log.read(Position::new(after), 100)?;
    Ok(records.iter().map(|record| record.position.get()).collect())
}

/// A log whose commits stop before `step` until they are let go, one by one.
struct Gated {
    log: SledLog,
    stopped: mpsc::Receiver<()>,
    go: mpsc::Sender<()>,
}

fn gated(folder: &Path, step: Step) -> Gated {
    let (report, stopped) = mpsc::channel();
    let (go, released) = mpsc::channel();
    let released = Mutex::new(released);
    let fault: Fault = Arc::new(move |now| {
        if now == step {
            report.send(()).map_err(std::io::Error::other)?;
            released.lock().unwrap().recv().map_err(std::io::Error::other)?;
        }
        Ok(())
    });
    Gated { log: SledLog::open_on(folder, fault).unwrap(), stopped, go }
}

#[test]
fn nothing_is_seen_or_acknowledged_before_the_last_sync() {
    for step in [Step::Apply, Step::Flush, Step::Sync] {
        let folder = tempfile::tempdir().unwrap();
        let Gated { log, stopped, go } = gated(folder.path(), step);
        let mut first = log.append(vec![event(1, b"a")]);
        stopped.recv().unwrap();
        // It waits behind the commit that holds its first copy.
        let mut again = log.append(vec![event(1, b"a")]);
        assert!(first.0.try_recv().is_err() && again.0.try_recv().is_err(), "{step:?}");
        assert_eq!((log.head().records, log.head().digest), (0, Digest::GENESIS));
        assert!(positions(&log, 0).unwrap().is_empty());
        if step != Step::Apply {
            // Looking up while sled holds the batch: the index knows the id already, and nobody is told.
            assert_eq!(log.find(Provider::Stripe, &event(1, b"").id).unwrap(), None);
        }
        go.send(()).unwrap();
        let position = Position::new(1);
        assert_eq!(first.wait().unwrap(), [Appended::New { position }]);
        assert_eq!(again.wait().unwrap(), [Appended::Duplicate { position, same_body: true }]);
        assert_eq!(positions(&log, 0).unwrap(), [1]);
    }
}

#[test]
fn a_full_queue_answers_at_once_and_keeps_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let Gated { log, stopped, go } = gated(folder.path(), Step::Apply);
    let held = log.append(vec![event(0, b"a")]);
    stopped.recv().unwrap();
    let many = u64::try_from(queue::QUEUE_RECORDS_MAX).unwrap();
    let taken = log.append((1..many).map(|n| event(n, b"a")).collect());
    let last = log.append(vec![event(many, b"a")]);
    let refused = log.append(vec![event(many + 1, b"a")]);
    assert!(matches!(refused.wait(), Err(AppendError::Overloaded)));
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(held.wait().unwrap().len(), 1);
    assert_eq!(taken.wait().unwrap().len(), queue::QUEUE_RECORDS_MAX - 1);
    assert_eq!(last.wait().unwrap().len(), 1);
    assert_eq!(log.head().records, many + 1);
}

#[test]
fn a_queue_is_bounded_in_bytes_but_takes_one_long_request() {
    let folder = tempfile::tempdir().unwrap();
    let Gated { log, stopped, go } = gated(folder.path(), Step::Apply);
    let held = log.append(vec![event(0, b"a")]);
    stopped.recv().unwrap();
    let body = noise(1, 8 * 1024 * 1024);
    let long = log.append((1..10).map(|n| event(n, &body)).collect());
    let refused = log.append(vec![event(20, b"a")]);
    assert!(matches!(refused.wait(), Err(AppendError::Overloaded)));
    // Each long record is a commit of its own.
    for _ in 0..10 {
        go.send(()).unwrap();
    }
    assert_eq!(held.wait().unwrap().len() + long.wait().unwrap().len(), 10);
}

#[test]
fn closing_stores_what_is_queued_first() {
    let folder = tempfile::tempdir().unwrap();
    let Gated { log, stopped, go } = gated(folder.path(), Step::Sync);
    let first = log.append(vec![event(1, b"a")]);
    stopped.recv().unwrap();
    let second = log.append(vec![event(2, b"b")]);
    go.send(()).unwrap();
    go.send(()).unwrap();
    drop(log);
    assert_eq!((first.wait().unwrap().len(), second.wait().unwrap().len()), (1, 1));
    assert_eq!(open_log(folder.path()).head().records, 2);
}

#[test]
fn a_panic_of_the_storage_poisons_like_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let fault: Fault = Arc::new(|_| panic!("as sled does at times"));
    let log = SledLog::open_on(folder.path(), fault).unwrap();
    for _ in 0..2 {
        let outcome = log.append(vec![event(1, b"a")]).wait();
        assert!(matches!(outcome, Err(AppendError::Poisoned { .. })), "{outcome:?}");
    }
    assert!(positions(&log, 0).unwrap().is_empty());
}

/// sled keeps long values in files that it never syncs.
#[test]
fn nothing_is_ever_stored_outside_the_file_that_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for _ in 0..2 {
        let log = open_log(folder.path());
        for bytes in [4 * 1024 * 1024, 195_000, 196_608, 100_000, 3_000] {
            let records = (0..if bytes > 1_000_000 { 3 } else { 24 }).map(|_| {
                number += 1;
                event(number, &noise(number, bytes))
            });
            for record in records {
                log.append(vec![record]).wait().unwrap();
            }
        }
        let blobs = std::fs::read_dir(folder.path().join("blobs")).unwrap().count();
        assert_eq!(blobs, 0, "after {number} records");
    }
}

/// Changes one byte of the first block: of its directory, or of the frame that holds a position.
fn damage(log: &SledLog, position: u64, in_directory: bool) {
    let key = store::block_key(Position::new(1), 0);
    let mut block = log.store.db.get(key).unwrap().unwrap().to_vec();
    let directory = block::Directory::read(&block).unwrap();
    let frame = directory.find(Position::new(position)).unwrap().frame.unwrap();
    let at = if in_directory { 3 } else { directory.frames[frame].stored.start + 20 };
    block[at] ^= 1;
    log.store.db.insert(key, block).unwrap();
}

#[track_caller]
fn check_corrupt<T: std::fmt::Debug>(outcome: Result<T, ReadError>, expected: u64) {
    match outcome {
        Err(ReadError::Corrupt { position, .. }) => assert_eq!(position.get(), expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn damage_is_named_and_costs_a_frame_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append((1..=20).map(|n| event(n, &json(n, 900))).collect()).wait().unwrap();
    log.append(vec![event(21, b"{}")]).wait().unwrap();
    damage(&log, 10, false);
    assert_eq!(positions(&log, 0).unwrap(), (1..=8).collect::<Vec<_>>());
    for lost in 9..=16 {
        check_corrupt(positions(&log, lost - 1), lost);
        check_corrupt(log.find(Provider::Stripe, &event(lost, b"").id), lost);
    }
    assert_eq!(positions(&log, 16).unwrap(), (17..=21).collect::<Vec<_>>());
    let findings = log.inspect(&mut |_| ()).findings;
    let named: Vec<_> = findings.told().iter().filter_map(|told| Some(told.position?.get())).collect();
    assert_eq!(named, (9..=16).collect::<Vec<_>>());
}

#[test]
fn a_damaged_directory_costs_its_block_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append((1..=3).map(|n| event(n, b"{}")).collect()).wait().unwrap();
    log.append(vec![event(4, b"{}")]).wait().unwrap();
    damage(&log, 1, true);
    for after in 0..3 {
        check_corrupt(positions(&log, after), after + 1);
    }
    assert_eq!(positions(&log, 3).unwrap(), [4]);
    check_corrupt(log.find(Provider::Stripe, &event(2, b"").id), 2);
}

#[test]
fn a_missing_chunk_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append(vec![event(1, &noise(1, 600_000))]).wait().unwrap();
    log.append(vec![event(2, b"{}")]).wait().unwrap();
    for chunk in [1, 3] {
        let key = store::block_key(Position::new(1), chunk);
        let value = log.store.db.remove(key).unwrap().unwrap();
        check_corrupt(positions(&log, 0), 1);
        let mut whole = Vec::new();
        log.inspect(&mut |record| whole.push(record.position.get()));
        assert_eq!(whole, [2], "chunk {chunk}");
        log.store.db.insert(key, value).unwrap();
    }
    assert_eq!(positions(&log, 0).unwrap(), [1, 2]);
}

#[test]
fn a_damaged_end_is_told_at_open() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append(vec![event(1, b"{}")]).wait().unwrap();
    damage(&log, 1, false);
    drop(log);
    let error = SledLog::open(folder.path(), &SledOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

/// What an inspection finds after the log was changed behind its back, in the order in which it is told.
#[track_caller]
fn check_inspection(change: impl FnOnce(&SledLog), expected: &[(u64, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    log.append((1..=5).map(|n| event(n, &json(n, 900))).collect()).wait().unwrap();
    log.append(vec![event(6, b"{}")]).wait().unwrap();
    log.append(vec![event(7, b"{}"), event(8, b"{}")]).wait().unwrap();
    change(&log);
    let mut whole = Vec::new();
    let inspection = log.inspect(&mut |record| whole.push(record.position.get()));
    let found: Vec<_> = inspection
        .findings
        .told()
        .iter()
        .map(|finding| (finding.position.map_or(0, Position::get), &*finding.what))
        .collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((position, what), (expected_position, expected)) in found.iter().zip(expected) {
        assert!(position == expected_position && what.contains(expected), "{found:?}");
    }
    assert_eq!(inspection.records_whole, whole.len() as u64);
    if expected.is_empty() {
        assert_eq!((inspection.head, whole.len(), inspection.index_entries), (log.head(), 8, 8));
    }
}

fn id_key(number: u64) -> Vec<u8> {
    store::id_key(Provider::Stripe, &event(number, b"").id)
}

#[test]
fn an_inspection_finds_every_disagreement() {
    check_inspection(|_| (), &[]);
    let frame = [1, 2, 3, 4, 5].map(|position| (position, "checksum"));
    check_inspection(|log| damage(log, 3, false), &frame);
    check_inspection(|log| damage(log, 1, true), &[(1, "directory")]);
    let remove = |key: Vec<u8>| move |log: &SledLog| drop(log.store.db.remove(key).unwrap().unwrap());
    check_inspection(remove(id_key(4)), &[(4, "not in the index")]);
    check_inspection(
        remove(store::block_key(Position::new(6), 0).to_vec()),
        &[(7, "says that 6 records"), (7, "does not follow"), (6, "it is not there")],
    );
    check_inspection(
        |log| {
            let known = log.store.db.get(id_key(2)).unwrap().unwrap();
            log.store.db.insert(id_key(20), known).unwrap();
        },
        &[(2, "not its own")],
    );
    check_inspection(
        |log| {
            let known = log.store.db.get(id_key(2)).unwrap().unwrap();
            log.store.db.insert(id_key(5), known).unwrap();
        },
        &[(5, "is at position 2"), (2, "not its own")],
    );
    check_inspection(
        |log| {
            let mut known = log.store.db.get(id_key(2)).unwrap().unwrap().to_vec();
            known[12] ^= 1;
            log.store.db.insert(id_key(2), known).unwrap();
        },
        &[(2, "another hash")],
    );
}

/// A record that was changed with its checksums and its index entry: the chain alone can tell.
#[test]
fn an_inspection_finds_a_forged_record() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [true_log, forged] = [b"{\"a\":1}", b"{\"a\":2}"].map(|body| {
        let log = open_log(folders[usize::from(body[5] == b'2')].path());
        log.append(vec![event(1, body)]).wait().unwrap();
        log.append(vec![event(2, b"{}")]).wait().unwrap();
        log
    });
    for key in [store::block_key(Position::new(1), 0).to_vec(), id_key(1)] {
        let value = forged.store.db.get(&key).unwrap().unwrap();
        true_log.store.db.insert(&key, value).unwrap();
    }
    let findings = true_log.inspect(&mut |_| ()).findings;
    let [finding] = findings.told() else { panic!("{findings:?}") };
    assert_eq!(finding.position, Some(Position::new(2)));
    assert!(finding.what.contains("does not follow"), "{}", finding.what);
}

#[test]
fn a_copy_takes_what_follows_and_nothing_else() {
    let (folder, place, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open_log(folder.path());
    log.append((1..=9).map(|n| event(n, &json(n, 900))).collect()).wait().unwrap();
    log.append(vec![event(10, &noise(10, 700_000))]).wait().unwrap();
    let page = log.read_encoded(Position::START, 100).unwrap();
    let mut copy = LogCopy::open(place.path()).unwrap();
    copy.take(&page[..4], &[]).unwrap();
    let chain = copy.take(&page[5..], &[]).unwrap_err();
    assert!(matches!(&chain, CopyError::Chain { position, .. } if position.get() == 6), "{chain}");
    let order = copy.take(&page[3..5], &[]).unwrap_err();
    assert!(matches!(order, CopyError::Order { .. }), "{order}");
    assert_eq!(copy.head().position.get(), 4, "a page is taken whole or not at all");
    copy.take(&page[4..], &[]).unwrap();
    assert_eq!(copy.head(), log.head());
    drop(copy);
    let copied = open_log(place.path());
    assert_eq!(copied.read(Position::START, 100).unwrap(), log.read(Position::START, 100).unwrap());
    assert!(copied.inspect(&mut |_| ()).findings.is_empty());

    // Where it is known that something is lost, the chain may be broken, there alone.
    let lost = [6, 9].map(|next| Lost { after: Position::new(next - 2), next: Position::new(next) });
    let mut copy = LogCopy::open(other.path()).unwrap();
    copy.take(&page[..4], &lost).unwrap();
    copy.take(&page[5..7], &lost).unwrap();
    copy.take(&page[8..], &lost).unwrap();
    let behind = Lost { after: Position::new(10), next: Position::new(21) };
    copy.end(&[behind]).unwrap();
    drop(copy);
    let copied = open_log(other.path());
    assert_eq!(copied.lost(), [lost[0], lost[1], behind]);
    assert_eq!(copied.append(vec![event(30, b"{}")]).wait().unwrap()[0].position().get(), 21);
    assert!(copied.inspect(&mut |_| ()).findings.is_empty());
    assert_eq!((copied.head().records, copied.head().position.get()), (9, 21));
}

/// sled could use a segment again whose contents it has moved since the last sync.
#[test]
fn no_commit_writes_more_than_a_sync_can_vouch_for() {
    let folder = tempfile::tempdir().unwrap();
    let syncs = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&syncs);
    let fault: Fault = Arc::new(move |step| {
        *counted.lock().unwrap() += u32::from(step == Step::Sync);
        Ok(())
    });
    let log = SledLog::open_on(folder.path(), fault).unwrap();
    let records: Vec<_> = (1..=60).map(|number| event(number, &noise(number, 190_000))).collect();
    let outcomes = log.append(records).wait().unwrap();
    assert!(outcomes.iter().zip(1..).all(|(outcome, number)| outcome.position().get() == number));
    assert_eq!(*syncs.lock().unwrap(), 3, "11 MB, 4 MiB each");
    assert!(log.inspect(&mut |_| ()).findings.is_empty());
}
