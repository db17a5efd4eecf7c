//! What must hold of a folder after any attack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use billfold::engine::{Billfold, FeedQuery};
use billfold::log::{EventLog, Position, Provenance, Provider, Record, RecordId, SledLog, SledOptions};
use billfold::model::feed::{Entry, Standing};
use sha2::{Digest as _, Sha256};

use crate::running::judged;

/// The records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// The most records from which the feed is made anew, to be compared.
const MADE_ANEW_RECORDS_MAX: u64 = 3_000;

/// So many records bring a change that the feed tells.
const TELLING_RECORDS: u64 = 40;

/// Event ids that were acknowledged, and where the record was said to be, if it was.
pub(crate) type Acked = BTreeMap<String, Option<u64>>;

/// Whether a stored body is the one that was sent under an id.
pub(crate) type IsSent<'a> = &'a dyn Fn(&str, &[u8]) -> bool;

/// Where a folder keeps its log.
pub(crate) fn log_folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// Fails with what does not hold, otherwise says how many records there are.
pub(crate) fn audit(data: &Path, acked: &Acked, is_sent: IsSent<'_>) -> Result<u64, String> {
    let records = judged(|| audit_log(&log_folder(data), acked, is_sent))
        .unwrap_or_else(|| Err("the log panicked".into()))?;
    judged(|| audit_projection(data)).unwrap_or_else(|| Err("the folder panicked".into()))?;
    judged(|| audit_feed(data, records)).unwrap_or_else(|| Err("the feed panicked".into()))?;
    for room in [log_folder(data), data.join("projection"), data.join("feed")] {
        let blobs = std::fs::read_dir(room.join("blobs")).map_or(0, Iterator::count);
        if blobs > 0 {
            return Err(format!("{blobs} files that are never synced lie in {}", room.display()));
        }
    }
    Ok(records)
}

/// Everything acknowledged is there, once, where it was, as it was sent, on one chain.
fn audit_log(folder: &Path, acked: &Acked, is_sent: IsSent<'_>) -> Result<u64, String> {
    let log = SledLog::open(folder, &SledOptions::default())
        .map_err(|error| format!("the log does not open: {error}"))?;
    let (mut last, mut count, mut chain) = (Position::START, 0, [0; 32]);
    let mut seen = BTreeSet::new();
    loop {
        let page = log.read(last, PAGE_RECORDS).map_err(|error| format!("after {last}: {error}"))?;
        if page.is_empty() {
            break;
        }
        for record in page {
            if record.position <= last {
                return Err(format!("{} comes after {last}", record.position));
            }
            chain = link(&chain, &record);
            if chain != record.digest.0 {
                return Err(format!("the chain breaks at {}", record.position));
            }
            last = record.position;
            count += 1;
            let id = record.content.id.to_string();
            if !is_sent(&id, &record.content.body.0) {
                return Err(format!("{id} at {last} is not what was sent"));
            }
            if acked.get(&id).copied().flatten().is_some_and(|said| said != last.get()) {
                return Err(format!("{id} is at {last}, but was said to be elsewhere"));
            }
            let found =
                log.find(Provider::Stripe, &record.content.id).map_err(|error| format!("{id}: {error}"))?;
            if found.map(|found| found.position) != Some(last) {
                return Err(format!("the index does not know that {id} is at {last}"));
            }
            if !seen.insert(id.clone()) {
                return Err(format!("{id} is there twice"));
            }
        }
    }
    let head = log.head();
    if (head.position, head.digest.0, head.records) != (last, chain, count) {
        return Err(format!(
            "the head says {} records up to {}, read: {count} up to {last}",
            head.records, head.position
        ));
    }
    let missing: Vec<&String> = acked.keys().filter(|id| !seen.contains(*id)).collect();
    match missing.first() {
        Some(first) => {
            Err(format!("{} of {} acknowledged events are lost, such as {first}", missing.len(), acked.len()))
        }
        None => Ok(count),
    }
}

