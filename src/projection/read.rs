//! Reading derived state: one object, one payment, the counts. Never writes; pages of lists are in `list`.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::Entry;
use crate::model::time::Seconds;

use super::derive::ListedUnder;
use super::keys::Tally;
use super::query::ScopeFilter;
use super::staged::Row;
use super::{FoldOutcome, PaymentRow, ProjectionError, Unfolded, View, codec, index, keys, staged};

/// An object with what only others can say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The object.
    pub object: Object,
    /// Its customer: its own word, else the word of the payment that it belongs to.
    pub customer: Option<ObjectId>,
}

/// How many objects there are, and how many of them deserve a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Objects by kind.
    pub objects: BTreeMap<ObjectKind, u64>,
    /// Objects whose last state is not decided by their events.
    pub ambiguous: u64,
    /// Objects whose newest event contradicts what is known for certain.
    pub created_inversions: u64,
    /// Objects that came to two final states.
    pub contradictory: u64,
}

/// How many records of a type came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeCount {
    /// The type; empty where the record says none.
    pub event_type: Box<str>,
    /// What came of them.
    pub outcome: FoldOutcome,
    /// How many.
    pub count: u64,
}

impl View<'_> {
    /// Every scope that holds something.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn scopes(&self) -> Result<Vec<Scope>, ProjectionError> {
        let prefix = keys::scopes();
        let mut scopes = Vec::new();
        for row in self.below(&prefix) {
            scopes.extend(row?.0.strip_prefix(&*prefix).and_then(keys::parse_scope));
        }
        Ok(scopes)
    }

    /// An object by its full key.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn object(&self, key: &ObjectKey) -> Result<Option<Shown>, ProjectionError> {
        match self.get(&keys::object(key))? {
            Some(bytes) => codec::decode(&bytes).and_then(|row: Row| self.shown(row.object)).map(Some),
            None => Ok(None),
        }
    }

    fn shown(&self, object: Object) -> Result<Shown, ProjectionError> {
        let customer = match object.customer() {
            Some(customer) => Some(customer.clone()),
            None => match self.get(&keys::owner(&object.key))? {
                Some(bytes) => Some(codec::decode::<ListedUnder>(&bytes)?.customer),
                None => None,
            },
        };
        Ok(Shown { object, customer })
    }

    /// The objects of one id, one for each scope that passes.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn objects_by_id(
        &self,
        kind: ObjectKind,
        id: &ObjectId,
        scope: &ScopeFilter,
    ) -> Result<Vec<Shown>, ProjectionError> {
        let mut found = Vec::new();
        for row in self.below(&keys::object_in_any_scope(kind, id)) {
            let Row { object, .. } = codec::decode(&row?.1)?;
            if scope.admits(&object.key.scope) {
                found.push(self.shown(object)?);
            }
        }
        Ok(found)
    }

    /// The entries of an object, by second.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn moments(&self, key: &ObjectKey) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
        let mut moments = staged::load_moments(self.below(&keys::moments(key)))?;
        if let Some(bytes) = self.get(&keys::object(key))? {
            let row: Row = codec::decode(&bytes)?;
            moments.insert(row.object.newest, row.newest);
        }
        Ok(moments)
    }

    /// Who names this object.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn named_by(&self, key: &ObjectKey) -> Result<Vec<ObjectKey>, ProjectionError> {
        let prefix = keys::linked_from(key);
        let mut found = Vec::new();
        for row in self.below(&prefix) {
            if let Some((kind, id)) = keys::link_source(&row?.0, &prefix) {
                found.push(ObjectKey { kind, id, scope: key.scope.clone() });
            }
        }
        Ok(found)
    }

    /// The payment with this id, in one scope.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn payment(&self, id: &ObjectId, scope: &Scope) -> Result<Option<PaymentRow>, ProjectionError> {
        self.get(&keys::payment(id, scope))?.map(|bytes| codec::decode(&bytes)).transpose()
    }

    /// The payments that an id (the payment's own, or that of any member) belongs to, one for each
    /// scope that passes.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn payments_by_member(
        &self,
        id: &ObjectId,
        scope: &ScopeFilter,
    ) -> Result<Vec<PaymentRow>, ProjectionError> {
        let mut found = Vec::new();
        for row in self.below(&keys::payment_in_any_scope(id)) {
            let row: PaymentRow = codec::decode(&row?.1)?;
            found.extend(Some(row).filter(|row| scope.admits(&row.scope)));
        }
        let prefix = keys::members(id);
        for item in self.below(&prefix) {
            let (key, value) = item?;
            let Some(within) = key.strip_prefix(&*prefix).and_then(keys::parse_scope) else { continue };
            if scope.admits(&within) {
                let payment: ObjectId = codec::decode(&value)?;
                found.extend(self.payment(&payment, &within)?);
            }
        }
        Ok(found)
    }

    /// The customers that the merchant knows under a reference, in one scope.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn customers_of_reference(
        &self,
        reference: &str,
        scope: &Scope,
    ) -> Result<Vec<ObjectId>, ProjectionError> {
        let prefix = keys::references(&index::hash_reference(reference), scope);
        let mut found = Vec::new();
        for row in self.below(&prefix) {
            found.extend(keys::reference_customer(&row?.0, &prefix));
        }
        found.dedup();
        Ok(found)
    }

    /// How many records of each type came to which outcome.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn type_counts(&self) -> Result<Vec<TypeCount>, ProjectionError> {
        let mut found = Vec::new();
        for item in self.below(&keys::counts()) {
            let (key, value) = item?;
            let count: i64 = codec::decode(&value)?;
            let Some((outcome, event_type)) = keys::parse_count(&key) else { continue };
            if let (Some(outcome), Ok(count @ 1..)) = (FoldOutcome::parse(outcome), u64::try_from(count)) {
                found.push(TypeCount { event_type: event_type.into(), outcome, count });
            }
        }
        Ok(found)
    }

    /// Up to `max` records of an outcome that changed no object, by id, behind `after`.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn unfolded(
        &self,
        outcome: FoldOutcome,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(Box<str>, Unfolded)>, ProjectionError> {
        let prefix = keys::unfolded_of(outcome.as_str());
        let start = match after {
            Some(record) => Bound::Excluded(keys::unfolded(outcome.as_str(), record)),
            None => Bound::Included(prefix.clone()),
        };
        let mut found = Vec::new();
        for item in self.range((start, Bound::Unbounded)).take(max) {
            let (key, value) = item?;
            let Some(record) = keys::unfolded_record(&key, &prefix) else { break };
            found.push((record.into(), codec::decode(&value)?));
        }
        Ok(found)
    }

    /// How many objects there are, and how many of them deserve a look.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn census(&self) -> Result<Census, ProjectionError> {
        let mut census = Census::default();
        let prefix = keys::tallies();
        for item in self.below(&prefix) {
            let (key, value) = item?;
            let Some((what, kind)) = key.strip_prefix(&*prefix).and_then(keys::parse_tally) else { continue };
            let count = u64::try_from(codec::decode::<i64>(&value)?).unwrap_or_default();
            let sum = match what {
                Tally::Exists => census.objects.entry(kind).or_default(),
                Tally::Ambiguous => &mut census.ambiguous,
                Tally::Inverted => &mut census.created_inversions,
                Tally::Contradictory => &mut census.contradictory,
            };
            *sum = sum.saturating_add(count);
        }
        Ok(census)
    }
}
