//! The objects that money moves through: intents, charges, refunds, disputes.
//!
//! Each is folded alone; what they say together is derived in `model/derived`.

use serde::{Deserialize, Serialize};

use super::id::ObjectId;
use super::money::Currency;
use super::open::open_enum;
use super::private::{Metadata, Private};
use super::time::Seconds;

open_enum! {
    /// The provider's status of a payment intent.
    PaymentIntentStatus {
        RequiresPaymentMethod = "requires_payment_method",
        RequiresConfirmation = "requires_confirmation",
        RequiresAction = "requires_action",
        Processing = "processing",
        RequiresCapture = "requires_capture",
        Canceled = "canceled",
        Succeeded = "succeeded",
    }
}

/// One purpose of payment, over all its attempts. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct PaymentIntent {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Who pays.
    pub customer: Option<ObjectId>,
    /// The provider's status.
    pub status: PaymentIntentStatus,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Asked for.
    pub amount: i64,
    /// Arrived.
    pub amount_received: i64,
    /// Authorized, ready to be captured.
    pub amount_capturable: i64,
    /// The newest attempt.
    pub latest_charge: Option<ObjectId>,
    /// What pays.
    pub payment_method: Option<ObjectId>,
    /// Why the last attempt failed; cleared by a later one.
    pub last_payment_error: Option<PaymentError>,
    /// What the customer has to do next (`redirect_to_url`, `use_stripe_sdk`, …).
    pub next_action: Option<Box<str>>,
    /// Why it was canceled.
    pub cancellation_reason: Option<Box<str>>,
    /// When it was canceled.
    pub canceled_at: Option<Seconds>,
    /// `automatic`, `automatic_async`, `manual`.
    pub capture_method: Option<Box<str>>,
    /// `on_session`, `off_session`.
    pub setup_future_usage: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

/// Why an attempt failed, in the provider's words for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct PaymentError {
    /// `card_declined`, `authentication_required`, …
    pub code: Option<Box<str>>,
    /// The issuer's reason.
    pub decline_code: Option<Box<str>>,
    /// `card_error`, `invalid_request_error`, …
    pub error_type: Option<Box<str>>,
}

open_enum! {
    /// The provider's status of a charge.
    ChargeStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

/// One attempt to move money. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that the provider states")]
pub struct Charge {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// Who pays.
    pub customer: Option<ObjectId>,
    /// The provider's status.
    pub status: ChargeStatus,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Asked for.
    pub amount: i64,
    /// Taken.
    pub amount_captured: i64,
    /// Given back so far, as the charge says. It drops when a refund fails: the refunds know better.
    pub amount_refunded: i64,
    /// The money was taken or will be.
    pub paid: bool,
    /// False while only authorized.
    pub captured: bool,
    /// Given back in full.
    pub refunded: bool,
    /// A dispute was seen; stays set even when it is won.
    pub disputed: bool,
    /// The intent that it attempts.
    pub payment_intent: Option<ObjectId>,
    /// What pays.
    pub payment_method: Option<ObjectId>,
    /// `card`, `sepa_debit`, …
    pub payment_method_type: Option<Box<str>>,
    /// The card's brand.
    pub card_brand: Option<Box<str>>,
    /// The card's last four digits.
    pub card_last4: Option<Private>,
    /// The movement on the merchant's balance.
    pub balance_transaction: Option<ObjectId>,
    /// Why it failed.
    pub failure_code: Option<Box<str>>,
    /// The movement that took the money back after a late failure.
    pub failure_balance_transaction: Option<ObjectId>,
    /// `authorized`, `issuer_declined`, `blocked`, …
    pub outcome_type: Option<Box<str>>,
    /// The issuer's or the rules' reason.
    pub outcome_reason: Option<Box<str>>,
    /// `normal`, `elevated`, `highest`.
    pub risk_level: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

open_enum! {
    /// The provider's status of a refund.
    RefundStatus {
        Pending = "pending",
        RequiresAction = "requires_action",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
    }
}

/// Money going back. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Refund {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status; none where the provider gave none.
    pub status: Option<RefundStatus>,
    /// What the amount is in.
    pub currency: Option<Currency>,
    /// How much.
    pub amount: i64,
    /// Of which charge.
    pub charge: Option<ObjectId>,
    /// Of which intent.
    pub payment_intent: Option<ObjectId>,
    /// `duplicate`, `fraudulent`, `requested_by_customer`, …
    pub reason: Option<Box<str>>,
    /// Why it failed.
    pub failure_reason: Option<Box<str>>,
    /// The movement that brought the money back.
    pub failure_balance_transaction: Option<ObjectId>,
    /// Why it waits.
    pub pending_reason: Option<Box<str>>,
    /// The movement on the merchant's balance.
    pub balance_transaction: Option<ObjectId>,
    /// `pending`, `available`, `unavailable`: the acquirer's reference number.
    pub reference_status: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

open_enum! {
    /// The provider's status of a dispute.
    DisputeStatus {
        WarningNeedsResponse = "warning_needs_response",
        WarningUnderReview = "warning_under_review",
        WarningClosed = "warning_closed",
        NeedsResponse = "needs_response",
        UnderReview = "under_review",
        Won = "won",
        Lost = "lost",
        Prevented = "prevented",
        ChargeRefunded = "charge_refunded",
    }
}

/// A chargeback, or an inquiry before one. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
pub struct Dispute {
    /// When the provider made it.
    pub created: Option<Seconds>,
    /// The provider's status.
    pub status: DisputeStatus,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// In dispute; may be less or more than the charge.
    pub amount: i64,
    /// `fraudulent`, `product_not_received`, …
    pub reason: Option<Box<str>>,
    /// Of which charge.
    pub charge: Option<ObjectId>,
    /// Of which intent.
    pub payment_intent: Option<ObjectId>,
    /// How many movements of money there were.
    pub balance_transactions: i64,
    /// Taken from the merchant.
    pub amount_withdrawn: i64,
    /// Given back to the merchant.
    pub amount_reinstated: i64,
    /// The fees.
    pub fees: i64,
    /// Until when to answer.
    pub due_by: Option<Seconds>,
    /// Evidence is staged.
    pub has_evidence: bool,
    /// How often evidence was sent.
    pub submission_count: i64,
    /// It is too late to answer.
    pub past_due: bool,
    /// The charge can still be refunded.
    pub is_charge_refundable: bool,
    /// `block`, `chargeback`, `compliance`, `inquiry`, `resolution`.
    pub case_type: Option<Box<str>>,
    /// The network's own code.
    pub network_reason_code: Option<Box<str>>,
    /// The merchant's own data.
    pub metadata: Metadata,
}

impl Dispute {
    /// A chargeback that is not decided. A word that we do not know counts while money is withdrawn.
    #[must_use]
    pub fn is_open_chargeback(&self) -> bool {
        match self.status {
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => true,
            DisputeStatus::Other(_) => self.amount_withdrawn > self.amount_reinstated,
            _ => false,
        }
    }
}
