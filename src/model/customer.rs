//! A customer: who buys. Deletion is a tombstone; nothing resurrects it.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::private::{Metadata, Private};
use super::time::Seconds;

/// A customer as one event showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Customer {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Where receipts go.
    pub email: Option<Private>,
    /// The customer's name.
    pub name: Option<Private>,
    /// The customer's telephone number.
    pub phone: Option<Private>,
    /// The merchant's own description.
    pub description: Option<Private>,
    /// The currency that billing has fixed, if it has.
    pub currency: Option<Currency>,
    /// Minor units: negative is credit for the next invoice, positive is owed. Not unpaid invoices.
    pub balance: i64,
    /// The last state change of any invoice was a failure. Not a gate for access.
    pub delinquent: Option<bool>,
    /// The payment method for invoices (the legacy default source where there is no other).
    pub default_payment_method: Option<ObjectId>,
    /// `none`, `exempt`, `reverse`.
    pub tax_exempt: Option<Box<str>>,
    /// The two-letter country of the address.
    pub country: Option<Box<str>>,
    /// The test clock that the customer lives by.
    pub test_clock: Option<ObjectId>,
    /// The merchant's own data.
    pub metadata: Metadata,
}
