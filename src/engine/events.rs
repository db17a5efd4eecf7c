//! Stored events as they are listed: by position, by outcome, of one object. Never writes.

use std::sync::Arc;

use crate::log::{Position, Provider, Record, RecordId};
use crate::model::id::{EventId, ObjectId, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::Seconds;
use crate::projection::{
    Cursor, EventQuery, FoldOutcome, InvalidCursor, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, ScopeFilter,
};
use crate::stripe::envelope::Summary;

use super::{AsOf, Billfold, Border, QueryError, decode};

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

impl Billfold {
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
        self.events_fitting(query, &|event| fits(event, query))
    }

    /// The same of those that had come, or had been made, at a moment.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn past_events(
        &self,
        query: &EventQuery,
        as_of: AsOf,
    ) -> Result<(Border, Page<StoredEvent>), QueryError> {
        let (border, _) = self.border(as_of)?;
        let then = |event: &StoredEvent| border.admits(event.record.position, event.created);
        Ok((border, self.events_fitting(query, &|event| then(event) && fits(event, query))?))
    }

    fn events_fitting(
        &self,
        query: &EventQuery,
        fits: &dyn Fn(&StoredEvent) -> bool,
    ) -> Result<Page<StoredEvent>, QueryError> {
        if let Some(object) = &query.object {
            return self.events_of(object, query, fits);
        }
        match query.outcome {
            Some(FoldOutcome::Folded | FoldOutcome::NotFolded) | None => self.events_by_position(query, fits),
            Some(outcome) => self.events_unfolded(outcome, query, fits),
        }
    }

    fn events_by_position(
        &self,
        query: &EventQuery,
        fits: &dyn Fn(&StoredEvent) -> bool,
    ) -> Result<Page<StoredEvent>, QueryError> {
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
        let mut span = SCAN_PAGE_RECORDS;
        for _ in 0..SCANNED_RECORDS_MAX / SCAN_PAGE_RECORDS {
            if below <= 1 {
                break;
            }
            let (start, mut records) = self.records_below(below, span)?;
            // Long bodies: a page of them is all that fits, so that the next one need not be looked for.
            span = records.len().clamp(1, SCAN_PAGE_RECORDS);
            if records.is_empty() {
                (below, span) = (start, SCAN_PAGE_RECORDS);
            }
            while let Some(record) = records.pop() {
                below = record.position.get();
                page.items.extend(Some(describe(record)).filter(|event| fits(event)));
                if page.items.len() == limit(query) {
                    page.next = (below > 1).then(|| Cursor::new(below.to_be_bytes().to_vec()));
                    return Ok(page);
                }
            }
        }
        page.next = (below > 1).then(|| Cursor::new(below.to_be_bytes().to_vec()));
        Ok(page)
    }

    /// The last records below a position, as many of `span` as one page holds, and where the part of the log begins that
    /// was looked through.
    fn records_below(&self, below: u64, span: usize) -> Result<(u64, Vec<Record>), QueryError> {
        let span = u64::try_from(span).unwrap_or(u64::MAX);
        let start = below.saturating_sub(span).max(1);
        let mut after = Position::new(start.saturating_sub(1));
        let mut last = Vec::new();
        // A page may end early: what lies behind it comes first here.
        loop {
            let mut page = self.shared.log.read(after, SCAN_PAGE_RECORDS)?;
            page.retain(|record| record.position.get() < below);
            let Some(end) = page.last().map(|record| record.position) else { return Ok((start, last)) };
            (after, last) = (end, page);
        }
    }

    fn events_unfolded(
        &self,
        outcome: FoldOutcome,
        query: &EventQuery,
        fits: &dyn Fn(&StoredEvent) -> bool,
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
                page.items.extend(found.filter(|event| fits(event)));
                page.next = Some(Cursor::new(record.as_bytes().to_vec()));
                after = Some(record);
                if page.items.len() == limit(query) {
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    fn events_of(
        &self,
        object: &ObjectId,
        query: &EventQuery,
        fits: &dyn Fn(&StoredEvent) -> bool,
    ) -> Result<Page<StoredEvent>, QueryError> {
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
            page.items.extend(found.filter(|event| fits(event)));
            page.next = Some(Cursor::new(entry.event.as_str().as_bytes().to_vec()));
        }
        page.next = None;
        Ok(page)
    }
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
