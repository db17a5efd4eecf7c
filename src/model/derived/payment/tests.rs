use proptest::prelude::*;

use super::*;
use crate::model::payment::PaymentError;
use crate::model::private::Metadata;

const AMOUNT: i64 = 1_000;

fn id(text: &str) -> ObjectId {
    ObjectId::parse(text).expect("an id of the test")
}

fn usd() -> Currency {
    Currency::new("usd")
}

fn member<T>(name: &str, snapshot: T) -> Member<T> {
    Member { id: id(name), snapshot, ambiguous: false }
}

fn intent(status: &str) -> PaymentIntent {
    PaymentIntent {
        created: Some(Seconds(100)),
        customer: Some(id("cus_1")),
        status: status.into(),
        currency: Some(usd()),
        amount: AMOUNT,
        amount_received: if status == "succeeded" { AMOUNT } else { 0 },
        amount_capturable: if status == "requires_capture" { AMOUNT } else { 0 },
        latest_charge: None,
        payment_method: Some(id("pm_intent")),
        last_payment_error: None,
        next_action: None,
        cancellation_reason: None,
        canceled_at: None,
        capture_method: None,
        setup_future_usage: None,
        metadata: Metadata::default(),
    }
}

fn errored(status: &str, code: &str) -> PaymentIntent {
    let error = PaymentError { code: Some(code.into()), decline_code: None, error_type: None };
    PaymentIntent { last_payment_error: Some(error), ..intent(status) }
}

/// `failed`, `pending`, `authorized`, `released`, `captured`, or any other word as the status.
fn charge(what: &str) -> Charge {
    let status = match what {
        "authorized" | "released" | "captured" => "succeeded",
        other => other,
    };
    Charge {
        created: Some(Seconds(110)),
        customer: Some(id("cus_1")),
        status: status.into(),
        currency: Some(usd()),
        amount: AMOUNT,
        amount_captured: if what == "captured" { AMOUNT } else { 0 },
        amount_refunded: if what == "released" { AMOUNT } else { 0 },
        paid: status == "succeeded",
        captured: what == "captured" || what == "pending",
        refunded: what == "released",
        disputed: false,
        payment_intent: Some(id("pi_1")),
        payment_method: Some(id("pm_charge")),
        payment_method_type: Some("card".into()),
        card_brand: None,
        card_last4: None,
        balance_transaction: None,
        failure_code: (what == "failed").then(|| "card_declined".into()),
        failure_balance_transaction: None,
        outcome_type: None,
        outcome_reason: None,
        risk_level: None,
        metadata: Metadata::default(),
    }
}

fn refunded_charge(amount_refunded: i64) -> Charge {
    Charge { amount_refunded, refunded: amount_refunded == AMOUNT, ..charge("captured") }
}

fn refund(amount: i64, status: &str) -> Refund {
    Refund {
        created: Some(Seconds(200)),
        status: Some(status.into()),
        currency: Some(usd()),
        amount,
        charge: Some(id("ch_1")),
        payment_intent: Some(id("pi_1")),
        reason: None,
        failure_reason: None,
        failure_balance_transaction: None,
        pending_reason: None,
        balance_transaction: None,
        reference_status: None,
        metadata: Metadata::default(),
    }
}

fn dispute(status: &str, withdrawn: i64, reinstated: i64) -> Dispute {
    Dispute {
        created: Some(Seconds(300)),
        status: status.into(),
        currency: Some(usd()),
        amount: AMOUNT,
        reason: Some("fraudulent".into()),
        charge: Some(id("ch_1")),
        payment_intent: Some(id("pi_1")),
        balance_transactions: i64::from(withdrawn > 0) + i64::from(reinstated > 0),
        amount_withdrawn: withdrawn,
        amount_reinstated: reinstated,
        fees: 1_500,
        due_by: None,
        has_evidence: false,
        submission_count: 0,
        past_due: false,
        is_charge_refundable: false,
        case_type: None,
        network_reason_code: None,
        metadata: Metadata::default(),
    }
}

/// A group under construction: `paid().refund("re_1", …)`.
#[derive(Clone, Default)]
struct Group(PaymentGroup);

