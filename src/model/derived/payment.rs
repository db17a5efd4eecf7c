//! A payment: one intent with its charges, refunds and disputes, under one status.
//!
//! The status is the highest row whose condition holds:
//!
//! | status | holds when |
//! |---|---|
//! | `charged_back` | a dispute is lost, however much of its money came back |
//! | `disputed` | a chargeback is open: `needs_response`, `under_review`, or a word we do not know while money is withdrawn |
//! | `refunded` | at least what was captured went back |
//! | `partially_refunded` | some of it went back |
//! | `succeeded` | the money was captured |
//! | `authorized` | the money is held for a capture |
//! | `processing` | an attempt is under way |
//! | `requires_action` | the customer has to act |
//! | `failed` | the attempt that decides has failed, or the intent keeps an error |
//! | `canceled` | the intent was canceled, or an authorization released |
//! | `requires_confirmation`, `requires_payment_method` | nobody has tried yet |
//! | `unknown` | all we hold are words that this version does not know |
//!
//! Choices that the rows do not show:
//! - **An inquiry is not a chargeback.** No money moves while a dispute is `warning_*`, so it leaves the status alone and
//!   sets [`Payment::inquiry_open`]. `won`, `warning_closed`, `prevented` and `charge_refunded` are neutral.
//! - **Several charges are attempts.** One that captured money decides, else the newest.
//! - **A canceled intent ends what was open**, a held authorization and a pending charge too. An attempt that had failed
//!   before still reads `failed`: that is why the money never came.
//! - **An attempt that the intent names as its latest and that failed has failed**, even when the intent still says
//!   `processing` or `succeeded`: a bank debit may be returned after both.
//! - **A refund or a chargeback proves its charge**: where that charge was not received, the money counts as captured.
//! - **Releasing an authorization is not refunding**: nothing had been taken.
//! - An amount in another currency than the payment's is never added; a refund left out so sets
//!   [`Payment::refunds_incomplete`], a dispute [`Payment::disputes_incomplete`].
//!
//! Never: adds up events, reads a clock, or trusts `charge.disputed` and `charge.amount_refunded` over the objects
//! that they summarize.

mod money;
mod status;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::Member;
use crate::model::id::ObjectId;
use crate::model::money::Currency;
use crate::model::payment::{Charge, ChargeStatus, Dispute, PaymentIntent, PaymentIntentStatus, Refund};
use crate::model::time::Seconds;

/// What belongs to one payment. The order of the members does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentGroup {
    /// The purpose; none where only charges are known.
    pub intent: Option<Member<PaymentIntent>>,
    /// The attempts.
    pub charges: Vec<Member<Charge>>,
    /// Money going back.
    pub refunds: Vec<Member<Refund>>,
    /// Chargebacks and inquiries.
    pub disputes: Vec<Member<Dispute>>,
    /// The invoices that it pays.
    pub invoices: Vec<ObjectId>,
}

/// A payment as its members stand. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own beside the status, and readers see it so"
)]
pub struct Payment {
    /// The intent's id, known or only named by a member; else the charge's; else the refund's or dispute's own.
    pub id: ObjectId,
    /// When the intent was made, else the first member.
    pub created: Option<Seconds>,
    /// Who pays.
    pub customer: Option<ObjectId>,
    /// What the amounts are in.
    pub currency: Option<Currency>,
    /// Where it stands.
    pub status: PaymentStatus,
    /// The provider's word on the intent.
    pub intent_status: Option<PaymentIntentStatus>,
    /// The provider's word on the charge that decides.
    pub charge_status: Option<ChargeStatus>,
    /// Asked for.
    pub amount: i64,
    /// Taken. Zero while only authorized.
    pub amount_captured: i64,
    /// Gone back to the customer or on its way, of what was taken.
    pub amount_refunded: i64,
    /// Withdrawn by chargebacks that are open or lost, less what came back of the lost ones.
    pub amount_disputed: i64,
    /// The intent, known or only named by a member.
    pub payment_intent: Option<ObjectId>,
    /// Its charges, by id.
    pub charges: Vec<ObjectId>,
    /// Its refunds, by id.
    pub refunds: Vec<ObjectId>,
    /// Its disputes, by id.
    pub disputes: Vec<ObjectId>,
    /// The invoices that it pays, by id.
    pub invoices: Vec<ObjectId>,
    /// What pays.
    pub payment_method: Option<ObjectId>,
    /// Why it failed, while it is `failed` (`card_declined`, …).
    pub failure_code: Option<Box<str>>,
    /// The bank asks before a chargeback. No money has moved.
    pub inquiry_open: bool,
    /// The known refunds do not explain what the charge says was refunded; `amount_refunded` is the charge's word.
    pub refunds_incomplete: bool,
    /// The charge says that it is disputed and no dispute is known, or one is in another currency.
    pub disputes_incomplete: bool,
    /// The events of a member do not decide which of several contents is the last.
    pub ambiguous: bool,
}

