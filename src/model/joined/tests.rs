use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::testing::{observation, snapshot};

fn of(parts: &[Joined]) -> Joined {
    let (first, rest) = parts.split_first().unwrap();
    rest.iter().fold(first.clone(), |mut all, part| {
        all.join(part);
        all
    })
}

fn seen(id: &str, event_type: &str, second: i64, variant: &str, fields: &Value) -> Joined {
    Joined::of(&observation(id, event_type, second, &snapshot(variant, fields), None))
}

fn invoice(id: &str, word: &str, second: i64, fields: &Value) -> Joined {
    seen(id, &format!("invoice.{word}"), second, "Invoice", fields)
}

fn list(id: &str, second: i64, keys: &[&str], truncated: bool) -> Joined {
    let active: Vec<Value> = keys.iter().map(|key| json!({ "lookup_key": key, "feature": null })).collect();
    let fields = json!({ "active": active, "truncated": truncated });
    seen(id, "entitlements.active_entitlement_summary.updated", second, "Entitlements", &fields)
}

#[test]
fn the_furthest_stage_counts_whatever_the_second() {
    let paid = invoice("evt_1", "paid", 10, &json!({ "status": "paid", "amount_paid": 9, "paid_at": 10 }));
    let open = invoice("evt_2", "updated", 20, &json!({ "status": "open", "attempt_count": 3 }));
    let both = of(&[open.clone(), paid.clone()]);
    assert_eq!(both, of(&[paid, open]));
    assert_eq!(both.status_beyond(1), Some("paid"));
    assert_eq!(both.status_beyond(3), None);
    assert_eq!(both.stage_since(), Seconds(10));
    assert_eq!(both.numbers(), [3, 9]);
    assert_eq!(both.once(Once::PaidAt), Some(Seconds(10)));
    assert_eq!((both.first_seen, both.last_seen), (Seconds(10), Seconds(20)));
    assert!(!both.contradictory());
}

#[test]
fn two_ends_of_life_contradict() {
    let paid = invoice("evt_1", "paid", 10, &json!({ "status": "paid" }));
    let void = invoice("evt_2", "voided", 20, &json!({ "status": "void" }));
    let both = of(&[void.clone(), paid.clone()]);
    assert!(both.contradictory());
    assert_eq!(both.status_beyond(0), Some("void"), "the later one is shown");
    assert!(!of(&[paid.clone(), paid]).contradictory());
    let checkout = |id, word: &str, fields: &Value| {
        seen(id, &format!("checkout.session.{word}"), 5, "CheckoutSession", fields)
    };
    let complete = |payment: &str| json!({ "status": "complete", "payment_status": payment });
    let unpaid = checkout("evt_3", "completed", &complete("unpaid"));
    let paid = checkout("evt_4", "async_payment_succeeded", &complete("paid"));
    let failed = checkout("evt_5", "async_payment_failed", &complete("unpaid"));
    assert!(!of(&[unpaid.clone(), paid.clone()]).contradictory());
    assert_eq!(of(&[paid.clone(), unpaid]).payment_status(), Some("paid"));
    assert!(of(&[paid, failed]).contradictory());
}

#[test]
fn what_is_set_once_may_not_differ() {
    let at = |id, second| invoice(id, "updated", 30, &json!({ "status": "paid", "paid_at": second }));
    let both = of(&[at("evt_1", 10), at("evt_2", 11)]);
    assert!(both.contradictory());
    assert_eq!(both.once(Once::PaidAt), Some(Seconds(11)));
    let gone = |id, second| seen(id, "customer.deleted", second, "Customer", &json!({}));
    let both = of(&[gone("evt_1", 10), gone("evt_2", 11)]);
    assert!(!both.contradictory(), "one deletion reported twice");
    assert_eq!(both.once(Once::DeletedAt), Some(Seconds(11)));
}

#[test]
fn a_charge_that_succeeded_and_failed_in_one_second_failed() {
    let charge = |id, word: &str| {
        seen(id, &format!("charge.{word}"), 5, "Charge", &json!({ "status": word, "amount_captured": 0 }))
    };
    let both = of(&[charge("evt_1", "failed"), charge("evt_2", "succeeded")]);
    assert_eq!(both.status_beyond(0), Some("failed"));
    assert!(!both.contradictory());
}

