//! Format version 1 of the feed: rows in bytes. The only file of this room that says bincode.
//!
//! Never changes what a released version wrote: a new layout is a new version byte and a new struct beside the old one.
//!
//! A row is the version, `1`; its fields in the order below, as bincode 2 writes them (standard configuration, see
//! `log/codec.rs`); and the CRC-32 (IEEE) of everything before it, little-endian. Words are stored as words.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{FeedSnapshot, Maker, Meta, Through};
use crate::model::access::{Policy, Reason, Verdict};
use crate::model::derived::payment::PaymentStatus;
use crate::model::feed::{
    AccessStanding, AmountStanding, Cause, EntitlementsStanding, Entry, Grant, InvoiceStanding, Kind,
    PaymentStanding, PlanItem, Standing, SubscriptionStanding,
};
use crate::model::id::{AccountId, EventId, ObjectId, Scope};
use crate::model::money::Currency;
use crate::model::time::{Millis, Seconds};

/// The version byte that this binary writes, and the newest it reads.
pub(super) const FORMAT_VERSION: u8 = 1;

/// What a claim inside a damaged row can make us allocate at most, in bytes.
const DECODE_BYTES_MAX: usize = 64 * 1024 * 1024;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<DECODE_BYTES_MAX>,
> = bincode::config::standard().with_limit::<DECODE_BYTES_MAX>();

/// Why a row cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not what was written.
    Damaged(&'static str),
    /// A newer version wrote it.
    Newer,
}

fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, String> {
    let mut bytes = vec![FORMAT_VERSION];
    bincode::serde::encode_into_std_write(row, &mut bytes, CONFIG).map_err(|error| error.to_string())?;
    let crc = crc32fast::hash(&bytes);
    bytes.extend(crc.to_le_bytes());
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let (checked, crc) = bytes.split_last_chunk::<4>().ok_or(Unreadable::Damaged("a row is too short"))?;
    if crc32fast::hash(checked) != u32::from_le_bytes(*crc) {
        return Err(Unreadable::Damaged("the checksum of a row does not fit"));
    }
    let fields = match checked.split_first() {
        Some((&FORMAT_VERSION, fields)) => fields,
        Some((&version, _)) if version > FORMAT_VERSION => return Err(Unreadable::Newer),
        _ => return Err(Unreadable::Damaged("the version of a row is none that was ever written")),
    };
    match bincode::serde::decode_from_slice(fields, CONFIG) {
        Ok((row, read)) if read == fields.len() => Ok(row),
        _ => Err(Unreadable::Damaged("the fields of a row cannot be read")),
    }
}

/// A digest of what decides about access.
pub(super) fn policy_digest(policy: &Policy) -> [u8; 32] {
    // What cannot be encoded is compared once too often at worst.
    let bytes = bincode::serde::encode_to_vec(policy, CONFIG).unwrap_or_default();
    Sha256::digest(bytes).into()
}

pub(super) fn encode_entry(entry: &Entry) -> Result<Vec<u8>, String> {
    encode(&StoredEntry {
        number: entry.number,
        position: entry.position,
        received_at: entry.received_at.0,
        kind: entry.kind.as_str().into(),
        account: entry.scope.account.clone(),
        livemode: entry.scope.livemode,
        object: entry.object.clone(),
        customer: entry.customer.clone(),
        from: entry.from.as_ref().map(StoredStanding::of),
        to: StoredStanding::of(&entry.to),
        cause: match &entry.cause {
            Cause::Event { event, event_type } => {
                StoredCause::Event { event: event.clone(), event_type: event_type.clone() }
            }
            Cause::Rebuild { reducer } => StoredCause::Rebuild { reducer: *reducer },
            Cause::Policy => StoredCause::Policy,
        },
        ambiguous: entry.ambiguous,
    })
}

pub(super) fn decode_entry(number: u64, bytes: &[u8]) -> Result<Entry, Unreadable> {
    let stored: StoredEntry = decode(bytes)?;
    if stored.number != number {
        return Err(Unreadable::Damaged("an entry has another number than its place"));
    }
    Ok(Entry {
        number,
        position: stored.position,
        received_at: Millis(stored.received_at),
        kind: Kind::parse(&stored.kind).ok_or(Unreadable::Newer)?,
        scope: Scope { account: stored.account, livemode: stored.livemode },
        object: stored.object,
        customer: stored.customer,
        from: stored.from.map(StoredStanding::read).transpose()?,
        to: stored.to.read()?,
        cause: match stored.cause {
            StoredCause::Event { event, event_type } => Cause::Event { event, event_type },
            StoredCause::Rebuild { reducer } => Cause::Rebuild { reducer },
            StoredCause::Policy => Cause::Policy,
        },
        ambiguous: stored.ambiguous,
    })
}

