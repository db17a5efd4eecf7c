//! Transitions: what is said about a subject, and which changes of it are worth an entry of the feed.
//!
//! | file | holds |
//! |---|---|
//! | `kind` | the kinds of entries, in the field's words |
//! | `standing` | what is said about a subject: nothing that only the clock changes, nothing that other objects call it |
//! | `change` | from what was said last to what is true now, one kind at a time |
//! | `entry` | one entry, with its cause |
//!
//! Never asks when an event came or in which order: it compares two standings.

mod change;
mod entry;
mod kind;
mod standing;
#[cfg(test)]
mod tests;

pub use change::{Change, changes};
pub use entry::{Cause, Entry};
pub use kind::{Kind, Subject, Topic};
pub use standing::{
    AccessStanding, AmountStanding, EntitlementsStanding, Grant, InvoiceStanding, PaymentStanding, PlanItem,
    SAID_ITEMS_MAX, SAID_STEPS_MAX, Standing, SubscriptionStanding,
};
