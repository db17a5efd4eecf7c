//! Backing up, restoring, repairing: a log's records into another folder, at their own positions.
//!
//! A backup is a data folder without projections: its log is a log like any other. Never writes to where it reads from.

mod place;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::feed::{Feed, FeedCopy, FeedError, FeedSnapshot, Maker};
use crate::log::{
    self, CopyError, Encoded, EventLog, Head, LogCopy, Lost, Position, ReadError, Salvage, Salvaged, SledLog,
    SledOptions,
};

use super::open::{FEED, LOG, discard};
use place::{check_empty, lies_in, lies_in_any};

use super::{Billfold, FEED_CACHE_BYTES, LOG_CACHE_BYTES, Progress, QueryError};

/// The records that are copied at once.
const PAGE_RECORDS_MAX: usize = 4_096;

/// A log that is being restored or repaired: renamed when it is whole, so that half of one is never taken for all.
const PARTIAL: &str = "log.partial";

/// What a try that was broken off may have left beside it.
const BESIDE: [&str; 2] = ["settings.json", "settings.json.new"];

/// Why a log was not copied. What was copied before is whole; the original is as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// One of the two logs did not open. *Handling*: as its own message says.
    #[error(transparent)]
    Open(#[from] log::OpenError),
    /// The copy reaches further than the log. *Handling*: the log has lost records: keep both, and restore the copy.
    #[error(
        "the copy reaches position {copy}, the log only {log}: the log has lost records, or the copy is another one's. \
         Keep both"
    )]
    Ahead {
        /// Where the copy ends.
        copy: Position,
        /// Where the log ends.
        log: Position,
    },
    /// The copy has another history. *Handling*: keep it, and copy into an empty folder.
    #[error(
        "at position {at} the copy has another record than the log: it is a copy of another one, or one of them was \
         changed. Keep both, and copy into an empty folder"
    )]
    Diverged {
        /// Where the copy ends.
        at: Position,
    },
    /// The log could not be read. *Handling*: as the source says.
    #[error("the log could not be read: {reason}")]
    Source {
        /// What was said.
        reason: Box<str>,
    },
    /// A record was not taken over. *Handling*: as the source says.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A feed could not be copied. *Handling*: as its own message says.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The copy's feed has other entries. *Handling*: keep it, and copy into an empty folder.
    #[error(
        "the copy's feed has another entry {at} than the feed: one of them was made anew. Keep both, and copy into an \
         empty folder"
    )]
    FeedDiverged {
        /// The number of the copy's newest entry.
        at: u64,
    },
    /// The place to copy to is taken. *Handling*: name an empty folder.
    #[error("{} is not empty: name an empty folder, or a new one", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// The place to copy to lies in the folder that is copied, or is it. *Handling*: name another folder.
    #[error("{} lies in the data folder that is backed up, or in another one: name a folder elsewhere, on another disk", path.display())]
    Inside {
        /// The folder.
        path: PathBuf,
    },
    /// The place to copy to cannot be used. *Handling*: check its place and permissions.
    #[error("{} cannot be used ({reason}): check its place and permissions", path.display())]
    Place {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        reason: Arc<str>,
    },
}

/// What a copy has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// The end of the copy: the log's end when the copying began.
    pub head: Head,
    /// Records that were added now.
    pub added: u64,
}

/// What is copied: where it ends, what it lacks, and its pages of records behind a position.
pub struct Original<'a> {
    /// The log's end: nothing behind it is copied.
    pub head: Head,
    /// What a repair of the log could not save.
    pub lost: Vec<Lost>,
    /// The records behind a position, ascending, empty at the end; or why they cannot be read.
    pub page: &'a dyn Fn(Position) -> Result<Vec<Encoded>, Box<str>>,
    /// The feed, taken before the end of the log was: it tells of no record behind that. None where there is none yet.
    pub feed: Option<OriginalFeed<'a>>,
}

/// The feed that is copied.
pub struct OriginalFeed<'a> {
    /// How far it is copied, and where its readers are.
    pub snapshot: FeedSnapshot,
    /// The packed entries behind a number, empty at the end; or why they cannot be read.
    pub page: &'a dyn Fn(u64) -> Result<Vec<u8>, Box<str>>,
}

/// Writes what lies beside the log in a data folder. Asked once the log is whole, before it has its name: whoever is
/// stopped in between begins anew.
pub type Beside<'a> = dyn Fn() -> std::io::Result<()> + 'a;

impl Billfold {
    /// The end of the log.
    #[must_use]
    pub fn head(&self) -> Head {
        self.shared.log.head()
    }

    /// The positions that a repair could not save.
    #[must_use]
    pub fn lost(&self) -> Vec<Lost> {
        self.shared.log.lost()
    }

