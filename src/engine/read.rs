//! Answers: objects, payments, events, counts, readiness. Never writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::log::{Head, Position, Provider, Record, RecordId};
use crate::model::id::{EventId, ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::{Millis, Seconds};
use crate::projection::{
    Cursor, EventQuery, FoldOutcome, InvalidCursor, ListQuery, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page,
    PaymentRow, Projection, ScopeFilter, Shown, TypeCount,
};
use crate::stripe::envelope::Summary;

use super::operations::{Conflict, WindowCounts};
use super::{Billfold, QueryError, decode};

/// The most records that one page of events looks at.
const SCANNED_RECORDS_MAX: usize = 10_000;
/// The records that are read at once while events are listed.
const SCAN_PAGE_RECORDS: usize = 256;

/// A stored event as a listing shows it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// The record.
    pub record: Record,
    /// Its type, as far as it says one.
    pub event_type: Option<Box<str>>,
    /// Its second, as far as it says one.
    pub created: Option<Seconds>,
    /// The version that rendered it.
    pub api_version: Option<Box<str>>,
    /// Where it belongs, as far as it says.
    pub scope: Option<Scope>,
    /// What the fold made of it.
    pub outcome: FoldOutcome,
    /// Why it is not folded.
    pub reason: Option<Box<str>>,
    /// What it observes.
    pub object: Option<(ObjectKind, ObjectId)>,
}

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
        invoice_payments(&self.shared.projection(), invoice)
    }

    /// One stored event.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn event(&self, id: &RecordId) -> Result<Option<StoredEvent>, QueryError> {
        Ok(self.shared.log.find(Provider::Stripe, id)?.map(describe))
    }

    /// A page of stored events, newest first (of one object: by their own time; of one outcome that folds
    /// nothing: by id). Looks at a bounded number of records: a page may be short and still have a next one.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn events(&self, query: &EventQuery) -> Result<Page<StoredEvent>, QueryError> {
        if let Some(object) = &query.object {
            return self.events_of(object, query);
        }
        match query.outcome {
            Some(FoldOutcome::Folded | FoldOutcome::NotFolded) | None => self.events_by_position(query),
            Some(outcome) => self.events_unfolded(outcome, query),
        }
    }

    fn events_by_position(&self, query: &EventQuery) -> Result<Page<StoredEvent>, QueryError> {
        let log = &self.shared.log;
        let end = log.head().position.get().saturating_add(1);
        let mut below = match &query.after {
            // A cursor is what somebody sends: it may lie anywhere.
            Some(cursor) => {
                u64::from_be_bytes(cursor.bytes().try_into().map_err(|_| InvalidCursor)?).min(end)
            }
            None => end,
        };
        let mut page = Page { items: Vec::new(), next: None };
        for _ in 0..SCANNED_RECORDS_MAX / SCAN_PAGE_RECORDS {
            if below <= 1 {
                break;
            }
            let span = u64::try_from(SCAN_PAGE_RECORDS).unwrap_or(u64::MAX);
            let after = Position::new(below.saturating_sub(1).saturating_sub(span));
            let mut records = log.read(after, SCAN_PAGE_RECORDS)?;
            records.retain(|record| record.position.get() < below);
            if records.is_empty() {
                below = after.get().saturating_add(1);
            }
            while let Some(record) = records.pop() {
                below = record.position.get();
                page.items.extend(Some(describe(record)).filter(|event| fits(event, query)));
                if page.items.len() == limit(query) {
                    page.next = (below > 1).then(|| Cursor::new(below.to_be_bytes().to_vec()));
                    return Ok(page);
                }
            }
        }
        page.next = (below > 1).then(|| Cursor::new(below.to_be_bytes().to_vec()));
        Ok(page)
    }

    fn events_unfolded(
        &self,
        outcome: FoldOutcome,
        query: &EventQuery,
    ) -> Result<Page<StoredEvent>, QueryError> {
        let mut after = match &query.after {
            Some(cursor) => Some(Box::from(std::str::from_utf8(cursor.bytes()).map_err(|_| InvalidCursor)?)),
            None => None,
        };
        let mut page = Page { items: Vec::new(), next: None };
        for _ in 0..SCANNED_RECORDS_MAX / PAGE_ITEMS_MAX {
            let rows = self.shared.projection().unfolded(outcome, after.as_deref(), PAGE_ITEMS_MAX)?;
            if rows.is_empty() {
                return Ok(page);
            }
            for (record, _) in rows {
                let found = parse_record_id(&record).map(|id| self.event(&id)).transpose()?.flatten();
                page.items.extend(found.filter(|event| fits(event, query)));
                page.next = Some(Cursor::new(record.as_bytes().to_vec()));
                after = Some(record);
                if page.items.len() == limit(query) {
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    fn events_of(&self, object: &ObjectId, query: &EventQuery) -> Result<Page<StoredEvent>, QueryError> {
        let projection = self.shared.projection();
        let mut entries = Vec::new();
        for kind in ObjectKind::ALL {
            for shown in projection.objects_by_id(*kind, object, &query.scope)? {
                entries.extend(projection.moments(&shown.object.key)?.into_values().flatten());
            }
        }
        entries.sort_by(|a, b| (b.created, &b.event).cmp(&(a.created, &a.event)));
        let after = match &query.after {
            Some(cursor) => {
                let text = std::str::from_utf8(cursor.bytes()).map_err(|_| InvalidCursor)?;
                let id = EventId::parse(text).map_err(|_| InvalidCursor)?;
                let place = entries.iter().position(|entry| entry.event == id).ok_or(InvalidCursor)?;
                place.saturating_add(1)
            }
            None => 0,
        };
        let mut page = Page { items: Vec::new(), next: None };
        for entry in entries.iter().skip(after) {
            if page.items.len() == limit(query) {
                return Ok(page);
            }
            let found = self.event(&RecordId::Event(entry.event.clone()))?;
            page.items.extend(found.filter(|event| fits(event, query)));
            page.next = Some(Cursor::new(entry.event.as_str().as_bytes().to_vec()));
        }
        page.next = None;
        Ok(page)
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
        })
    }

    /// Second bodies under known event ids that said something else, newest first; the first ones stay.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        self.shared.operations().conflicts()
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
    projection: &Projection,
    invoice: &ObjectKey,
) -> Result<Vec<PaymentRow>, QueryError> {
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

fn limit(query: &EventQuery) -> usize {
    if query.limit == 0 { PAGE_ITEMS_DEFAULT } else { query.limit.min(PAGE_ITEMS_MAX) }
}

fn fits(event: &StoredEvent, query: &EventQuery) -> bool {
    let unscoped = query.scope == ScopeFilter::default();
    let scope = unscoped || event.scope.as_ref().is_some_and(|scope| query.scope.admits(scope));
    let event_type = query.event_type.is_none() || event.event_type == query.event_type;
    scope && event_type && query.outcome.is_none_or(|outcome| outcome == event.outcome)
}

fn parse_record_id(text: &str) -> Option<RecordId> {
    if let Some(hash) = text.strip_prefix("sha256:") {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).ok()?;
        return Some(RecordId::Quarantine(bytes));
    }
    EventId::parse(text).ok().map(RecordId::Event)
}

fn describe(record: Record) -> StoredEvent {
    let step = decode::step(&record);
    let body = Arc::clone(&record.content.body.0);
    let summary = Summary::of(&body);
    StoredEvent {
        record,
        event_type: step.event_type,
        created: summary.created,
        api_version: summary.api_version,
        scope: summary.livemode.map(|livemode| Scope { account: summary.account, livemode }),
        outcome: step.outcome,
        reason: step.reason,
        object: step.observation.map(|observation| (observation.key.kind, observation.key.id)),
    }
}