/// What is folded is what a fresh fold gives.
fn audit_projection(data: &Path) -> Result<(), String> {
    let billfold = Billfold::open(data).map_err(|error| format!("the folder does not open: {error}"))?;
    let readiness = billfold.readiness();
    if !readiness.ready || readiness.applied != readiness.head {
        return Err(format!("the folder is not ready: {readiness:?}"));
    }
    let before = billfold.projection_digest().map_err(|error| format!("the projection: {error}"))?;
    let rebuilt = billfold.rebuild(&|_| ()).map_err(|error| format!("the rebuild: {error}"))?;
    let after = billfold.projection_digest().map_err(|error| format!("the rebuilt projection: {error}"))?;
    if rebuilt.changed || before != after {
        return Err("a fresh fold gives another projection".into());
    }
    Ok(())
}

/// Every entry of a folder's feed.
fn entries(data: &Path) -> Result<Vec<Entry>, String> {
    let billfold = Billfold::open(data).map_err(|error| format!("the folder does not open: {error}"))?;
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.len() as u64;
        let query = FeedQuery { after, limit: PAGE_RECORDS, ..FeedQuery::default() };
        let page = billfold.feed(&query).map_err(|error| format!("the feed behind {after}: {error}"))?;
        if page.entries.is_empty() {
            return Ok(entries);
        }
        entries.extend(page.entries);
    }
}

/// The feed has no hole, each of its subjects goes on where it stood, and one that is made anew from the log is the same.
fn audit_feed(data: &Path, records: u64) -> Result<(), String> {
    let told = entries(data)?;
    let mut last = BTreeMap::new();
    for (entry, number) in told.iter().zip(1..) {
        if entry.number != number {
            return Err(format!("entry {} is at place {number} of the feed", entry.number));
        }
        let said: Option<Standing> = last.insert(entry.subject(), entry.to.clone());
        if said.map(|said| said.from(entry.received_at.seconds())) != entry.from {
            return Err(format!("entry {number} does not begin where its subject stood"));
        }
    }
    if told.is_empty() && records >= TELLING_RECORDS {
        return Err("the feed tells nothing, so that nothing was asked of it".into());
    }
    if records > MADE_ANEW_RECORDS_MAX {
        return Ok(());
    }
    let (feed, kept) = (data.join("feed"), data.join("feed.kept"));
    std::fs::rename(&feed, &kept).map_err(|error| error.to_string())?;
    let anew = entries(data);
    std::fs::remove_dir_all(&feed).map_err(|error| error.to_string())?;
    std::fs::rename(&kept, &feed).map_err(|error| error.to_string())?;
    if anew? == told { Ok(()) } else { Err("a feed that is made anew from the log is another one".into()) }
}

/// The digest of a record, as docs/design.md defines it: worked out apart from the code that is attacked.
fn link(previous: &[u8; 32], record: &Record) -> [u8; 32] {
    let mut hash = Sha256::new();
    let text = |bytes: &[u8], hash: &mut Sha256| {
        hash.update(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        hash.update(bytes);
    };
    hash.update(previous);
    hash.update(record.position.get().to_be_bytes());
    text(b"stripe", &mut hash);
    match &record.content.id {
        RecordId::Event(id) => {
            hash.update([0]);
            text(id.as_str().as_bytes(), &mut hash);
        }
        RecordId::Quarantine(sha256) => {
            hash.update([1]);
            text(sha256, &mut hash);
        }
    }
    hash.update(record.content.received_at.0.to_be_bytes());
    match &record.content.provenance {
        Provenance::Signed { header, secret } => {
            hash.update([0]);
            text(header.as_bytes(), &mut hash);
            text(secret.as_bytes(), &mut hash);
        }
        Provenance::Imported => hash.update([1]),
    }
    hash.update(Sha256::digest(&record.content.body.0));
    hash.finalize().into()
}