    /// A page of stored records behind a position, packed for another log ([`log::unpack`]); empty at the end.
    ///
    /// # Errors
    /// [`QueryError::Log`].
    pub fn packed_records(&self, after: Position) -> Result<Vec<u8>, QueryError> {
        let page = self.shared.log.read_encoded(after, PAGE_RECORDS_MAX)?;
        Ok(log::pack(&page)?)
    }
}

impl Billfold {
    /// The feed as it is now, for a copy.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn feed_snapshot(&self) -> Result<FeedSnapshot, QueryError> {
        Ok(self.shared.feed.snapshot()?)
    }

    /// A page of entries behind a number, packed for another feed; empty at the end.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn packed_entries(&self, after: u64) -> Result<Vec<u8>, QueryError> {
        Ok(self.shared.feed.packed(after)?)
    }
}

/// Adds to the data folder `target` what it lacks of a log: all of it, or what came since the last time.
///
/// # Errors
/// [`BackupError`].
pub fn backup(
    original: &Original<'_>,
    target: &Path,
    progress: &dyn Fn(Progress),
) -> Result<BackedUp, BackupError> {
    if lies_in_any(target) {
        return Err(BackupError::Inside { path: target.to_owned() });
    }
    let copy = target.join(LOG);
    if !copy.is_dir() {
        check_empty(target)?;
    }
    let done = fill(original, &copy, progress)?;
    fill_feed(original.feed.as_ref(), target)?;
    Ok(done)
}

/// The same from a data folder that no process has open.
///
/// # Errors
/// [`BackupError`].
pub fn backup_folder(
    data: &Path,
    target: &Path,
    progress: &dyn Fn(Progress),
) -> Result<BackedUp, BackupError> {
    if lies_in(target, data) {
        return Err(BackupError::Inside { path: target.to_owned() });
    }
    with_log(data, |original| backup(original, target, progress))
}

/// Makes the empty folder `data` a data folder from a backup. What is folded is made at its first start.
///
/// # Errors
/// [`BackupError`].
pub fn restore(
    backup: &Path,
    data: &Path,
    beside: &Beside<'_>,
    progress: &dyn Fn(Progress),
) -> Result<BackedUp, BackupError> {
    with_log(backup, |original| {
        whole_or_nothing(data, beside, |partial| {
            let done = fill(original, partial, progress)?;
            fill_feed(original.feed.as_ref(), data)?;
            Ok(done)
        })
    })
}

