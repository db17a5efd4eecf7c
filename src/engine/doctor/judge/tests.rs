//! Every check, well and not.

use std::collections::BTreeMap;

use super::*;
use crate::engine::doctor::Recent;
use crate::engine::{FeedCursor, Readiness, Stats, WindowCounts};
use crate::log::{Digest, Head, Position};
use crate::projection::TypeCount;
use crate::stripe::doctor::Level;

const NOW: Millis = Millis(1_767_225_600_000);

fn facts() -> Facts {
    let at = Position::new(9);
    Facts {
        disk: Ok(Disk { mode: 0o700, is_ours: true, free_bytes: Some(8 << 30) }),
        readiness: Readiness { ready: true, reasons: Vec::new(), applied: at, head: at },
        stats: Stats {
            head: Head { position: at, digest: Digest::GENESIS, records: 9 },
            applied: at,
            lag: 0,
            window: WindowCounts { accepted: 9, ..WindowCounts::default() },
            by_type: Vec::new(),
            conflicts: 0,
            objects: BTreeMap::new(),
            ambiguous: 0,
            created_inversions: 0,
            contradictory: 0,
            projection_bytes: 0,
            newest_received_at: Some(NOW),
            scopes: Vec::new(),
            feed_head: 9,
            feed_through: at,
            feed_bytes: 0,
            feed_cursors: vec![FeedCursor { name: "mail".into(), after: 0, lag: 9 }],
        },
        lost: 0,
        recent: Recent {
            records: 9,
            from: Some(NOW),
            labels: BTreeMap::from([("a".into(), NOW)]),
            versions: BTreeMap::from([("2025-03-31.basil".into(), 9)]),
            delays: vec![1, 2, 0],
        },
    }
}

fn known() -> Surroundings {
    Surroundings { labels: Some(vec!["a".into()]), silence: None }
}

#[track_caller]
fn judged(change: impl FnOnce(&mut Facts, &mut Surroundings), expected: &[(&str, Level)]) {
    let (mut facts, mut surroundings) = (facts(), known());
    change(&mut facts, &mut surroundings);
    let findings = all(&facts, &surroundings, NOW);
    let found: Vec<(&str, Level)> = findings
        .iter()
        .filter(|finding| finding.level > Level::Ok)
        .map(|finding| (finding.check, finding.level))
        .collect();
    assert_eq!(found, expected, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.level == Level::Ok || finding.help.is_some()));
}

fn counted(name: &str, outcome: FoldOutcome, count: u64) -> TypeCount {
    TypeCount { event_type: name.into(), outcome, count }
}

use Level::{Note, Problem};

#[test]
fn a_folder_that_is_well() {
    judged(|_, _| (), &[]);
    judged(|_, known| known.labels = None, &[]);
    judged(|_, known| known.silence = Some(60), &[]);
}

#[test]
fn the_folder_and_the_disk() {
    judged(|facts, _| facts.disk = Err("denied".into()), &[("folder", Problem)]);
    let with = |disk: Disk| move |facts: &mut Facts, _: &mut Surroundings| facts.disk = Ok(disk);
    let disk = Disk { mode: 0o700, is_ours: true, free_bytes: Some(8 << 30) };
    judged(with(Disk { mode: 0o750, ..disk.clone() }), &[("permissions", Problem)]);
    judged(with(Disk { mode: 0o701, ..disk.clone() }), &[("permissions", Problem)]);
    judged(with(Disk { is_ours: false, ..disk.clone() }), &[("permissions", Problem)]);
    judged(with(Disk { free_bytes: Some(200 << 20), ..disk.clone() }), &[("space", Problem)]);
    judged(with(Disk { free_bytes: Some(900 << 20), ..disk.clone() }), &[("space", Note)]);
    judged(with(Disk { free_bytes: None, ..disk }), &[("space", Note)]);
}

#[test]
fn the_log_and_the_fold() {
    judged(
        |facts, _| {
            facts.readiness.ready = false;
            facts.readiness.reasons = vec!["the log refuses to append".into()];
        },
        &[("ready", Problem)],
    );
    judged(|facts, _| facts.lost = 1, &[("ready", Note)]);
    judged(|facts, _| facts.stats.conflicts = 1, &[("unread", Note)]);
    for outcome in [FoldOutcome::Unreadable, FoldOutcome::Quarantined, FoldOutcome::Thin] {
        judged(|facts, _| facts.stats.by_type = vec![counted("a.b", outcome, 1)], &[("unread", Note)]);
    }
    judged(|facts, _| facts.stats.feed_cursors[0].lag = 10_000, &[("cursors", Note)]);
}

