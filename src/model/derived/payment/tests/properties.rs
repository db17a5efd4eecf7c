//! What holds for every group.

use super::*;
use crate::model::payment::{DisputeStatus, RefundStatus};

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(AMOUNT), 0..=AMOUNT, any::<i64>()]
}

fn any_word(known: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => proptest::sample::select(known), 1 => Just("a_new_word")]
}

fn any_charge_id() -> impl Strategy<Value = Option<ObjectId>> {
    proptest::option::of((0..5_u8).prop_map(|n| id(&format!("ch_{n}"))))
}

fn any_currency() -> impl Strategy<Value = Option<Currency>> {
    prop_oneof![4 => Just(Some(usd())), 1 => Just(Some(Currency::new("eur"))), 1 => Just(None)]
}

fn any_intent() -> impl Strategy<Value = PaymentIntent> {
    let word = any_word(PaymentIntentStatus::KNOWN);
    (word, any_amount(), any_charge_id(), any::<bool>()).prop_map(
        |(word, received, latest_charge, failed)| {
            let intent = if failed { errored(word, "card_declined") } else { intent(word) };
            PaymentIntent { amount_received: received, latest_charge, ..intent }
        },
    )
}

fn any_charge() -> impl Strategy<Value = Charge> {
    let what = proptest::sample::select(
        &["failed", "pending", "authorized", "released", "captured", "a_new_word"][..],
    );
    let amounts = (any_amount(), any_amount(), any_amount());
    (what, amounts, proptest::option::of(100..103_i64), any_currency()).prop_map(
        |(what, (amount, amount_captured, amount_refunded), created, currency)| {
            let created = created.map(Seconds);
            Charge { created, currency, amount, amount_captured, amount_refunded, ..charge(what) }
        },
    )
}

fn any_refund() -> impl Strategy<Value = Refund> {
    (any_amount(), any_word(RefundStatus::KNOWN), any_charge_id(), any_currency())
        .prop_map(|(amount, word, charge, currency)| Refund { currency, charge, ..refund(amount, word) })
}

fn any_dispute() -> impl Strategy<Value = Dispute> {
    let amounts = (any_amount(), any_amount(), any_amount());
    (any_word(DisputeStatus::KNOWN), amounts, any_charge_id(), any_currency()).prop_map(
        |(word, (amount, withdrawn, reinstated), charge, currency)| {
            let shape = dispute(word, 0, 0);
            let (amount_withdrawn, amount_reinstated) = (withdrawn, reinstated);
            Dispute { currency, amount, charge, amount_withdrawn, amount_reinstated, ..shape }
        },
    )
}

fn members<T: std::fmt::Debug>(
    prefix: &'static str,
    one: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<Member<T>>> {
    proptest::collection::vec(one, 0..4).prop_map(move |snapshots| {
        let named = |(n, snapshot)| member(&format!("{prefix}_{n}"), snapshot);
        snapshots.into_iter().enumerate().map(named).collect()
    })
}

fn any_group() -> impl Strategy<Value = PaymentGroup> {
    let intent = proptest::option::of(any_intent());
    let charges = members("ch", any_charge());
    (intent, charges, members("re", any_refund()), members("du", any_dispute())).prop_map(
        |(intent, charges, refunds, disputes)| PaymentGroup {
            intent: intent.map(|intent| member("pi_1", intent)),
            charges,
            refunds,
            disputes,
            invoices: vec![id("in_2"), id("in_1")],
        },
    )
}

fn shuffled(group: &PaymentGroup, turn: usize) -> PaymentGroup {
    fn turned<T: Clone>(members: &[T], turn: usize) -> Vec<T> {
        let mut members = members.to_vec();
        if !members.is_empty() {
            let by = turn % members.len();
            members.rotate_left(by);
        }
        if turn % 2 == 1 {
            members.reverse();
        }
        members
    }
    PaymentGroup {
        intent: group.intent.clone(),
        charges: turned(&group.charges, turn),
        refunds: turned(&group.refunds, turn / 2),
        disputes: turned(&group.disputes, turn / 3),
        invoices: turned(&group.invoices, turn / 4),
    }
}

proptest! {
    #[test]
    fn the_order_of_the_members_does_not_matter(group in any_group(), turn in 0..48_usize) {
        prop_assert_eq!(derive(&shuffled(&group, turn)), derive(&group));
    }

    #[test]
    fn only_an_empty_group_has_no_payment(group in any_group()) {
        let empty = group.intent.is_none()
            && group.charges.is_empty()
            && group.refunds.is_empty()
            && group.disputes.is_empty();
        prop_assert_eq!(derive(&group).is_none(), empty);
    }

    /// Beside another of the same charge: alone it would prove that there was a payment at all.
    #[test]
    fn a_dispute_that_was_won_changes_nothing(group in any_group(), other in any_dispute()) {
        let (charge, currency) = (other.charge.clone(), other.currency.clone());
        let mut group = Group(group).dispute("du_8", other);
        let before = group.payment();
        let won = Dispute { currency, charge, ..dispute("won", AMOUNT, AMOUNT) };
        group = group.dispute("du_9", won);
        let after = group.payment();
        prop_assert_eq!((after.status, after.amount_disputed), (before.status, before.amount_disputed));
    }
}