impl Group {
    fn of(intent: PaymentIntent) -> Self {
        Self(PaymentGroup { intent: Some(member("pi_1", intent)), ..PaymentGroup::default() })
    }

    fn charge(mut self, name: &str, charge: Charge) -> Self {
        self.0.charges.push(member(name, charge));
        self
    }

    fn refund(mut self, name: &str, refund: Refund) -> Self {
        self.0.refunds.push(member(name, refund));
        self
    }

    fn dispute(mut self, name: &str, dispute: Dispute) -> Self {
        self.0.disputes.push(member(name, dispute));
        self
    }

    fn payment(&self) -> Payment {
        derive(&self.0).expect("a group with members")
    }

    #[track_caller]
    fn is(self, expected: &str) -> Self {
        assert_eq!(self.payment().status.as_str(), expected);
        self
    }

    /// Captured, refunded, disputed.
    #[track_caller]
    fn amounts(self, expected: (i64, i64, i64)) -> Self {
        let payment = self.payment();
        let found = (payment.amount_captured, payment.amount_refunded, payment.amount_disputed);
        assert_eq!(found, expected, "captured, refunded, disputed");
        self
    }

    #[track_caller]
    fn refunds_incomplete(self, expected: bool) -> Self {
        assert_eq!(self.payment().refunds_incomplete, expected);
        self
    }
}

fn paid() -> Group {
    Group::of(intent("succeeded")).charge("ch_1", charge("captured"))
}

fn paid_with(charge: Charge) -> Group {
    Group::of(intent("succeeded")).charge("ch_1", charge)
}

/// Each intent (a row) against one attempt that it does not name as its latest (a column).
#[test]
fn an_intent_and_one_attempt_give_one_status() {
    let table = "
        intent                  none                    failed          pending    authorized released        captured  other
        none                    -                       failed          processing authorized canceled        succeeded unknown
        requires_payment_method requires_payment_method failed          processing authorized canceled        succeeded requires_payment_method
        requires_confirmation   requires_confirmation   failed          processing authorized canceled        succeeded requires_confirmation
        requires_action         requires_action         requires_action processing authorized requires_action succeeded requires_action
        processing              processing              processing      processing authorized processing      succeeded processing
        requires_capture        authorized              authorized      authorized authorized canceled        succeeded authorized
        succeeded               succeeded               succeeded       succeeded  succeeded  succeeded       succeeded succeeded
        canceled                canceled                failed          canceled   canceled   canceled        succeeded canceled
        a_new_word              unknown                 failed          processing authorized canceled        succeeded unknown
    ";
    let mut rows = table.trim().lines().map(str::split_whitespace);
    let heads: Vec<&str> = rows.next().expect("heads").skip(1).collect();
    for mut row in rows {
        let intended = row.next().expect("an intent");
        for (attempt, expected) in heads.iter().zip(row) {
            let mut group = match intended {
                "none" => Group::default(),
                status => Group::of(intent(status)),
            };
            if *attempt != "none" {
                group = group.charge("ch_1", charge(attempt));
            }
            let found = derive(&group.0).map_or("-", |payment| payment.status.as_str());
            assert_eq!(found, expected, "intent {intended}, charge {attempt}");
        }
    }
}

#[test]
fn an_error_of_the_intent_tells_a_failure_from_a_beginning() {
    for status in ["requires_payment_method", "requires_confirmation", "canceled"] {
        let group = Group::of(errored(status, "authentication_required")).is("failed");
        assert_eq!(group.payment().failure_code.as_deref(), Some("authentication_required"));
    }
    Group::of(errored("requires_action", "card_declined")).is("requires_action");
    let named = PaymentIntent { latest_charge: Some(id("ch_9")), ..intent("requires_payment_method") };
    Group::of(named).is("failed");
}

#[test]
fn an_attempt_that_the_intent_names_may_know_more_than_the_intent() {
    let latest = |status, name| PaymentIntent { latest_charge: Some(id(name)), ..intent(status) };
    for status in ["processing", "succeeded"] {
        Group::of(latest(status, "ch_1")).charge("ch_1", charge("failed")).is("failed").amounts((0, 0, 0));
    }
    Group::of(latest("requires_action", "ch_1")).charge("ch_1", charge("failed")).is("requires_action");
    Group::of(latest("succeeded", "ch_2")).charge("ch_1", charge("failed")).is("succeeded");

    let returned = errored("requires_payment_method", "debit_not_authorized");
    let returned = PaymentIntent { latest_charge: Some(id("ch_1")), ..returned };
    Group::of(returned.clone()).charge("ch_1", charge("pending")).is("failed");
    let retried = Charge { created: Some(Seconds(120)), ..charge("pending") };
    Group::of(returned).charge("ch_1", charge("failed")).charge("ch_2", retried).is("processing");
}

