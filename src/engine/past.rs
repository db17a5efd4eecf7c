//! The past: the records that bear on a question and lie before a moment are folded into a projection that goes away,
//! and asked the same question.
//!
//! Never writes to the log or to the projection in use.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::log::{Position, Provider, RecordId};
use crate::model::id::{EventId, ObjectId, ObjectKey};
use crate::model::kind::ObjectKind;
use crate::model::time::{Millis, Seconds};
use crate::projection::{
    Checkpoint, Collection, Cursor, ListQuery, Page, PaymentRow, Projection, ScopeFilter, Shown, Step,
};

use super::near::{keys_of, near};
use super::operations::Operations;
use super::{AccessAnswer, Billfold, QueryError, Shared, access, decode, fold, open};

/// The most records that are folded for one question about the past.
pub const PAST_RECORDS_MAX: usize = 20_000;
/// The most objects that one page of a past list looks at: with a filter, a page may be short and still have a next one.
pub const PAST_OBJECTS_MAX: usize = 200;
/// The sled cache of a projection that goes away, in bytes.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// A moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What was known when this record had come.
    Position(Position),
    /// What was known at this time: the records that had come by then.
    Received(Millis),
    /// What was true: the events made up to and with this second, whenever they came.
    Created(Seconds),
}

/// What counts at a moment: both have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    /// The last record that counts.
    pub position: Position,
    /// The last second whose events count.
    pub created: Seconds,
}

impl Border {
    /// Everything counts.
    pub(super) const NONE: Self = Self { position: Position::new(u64::MAX), created: Seconds(i64::MAX) };

    /// Whether an event counts; one without a time of its own counts where times do not matter.
    pub(super) fn admits(self, position: Position, created: Option<Seconds>) -> bool {
        position <= self.position && created.is_none_or(|created| created <= self.created)
    }
}

/// As much of the state of a moment as one question needs.
#[derive(Debug)]
pub struct Past {
    view: Billfold,
    border: Border,
    clock: Seconds,
}

/// What a record says, and where it lies.
pub(super) struct Told {
    pub(super) position: Position,
    pub(super) created: Seconds,
    pub(super) event: EventId,
    step: Step,
}

