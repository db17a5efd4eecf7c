//! Verifying: the whole log held against itself, its signatures against the secrets, the projections against a fresh fold.
//!
//! Never mends anything. What it folds for comparison lies beside the projections and is removed again.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::feed::{Checked, FeedError};
use crate::log::{
    Digest, EventLog as _, Findings, Head, Lost, OpenError as LogOpenError, Position, Provenance, Provider,
    Record, Salvage, SledLog, SledOptions,
};
use crate::projection::{Opened, Projection, ProjectionError};
use crate::stripe::signature::{self, Secrets, Tolerance};

use super::open::{FEED, LOG, compared, discard, fresh_projection, open_feed, projection_dir};
use super::{FoldError, OpenError, Options, Progress, fold};

/// What is looked at beyond the log itself.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// The secrets that signed the stored deliveries; none leaves the signatures out.
    pub secrets: Option<Secrets>,
    /// A head that was noted earlier: the history up to there must be the same.
    pub expected: Option<(Digest, Position)>,
    /// Whether the projections are compared with a fresh fold.
    pub projections: bool,
}

/// What became of the stored signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signatures {
    /// One of the secrets signed them.
    pub good: u64,
    /// None of the secrets did, though one with the label that they were given is here.
    pub bad: u64,
    /// None of the secrets did, and the one that did is not here: none has its label, or it was known by its place in a
    /// list alone.
    pub absent_secret: u64,
    /// An operator vouched for them: there is no signature.
    pub imported: u64,
}

/// How the projections compare with a fresh fold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// Nobody asked, or the log could not be read.
    LeftOut,
    /// There are none: the next start makes them.
    Absent,
    /// Another version or other settings made them: the next start folds them anew.
    Outdated,
    /// Byte for byte the same, up to the position that they have come to.
    Equal(Position),
    /// They are not what the log says, or cannot be read; the findings say how.
    Different,
}

/// What became of the head that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// The history up to there is the same, and whole.
    Holds,
    /// Records up to there are lost or cannot be read, so that nothing can be said.
    Unproven,
    /// Another digest is there.
    Differs {
        /// What is there; none without a readable record.
        found: Option<Digest>,
    },
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The end of the log.
    pub head: Head,
    /// Records that are as they were written.
    pub records_whole: u64,
    /// Entries of the index of ids.
    pub index_entries: u64,
    /// What an earlier repair could not save.
    pub lost: Vec<Lost>,
    /// The signatures, if secrets were given.
    pub signatures: Option<Signatures>,
    /// The projections.
    pub projections: Comparison,
    /// The head that was expected, if one was.
    pub expected: Option<Expected>,
    /// The feed; none where there is none yet, or the log does not open.
    pub feed: Option<Checked>,
    /// Everything that is not as it was written.
    pub findings: Findings,
}

/// Looks at everything in a folder that no process has open.
///
/// # Errors
/// [`OpenError`] when the folder cannot be looked at. Damage is no error: it is what is asked for.
pub fn verify(
    options: &Options,
    checks: &Checks,
    progress: &dyn Fn(Progress),
) -> Result<Verified, OpenError> {
    let folder = options.data.join(LOG);
    let log = match SledLog::open(&folder, &SledOptions { cache_bytes: options.log_cache_bytes }) {
        Ok(log) => log,
        Err(error @ (LogOpenError::Damaged { .. } | LogOpenError::RecordsLost { .. })) => {
            return unopened(&folder, &error, checks);
        }
        Err(LogOpenError::Locked { .. }) => return Err(OpenError::Locked { path: options.data.clone() }),
        Err(error) => return Err(OpenError::Log(error)),
    };
    let total = log.head().records;
    let done = Cell::new(0_u64);
    let mut signatures = checks.secrets.as_ref().map(|_| Signatures::default());
    let mut unsigned = Findings::default();
    let mut proof = Proof::of(checks.expected);
    let inspection = log.inspect(&mut |record| {
        done.set(done.get().saturating_add(1));
        progress(Progress { done: done.get(), total });
        if let (Some(counts), Some(secrets)) = (&mut signatures, &checks.secrets) {
            check_signature(record, secrets, counts, &mut unsigned);
        }
        proof.see(record);
    });
    let mut findings = inspection.findings;
    let expected = proof.outcome(inspection.head.position, &inspection.lost, &findings);
    let is_whole = findings.is_empty();
    for finding in unsigned.told() {
        findings.note(finding.position, finding.what.clone());
    }
    let projections = if checks.projections && is_whole {
        compare(options, &log, &mut findings, progress)
    } else {
        Comparison::LeftOut
    };
    let feed = check_feed(options, &log, &mut findings)?;
    Ok(Verified {
        feed,
        head: inspection.head,
        records_whole: inspection.records_whole,
        index_entries: inspection.index_entries,
        lost: inspection.lost,
        signatures,
        projections,
        expected,
        findings,
    })
}

