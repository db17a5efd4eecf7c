//! Which status may follow which, by kind: the provider's lifecycles.

use std::collections::BTreeSet;

use crate::model::kind::ObjectKind;

/// `from > to to to`, one row a status. A status without a row is left by nothing.
const TABLE: &[(ObjectKind, &[&str])] = &[
    (ObjectKind::Customer, &["active > deleted"]),
    (
        ObjectKind::Subscription,
        &[
            "incomplete > active incomplete_expired canceled",
            "trialing > active past_due paused canceled",
            "active > past_due trialing paused canceled",
            "past_due > active unpaid canceled",
            "unpaid > active canceled",
            "paused > active canceled",
        ],
    ),
    (
        ObjectKind::Invoice,
        &["draft > open paid deleted", "open > paid void uncollectible", "uncollectible > paid void"],
    ),
    (ObjectKind::InvoicePayment, &[]),
    (ObjectKind::CheckoutSession, &["open > complete expired"]),
    (
        ObjectKind::PaymentIntent,
        &[
            "requires_payment_method > requires_action processing requires_capture succeeded canceled",
            "requires_action > requires_payment_method processing succeeded canceled",
            "processing > requires_payment_method succeeded canceled",
            "requires_capture > succeeded canceled",
        ],
    ),
    (ObjectKind::Charge, &["pending > succeeded failed"]),
    (ObjectKind::Refund, &["pending > succeeded failed canceled", "succeeded > failed"]),
    (
        ObjectKind::Dispute,
        &[
            "warning_needs_response > warning_under_review warning_closed needs_response",
            "warning_under_review > warning_closed needs_response",
            "needs_response > under_review won lost",
            "under_review > won lost",
            "lost > won",
        ],
    ),
    (ObjectKind::PaymentMethod, &["attached > detached"]),
    (ObjectKind::Product, &["active > inactive deleted", "inactive > active deleted"]),
    (ObjectKind::Price, &["active > inactive deleted", "inactive > active deleted"]),
    (ObjectKind::CreditNote, &["issued > void"]),
    (
        ObjectKind::SetupIntent,
        &[
            "requires_payment_method > requires_action succeeded canceled",
            "requires_action > requires_payment_method succeeded canceled",
        ],
    ),
    (
        ObjectKind::SubscriptionSchedule,
        &["not_started > active canceled", "active > completed released canceled"],
    ),
    (ObjectKind::Discount, &["active > deleted"]),
    (ObjectKind::Review, &["open > closed"]),
    (
        ObjectKind::TestClock,
        &[
            "ready > advancing deleted",
            "advancing > ready internal_failure deleted",
            "internal_failure > deleted",
        ],
    ),
];

/// The statuses that may follow `from` at once.
fn next(kind: ObjectKind, from: &str) -> impl Iterator<Item = &'static str> {
    let rows = TABLE.iter().filter(move |(other, _)| *other == kind).flat_map(|(_, rows)| rows.iter());
    let row = rows.map(|row| row.split_once(" > ").unwrap()).find(|(status, _)| *status == from);
    row.into_iter().flat_map(|(_, to)| to.split(' '))
}

/// One change leads from one status to the other.
pub(super) fn follows(kind: ObjectKind, from: &str, to: &str) -> bool {
    from == to || next(kind, from).any(|status| status == to)
}

/// Some changes lead there: an event may bridge several.
pub(super) fn reachable(kind: ObjectKind, from: &str, to: &str) -> bool {
    let mut seen: BTreeSet<&str> = [from].into();
    loop {
        let more: Vec<&str> = seen.iter().flat_map(|status| next(kind, status)).collect();
        let size = seen.len();
        seen.extend(more);
        if seen.len() == size {
            return seen.contains(to);
        }
    }
}