impl Billfold {
    /// The last position that was received at or before a moment.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn position_at(&self, moment: Millis) -> Result<Position, QueryError> {
        let log = &self.shared.log;
        // Times of receipt never fall along positions.
        let (mut low, mut high) = (0, log.head().position.get());
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let before = Position::new(middle.saturating_sub(1));
            // Positions may have gaps: this is the next record at or behind the middle.
            let found = log.read(before, 1)?.pop();
            match found {
                Some(record) if record.content.received_at <= moment => {
                    low = record.position.get().max(middle).min(high);
                }
                _ => high = middle.saturating_sub(1),
            }
        }
        Ok(Position::new(low))
    }

    /// The state as of a moment, of the objects and payments with these ids and of all that bears on them.
    ///
    /// # Errors
    /// [`QueryError::PastTooLong`].
    pub fn past_of(&self, ids: &[ObjectId], scope: &ScopeFilter, as_of: AsOf) -> Result<Past, QueryError> {
        let projection = self.shared.projection();
        let mut keys = Vec::new();
        for id in ids {
            keys.extend(keys_of(&projection, id, scope)?);
        }
        self.fold_past(&near(&projection, keys, true)?, as_of)
    }

    /// The access of a customer as of a moment, which the clock is set to; none for one that nothing is known of.
    ///
    /// # Errors
    /// [`QueryError::PastTooLong`], [`QueryError::SeveralScopes`].
    pub fn past_access(
        &self,
        customer: &ObjectId,
        scope: &ScopeFilter,
        as_of: AsOf,
    ) -> Result<(Past, Option<AccessAnswer>), QueryError> {
        let past = self.past_of(std::slice::from_ref(customer), scope, as_of)?;
        let answer = past.view.access(customer, scope, past.clock)?;
        Ok((past, answer))
    }

    /// The same by the merchant's own user id. Who carries it is read from the state of today.
    ///
    /// # Errors
    /// [`QueryError::PastTooLong`], [`QueryError::SeveralScopes`].
    pub fn past_access_by_reference(
        &self,
        reference: &str,
        scope: &ScopeFilter,
        as_of: AsOf,
    ) -> Result<(Past, Option<AccessAnswer>), QueryError> {
        let projection = self.shared.projection();
        let known = access::known_by_reference(&projection, reference, scope)?;
        let ids: Vec<ObjectId> = known.iter().flat_map(|(customers, _)| customers.clone()).collect();
        let past = self.past_of(&ids, scope, as_of)?;
        let policy = &self.shared.options.policy;
        let answer = access::answer(&past.view.shared.projection(), policy, known, past.clock)?;
        Ok((past, answer))
    }

    /// A page of objects as of a moment. See [`PAST_OBJECTS_MAX`].
    ///
    /// # Errors
    /// [`QueryError::PastTooLong`].
    pub fn past_objects(
        &self,
        kind: ObjectKind,
        query: &ListQuery,
        as_of: AsOf,
    ) -> Result<(Past, Page<Shown>), QueryError> {
        let (past, rest) = self.past_list(Collection::Objects(kind), query, as_of)?;
        let mut page = past.view.objects(kind, &ListQuery { after: None, ..query.clone() })?;
        page.next = page.next.or(rest);
        Ok((past, page))
    }

    /// A page of payments as of a moment. See [`PAST_OBJECTS_MAX`].
    ///
    /// # Errors
    /// [`QueryError::PastTooLong`].
    pub fn past_payments(
        &self,
        query: &ListQuery,
        as_of: AsOf,
    ) -> Result<(Past, Page<PaymentRow>), QueryError> {
        let (past, rest) = self.past_list(Collection::Payments, query, as_of)?;
        let mut page = past.view.payments(&ListQuery { after: None, ..query.clone() })?;
        page.next = page.next.or(rest);
        Ok((past, page))
    }

    /// Folds the next objects of a list, as they were. Links and times of making only grow, so that what was listed then
    /// is listed now, if under another status. Also where the list goes on behind them.
    fn past_list(
        &self,
        collection: Collection,
        query: &ListQuery,
        as_of: AsOf,
    ) -> Result<(Past, Option<Cursor>), QueryError> {
        let projection = self.shared.projection();
        // Without a filter every object that existed is on the page: no more of them are needed than asked for.
        let limit = if query.status.is_some() { PAST_OBJECTS_MAX } else { query.limit };
        let all = ListQuery { status: None, limit, ..query.clone() };
        let (keys, next) = match collection {
            Collection::Objects(kind) => {
                let page = projection.objects(kind, &all)?;
                (page.items.into_iter().map(|shown| shown.object.key).collect(), page.next)
            }
            Collection::Payments => {
                let page = projection.payments(&all)?;
                (page.items.iter().flat_map(super::why::members).collect(), page.next)
            }
        };
        Ok((self.fold_past(&near(&projection, keys, false)?, as_of)?, next))
    }

    /// What counts at a moment, and what the clock shows then.
    pub(super) fn border(&self, as_of: AsOf) -> Result<(Border, Seconds), QueryError> {
        Ok(match as_of {
            AsOf::Position(position) => (Border { position, ..Border::NONE }, self.received_at(position)?),
            AsOf::Received(moment) => {
                (Border { position: self.position_at(moment)?, ..Border::NONE }, moment.seconds())
            }
            AsOf::Created(created) => (Border { created, ..Border::NONE }, created),
        })
    }

    fn fold_past(&self, keys: &BTreeSet<ObjectKey>, as_of: AsOf) -> Result<Past, QueryError> {
        let (border, clock) = self.border(as_of)?;
        let told = self.told(keys, border)?;
        let view = self.empty_view()?;
        let last = told.last().map_or(0, |told| told.position.get());
        view.fold_told(told, last)?;
        Ok(Past { view, border, clock })
    }

    /// When the record at a position, or the last one before it, came.
    fn received_at(&self, position: Position) -> Result<Seconds, QueryError> {
        let log = &self.shared.log;
        let mut at = position.get().min(log.head().position.get());
        // Positions may have gaps.
        while let Some(before) = at.checked_sub(1) {
            match log.read(Position::new(before), 1)?.pop() {
                Some(record) if record.position <= position => {
                    return Ok(record.content.received_at.seconds());
                }
                _ => at = before,
            }
        }
        Ok(Seconds(0))
    }

    /// What the records of these objects say, up to the moment, in the order of the log.
    pub(super) fn told(&self, keys: &BTreeSet<ObjectKey>, border: Border) -> Result<Vec<Told>, QueryError> {
        let projection = self.shared.projection();
        let mut told = Vec::new();
        for key in keys {
            for entry in projection.moments(key)?.into_values().flatten() {
                // Without a look at the record where that is enough.
                if entry.created > border.created {
                    continue;
                }
                let id = RecordId::Event(entry.event.clone());
                let Some(record) = self.shared.log.find(Provider::Stripe, &id)? else { continue };
                if !border.admits(record.position, Some(entry.created)) {
                    continue;
                }
                if told.len() >= PAST_RECORDS_MAX {
                    return Err(QueryError::PastTooLong);
                }
                let (position, step) = (record.position, decode::step(&record));
                told.push(Told { position, created: entry.created, event: entry.event, step });
            }
        }
        told.sort_by_key(|told| told.position);
        Ok(told)
    }

    /// The same log under an empty projection, which nobody but the caller writes to, and which goes away.
    pub(super) fn empty_view(&self) -> Result<Self, QueryError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let options = self.shared.options.clone();
        let place = open::past_dir(&options.data).join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
        let projection = Projection::temporary(&place, CACHE_BYTES, &options.reference_keys)?;
        let (log, feed) = (Arc::clone(&self.shared.log), Arc::clone(&self.shared.feed));
        let shared = Shared::new(options, log, feed, projection, Position::START, Operations::default());
        Ok(Self { shared: Arc::new(shared), folder: Arc::clone(&self.folder) })
    }

    /// Folds into the projection of a view.
    pub(super) fn fold_told(&self, told: Vec<Told>, last: u64) -> Result<(), QueryError> {
        let checkpoint = Checkpoint { position: last, digest: [0; 32] };
        let steps = told.into_iter().map(|told| told.step).collect();
        let log = &self.shared.log;
        Ok(self.shared.projection().fold(steps, checkpoint, &|event| fold::recall(&**log, event))?)
    }
}

impl Past {
    /// What counts then.
    #[must_use]
    pub const fn border(&self) -> Border {
        self.border
    }

    /// What the clock showed then.
    #[must_use]
    pub const fn clock(&self) -> Seconds {
        self.clock
    }

    /// Answers as of then, about what was asked for.
    pub(crate) const fn view(&self) -> &Billfold {
        &self.view
    }

    /// One object as of then.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn object(
        &self,
        kind: ObjectKind,
        id: &ObjectId,
        scope: &ScopeFilter,
    ) -> Result<Option<Shown>, QueryError> {
        self.view.object(kind, id, scope)
    }

    /// The payment of an intent, a charge, a refund or a dispute as of then.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn payment(&self, member: &ObjectId, scope: &ScopeFilter) -> Result<Option<PaymentRow>, QueryError> {
        self.view.payment(member, scope)
    }
}