/// Where a payment stands. [The table](self) says when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is a row of the module's table")]
pub enum PaymentStatus {
    ChargedBack,
    Disputed,
    Refunded,
    PartiallyRefunded,
    Succeeded,
    Authorized,
    Processing,
    RequiresAction,
    Failed,
    Canceled,
    RequiresConfirmation,
    RequiresPaymentMethod,
    Unknown,
}

impl PaymentStatus {
    /// Every status, in the order of precedence.
    pub const ALL: &'static [Self] = &[
        Self::ChargedBack,
        Self::Disputed,
        Self::Refunded,
        Self::PartiallyRefunded,
        Self::Succeeded,
        Self::Authorized,
        Self::Processing,
        Self::RequiresAction,
        Self::Failed,
        Self::Canceled,
        Self::RequiresConfirmation,
        Self::RequiresPaymentMethod,
        Self::Unknown,
    ];

    /// The word, the same as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargedBack => "charged_back",
            Self::Disputed => "disputed",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Succeeded => "succeeded",
            Self::Authorized => "authorized",
            Self::Processing => "processing",
            Self::RequiresAction => "requires_action",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::Unknown => "unknown",
        }
    }

    /// The status behind a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == word)
    }
}

impl std::fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The payment of a group; none for a group without members.
#[must_use]
pub fn derive(group: &PaymentGroup) -> Option<Payment> {
    let payment_intent = intent_id(group);
    let id = payment_intent.or_else(|| charge_id(group)).or_else(|| own_id(group))?.clone();
    let deciding = deciding_charge(group);
    let currency = currency(group, deciding);
    let money = money::of(group, currency.as_ref());
    let status = status::of(group, deciding, &money);
    let intent = group.intent.as_ref().map(|member| &member.snapshot);
    let charge = deciding.map(|member| &member.snapshot);
    Some(Payment {
        id,
        created: created(group),
        customer: customer(group),
        currency,
        status,
        intent_status: intent.map(|intent| intent.status.clone()),
        charge_status: charge.map(|charge| charge.status.clone()),
        amount: intent.map(|intent| intent.amount).or(charge.map(|charge| charge.amount)).unwrap_or(0),
        amount_captured: money.captured,
        amount_refunded: money.refunded,
        amount_disputed: money.disputed,
        payment_intent: payment_intent.cloned(),
        charges: ids(&group.charges),
        refunds: ids(&group.refunds),
        disputes: ids(&group.disputes),
        invoices: sorted(group.invoices.clone()),
        payment_method: charge
            .and_then(|charge| charge.payment_method.clone())
            .or_else(|| intent.and_then(|intent| intent.payment_method.clone())),
        failure_code: (status == PaymentStatus::Failed).then(|| failure_code(intent, charge)).flatten(),
        inquiry_open: group.disputes.iter().any(|member| money::is_inquiry(&member.snapshot)),
        refunds_incomplete: money.refunds_incomplete,
        disputes_incomplete: money.disputes_incomplete,
        ambiguous: ambiguous(group),
    })
}

