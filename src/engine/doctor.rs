//! The doctor for a folder: gathers a bounded number of facts, and has them judged.
//!
//! Never writes. What a fact means is said in `judge`, which is pure.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::log::Provenance;
use crate::model::time::{Millis, Seconds};
use crate::stripe::doctor::Finding;

use super::{Billfold, EventQuery, PAGE_ITEMS_MAX, QueryError, Readiness, Stats};

mod judge;

/// The newest records that are looked at.
pub const DOCTOR_RECORDS_MAX: usize = 1_000;

/// How far back the counts at the door are looked at, in seconds: a day.
const WINDOW_SECONDS: i64 = 86_400;

/// What the doors know and a folder does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The labels of the configured secrets; none where they are not known.
    pub labels: Option<Vec<Box<str>>>,
    /// How old the newest record may be, in seconds.
    pub silence: Option<i64>,
}

/// What is asked of the folder on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Disk {
    /// The permission bits.
    mode: u32,
    /// Whether it belongs to this process's user.
    is_ours: bool,
    /// Bytes that this user can still write.
    free_bytes: Option<u64>,
}

/// What the newest records say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Recent {
    /// How many there are.
    records: u64,
    /// When the first of them came.
    from: Option<Millis>,
    /// When the last record of each label came.
    labels: BTreeMap<Box<str>, Millis>,
    /// How many events of each API version there are.
    versions: BTreeMap<Box<str>, u64>,
    /// For the delivered ones of live mode: seconds between being made and being received, newest first.
    delays: Vec<i64>,
}

/// Everything that is judged.
#[derive(Debug, Clone)]
struct Facts {
    disk: Result<Disk, Box<str>>,
    readiness: Readiness,
    stats: Stats,
    lost: usize,
    recent: Recent,
}

impl Billfold {
    /// Whether the folder is well: every check, with what to do where it is not.
    ///
    /// # Errors
    /// [`QueryError`] when the folder cannot even be asked.
    pub fn examine(&self, surroundings: &Surroundings, now: Millis) -> Result<Vec<Finding>, QueryError> {
        let facts = Facts {
            disk: disk(&self.options().data),
            readiness: self.readiness(),
            stats: self.stats(now.seconds(), WINDOW_SECONDS)?,
            lost: self.lost().len(),
            recent: self.recent()?,
        };
        Ok(judge::all(&facts, surroundings, now))
    }

    fn recent(&self) -> Result<Recent, QueryError> {
        let mut recent = Recent::default();
        let mut query = EventQuery { limit: PAGE_ITEMS_MAX, ..EventQuery::default() };
        for _ in 0..DOCTOR_RECORDS_MAX.div_ceil(PAGE_ITEMS_MAX) {
            let page = self.events(&query)?;
            for event in page.items {
                let received_at = event.record.content.received_at;
                recent.records = recent.records.saturating_add(1);
                recent.from = Some(received_at);
                if let Some(version) = event.api_version {
                    let count = recent.versions.entry(version).or_default();
                    *count = count.saturating_add(1);
                }
                if let Provenance::Signed { secret, .. } = event.record.content.provenance {
                    recent.labels.entry(secret).or_insert(received_at);
                    // A test clock's events are dated by that clock.
                    let is_live = event.scope.is_some_and(|scope| scope.livemode);
                    let created = event.created.filter(|_| is_live);
                    recent.delays.extend(created.map(|created| delay(created, received_at)));
                }
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        Ok(recent)
    }
}

fn delay(created: Seconds, received_at: Millis) -> i64 {
    received_at.seconds().0.saturating_sub(created.0)
}

fn disk(folder: &Path) -> Result<Disk, Box<str>> {
    let found = std::fs::metadata(folder).map_err(|error| error.to_string().into_boxed_str())?;
    let free = rustix::fs::statvfs(folder).ok();
    Ok(Disk {
        mode: found.mode() & 0o7777,
        is_ours: found.uid() == rustix::process::geteuid().as_raw(),
        free_bytes: free.map(|free| free.f_bavail.saturating_mul(free.f_frsize)),
    })
}
