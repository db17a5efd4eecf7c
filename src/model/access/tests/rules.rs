//! Every status under every kind of policy, and each gate.

use super::*;

fn strict() -> Policy {
    Policy {
        past_due_grace_days: days(0),
        renewal_leeway_days: days(0),
        charged_back: Gate::Deny,
        disputed: Gate::Deny,
        refunded: Gate::Deny,
        collection_paused: Gate::Deny,
    }
}

fn lenient() -> Policy {
    Policy {
        past_due_grace_days: days(30),
        renewal_leeway_days: days(5),
        charged_back: Gate::Ignore,
        disputed: Gate::Ignore,
        refunded: Gate::Ignore,
        collection_paused: Gate::Ignore,
    }
}

/// On day 10, in the status since day 5; the trial ends on day 14, the period on day 30.
#[test]
fn every_status_under_every_policy() {
    #[track_caller]
    fn check_all(status: &str, default: &str, strictly: &str, leniently: &str) {
        let snapshot = if status == "trialing" { trial() } else { plan(status) };
        let input = customer(vec![input(snapshot)]);
        check(&input, &Policy::default(), 10, default);
        check(&input, &strict(), 10, strictly);
        check(&input, &lenient(), 10, leniently);
    }
    let table = [
        ("trialing", "allowed trialing until 16", "allowed trialing until 14", "allowed trialing until 19"),
        ("active", "allowed active until 32", "allowed active until 30", "allowed active until 35"),
        ("past_due", "grace past_due until 12", "denied past_due_grace_over", "grace past_due until 35"),
        ("unpaid", "denied unpaid", "denied unpaid", "denied unpaid"),
        ("paused", "denied paused", "denied paused", "denied paused"),
        ("incomplete", "denied incomplete", "denied incomplete", "denied incomplete"),
        (
            "incomplete_expired",
            "denied incomplete_expired",
            "denied incomplete_expired",
            "denied incomplete_expired",
        ),
        ("canceled", "denied canceled", "denied canceled", "denied canceled"),
        ("a_new_word", "denied unknown_status", "denied unknown_status", "denied unknown_status"),
    ];
    for (status, default, strictly, leniently) in table {
        check_all(status, default, strictly, leniently);
    }
    let missing = |word: &&&str| !table.iter().any(|row| row.0 == **word);
    assert_eq!(SubscriptionStatus::KNOWN.iter().find(missing), None, "a status without a row");
}

#[test]
fn the_clock_alone_ends_what_no_event_renews() {
    course(
        input(plan("active")),
        &[(-99, "allowed active until 32"), (31, "allowed active until 32"), (32, "denied renewal_not_seen")],
    );
    course(input(trial()), &[(15, "allowed trialing until 16"), (16, "denied trial_over")]);
    course(input(plan("past_due")), &[(5, "grace past_due until 12"), (12, "denied past_due_grace_over")]);
    let last_second =
        schedule(&customer(vec![input(plan("active"))]), &Policy::default()).at(Seconds(day(32).0 - 1));
    assert_eq!(last_second.decision, Verdict::Allowed);
}

#[test]
fn an_end_that_is_unknown_does_not_come() {
    let endless = Subscription { current_period_end: None, ..plan("active") };
    course(input(endless), &[(9_999, "allowed active")]);
    let trial_without_end = Subscription { trial_end: None, ..trial() };
    course(input(trial_without_end), &[(31, "allowed trialing until 32")]);
}

