//! An invoice, what it bills for, and the links to what paid it.
//!
//! Its status only climbs: draft, open, uncollectible, then paid, void or deleted.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::open::open_enum;
use super::private::Metadata;
use super::time::Seconds;

open_enum! {
    /// The provider's status of an invoice.
    InvoiceStatus {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Uncollectible = "uncollectible",
        Void = "void",
        Deleted = "deleted",
    }
}

/// An invoice as one event showed it. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Invoice {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Who owes.
    pub customer: Option<ObjectId>,
    /// The provider's status; none where the provider gave none.
    pub status: Option<InvoiceStatus>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Which subscription it bills.
    pub subscription: Option<ObjectId>,
    /// Which quote it came from.
    pub quote: Option<ObjectId>,
    /// The number printed on it.
    pub number: Option<Box<str>>,
    /// Why it was made (`subscription_create`, `subscription_cycle`, `manual`, …).
    pub billing_reason: Option<Box<str>>,
    /// `charge_automatically` or `send_invoice`.
    pub collection_method: Option<Box<str>>,
    /// To be paid in all.
    pub amount_due: i64,
    /// Paid so far.
    pub amount_paid: i64,
    /// Left to pay.
    pub amount_remaining: i64,
    /// After discounts and tax.
    pub total: i64,
    /// Before discounts and tax.
    pub subtotal: i64,
    /// Tax in all; none where the provider gave none.
    pub tax: Option<i64>,
    /// The customer's balance before.
    pub starting_balance: i64,
    /// The customer's balance after; none in a draft.
    pub ending_balance: Option<i64>,
    /// Attempts to collect.
    pub attempt_count: i64,
    /// An attempt was made.
    pub attempted: bool,
    /// When the next attempt is planned.
    pub next_payment_attempt: Option<Seconds>,
    /// The provider finalizes and collects it by itself.
    pub auto_advance: bool,
    /// When a sent invoice is due.
    pub due_date: Option<Seconds>,
    /// First second billed.
    pub period_start: Option<Seconds>,
    /// Last second billed.
    pub period_end: Option<Seconds>,
    /// When it became open.
    pub finalized_at: Option<Seconds>,
    /// When it was paid.
    pub paid_at: Option<Seconds>,
    /// When it was voided.
    pub voided_at: Option<Seconds>,
    /// When it was given up.
    pub marked_uncollectible_at: Option<Seconds>,
    /// Credit notes after payment.
    pub post_payment_credit_notes_amount: i64,
    /// Credit notes before payment.
    pub pre_payment_credit_notes_amount: i64,
    /// What it bills for.
    pub lines: Vec<InvoiceLine>,
    /// The list of lines was cut by the provider.
    pub lines_truncated: bool,
    /// Discounts at work.
    pub discounts: Vec<ObjectId>,
    /// The revision that replaced it.
    pub latest_revision: Option<ObjectId>,
    /// The invoice that it revises.
    pub from_invoice: Option<ObjectId>,
    /// The test clock that it lives by.
    pub test_clock: Option<ObjectId>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct InvoiceLine {
    /// The line (`il_…`).
    pub id: Option<ObjectId>,
    /// Minor units; negative for credits.
    pub amount: i64,
    /// How many.
    pub quantity: Option<i64>,
    /// What it costs.
    pub price: Option<ObjectId>,
    /// Which item of the subscription.
    pub subscription_item: Option<ObjectId>,
    /// A correction for a change inside a period.
    pub proration: bool,
    /// First second billed.
    pub period_start: Option<Seconds>,
    /// Last second billed.
    pub period_end: Option<Seconds>,
}

open_enum! {
    /// The provider's status of an invoice payment.
    InvoicePaymentStatus {
        Open = "open",
        Paid = "paid",
        Canceled = "canceled",
    }
}

/// What paid an invoice, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct InvoicePayment {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status.
    pub status: InvoicePaymentStatus,
    /// Which invoice.
    pub invoice: Option<ObjectId>,
    /// `payment_intent`, `charge`, `payment_record`.
    pub payment_type: Option<Box<str>>,
    /// The intent that pays.
    pub payment_intent: Option<ObjectId>,
    /// The charge that pays.
    pub charge: Option<ObjectId>,
    /// The record of a payment outside the provider.
    pub payment_record: Option<ObjectId>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Minor units asked for.
    pub amount_requested: i64,
    /// Minor units paid; none until then.
    pub amount_paid: Option<i64>,
    /// The invoice's main payment.
    pub is_default: bool,
    /// When it was paid.
    pub paid_at: Option<Seconds>,
    /// When it was canceled.
    pub canceled_at: Option<Seconds>,
}

open_enum! {
    /// The provider's status of a credit note.
    CreditNoteStatus {
        Issued = "issued",
        Void = "void",
    }
}

/// A correction of an invoice. It changes amounts, never a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct CreditNote {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status.
    pub status: CreditNoteStatus,
    /// Whose.
    pub customer: Option<ObjectId>,
    /// Which invoice it corrects.
    pub invoice: Option<ObjectId>,
    /// The number printed on it.
    pub number: Option<Box<str>>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Minor units.
    pub amount: i64,
    /// Minor units after discounts and tax.
    pub total: i64,
    /// Why.
    pub reason: Option<Box<str>>,
    /// Refunds that it made.
    pub refunds: Vec<ObjectId>,
    /// Minor units paid back outside the provider.
    pub out_of_band_amount: Option<i64>,
    /// The entry on the customer's balance.
    pub customer_balance_transaction: Option<ObjectId>,
    /// When it was voided.
    pub voided_at: Option<Seconds>,
}
