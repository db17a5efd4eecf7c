//! A rebuild that asks first: the log is folded beside what is there, compared with it, and put in its place only then.
//!
//! For a folder that nobody serves. The old projection may be another version's: that is when one wants to know.

use std::path::PathBuf;

use crate::feed::Feed;
use crate::log::{EventLog as _, Position, SledLog};
use crate::model::access::{Access, Policy, Reason, Verdict};
use crate::model::id::{ObjectId, Scope};
use crate::model::time::Seconds;
use crate::projection::{Projection, REDUCER_VERSION, StatusChange};

use super::feed::Teller;
use super::open::{self, Found};
use super::rebuild::{fresh_beside, swap_folders};
use super::{FoldError, OpenError, Options, Progress, QueryError, RebuildError, Rebuilt, access, fold};

/// A customer whose access is another one.
#[derive(Debug, Clone)]
pub struct AccessChange {
    /// Live or test, and whose account.
    pub scope: Scope,
    /// The customer.
    pub customer: ObjectId,
    /// What it was; none for somebody who was not known.
    pub from: Option<Access>,
    /// What it is.
    pub to: Option<Access>,
}

/// What a swap would change.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// Rows, of any sort, that are not the same bytes.
    pub rows: u64,
    /// Statuses of subscriptions, invoices, payments, refunds and disputes.
    pub statuses: Vec<StatusChange>,
    /// Access of customers, at the moment that was asked for.
    pub access: Vec<AccessChange>,
    /// Whether access could be compared: not where another version wrote the rows.
    pub access_compared: bool,
    /// There are more than are named here.
    pub cut: bool,
}

impl Differences {
    /// Nobody's status or access changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.statuses.is_empty() && self.access.is_empty()
    }
}

/// A projection that was folded beside the one in the folder. Dropped without [`Shadow::swap`], it leaves the old one.
#[derive(Debug)]
pub struct Shadow {
    options: Options,
    log: SledLog,
    feed: Feed,
    place: PathBuf,
    old: Option<Projection>,
    fresh: Projection,
    records: u64,
}

impl Shadow {
    /// Opens the folder as it is, without bringing anything up to date.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let log = open::open_log(&options)?;
        let feed = open::open_feed(&options, &log)?;
        let old = match open::find_projection(&options, &log)? {
            Found::Ours(old) | Found::Outdated(old) => Some(old),
            Found::Nothing => None,
        };
        let place = open::projection_dir(&options.data);
        let fresh = fresh_beside(&place, &options)
            .map_err(|error| OpenError::Folder { path: place.clone(), reason: error.to_string().into() })?;
        Ok(Self { options, log, feed, place, old, fresh, records: 0 })
    }

    /// Folds the log as far as the old projection has come.
    ///
    /// # Errors
    /// [`RebuildError`].
    pub fn fold(&mut self, progress: &dyn Fn(Progress)) -> Result<(), RebuildError> {
        let until = match &self.old {
            Some(old) => Position::new(old.checkpoint().map_err(FoldError::from)?.position),
            // Only what the feed tells already: the rest comes with the swap.
            None => Position::new(self.feed.through().position),
        };
        let (done, total) = (&mut self.records, self.log.head().records);
        let told = fold::catch_up_to(&self.log, &self.fresh, until, |outcomes, _| {
            *done = done.saturating_add(outcomes.len() as u64);
            progress(Progress { done: *done, total });
        });
        told?;
        Ok(())
    }

    /// Folds what is left, and tells the feed of it, unless the old projection is ahead of the feed: then the next start
    /// makes both even.
    fn fold_rest(&mut self, progress: &dyn Fn(Progress)) -> Result<(), RebuildError> {
        let (done, total) = (&mut self.records, self.log.head().records);
        let folded = |outcomes: &[_], _: &_| {
            *done = done.saturating_add(<[_]>::len(outcomes) as u64);
            progress(Progress { done: *done, total });
        };
        let reached = self.fresh.checkpoint().map_err(FoldError::from)?.position;
        if reached > self.feed.through().position {
            return Ok(());
        }
        let teller = Teller { feed: &self.feed, policy: &self.options.policy, reducer: REDUCER_VERSION };
        fold::advance(&self.log, &self.fresh, teller, Position::new(u64::MAX), folded)?;
        Ok(self.feed.sync().map_err(FoldError::from)?)
    }

    /// What the swap would change, access as of `now`; none if there is nothing that can be compared with.
    /// Only after [`Shadow::fold`].
    ///
    /// # Errors
    /// [`QueryError`], of the new projection.
    pub fn differences(&self, now: Seconds) -> Result<Option<Differences>, QueryError> {
        let Some(old) = &self.old else { return Ok(None) };
        compared(old, &self.fresh, &self.options.policy, now)
    }

    /// Folds what is left and puts the new projection in the place of the old one.
    ///
    /// # Errors
    /// [`RebuildError`]; the old projection stays.
    pub fn swap(mut self, progress: &dyn Fn(Progress)) -> Result<Rebuilt, RebuildError> {
        let compared = self.records;
        let mut digest = self.fresh.digest().map_err(FoldError::from)?;
        let before = self.old.as_ref().and_then(|old| fold::guarded(|| Ok(old.digest()?)).ok());
        let changed = before != Some(digest);
        self.fold_rest(progress)?;
        if self.records > compared {
            digest = self.fresh.digest().map_err(FoldError::from)?;
        }
        self.fresh.flush().map_err(FoldError::from)?;
        let Self { place, old, fresh, records, .. } = self;
        drop((old, fresh));
        swap_folders(&place)?;
        // What stays is removed by the next start.
        let _ = open::discard(&open::aside(&place));
        Ok(Rebuilt { records, changed, digest })
    }

    /// Removes what was folded; the old projection stays.
    pub fn discard(self) {
        let Self { place, fresh, .. } = self;
        drop(fresh);
        // What stays is removed by the next start.
        let _ = open::discard(&open::beside(&place));
    }
}

/// What is different between two projections that show the same record; none if the old one cannot be read.
pub(super) fn compared(
    old: &Projection,
    fresh: &Projection,
    policy: &Policy,
    now: Seconds,
) -> Result<Option<Differences>, QueryError> {
    // A damaged one: there is nothing to compare with.
    let Ok(comparison) = fold::guarded(|| Ok(old.compare(fresh)?)) else { return Ok(None) };
    let mut differences = Differences {
        rows: comparison.rows,
        statuses: comparison.statuses,
        access: Vec::new(),
        access_compared: old.is_readable(),
        cut: comparison.cut,
    };
    for (scope, customer) in comparison.customers {
        let Ok(from) = access::of_customer(old, policy, &customer, &scope, now) else { return Ok(None) };
        let to = access::of_customer(fresh, policy, &customer, &scope, now)?;
        if noticed(from.as_ref()) != noticed(to.as_ref()) {
            differences.access.push(AccessChange { scope, customer, from, to });
        }
    }
    Ok(Some(differences))
}

/// What people notice of an answer.
fn noticed(access: Option<&Access>) -> Option<(Verdict, Reason, Option<Seconds>)> {
    access.map(|access| (access.decision, access.reason, access.until))
}