#[test]
fn an_end_that_is_set_has_no_leeway() {
    let with = |at_period_end, cancel_at: Option<i64>, status| {
        let cancel_at = cancel_at.map(day);
        input(Subscription { cancel_at_period_end: at_period_end, cancel_at, ..plan(status) })
    };
    let until_30 = [(29, "allowed cancel_scheduled until 30"), (30, "denied cancellation_reached")];
    course(with(true, None, "active"), &until_30);
    course(with(true, Some(30), "active"), &until_30);
    // The flexible billing mode sets the moment alone.
    course(with(false, Some(30), "active"), &until_30);
    course(
        with(false, Some(20), "active"),
        &[(19, "allowed cancel_scheduled until 20"), (20, "denied cancellation_reached")],
    );
    // An end after the next renewal does not stand for that renewal.
    course(
        with(false, Some(90), "active"),
        &[(31, "allowed cancel_scheduled until 32"), (32, "denied renewal_not_seen")],
    );
    course(
        with(true, Some(6), "past_due"),
        &[(5, "grace past_due until 6"), (6, "denied cancellation_reached")],
    );
    course(
        with(true, None, "past_due"),
        &[(5, "grace past_due until 12"), (12, "denied past_due_grace_over")],
    );
    course(with(true, None, "unpaid"), &[(5, "denied unpaid")]);
}

#[test]
fn an_end_is_scheduled_since_it_was_asked_for() {
    let scheduled = |canceled_at| Subscription { cancel_at_period_end: true, canceled_at, ..plan("active") };
    let since = |canceled_at| {
        schedule(&customer(vec![input(scheduled(canceled_at))]), &Policy::default()).at(day(10)).since
    };
    assert_eq!(since(Some(day(9))), Some(day(9)));
    assert_eq!(since(None), Some(day(5)), "where Stripe does not say: since the status began");
}

#[test]
fn each_gate_denies_only_where_the_policy_says_so() {
    let gated = |status: &str, latest_payments, policy: &Policy| {
        let input = SubscriptionInput { latest_payments, ..input(plan(status)) };
        show(&schedule(&customer(vec![input]), policy).at(day(10)))
    };
    let active = "allowed active until 32";
    let (default, strict, lenient) = (Policy::default(), strict(), lenient());
    assert_eq!(gated("active", CHARGED_BACK, &default), "denied payment_charged_back");
    assert_eq!(gated("active", CHARGED_BACK, &lenient), "allowed active until 35");
    assert_eq!(gated("active", DISPUTED, &default), active);
    assert_eq!(gated("active", DISPUTED, &strict), "denied payment_disputed");
    assert_eq!(gated("active", REFUNDED, &default), active);
    assert_eq!(gated("active", REFUNDED, &strict), "denied payment_refunded");
    assert_eq!(gated("active", PaymentFacts::default(), &strict), "allowed active until 30");
    // A gate takes grace away too, and leaves a denial its own reason.
    assert_eq!(gated("past_due", CHARGED_BACK, &default), "denied payment_charged_back");
    assert_eq!(gated("unpaid", CHARGED_BACK, &default), "denied unpaid");
}

#[test]
fn a_gate_that_is_ignored_hides_no_other() {
    let all = PaymentFacts { charged_back: true, disputed: true, refunded: true };
    let only = |shut: &str| Policy {
        charged_back: if shut == "charged_back" { Gate::Deny } else { Gate::Ignore },
        disputed: if shut == "disputed" { Gate::Deny } else { Gate::Ignore },
        refunded: if shut == "refunded" { Gate::Deny } else { Gate::Ignore },
        ..Policy::default()
    };
    let input = || SubscriptionInput { latest_payments: all, ..input(plan("active")) };
    for shut in ["charged_back", "disputed", "refunded"] {
        course_under(&only(shut), input(), &[(10, &format!("denied payment_{shut}"))]);
    }
    course_under(&only("none"), input(), &[(10, "allowed active until 32")]);
}

#[test]
fn a_pause_of_collection_is_a_gate_that_may_open_by_itself() {
    let paused = |resumes_at: Option<i64>, status| {
        let behavior = "void".into();
        let pause = PauseCollection { behavior, resumes_at: resumes_at.map(day) };
        input(Subscription { pause_collection: Some(pause), ..plan(status) })
    };
    let deny = Policy { collection_paused: Gate::Deny, ..Policy::default() };
    course(paused(None, "active"), &[(10, "allowed active until 32")]);
    course_under(
        &deny,
        paused(None, "active"),
        &[(10, "denied collection_paused"), (99, "denied collection_paused")],
    );
    course_under(
        &deny,
        paused(Some(20), "active"),
        &[
            (10, "denied collection_paused until 20"),
            (20, "allowed active until 32"),
            (32, "denied renewal_not_seen"),
        ],
    );
    course_under(
        &deny,
        paused(Some(40), "active"),
        &[(10, "denied collection_paused next 40"), (40, "denied renewal_not_seen")],
    );
    course_under(&deny, paused(Some(20), "unpaid"), &[(10, "denied unpaid")]);
}

