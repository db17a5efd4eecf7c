//! What several objects say together. Computed from them on every reading, never stored as truth.
//!
//! Each function here is total and takes plain snapshots: the same members in any order give the same answer.
//! Nothing here folds events, adds up events, or guesses an object that was not received.

pub mod payment;

use super::id::ObjectId;

/// One object of a group, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<T> {
    /// Its id.
    pub id: ObjectId,
    /// The object.
    pub snapshot: T,
    /// Its events do not decide which of several contents is the last.
    pub ambiguous: bool,
}
