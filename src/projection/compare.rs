//! What another projection of the same records says otherwise. Never writes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use sled::IVec;

use crate::model::id::{ObjectId, Scope};

use super::keys::{self, StatusKey};
use super::query::Collection;
use super::staged::Row;
use super::{PaymentRow, Projection, ProjectionError, codec};

/// The most objects, and the most customers, that a comparison names. Beyond that it only counts.
pub const NAMED_MAX: usize = 100_000;

/// An object or payment whose status is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// What it is.
    pub collection: Collection,
    /// Whose, live or test.
    pub scope: Scope,
    /// Which.
    pub id: ObjectId,
    /// What it was; none for one that was not there.
    pub from: Option<Box<str>>,
    /// What it is; none for one that is no longer there.
    pub to: Option<Box<str>>,
}

/// What differs between two projections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rows, of any sort, that are not the same bytes.
    pub rows: u64,
    /// Statuses of what can be listed by status, by collection, scope and id.
    pub statuses: Vec<StatusChange>,
    /// The customers of the objects and payments that differ. Empty where rows cannot be read.
    pub customers: BTreeSet<(Scope, ObjectId)>,
    /// More than [`NAMED_MAX`] differ; not all are named.
    pub cut: bool,
}

type Statuses = BTreeMap<(Collection, Scope, ObjectId), (Option<Box<str>>, Option<Box<str>>)>;

impl Projection {
    /// What `newer` says otherwise. Statuses are compared by the keys of lists, which versions share; rows are looked
    /// into only if this version wrote them.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn compare(&self, newer: &Self) -> Result<Comparison, ProjectionError> {
        let mut comparison = Comparison::default();
        let mut statuses = Statuses::new();
        self.walk_beside(newer, |key, old, new| {
            comparison.rows = comparison.rows.saturating_add(1);
            if let Some(StatusKey { collection, scope, status, id }) = keys::parse_status(key) {
                let place = (collection, scope, id);
                if statuses.len() >= NAMED_MAX && !statuses.contains_key(&place) {
                    comparison.cut = true;
                    return Ok(());
                }
                let (from, to) = statuses.entry(place).or_default();
                let side = if new.is_some() { to } else { from };
                *side = Some(status);
            } else if self.readable {
                for row in [old, new].into_iter().flatten() {
                    if comparison.customers.len() >= NAMED_MAX {
                        comparison.cut = true;
                        break;
                    }
                    comparison.customers.extend(customer_of(key, row)?);
                }
            }
            Ok(())
        })?;
        comparison.statuses = statuses
            .into_iter()
            // Listed elsewhere, under the same status.
            .filter(|(_, (from, to))| from != to)
            .map(|((collection, scope, id), (from, to))| StatusChange { collection, scope, id, from, to })
            .collect();
        Ok(comparison)
    }

    /// Every key whose value is not the same on both sides, in order.
    fn walk_beside(
        &self,
        newer: &Self,
        mut differs: impl FnMut(&[u8], Option<&[u8]>, Option<&[u8]>) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let (mut olds, mut news) = (self.rows(), newer.rows());
        let (mut old, mut new) = (olds.next().transpose()?, news.next().transpose()?);
        loop {
            let order = match (&old, &new) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let left =
                if order.is_le() { std::mem::replace(&mut old, olds.next().transpose()?) } else { None };
            let right =
                if order.is_ge() { std::mem::replace(&mut new, news.next().transpose()?) } else { None };
            let (was, is) =
                (left.as_ref().map(|(_, value)| &**value), right.as_ref().map(|(_, value)| &**value));
            let Some((key, _)) = left.as_ref().or(right.as_ref()).filter(|_| was != is) else { continue };
            differs(key, was, is)?;
        }
    }

    /// All that is a function of the records.
    fn rows(&self) -> impl Iterator<Item = Result<(IVec, IVec), ProjectionError>> {
        let rows = self.view.tree.iter().map(|row| row.map_err(ProjectionError::from));
        rows.filter(|row| !row.as_ref().is_ok_and(|(key, _)| key == keys::CHECKPOINT))
    }
}

/// Whose object or payment a row is, if it is one and says so.
fn customer_of(key: &[u8], row: &[u8]) -> Result<Option<(Scope, ObjectId)>, ProjectionError> {
    if keys::is_object(key) {
        let Row { object, .. } = codec::decode(row)?;
        return Ok(object.customer().cloned().map(|customer| (object.key.scope, customer)));
    }
    if keys::is_payment(key) {
        let PaymentRow { scope, payment } = codec::decode(row)?;
        return Ok(payment.customer.map(|customer| (scope, customer)));
    }
    Ok(None)
}
