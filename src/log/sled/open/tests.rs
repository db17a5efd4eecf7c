use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::log::tests::event;
use crate::log::{EventLog, SledLog};

fn folder() -> (TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("data").join("log");
    (outer, path)
}

fn open_log(path: &Path) -> Result<SledLog, OpenError> {
    SledLog::open(path, &SledOptions::default())
}

#[test]
fn folders_are_created_for_this_user_alone() {
    let (outer, path) = folder();
    open_log(&path).unwrap();
    for path in [outer.path().join("data"), path] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn a_second_process_is_told_about_the_first() {
    let (_outer, path) = folder();
    let first = open_log(&path).unwrap();
    let error = open_log(&path).unwrap_err();
    assert!(matches!(&error, OpenError::Locked { path: told } if *told == path), "{error:?}");
    assert!(error.to_string().contains("--url"), "{error}");
    drop(first);
    open_log(&path).unwrap();
}

#[test]
fn a_newer_layout_asks_for_an_upgrade() {
    let (_outer, path) = folder();
    drop(open_log(&path).unwrap());
    std::fs::write(path.join(LAYOUT_FILE), "billfold log 3\n").unwrap();
    let error = open_log(&path).unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { version: 3, .. }), "{error:?}");
}

/// Works on the database of a closed log, and waits until it is free again.
fn behind_its_back<T>(path: &Path, work: impl FnOnce(&Db) -> T) -> T {
    let config = sled::Config::new().path(path).segment_size(SEGMENT_BYTES).flush_every_ms(None);
    let (db, file) = (config.open().unwrap(), SledFile::open(path).unwrap());
    let done = work(&db);
    drop(db);
    drop(file);
    done
}

/// Its file comes last: a newer binary may have been stopped between the two.
#[test]
fn a_newer_layout_in_the_database_alone_is_left_as_it_is() {
    let (_outer, path) = folder();
    drop(open_log(&path).unwrap());
    let put = |marked: &[u8]| {
        behind_its_back(&path, |db| drop(db.insert(LAYOUT_KEY, marked).unwrap()));
    };
    let kept = || behind_its_back(&path, |db| db.get(LAYOUT_KEY).unwrap().unwrap());
    for (marked, is_newer) in [(&[0, 0, 0, 3][..], true), (&[0, 0, 0, 0], false), (b"2", false)] {
        put(marked);
        let error = open_log(&path).unwrap_err();
        assert_eq!(matches!(error, OpenError::NewerFormat { version: 3, .. }), is_newer, "{error:?}");
        assert_eq!(matches!(error, OpenError::Damaged { .. }), !is_newer, "{error:?}");
        assert_eq!(*kept(), *marked);
    }
    put(&1_u32.to_be_bytes());
    drop(open_log(&path).unwrap());
    assert_eq!(*kept(), LAYOUT.to_be_bytes());
}

#[test]
fn what_is_no_log_is_left_alone() {
    for words in ["", "billfold log", "billfold log 0\n", "billfold log one\n", "something else"] {
        let (_outer, path) = folder();
        drop(open_log(&path).unwrap());
        std::fs::write(path.join(LAYOUT_FILE), words).unwrap();
        let error = open_log(&path).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{words:?}: {error:?}");
    }
    let (_outer, path) = folder();
    storage::create(&path).unwrap();
    sled::Config::new()
        .path(&path)
        .segment_size(SEGMENT_BYTES)
        .open()
        .unwrap()
        .insert("some", "thing")
        .unwrap();
    let error = open_log(&path).unwrap_err();
    assert!(matches!(&error, OpenError::Damaged { reason, .. } if reason.contains("not a log")), "{error:?}");
}

#[test]
fn a_log_that_was_never_finished_is_finished() {
    let (_outer, path) = folder();
    drop(open_log(&path).unwrap());
    std::fs::remove_file(path.join(LAYOUT_FILE)).unwrap();
    drop(open_log(&path).unwrap());
    assert_eq!(std::fs::read_to_string(path.join(LAYOUT_FILE)).unwrap(), format!("{LAYOUT_WORDS}{LAYOUT}\n"));
}

