//! A batch in the making: what the next atomic write will contain, readable as if it were written.
//!
//! Rows are kept decoded while the batch grows, so that a burst of events on one object costs one
//! write. Nothing reaches the tree before `commit`, and then all of it does, with the checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::apply::Moments;
use crate::model::id::ObjectKey;
use crate::model::object::Object;
use crate::model::observation::Entry;
use crate::model::time::Seconds;

use super::derive::PaymentRow;
use super::keys::Tally;
use super::view::{Overlay, Rows, View};
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
    /// Its newest second in the row; none before it has one.
    stored_newest: Option<Seconds>,
    dirty: bool,
}

/// The batch.
pub(super) struct Staged<'t> {
    tree: &'t sled::Tree,
    reference_keys: &'t [Box<str>],
    objects: BTreeMap<ObjectKey, Cached>,
    /// Changed since they were last turned into writes.
    dirty: Vec<ObjectKey>,
    moments: BTreeMap<Vec<u8>, Vec<Entry>>,
    dirty_moments: Vec<Vec<u8>>,
    counts: BTreeMap<Vec<u8>, i64>,
    writes: Overlay,
}

impl<'t> Staged<'t> {
    pub(super) fn new(tree: &'t sled::Tree, reference_keys: &'t [Box<str>]) -> Self {
        Self {
            tree,
            reference_keys,
            objects: BTreeMap::new(),
            dirty: Vec::new(),
            moments: BTreeMap::new(),
            dirty_moments: Vec::new(),
            counts: BTreeMap::new(),
            writes: Overlay::new(),
        }
    }

    /// What the batch will leave of the objects that are settled.
    pub(super) fn view(&self) -> View<'_> {
        View::under(self.tree, &self.writes)
    }

    /// Takes the object out of the batch, to be changed and put back.
    pub(super) fn take(&mut self, key: &ObjectKey) -> Result<Option<Object>, ProjectionError> {
        Ok(self.cached(key)?.object.take())
    }

    /// Puts an object back, changed or not.
    pub(super) fn put(&mut self, object: Object, changed: bool) -> Result<(), ProjectionError> {
        let key = object.key.clone();
        let cached = self.cached(&key)?;
        cached.object = Some(object);
        if changed && !cached.dirty {
            cached.dirty = true;
            self.dirty.push(key);
        }
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
                let stored_newest = object.as_ref().map(|object| object.newest);
                Ok(slot.insert(Cached { object, stored_under, stored_as, stored_newest, dirty: false }))
            }
        }
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

    /// Turns what has changed since the last time into writes, with everything it is listed under; returns which objects.
    pub(super) fn settle_objects(&mut self) -> Result<BTreeSet<ObjectKey>, ProjectionError> {
        let changed: BTreeSet<ObjectKey> = std::mem::take(&mut self.dirty).into_iter().collect();
        let mut moments: BTreeSet<Vec<u8>> = std::mem::take(&mut self.dirty_moments).into_iter().collect();
        for key in &changed {
            let Some(cached) = self.objects.get_mut(key) else { continue };
            cached.dirty = false;
            let Some(object) = &cached.object else { continue };
            // The entries of the newest second lie in the object's row; older ones have rows of their own.
            let place = keys::moment(key, object.newest);
            moments.remove(&place);
            if let Some(before) = cached.stored_newest.filter(|before| *before != object.newest) {
                moments.insert(keys::moment(key, before));
            }
            cached.stored_newest = Some(object.newest);
            let newest = self.moments.get(&place).map(Vec::as_slice).unwrap_or_default();
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
        for key in moments {
            if let Some(entries) = self.moments.get(&key) {
                self.writes.insert(key, Some(codec::encode(entries)?));
            }
        }
        Ok(changed)
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
            // Rows that this batch has written are still among its moments.
            None => match self.staged.tree.get(&key)? {
                Some(bytes) => codec::decode(&bytes),
                None => Ok(Vec::new()),
            },
        }
    }

    fn load_all(&mut self) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
        let mut moments = load_moments(self.staged.view().below(&self.prefix))?;
        let staged = self.staged.moments.range(self.prefix.clone()..);
        for (key, entries) in staged.take_while(|(key, _)| key.starts_with(&self.prefix)) {
            if let Some(second) = keys::moment_second(key) {
                moments.insert(second, entries.clone());
            }
        }
        Ok(moments)
    }

    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), ProjectionError> {
        let key = keys::moment(&self.key, second);
        self.staged.dirty_moments.push(key.clone());
        self.staged.moments.insert(key, entries.to_vec());
        Ok(())
    }
}

/// The stored entries among an object's rows, by second.
pub(super) fn load_moments(rows: Rows<'_>) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
    let mut moments = BTreeMap::new();
    for row in rows {
        let (key, bytes) = row?;
        if let Some(second) = keys::moment_second(&key) {
            moments.insert(second, codec::decode(&bytes)?);
        }
    }
    Ok(moments)
}
