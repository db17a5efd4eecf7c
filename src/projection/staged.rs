//! A batch in the making: what the next atomic write will contain, readable as if it were written.
//!
//! Rows are kept decoded while the batch grows, so that a burst of events on one object costs one
//! write. Nothing reaches the tree before `commit`, and then all of it does, with the checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::apply::Moments;
use crate::model::id::{ObjectId, ObjectKey};
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::Entry;
use crate::model::time::Seconds;

use super::derive::PaymentRow;
use super::keys::Tally;
use super::{Checkpoint, ProjectionError, codec, index, keys};

/// The stored form of an object: with the entries of its newest second, which the next event most likely needs.
/// Entries of older seconds have rows of their own.
#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) object: Object,
    pub(super) newest: Vec<Entry>,
}

/// An object in the batch, with what its stored version is listed under.
pub(super) struct Cached {
    pub(super) object: Option<Object>,
    stored_under: BTreeSet<Vec<u8>>,
    stored_as: BTreeSet<Tally>,
    dirty: bool,
}

/// The batch.
pub(super) struct Staged<'t> {
    tree: &'t sled::Tree,
    reference_keys: &'t [Box<str>],
    objects: BTreeMap<ObjectKey, Cached>,
    moments: BTreeMap<Vec<u8>, Vec<Entry>>,
    counts: BTreeMap<Vec<u8>, i64>,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'t> Staged<'t> {
    pub(super) fn new(tree: &'t sled::Tree, reference_keys: &'t [Box<str>]) -> Self {
        Self {
            tree,
            reference_keys,
            objects: BTreeMap::new(),
            moments: BTreeMap::new(),
            counts: BTreeMap::new(),
            writes: BTreeMap::new(),
        }
    }

    /// Takes the object out of the batch, to be changed and put back.
    pub(super) fn take(&mut self, key: &ObjectKey) -> Result<Option<Object>, ProjectionError> {
        Ok(self.cached(key)?.object.take())
    }

    /// Puts an object back, changed or not.
    pub(super) fn put(&mut self, object: Object, changed: bool) -> Result<(), ProjectionError> {
        let cached = self.cached(&object.key.clone())?;
        cached.object = Some(object);
        cached.dirty |= changed;
        Ok(())
    }

    /// Looks at an object.
    pub(super) fn object(&mut self, key: &ObjectKey) -> Result<Option<&Object>, ProjectionError> {
        Ok(self.cached(key)?.object.as_ref())
    }

    fn cached(&mut self, key: &ObjectKey) -> Result<&mut Cached, ProjectionError> {
        use std::collections::btree_map::Entry as Slot;
        match self.objects.entry(key.clone()) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => {
                let object = match self.tree.get(keys::object(key))? {
                    Some(bytes) => {
                        let Row { object, newest } = codec::decode(&bytes)?;
                        self.moments.insert(keys::moment(key, object.newest), newest);
                        Some(object)
                    }
                    None => None,
                };
                let stored_under = object
                    .as_ref()
                    .map(|object| index::keys_of(object, self.reference_keys))
                    .unwrap_or_default();
                let stored_as = object.as_ref().map(tallies).unwrap_or_default();
                Ok(slot.insert(Cached { object, stored_under, stored_as, dirty: false }))
            }
        }
    }

    /// The keys of the objects that changed in this batch.
    pub(super) fn changed(&self) -> Vec<ObjectKey> {
        self.objects.iter().filter(|(_, cached)| cached.dirty).map(|(key, _)| key.clone()).collect()
    }

    /// The entries of one object, for the fold.
    pub(super) fn moments_of<'s>(
        &'s mut self,
        key: &ObjectKey,
        newest: Option<Seconds>,
    ) -> MomentsOf<'s, 't> {
        MomentsOf { prefix: keys::moments(key), key: key.clone(), newest, staged: self }
    }

    /// Adds to a count.
    pub(super) fn count(&mut self, key: Vec<u8>, by: i64) {
        add(&mut self.counts, key, by);
    }

    pub(super) fn write(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// A row, as the batch will leave it.
    pub(super) fn row<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, ProjectionError> {
        match self.writes.get(key) {
            Some(Some(bytes)) => codec::decode(bytes).map(Some),
            Some(None) => Ok(None),
            None => self.tree.get(key)?.map(|bytes| codec::decode(&bytes)).transpose(),
        }
    }

    /// The keys below a prefix, as the batch will leave them.
    fn keys_below(&self, prefix: &[u8]) -> Result<BTreeSet<Vec<u8>>, ProjectionError> {
        let mut keys = BTreeSet::new();
        for key in self.tree.scan_prefix(prefix).keys() {
            keys.insert(key?.to_vec());
        }
        let staged = self.writes.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        for (key, value) in staged {
            if value.is_some() {
                keys.insert(key.clone());
            } else {
                keys.remove(key);
            }
        }
        Ok(keys)
    }

    /// Who names this object. Only after [`Staged::settle_objects`].
    pub(super) fn named_by(&self, key: &ObjectKey) -> Result<Vec<(ObjectKind, ObjectId)>, ProjectionError> {
        let prefix = keys::linked_from(key);
        let found = self.keys_below(&prefix)?;
        Ok(found.iter().filter_map(|key| keys::link_source(key, &prefix)).collect())
    }

    /// Turns the changed objects and entries into writes, with everything they are listed under.
    pub(super) fn settle_objects(&mut self) -> Result<(), ProjectionError> {
        for (key, cached) in &mut self.objects {
            let Some(object) = &cached.object else { continue };
            let newest = self.moments.remove(&keys::moment(key, object.newest)).unwrap_or_default();
            if !cached.dirty {
                continue;
            }
            self.writes.insert(keys::object(key), Some(codec::encode(&(object, newest))?));
            let listed_under = index::keys_of(object, self.reference_keys);
            for stale in cached.stored_under.difference(&listed_under) {
                self.writes.insert(stale.clone(), None);
            }
            for fresh in listed_under.difference(&cached.stored_under) {
                self.writes.insert(fresh.clone(), Some(Vec::new()));
            }
            cached.stored_under = listed_under;
            let counted_as = tallies(object);
            for gone in cached.stored_as.difference(&counted_as) {
                add(&mut self.counts, keys::tally(*gone, key.kind), -1);
            }
            for fresh in counted_as.difference(&cached.stored_as) {
                add(&mut self.counts, keys::tally(*fresh, key.kind), 1);
            }
            cached.stored_as = counted_as;
        }
        // What is left is older than its object's newest second.
        for (key, entries) in std::mem::take(&mut self.moments) {
            self.writes.insert(key, Some(codec::encode(&entries)?));
        }
        Ok(())
    }

    /// Replaces the row of a payment and what it is listed under.
    pub(super) fn put_payment(
        &mut self,
        key: Vec<u8>,
        row: Option<&PaymentRow>,
    ) -> Result<(), ProjectionError> {
        let old: Option<PaymentRow> = self.row(&key)?;
        if old.as_ref() == row {
            return Ok(());
        }
        for stale in old.iter().flat_map(index::keys_of_payment) {
            self.remove(stale);
        }
        match row {
            Some(row) => {
                for fresh in index::keys_of_payment(row) {
                    self.write(fresh, Vec::new());
                }
                self.write(key, codec::encode(row)?);
            }
            None => self.remove(key),
        }
        Ok(())
    }

    /// Writes the whole batch and the checkpoint in one piece.
    pub(super) fn commit(mut self, checkpoint: Checkpoint) -> Result<(), ProjectionError> {
        for (key, by) in std::mem::take(&mut self.counts) {
            let stored: i64 = self.row(&key)?.unwrap_or_default();
            // A count of nothing is no row: the bytes tell what is, not what was.
            let value = match stored.saturating_add(by) {
                0 => None,
                count => Some(codec::encode(&count)?),
            };
            self.writes.insert(key, value);
        }
        let mut batch = sled::Batch::default();
        for (key, value) in self.writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch.insert(keys::CHECKPOINT, codec::encode(&checkpoint)?);
        self.tree.apply_batch(batch)?;
        Ok(())
    }
}

