//! Rebuilding: beside live traffic, broken off at any moment, and compared before anything changes.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use billfold::engine::{Billfold, Differences, Options, RebuildError, ScopeFilter, Shadow};
use billfold::model::id::ObjectId;
use serde_json::json;

use crate::support::{NOW, ingest, signed};

fn subscription(number: usize, status: &str) -> String {
    json!({
        "id": format!("evt_{number}_{status}"), "object": "event", "type": "customer.subscription.created",
        "created": 1_767_225_600, "livemode": false, "api_version": "2025-03-31.basil",
        "data": { "object": {
            "id": format!("sub_{number}"), "object": "subscription", "customer": format!("cus_{number}"),
            "status": status,
        } },
    })
    .to_string()
}

pub(crate) fn fill(folder: &Path, count: usize) -> Vec<String> {
    let bodies: Vec<String> = (0..count).map(|number| subscription(number, "active")).collect();
    ingest(&Billfold::open(folder).unwrap(), &bodies);
    bodies
}

/// The projection's own database, to put something wrong into it.
fn database(folder: &Path) -> sled::Db {
    let config = sled::Config::new().path(folder.join("projection")).segment_size(16 << 20);
    // sled gives its lock back a moment after the last handle is gone.
    let opened = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        config.open().ok()
    });
    opened.unwrap()
}

/// Says in the projection's lists that a subscription has another status, as a version that folds otherwise would.
pub(crate) fn falsify(folder: &Path, subscription: &str, status: &str) {
    let database = database(folder);
    let rows = database.open_tree("state").unwrap();
    let mut listed = rows.scan_prefix(b"j").keys().map(Result::unwrap);
    let is_it = |key: &sled::IVec| key.ends_with(&[subscription.as_bytes(), &[0]].concat());
    let key = listed.rfind(is_it).unwrap();
    rows.remove(&key).unwrap();
    let text = b"active\0";
    let at = key.windows(text.len()).position(|window| window == text).unwrap();
    let changed = [&key[..at], status.as_bytes(), &[0], &key[at + text.len()..]].concat();
    rows.insert(changed, &[]).unwrap();
}

/// Takes a subscription out of the projection.
fn forget(folder: &Path, subscription: &str) {
    let database = database(folder);
    let rows = database.open_tree("state").unwrap();
    let id = [subscription.as_bytes(), &[0]].concat();
    for key in rows.iter().keys().map(Result::unwrap).collect::<Vec<_>>() {
        if key.windows(id.len()).any(|window| window == id) {
            rows.remove(key).unwrap();
        }
    }
}

fn differences(folder: &Path) -> Option<Differences> {
    let mut shadow = Shadow::open(Options::new(folder)).unwrap();
    shadow.fold(&|_| ()).unwrap();
    let differences = shadow.differences(NOW.seconds()).unwrap();
    shadow.discard();
    differences
}

#[test]
fn live_traffic_is_shown_while_the_log_is_folded_anew() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 50);
    let billfold = Billfold::open(folder.path()).unwrap();
    let (told, shown) = (AtomicU64::new(0), AtomicU64::new(0));
    let rebuilt = billfold.rebuild(&|_| {
        if told.fetch_add(1, Ordering::Relaxed) == 0 {
            let late = billfold.ingest_blocking(vec![signed(&subscription(99, "active"))]).unwrap();
            shown.fetch_add(u64::from(late[0].shown), Ordering::Relaxed);
        }
    });
    let rebuilt = rebuilt.unwrap();
    assert_eq!(shown.into_inner(), 1, "it was shown at once, by the old projection");
    assert_eq!((rebuilt.records, rebuilt.changed), (51, false), "and the new one has it too");
    assert_eq!(rebuilt.digest, billfold.projection_digest().unwrap());
    let answer =
        billfold.access(&ObjectId::parse("cus_99").unwrap(), &ScopeFilter::default(), NOW.seconds()).unwrap();
    assert!(answer.is_some_and(|answer| answer.access.decision.grants()));
}

#[test]
fn a_rebuild_that_is_broken_off_leaves_the_old_state() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 20);
    let place = |name: &str| folder.path().join(name);
    // Between its two steps, while it folds, and after the swap.
    for (old_is_aside, new_is_half) in [(true, true), (false, true), (false, false)] {
        if old_is_aside {
            fs::rename(place("projection"), place("projection.old")).unwrap();
        } else {
            fs::create_dir_all(place("projection.old")).unwrap();
        }
        if new_is_half {
            fs::create_dir_all(place("projection.rebuild")).unwrap();
            fs::write(place("projection.rebuild").join("db"), "half").unwrap();
        }
        let done = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&done);
        let options = Options {
            on_progress: Some(Arc::new(move |progress| counted.store(progress.done, Ordering::Relaxed))),
            ..Options::new(folder.path())
        };
        let billfold = Billfold::open_with(options).unwrap();
        assert_eq!(done.load(Ordering::Relaxed), 0, "nothing had to be folded again");
        assert!(!place("projection.old").exists() && !place("projection.rebuild").exists());
        assert!(!billfold.rebuild(&|_| ()).unwrap().changed);
    }
}