/// A disk that was full for a moment left half of sled's settings in a new folder, and nothing would start there again.
#[test]
fn half_of_a_log_is_never_in_its_place() {
    let (_outer, path) = folder();
    let unfinished = storage::beside(&path);
    storage::create(&unfinished).unwrap();
    std::fs::write(unfinished.join("conf"), "segment_size: 16777216\nuse_compr").unwrap();
    std::fs::write(unfinished.join("db"), "").unwrap();
    drop(open_log(&path).unwrap());
    assert!(!unfinished.exists());
    // Somebody else is making it at this moment.
    let (_outer, path) = folder();
    let unfinished = storage::beside(&path);
    drop(open_log(&unfinished).unwrap());
    let other = File::open(unfinished.join("db")).unwrap();
    other.lock().unwrap();
    let error = open_log(&path).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    drop(other);
    open_log(&path).unwrap();
}

#[test]
fn a_log_that_lost_its_records_is_not_taken_for_a_new_one() {
    let (_outer, path) = folder();
    drop(open_log(&path).unwrap());
    for name in ["db", "conf"] {
        std::fs::remove_file(path.join(name)).unwrap();
    }
    for entry in std::fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("snap") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let error = open_log(&path).unwrap_err();
    assert!(matches!(&error, OpenError::Damaged { reason, .. } if reason.contains("gone")), "{error:?}");
}

/// The names of sled's snapshots, finished or not.
fn snapshots(path: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("snap.")).collect()
}

/// sled writes a snapshot over what a killed process left of one, and leaves the rest of a longer one behind it.
#[test]
fn what_a_killed_process_left_of_a_snapshot_harms_nobody() {
    let (_outer, path) = folder();
    let log = open_log(&path).unwrap();
    log.append(vec![event(1, b"{}")]).wait().unwrap();
    drop(log);
    let saved: Vec<_> = ["db", "conf"].map(|name| std::fs::read(path.join(name)).unwrap()).into();
    drop(open_log(&path).unwrap());
    let made = snapshots(&path).pop().unwrap();
    // Once more from the same bytes, this time after somebody who was killed meanwhile.
    std::fs::remove_file(path.join(&made)).unwrap();
    std::fs::write(path.join("db"), &saved[0]).unwrap();
    std::fs::write(path.join("conf"), &saved[1]).unwrap();
    std::fs::write(path.join(format!("{made}.generating")), [0xA5; 10_000]).unwrap();
    for _ in 0..2 {
        let log = open_log(&path).unwrap();
        assert_eq!(log.head().records, 1);
    }
    assert_eq!(snapshots(&path), [made]);
}

#[test]
fn files_that_make_no_sense_are_named_as_damage() {
    #[track_caller]
    fn check(name: &str) {
        let (_outer, path) = folder();
        let log = open_log(&path).unwrap();
        log.append(vec![event(1, b"{}")]).wait().unwrap();
        drop(log);
        // So that there is a snapshot of what was appended.
        drop(open_log(&path).unwrap());
        let files = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let mut files = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(name));
        let file = files.next().unwrap();
        let bytes = std::fs::metadata(&file).unwrap().len();
        std::fs::write(&file, vec![0xA5; usize::try_from(bytes).unwrap()]).unwrap();
        let error = open_log(&path).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{name}: {error:?}");
    }
    check("db");
    check("conf");
    check("snap.");
    check("layout");
}

#[test]
fn refusals_of_the_disk_are_told_apart() {
    #[track_caller]
    fn check(kind: ErrorKind, expected: &str) {
        let error = refused(Path::new("/data/log"), &io::Error::new(kind, "as the disk says"));
        assert!(error.to_string().contains(expected), "{error}");
    }
    check(ErrorKind::PermissionDenied, "write access");
    check(ErrorKind::ReadOnlyFilesystem, "write access");
    check(ErrorKind::StorageFull, "make room");
    check(ErrorKind::QuotaExceeded, "make room");
    check(ErrorKind::Other, "as the disk says");
}

