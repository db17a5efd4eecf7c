//! Answers: objects, payments, counts, readiness. Never writes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::feed::FeedCursor;
use crate::log::{Head, Position, Vitals};
use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::{Millis, Seconds};
use crate::projection::{ListQuery, Page, PaymentRow, ProjectionError, ScopeFilter, Shown, TypeCount, View};

use super::operations::{Conflict, WindowCounts};
use super::{Billfold, QueryError};

/// Counts and sizes.
#[derive(Debug, Clone)]
pub struct Stats {
    /// The log's end.
    pub head: Head,
    /// How far the projections are.
    pub applied: Position,
    /// Positions that the projections are behind.
    pub lag: u64,
    /// What happened at the door in the window asked for.
    pub window: WindowCounts,
    /// Records by type and outcome.
    pub by_type: Vec<TypeCount>,
    /// Second bodies under known ids that said something else.
    pub conflicts: u64,
    /// Objects by kind.
    pub objects: BTreeMap<ObjectKind, u64>,
    /// Objects whose last state is not decided by their events.
    pub ambiguous: u64,
    /// Objects whose newest event contradicts what is known for certain.
    pub created_inversions: u64,
    /// Objects that came to two final states.
    pub contradictory: u64,
    /// Bytes of the projections on disk.
    pub projection_bytes: u64,
    /// When the newest record came.
    pub newest_received_at: Option<Millis>,
    /// Every scope that holds something.
    pub scopes: Vec<Scope>,
    /// The number of the newest entry of the feed.
    pub feed_head: u64,
    /// How far the feed is made.
    pub feed_through: Position,
    /// Bytes of the feed on disk.
    pub feed_bytes: u64,
    /// Named readers of the feed.
    pub feed_cursors: Vec<FeedCursor>,
}

/// Whether requests should come here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Appends are taken and the fold goes on.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<Box<str>>,
    /// How far the projections are.
    pub applied: Position,
    /// How far the log is.
    pub head: Position,
}

/// The one of several scopes that a question without a scope means.
fn only<T>(mut found: Vec<T>, scope_of: impl Fn(&T) -> Scope) -> Result<Option<T>, QueryError> {
    if found.len() > 1 {
        return Err(QueryError::SeveralScopes(found.iter().map(scope_of).collect()));
    }
    Ok(found.pop())
}

impl Billfold {
    /// One object.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn object(
        &self,
        kind: ObjectKind,
        id: &ObjectId,
        scope: &ScopeFilter,
    ) -> Result<Option<Shown>, QueryError> {
        let found = self.shared.projection().objects_by_id(kind, id, scope)?;
        only(found, |shown| shown.object.key.scope.clone())
    }

    /// A page of objects, newest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn objects(&self, kind: ObjectKind, query: &ListQuery) -> Result<Page<Shown>, QueryError> {
        Ok(self.shared.projection().objects(kind, query)?)
    }

    /// The payment of an intent, a charge, a refund or a dispute.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn payment(&self, member: &ObjectId, scope: &ScopeFilter) -> Result<Option<PaymentRow>, QueryError> {
        let found = self.shared.projection().payments_by_member(member, scope)?;
        only(found, |row| row.scope.clone())
    }

    /// A page of payments, newest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn payments(&self, query: &ListQuery) -> Result<Page<PaymentRow>, QueryError> {
        Ok(self.shared.projection().payments(query)?)
    }

    /// The payments of an invoice, by every link that was seen.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn invoice_payments(&self, invoice: &ObjectKey) -> Result<Vec<PaymentRow>, QueryError> {
        Ok(invoice_payments(&self.shared.projection(), invoice)?)
    }

    /// Counts and sizes; `window_seconds` reaches back from `now`, in whole hours.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn stats(&self, now: Seconds, window_seconds: i64) -> Result<Stats, QueryError> {
        let projection = self.shared.projection();
        let (head, applied) = (self.shared.log.head(), *self.shared.applied.borrow());
        let newest =
            head.position.get().checked_sub(1).map(|before| self.shared.log.read(Position::new(before), 1));
        let (window, conflicts) = {
            let operations = self.shared.operations();
            (operations.window(now, window_seconds), operations.conflicts_total())
        };
        let census = projection.census()?;
        Ok(Stats {
            head,
            applied,
            lag: head.position.get().saturating_sub(applied.get()),
            window,
            by_type: projection.type_counts()?,
            conflicts,
            objects: census.objects,
            ambiguous: census.ambiguous,
            created_inversions: census.created_inversions,
            contradictory: census.contradictory,
            projection_bytes: projection.size_on_disk()?,
            newest_received_at: newest
                .transpose()?
                .and_then(|mut records| records.pop())
                .map(|record| record.content.received_at),
            scopes: projection.scopes()?,
            feed_head: self.shared.feed.head(),
            feed_through: Position::new(self.shared.feed.through().position),
            feed_bytes: self.shared.feed.size_on_disk()?,
            feed_cursors: self.shared.feed.cursors()?,
        })
    }

    /// Second bodies under known event ids that said something else, newest first; the first ones stay.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.shared.operations().conflicts()
    }

    /// How the log's writer is doing, where that is counted.
    #[must_use]
    pub fn vitals(&self) -> Option<&Vitals> {
        self.shared.log.vitals()
    }

    /// Whether requests should come here, and why not.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let (head, applied) = (self.shared.log.head().position, *self.shared.applied.borrow());
        let mut reasons = Vec::new();
        if let Some(reason) = self.shared.log.poisoned() {
            reasons.push(format!("the log refuses to append since a write failed: {reason}").into());
        }
        if let Some(error) = self.shared.fold_error() {
            reasons.push(format!("the projections stand still at position {applied}: {error}").into());
        }
        let awaited = Position::new(self.shared.awaited.load(Ordering::Relaxed));
        if awaited > applied {
            reasons.push(
                format!("the projections are late: at position {applied}, awaited at {awaited}").into(),
            );
        }
        Readiness { ready: reasons.is_empty(), reasons, applied, head }
    }
}

/// The payments of an invoice, by every link that was seen.
pub(super) fn invoice_payments(
    projection: &View<'_>,
    invoice: &ObjectKey,
) -> Result<Vec<PaymentRow>, ProjectionError> {
    let mut near = projection.named_by(invoice)?;
    let mut seen = Vec::new();
    for link in near.clone().iter().filter(|key| key.kind == ObjectKind::InvoicePayment).chain([invoice]) {
        let object = projection.object(link)?;
        let links = object.iter().flat_map(|shown| shown.object.joined.links());
        near.extend(links.map(|to| ObjectKey {
            kind: to.kind,
            id: to.id.clone(),
            scope: invoice.scope.clone(),
        }));
    }
    let members = |kind| matches!(kind, ObjectKind::PaymentIntent | ObjectKind::Charge);
    for key in near.iter().filter(|key| members(key.kind)) {
        seen.extend(projection.payments_by_member(&key.id, &ScopeFilter::only(&invoice.scope))?);
    }
    seen.sort_by(|a: &PaymentRow, b| a.payment.id.cmp(&b.payment.id));
    seen.dedup_by(|a, b| a.payment.id == b.payment.id);
    Ok(seen)
}
