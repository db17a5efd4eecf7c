//! What no order, doubling, split or rendering of the same events may change.
//!
//! An object's state comes from its own events alone, so the orders of one object's events are tried in memory and
//! without gaps; the whole engine, with what is derived from several objects, is tried in a few orders of all events.

use std::collections::{BTreeMap, BTreeSet};

use billfold::engine::{Billfold, EventQuery, ListQuery, Page, ScopeFilter, StoredEvent};
use billfold::model::kind::ObjectKind;
use billfold::model::object::Object;
use billfold::model::observation::{Entry, Observation};
use billfold::model::register::Decision;
use serde_json::Value;
use tempfile::TempDir;

use super::truth::{Truth, plain};
use super::{Variant, memory};
use crate::build::{Event, Place, Shape};
use crate::support::{self, Seed, ingest};

/// Ids of events in so many disguises: a tie must never be right by the luck of an id.
const NAMINGS: u64 = 3;
/// Random orders of one object's events; those of few events are tried in every order anyway.
const OBJECT_ORDERS: u64 = 100;
/// Random orders of all events, through the whole engine.
const ENGINE_ORDERS: u64 = 1;
/// Where folders live in memory, on systems that have it: power cuts are tried elsewhere.
const MEMORY: &str = "/dev/shm";

/// Random orders by `BILLFOLD_SHUFFLES`, never fewer than `least`.
fn shuffles(least: u64) -> u64 {
    let asked = std::env::var_os("BILLFOLD_SHUFFLES").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(0).max(least)
}

fn bodies(events: &[Event], shape: impl Fn(usize) -> Shape, naming: u64) -> Vec<String> {
    let body = |(number, event): (usize, &Event)| event.body(naming, shape(number), Place::default());
    events.iter().enumerate().map(body).collect()
}

/// A folder into which the bodies went.
pub(super) struct Folder {
    billfold: Billfold,
    _dir: TempDir,
}

impl Folder {
    /// What the newest version sends, in the order of the story.
    pub(super) fn in_order(variant: &Variant) -> Self {
        let folder = Self::of(&bodies(&variant.events, |_| Shape::Dahlia, 0));
        folder.assert_truth(&variant.truth, &format!("{}, in order", variant.name));
        folder
    }

    fn of(bodies: &[String]) -> Self {
        let dir = tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).unwrap();
        let billfold = Billfold::open(dir.path()).unwrap();
        ingest(&billfold, bodies);
        Self { billfold, _dir: dir }
    }

    fn digest(&self) -> [u8; 32] {
        self.billfold.projection_digest().unwrap()
    }

    fn object(&self, like: &Object) -> Object {
        let key = &like.key;
        self.billfold.object(key.kind, &key.id, &ScopeFilter::only(&key.scope)).unwrap().unwrap().object
    }

    #[track_caller]
    fn assert_truth(&self, truth: &Truth, place: &str) {
        truth.assert(&self.billfold, &ScopeFilter::default(), place);
    }
}

/// What a reader sees of an object, whatever the events are called.
fn visible(object: &Object) -> (Value, Option<&str>, i64, [bool; 3]) {
    let flags = [object.ambiguous(), object.created_inversion(), object.contradictory()];
    (plain(&object.current()), object.status(), object.status_since().0, flags)
}

pub(super) fn any_order_of_one_object(variant: &Variant) {
    let named = |naming| memory::by_object(&bodies(&variant.events, |_| Shape::Dahlia, naming));
    let first = named(0);
    for naming in 0..NAMINGS {
        for (key, observations) in named(naming) {
            let place = format!("{}, naming {naming}: {}", variant.name, key.id);
            let in_order: Vec<_> = (0..observations.len()).collect();
            let (object, entries) = memory::fold(&observations, &in_order);
            assert_eq!(
                object.ambiguous(),
                variant.truth.is_undecidable(key.id.as_str()),
                "{place}: ambiguous"
            );
            assert!(!object.created_inversion(), "{place} inverts time");
            assert!(!object.contradictory(), "{place} contradicts itself");
            if !object.ambiguous() {
                let (as_first, _) = memory::fold(&first[&key], &in_order);
                assert_eq!(visible(&object), visible(&as_first), "{place}: the ids decide");
            }
            for order in memory::orders(observations.len(), shuffles(OBJECT_ORDERS)) {
                let (other, others) = memory::fold(&observations, &order);
                assert!(other == object && others == entries, "{place}: another state by {order:?}");
            }
        }
    }
}

