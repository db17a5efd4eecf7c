//! The fold over entries in memory, as the projection does it over entries on disk.

use std::collections::BTreeMap;
use std::convert::Infallible;

use billfold::model::apply::{Applied, Moments, apply};
use billfold::model::id::EventId;
use billfold::model::object::Object;
use billfold::model::observation::{Entry, Observation, Snapshot};
use billfold::model::register::Seconded;
use billfold::model::time::Seconds;

/// One object, its entries, and the snapshots that its records hold.
#[derive(Default, Clone)]
pub struct Fold<'a> {
    pub object: Option<Object>,
    pub entries: Entries,
    records: BTreeMap<&'a EventId, &'a Snapshot>,
}

/// The entries of one object.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Entries(pub Seconded);

impl Moments for Entries {
    type Error = Infallible;

    fn load(&mut self, second: Seconds) -> Result<Vec<Entry>, Infallible> {
        Ok(self.0.get(&second).cloned().unwrap_or_default())
    }

    fn load_all(&mut self) -> Result<Seconded, Infallible> {
        Ok(self.0.clone())
    }

    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), Infallible> {
        assert!(entries.is_sorted_by(|a, b| a.event < b.event), "sorted, and each event once");
        self.0.insert(second, entries.to_vec());
        Ok(())
    }
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
