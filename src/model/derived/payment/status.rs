//! The one status of a payment: the rows of the parent's table, from the highest down.

use super::money::{self, Sums};
use super::{Member, PaymentGroup, PaymentStatus};
use crate::model::payment::{
    Charge, ChargeStatus, Dispute, DisputeStatus, PaymentIntent, PaymentIntentStatus,
};

pub(super) fn of(group: &PaymentGroup, deciding: Option<&Member<Charge>>, money: &Sums) -> PaymentStatus {
    let mut disputes = group.disputes.iter().map(|member| &member.snapshot);
    if disputes.clone().any(|dispute| dispute.status == DisputeStatus::Lost) {
        return PaymentStatus::ChargedBack;
    }
    if disputes.any(Dispute::is_open_chargeback) {
        return PaymentStatus::Disputed;
    }
    if money.taken {
        return of_taken(money);
    }
    let attempt = deciding.map(|member| of_charge(&member.snapshot));
    let Some(intent) = group.intent.as_ref().map(|member| &member.snapshot) else {
        return attempt.unwrap_or(PaymentStatus::Unknown);
    };
    let is_latest = deciding.is_some_and(|member| intent.latest_charge.as_ref() == Some(&member.id));
    match attempt {
        // The intent reports the error of this very attempt: the charge's own event is still to come.
        Some(PaymentStatus::Processing) if is_latest && is_errored(intent) => PaymentStatus::Failed,
        _ => of_intent(intent, attempt, money::latest_failed(group)),
    }
}

fn of_taken(money: &Sums) -> PaymentStatus {
    match money.refunded {
        ..=0 => PaymentStatus::Succeeded,
        refunded if money.captured > 0 && refunded >= money.captured => PaymentStatus::Refunded,
        _ => PaymentStatus::PartiallyRefunded,
    }
}

/// A charge that took no money.
fn of_charge(charge: &Charge) -> PaymentStatus {
    match charge.status {
        ChargeStatus::Failed => PaymentStatus::Failed,
        ChargeStatus::Pending => PaymentStatus::Processing,
        ChargeStatus::Succeeded if charge.refunded => PaymentStatus::Canceled,
        ChargeStatus::Succeeded => PaymentStatus::Authorized,
        ChargeStatus::Other(_) => PaymentStatus::Unknown,
    }
}

/// No money was taken: the intent says what is under way, the attempt what came of it.
fn of_intent(intent: &PaymentIntent, attempt: Option<PaymentStatus>, latest_failed: bool) -> PaymentStatus {
    use PaymentStatus as Status;
    match intent.status {
        PaymentIntentStatus::Canceled => match attempt {
            Some(Status::Failed) => Status::Failed,
            None if is_errored(intent) => Status::Failed,
            _ => Status::Canceled,
        },
        // Its money did not count as taken, so the attempt that it names was returned.
        PaymentIntentStatus::Succeeded => Status::Failed,
        PaymentIntentStatus::RequiresCapture if attempt == Some(Status::Canceled) => Status::Canceled,
        PaymentIntentStatus::RequiresCapture => Status::Authorized,
        PaymentIntentStatus::Processing if latest_failed => Status::Failed,
        PaymentIntentStatus::Processing => higher(Status::Processing, attempt),
        PaymentIntentStatus::RequiresAction => higher(Status::RequiresAction, attempt),
        PaymentIntentStatus::RequiresConfirmation => tried(intent, attempt, Status::RequiresConfirmation),
        PaymentIntentStatus::RequiresPaymentMethod => tried(intent, attempt, Status::RequiresPaymentMethod),
        PaymentIntentStatus::Other(_) => attempt.unwrap_or(Status::Unknown),
    }
}

fn higher(said: PaymentStatus, attempt: Option<PaymentStatus>) -> PaymentStatus {
    attempt.map_or(said, |attempt| attempt.min(said))
}

/// An intent goes back to where it started when an attempt fails: what came of the attempts tells the two apart.
fn tried(intent: &PaymentIntent, attempt: Option<PaymentStatus>, untried: PaymentStatus) -> PaymentStatus {
    match attempt {
        Some(attempt) if attempt != PaymentStatus::Unknown => attempt,
        _ if is_errored(intent) || intent.latest_charge.is_some() => PaymentStatus::Failed,
        _ => untried,
    }
}

fn is_errored(intent: &PaymentIntent) -> bool {
    intent.last_payment_error.is_some()
}