#[test]
fn a_complete_list_replaces_what_was_listed_before_it() {
    let keys = |joined: &Joined| joined.listed().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
    let parts = [
        list("evt_1", 10, &["old"], false),
        list("evt_2", 20, &["a", "b"], false),
        list("evt_3", 30, &["b", "c"], true),
    ];
    assert_eq!(keys(&of(&parts)), ["a", "b", "c"]);
    assert_eq!(keys(&of(&parts[..2])), ["a", "b"]);
    assert_eq!(keys(&of(&[parts[0].clone(), list("evt_4", 15, &["x"], true)])), ["old", "x"]);
}

#[test]
fn links_and_hints_only_grow() {
    let link = |kind, id: &str| Link { kind, id: ObjectId::parse(id).unwrap() };
    let mut one = observation(
        "evt_1",
        "charge.updated",
        1,
        &snapshot("Charge", &json!({ "status": "succeeded" })),
        None,
    );
    one.links = [link(ObjectKind::Customer, "cus_1"), link(ObjectKind::Invoice, "in_1")].into();
    one.hints = [(Hint::AmountOverpaid, HintValue::Number(5))].into();
    let mut two = one.clone();
    two.links = [link(ObjectKind::Customer, "cus_1"), link(ObjectKind::Invoice, "in_2")].into();
    two.hints = [(Hint::AmountOverpaid, HintValue::Number(3))].into();
    let mut both = Joined::of(&one);
    both.absorb(&two);
    assert_eq!(both.links().len(), 3);
    assert_eq!(both.only_link(ObjectKind::Customer).map(ObjectId::as_str), Some("cus_1"));
    assert_eq!(both.only_link(ObjectKind::Invoice), None, "two of them");
    assert_eq!(both.only_link(ObjectKind::Charge), None);
    assert_eq!(both.hint(Hint::AmountOverpaid), Some(&HintValue::Number(5)));
}

fn anything() -> impl Strategy<Value = Joined> {
    let invoices =
        (0_usize..6, 0_i64..4, 0_u8..4, 0_i64..3, 0_i64..3).prop_map(|(status, second, id, attempts, at)| {
            let status = ["draft", "open", "uncollectible", "paid", "void", "deleted"][status];
            let fields = json!({
                "status": status, "attempt_count": attempts, "amount_paid": 2 - attempts,
                "paid_at": (at > 0).then_some(at), "finalized_at": (at > 1).then_some(at),
            });
            invoice(&format!("evt_{id}{status}{attempts}{at}"), "updated", second, &fields)
        });
    invoices.boxed()
}

fn any_list() -> impl Strategy<Value = Joined> {
    (0_i64..5, prop::collection::btree_set(0_usize..4, 0..4), any::<bool>()).prop_map(
        |(second, keys, cut)| {
            let keys: Vec<&str> = keys.into_iter().map(|key| ["a", "b", "c", "d"][key]).collect();
            list(&format!("evt_{second}{cut}{}", keys.concat()), second, &keys, cut)
        },
    )
}

fn any_dispute() -> impl Strategy<Value = Joined> {
    (0_usize..9, 0_i64..4, 0_i64..3, 0_i64..3).prop_map(|(status, second, moved, sent)| {
        let status = crate::model::payment::DisputeStatus::KNOWN[status];
        let fields = json!({
            "status": status, "balance_transactions": moved, "amount_withdrawn": moved * 100,
            "submission_count": sent,
        });
        seen(
            &format!("evt_{status}{second}{moved}{sent}"),
            "charge.dispute.updated",
            second,
            "Dispute",
            &fields,
        )
    })
}

/// Three parts of one object's history.
fn parts() -> impl Strategy<Value = [Joined; 3]> {
    fn three(one: impl Strategy<Value = Joined> + Clone + 'static) -> BoxedStrategy<[Joined; 3]> {
        let part = prop::collection::vec(one, 1..4).prop_map(|seen| of(&seen));
        [part.clone(), part.clone(), part].boxed()
    }
    prop_oneof![three(anything().boxed()), three(any_list().boxed()), three(any_dispute().boxed())]
}

proptest! {
    #[test]
    fn joining_is_a_semilattice([a, b, c] in parts()) {
        let ab = of(&[a.clone(), b.clone()]);
        prop_assert_eq!(&ab, &of(&[b.clone(), a.clone()]), "commutative");
        prop_assert_eq!(&of(&[ab.clone(), a.clone()]), &ab, "idempotent");
        let bc = of(&[b, c.clone()]);
        prop_assert_eq!(of(&[ab, c]), of(&[a, bc]), "associative");
    }
}