#[test]
fn the_attempt_that_took_the_money_decides_else_the_newest() {
    let late = |what| Charge { created: Some(Seconds(120)), ..charge(what) };
    let alone = || Group::default().charge("ch_1", charge("captured"));
    alone().charge("ch_2", late("failed")).is("succeeded").amounts((AMOUNT, 0, 0));
    Group::default().charge("ch_1", charge("pending")).charge("ch_2", late("failed")).is("failed");
    Group::default().charge("ch_1", charge("failed")).charge("ch_2", late("pending")).is("processing");

    let given_up = || Group::of(intent("canceled")).charge("ch_1", charge("failed"));
    given_up().is("failed");
    given_up().charge("ch_2", late("released")).is("canceled");

    let payment = alone().charge("ch_2", late("failed")).payment();
    assert_eq!(payment.charges, [id("ch_1"), id("ch_2")]);
    assert_eq!(payment.charge_status, Some(ChargeStatus::Succeeded));
    assert_eq!(payment.failure_code, None);
}

#[test]
fn a_dispute_decides_by_its_own_word() {
    #[track_caller]
    fn check(word: &str, withdrawn: i64, reinstated: i64, status: &str, disputed: i64) {
        let group = paid().dispute("du_1", dispute(word, withdrawn, reinstated));
        group.is(status).amounts((AMOUNT, 0, disputed));
    }
    check("warning_needs_response", 0, 0, "succeeded", 0);
    check("warning_under_review", 0, 0, "succeeded", 0);
    check("warning_closed", 0, 0, "succeeded", 0);
    check("needs_response", AMOUNT, 0, "disputed", AMOUNT);
    check("under_review", AMOUNT, 0, "disputed", AMOUNT);
    check("won", AMOUNT, AMOUNT, "succeeded", 0);
    check("won", AMOUNT, 0, "succeeded", 0);
    check("lost", AMOUNT, 0, "charged_back", AMOUNT);
    check("lost", AMOUNT, 400, "charged_back", 600);
    check("lost", AMOUNT, AMOUNT, "charged_back", 0);
    check("lost", 0, 0, "charged_back", AMOUNT);
    check("prevented", 0, 0, "succeeded", 0);
    check("charge_refunded", 0, 0, "succeeded", 0);
    check("a_new_word", 0, 0, "succeeded", 0);
    check("a_new_word", AMOUNT, 0, "disputed", AMOUNT);
    // The balance is kept in another currency: 9.00 withdrawn for 10.00, a third of it came back.
    check("lost", 900, 300, "charged_back", 667);
}

#[test]
fn several_disputes_of_one_payment_add_up() {
    let lost = || paid().dispute("du_1", dispute("lost", 600, 0));
    lost().dispute("du_2", dispute("needs_response", AMOUNT, 0)).is("charged_back").amounts((
        AMOUNT,
        0,
        2 * AMOUNT,
    ));
    let won = || paid().dispute("du_1", dispute("won", AMOUNT, AMOUNT));
    won().dispute("du_2", dispute("under_review", AMOUNT, 0)).is("disputed");
}

#[test]
fn an_inquiry_is_shown_beside_the_status() {
    assert!(paid().dispute("du_1", dispute("warning_needs_response", 0, 0)).payment().inquiry_open);
    assert!(!paid().dispute("du_1", dispute("warning_closed", 0, 0)).payment().inquiry_open);
    assert!(!paid().dispute("du_1", dispute("needs_response", AMOUNT, 0)).payment().inquiry_open);
}

