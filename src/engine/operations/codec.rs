//! The stored form of the counts: a version byte, bincode, a checksum. Of a newer version: begun anew.

use std::collections::{BTreeMap, VecDeque};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Conflict, Operations, WindowCounts};
use crate::log::{Position, RecordId};
use crate::model::id::EventId;
use crate::model::time::Seconds;

const VERSION: u8 = 2;
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<FILE_BYTES_MAX>,
> = bincode::config::standard().with_limit::<FILE_BYTES_MAX>();

/// `Counts` is [`Counts1`] in version 1, [`Counts2`] in version 2.
#[derive(Serialize, Deserialize)]
struct Stored<Counts> {
    buckets: BTreeMap<i64, Counts>,
    conflicts: Vec<StoredConflict>,
    conflicts_total: u64,
    unreadable_counted_to: Position,
}

#[derive(Serialize, Deserialize)]
struct Counts1 {
    accepted: u64,
    duplicate: u64,
    refused: u64,
    refused_by_reason: BTreeMap<Box<str>, u64>,
    unreadable: u64,
}

#[derive(Serialize, Deserialize)]
struct Counts2 {
    first: Counts1,
    unexpected: u64,
}

impl From<Counts1> for WindowCounts {
    fn from(counts: Counts1) -> Self {
        let Counts1 { accepted, duplicate, refused, refused_by_reason, unreadable } = counts;
        Self { accepted, duplicate, refused, refused_by_reason, unreadable, ..Self::default() }
    }
}

impl From<Counts2> for WindowCounts {
    fn from(counts: Counts2) -> Self {
        Self { unexpected: counts.unexpected, ..counts.first.into() }
    }
}

impl From<&WindowCounts> for Counts2 {
    fn from(counts: &WindowCounts) -> Self {
        let WindowCounts { accepted, duplicate, refused, unreadable, unexpected, .. } = *counts;
        let refused_by_reason = counts.refused_by_reason.clone();
        Self { first: Counts1 { accepted, duplicate, refused, refused_by_reason, unreadable }, unexpected }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredConflict {
    event: Option<EventId>,
    quarantine: [u8; 32],
    seen_at: Seconds,
    other_sha256: [u8; 32],
}

pub(super) fn encode(operations: &Operations) -> Vec<u8> {
    let conflicts = operations.conflicts.iter().map(|conflict| {
        let (event, quarantine) = match &conflict.id {
            RecordId::Event(id) => (Some(id.clone()), [0; 32]),
            RecordId::Quarantine(hash) => (None, *hash),
        };
        StoredConflict { event, quarantine, seen_at: conflict.seen_at, other_sha256: conflict.other_sha256 }
    });
    let stored = Stored {
        buckets: operations.buckets.iter().map(|(hour, counts)| (*hour, Counts2::from(counts))).collect(),
        conflicts: conflicts.collect(),
        conflicts_total: operations.conflicts_total,
        unreadable_counted_to: operations.unreadable_counted_to,
    };
    let mut bytes = vec![VERSION];
    bytes.extend(bincode::serde::encode_to_vec(&stored, CONFIG).unwrap_or_default());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Option<Operations> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    match content.split_first()? {
        (1, body) => read::<Counts1>(body),
        (&VERSION, body) => read::<Counts2>(body),
        _ => None,
    }
}

fn read<Counts: DeserializeOwned + Into<WindowCounts>>(body: &[u8]) -> Option<Operations> {
    let (stored, _): (Stored<Counts>, usize) = bincode::serde::decode_from_slice(body, CONFIG).ok()?;
    let conflicts = stored.conflicts.into_iter().map(|conflict| Conflict {
        id: conflict.event.map_or(RecordId::Quarantine(conflict.quarantine), RecordId::Event),
        seen_at: conflict.seen_at,
        other_sha256: conflict.other_sha256,
    });
    Some(Operations {
        buckets: stored.buckets.into_iter().map(|(hour, counts)| (hour, counts.into())).collect(),
        conflicts: conflicts.collect::<VecDeque<_>>(),
        conflicts_total: stored.conflicts_total,
        unreadable_counted_to: stored.unreadable_counted_to,
        ..Operations::default()
    })
}
