//! Ground state: the append-only event log, its contract and what a record is.
//!
//! Never looks into a body, never knows JSON or a provider's rules.
//!
//! # The contract of [`EventLog`]
//! 1. An idempotency key (provider, event id) is stored at most once, forever.
//! 2. [`Appended::New`] and [`Appended::Duplicate`] are said only when the record is durable.
//! 3. Positions grow in commit order.
//! 4. No record appears at or below a position that was already read.
//! 5. `read(after, max)` ascends, and is empty only at the end.
//! 6. Bodies come back identical, or the error is [`ReadError::Corrupt`] and names the position.
//! 7. After a failed write or flush the log refuses to append until it is reopened; reads go on.
//!
//! [`MemoryLog`] is the simple twin, [`SledLog`] the durable one; one suite holds both to these rules.

mod ack;
mod codec;
mod encoded;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod inspection;
mod memory;
mod record;
mod sled;
#[cfg(test)]
mod tests;
mod vitals;

use std::sync::Arc;

pub use self::sled::{LogCopy, Salvage, Salvaged, SledLog, SledOptions, pack, unpack};
pub use ack::{Ack, Appended};
pub use codec::{BODY_BYTES_MAX, FORMAT_VERSION, PROVENANCE_BYTES_MAX};
pub use encoded::Encoded;
pub use error::{AppendError, CopyError, OpenError, ReadError};
pub use inspection::{FINDINGS_MAX, Finding, Findings, Inspection, Lost};
pub use memory::MemoryLog;
pub use record::{Body, Digest, Head, NewRecord, Position, Provenance, Provider, Record, RecordId};
pub use vitals::{Spread, Vitals};

/// The most one page of records takes, in bytes of raw bodies. A single longer record is a page of its own.
pub const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The most records one page has, whatever is asked for.
pub const READ_RECORDS_MAX: usize = 16_384;

/// A durable, append-only, idempotent log. The numbered rules stand at the head of this module.
pub trait EventLog: Send + Sync + 'static {
    /// Stores each record once, durably, in the order given. All of one call share one outcome list.
    ///
    /// Hashes and compresses on the calling thread, then queues. Does not wait: a full queue is
    /// [`AppendError::Overloaded`] through the `Ack`.
    fn append(&self, records: Vec<NewRecord>) -> Ack;

    /// As [`EventLog::read`], but the records are still encoded: decoding can be spread over threads.
    ///
    /// # Errors
    /// [`ReadError`] if the very first record after `after` cannot be found whole.
    fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError>;

    /// Up to `max` records, [`READ_RECORDS_MAX`] and [`READ_BYTES_MAX`], after `after`, ascending; empty only at the end (or when `max` is 0).
    ///
    /// # Errors
    /// [`ReadError`]; the records before a damaged one are returned first.
    fn read(&self, after: Position, max: usize) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        for encoded in self.read_encoded(after, max)? {
            match encoded.decode() {
                Ok(record) => records.push(record),
                Err(error) if records.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(records)
    }

    /// The record of an id.
    ///
    /// # Errors
    /// [`ReadError`].
    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError>;

    /// How far the log reaches: durable records only.
    fn head(&self) -> Head;

    /// The positions that a repair could not save, ascending. Their records are gone; the log goes on behind them.
    fn lost(&self) -> Vec<Lost> {
        Vec::new()
    }

    /// Why appending is refused, if it is.
    fn poisoned(&self) -> Option<Arc<str>>;

    /// How the writer is doing, where that is counted.
    fn vitals(&self) -> Option<&Vitals> {
        None
    }
}