pub(super) fn any_order_of_the_whole(variant: &Variant, in_order: &Folder) {
    let bodies = bodies(&variant.events, |_| Shape::Dahlia, 0);
    for (_, observations) in memory::by_object(&bodies) {
        let (object, _) = memory::fold(&observations, &(0..observations.len()).collect::<Vec<_>>());
        assert_eq!(in_order.object(&object), object, "{}: the engine folds otherwise", variant.name);
    }
    for (order, bodies) in some_orders(&bodies) {
        let place = format!("{}, {order}", variant.name);
        let folder = Folder::of(&bodies);
        folder.assert_truth(&variant.truth, &place);
        assert_eq!(folder.digest(), in_order.digest(), "{place}: other bytes");
    }
}

fn some_orders(bodies: &[String]) -> Vec<(String, Vec<String>)> {
    let mut orders = vec![("reversed".to_owned(), bodies.iter().rev().cloned().collect())];
    let shuffled = |seed, mut bodies: Vec<String>| {
        Seed::new(seed).shuffle(&mut bodies);
        bodies
    };
    // A whole engine costs far more than a fold in memory.
    for seed in 0..shuffles(0).div_ceil(50).max(ENGINE_ORDERS) {
        orders.push((format!("shuffled by seed {seed}"), shuffled(seed, bodies.to_vec())));
        let doubled = bodies.iter().chain(bodies).cloned().collect();
        orders.push((format!("doubled and shuffled by seed {seed}"), shuffled(seed, doubled)));
        let mut late = shuffled(seed, bodies.to_vec());
        let last = late.remove(Seed::new(seed + 7).below(late.len()));
        late.push(last);
        orders.push((format!("one late by seed {seed}"), late));
    }
    orders
}

/// What only some versions tell is kept beside the content, where it can only ever add.
fn content(observation: Observation) -> Observation {
    Observation { links: BTreeSet::new(), hints: BTreeMap::new(), ..observation }
}

/// An event means the same in every rendering, so mixed logs are as good as pure ones.
pub(super) fn any_version(variant: &Variant, newest: &Folder) {
    for event in &variant.events {
        let read = |shape| memory::observed(&event.body(0, shape, Place::default())).map(content);
        for shape in Shape::ALL {
            assert_eq!(
                read(shape),
                read(Shape::Dahlia),
                "{}: {} in {shape:?}",
                variant.name,
                event.type_name
            );
        }
    }
    for start in 0..2 {
        let newer = [Shape::Basil, Shape::Clover, Shape::Dahlia];
        let half = |number: usize| if number % 2 == start { Shape::PreBasil } else { newer[number % 3] };
        let mut mixed = bodies(&variant.events, half, 0);
        let place = format!("{}, half pre-basil from event {start}", variant.name);
        let folder = Folder::of(&mixed);
        folder.assert_truth(&variant.truth, &place);
        for (_, observations) in memory::by_object(&mixed) {
            let (object, _) = memory::fold(&observations, &(0..observations.len()).collect::<Vec<_>>());
            let (mixed, pure) = (folder.object(&object), newest.object(&object));
            assert_eq!(visible(&mixed), visible(&pure), "{place}: {}", object.key.id);
            // What no version tells alone leaves no trace at all.
            if mixed.joined.links() == pure.joined.links() && !has_hints(object.key.kind) {
                assert_eq!(mixed, pure, "{place}: {}", object.key.id);
            }
        }
        Seed::new(5 + start as u64).shuffle(&mut mixed);
        assert_eq!(Folder::of(&mixed).digest(), folder.digest(), "{place}: other bytes");
    }
}

fn has_hints(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Subscription | ObjectKind::Invoice)
}

/// Two logs that overlap, each folded alone, then delivered into a third.
pub(super) fn two_logs(variant: &Variant, in_order: &Folder) {
    let all = bodies(&variant.events, |_| Shape::Dahlia, 0);
    let part = |share: usize| {
        let numbered = all.iter().enumerate();
        let chosen = numbered.filter(|(number, _)| number % 3 == share || number % 3 == 2);
        Folder::of(&chosen.map(|(_, body)| body.clone()).collect::<Vec<_>>())
    };
    let mut merged = stored(&part(1));
    merged.extend(stored(&part(0)));
    let folder = Folder::of(&merged);
    folder.assert_truth(&variant.truth, &format!("{}, merged", variant.name));
    assert_eq!(folder.digest(), in_order.digest(), "{}, merged: other bytes", variant.name);
}

/// An event that never came and lies before an object's newest second is missed by nobody.
pub(super) fn one_missing(variant: &Variant) {
    for (key, observations) in memory::by_object(&bodies(&variant.events, |_| Shape::Dahlia, 0)) {
        let all: Vec<_> = (0..observations.len()).collect();
        let (whole, _) = memory::fold(&observations, &all);
        // Such a second ends as it began: it needs to know how.
        if whole.now.decided_by == Decision::ClosedWalk || whole.ambiguous() {
            continue;
        }
        for missing in all.iter().copied().filter(|&number| observations[number].created < whole.newest) {
            let rest: Vec<_> = all.iter().copied().filter(|&number| number != missing).collect();
            let (object, _) = memory::fold(&observations, &rest);
            let place = format!("{}: {} without {}", variant.name, key.id, observations[missing].event_type);
            assert_eq!(plain(&object.current()), plain(&whole.current()), "{place}");
            assert!(!object.ambiguous(), "{place}: ambiguous");
        }
    }
}

