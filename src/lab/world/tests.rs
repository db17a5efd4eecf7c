//! The lab tells only what the provider could: well-formed events, in order, that the decoder reads.

use std::collections::BTreeSet;

use super::*;
use crate::stripe::decode::{Decoded, decode};
use crate::stripe::envelope::Envelope;

const LIVES: u64 = 60;

fn observe(body: &str) -> Box<crate::model::observation::Observation> {
    match decode(&Envelope::parse(body.as_bytes()).unwrap()) {
        Decoded::Observed(observation) => observation,
        other => panic!("{other:?}: {body}"),
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    let bodies = |seed| -> Vec<String> {
        Life::play(seed, &Setting::default()).events.iter().map(|event| event.body(1)).collect()
    };
    assert_eq!(bodies(7), bodies(7));
    assert_ne!(bodies(7), bodies(8));
}

#[test]
fn every_event_is_read_and_says_what_the_world_says() {
    let mut types = BTreeSet::new();
    for seed in 0..LIVES {
        let life = Life::play(seed, &Setting::default());
        let mut ids = BTreeSet::new();
        assert!(life.events.is_sorted_by_key(|event| event.created), "seed {seed}");
        for event in &life.events {
            let observation = observe(&event.body(1));
            assert!(ids.insert(event.id.clone()), "seed {seed}: {} twice", event.id);
            assert_eq!(observation.event, event.id);
            assert_eq!(observation.event_type.name(), event.type_name);
            assert_eq!(observation.created, event.created);
            assert_eq!(observation.key, event.key);
            types.insert(event.type_name);
        }
    }
    assert!(types.len() >= 60, "only {} types in {LIVES} lives: {types:?}", types.len());
}

#[test]
fn every_version_shows_the_same_content() {
    for seed in 0..LIVES {
        let life = Life::play(seed, &Setting::default());
        for event in &life.events {
            let newest = observe(&event.rendered(Version::Dahlia, 1));
            for &version in Version::ALL {
                let shown = observe(&event.rendered(version, 2));
                assert_eq!(shown.snapshot, newest.snapshot, "seed {seed}, {version:?}: {}", event.type_name);
                assert_eq!(
                    (shown.before, shown.after),
                    (newest.before, newest.after),
                    "seed {seed}, {version:?}"
                );
            }
        }
    }
}

#[test]
fn an_update_begins_where_the_last_event_ended() {
    for seed in 0..LIVES {
        let life = Life::play(seed, &Setting::default());
        for event in life.events.iter().filter(|event| event.before.is_some()) {
            let observation = observe(&event.body(1));
            assert!(observation.before.is_some(), "seed {seed}: {}", event.type_name);
        }
    }
}

#[test]
fn the_truth_at_the_end_is_the_truth() {
    let life = Life::play(3, &Setting::default());
    let end = life.events.last().unwrap().created;
    assert_eq!(life.truth_at(end), life.truth());
    assert!(life.truth_at(Seconds(0)).is_empty());
}