#[test]
fn clocks_and_silence() {
    let newest = |seconds: i64| Some(Millis(NOW.0 + seconds * 1_000));
    judged(|facts, _| facts.stats.newest_received_at = newest(61), &[("clock", Problem)]);
    judged(|facts, _| facts.recent.delays = vec![-61], &[("clock", Problem)]);
    judged(|facts, _| facts.recent.delays = vec![-60], &[]);
    judged(|facts, _| facts.recent.delays.clear(), &[]);
    judged(|facts, _| facts.stats.newest_received_at = None, &[("silence", Note)]);
    judged(|facts, _| facts.stats.newest_received_at = newest(-8 * 86_400), &[("silence", Note)]);
    judged(
        |facts, known| (facts.stats.newest_received_at, known.silence) = (newest(-61), Some(60)),
        &[("silence", Problem)],
    );
    judged(
        |facts, known| {
            (facts.stats.newest_received_at, known.silence) = (newest(-8 * 86_400), Some(9 * 86_400));
        },
        &[],
    );
    judged(|facts, _| facts.recent.delays = vec![RESENT_SECONDS + 1], &[("late", Note)]);
}

#[test]
fn what_comes_in() {
    judged(|facts, _| facts.stats.window.refused = 1, &[("refused", Note)]);
    judged(|facts, _| facts.stats.window.unexpected = 1, &[("refused", Note)]);
    judged(
        |facts, _| (facts.stats.window.refused, facts.stats.window.accepted) = (1, 0),
        &[("refused", Problem)],
    );
    judged(|facts, _| facts.recent.versions.extend([("2026-01-28.clover".into(), 1)]), &[("versions", Note)]);
    judged(|_, known| known.labels = Some(vec!["a".into(), "b".into()]), &[("secrets", Note)]);
    judged(|_, known| known.labels = Some(vec!["b".into()]), &[("secrets", Note), ("secrets", Note)]);
}

#[test]
fn types_that_never_came() {
    let subscriptions = |created: u64, updated: u64| {
        let rows =
            [("created", created), ("updated", updated), ("deleted", 1), ("paused", 1), ("resumed", 1)];
        let rows = rows.into_iter().filter(|(_, count)| *count > 0);
        rows.map(|(name, count)| {
            counted(&format!("customer.subscription.{name}"), FoldOutcome::Folded, count)
        })
        .collect::<Vec<_>>()
    };
    judged(|facts, _| facts.stats.by_type = subscriptions(20, 20), &[]);
    judged(|facts, _| facts.stats.by_type = subscriptions(20, 0), &[("types", Note)]);
    judged(|facts, _| facts.stats.by_type = subscriptions(5, 0), &[]);
    let paid = |name: &str| vec![counted(name, FoldOutcome::Folded, 20)];
    let whole = |types: &[&str]| types.iter().flat_map(|name| paid(name)).collect::<Vec<_>>();
    let invoices = ["invoice.created", "invoice.finalized", "invoice.paid", "invoice.updated"];
    judged(|facts, _| facts.stats.by_type = whole(&invoices), &[("types", Note)]);
    judged(
        |facts, _| {
            facts.stats.by_type = whole(&invoices);
            facts.recent.versions = BTreeMap::from([("2024-06-20".into(), 9)]);
        },
        &[],
    );
    judged(|facts, _| facts.stats.by_type = paid("payment_intent.succeeded"), &[("types", Note)]);
    judged(
        |facts, _| facts.stats.by_type = vec![counted("charge.succeeded", FoldOutcome::Folded, 2_000)],
        &[("types", Note)],
    );
    assert!(
        USUAL.iter().chain(BESIDE.iter().flat_map(|(one, of)| [one, of])).all(|name| NEEDED.contains(name))
    );
    let mut facts = facts();
    facts.stats.by_type = subscriptions(20, 0);
    let found = types(&facts).what;
    assert!(found.ends_with(": customer.subscription.updated"), "{found}");
}
