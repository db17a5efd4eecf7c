//! What can be read of derived state: the tree, with a batch in the making laid over it where there is one.
//!
//! The one way to read rows, so that what is looked at between two records of a batch is what will be stored. Never writes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::ops::Bound;

use sled::IVec;

use crate::storage::Closing;

use super::ProjectionError;

/// Rows that a batch will write, or remove where there is none.
pub(super) type Overlay = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Derived state, for reading.
#[derive(Debug)]
pub struct View<'o> {
    pub(super) tree: Closing<sled::Tree>,
    overlay: Option<&'o Overlay>,
}

impl<'o> View<'o> {
    /// The tree alone.
    pub(super) const fn of(tree: sled::Tree) -> Self {
        Self { tree: Closing::new(tree), overlay: None }
    }

    /// The tree as it will be once the rows are written.
    pub(super) fn under(tree: &sled::Tree, overlay: &'o Overlay) -> Self {
        Self { tree: Closing::new(tree.clone()), overlay: Some(overlay) }
    }

    /// The row of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>, ProjectionError> {
        match self.overlay.and_then(|overlay| overlay.get(key)) {
            Some(row) => Ok(row.as_deref().map(IVec::from)),
            None => Ok(self.tree.get(key)?),
        }
    }

    /// The rows between two bounds, ascending.
    pub(super) fn range(&self, bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Rows<'_> {
        let staged = self.overlay.filter(|_| !is_empty(&bounds)).map(|overlay| {
            let bounds = (bounds.0.as_ref().map(Vec::as_slice), bounds.1.as_ref().map(Vec::as_slice));
            overlay.range::<[u8], _>(bounds).peekable()
        });
        let stored =
            if is_empty(&bounds) { self.tree.range(Vec::new()..Vec::new()) } else { self.tree.range(bounds) };
        Rows { stored, ahead: None, staged }
    }

    /// The rows below a prefix, ascending.
    pub(super) fn below(&self, prefix: &[u8]) -> Rows<'_> {
        self.range((Bound::Included(prefix.to_vec()), end_of(prefix)))
    }
}

/// Behind every key of a prefix.
fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Both trees refuse a range that ends before it starts.
fn is_empty((start, end): &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> bool {
    match (start, end) {
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
            start >= end
        }
        _ => false,
    }
}

type StagedRows<'v> = Peekable<btree_map::Range<'v, Vec<u8>, Option<Vec<u8>>>>;

/// Rows in the order of their keys.
pub(super) struct Rows<'v> {
    stored: sled::Iter,
    /// Read from the tree, and behind the next staged one.
    ahead: Option<(IVec, IVec)>,
    staged: Option<StagedRows<'v>>,
}

impl Rows<'_> {
    fn next_stored(&mut self) -> Option<Result<(IVec, IVec), ProjectionError>> {
        match self.ahead.take() {
            Some(row) => Some(Ok(row)),
            None => self.stored.next().map(|row| row.map_err(ProjectionError::from)),
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<(IVec, IVec), ProjectionError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stored = match self.next_stored() {
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(row)) => Some(row),
                None => None,
            };
            let Some(staged) = self.staged.as_mut() else { return stored.map(Ok) };
            let order = match (&stored, staged.peek()) {
                (_, None) => return stored.map(Ok),
                (None, Some(_)) => Ordering::Greater,
                (Some((key, _)), Some((other, _))) => key.as_ref().cmp(other.as_slice()),
            };
            if order.is_lt() {
                return stored.map(Ok);
            }
            if order.is_gt() {
                self.ahead = stored;
            }
            // The staged row stands for the stored one of the same key.
            if let Some((key, Some(row))) = staged.next() {
                return Some(Ok((IVec::from(key.as_slice()), IVec::from(row.as_slice()))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![Just(0_u8), Just(1), Just(0xff)], 0..4)
    }

    proptest! {
        #[test]
        fn a_view_is_what_the_tree_will_be(
            stored in btree_set(key(), 0..20),
            staged in btree_map(key(), proptest::option::of(Just(vec![7_u8])), 0..20),
            prefix in key(),
            start in key(),
            end in key(),
        ) {
            let db = sled::Config::new().temporary(true).open().unwrap();
            let tree = db.open_tree("state").unwrap();
            for key in &stored {
                tree.insert(key, &[1_u8]).unwrap();
            }
            let mut wanted: BTreeMap<Vec<u8>, Vec<u8>> =
                stored.into_iter().map(|key| (key, vec![1])).collect();
            for (key, row) in &staged {
                match row {
                    Some(row) => wanted.insert(key.clone(), row.clone()),
                    None => wanted.remove(key),
                };
            }
            let view = View::under(&tree, &staged);
            let read = |rows: Rows<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
                rows.map(|row| row.map(|(key, row)| (key.to_vec(), row.to_vec())).unwrap()).collect()
            };
            let below = wanted.clone().into_iter().filter(|(key, _)| key.starts_with(&prefix));
            prop_assert_eq!(read(view.below(&prefix)), below.collect::<Vec<_>>());
            let between = wanted.clone().into_iter().filter(|(key, _)| *key > start && *key <= end);
            let bounds = (Bound::Excluded(start.clone()), Bound::Included(end.clone()));
            prop_assert_eq!(read(view.range(bounds)), between.collect::<Vec<_>>());
            prop_assert_eq!(view.get(&start).unwrap().map(|row| row.to_vec()), wanted.get(&start).cloned());
        }
    }
}