/// A log that does not open is looked at past its storage: what is lost gets its positions all the same.
fn unopened(folder: &Path, error: &LogOpenError, checks: &Checks) -> Result<Verified, OpenError> {
    let mut findings = Findings::default();
    findings.note(None, error.to_string());
    let mut salvage = Salvage::new();
    salvage.scan(folder, &|_, _| ()).map_err(OpenError::Log)?;
    let mut proof = Proof::of(checks.expected);
    let found = salvage.finish(None, &mut |record| proof.see(record), &|_, _| ());
    let mut head = Head { position: Position::START, digest: Digest::GENESIS, records: 0 };
    // Without a copy to write there is nothing that could fail.
    if let Ok(salvaged) = found {
        head = salvaged.head;
        for lost in &salvaged.lost {
            let what = match lost.count() {
                0 => "its digest does not follow from the record before".to_owned(),
                1 => "its record cannot be read anywhere".to_owned(),
                count => {
                    format!("the records from here on cannot be read anywhere: {count}, positions {lost}")
                }
            };
            let first = lost.after.get().saturating_add(1).min(lost.next.get());
            findings.note(Some(Position::new(first)), what);
        }
    }
    Ok(Verified {
        records_whole: head.records,
        head,
        index_entries: 0,
        lost: Vec::new(),
        signatures: None,
        projections: Comparison::LeftOut,
        expected: proof.of_rest(),
        feed: None,
        findings,
    })
}

/// Looks at every entry of the feed, and whether it is of this log. Damage is noted.
fn check_feed(
    options: &Options,
    log: &SledLog,
    findings: &mut Findings,
) -> Result<Option<Checked>, OpenError> {
    if !options.data.join(FEED).is_dir() {
        return Ok(None);
    }
    let checked = catch_unwind(AssertUnwindSafe(|| Ok(open_feed(options, log)?.check()?)));
    match checked {
        Ok(Ok(checked)) => {
            for finding in &checked.findings {
                findings.note(None, finding.to_string());
            }
            Ok(Some(checked))
        }
        Ok(Err(error @ OpenError::Feed(FeedError::Locked { .. } | FeedError::Storage { .. }))) => Err(error),
        Ok(Err(error)) => {
            findings.note(None, error.to_string());
            Ok(None)
        }
        Err(_) => {
            findings.note(None, "the feed cannot be read: the storage panicked; restore it from a backup");
            Ok(None)
        }
    }
}

/// The chain up to a head that was noted earlier, computed from its beginning: no note of a loss stands in for a record.
struct Proof {
    expected: Option<(Digest, Position)>,
    chain: Digest,
    is_linked: bool,
    found: Option<Digest>,
}

impl Proof {
    const fn of(expected: Option<(Digest, Position)>) -> Self {
        Self { expected, chain: Digest::GENESIS, is_linked: true, found: None }
    }

    fn see(&mut self, record: &Record) {
        let Some((_, position)) = self.expected.filter(|(_, position)| record.position <= *position) else {
            return;
        };
        self.is_linked &= record.digest_after(self.chain) == record.digest;
        self.chain = record.digest;
        if record.position == position {
            self.found = Some(record.digest);
        }
    }