#[test]
fn refunds_are_counted_by_their_objects() {
    paid_with(refunded_charge(300)).refund("re_1", refund(300, "succeeded")).is("partially_refunded");
    paid_with(refunded_charge(AMOUNT))
        .refund("re_1", refund(490, "succeeded"))
        .refund("re_2", refund(510, "succeeded"))
        .is("refunded")
        .amounts((AMOUNT, AMOUNT, 0))
        .refunds_incomplete(false);
    for word in ["pending", "requires_action", "a_new_word"] {
        paid().refund("re_1", refund(300, word)).is("partially_refunded").amounts((AMOUNT, 300, 0));
    }
    let wordless = Refund { status: None, ..refund(AMOUNT, "") };
    paid().refund("re_1", wordless).is("refunded");
    // The charge has not heard of the second refund yet.
    let two = paid_with(refunded_charge(300)).refund("re_1", refund(300, "succeeded"));
    two.refund("re_2", refund(200, "pending")).amounts((AMOUNT, 500, 0)).refunds_incomplete(false);
}

#[test]
fn a_refund_that_failed_is_no_refund() {
    for word in ["failed", "canceled"] {
        // Whether the charge's number has dropped or not.
        for said in [AMOUNT, 0] {
            paid_with(refunded_charge(said))
                .refund("re_1", refund(AMOUNT, word))
                .is("succeeded")
                .amounts((AMOUNT, 0, 0))
                .refunds_incomplete(false);
        }
        paid_with(refunded_charge(AMOUNT))
            .refund("re_1", refund(AMOUNT, word))
            .refund("re_2", refund(400, "succeeded"))
            .is("partially_refunded")
            .amounts((AMOUNT, 400, 0));
    }
}

#[test]
fn what_the_refunds_cannot_explain_is_the_charges_word() {
    paid_with(refunded_charge(300))
        .is("partially_refunded")
        .amounts((AMOUNT, 300, 0))
        .refunds_incomplete(true);
    let all = paid_with(refunded_charge(AMOUNT));
    all.clone().is("refunded").amounts((AMOUNT, AMOUNT, 0)).refunds_incomplete(true);
    let some = all.refund("re_1", refund(300, "succeeded"));
    some.clone().is("refunded").amounts((AMOUNT, AMOUNT, 0)).refunds_incomplete(true);
    some.refund("re_2", refund(100, "failed")).amounts((AMOUNT, AMOUNT, 0)).refunds_incomplete(true);
}

#[test]
fn what_was_never_captured_is_not_refunded() {
    let part = |amount_refunded| Charge { amount_captured: 600, amount_refunded, ..charge("captured") };
    paid_with(part(0)).is("succeeded").amounts((600, 0, 0));
    // Old versions count the rest that was let go as refunded.
    paid_with(part(400)).is("succeeded").amounts((600, 0, 0)).refunds_incomplete(false);
    paid_with(part(500))
        .refund("re_1", refund(100, "succeeded"))
        .amounts((600, 100, 0))
        .refunds_incomplete(false);
    paid_with(part(300)).is("partially_refunded").amounts((600, 300, 0));
    paid_with(part(700)).is("refunded").amounts((600, 600, 0)).refunds_incomplete(true);
    let whole = Charge { refunded: true, ..part(AMOUNT) };
    paid_with(whole).refund("re_1", refund(600, "succeeded")).is("refunded").amounts((600, 600, 0));

    let released = Refund { reason: Some("expired_uncaptured_charge".into()), ..refund(AMOUNT, "succeeded") };
    let expired = || Group::of(intent("canceled")).charge("ch_1", charge("released"));
    expired().refund("re_1", released.clone()).is("canceled").amounts((0, 0, 0));
    expired().refund("re_1", refund(AMOUNT, "succeeded")).is("canceled").amounts((0, 0, 0));
    Group::of(intent("canceled")).refund("re_1", released).is("canceled").amounts((0, 0, 0));
    Group::of(intent("canceled")).refund("re_1", refund(5, "succeeded")).is("canceled").amounts((0, 0, 0));
    let again = paid_with(charge("released")).charge("ch_2", charge("captured"));
    again.refund("re_1", refund(AMOUNT, "succeeded")).is("succeeded").amounts((AMOUNT, 0, 0));
    // Captured, refunded, and the charge's own events are still to come.
    let early = paid_with(charge("authorized")).refund("re_1", refund(300, "succeeded"));
    early.is("partially_refunded").amounts((AMOUNT, 300, 0));
}

