//! Random lives with the truth known: how often the fold is right, and how often it is wrong without saying so.

use super::*;
use crate::model::event_type::EventType;
use crate::model::testing::Dice;

const LIVES: usize = 20_000;

/// One life: its entries, and the content at its end.
struct Life {
    kind: ObjectKind,
    entries: Vec<Entry>,
    end: Fingerprint,
}

#[derive(Debug, Default, PartialEq)]
struct Score {
    right: usize,
    right_but_flagged: usize,
    flagged: usize,
    silently_wrong: usize,
}

/// A state of three small fields as a content.
fn state(fields: [u8; 3]) -> Fingerprint {
    let mut bytes = [0; 16];
    bytes[..3].copy_from_slice(&fields);
    Fingerprint(bytes)
}

fn push(
    dice: &mut Dice,
    entries: &mut Vec<Entry>,
    ty: &str,
    second: i64,
    before: Option<[u8; 3]>,
    after: [u8; 3],
) {
    let mut entry = entry(&dice.id(), ty, if ty.starts_with("invoice") { "open" } else { "active" }, 'x');
    (entry.created, entry.before, entry.after) = (Seconds(second), before.map(state), state(after));
    entries.push(entry);
}

/// Changes that all say what was before; two thirds share the second of the one before.
fn all_tell(dice: &mut Dice, changes: usize) -> Life {
    let sizes = [3, 2, 2];
    let mut now = sizes.map(|size| u8::try_from(dice.roll(size)).unwrap());
    let (mut entries, mut second) = (Vec::new(), 0);
    push(dice, &mut entries, "customer.subscription.created", 0, None, now);
    for _ in 0..changes {
        second += i64::from(dice.roll(3) == 0);
        let (before, field) = (now, dice.roll(3));
        let shift = 1 + dice.roll(sizes[field] - 1);
        now[field] = u8::try_from((usize::from(now[field]) + shift) % sizes[field]).unwrap();
        push(dice, &mut entries, SUB, second, Some(before), now);
    }
    Life { kind: ObjectKind::Subscription, entries, end: state(now) }
}

/// As above, but some changes do not say what was before them.
fn some_tell(dice: &mut Dice, changes: usize, silent_percent: usize) -> Life {
    let mut now = [0_u8; 3];
    let (mut entries, mut second) = (Vec::new(), 0);
    push(dice, &mut entries, "invoice.created", 0, None, now);
    for _ in 0..changes {
        second += i64::from(dice.roll(3) == 0);
        let before = now;
        if dice.chance(silent_percent) {
            now[2] += 1;
            push(dice, &mut entries, "invoice.payment_failed", second, None, now);
        } else {
            let (field, shift) = (dice.roll(2), 1 + dice.roll(2));
            now[field] = u8::try_from((usize::from(now[field]) + shift) % 3).unwrap();
            push(dice, &mut entries, "invoice.updated", second, Some(before), now);
        }
    }
    Life { kind: ObjectKind::Invoice, entries, end: state(now) }
}

fn folded(kind: ObjectKind, entries: &[Entry]) -> Carry {
    let mut seconds = Seconded::new();
    for entry in entries {
        seconds.entry(entry.created).or_default().push(entry.clone());
    }
    for moment in seconds.values_mut() {
        moment.sort_by(|a, b| a.event.cmp(&b.event));
    }
    resolve(kind, &seconds).unwrap()
}

fn score(seed: u64, mut lived: impl FnMut(&mut Dice) -> Life) -> Score {
    let (mut dice, mut score) = (Dice(seed), Score::default());
    for _ in 0..LIVES {
        let life = lived(&mut dice);
        let carry = folded(life.kind, &life.entries);
        match (carry.after == life.end, carry.certain) {
            (true, true) => score.right += 1,
            (true, false) => score.right_but_flagged += 1,
            (false, false) => score.flagged += 1,
            (false, true) => score.silently_wrong += 1,
        }
    }
    score
}

#[test]
fn whole_lives_that_tell_what_was_before_are_always_right() {
    let score = score(7, |dice| {
        let changes = 1 + dice.roll(8);
        all_tell(dice, changes)
    });
    assert_eq!(score.right + score.right_but_flagged, LIVES, "{score:?}");
    // The same change twice in a second may be one change reported twice: flagged, and still right.
    assert!(score.right_but_flagged <= LIVES / 20, "{score:?}");
}

#[test]
fn lives_that_tell_in_part_are_right_or_flagged() {
    for (seed, silent) in [(3, 10), (4, 30), (5, 60)] {
        let score = score(seed, |dice| {
            let changes = 2 + dice.roll(8);
            some_tell(dice, changes, silent)
        });
        assert_eq!(score.silently_wrong, 0, "{silent} % silent: {score:?}");
        assert!(score.right >= LIVES / 3, "{silent} % silent: {score:?}");
    }
}

#[test]
fn lives_with_a_lost_event_are_mostly_right() {
    let score = score(11, |dice| {
        let changes = 2 + dice.roll(7);
        let mut life = all_tell(dice, changes);
        let lost = dice.roll(life.entries.len() - 1);
        life.entries.remove(lost);
        life
    });
    assert!(score.right + score.right_but_flagged >= LIVES * 85 / 100, "{score:?}");
    assert!(score.silently_wrong <= LIVES * 3 / 100, "{score:?}");
}

#[test]
fn a_last_second_alone_is_right_or_flagged() {
    let score = score(13, |dice| {
        let changes = 2 + dice.roll(7);
        let mut life = all_tell(dice, changes);
        let newest = life.entries.iter().map(|entry| entry.created).max().unwrap();
        let update = EventType::parse(SUB).unwrap();
        life.entries.retain(|entry| entry.created == newest && entry.event_type == update);
        life
    });
    assert_eq!(score.silently_wrong, 0, "{score:?}");
}
