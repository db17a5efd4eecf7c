//! One entry of the feed: what changed, from what to what, and why.

use super::kind::{Kind, Subject};
use super::standing::Standing;
use crate::model::id::{EventId, ObjectId, Scope};
use crate::model::time::{Millis, Seconds};

/// Why an entry was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// An event came.
    Event {
        /// Which.
        event: EventId,
        /// Its type.
        event_type: Box<str>,
    },
    /// The same records mean something else to another version of the fold.
    Rebuild {
        /// The version.
        reducer: u32,
    },
    /// The policy of access was changed.
    Policy,
}

/// One entry of the feed. Once issued it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the feed, from 1 without holes. It is its id, and what a cursor holds.
    pub number: u64,
    /// The position in the log up to which it was true when it was made.
    pub position: u64,
    /// When the record at that position came.
    pub received_at: Millis,
    /// What it tells.
    pub kind: Kind,
    /// Whose, live or test.
    pub scope: Scope,
    /// Of which object; of entitlements and access the customer.
    pub object: ObjectId,
    /// Whose object, where that is known.
    pub customer: Option<ObjectId>,
    /// What was said last; none where nothing was said yet.
    pub from: Option<Standing>,
    /// What is said now.
    pub to: Standing,
    /// Why.
    pub cause: Cause,
    /// The events do not decide what this rests on.
    pub ambiguous: bool,
}

impl Entry {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { scope: self.scope.clone(), topic: self.kind.topic(), object: self.object.clone() }
    }

    /// The next moment at which the clock alone changes what is said.
    #[must_use]
    pub fn next_change_at(&self) -> Option<Seconds> {
        self.to.next_change_at()
    }

    /// The same for every delivery of this entry, and of no other one in this folder.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let Self { kind, object, number, .. } = self;
        match &self.cause {
            Cause::Event { event, .. } => format!("{event}:{kind}:{object}"),
            Cause::Rebuild { reducer } => format!("rebuild-{reducer}-{number}:{kind}:{object}"),
            Cause::Policy => format!("policy-{number}:{kind}:{object}"),
        }
    }
}