#[test]
fn a_word_that_we_do_not_know_keeps_the_last_decision() {
    let unknown = |last: &str| {
        let last_known_status = Some(last.into());
        SubscriptionInput { last_known_status, ..input(plan("a_new_word")) }
    };
    course(unknown("active"), &[(10, "allowed active until 32")]);
    course(unknown("past_due"), &[(10, "grace past_due until 12"), (12, "denied past_due_grace_over")]);
    course(unknown("unpaid"), &[(10, "denied unpaid")]);
    course(unknown("another_new_word"), &[(10, "denied unknown_status")]);
    let access = schedule(&customer(vec![unknown("active")]), &Policy::default()).at(day(10));
    assert_eq!(access.warning, Some(Warning::UnknownStatus));
    let known = schedule(&customer(vec![input(plan("active"))]), &Policy::default()).at(day(10));
    assert_eq!(known.warning, None);
}

#[test]
fn an_answer_names_the_plan_behind_it() {
    let input = CustomerInput {
        entitlements: Some(features(&["export", "sso"])),
        ..customer(vec![input(plan("active"))])
    };
    let access = schedule(&input, &Policy::default()).at(day(10));
    assert_eq!(access.customer, Some(id("cus_1")));
    assert_eq!(access.subscription, Some(id("sub_1")));
    assert_eq!(access.price, Some(id("price_pro")));
    assert_eq!(access.product, Some(id("prod_pro")));
    assert_eq!(access.lookup_key.as_deref(), Some("pro_monthly"));
    assert_eq!(access.quantity, Some(3));
    assert_eq!(access.items.len(), 1);
    assert_eq!(access.since, Some(day(5)));
    assert_eq!(access.current_period_end, Some(day(30)));
    assert_eq!(access.ends_at, None);
    assert_eq!(access.entitlements, features(&["export", "sso"]).active);

    let over = schedule(&input, &Policy::default()).at(day(40));
    assert_eq!((over.since, over.next_change_at), (Some(day(32)), None));
    assert_eq!(over.subscription, Some(id("sub_1")));
    assert_eq!(over.entitlements, [], "a denied customer may use no feature");
}

#[test]
fn a_policy_is_read_with_defaults_and_limits() {
    use serde::Deserialize;
    use serde::de::value::{Error, MapDeserializer, StrDeserializer};
    let read = |pairs: &[(&'static str, u32)]| {
        Policy::deserialize(MapDeserializer::<_, Error>::new(pairs.iter().copied()))
    };
    assert_eq!(read(&[]), Ok(Policy::default()));
    let grace = Policy { past_due_grace_days: days(14), ..Policy::default() };
    assert_eq!(read(&[("past_due_grace_days", 14)]), Ok(grace));
    assert!(read(&[("past_due_grace_days", 3_651)]).is_err());
    assert!(read(&[("past_due_grace", 14)]).is_err(), "a misspelt name is not ignored");
    assert_eq!(Gate::deserialize(StrDeserializer::<Error>::new("deny")), Ok(Gate::Deny));
}

#[test]
fn the_words_are_those_of_the_serialized_form() {
    use serde::Deserialize;
    use serde::de::value::{Error, StrDeserializer};
    for reason in Reason::ALL {
        assert_eq!(Reason::deserialize(StrDeserializer::<Error>::new(reason.as_str())), Ok(*reason));
    }
    for verdict in [Verdict::Denied, Verdict::Grace, Verdict::Allowed] {
        assert_eq!(Verdict::deserialize(StrDeserializer::<Error>::new(verdict.as_str())), Ok(verdict));
    }
}
