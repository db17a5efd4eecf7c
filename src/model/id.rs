//! Identifiers as validated values, and the scope that keeps accounts and modes apart.
//!
//! An id is opaque: its prefix is never trusted, only carried.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::ObjectKind;

/// The longest identifier that is accepted, in bytes.
pub const ID_BYTES_MAX: usize = 255;

/// An identifier that cannot be one. The text is never repeated: it may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to {ID_BYTES_MAX} printable ASCII characters without spaces")]
pub struct InvalidId;

fn check(text: &str) -> Result<(), InvalidId> {
    let fits = (1..=ID_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(()) } else { Err(InvalidId) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
        #[serde(try_from = "Box<str>", into = "Box<str>")]
        pub struct $name(Box<str>);

        impl $name {
            /// Accepts 1 to [`ID_BYTES_MAX`] printable ASCII characters.
            ///
            /// # Errors
            /// [`InvalidId`] for anything else.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text).map(|()| Self(text.into()))
            }

            /// The text as the provider wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<Box<str>> for $name {
            type Error = InvalidId;
            fn try_from(text: Box<str>) -> Result<Self, InvalidId> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for Box<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The identity of a provider's event (`evt_…`); with the provider it is the idempotency key.
    EventId
}
id! {
    /// The identity of a provider's object (`cus_…`, `sub_…`, `in_…`).
    ObjectId
}
id! {
    /// A connected account (`acct_…`).
    AccountId
}

/// Whose objects these are, and whether their money is real. Scopes never mix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The connected account; none for the account that owns the endpoint.
    pub account: Option<AccountId>,
    /// Live money or a test.
    pub livemode: bool,
}

/// Names one object for good: kind, id and scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id at the provider (for an entitlement summary the customer's).
    pub id: ObjectId,
    /// Where it lives.
    pub scope: Scope,
}
