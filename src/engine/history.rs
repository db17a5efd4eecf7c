//! How an object or a payment came to be what it is: its states, second by second, with the events that made them.
//!
//! Folds the events again, in the order of their seconds, and looks after each second: the same fold, the same answers.

use std::collections::BTreeMap;

use crate::model::id::{EventId, ObjectId, ObjectKey};
use crate::model::object::Object;
use crate::model::observation::Snapshot;
use crate::model::time::Seconds;
use crate::projection::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PaymentRow, ScopeFilter};

use super::near::{keys_of, near};
use super::past::{Border, Told};
use super::{Billfold, QueryError};

/// The states of one object or payment.
#[derive(Debug, Clone)]
pub struct History {
    /// What it is, and its states; the newest last.
    pub states: Vec<Stage>,
    /// How many older states are left out.
    pub omitted: usize,
}

/// One state, from a second on.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Since when.
    pub created: Seconds,
    /// The events of that second that bear on it.
    pub events: Vec<EventId>,
    /// What it was then.
    pub state: Subject,
    /// What it was just before; none for the first state.
    pub before: Option<Box<Subject>>,
}

/// An object or a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An object.
    Object(Box<Object>),
    /// A payment.
    Payment(Box<PaymentRow>),
}

impl Subject {
    /// What people notice of it: everything but what only the fold needs.
    fn noticed(&self) -> (Option<Snapshot>, bool, bool, Option<&PaymentRow>) {
        match self {
            Self::Object(object) => (Some(object.current()), object.ambiguous(), object.deleted(), None),
            Self::Payment(row) => (None, false, false, Some(row)),
        }
    }
}

impl Billfold {
    /// The states of an object, or of a payment by its own id: at most `limit` of the newest (1 to [`PAGE_ITEMS_MAX`]; 0
    /// stands for [`PAGE_ITEMS_DEFAULT`]).
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`], [`QueryError::PastTooLong`].
    pub fn history(
        &self,
        id: &ObjectId,
        scope: &ScopeFilter,
        limit: usize,
    ) -> Result<Option<History>, QueryError> {
        let Some(subject) = self.subject(id, scope)? else { return Ok(None) };
        let projection = self.shared.projection();
        let (keys, within): (Vec<ObjectKey>, _) = match &subject {
            Subject::Object(object) => (vec![object.key.clone()], &object.key.scope),
            Subject::Payment(row) => (super::why::members(row), &row.scope),
        };
        let keys = match &subject {
            Subject::Object(_) => keys.into_iter().collect(),
            Subject::Payment(_) => near(&projection, keys, true)?,
        };
        let scope = ScopeFilter::only(within);
        let mut seconds: BTreeMap<Seconds, Vec<Told>> = BTreeMap::new();
        for told in self.told(&keys, Border::NONE)? {
            seconds.entry(told.created).or_default().push(told);
        }
        let view = self.empty_view()?;
        let mut states: Vec<Stage> = Vec::new();
        let mut folded = 0_u64;
        for (created, told) in seconds {
            let events = told.iter().map(|told| told.event.clone()).collect();
            folded = folded.saturating_add(told.len() as u64);
            view.fold_told(told, folded)?;
            let state = match &subject {
                Subject::Object(object) => view
                    .object(object.key.kind, id, &scope)?
                    .map(|shown| Subject::Object(Box::new(shown.object))),
                Subject::Payment(_) => {
                    view.payment_of_any(&keys, &scope)?.map(|row| Subject::Payment(Box::new(row)))
                }
            };
            let Some(state) = state else { continue };
            let before = states.last().map(|stage| stage.state.clone());
            if before.as_ref().map(Subject::noticed) != Some(state.noticed()) {
                states.push(Stage { created, events, state, before: before.map(Box::new) });
            }
        }
        let limit = if limit == 0 { PAGE_ITEMS_DEFAULT } else { limit.min(PAGE_ITEMS_MAX) };
        let omitted = states.len().saturating_sub(limit);
        states.drain(..omitted);
        Ok(Some(History { states, omitted }))
    }

    /// What an id stands for: a payment by its own id, else an object of any kind.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn subject(&self, id: &ObjectId, scope: &ScopeFilter) -> Result<Option<Subject>, QueryError> {
        if let Some(row) = self.payment(id, scope)?.filter(|row| row.payment.id == *id) {
            return Ok(Some(Subject::Payment(Box::new(row))));
        }
        let projection = self.shared.projection();
        for key in keys_of(&projection, id, scope)?.into_iter().filter(|key| key.id == *id) {
            if let Some(shown) = self.object(key.kind, id, scope)? {
                return Ok(Some(Subject::Object(Box::new(shown.object))));
            }
        }
        Ok(None)
    }

    /// The payment of the first of these that has one: before its intent is known it has another id.
    fn payment_of_any<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k ObjectKey>,
        scope: &ScopeFilter,
    ) -> Result<Option<PaymentRow>, QueryError> {
        for key in keys {
            if let Some(row) = self.payment(&key.id, scope)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
