//! Folding anew: into a fresh projection beside the old one, which serves until the new one is complete.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use crate::log::{Position, Provider, RecordId};
use crate::model::id::EventId;
use crate::projection::{FoldOutcome, Projection, ProjectionError};

use super::{Billfold, FoldError, Options, Progress, RebuildError, Shared, decode, fold, open};

/// The records that are looked at in one write while unreadable ones are folded anew.
const REFOLD_RECORDS_MAX: usize = 1_000;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records folded.
    pub records: u64,
    /// The new projection's bytes differ from the old one's at the same record.
    pub changed: bool,
    /// See [`Billfold::projection_digest`].
    pub digest: [u8; 32],
}

/// What folding unreadable records anew did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refolded {
    /// Records looked at.
    pub looked_at: u64,
    /// Records that this version understands.
    pub folded_now: u64,
}

impl Billfold {
    /// Folds the whole log into a fresh projection beside the one in use, and puts it in its place.
    /// Reading and ingesting go on with the old one. Only for the last look (are both the same, what came meanwhile?)
    /// nothing new is folded; what is ingested then is shown when the new one is in place.
    ///
    /// # Errors
    /// [`RebuildError`]; the old projection stays in use.
    pub fn rebuild(&self, progress: &dyn Fn(Progress)) -> Result<Rebuilt, RebuildError> {
        let mut shadow = self.live_shadow()?;
        shadow.fold(&|done| {
            progress(done);
            ControlFlow::Continue(())
        })?;
        shadow.swap(progress)
    }

    /// Looks again at what was not understood when it was folded, and folds what is understood now.
    ///
    /// # Errors
    /// [`RebuildError`]; nothing of the failed page is written.
    pub fn refold_unreadable(&self, progress: &dyn Fn(Progress)) -> Result<Refolded, RebuildError> {
        let shared = &*self.shared;
        let _alone = shared.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refolded = Refolded::default();
        for before in [FoldOutcome::Unreadable, FoldOutcome::UnknownType] {
            let mut after: Option<Box<str>> = None;
            loop {
                let projection = shared.projection();
                let page = projection
                    .unfolded(before, after.as_deref(), REFOLD_RECORDS_MAX)
                    .map_err(FoldError::from)?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                let mut understood = Vec::new();
                for (record, _) in &page {
                    let Ok(id) = EventId::parse(record) else { continue };
                    let found =
                        shared.log.find(Provider::Stripe, &RecordId::Event(id)).map_err(FoldError::from)?;
                    let step = found.map(|record| decode::step(&record));
                    understood.extend(step.filter(|step| step.outcome != before).map(|step| (before, step)));
                }
                refolded.looked_at = refolded.looked_at.saturating_add(page.len() as u64);
                refolded.folded_now = refolded.folded_now.saturating_add(understood.len() as u64);
                if !understood.is_empty() {
                    shared.expect_differences().map_err(FoldError::from)?;
                }
                projection
                    .refold(understood, &|event| fold::recall(&*shared.log, event))
                    .map_err(FoldError::from)?;
                progress(Progress { done: refolded.looked_at, total: refolded.looked_at });
            }
        }
        let projection = shared.projection();
        let reached = projection.checkpoint().map_err(FoldError::from)?.position;
        // A projection that stands still is compared when it goes on.
        if reached == shared.feed.through().position {
            shared.teller().reconcile(&projection)?;
        }
        Ok(refolded)
    }

    /// A digest over every byte of the projections but the checkpoint: equal sets of records, equal digests.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn projection_digest(&self) -> Result<[u8; 32], ProjectionError> {
        self.shared.projection().digest()
    }

    /// Folds everything that is stored, now, on this thread.
    ///
    /// # Errors
    /// [`FoldError`].
    pub fn catch_up(&self) -> Result<Position, FoldError> {
        self.shared.fold_now()
    }
}

/// The digests of both, at the same time.
pub(super) fn digests(
    old: &Projection,
    fresh: &Projection,
) -> (Result<[u8; 32], FoldError>, Result<[u8; 32], FoldError>) {
    std::thread::scope(|scope| {
        let old = scope.spawn(|| fold::guarded(|| Ok(old.digest()?)));
        let fresh = fresh.digest().map_err(FoldError::from);
        (old.join().unwrap_or(Err(FoldError::BrokeOff)), fresh)
    })
}

