//! The fold does not know the order of arrival: same set, same bytes, and the same as folding it whole.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::observation::Snapshot;
use crate::model::testing::{Dice, observation, snapshot};

/// The entries in memory, and how often all of them were read.
#[derive(Default)]
struct Kept {
    seconds: Seconded,
    read_whole: RefCell<usize>,
}

impl Moments for Kept {
    type Error = std::convert::Infallible;

    fn load(&mut self, second: Seconds) -> Result<Vec<Entry>, Self::Error> {
        Ok(self.seconds.get(&second).cloned().unwrap_or_default())
    }

    fn load_all(&mut self) -> Result<Seconded, Self::Error> {
        *self.read_whole.borrow_mut() += 1;
        Ok(self.seconds.clone())
    }

    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), Self::Error> {
        assert!(entries.is_sorted_by(|a, b| a.event < b.event));
        self.seconds.insert(second, entries.to_vec());
        Ok(())
    }
}

/// An object and its entries; the log it came from is at hand for recalls.
#[derive(Default)]
struct Folder {
    kept: Kept,
    object: Option<Object>,
    log: BTreeMap<EventId, Snapshot>,
}

impl Folder {
    /// Folds one observation; true if it was new.
    fn take(&mut self, observation: &Observation) -> bool {
        self.log.insert(observation.event.clone(), observation.snapshot.clone());
        let Ok(applied) = apply(self.object.clone(), observation.clone(), &mut self.kept);
        match applied {
            Applied::Known(object) => {
                assert_eq!(object.as_deref(), self.object.as_ref());
                return false;
            }
            Applied::Folded(object) => self.object = Some(*object),
            Applied::Recall { object, winner } => {
                self.object = Some(object.with_snapshot(self.log[&winner].clone()));
            }
        }
        true
    }

    fn bytes(&self) -> String {
        serde_json::to_string(self.object.as_ref().unwrap()).unwrap()
    }
}

fn folder(observations: &[Observation]) -> Folder {
    let mut folder = Folder::default();
    for observation in observations {
        folder.take(observation);
    }
    folder
}

/// A life of an object whose states are built by `state`, in seconds that are often shared.
///
/// A change without a past, a lost second and a clock that runs backwards all happen.
fn life(dice: &mut Dice, family: &Family) -> Vec<Observation> {
    let mut now = (family.state)(dice);
    let mut second = 100;
    let mut life = vec![observation(&dice.id(), family.first, second, &now, None)];
    for _ in 0..dice.roll(9) {
        second += [0, 0, 0, 1, 1, -1][dice.roll(6)];
        let next = (family.state)(dice);
        let event_type = family.changes[dice.roll(family.changes.len())];
        let before = dice.chance(70).then_some(&now);
        life.push(observation(&dice.id(), event_type, second, &next, before));
        now = next;
    }
    life
}

struct Family {
    first: &'static str,
    changes: &'static [&'static str],
    state: fn(&mut Dice) -> Snapshot,
}

fn pick(dice: &mut Dice, words: &[&str]) -> Value {
    words[dice.roll(words.len())].into()
}

const FAMILIES: &[Family] = &[
    Family {
        first: "customer.subscription.created",
        changes: &[
            "customer.subscription.updated",
            "customer.subscription.updated",
            "customer.subscription.paused",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.deleted",
        ],
        state: |dice| {
            let status = pick(dice, &["active", "past_due", "trialing", "paused"]);
            snapshot("Subscription", &json!({ "status": status, "cancel_at_period_end": dice.chance(50) }))
        },
    },
    Family {
        first: "invoice.created",
        changes: &[
            "invoice.updated",
            "invoice.updated",
            "invoice.payment_failed",
            "invoice.paid",
            "invoice.voided",
        ],
        state: |dice| {
            let status = pick(dice, &["draft", "open", "open", "paid", "void"]);
            let paid_at = dice.chance(30).then(|| dice.roll(3));
            let fields = json!({ "status": status, "attempt_count": dice.roll(3), "paid_at": paid_at });
            snapshot("Invoice", &fields)
        },
    },
    Family {
        first: "charge.succeeded",
        changes: &["charge.updated", "charge.updated", "charge.refunded", "charge.failed", "charge.captured"],
        state: |dice| {
            let status = pick(dice, &["pending", "succeeded", "succeeded", "failed"]);
            let fields =
                json!({ "status": status, "amount_refunded": dice.roll(3), "captured": dice.chance(50) });
            snapshot("Charge", &fields)
        },
    },
    Family {
        first: "entitlements.active_entitlement_summary.updated",
        changes: &["entitlements.active_entitlement_summary.updated"],
        state: |dice| {
            let key = pick(dice, &["a", "b", "c"]);
            let active = json!([{ "lookup_key": key, "feature": null }]);
            snapshot("Entitlements", &json!({ "active": active, "truncated": dice.chance(30) }))
        },
    },
];

