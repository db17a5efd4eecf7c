//! What holds for every life, whatever its seed: laws of the fold, tried on what a provider could send.
//!
//! A failing case shrinks to the shortest life of its seed; the seed and the number of steps reproduce it.

mod transitions;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::check::{self, FaultKind};
use super::delivery::Order;
use super::dice::Dice;
use super::fold::{self, Folded};
use super::render::Version;
use super::world::{Life, Setting, Truth, Versions};
use crate::model::id::{EventId, ObjectKey};
use crate::model::object::Object;
use crate::model::observation::Observation;
use crate::model::register::{self, Decision};
use crate::model::time::Seconds;

/// Cases of each law, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 16;

fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig::default();
    ProptestConfig { cases: if asked { config.cases } else { CASES }, failure_persistence: None, ..config }
}

/// A life by its seed, as short as the case allows, and choices of the case's own.
fn any_life() -> impl Strategy<Value = (u64, usize, u64)> {
    (any::<u64>().no_shrink(), 0..14_usize, any::<u64>().no_shrink())
}

fn life_of(seed: u64, steps_max: usize) -> Life {
    Life::play(seed, &Setting { steps_max, ..Setting::default() })
}

fn said_by(life: &Life) -> Vec<Observation> {
    life.events.iter().map(|event| fold::observe(&event.body(1)).unwrap()).collect()
}

fn fold_of(observations: &[&Observation]) -> Folded {
    fold::fold(observations.iter().copied()).unwrap()
}

/// Each object with its events, as they happened.
fn objects(said: &[Observation]) -> BTreeMap<&ObjectKey, Vec<&Observation>> {
    fold::by_object(said)
}

/// The entries, with what only the whole set decides.
fn joined(parts: &[&Folded]) -> Folded {
    let first = parts[0].clone();
    parts[1..].iter().fold(first, |whole, part| {
        let (now, joined, memory) = fold::join(&whole, part).unwrap();
        let mut object = whole.object;
        (object.now, object.joined) = (now, joined);
        Folded { object, memory }
    })
}