    /// In a log that was read to its end.
    fn outcome(&self, end: Position, lost: &[Lost], findings: &Findings) -> Option<Expected> {
        let (digest, position) = self.expected?;
        let is_damaged =
            findings.told().iter().any(|finding| finding.position.is_some_and(|at| at <= position));
        Some(match self.found {
            Some(found) if found != digest => Expected::Differs { found: Some(found) },
            Some(_) if self.is_linked && !is_damaged => Expected::Holds,
            None if position > end && !is_damaged && lost.iter().all(|lost| lost.next <= position) => {
                Expected::Differs { found: None }
            }
            _ => Expected::Unproven,
        })
    }

    /// In what can be read of a log that does not open: without every record up to there it is evidence of nothing.
    fn of_rest(&self) -> Option<Expected> {
        let (digest, _) = self.expected?;
        Some(match self.found.filter(|_| self.is_linked) {
            Some(found) if found == digest => Expected::Holds,
            Some(found) => Expected::Differs { found: Some(found) },
            None => Expected::Unproven,
        })
    }
}

fn check_signature(record: &Record, secrets: &Secrets, counts: &mut Signatures, findings: &mut Findings) {
    let (header, label) = match (&record.content.provenance, record.content.provider) {
        (Provenance::Imported, _) => {
            counts.imported = counts.imported.saturating_add(1);
            return;
        }
        (Provenance::Signed { header, secret }, Provider::Stripe) => (header, secret),
    };
    let now = record.content.received_at.seconds();
    let body = &record.content.body.0;
    // Any of them: labels by number move when the list changes.
    match signature::verify(Some(header.as_bytes()), body, secrets, Tolerance::UNCHECKED, now) {
        Ok(_) => counts.good = counts.good.saturating_add(1),
        Err(_)
            if !signature::is_by_place(label) && secrets.iter().any(|secret| secret.label() == &**label) =>
        {
            counts.bad = counts.bad.saturating_add(1);
            let what = format!("no given secret signed it, not even {label}: is it the one of that time?");
            findings.note(Some(record.position), what);
        }
        // Another secret may have taken its place since: nothing can be said.
        Err(_) => counts.absent_secret = counts.absent_secret.saturating_add(1),
    }
}

/// Folds the log beside the projections, as far as they have come, and compares every byte.
fn compare(
    options: &Options,
    log: &SledLog,
    findings: &mut Findings,
    progress: &dyn Fn(Progress),
) -> Comparison {
    let place = projection_dir(&options.data);
    if !place.is_dir() {
        return Comparison::Absent;
    }
    let beside = compared(&place);
    let comparison = catch_unwind(AssertUnwindSafe(|| compare_with(options, &place, &beside, log, progress)));
    // What stays behind is removed by the next time.
    let _ = discard(&beside);
    match comparison {
        Ok(Ok(comparison)) => {
            if comparison == Comparison::Different {
                findings.note(
                    None,
                    "the projections are not what the log says: the next `billfold rebuild` makes them so",
                );
            }
            comparison
        }
        Ok(Err(reason)) => {
            findings.note(None, format!("the projections cannot be compared: {reason}"));
            Comparison::Different
        }
        Err(_) => {
            findings.note(
                None,
                "the projections cannot be read: the storage panicked; `billfold rebuild` folds them anew",
            );
            Comparison::Different
        }
    }
}

fn compare_with(
    options: &Options,
    place: &Path,
    beside: &Path,
    log: &SledLog,
    progress: &dyn Fn(Progress),
) -> Result<Comparison, FoldError> {
    let opened = Projection::open(place, options.projection_cache_bytes, &options.reference_keys)?;
    let Opened::Ready(shown) = opened else { return Ok(Comparison::Outdated) };
    let reached = Position::new(shown.checkpoint()?.position);
    let head = log.head();
    if reached > head.position {
        return Ok(Comparison::Different);
    }
    let storage = |error: std::io::Error| ProjectionError::Storage { reason: error.to_string().into() };
    discard(beside).map_err(storage)?;
    let fresh = fresh_projection(beside, options)?;
    let total = head.records;
    let mut done = 0_u64;
    fold::catch_up_to(log, &fresh, reached, |outcomes, _| {
        done = done.saturating_add(outcomes.len() as u64);
        progress(Progress { done, total });
    })?;
    let same = fresh.checkpoint()? == shown.checkpoint()? && fresh.digest()? == shown.digest()?;
    Ok(if same { Comparison::Equal(reached) } else { Comparison::Different })
}
