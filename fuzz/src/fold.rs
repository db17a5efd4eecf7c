//! The fold over entries in memory, as the projection does it over entries on disk.

use std::collections::BTreeMap;

use billfold::model::apply::{Applied, apply};
use billfold::model::id::EventId;
use billfold::model::object::Object;
use billfold::model::observation::{Observation, Snapshot};
use billfold::model::register::Seconded;

/// One object, its entries, and the snapshots that its records hold.
#[derive(Default, Clone)]
pub struct Fold<'a> {
    pub object: Option<Object>,
    pub entries: Seconded,
    records: BTreeMap<&'a EventId, &'a Snapshot>,
}

impl<'a> Fold<'a> {
    /// The fold of all of them, in that order.
    pub fn of(observations: impl IntoIterator<Item = &'a Observation>) -> Self {
        let mut fold = Self::default();
        for observation in observations {
            fold.take(observation);
        }
        fold
    }

    /// Folds one observation in; false if its event was known.
    pub fn take(&mut self, observation: &'a Observation) -> bool {
        let known = self.records.insert(&observation.event, &observation.snapshot).is_some();
        let before = self.object.as_ref().filter(|_| known).cloned();
        let Ok(applied) = apply(self.object.take(), observation.clone(), &mut self.entries);
        let (object, new) = match applied {
            Applied::Known(object) => {
                assert_eq!(object.as_deref(), before.as_ref(), "what is known changes nothing");
                (object.map(|object| *object), false)
            }
            Applied::Folded(object) => (Some(*object), true),
            Applied::Recall { object, winner } => {
                (Some(object.with_snapshot(self.records[&winner].clone())), true)
            }
        };
        assert_eq!(new, !known);
        self.object = object;
        new
    }

    /// The object's stored bytes.
    pub fn bytes(&self) -> Vec<u8> {
        stored(self.object.as_ref().unwrap())
    }
}

/// An object's bytes as the projection stores it.
pub fn stored(object: &Object) -> Vec<u8> {
    bincode::serde::encode_to_vec(object, bincode::config::standard()).unwrap()
}