#[test]
fn a_file_in_the_way_is_an_error() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("log")] {
        let error = open_log(&path).unwrap_err();
        assert!(matches!(error, OpenError::Storage { .. }), "{error:?}");
    }
}

/// The files of a log that somebody has open, as a kill leaves them.
fn killed(path: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn last_byte(path: &Path) -> usize {
    std::fs::read(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap()
}

#[test]
fn a_torn_end_that_nobody_was_promised_is_no_alarm() {
    let (outer, path) = folder();
    let log = open_log(&path).unwrap();
    log.append((1..=5).map(|n| event(n, b"{}")).collect()).wait().unwrap();
    let before = outer.path().join("before");
    killed(&path, &before);
    log.append(vec![event(6, b"{}"), event(7, b"{}")]).wait().unwrap();
    let end = last_byte(&before.join("db"));
    let whole = std::fs::read(path.join("db")).unwrap();
    let last = last_byte(&path.join("db"));
    // As a cut during the second commit leaves it: some of its bytes are there, and the mark does not know of it.
    for torn in [end + 1, end + 40, last - 3, last] {
        let place = outer.path().join(format!("torn-{torn}"));
        killed(&before, &place);
        let mut bytes = whole.clone();
        bytes[torn..=last].fill(0);
        std::fs::write(place.join("db"), bytes).unwrap();
        let log = open_log(&place).unwrap();
        assert_eq!(log.head().records, 5, "torn at {torn}");
        log.append(vec![event(8, b"{}")]).wait().unwrap();
        drop(log);
        assert_eq!(open_log(&place).unwrap().head().records, 6, "torn at {torn}");
    }
}

#[test]
fn a_file_from_before_is_not_taken_for_the_newest() {
    let (outer, path) = folder();
    let log = open_log(&path).unwrap();
    log.append(vec![event(1, b"{}")]).wait().unwrap();
    let before = outer.path().join("before");
    killed(&path, &before);
    log.append(vec![event(2, b"{}"), event(3, b"{}")]).wait().unwrap();
    drop(log);
    std::fs::copy(before.join("db"), path.join("db")).unwrap();
    let damaged = std::fs::read(path.join("db")).unwrap();
    for _ in 0..2 {
        let error = open_log(&path).unwrap_err();
        let OpenError::RecordsLost { found, known, .. } = &error else { panic!("{error:?}") };
        assert_eq!((found.get(), known.get()), (1, 3));
        assert!(error.to_string().contains("billfold repair"), "{error}");
        assert!(std::fs::read(path.join("db")).unwrap() == damaged, "a refused log is left as it is");
    }
    // Without its mark nobody knows of more.
    std::fs::remove_file(path.join("mark")).unwrap();
    assert_eq!(open_log(&path).unwrap().head().records, 1);
    assert_eq!(Mark::read(&path).unwrap().unwrap().position.get(), 1);
}

#[test]
fn a_snapshot_that_was_never_finished_does_not_stop_the_start() {
    let (_outer, path) = folder();
    let log = open_log(&path).unwrap();
    log.append(vec![event(1, b"{}")]).wait().unwrap();
    drop(log);
    let unfinished = path.join("snap.00000000000FFFFF.generating");
    std::fs::write(&unfinished, b"half").unwrap();
    assert_eq!(open_log(&path).unwrap().head().records, 1);
    assert!(!unfinished.exists());
}

#[test]
fn a_log_that_was_closed_in_order_is_whole() {
    let (_outer, path) = folder();
    let mut number = 0;
    for session in 0..4 {
        let log = open_log(&path).unwrap();
        for _ in 0..40 {
            let records = (0..100).map(|_| {
                number += 1;
                event(number, &crate::log::tests::noise(number, 10_000))
            });
            log.append(records.collect()).wait().unwrap();
        }
        drop(log);
        let mark = Mark::read(&path).unwrap();
        assert_eq!(tail::look(&path, mark.as_ref()).unwrap(), Look::Whole, "session {session}");
    }
}