fn add(counts: &mut BTreeMap<Vec<u8>, i64>, key: Vec<u8>, by: i64) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(by);
}

/// What an object is counted as.
fn tallies(object: &Object) -> BTreeSet<Tally> {
    let flags = [
        (Tally::Exists, true),
        (Tally::Ambiguous, object.ambiguous()),
        (Tally::Inverted, object.created_inversion()),
        (Tally::Contradictory, object.contradictory()),
    ];
    flags.into_iter().filter(|(_, is)| *is).map(|(tally, _)| tally).collect()
}

/// The entries of one object inside the batch.
pub(super) struct MomentsOf<'s, 't> {
    key: ObjectKey,
    prefix: Vec<u8>,
    /// The object's newest second: its entries came with its row, and later ones do not exist.
    newest: Option<Seconds>,
    staged: &'s mut Staged<'t>,
}

impl Moments for MomentsOf<'_, '_> {
    type Error = ProjectionError;

    fn load(&mut self, second: Seconds) -> Result<Vec<Entry>, ProjectionError> {
        let key = keys::moment(&self.key, second);
        match self.staged.moments.get(&key) {
            Some(entries) => Ok(entries.clone()),
            None if self.newest.is_none_or(|newest| newest <= second) => Ok(Vec::new()),
            None => match self.staged.tree.get(&key)? {
                Some(bytes) => codec::decode(&bytes),
                None => Ok(Vec::new()),
            },
        }
    }

    fn load_all(&mut self) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
        let mut moments = load_moments(self.staged.tree, &self.prefix)?;
        let staged = self.staged.moments.range(self.prefix.clone()..);
        for (key, entries) in staged.take_while(|(key, _)| key.starts_with(&self.prefix)) {
            if let Some(second) = keys::moment_second(key) {
                moments.insert(second, entries.clone());
            }
        }
        Ok(moments)
    }

    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), ProjectionError> {
        self.staged.moments.insert(keys::moment(&self.key, second), entries.to_vec());
        Ok(())
    }
}

/// The stored entries below an object's prefix, by second.
pub(super) fn load_moments(
    tree: &sled::Tree,
    prefix: &[u8],
) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
    let mut moments = BTreeMap::new();
    for item in tree.scan_prefix(prefix) {
        let (key, bytes) = item?;
        if let Some(second) = keys::moment_second(&key) {
            moments.insert(second, codec::decode(&bytes)?);
        }
    }
    Ok(moments)
}