/// The charge that decides: one that captured money, else the newest.
///
/// Of two in one second it is the one that the intent names as its latest, else the greater id.
fn deciding_charge(group: &PaymentGroup) -> Option<&Member<Charge>> {
    let latest = group.intent.as_ref().and_then(|intent| intent.snapshot.latest_charge.as_ref());
    group.charges.iter().max_by_key(|member| {
        let charge = &member.snapshot;
        (money::has_captured(charge), charge.created, Some(&member.id) == latest, &member.id)
    })
}

fn intent_id(group: &PaymentGroup) -> Option<&ObjectId> {
    let known = group.intent.as_ref().map(|member| &member.id);
    let charges = group.charges.iter().filter_map(|member| member.snapshot.payment_intent.as_ref());
    let refunds = group.refunds.iter().filter_map(|member| member.snapshot.payment_intent.as_ref());
    let disputes = group.disputes.iter().filter_map(|member| member.snapshot.payment_intent.as_ref());
    known.or_else(|| charges.chain(refunds).chain(disputes).min())
}

fn charge_id(group: &PaymentGroup) -> Option<&ObjectId> {
    let known = group.charges.iter().map(|member| &member.id);
    let refunds = group.refunds.iter().filter_map(|member| member.snapshot.charge.as_ref());
    let disputes = group.disputes.iter().filter_map(|member| member.snapshot.charge.as_ref());
    known.min().or_else(|| refunds.chain(disputes).min())
}

fn own_id(group: &PaymentGroup) -> Option<&ObjectId> {
    let refunds = group.refunds.iter().map(|member| &member.id);
    refunds.chain(group.disputes.iter().map(|member| &member.id)).min()
}

fn currency(group: &PaymentGroup, deciding: Option<&Member<Charge>>) -> Option<Currency> {
    let intent = group.intent.as_ref().and_then(|member| member.snapshot.currency.as_ref());
    let charge = deciding.and_then(|member| member.snapshot.currency.as_ref());
    let refunds = group.refunds.iter().filter_map(|member| member.snapshot.currency.as_ref());
    let disputes = group.disputes.iter().filter_map(|member| member.snapshot.currency.as_ref());
    intent.or(charge).or_else(|| refunds.min()).or_else(|| disputes.min()).cloned()
}

fn created(group: &PaymentGroup) -> Option<Seconds> {
    let intent = group.intent.as_ref().and_then(|member| member.snapshot.created);
    let charges = group.charges.iter().filter_map(|member| member.snapshot.created);
    let refunds = group.refunds.iter().filter_map(|member| member.snapshot.created);
    let disputes = group.disputes.iter().filter_map(|member| member.snapshot.created);
    intent.or_else(|| charges.chain(refunds).chain(disputes).min())
}

fn customer(group: &PaymentGroup) -> Option<ObjectId> {
    let intent = group.intent.as_ref().and_then(|member| member.snapshot.customer.as_ref());
    let charges = group.charges.iter().filter_map(|member| member.snapshot.customer.as_ref());
    intent.or_else(|| charges.min()).cloned()
}

fn failure_code(intent: Option<&PaymentIntent>, charge: Option<&Charge>) -> Option<Box<str>> {
    let error = intent.and_then(|intent| intent.last_payment_error.as_ref());
    charge
        .and_then(|charge| charge.failure_code.clone())
        .or_else(|| error.and_then(|error| error.code.clone()))
}

fn ambiguous(group: &PaymentGroup) -> bool {
    group.intent.as_ref().is_some_and(|member| member.ambiguous)
        || group.charges.iter().any(|member| member.ambiguous)
        || group.refunds.iter().any(|member| member.ambiguous)
        || group.disputes.iter().any(|member| member.ambiguous)
}

fn ids<T>(members: &[Member<T>]) -> Vec<ObjectId> {
    sorted(members.iter().map(|member| member.id.clone()).collect())
}

fn sorted(mut ids: Vec<ObjectId>) -> Vec<ObjectId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
