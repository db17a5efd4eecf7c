//! The fold in memory: what a body says meets its object, without a log or a disk.
//!
//! The same decoder and the same `apply` as the engine's; only what keeps the entries is simpler.

use std::collections::BTreeMap;

use crate::model::apply::{Applied, apply};
use crate::model::id::{EventId, ObjectKey};
use crate::model::invoice::InvoiceStatus;
use crate::model::joined::Joined;
use crate::model::object::Object;
use crate::model::observation::{Observation, Snapshot};
use crate::model::register::{self, Carry, Seconded};
use crate::stripe::decode::{Decoded, decode};
use crate::stripe::envelope::Envelope;

/// What a body says; none if it says nothing that is folded.
pub(super) fn observe(body: &str) -> Option<Observation> {
    match decode(&Envelope::parse(body.as_bytes()).ok()?) {
        Decoded::Observed(observation) => Some(*observation),
        _ => None,
    }
}

/// What is shown by the last event of a life, as it must stand in the state.
pub(super) fn truly(shown: &Snapshot, status: Option<&str>) -> Snapshot {
    let mut snapshot = shown.clone();
    if let Snapshot::Invoice(invoice) = &mut snapshot
        && status == Some("deleted")
    {
        // The event shows the draft that was deleted.
        invoice.status = Some(InvoiceStatus::Deleted);
    }
    snapshot
}

/// The object is as the last event of its life shows it.
pub(super) fn is_true(object: &Object, shown: &Observation, status: Option<&str>) -> bool {
    object.status() == status && object.current() == truly(&shown.snapshot, status)
}

/// One object and what it was folded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) object: Object,
    pub(super) memory: Seconded,
}

/// Folds observations of one object, in the order in which they come.
pub(super) fn fold<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Option<Folded> {
    let mut shown: BTreeMap<&EventId, &Snapshot> = BTreeMap::new();
    let mut folded = None;
    for observation in observations {
        shown.insert(&observation.event, &observation.snapshot);
        // The winner was delivered: it was shown.
        folded = add(folded, observation, |winner| shown.get(winner).map(|&snapshot| snapshot.clone()));
    }
    folded
}

/// One observation more. `recall` gives the snapshot of an event that was delivered before.
pub(super) fn add(
    folded: Option<Folded>,
    observation: &Observation,
    recall: impl Fn(&EventId) -> Option<Snapshot>,
) -> Option<Folded> {
    let (object, mut memory) = folded.map_or_else(Default::default, |it| (Some(it.object), it.memory));
    let Ok(applied) = apply(object, observation.clone(), &mut memory);
    let object = match applied {
        Applied::Known(object) => object.map(|object| *object),
        Applied::Folded(object) => Some(*object),
        Applied::Recall { object, winner } => recall(&winner).map(|snapshot| object.with_snapshot(snapshot)),
    };
    object.map(|object| Folded { object, memory })
}

/// Observations by object, each object's in the order given.
pub(super) fn by_object<'a>(
    observations: impl IntoIterator<Item = &'a Observation>,
) -> BTreeMap<&'a ObjectKey, Vec<&'a Observation>> {
    let mut objects: BTreeMap<&ObjectKey, Vec<&Observation>> = BTreeMap::new();
    for observation in observations {
        objects.entry(&observation.key).or_default().push(observation);
    }
    objects
}

/// Two parts of one object's events, folded apart and put together.
pub(super) fn join(a: &Folded, b: &Folded) -> Option<(Carry, Joined, Seconded)> {
    let mut seconds = a.memory.clone();
    for (second, entries) in &b.memory {
        let moment = seconds.entry(*second).or_default();
        moment.extend(entries.iter().cloned());
        moment.sort_by(|a, b| a.event.cmp(&b.event));
        moment.dedup_by(|a, b| a.event == b.event);
    }
    let mut joined = a.object.joined.clone();
    joined.join(&b.object.joined);
    register::resolve(a.object.key.kind, &seconds).map(|carry| (carry, joined, seconds))
}
