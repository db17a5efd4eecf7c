//! From a delivery to a durable record, and on until the projection shows it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::log::{Appended, Body, Digest, NewRecord, Position, Provenance, Provider, Record, RecordId};
use crate::model::time::Seconds;
use crate::stripe::delivery::{Delivery, Identity, Proof};

use super::operations::Conflict;
use super::{Billfold, IngestError, decode};

/// How long an ingested event may wait for the fold before it is acknowledged all the same.
pub const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// What became of a delivery. It is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Which event.
    pub id: RecordId,
    /// New, or known before.
    pub outcome: Appended,
    /// The id was known with another content: the first one stays.
    pub conflict: bool,
    /// The projection shows it.
    pub shown: bool,
}

impl Billfold {
    /// Stores a delivery durably, once per event id, and waits until the projection shows it
    /// (at most [`SHOWN_WITHIN`]: a slow fold never fails a delivery).
    ///
    /// # Errors
    /// [`IngestError`]: nothing was stored; the provider retries.
    pub async fn ingest(&self, delivery: Delivery) -> Result<Ingested, IngestError> {
        let record = record_of(delivery);
        let outcomes = self.shared.log.append(vec![record.clone()]).await?;
        self.folder.wake();
        let mut ingested = self.settle(std::slice::from_ref(&record), &outcomes);
        let mut applied = self.shared.applied.subscribe();
        let last = outcomes.iter().map(|outcome| outcome.position()).max().unwrap_or(Position::START);
        let shown = tokio::time::timeout(SHOWN_WITHIN, applied.wait_for(|position| *position >= last)).await;
        if shown.is_err() {
            self.shared.awaited.fetch_max(last.get(), Ordering::Relaxed);
        }
        ingested.pop().map_or(Err(crate::log::AppendError::Closed.into()), |ingested| {
            Ok(Ingested { shown: matches!(shown, Ok(Ok(_))), ..ingested })
        })
    }

    /// The same from a plain thread, for many deliveries at once. Not to be called from async code.
    ///
    /// # Errors
    /// [`IngestError`]: what was not stored can be given again; what was stored is a duplicate then.
    pub fn ingest_blocking(&self, deliveries: Vec<Delivery>) -> Result<Vec<Ingested>, IngestError> {
        let records: Vec<NewRecord> = deliveries.into_iter().map(record_of).collect();
        let outcomes = self.shared.log.append(records.clone()).wait()?;
        let applied = self.shared.fold_now().ok();
        let mut ingested = self.settle(&records, &outcomes);
        for one in &mut ingested {
            one.shown = applied.is_some_and(|applied| one.outcome.position() <= applied);
        }
        Ok(ingested)
    }

    /// Counts a delivery that was refused at the door.
    pub fn count_refusal(&self, reason: &'static str, now: Seconds) {
        self.shared.operations().count_refused(reason, now);
    }

    /// Counts a delivery that was stored although its endpoint expects another mode or account.
    pub fn count_unexpected(&self, now: Seconds) {
        self.shared.operations().count_unexpected(now);
    }

    /// Counts what came of the appends, and notices other contents under known ids.
    fn settle(&self, records: &[NewRecord], outcomes: &[Appended]) -> Vec<Ingested> {
        let mut ingested = Vec::with_capacity(outcomes.len());
        for (record, outcome) in records.iter().zip(outcomes) {
            let now = record.received_at.seconds();
            let conflict = match outcome {
                Appended::New { .. } => {
                    self.shared.operations().count_accepted(now);
                    false
                }
                Appended::Duplicate { same_body, .. } => {
                    let conflict = !same_body && self.conflicts_with_stored(record);
                    let mut operations = self.shared.operations();
                    operations.count_duplicate(now);
                    if conflict {
                        operations.note_conflict(Conflict {
                            id: record.id.clone(),
                            seen_at: now,
                            other_sha256: Sha256::digest(&record.body.0).into(),
                        });
                    }
                    conflict
                }
            };
            ingested.push(Ingested { id: record.id.clone(), outcome: *outcome, conflict, shown: false });
        }
        ingested
    }

    fn conflicts_with_stored(&self, record: &NewRecord) -> bool {
        let Ok(Some(stored)) = self.shared.log.find(record.provider, &record.id) else {
            return false;
        };
        let other = Record { position: stored.position, content: record.clone(), digest: Digest::GENESIS };
        !decode::same_content(&stored, &other)
    }
}

fn record_of(delivery: Delivery) -> NewRecord {
    let (identity, received_at, proof, body) = delivery.into_parts();
    NewRecord {
        provider: Provider::Stripe,
        id: match identity {
            Identity::Event(id) => RecordId::Event(id),
            Identity::Unreadable { sha256 } => RecordId::Quarantine(sha256),
        },
        received_at,
        provenance: match proof {
            Proof::Signed { header, secret, .. } => Provenance::Signed { header, secret },
            Proof::Vouched => Provenance::Imported,
        },
        body: Body(Arc::clone(&body)),
    }
}