/// Lives as they happened, and the same in another order with some events twice.
fn lives() -> impl Strategy<Value = (Vec<Observation>, Vec<Observation>)> {
    (any::<u64>(), 0..FAMILIES.len()).prop_map(|(seed, family)| {
        let mut dice = Dice(seed);
        let life = life(&mut dice, &FAMILIES[family]);
        let mut delivered = life.clone();
        delivered.extend(life.iter().filter(|_| dice.chance(40)).cloned());
        dice.shuffle(&mut delivered);
        (life, delivered)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_order_gives_the_same_bytes((life, delivered) in lives()) {
        prop_assert_eq!(folder(&delivered).bytes(), folder(&life).bytes());
    }

    #[test]
    fn every_step_is_the_fold_of_the_whole_set((_, delivered) in lives()) {
        let mut folder = Folder::default();
        for (taken, observation) in delivered.iter().enumerate() {
            folder.take(observation);
            let object = folder.object.as_ref().unwrap();
            let whole = register::resolve(object.key.kind, &folder.kept.seconds);
            prop_assert_eq!(Some(&object.now), whole.as_ref());
            let winner = delivered.iter().find(|one| one.event == object.now.winner).unwrap();
            prop_assert_eq!(&object.snapshot, &winner.snapshot);
            prop_assert_eq!(Some(object.newest), folder.kept.seconds.keys().next_back().copied());
            let joined = delivered[..=taken].iter().map(Joined::of).reduce(|mut all, one| {
                all.join(&one);
                all
            });
            prop_assert_eq!(Some(&object.joined), joined.as_ref());
        }
    }

    #[test]
    fn what_is_known_changes_nothing((life, delivered) in lives()) {
        let mut folder = folder(&life);
        let bytes = folder.bytes();
        for observation in &delivered {
            prop_assert!(!folder.take(observation));
        }
        prop_assert_eq!(folder.bytes(), bytes);
    }

    #[test]
    fn two_halves_join((life, delivered) in lives(), cut in 0_usize..8) {
        let cut = cut.min(delivered.len());
        let whole = folder(&life);
        let (left, right) = delivered.split_at(cut);
        let mut sides = [left, right].into_iter().filter(|side| !side.is_empty()).map(folder);
        let mut first = sides.next().unwrap();
        if let Some(second) = sides.next() {
            let mut joined = first.object.as_ref().unwrap().joined.clone();
            joined.join(&second.object.unwrap().joined);
            prop_assert_eq!(&joined, &whole.object.as_ref().unwrap().joined);
            let kind = life[0].key.kind;
            for (second, entries) in second.kept.seconds {
                let mine = first.kept.seconds.entry(second).or_default();
                mine.extend(entries);
                mine.sort_by(|a, b| a.event.cmp(&b.event));
                mine.dedup();
            }
            let now = register::resolve(kind, &first.kept.seconds);
            prop_assert_eq!(now.as_ref(), whole.object.as_ref().map(|object| &object.now));
        }
    }
}

#[test]
fn only_an_older_second_reads_the_whole_history() {
    let at = |id, second| {
        let customer = snapshot("Customer", &json!({ "balance": second }));
        observation(id, "customer.updated", second, &customer, None)
    };
    let folder = folder(&[at("evt_1", 1), at("evt_2", 2), at("evt_4", 4), at("evt_5", 4)]);
    assert_eq!(*folder.kept.read_whole.borrow(), 0);
    let mut folder = folder;
    folder.take(&at("evt_3", 3));
    assert_eq!(*folder.kept.read_whole.borrow(), 1);
    let object = folder.object.unwrap();
    assert_eq!(object.before.map(|carry| carry.winner), EventId::parse("evt_3").ok());
}

#[test]
fn a_winner_from_the_past_is_recalled() {
    let subscription =
        |quantity: i64| snapshot("Subscription", &json!({ "status": "active", "days_until_due": quantity }));
    let updated = |id, from: i64, to: i64| {
        observation(id, "customer.subscription.updated", 5, &subscription(to), Some(&subscription(from)))
    };
    let mut folder = folder(&[updated("evt_2", 1, 2), updated("evt_1", 3, 4)]);
    let flagged = folder.object.clone().unwrap();
    assert!(flagged.ambiguous() && flagged.now.winner.as_str() == "evt_2");
    let between = updated("evt_0", 2, 3);
    let applied = apply(folder.object.clone(), between, &mut folder.kept).unwrap();
    let Applied::Recall { object, winner } = applied else { panic!("{applied:?}") };
    assert_eq!(winner.as_str(), "evt_1");
    let object = object.with_snapshot(subscription(4));
    assert!(!object.ambiguous());
    assert_eq!(object.snapshot, subscription(4));
}

#[test]
fn an_equal_snapshot_needs_no_recall() {
    let paid = |id, event_type| {
        let invoice = snapshot("Invoice", &json!({ "status": "paid" }));
        observation(id, event_type, 5, &invoice, None)
    };
    let mut folder = folder(&[paid("evt_2", "invoice.paid"), paid("evt_1", "invoice.payment_succeeded")]);
    let updated = paid("evt_3", "invoice.updated");
    let applied = apply(folder.object.clone(), updated, &mut folder.kept).unwrap();
    assert!(matches!(applied, Applied::Folded(object) if object.now.winner.as_str() == "evt_2"));
}