#[test]
fn a_charge_without_a_captured_amount_was_captured_whole() {
    let old = Charge { amount_captured: 0, ..charge("captured") };
    Group::default().charge("ch_1", old).is("succeeded").amounts((AMOUNT, 0, 0));
}

#[test]
fn members_may_come_before_what_they_belong_to() {
    let early = Group::default().dispute("du_1", dispute("needs_response", AMOUNT, 0));
    let payment = early.is("disputed").payment();
    assert_eq!((payment.id, payment.created), (id("pi_1"), Some(Seconds(300))));
    assert_eq!(payment.currency, Some(usd()));

    let without_intent = Dispute { payment_intent: None, ..dispute("lost", AMOUNT, 0) };
    assert_eq!(Group::default().dispute("du_1", without_intent).is("charged_back").payment().id, id("ch_1"));
    let cash = Refund { payment_intent: None, charge: None, ..refund(5, "succeeded") };
    assert_eq!(Group::default().refund("re_1", cash).is("partially_refunded").payment().id, id("re_1"));

    // The charge that was refunded has not been received; the one that failed has.
    let other = || Refund { charge: Some(id("ch_2")), ..refund(AMOUNT, "succeeded") };
    let group = Group::of(intent("requires_payment_method")).charge("ch_1", charge("failed"));
    group.refund("re_1", other()).is("refunded").amounts((AMOUNT, AMOUNT, 0));
    Group::default().charge("ch_1", charge("failed")).refund("re_1", refund(5, "failed")).is("failed");
    assert_eq!(derive(&PaymentGroup::default()), None);
}

#[test]
fn currencies_are_never_added() {
    let eur = Some(Currency::new("eur"));
    let foreign = Refund { currency: eur.clone(), ..refund(300, "succeeded") };
    paid().refund("re_1", foreign).is("succeeded").amounts((AMOUNT, 0, 0)).refunds_incomplete(true);
    let foreign = Dispute { currency: eur, ..dispute("lost", AMOUNT, 0) };
    let group = paid().dispute("du_1", foreign).is("charged_back").amounts((AMOUNT, 0, 0));
    assert!(group.payment().disputes_incomplete);
}

#[test]
fn a_sum_beyond_the_range_does_not_depend_on_the_order() {
    let of = |amounts: [i64; 3]| {
        (0..)
            .zip(amounts)
            .fold(paid(), |group, (n, amount)| group.refund(&format!("re_{n}"), refund(amount, "succeeded")))
    };
    of([i64::MAX, 1, -1]).amounts((AMOUNT, i64::MAX, 0));
    of([i64::MAX, -1, 1]).amounts((AMOUNT, i64::MAX, 0));
    of([i64::MAX, i64::MAX, 1]).amounts((AMOUNT, i64::MAX, 0));
}

#[test]
fn a_charge_that_says_disputed_is_only_a_hint() {
    let hinted = Charge { disputed: true, ..charge("captured") };
    assert!(paid_with(hinted.clone()).is("succeeded").payment().disputes_incomplete);
    let won = paid_with(hinted).dispute("du_1", dispute("won", AMOUNT, AMOUNT)).is("succeeded");
    assert!(!won.payment().disputes_incomplete);
}

#[test]
fn one_undecided_member_makes_the_payment_undecided() {
    assert!(!paid().payment().ambiguous);
    let mut group = paid().refund("re_1", refund(1, "pending")).dispute("du_1", dispute("won", 0, 0));
    group.0.refunds[0].ambiguous = true;
    assert!(group.payment().ambiguous);
    group.0.refunds[0].ambiguous = false;
    group.0.disputes[0].ambiguous = true;
    assert!(group.payment().ambiguous);
}

#[test]
fn the_words_are_those_of_the_serialized_form() {
    use serde::de::value::{Error, StrDeserializer};
    for status in PaymentStatus::ALL {
        let read = PaymentStatus::deserialize(StrDeserializer::<Error>::new(status.as_str()));
        assert_eq!(read, Ok(*status));
        assert_eq!(PaymentStatus::from_word(status.as_str()), Some(*status));
    }
    assert!(PaymentStatus::ALL.is_sorted(), "the order of the variants is the precedence");
}

mod bursts;
mod properties;
