//! A rebuild beside live traffic, in steps: fold, compare if asked to, and only then take the old projection's place.
//!
//! The old projection serves until the last step, and stays if that never comes. Never holds the fold up but for the
//! last look, when both have to show the same record.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::log::Position;
use crate::model::time::Seconds;
use crate::projection::Projection;

use super::rebuild::{digests, fresh_beside, put_in_place};
use super::shadow::compared;
use super::{
    Billfold, Differences, FoldError, Progress, QueryError, RebuildError, Rebuilt, Shared, fold, open,
};

/// How many positions are folded before it is asked whether to go on.
const STEP_POSITIONS: u64 = 65_536;

/// Told how far a fold has come; says whether it goes on.
pub type OnStep<'a> = &'a dyn Fn(Progress) -> ControlFlow<()>;

/// A projection that is folded beside the one that a running folder serves. Dropped, it leaves that one.
#[derive(Debug)]
pub struct LiveShadow {
    fresh: Projection,
    place: PathBuf,
    records: u64,
    // Declared last: the next one may only begin when the folder beside is let go.
    alone: Alone,
}

/// The right to rebuild, which one has at a time.
struct Alone(Arc<Shared>);

impl Alone {
    fn take(shared: &Arc<Shared>) -> Result<Self, RebuildError> {
        if shared.rebuilding.swap(true, Ordering::AcqRel) {
            return Err(RebuildError::UnderWay);
        }
        Ok(Self(Arc::clone(shared)))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.rebuilding.store(false, Ordering::Release);
    }
}

impl std::fmt::Debug for Alone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alone")
    }
}

impl Billfold {
    /// Begins a rebuild: an empty projection beside the one in use.
    ///
    /// # Errors
    /// [`RebuildError::UnderWay`] while there is another one.
    pub fn live_shadow(&self) -> Result<LiveShadow, RebuildError> {
        let alone = Alone::take(&self.shared)?;
        let place = open::projection_dir(&self.shared.options.data);
        let fresh = fresh_beside(&place, &self.shared.options)?;
        Ok(LiveShadow { fresh, place, records: 0, alone })
    }
}

impl LiveShadow {
    /// Folds the log as far as the feed tells of it. Reading and ingesting go on.
    ///
    /// # Errors
    /// [`RebuildError`]; [`RebuildError::Stopped`] if it shall not go on.
    pub fn fold(&mut self, on_step: OnStep<'_>) -> Result<(), RebuildError> {
        let shared = Arc::clone(&self.alone.0);
        let stopped = Cell::new(false);
        let mut until = self.fresh.checkpoint().map_err(FoldError::from)?.position;
        loop {
            // No further than the feed is made: whoever comes first to a record tells of it, and that is the old one.
            let made = shared.feed.through().position;
            if until >= made {
                return Ok(());
            }
            until = made.min(until.saturating_add(STEP_POSITIONS));
            let mut records = self.records;
            fold::catch_up_to(&*shared.log, &self.fresh, Position::new(until), |outcomes, _| {
                records = records.saturating_add(outcomes.len() as u64);
                stopped.set(stopped.get() || on_step(shared.progress(records)).is_break());
            })?;
            self.records = records;
            if stopped.get() {
                return Err(RebuildError::Stopped);
            }
        }
    }

    /// What the swap would change, access as of `now`; none if there is nothing that can be compared with.
    /// Only after [`LiveShadow::fold`]. Nothing is folded while both are compared.
    ///
    /// # Errors
    /// [`RebuildError`].
    pub fn differences(&mut self, now: Seconds) -> Result<Option<Differences>, RebuildError> {
        let shared = Arc::clone(&self.alone.0);
        let folding = shared.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, _) = self.meet(&folding, &|_| ())?;
        let Some(old) = old else { return Ok(None) };
        let found = compared(&old, &self.fresh, &shared.options.policy, now);
        found.map_err(|error| match error {
            QueryError::Log(error) => RebuildError::Fold(FoldError::from(error)),
            QueryError::Projection(error) => RebuildError::Fold(FoldError::from(error)),
            _ => RebuildError::Fold(FoldError::BrokeOff),
        })
    }

    /// Folds what is left, and takes the old projection's place.
    ///
    /// # Errors
    /// [`RebuildError`]; the old projection stays.
    pub fn swap(mut self, progress: &dyn Fn(Progress)) -> Result<Rebuilt, RebuildError> {
        let shared = Arc::clone(&self.alone.0);
        // What came while somebody made up their mind: not under the lock.
        self.fold(&|done| {
            progress(done);
            ControlFlow::Continue(())
        })?;
        let folding = shared.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, reached) = self.meet(&folding, progress)?;
        // The feed first: a projection that is found ahead of it after a crash is made anew.
        shared.feed.flush().map_err(FoldError::from)?;
        self.fresh.flush().map_err(FoldError::from)?;
        let (before, digest) = match &old {
            Some(old) => digests(old, &self.fresh),
            None => (Err(FoldError::BrokeOff), self.fresh.digest().map_err(FoldError::from)),
        };
        let digest = digest?;
        let changed = before.ok() != Some(digest);
        let Self { fresh, place, records, alone } = self;
        drop((old, fresh));
        put_in_place(&shared, &place)?;
        *shared.fold_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // What came meanwhile is folded, too: nobody waits for it any longer.
        shared.applied.send_replace(reached);
        drop(alone);
        Ok(Rebuilt { records, changed, digest })
    }

    /// Brings both to the record where the log ends now, and gives the old one, unless it cannot come there.
    fn meet(
        &mut self,
        _folding: &MutexGuard<'_, ()>,
        progress: &dyn Fn(Progress),
    ) -> Result<(Option<Arc<Projection>>, Position), RebuildError> {
        let shared = &*self.alone.0;
        let until = shared.log.head().position;
        let old = shared.projection();
        // A damaged one comes less far, and may not even be readable.
        let caught_up =
            fold::guarded(|| fold::advance(&*shared.log, &old, shared.teller(), until, |_, _| ()));
        let mut records = self.records;
        let reached = fold::advance(&*shared.log, &self.fresh, shared.teller(), until, |outcomes, _| {
            records = records.saturating_add(outcomes.len() as u64);
            progress(shared.progress(records));
        })?;
        self.records = records;
        Ok((caught_up.is_ok().then_some(old), reached))
    }

    /// Removes what was folded; the old projection stays.
    pub fn discard(self) {
        let Self { fresh, place, alone, .. } = self;
        drop(fresh);
        // What stays is removed by the next rebuild or the next start.
        let _ = open::discard(&open::beside(&place));
        drop(alone);
    }
}
