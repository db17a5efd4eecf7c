//! An observation: what one event says about one object. An entry: what of it is kept for good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::catalog::{Discount, Entitlements, Price, Product};
use super::checkout::{CheckoutSession, PaymentMethod, SetupIntent};
use super::customer::Customer;
use super::event_type::EventType;
use super::fingerprint::Fingerprint;
use super::id::{EventId, ObjectId, ObjectKey};
use super::invoice::{CreditNote, Invoice, InvoicePayment};
use super::kind::ObjectKind;
use super::payment::{Charge, Dispute, PaymentIntent, Refund};
use super::subscription::Subscription;
use super::time::Seconds;
use super::watch::{EarlyFraudWarning, Review, SubscriptionSchedule, TestClock};

/// The decoded meaning of one record: one observation of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: EventType,
    /// Its second.
    pub created: Seconds,
    /// The object.
    pub key: ObjectKey,
    /// The object as the event shows it.
    pub snapshot: Snapshot,
    /// The content just before the change, where the event says it.
    pub before: Option<Fingerprint>,
    /// The content that the event shows.
    pub after: Fingerprint,
    /// The word of the status just before, where the event says that it was another one.
    pub status_before: Option<Box<str>>,
    /// Other objects that the event names.
    pub links: BTreeSet<Link>,
    /// What only some API versions carry. Never part of a fingerprint.
    pub hints: BTreeMap<Hint, HintValue>,
}

/// Another object that this one names. Links are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// What the other object is.
    pub kind: ObjectKind,
    /// Its id.
    pub id: ObjectId,
}

/// A value that only some API versions carry; joined by maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Hint {
    /// A subscription's billing mode (`classic`, `flexible`).
    BillingMode,
    /// An invoice's minor units paid beyond what was due.
    AmountOverpaid,
    /// An invoice was paid outside the provider.
    PaidOutOfBand,
}

/// The value of a [`Hint`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HintValue {
    /// A whole number, or 0 and 1 for no and yes.
    Number(i64),
    /// A word.
    Word(Box<str>),
}

/// An object as one event showed it, in one shape for all API versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is its kind")]
pub enum Snapshot {
    Customer(Customer),
    Subscription(Box<Subscription>),
    Invoice(Box<Invoice>),
    InvoicePayment(InvoicePayment),
    CheckoutSession(Box<CheckoutSession>),
    PaymentIntent(Box<PaymentIntent>),
    Charge(Box<Charge>),
    Refund(Refund),
    Dispute(Box<Dispute>),
    PaymentMethod(PaymentMethod),
    Product(Product),
    Price(Box<Price>),
    CreditNote(Box<CreditNote>),
    SetupIntent(SetupIntent),
    Entitlements(Entitlements),
    SubscriptionSchedule(Box<SubscriptionSchedule>),
    Discount(Discount),
    EarlyFraudWarning(EarlyFraudWarning),
    Review(Review),
    TestClock(TestClock),
}

/// What the fold needs to know of a snapshot without looking into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The word of the status.
    pub status: Option<Box<str>>,
    /// Its rank in the lifecycle; equal ranks may follow each other in any order.
    pub rank: u8,
    /// No later event can leave this status.
    pub terminal: bool,
    /// Numbers that never fall along the true history.
    pub numbers: [i64; 2],
    /// What a charge has given back. It usually grows, but falls when a refund fails: it may
    /// order the events of one second, and nothing else.
    pub refunded: i64,
    /// The snapshot shows only a part: equal content proves no equal state.
    pub partial: bool,
}

/// What is kept of an observation for good: small, and enough to resolve the object again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: EventType,
    /// Its second.
    pub created: Seconds,
    /// What the fold needs to know of the snapshot.
    pub facts: Facts,
    /// The content just before the change, where the event says it.
    pub before: Option<Fingerprint>,
    /// The content that the event shows.
    pub after: Fingerprint,
    /// The word of the status just before, where the event says that it was another one.
    pub status_before: Option<Box<str>>,
}