pub(super) fn encode_latest(standing: &Standing, number: u64) -> Result<Vec<u8>, String> {
    encode(&StoredLatest { number, standing: StoredStanding::of(standing) })
}

pub(super) fn decode_latest(bytes: &[u8]) -> Result<(Standing, u64), Unreadable> {
    let stored: StoredLatest = decode(bytes)?;
    Ok((stored.standing.read()?, stored.number))
}

pub(super) fn encode_meta(meta: &Meta) -> Result<Vec<u8>, String> {
    encode(&StoredMeta::of(meta))
}

pub(super) fn decode_meta(bytes: &[u8]) -> Result<Meta, Unreadable> {
    decode(bytes).map(StoredMeta::read)
}

/// Not stored: what a backup begins with, on its way.
pub(super) fn encode_snapshot(snapshot: &FeedSnapshot) -> Result<Vec<u8>, String> {
    encode(&(StoredMeta::of(&snapshot.meta), &snapshot.cursors))
}

pub(super) fn decode_snapshot(bytes: &[u8]) -> Result<FeedSnapshot, Unreadable> {
    let (meta, cursors): (StoredMeta, Vec<(Box<str>, u64)>) = decode(bytes)?;
    Ok(FeedSnapshot { meta: meta.read(), cursors })
}

pub(super) fn encode_cursor(number: u64) -> Result<Vec<u8>, String> {
    encode(&StoredCursor { number })
}

pub(super) fn decode_cursor(bytes: &[u8]) -> Result<u64, Unreadable> {
    decode::<StoredCursor>(bytes).map(|stored| stored.number)
}

/// The fields of version 1, in stored order, here and below. The order is the format.
#[derive(Serialize, Deserialize)]
struct StoredEntry {
    number: u64,
    position: u64,
    received_at: i64,
    kind: Box<str>,
    account: Option<AccountId>,
    livemode: bool,
    object: ObjectId,
    customer: Option<ObjectId>,
    from: Option<StoredStanding>,
    to: StoredStanding,
    cause: StoredCause,
    ambiguous: bool,
}

#[derive(Serialize, Deserialize)]
enum StoredCause {
    Event { event: EventId, event_type: Box<str> },
    Rebuild { reducer: u32 },
    Policy,
}

#[derive(Serialize, Deserialize)]
struct StoredLatest {
    number: u64,
    standing: StoredStanding,
}

#[derive(Serialize, Deserialize)]
struct StoredMeta {
    head: u64,
    through: u64,
    digest: [u8; 32],
    received_at: i64,
    reducer: u32,
    policy: [u8; 32],
    unfinished: bool,
}

impl StoredMeta {
    const fn of(meta: &Meta) -> Self {
        Self {
            head: meta.head,
            through: meta.through.position,
            digest: meta.through.digest,
            received_at: meta.through.received_at.0,
            reducer: meta.maker.reducer,
            policy: meta.maker.policy,
            unfinished: meta.unfinished,
        }
    }

