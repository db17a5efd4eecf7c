//! What holds for every customer, every policy and every moment.

use proptest::prelude::*;

use super::*;

fn any_moment() -> impl Strategy<Value = Seconds> {
    prop_oneof![8 => (-2..40_i64).prop_map(day), 1 => any::<i64>().prop_map(Seconds)]
}

fn any_end() -> impl Strategy<Value = Option<Seconds>> {
    proptest::option::of(any_moment())
}

fn any_word() -> impl Strategy<Value = &'static str> {
    let known = proptest::sample::select(SubscriptionStatus::KNOWN);
    prop_oneof![3 => Just("active"), 2 => Just("past_due"), 4 => known, 1 => Just("a_new_word")]
}

fn any_snapshot() -> impl Strategy<Value = Subscription> {
    let ends = (any_end(), any_end(), any_end(), any::<bool>());
    let pause = proptest::option::weighted(0.2, any_end());
    (any_word(), ends, pause, proptest::option::of(0..3_i64)).prop_map(
        |(word, (current_period_end, trial_end, cancel_at, at_end), pause, created)| Subscription {
            created: created.map(day),
            current_period_end,
            trial_end,
            cancel_at,
            cancel_at_period_end: at_end,
            pause_collection: pause.map(|resumes_at| PauseCollection { behavior: "void".into(), resumes_at }),
            ..plan(word)
        },
    )
}

fn any_subscription() -> impl Strategy<Value = SubscriptionInput> {
    let flag = || proptest::bool::weighted(0.1);
    let facts = (flag(), flag(), flag());
    let payments = facts.prop_map(|(charged_back, disputed, refunded)| PaymentFacts {
        charged_back,
        disputed,
        refunded,
    });
    let last = proptest::option::of(any_word());
    (any_snapshot(), any_moment(), any::<bool>(), last, payments).prop_map(
        |(snapshot, status_since, ambiguous, last, latest_payments)| SubscriptionInput {
            status_since,
            ambiguous,
            last_known_status: last.map(SubscriptionStatus::from),
            latest_payments,
            ..input(snapshot)
        },
    )
}

fn any_customer() -> impl Strategy<Value = CustomerInput> {
    let subscriptions = proptest::collection::vec(any_subscription(), 0..4);
    let words = proptest::sample::subsequence(vec!["export", "sso"], 0..=2);
    let deleted = proptest::option::weighted(0.1, any_moment());
    (0..9_u8, subscriptions, proptest::option::of(words), deleted).prop_map(
        |(n, subscriptions, words, deleted_at)| CustomerInput {
            customer: id(&format!("cus_{n}")),
            deleted_at,
            subscriptions: (0..)
                .zip(subscriptions)
                .map(|(n, one): (u8, _)| SubscriptionInput { id: id(&format!("sub_{n}")), ..one })
                .collect(),
            entitlements: words.map(|words| features(&words)),
        },
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let gate = || prop_oneof![Just(Gate::Ignore), Just(Gate::Deny)];
    (0..12_u32, 0..4_u32, gate(), gate(), gate(), gate()).prop_map(
        |(grace, leeway, charged_back, disputed, refunded, collection_paused)| Policy {
            past_due_grace_days: days(grace),
            renewal_leeway_days: days(leeway),
            charged_back,
            disputed,
            refunded,
            collection_paused,
        },
    )
}

/// All but the moments that lie ahead.
fn said(schedule: &Schedule, now: Seconds) -> Access {
    Access { until: None, next_change_at: None, ..schedule.at(now) }
}

proptest! {
    #[test]
    fn a_schedule_ascends_and_every_step_changes_something(
        customer in any_customer(), policy in any_policy(),
    ) {
        let schedule = schedule(&customer, &policy);
        prop_assert!(schedule.steps().is_sorted_by(|one, next| one.from < next.from));
        let mut before = schedule.first();
        for step in schedule.steps() {
            prop_assert_ne!(before, &step.decision);
            before = &step.decision;
        }
    }

    #[test]
    fn an_answer_holds_until_the_moment_that_it_names(
        customer in any_customer(), policy in any_policy(), now in any_moment(),
    ) {
        let schedule = schedule(&customer, &policy);
        let access = schedule.at(now);
        if let Some(next) = access.next_change_at {
            prop_assert!(next > now);
            prop_assert_eq!(said(&schedule, Seconds(next.0 - 1)), said(&schedule, now));
            prop_assert_ne!(said(&schedule, next), said(&schedule, now));
        } else {
            prop_assert_eq!(said(&schedule, Seconds(i64::MAX)), said(&schedule, now));
        }
        let lasts = access.until.map_or(Seconds(i64::MAX), |until| Seconds(until.0 - 1));
        prop_assert_eq!(schedule.at(lasts).decision, access.decision);
        if let Some(until) = access.until {
            prop_assert_ne!(schedule.at(until).decision, access.decision);
        }
    }

    #[test]
    fn a_deleted_customer_is_never_let_in(
        customer in any_customer(), policy in any_policy(), at in any_moment(), now in any_moment(),
    ) {
        let deleted = CustomerInput { deleted_at: Some(at), ..customer };
        let access = schedule(&deleted, &policy).at(now);
        prop_assert_eq!(access.decision, Verdict::Denied);
        prop_assert_eq!(access.reason, Reason::CustomerDeleted);
        prop_assert_eq!(access.entitlements, vec![]);
    }

    #[test]
    fn the_order_of_the_subscriptions_does_not_matter(
        customer in any_customer(), policy in any_policy(), turn in 0..4_usize,
    ) {
        let mut turned = customer.clone();
        turned.subscriptions.reverse();
        let by = turn.min(turned.subscriptions.len());
        turned.subscriptions.rotate_left(by);
        prop_assert_eq!(schedule(&turned, &policy), schedule(&customer, &policy));
    }

    #[test]
    fn a_customer_is_as_good_as_the_best_subscription(
        customer in any_customer(), policy in any_policy(), now in any_moment(),
    ) {
        let best = customer.subscriptions.iter()
            .filter_map(|one| schedule_of(&customer, &one.id, &policy))
            .map(|schedule| schedule.at(now).decision)
            .max();
        let found = schedule(&customer, &policy).at(now).decision;
        prop_assert_eq!(found, best.unwrap_or(Verdict::Denied));
    }

    #[test]
    fn combining_is_free_of_order_and_of_grouping(
        customers in proptest::collection::vec(any_customer(), 1..5),
        policy in any_policy(), turn in 0..5_usize,
    ) {
        let schedules: Vec<_> = customers.iter().map(|one| schedule(one, &policy)).collect();
        let combined = combine(&schedules);
        let mut turned = schedules.clone();
        turned.reverse();
        let by = turn % schedules.len();
        turned.rotate_left(by);
        prop_assert_eq!(&combine(&turned), &combined);
        if by > 0 {
            let (one, other) = schedules.split_at(by);
            prop_assert_eq!(&combine(&[combine(one), combine(other)]), &combined);
        }
        prop_assert_eq!(&combine(&[combined.clone(), combined.clone()]), &combined);
    }
}
