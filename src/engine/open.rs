//! Opening a folder: the log first, then the projections, made anew where they cannot be gone on with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crate::feed::Feed;
use crate::log::{self, EventLog, Position, SledLog, SledOptions};
use crate::projection::{Opened, Projection, ProjectionError};

use super::fold::Folder;
use super::operations::Operations;
use super::{Billfold, FEED_CACHE_BYTES, FoldError, OpenError, Options, Shared, feed};

/// The log's folder inside the data folder.
pub(super) const LOG: &str = "log";
/// The projections' folder.
const PROJECTION: &str = "projection";
/// Where projections of the past live while they are asked.
const PAST: &str = "past";
/// The feed's folder.
pub(super) const FEED: &str = "feed";
/// The counts' file.
const OPERATIONS: &str = "operations";

/// Where the projections live.
pub(super) fn projection_dir(data: &Path) -> PathBuf {
    data.join(PROJECTION)
}

pub(super) fn past_dir(data: &Path) -> PathBuf {
    data.join(PAST)
}

pub(super) fn open(options: Options) -> Result<Billfold, OpenError> {
    let log = open_log(&options)?;
    with_log(options, Arc::new(log))
}

pub(super) fn open_log(options: &Options) -> Result<SledLog, OpenError> {
    let log_options = SledOptions { cache_bytes: options.log_cache_bytes };
    SledLog::open(&options.data.join(LOG), &log_options).map_err(|error| match error {
        log::OpenError::Locked { .. } => OpenError::Locked { path: options.data.clone() },
        other => OpenError::Log(other),
    })
}

/// The same over a log that is open already.
pub(super) fn with_log(options: Options, log: Arc<dyn EventLog>) -> Result<Billfold, OpenError> {
    let feed = open_feed(&options, &*log)?;
    let projection = open_projection(&options, &*log, &feed)?;
    let operations = Operations::load(options.data.join(OPERATIONS));
    let checkpoint = projection
        .checkpoint()
        .map_err(|source| OpenError::Projection { path: projection_dir(&options.data), source })?;
    let position = Position::new(checkpoint.position);
    let shared = Arc::new(Shared::new(options, log, Arc::new(feed), projection, position, operations));
    catch_up_first(&shared)?;
    let folder = Folder::start(Arc::clone(&shared)).map_err(|error| OpenError::Folder {
        path: shared.options.data.clone(),
        reason: error.to_string().into(),
    })?;
    Ok(Billfold { shared, folder: Arc::new(folder) })
}

/// Folds what is missing before anybody reads. A record that cannot be read does not stop the start: the state up to it
/// is shown, and readiness says why no more. Nor does a damaged projection: all is folded anew.
fn catch_up_first(shared: &Shared) -> Result<(), OpenError> {
    match shared.fold_telling(shared.options.on_progress.as_ref()) {
        Err(FoldError::BrokeOff | FoldError::Projection(ProjectionError::Damaged { .. })) => {}
        outcome => return unless_damaged_log(outcome),
    }
    let path = projection_dir(&shared.options.data);
    // Renamed, not removed: sled still has its files open.
    let old = aside(&path);
    let moved = discard(&old).and_then(|()| std::fs::rename(&path, &old)).map_err(|error| storage(&error));
    let fresh = moved.and_then(|()| fresh_projection(&path, &shared.options));
    let fresh = fresh.map_err(|source| OpenError::Projection { path: path.clone(), source })?;
    *shared.projection.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
    // What stays is removed by the next rebuild.
    let _ = discard(&old);
    unless_damaged_log(shared.fold_telling(shared.options.on_progress.as_ref()))
}

fn unless_damaged_log(folded: Result<Position, FoldError>) -> Result<(), OpenError> {
    match folded {
        Ok(_) | Err(FoldError::Read(_)) => Ok(()),
        Err(error) => Err(OpenError::Fold(error)),
    }
}

/// Opens the feed, which has to be one of this log.
pub(super) fn open_feed(options: &Options, log: &dyn EventLog) -> Result<Feed, OpenError> {
    let path = options.data.join(FEED);
    let feed = Feed::open(&path, FEED_CACHE_BYTES, feed::maker(&options.policy))?;
    let through = feed.through();
    let (told, head) = (Position::new(through.position), log.head().position);
    if told > head {
        return Err(OpenError::FeedAhead { head, told, path });
    }
    // What a repair could not save proves nothing against the feed.
    let is_lost = log.lost().iter().any(|lost| lost.after < told && told < lost.next);
    if !is_lost && !holds(log, through.position, &through.digest) {
        return Err(OpenError::FeedForeign { at: told, path });
    }
    Ok(feed)
}

