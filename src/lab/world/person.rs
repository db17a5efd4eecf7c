//! A customer of the world, and what is theirs.

use super::Id;

/// One customer.
#[derive(Debug)]
pub(super) struct Person {
    /// The customer.
    pub(super) customer: Id,
    /// The card that pays, if there is one.
    pub(super) method: Option<Id>,
    /// Their subscriptions, ended ones too.
    pub(super) subscriptions: Vec<Id>,
    /// Deleted.
    pub(super) gone: bool,
}