#[test]
fn a_comparison_names_who_would_change_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 20);
    assert!(differences(folder.path()).unwrap().is_empty());
    falsify(folder.path(), "sub_7", "canceled");
    for _ in 0..2 {
        let found = differences(folder.path()).unwrap();
        assert_eq!((found.rows, found.statuses.len(), found.cut), (2, 1, false));
        let change = &found.statuses[0];
        assert_eq!(
            (change.id.as_str(), change.from.as_deref(), change.to.as_deref()),
            ("sub_7", Some("canceled"), Some("active")),
            "the old state stays as long as nobody swaps"
        );
    }
    let mut shadow = Shadow::open(Options::new(folder.path())).unwrap();
    shadow.fold(&|_| ()).unwrap();
    assert!(shadow.swap(&|_| ()).unwrap().changed);
    assert!(differences(folder.path()).unwrap().is_empty());
}

#[test]
fn a_comparison_names_whose_access_would_change() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 20);
    forget(folder.path(), "sub_7");
    let found = differences(folder.path()).unwrap();
    let [change] = &found.access[..] else { panic!("{found:?}") };
    assert_eq!(change.customer.as_str(), "cus_7");
    assert!(change.from.is_none() && change.to.as_ref().is_some_and(|access| access.decision.grants()));
    let [status] = &found.statuses[..] else { panic!("{found:?}") };
    assert_eq!((status.from.as_deref(), status.to.as_deref()), (None, Some("active")));
}

#[test]
fn what_another_version_folded_is_compared_by_status_and_stays_until_the_swap() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 20);
    falsify(folder.path(), "sub_7", "past_due");
    let database = database(folder.path());
    let mut stamp = database.get("stamp").unwrap().unwrap().to_vec();
    stamp[0] -= 1;
    database.insert("stamp", stamp).unwrap();
    drop(database);
    for _ in 0..2 {
        let found = differences(folder.path()).unwrap();
        assert!(!found.access_compared && found.access.is_empty());
        assert_eq!(found.statuses.len(), 1);
    }
    let billfold = Billfold::open(folder.path()).unwrap();
    assert!(billfold.readiness().ready, "whoever does not ask gets the new state at the next start");
    drop(billfold);
    let found = differences(folder.path()).unwrap();
    assert!(found.is_empty() && found.access_compared);
}

#[test]
fn what_came_after_the_old_state_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 20);
    let kept = tempfile::tempdir().unwrap();
    let moved = kept.path().join("projection");
    crate::recovery::copy(&folder.path().join("projection"), &moved);
    ingest(&Billfold::open(folder.path()).unwrap(), &[subscription(20, "active")]);
    fs::remove_dir_all(folder.path().join("projection")).unwrap();
    fs::rename(moved, folder.path().join("projection")).unwrap();
    assert!(differences(folder.path()).unwrap().is_empty());
    let mut shadow = Shadow::open(Options::new(folder.path())).unwrap();
    shadow.fold(&|_| ()).unwrap();
    let rebuilt = shadow.swap(&|_| ()).unwrap();
    assert_eq!((rebuilt.records, rebuilt.changed), (21, false));
    assert_eq!(Billfold::open(folder.path()).unwrap().projection_digest().unwrap(), rebuilt.digest);
}

#[test]
fn without_an_old_state_there_is_nothing_to_compare_with() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 3);
    fs::remove_dir_all(folder.path().join("projection")).unwrap();
    assert!(differences(folder.path()).is_none());
}

#[test]
fn a_live_rebuild_that_is_stopped_while_it_folds_leaves_the_old_state() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 10);
    falsify(folder.path(), "sub_3", "unpaid");
    let billfold = Billfold::open(folder.path()).unwrap();
    let before = billfold.projection_digest().unwrap();
    let mut shadow = billfold.live_shadow().unwrap();
    assert!(matches!(billfold.live_shadow(), Err(RebuildError::UnderWay)));
    assert!(matches!(shadow.fold(&|_| ControlFlow::Break(())), Err(RebuildError::Stopped)));
    drop(shadow);
    assert_eq!(billfold.projection_digest().unwrap(), before);
    let rebuilt = billfold.rebuild(&|_| ()).unwrap();
    assert_eq!((rebuilt.records, rebuilt.changed), (10, true));
}
