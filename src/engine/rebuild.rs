//! Folding anew: into a fresh projection beside the old one, which serves until the new one is complete.

use std::sync::{Arc, PoisonError};

use crate::log::{Position, Provider, RecordId};
use crate::model::id::EventId;
use crate::projection::{FoldOutcome, ProjectionError};

use super::{Billfold, FoldError, Progress, RebuildError, Shared, decode, fold, open};

/// The records that are looked at in one write while unreadable ones are folded anew.
const REFOLD_RECORDS_MAX: usize = 1_000;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records folded.
    pub records: u64,
    /// The new projection's bytes differ from the old one's.
    pub changed: bool,
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
    /// Folds the whole log into a fresh projection and puts it in the place of the old one.
    /// Reads go on with the old one until then; so does ingesting, which waits to be shown.
    ///
    /// # Errors
    /// [`RebuildError`]; the old projection stays in use.
    pub fn rebuild(&self, progress: &dyn Fn(Progress)) -> Result<Rebuilt, RebuildError> {
        let shared = &*self.shared;
        let _alone = shared.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open::projection_dir(&shared.options.data);
        let beside = place.with_extension("rebuild");
        let swap = |error: std::io::Error| RebuildError::Swap { reason: error.to_string().into() };
        open::discard(&beside).map_err(swap)?;
        let fresh = open::fresh_projection(&beside, &shared.options).map_err(FoldError::from)?;
        let mut done = 0_u64;
        let reached = fold::catch_up(&*shared.log, &fresh, |outcomes, _| {
            done = done.saturating_add(outcomes.len() as u64);
            progress(shared.progress(done));
        })?;
        fresh.flush().map_err(FoldError::from)?;
        let old = shared.projection();
        let (before, after) = std::thread::scope(|scope| {
            let before = scope.spawn(|| old.digest());
            (before.join().ok().and_then(Result::ok), fresh.digest().ok())
        });
        let changed = before.is_none() || before != after;
        drop(fresh);
        put_in_place(shared, &place, &beside)?;
        // What came meanwhile is folded, too: nobody waits for it any longer.
        shared.applied.send_replace(reached);
        Ok(Rebuilt { records: done, changed })
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
                projection
                    .refold(understood, &|event| fold::recall(&*shared.log, event))
                    .map_err(FoldError::from)?;
                progress(Progress { done: refolded.looked_at, total: refolded.looked_at });
            }
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

/// Swaps the folders and opens the new one. Readers that hold the old projection keep it until they let go.
fn put_in_place(
    shared: &Shared,
    place: &std::path::Path,
    beside: &std::path::Path,
) -> Result<(), RebuildError> {
    let swap = |error: std::io::Error| RebuildError::Swap { reason: error.to_string().into() };
    let old = place.with_extension("old");
    open::discard(&old).map_err(swap)?;
    let mut current = shared.projection.write().unwrap_or_else(PoisonError::into_inner);
    // The old database stays usable through its open files; the folder's name is free for the new one.
    std::fs::rename(place, &old).map_err(swap)?;
    if let Err(error) = std::fs::rename(beside, place) {
        std::fs::rename(&old, place).map_err(swap)?;
        return Err(swap(error));
    }
    let opened = open::fresh_projection(place, &shared.options).map_err(FoldError::from)?;
    *current = Arc::new(opened);
    drop(current);
    open::discard(&old).map_err(swap)
}
