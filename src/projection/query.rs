//! What can be asked: collections, filters, pages and their cursors.

use std::fmt;

use crate::model::id::{AccountId, ObjectId, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::Seconds;

use super::outcome::FoldOutcome;

/// The most items of one page.
pub const PAGE_ITEMS_MAX: usize = 500;
/// The items of a page where nobody asked for a number.
pub const PAGE_ITEMS_DEFAULT: usize = 50;

/// A narrowing by scope. What is left out is not narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeFilter {
    /// Which account.
    pub account: Option<Account>,
    /// Live or test.
    pub livemode: Option<bool>,
}

/// An account as a reader names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// The account that owns the endpoint (written `self`).
    Own,
    /// A connected account.
    Connected(AccountId),
}

impl ScopeFilter {
    /// Exactly one scope.
    #[must_use]
    pub fn only(scope: &Scope) -> Self {
        let account = scope.account.clone().map_or(Account::Own, Account::Connected);
        Self { account: Some(account), livemode: Some(scope.livemode) }
    }

    /// Whether a scope passes.
    #[must_use]
    pub fn admits(&self, scope: &Scope) -> bool {
        let account = match (&self.account, &scope.account) {
            (None, _) | (Some(Account::Own), None) => true,
            (Some(Account::Connected(wanted)), Some(found)) => wanted == found,
            _ => false,
        };
        account && self.livemode.is_none_or(|wanted| wanted == scope.livemode)
    }
}

/// What a list is of: one kind of object, or the derived payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// Objects of one kind.
    Objects(ObjectKind),
    /// Payments: intents with their charges, refunds and disputes.
    Payments,
}

/// A question for a list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// In which scopes.
    pub scope: ScopeFilter,
    /// With this status (the word that the answer shows).
    pub status: Option<Box<str>>,
    /// Of this customer.
    pub customer: Option<ObjectId>,
    /// Created at or after.
    pub created_from: Option<Seconds>,
    /// Created before.
    pub created_before: Option<Seconds>,
    /// Go on behind this cursor.
    pub after: Option<Cursor>,
    /// At most so many items: 1 to [`PAGE_ITEMS_MAX`]; 0 stands for [`PAGE_ITEMS_DEFAULT`].
    pub limit: usize,
}

/// A question for stored events, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// In which scopes.
    pub scope: ScopeFilter,
    /// Of this type.
    pub event_type: Option<Box<str>>,
    /// Only those that this came of.
    pub outcome: Option<FoldOutcome>,
    /// Observations of this object.
    pub object: Option<ObjectId>,
    /// Go on behind this cursor.
    pub after: Option<Cursor>,
    /// At most so many items: 1 to [`PAGE_ITEMS_MAX`]; 0 stands for [`PAGE_ITEMS_DEFAULT`].
    pub limit: usize,
}

/// Where a page ended. Opaque; survives restarts.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads back what `Display` wrote.
    ///
    /// # Errors
    /// [`InvalidCursor`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidCursor> {
        if text.is_empty() || text.len() > CURSOR_TEXT_BYTES_MAX {
            return Err(InvalidCursor);
        }
        hex::decode(text).map(Self).map_err(|_| InvalidCursor)
    }
}

/// The longest cursor that is read, in bytes of text.
pub const CURSOR_TEXT_BYTES_MAX: usize = 2_048;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

/// A cursor that no answer gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass the value of `next` from the previous answer unchanged")]
pub struct InvalidCursor;

/// One page of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end.
    pub next: Option<Cursor>,
}
