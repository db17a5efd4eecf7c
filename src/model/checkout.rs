//! What leads to a payment: checkout sessions, payment methods, setup intents.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::open::open_enum;
use super::private::{Metadata, Private};
use super::time::Seconds;

open_enum! {
    /// The provider's status of a checkout session.
    CheckoutStatus {
        Open = "open",
        Complete = "complete",
        Expired = "expired",
    }
}

open_enum! {
    /// Whether a checkout session is paid.
    CheckoutPaymentStatus {
        Paid = "paid",
        Unpaid = "unpaid",
        NoPaymentRequired = "no_payment_required",
    }
}

/// A hosted purchase. Usually the only link to the merchant's own user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct CheckoutSession {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status; none where the provider gave none.
    pub status: Option<CheckoutStatus>,
    /// Whether it is paid.
    pub payment_status: Option<CheckoutPaymentStatus>,
    /// A delayed payment failed after completion.
    pub async_failed: bool,
    /// `payment`, `setup`, `subscription`.
    pub mode: Option<Box<str>>,
    /// Who bought; none for a guest.
    pub customer: Option<ObjectId>,
    /// The merchant's own id of the buyer.
    pub client_reference_id: Option<Private>,
    /// Where the receipt goes.
    pub email: Option<Private>,
    /// The subscription that it made.
    pub subscription: Option<ObjectId>,
    /// The intent that pays.
    pub payment_intent: Option<ObjectId>,
    /// The invoice that it made.
    pub invoice: Option<ObjectId>,
    /// The setup that it made.
    pub setup_intent: Option<ObjectId>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Minor units in all.
    pub amount_total: Option<i64>,
    /// Minor units before discounts and tax.
    pub amount_subtotal: Option<i64>,
    /// The link that opened it.
    pub payment_link: Option<ObjectId>,
    /// When it expires.
    pub expires_at: Option<Seconds>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// A card or account to pay with. Once detached it stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct PaymentMethod {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Whose; after a detachment the last owner known from the same event.
    pub customer: Option<ObjectId>,
    /// `card`, `sepa_debit`, …
    pub method_type: Option<Box<str>>,
    /// The card's brand.
    pub card_brand: Option<Box<str>>,
    /// The card's last four digits.
    pub card_last4: Option<Private>,
    /// Last month of the card.
    pub card_exp_month: Option<i64>,
    /// Last year of the card.
    pub card_exp_year: Option<i64>,
    /// The card's two-letter country.
    pub card_country: Option<Box<str>>,
    /// `credit`, `debit`, `prepaid`.
    pub card_funding: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

open_enum! {
    /// The provider's status of a setup intent.
    SetupIntentStatus {
        RequiresPaymentMethod = "requires_payment_method",
        RequiresConfirmation = "requires_confirmation",
        RequiresAction = "requires_action",
        Processing = "processing",
        Canceled = "canceled",
        Succeeded = "succeeded",
    }
}

/// A payment method being set up for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct SetupIntent {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status.
    pub status: SetupIntentStatus,
    /// Whose.
    pub customer: Option<ObjectId>,
    /// What is set up.
    pub payment_method: Option<ObjectId>,
    /// `on_session`, `off_session`.
    pub usage: Option<Box<str>>,
    /// Why the last attempt failed.
    pub last_setup_error: Option<Box<str>>,
    /// Why it was canceled.
    pub cancellation_reason: Option<Box<str>>,
    /// The newest attempt.
    pub latest_attempt: Option<ObjectId>,
}