/// What lies in the projections' folder.
pub(super) enum Found {
    /// A projection of this log that can be gone on with.
    Ours(Projection),
    /// One of this log that another version made, or other settings.
    Outdated(Projection),
    /// None, a damaged one, or one of another log.
    Nothing,
}

/// Looks what there is to go on with. Changes nothing but the traces of a rebuild that was broken off.
pub(super) fn find_projection(options: &Options, log: &dyn EventLog) -> Result<Found, OpenError> {
    let path = projection_dir(&options.data);
    tidy_up(&path).map_err(|error| OpenError::Projection { path: path.clone(), source: storage(&error) })?;
    if !path.exists() {
        return Ok(Found::Nothing);
    }
    let (projection, is_ours) =
        match Projection::open(&path, options.projection_cache_bytes, &options.reference_keys) {
            Ok(Opened::Ready(projection)) => (projection, true),
            Ok(Opened::Outdated(projection)) => (projection, false),
            Err(ProjectionError::Locked) => return Err(OpenError::Locked { path: options.data.clone() }),
            Err(source @ ProjectionError::Denied { .. }) => {
                return Err(OpenError::Projection { path, source });
            }
            Err(_) => return Ok(Found::Nothing),
        };
    let folded = projection.checkpoint().map_or(Position::START, |at| Position::new(at.position));
    let head = log.head().position;
    if folded > head {
        return Err(OpenError::LogShorter { head, folded, path });
    }
    if !belongs_to(&projection, log) {
        return Ok(Found::Nothing);
    }
    Ok(if is_ours { Found::Ours(projection) } else { Found::Outdated(projection) })
}

/// What could not be gone on with is derived, and made anew; so is what is ahead of the feed, which would never tell of
/// the records between.
fn open_projection(options: &Options, log: &dyn EventLog, feed: &Feed) -> Result<Projection, OpenError> {
    if let Found::Ours(projection) = find_projection(options, log)?
        && projection.checkpoint().is_ok_and(|at| at.position <= feed.through().position)
    {
        return Ok(projection);
    }
    let path = projection_dir(&options.data);
    let failed = |source| OpenError::Projection { path: path.clone(), source };
    discard(&path).map_err(|error| failed(storage(&error)))?;
    fresh_projection(&path, options).map_err(failed)
}

/// Where a rebuild folds.
pub(super) fn beside(place: &Path) -> PathBuf {
    place.with_extension("rebuild")
}

/// Where the projections are folded that the present ones are compared with.
pub(super) fn compared(place: &Path) -> PathBuf {
    place.with_extension("verify")
}

/// Where the old projection waits until the new one has taken its place.
pub(super) fn aside(place: &Path) -> PathBuf {
    place.with_extension("old")
}

/// What a rebuild, a comparison or a question that was broken off has left behind: the old projection stays, the half-made ones go.
fn tidy_up(place: &Path) -> std::io::Result<()> {
    discard(&beside(place))?;
    discard(&compared(place))?;
    discard(&place.with_file_name(PAST))?;
    let aside = aside(place);
    if aside.exists() && !place.exists() {
        return std::fs::rename(aside, place);
    }
    discard(&aside)
}

fn storage(error: &std::io::Error) -> ProjectionError {
    ProjectionError::Storage { reason: error.to_string().into() }
}

/// An empty projection in an empty place.
pub(super) fn fresh_projection(path: &Path, options: &Options) -> Result<Projection, ProjectionError> {
    match Projection::open(path, options.projection_cache_bytes, &options.reference_keys)? {
        Opened::Ready(projection) => Ok(projection),
        Opened::Outdated(_) => Err(ProjectionError::Damaged { reason: "it is not empty".into() }),
    }
}

pub(super) fn discard(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Whether a projection was folded from this log: its checkpoint lies in it, on the same chain.
fn belongs_to(projection: &Projection, log: &dyn EventLog) -> bool {
    projection.checkpoint().is_ok_and(|checkpoint| holds(log, checkpoint.position, &checkpoint.digest))
}

/// Whether the log has the record with this digest there.
fn holds(log: &dyn EventLog, position: u64, digest: &[u8; 32]) -> bool {
    let Some(before) = position.checked_sub(1) else {
        // Before the first record.
        return true;
    };
    let found = log.read(Position::new(before), 1).ok().and_then(|mut page| page.pop());
    found.is_some_and(|record| record.position.get() == position && record.digest.0 == *digest)
}