fn same(a: &Folded, b: &Folded) -> bool {
    (&a.object.now, &a.object.joined, &a.memory) == (&b.object.now, &b.object.joined, &b.memory)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_life_ends_true_or_flagged((seed, steps_max, _) in any_life()) {
        let setting = Setting { steps_max, ..Setting::default() };
        let verdict = check::check(seed, &setting, Order::ALL.len());
        let examples: Vec<String> = verdict.examples.iter().map(ToString::to_string).collect();
        prop_assert!(verdict.holds(), "{}", examples.join("\n"));
    }

    #[test]
    fn entries_are_a_set((seed, steps_max, choices) in any_life()) {
        let said = said_by(&life_of(seed, steps_max));
        let mut dice = Dice::new(choices);
        for (key, events) in objects(&said) {
            let whole = fold_of(&events);
            let mut shuffled = events.clone();
            shuffled.extend(&events);
            dice.shuffle(&mut shuffled);
            prop_assert_eq!(&fold_of(&shuffled), &whole, "{:?}: shuffled and doubled", key);
            let mut part = || -> Vec<&Observation> {
                let picked: Vec<_> = events.iter().copied().filter(|_| dice.chance(60)).collect();
                if picked.is_empty() { events.clone() } else { picked }
            };
            let [a, b, c] = [part(), part(), part()];
            let [a, b, c] = [&a, &b, &c].map(|part| fold_of(part));
            prop_assert!(same(&joined(&[&a, &b]), &joined(&[&b, &a])), "{key:?}: commutative");
            prop_assert!(same(&joined(&[&joined(&[&a, &b]), &c]), &joined(&[&a, &joined(&[&b, &c])])), "{key:?}: associative");
            prop_assert!(same(&joined(&[&a, &a]), &a), "{key:?}: idempotent");
            prop_assert!(same(&joined(&[&a, &whole]), &whole), "{key:?}: fold(A ∪ B) = join(fold A, fold B)");
        }
    }

    #[test]
    fn the_state_is_right_at_any_moment((seed, steps_max, choices) in any_life()) {
        let life = life_of(seed, steps_max);
        let said = said_by(&life);
        let mut dice = Dice::new(choices);
        let mut moments: BTreeSet<Seconds> = said.iter().map(|observation| observation.created).collect();
        moments.retain(|_| dice.chance(25));
        for moment in moments {
            let until: Vec<&Observation> = said.iter().filter(|observation| observation.created <= moment).collect();
            let truth = life.truth_at(moment);
            for (key, mut events) in fold::by_object(until) {
                dice.shuffle(&mut events);
                let object = fold_of(&events).object;
                let Truth { status, shown_by, .. } = &truth[key];
                let right = fold::is_true(&object, &said[*shown_by], status.as_deref());
                prop_assert!(right || object.ambiguous(), "{key:?} at {}\n{}", moment.0, check::listed(&events));
            }
        }
    }

    #[test]
    fn live_is_rebuilt_at_every_prefix((seed, steps_max, choices) in any_life()) {
        let said = said_by(&life_of(seed, steps_max));
        let mut dice = Dice::new(choices);
        for (key, mut events) in objects(&said) {
            dice.shuffle(&mut events);
            let mut steps: Option<Folded> = None;
            for (count, event) in (1..).zip(&events) {
                let shown = |winner: &EventId| events.iter().find(|event| event.event == *winner).map(|event| event.snapshot.clone());
                let live = fold::add(steps.take(), event, shown).unwrap();
                let mut sorted = events[..count].to_vec();
                sorted.sort_by_key(|event| (event.created, &event.event));
                let rebuilt = fold_of(&sorted);
                prop_assert_eq!(&live, &rebuilt, "{:?} after {} events", key, count);
                let at_once = register::resolve(key.kind, &live.memory);
                prop_assert_eq!(Some(&live.object.now), at_once.as_ref(), "{:?} after {} events", key, count);
                steps = Some(live);
            }
        }
    }

    #[test]
    fn statuses_follow_each_other((seed, steps_max, _) in any_life()) {
        let life = life_of(seed, steps_max);
        let said = said_by(&life);
        for (key, events) in objects(&said) {
            let words: Vec<_> = events.iter().filter_map(|event| event.snapshot.facts(event.event_type).status).collect();
            for pair in words.windows(2) {
                prop_assert!(transitions::follows(key.kind, &pair[0], &pair[1]), "{key:?} in the world: {pair:?}");
            }
            let seconds = fold_of(&events).memory;
            let words: Vec<_> = register::history(key.kind, &seconds)
                .filter(|(_, carry)| carry.certain)
                .filter_map(|(_, carry)| carry.facts.status)
                .collect();
            for pair in words.windows(2) {
                prop_assert!(transitions::reachable(key.kind, &pair[0], &pair[1]), "{key:?} in the fold: {pair:?}");
            }
        }
    }

    #[test]
    fn a_loss_that_no_tie_needs_changes_nothing((seed, steps_max, _) in any_life()) {
        let said = said_by(&life_of(seed, steps_max));
        for (key, events) in objects(&said) {
            let whole = fold_of(&events).object;
            for lost in events.iter().filter(|event| event.created < whole.newest) {
                let left: Vec<_> = events.iter().copied().filter(|event| event.event != lost.event).collect();
                let object = fold_of(&left).object;
                let leans = whole.ambiguous() || matches!(whole.now.decided_by, Decision::Walk | Decision::ClosedWalk);
                let anchor = |object: &Object| {
                    object.before.as_ref().map(|carry| (carry.after, carry.certain))
                };
                if !leans || anchor(&object) == anchor(&whole) {
                    let state = |object: &Object| {
                        (object.current(), object.status().map(str::to_owned), object.ambiguous())
                    };
                    prop_assert_eq!(state(&object), state(&whole), "{:?} without {}", key, lost.event);
                }
            }
        }
    }

    #[test]
    fn versions_mixed_are_one_version((seed, steps_max, choices) in any_life()) {
        let play = |versions| Life::play(seed, &Setting { versions, steps_max, ..Setting::default() });
        let mixed = said_by(&play(Versions::Mixed));
        let life = play(Versions::Mixed);
        let only = Dice::new(choices).pick(Version::ALL).copied().unwrap();
        let one: Vec<_> = life.events.iter().map(|event| fold::observe(&event.rendered(only, 1)).unwrap()).collect();
        for (key, events) in objects(&mixed) {
            let (mixed, one) = (fold_of(&events), fold_of(&objects(&one)[key]));
            prop_assert_eq!(&mixed.memory, &one.memory, "{:?}", key);
            prop_assert_eq!(mixed.object.current(), one.object.current(), "{:?}", key);
            prop_assert_eq!(&mixed.object.now, &one.object.now, "{:?}", key);
        }
    }

    #[test]
    fn a_second_that_runs_backwards_leaves_layer_a_alone((seed, steps_max, choices) in any_life()) {
        let said = said_by(&life_of(seed, steps_max));
        let mut dice = Dice::new(choices);
        for (key, events) in objects(&said) {
            let whole = fold_of(&events).object;
            let place = dice.below(events.len());
            let mut moved: Vec<Observation> = events.iter().map(|&event| event.clone()).collect();
            moved[place].created = Seconds(whole.newest.0 + 1);
            let facts = moved[place].snapshot.facts(moved[place].event_type);
            let object = fold_of(&moved.iter().collect::<Vec<_>>()).object;
            prop_assert_eq!(object.now.winner.clone(), moved[place].event.clone());
            // Whole lives: what no event surpasses is the truth.
            let facts_of = |event: &&Observation| event.snapshot.facts(event.event_type);
            let top = events.iter().map(facts_of).max_by_key(|facts| facts.rank).unwrap();
            let numbers = events.iter().map(facts_of).fold([i64::MIN; 2], |most, facts| {
                [most[0].max(facts.numbers[0]), most[1].max(facts.numbers[1])]
            });
            let behind = facts.rank < top.rank || facts.numbers != numbers;
            prop_assert_eq!(object.created_inversion(), behind, "{:?}, {}", key, moved[place].event);
            if facts.rank < top.rank {
                prop_assert_eq!(object.status(), whole.status(), "{:?}, {}", key, moved[place].event);
            }
        }
    }

    #[test]
    fn what_does_not_say_its_past_is_right_or_flagged((seed, steps_max, _) in any_life(), silent in 0..700_u32) {
        let setting = Setting { steps_max, silent, ..Setting::default() };
        let verdict = check::check(seed, &setting, 2);
        let examples: Vec<String> = verdict.examples.iter().map(ToString::to_string).collect();
        prop_assert_eq!(verdict.count(FaultKind::Wrong), 0, "{}", examples.join("\n"));
        prop_assert_eq!(verdict.count(FaultKind::OrderMatters), 0, "{}", examples.join("\n"));
    }
}