/// Saves every record that can be read in the log of `data` into the empty folder `into`, or only says what could be
/// saved. What `backups` of the same history hold fills the gaps. The original is only read.
///
/// # Errors
/// [`BackupError`].
pub fn repair(
    data: &Path,
    backups: &[PathBuf],
    into: Option<(&Path, &Beside<'_>)>,
    progress: &dyn Fn(Progress),
) -> Result<Salvaged, BackupError> {
    let mut salvage = Salvage::new();
    for folder in std::iter::once(data).chain(backups.iter().map(PathBuf::as_path)) {
        salvage.scan(&folder.join(LOG), &|done, total| progress(Progress { done, total }))?;
    }
    let written = |done, total| progress(Progress { done, total });
    match into {
        None => Ok(salvage.finish(None, &mut |_| (), &written)?),
        Some((into, beside)) => whole_or_nothing(into, beside, |partial| {
            let mut copy = LogCopy::open(partial)?;
            let salvaged = salvage.finish(Some(&mut copy), &mut |_| (), &written)?;
            save_feed(data, into, &salvaged);
            Ok(salvaged)
        }),
    }
}

fn with_log<T>(
    data: &Path,
    work: impl FnOnce(&Original<'_>) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let log = SledLog::open(&data.join(LOG), &SledOptions { cache_bytes: LOG_CACHE_BYTES })?;
    let page = |after| {
        log.read_encoded(after, PAGE_RECORDS_MAX).map_err(|error: ReadError| error.to_string().into())
    };
    let path = data.join(FEED);
    // A folder that no version with a feed has opened yet has none.
    let feed = if path.is_dir() { Some(Feed::open(&path, FEED_CACHE_BYTES, NOBODY)?) } else { None };
    let entries = |after| match &feed {
        Some(feed) => feed.packed(after).map_err(|error| error.to_string().into()),
        None => Ok(Vec::new()),
    };
    let snapshot = feed.as_ref().map(Feed::snapshot).transpose()?;
    let feed = snapshot.map(|snapshot| OriginalFeed { snapshot, page: &entries });
    work(&Original { head: log.head(), lost: log.lost(), page: &page, feed })
}

/// Who made no entry: what is opened to be copied has a maker of its own, or nothing in it.
const NOBODY: Maker = Maker { reducer: 0, policy: [0; 32] };

/// Copies the entries that are missing, once it is certain that both feeds are the same up to there.
fn fill_feed(original: Option<&OriginalFeed<'_>>, target: &Path) -> Result<(), BackupError> {
    let Some(OriginalFeed { snapshot, page }) = original else { return Ok(()) };
    let page = |after| page(after).map_err(|reason| BackupError::Source { reason });
    let copy = FeedCopy::open(&target.join(FEED), FEED_CACHE_BYTES)?;
    let begun = copy.head();
    if let Some(before) = begun.checked_sub(1)
        && (begun > snapshot.head() || !copy.continues(&page(before)?)?)
    {
        return Err(BackupError::FeedDiverged { at: begun });
    }
    while copy.head() < snapshot.head() {
        if copy.take(&page(copy.head())?, snapshot.head())? == 0 {
            let reason = format!("the feed ends at entry {}, not at {}", copy.head(), snapshot.head());
            return Err(BackupError::Source { reason: reason.into() });
        }
    }
    Ok(copy.finish(snapshot)?)
}

/// Takes the feed along into a repaired folder, if it is whole and tells of no record behind the end. Where it does not
/// fit it is made anew, from the records that were saved.
fn save_feed(data: &Path, into: &Path, salvaged: &Salvaged) {
    let path = data.join(FEED);
    let saved = (|| {
        let feed = path.is_dir().then(|| Feed::open(&path, FEED_CACHE_BYTES, NOBODY)).transpose()?;
        let Some(feed) = feed.filter(|feed| feed.through().position <= salvaged.head.position.get()) else {
            return Ok(());
        };
        let page = |after| feed.packed(after).map_err(|error| error.to_string().into());
        let mut snapshot = feed.snapshot()?;
        if !salvaged.lost.is_empty() {
            snapshot = snapshot.with_losses();
        }
        fill_feed(Some(&OriginalFeed { snapshot, page: &page }), into)
    })();
    if saved.is_err() {
        // What stays of it would be refused at the next start.
        let _ = discard(&into.join(FEED));
    }
}

/// Copies what is missing behind the end of the copy in `folder`, once it is certain that both are the same up to there.
fn fill(
    original: &Original<'_>,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<BackedUp, BackupError> {
    let page = |after| (original.page)(after).map_err(|reason| BackupError::Source { reason });
    let mut copy = LogCopy::open(folder)?;
    let begun = copy.head();
    let head = original.head;
    if begun.position > head.position {
        return Err(BackupError::Ahead { copy: begun.position, log: head.position });
    }
    if let Some(before) = begun.position.get().checked_sub(1) {
        let there = page(Position::new(before))?.first().map(Encoded::decode).transpose();
        let there = there.map_err(CopyError::from)?;
        if there.is_none_or(|record| (record.position, record.digest) != (begun.position, begun.digest)) {
            return Err(BackupError::Diverged { at: begun.position });
        }
    }
    while copy.head().position < head.position {
        let mut records = page(copy.head().position)?;
        records.retain(|record| record.position() <= head.position);
        if records.is_empty() {
            let reason = format!("it ends at position {}, not at {}", copy.head().position, head.position);
            return Err(BackupError::Source { reason: reason.into() });
        }
        copy.take(&records, &original.lost)?;
        progress(Progress { done: copy.head().records, total: head.records });
    }
    copy.end(&original.lost)?;
    let reached = copy.head();
    if reached.digest != head.digest {
        return Err(BackupError::Diverged { at: reached.position });
    }
    Ok(BackedUp { head: reached, added: reached.records.saturating_sub(begun.records) })
}

/// Lets `work` write a log under another name, and gives it its own when it is complete.
fn whole_or_nothing<T>(
    data: &Path,
    beside: &Beside<'_>,
    work: impl FnOnce(&Path) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let place = |error: std::io::Error| BackupError::Place {
        path: data.to_owned(),
        reason: error.to_string().into(),
    };
    let partial = data.join(PARTIAL);
    // What an earlier try left behind: it began in an empty folder, so all of it is its own.
    if partial.is_dir() {
        for entry in std::fs::read_dir(data).map_err(place)? {
            let path = entry.map_err(place)?.path();
            if BESIDE.iter().any(|name| path.ends_with(name)) {
                std::fs::remove_file(path).map_err(place)?;
            }
        }
        discard(&data.join(FEED)).map_err(place)?;
        discard(&partial).map_err(place)?;
    }
    check_empty(data)?;
    let done = work(&partial)?;
    beside().map_err(place)?;
    std::fs::rename(&partial, data.join(LOG)).map_err(place)?;
    std::fs::File::open(data).and_then(|folder| folder.sync_all()).map_err(place)?;
    Ok(done)
}