    const fn read(self) -> Meta {
        Meta {
            head: self.head,
            through: Through {
                position: self.through,
                digest: self.digest,
                received_at: Millis(self.received_at),
            },
            maker: Maker { reducer: self.reducer, policy: self.policy },
            unfinished: self.unfinished,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredCursor {
    number: u64,
}

#[derive(Serialize, Deserialize)]
enum StoredStanding {
    Subscription {
        status: Box<str>,
        items: Vec<(Option<ObjectId>, Option<i64>)>,
        cancel_scheduled: bool,
        cancel_at: Option<i64>,
    },
    Trial {
        trial_end: Option<i64>,
    },
    Invoice {
        status: Option<Box<str>>,
        currency: Option<Currency>,
        amount_due: i64,
        amount_paid: i64,
        amount_remaining: i64,
    },
    Payment {
        status: Box<str>,
        currency: Option<Currency>,
        amount: i64,
        amount_captured: i64,
        amount_refunded: i64,
        amount_disputed: i64,
    },
    Merged {
        merged_into: ObjectId,
    },
    Refund(StoredAmount),
    Dispute(StoredAmount),
    Entitlements {
        features: Vec<Box<str>>,
        truncated: bool,
    },
    Access {
        now: StoredGrant,
        then: Vec<(i64, StoredGrant)>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredAmount {
    status: Option<Box<str>>,
    currency: Option<Currency>,
    amount: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredGrant {
    decision: Box<str>,
    reason: Box<str>,
    subscription: Option<ObjectId>,
}

impl StoredStanding {
    fn of(standing: &Standing) -> Self {
        match standing.clone() {
            Standing::Subscription(it) => Self::Subscription {
                status: it.status.into(),
                items: it.items.into_iter().map(|item| (item.price, item.quantity)).collect(),
                cancel_scheduled: it.cancel_scheduled,
                cancel_at: it.cancel_at.map(|moment| moment.0),
            },
            Standing::Trial { trial_end } => Self::Trial { trial_end: trial_end.map(|moment| moment.0) },
            Standing::Invoice(it) => Self::Invoice {
                status: it.status,
                currency: it.currency,
                amount_due: it.amount_due,
                amount_paid: it.amount_paid,
                amount_remaining: it.amount_remaining,
            },
            Standing::Payment(it) => Self::Payment {
                status: it.status.as_str().into(),
                currency: it.currency,
                amount: it.amount,
                amount_captured: it.amount_captured,
                amount_refunded: it.amount_refunded,
                amount_disputed: it.amount_disputed,
            },
            Standing::Merged { merged_into } => Self::Merged { merged_into },
            Standing::Refund(it) => Self::Refund(StoredAmount::of(it)),
            Standing::Dispute(it) => Self::Dispute(StoredAmount::of(it)),
            Standing::Entitlements(it) => {
                Self::Entitlements { features: it.features, truncated: it.truncated }
            }
            Standing::Access(it) => Self::Access {
                now: StoredGrant::of(it.now),
                then: it.then.into_iter().map(|(from, grant)| (from.0, StoredGrant::of(grant))).collect(),
            },
        }
    }

    fn read(self) -> Result<Standing, Unreadable> {
        Ok(match self {
            Self::Subscription { status, items, cancel_scheduled, cancel_at } => {
                let items = items.into_iter().map(|(price, quantity)| PlanItem { price, quantity }).collect();
                let cancel_at = cancel_at.map(Seconds);
                Standing::Subscription(SubscriptionStanding {
                    status: status.into(),
                    items,
                    cancel_scheduled,
                    cancel_at,
                })
            }
            Self::Trial { trial_end } => Standing::Trial { trial_end: trial_end.map(Seconds) },
            Self::Invoice { status, currency, amount_due, amount_paid, amount_remaining } => {
                Standing::Invoice(InvoiceStanding {
                    status,
                    currency,
                    amount_due,
                    amount_paid,
                    amount_remaining,
                })
            }
            Self::Payment { status, currency, amount, amount_captured, amount_refunded, amount_disputed } => {
                Standing::Payment(PaymentStanding {
                    status: PaymentStatus::from_word(&status).ok_or(Unreadable::Newer)?,
                    currency,
                    amount,
                    amount_captured,
                    amount_refunded,
                    amount_disputed,
                })
            }
            Self::Merged { merged_into } => Standing::Merged { merged_into },
            Self::Refund(it) => Standing::Refund(it.read()),
            Self::Dispute(it) => Standing::Dispute(it.read()),
            Self::Entitlements { features, truncated } => {
                Standing::Entitlements(EntitlementsStanding { features, truncated })
            }
            Self::Access { now, then } => {
                let then = then.into_iter().map(|(from, grant)| Ok((Seconds(from), grant.read()?)));
                let then = then.collect::<Result<_, _>>()?;
                Standing::Access(AccessStanding { now: now.read()?, then })
            }
        })
    }
}

impl StoredAmount {
    fn of(it: AmountStanding) -> Self {
        Self { status: it.status, currency: it.currency, amount: it.amount }
    }

    fn read(self) -> AmountStanding {
        AmountStanding { status: self.status, currency: self.currency, amount: self.amount }
    }
}

impl StoredGrant {
    fn of(grant: Grant) -> Self {
        Self {
            decision: grant.decision.as_str().into(),
            reason: grant.reason.as_str().into(),
            subscription: grant.subscription,
        }
    }

    fn read(self) -> Result<Grant, Unreadable> {
        let verdicts = [Verdict::Denied, Verdict::Grace, Verdict::Allowed];
        let decision = verdicts.into_iter().find(|verdict| verdict.as_str() == &*self.decision);
        let reason = Reason::ALL.iter().copied().find(|reason| reason.as_str() == &*self.reason);
        Ok(Grant {
            decision: decision.ok_or(Unreadable::Newer)?,
            reason: reason.ok_or(Unreadable::Newer)?,
            subscription: self.subscription,
        })
    }
}
