//! The fold without a disk: the events of one object, in any order.

use std::collections::BTreeMap;

use billfold::model::apply::{Applied, apply};
use billfold::model::id::ObjectKey;
use billfold::model::object::Object;
use billfold::model::observation::Observation;
use billfold::model::register::Seconded;
use billfold::stripe::decode::{Decoded, decode};
use billfold::stripe::envelope::Envelope;

use crate::support::Seed;

/// Objects of up to so many events are tried in every order.
const ALL_ORDERS_EVENTS_MAX: usize = 6;
/// One in so many orders is tried with every event doubled.
const DOUBLED_EVERY: usize = 5;

/// What a body says, if it moves a projection.
pub(crate) fn observed(body: &str) -> Option<Observation> {
    match decode(&Envelope::parse(body.as_bytes()).unwrap()) {
        Decoded::Observed(observation) => Some(*observation),
        Decoded::Ignored(_) => None,
        Decoded::Unreadable(why) => panic!("{why:?}: {body}"),
    }
}

/// The observations of each object, in the order of the story.
pub(super) fn by_object(bodies: &[String]) -> BTreeMap<ObjectKey, Vec<Observation>> {
    let mut objects: BTreeMap<ObjectKey, Vec<Observation>> = BTreeMap::new();
    for observation in bodies.iter().filter_map(|body| observed(body)) {
        objects.entry(observation.key.clone()).or_default().push(observation);
    }
    objects
}

/// The object after its observations came in the order of these numbers; a number may come again.
pub(crate) fn fold(observations: &[Observation], order: &[usize]) -> (Object, Seconded) {
    let mut memory = Seconded::new();
    let mut object = None;
    for &number in order {
        let observation = observations[number].clone();
        object = Some(match apply(object, observation, &mut memory).unwrap() {
            Applied::Known(known) => *known.unwrap(),
            Applied::Folded(folded) => *folded,
            Applied::Recall { object, winner } => {
                let recalled = observations.iter().find(|observation| observation.event == winner).unwrap();
                object.with_snapshot(recalled.snapshot.clone())
            }
        });
    }
    (object.unwrap(), memory)
}

/// Every order of so many events, or a number of random ones and each event once as the last. Some of them doubled.
pub(super) fn orders(count: usize, random: u64) -> Vec<Vec<usize>> {
    let in_order: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    if count <= ALL_ORDERS_EVENTS_MAX {
        permute(&mut in_order.clone(), 0, &mut all);
    } else {
        all.extend((0..random).map(|seed| {
            let mut order = in_order.clone();
            Seed::new(seed).shuffle(&mut order);
            order
        }));
        all.extend(in_order.iter().map(|&last| {
            let mut order: Vec<_> = in_order.iter().copied().filter(|&number| number != last).collect();
            order.push(last);
            order
        }));
    }
    let doubled = all.iter().enumerate().step_by(DOUBLED_EVERY);
    let doubled: Vec<_> = doubled.map(|(seed, order)| double(order, &mut Seed::new(seed as u64))).collect();
    all.extend(doubled);
    all
}

/// Every event comes once more, at any time after its first.
fn double(order: &[usize], seed: &mut Seed) -> Vec<usize> {
    let mut doubled = order.to_vec();
    for number in order {
        let first = doubled.iter().position(|one| one == number).unwrap();
        doubled.insert(first + 1 + seed.below(doubled.len() - first), *number);
    }
    doubled
}

fn permute(order: &mut Vec<usize>, fixed: usize, all: &mut Vec<Vec<usize>>) {
    if fixed == order.len() {
        all.push(order.clone());
    }
    for next in fixed..order.len() {
        order.swap(fixed, next);
        permute(order, fixed + 1, all);
        order.swap(fixed, next);
    }
}
