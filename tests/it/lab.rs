//! Whole lives of the lab, delivered in every kind of order: true, flagged or both, and the same bytes.
//!
//! `BILLFOLD_LIVES` plays more of them.

use std::collections::BTreeSet;

use billfold::engine::{Billfold, ScopeFilter};
use billfold::lab::check::{self, FaultKind, Verdict};
use billfold::lab::delivery::{Order, Plan};
use billfold::lab::world::{Life, Setting};
use tempfile::TempDir;

use crate::support::{Seed, ingest};

/// The run of `cargo test`.
const SEED: u64 = 20_260_101;
/// Where folders live in memory, on systems that have it: power cuts are tried elsewhere.
const MEMORY: &str = "/dev/shm";

/// Lives by `BILLFOLD_LIVES`, never fewer than `least`.
fn lives(least: u64) -> u64 {
    let asked = std::env::var_os("BILLFOLD_LIVES").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(0).max(least)
}

#[track_caller]
fn assert_holds(verdict: &Verdict) {
    for fault in &verdict.examples {
        eprintln!("{fault}");
    }
    assert!(verdict.holds(), "{:?}", verdict.faults);
}

#[test]
fn lives_end_true_or_flagged_in_any_order() {
    let mut verdict = Verdict::default();
    for number in 0..lives(350) {
        verdict.absorb(check::check(check::seed_of(SEED, number), &Setting::default(), Order::ALL.len()));
    }
    assert_holds(&verdict);
    // Flags are rare, and hardly any is in vain.
    assert!(verdict.flagged * 200 < verdict.objects, "{verdict:?}");
    assert!(verdict.count(FaultKind::FlaggedInVain) * 2_000 < verdict.objects, "{verdict:?}");
}

fn open() -> (TempDir, Billfold) {
    let folder = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    (folder, billfold)
}

/// The bodies as a plan delivers them, the number of endpoints that wait differing.
fn bodies(life: &Life, plan: &Plan) -> Vec<String> {
    plan.arrivals.iter().map(|arrival| life.events[arrival.event].body(arrival.pending)).collect()
}

/// Every object is as the lab knows it to be, or flagged; and there are no others.
#[track_caller]
fn assert_truth(billfold: &Billfold, life: &Life, order: Order) {
    let truth = life.truth();
    for (key, truth) in &truth {
        let place = format!("life {}, {order}: {:?} {}", life.seed, key.kind, key.id);
        let shown = billfold.object(key.kind, &key.id, &ScopeFilter::default()).unwrap();
        let object = shown.unwrap_or_else(|| panic!("{place} is missing")).object;
        assert_eq!(&object.key, key);
        if !object.ambiguous() {
            assert_eq!(object.status(), truth.status.as_deref(), "{place}");
            assert_eq!(Some(object.current()), truth.snapshot(life), "{place}");
        }
        assert!(!object.created_inversion() && !object.contradictory(), "{place}");
    }
}

/// Delivers a life with a restart after every so many deliveries; gives the digest of the state.
fn deliver(life: &Life, plan: &Plan, restarts: usize) -> [u8; 32] {
    let (folder, billfold) = open();
    let bodies = bodies(life, plan);
    let (mut billfold, mut seed) = (Some(billfold), Seed::new(plan.seed));
    let mut borders: BTreeSet<usize> = (0..restarts).map(|_| seed.below(bodies.len().max(1))).collect();
    borders.insert(bodies.len());
    let mut from = 0;
    for border in borders {
        drop(billfold.take());
        let reopened = Billfold::open(folder.path()).unwrap();
        ingest(&reopened, &bodies[from..border]);
        billfold = Some(reopened);
        from = border;
    }
    let billfold = billfold.unwrap();
    assert_truth(&billfold, life, plan.order);
    billfold.projection_digest().unwrap()
}

#[test]
fn the_folder_holds_the_truth_whatever_the_order_and_the_restarts() {
    for number in 0..lives(350) / 70 {
        let life = Life::play(check::seed_of(SEED, number), &Setting::default());
        let mut digests = BTreeSet::new();
        for (order, restarts) in (0..Order::ALL.len()).zip([0, 1, 3, 0, 2, 1]) {
            digests.insert(deliver(&life, &Plan::of(&life.events, life.seed, order), restarts));
        }
        assert_eq!(digests.len(), 1, "life {}: orders differ", life.seed);
    }
}

#[test]
fn connections_side_by_side_give_the_same_bytes() {
    for number in 0..lives(350) / 175 {
        let life = Life::play(check::seed_of(SEED, number), &Setting::default());
        let plan = Plan::ordered(&life.events, 1, Order::Happened);
        let expected = deliver(&life, &plan, 0);
        let (_folder, billfold) = open();
        let bodies = bodies(&life, &Plan::ordered(&life.events, 2, Order::Uniform));
        std::thread::scope(|scope| {
            for share in bodies.chunks(bodies.len().div_ceil(4)) {
                let billfold = &billfold;
                scope.spawn(move || {
                    for body in share {
                        ingest(billfold, std::slice::from_ref(body));
                    }
                });
            }
        });
        assert_eq!(billfold.projection_digest().unwrap(), expected, "life {}", life.seed);
    }
}