/// An empty projection beside the one in use.
pub(super) fn fresh_beside(place: &Path, options: &Options) -> Result<Projection, RebuildError> {
    let beside = open::beside(place);
    open::discard(&beside).map_err(|error| swap(&error))?;
    Ok(open::fresh_projection(&beside, options).map_err(FoldError::from)?)
}

/// Puts the folder beside into its place. Broken off at any moment, either the old one is found at the next start or
/// the new one.
pub(super) fn swap_folders(place: &Path) -> Result<(), RebuildError> {
    let aside = open::aside(place);
    open::discard(&aside).map_err(|error| swap(&error))?;
    if place.exists() {
        std::fs::rename(place, &aside).map_err(|error| swap(&error))?;
    }
    std::fs::rename(open::beside(place), place).or_else(|error| {
        std::fs::rename(&aside, place).map_err(|error| swap(&error))?;
        Err(swap(&error))
    })
}

fn swap(error: &std::io::Error) -> RebuildError {
    RebuildError::Swap { reason: error.to_string().into() }
}

/// Swaps the folders and opens the new one. Readers that hold the old projection keep it until they let go: its database
/// stays usable through its open files.
pub(super) fn put_in_place(shared: &Shared, place: &Path) -> Result<(), RebuildError> {
    let mut current = shared.projection.write().unwrap_or_else(PoisonError::into_inner);
    swap_folders(place)?;
    let opened = open::fresh_projection(place, &shared.options).map_err(FoldError::from)?;
    *current = Arc::new(opened);
    drop(current);
    open::discard(&open::aside(place)).map_err(|error| swap(&error))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::log::{
        Ack, AppendError, Appended, Body, Encoded, EventLog, Head, MemoryLog, NewRecord, Provenance,
        ReadError, Record,
    };
    use crate::model::time::Millis;

    /// A log that has grown by one record whenever somebody has read it.
    struct Growing {
        log: MemoryLog,
        left: Arc<AtomicU64>,
    }

    impl Growing {
        fn grow(&self, number: u64) {
            let body = format!(
                r#"{{"id":"evt_{number}","object":"event","type":"customer.updated","created":{number},"livemode":false,"data":{{"object":{{"id":"cus_{number}","object":"customer"}}}}}}"#
            );
            let record = NewRecord {
                provider: Provider::Stripe,
                id: RecordId::Event(EventId::parse(&format!("evt_{number}")).unwrap()),
                received_at: Millis(0),
                provenance: Provenance::Imported,
                body: Body(body.into_bytes().into()),
            };
            let stored: Result<Vec<Appended>, AppendError> = self.log.append(vec![record]).wait();
            stored.unwrap();
        }
    }

    impl EventLog for Growing {
        fn append(&self, records: Vec<NewRecord>) -> Ack {
            self.log.append(records)
        }

        fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError> {
            let page = self.log.read_encoded(after, max)?;
            let left = self.left.load(Ordering::Relaxed);
            if left > 0 {
                self.left.store(left - 1, Ordering::Relaxed);
                self.grow(left);
            }
            Ok(page)
        }

        fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError> {
            self.log.find(provider, id)
        }

        fn head(&self) -> Head {
            self.log.head()
        }

        fn poisoned(&self) -> Option<Arc<str>> {
            self.log.poisoned()
        }
    }

    #[test]
    fn what_comes_while_both_are_compared_is_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let left = Arc::new(AtomicU64::new(0));
        let log = Growing { log: MemoryLog::new(), left: Arc::clone(&left) };
        log.grow(1_000);
        let billfold = Billfold::over(Options::new(folder.path()), Arc::new(log)).unwrap();
        left.store(20, Ordering::Relaxed);
        assert!(!billfold.rebuild(&|_| ()).unwrap().changed);
        assert!(left.load(Ordering::Relaxed) < 20, "it has grown meanwhile");
        left.store(0, Ordering::Relaxed);
        billfold.catch_up().unwrap();
        assert!(!billfold.rebuild(&|_| ()).unwrap().changed);
    }
}