/// What a log holds, as it came.
fn stored(folder: &Folder) -> Vec<String> {
    let Page { items, next }: Page<StoredEvent> =
        folder.billfold.events(&EventQuery { limit: 500, ..EventQuery::default() }).unwrap();
    assert!(next.is_none());
    let body = |event: &StoredEvent| String::from_utf8(event.record.content.body.0.to_vec()).unwrap();
    items.iter().map(body).collect()
}

/// The fields that hold in any order and under any clock.
const CLOCKLESS: &[&str] = &[
    "attempt_count",
    "amount_paid",
    "finalized_at",
    "paid_at",
    "voided_at",
    "marked_uncollectible_at",
    "amount_received",
    "amount_captured",
    "captured",
    "submission_count",
    "balance_transactions",
    "amount_withdrawn",
    "amount_reinstated",
    "ended_at",
    "async_failed",
];

/// In a tied burst one event that is not the last claims the next second. Only what rests on seconds may suffer,
/// and what is contradicted shows it.
pub(super) fn raised_second(name: &str, tied: &[Event]) {
    let last = tied.iter().map(|event| event.created).max().unwrap();
    for (key, truth) in memory::by_object(&bodies(tied, |_| Shape::Dahlia, 0)) {
        let in_order: Vec<_> = (0..truth.len()).collect();
        let expected = memory::fold(&truth, &in_order).0;
        let facts: Vec<_> = truth.iter().map(|observation| Entry::of(observation).facts).collect();
        let rank = facts.iter().map(|facts| facts.rank).max().unwrap();
        let most = |number: usize| facts.iter().map(|facts| facts.numbers[number]).max().unwrap();
        for raised in 0..truth.len() - 1 {
            let mut observations = truth.clone();
            observations[raised].created.0 = last + 1;
            let place = format!("{name}: {}, {} raised", key.id, observations[raised].event_type);
            let object = memory::fold(&observations, &in_order).0;
            if rank > 0 {
                assert_eq!(object.status(), expected.status(), "{place}");
            }
            let (shown, right) = (plain(&object.current()), plain(&expected.current()));
            for field in CLOCKLESS {
                assert_eq!(shown.get(field), right.get(field), "{place}: {field}");
            }
            let behind =
                facts[raised].rank < rank || (0..2).any(|one| facts[raised].numbers[one] < most(one));
            assert_eq!(object.created_inversion(), behind, "{place}: created_inversion");
        }
    }
}

/// The whole engine, with the first event of a type a second after all others: what must stay true, and how many
/// objects show that their seconds cannot be right.
pub(super) fn counts_inversions(burst: &super::Burst, type_name: &str, truth: &Truth, inversions: u64) {
    let mut events = super::in_one_second(&burst.events);
    let late = events.iter().position(|event| event.type_name == type_name).unwrap();
    events[late] = events[late].at(events[late].created + 1);
    let folder = Folder::of(&bodies(&events, |_| Shape::Dahlia, 0));
    folder.assert_truth(truth, &format!("{}, {type_name} raised", burst.name));
    let stats = folder.billfold.stats(support::now(), 3_600).unwrap();
    assert_eq!(stats.created_inversions, inversions, "{}, {type_name} raised", burst.name);
}

/// The same ids live, in test mode and in a connected account: three lives that know nothing of each other.
pub(super) fn scopes_apart(lives: &[(&super::Burst, Place)]) {
    use billfold::engine::Account;
    use billfold::model::id::AccountId;

    let mut bodies: Vec<String> = Vec::new();
    for (naming, (burst, place)) in (0..).zip(lives) {
        bodies.extend(burst.events.iter().map(|event| event.body(naming, Shape::Dahlia, *place)));
    }
    Seed::new(3).shuffle(&mut bodies);
    let folder = Folder::of(&bodies);
    for (burst, place) in lives {
        let connected = |id: &str| Account::Connected(AccountId::parse(id).unwrap());
        let account = Some(place.account.map_or(Account::Own, connected));
        let scope = ScopeFilter { account, livemode: Some(place.livemode) };
        burst.truth.assert(&folder.billfold, &scope, &format!("{} at {place:?}", burst.name));
    }
    let both = folder.billfold.payments(&ListQuery::default()).unwrap();
    assert!(both.items.len() > 1, "each life has its own payments");
}
