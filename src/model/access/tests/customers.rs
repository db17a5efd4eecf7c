//! Several subscriptions of one customer, several customers of one user, and none.

use super::*;

fn named(name: &str, created: i64, snapshot: Subscription) -> SubscriptionInput {
    let snapshot = Subscription { created: Some(day(created)), ..snapshot };
    SubscriptionInput { id: id(name), ..input(snapshot) }
}

fn until(end: i64) -> Subscription {
    Subscription { current_period_end: Some(day(end)), ..plan("active") }
}

fn read(input: &CustomerInput, on_day: i64) -> Access {
    schedule(input, &Policy::default()).at(day(on_day))
}

#[test]
fn without_a_subscription_there_is_no_access() {
    check(&customer(vec![]), &Policy::default(), 10, "denied no_subscription");
    let features = Some(features(&["sso"]));
    let access = read(&CustomerInput { entitlements: features, ..customer(vec![]) }, 10);
    assert_eq!((access.entitlements, access.customer), (vec![], Some(id("cus_1"))));
}

#[test]
fn a_deleted_customer_has_no_access_whatever_the_subscriptions_say() {
    let input = CustomerInput { deleted_at: Some(day(8)), ..customer(vec![input(plan("active"))]) };
    for on_day in [-9, 7, 8, 99] {
        check(&input, &Policy::default(), on_day, "denied customer_deleted");
    }
    assert_eq!(read(&input, 10).since, Some(day(8)));
}

#[test]
fn the_best_subscription_decides_at_every_moment() {
    let input = customer(vec![
        named("sub_old", 0, plan("canceled")),
        named("sub_due", 1, plan("past_due")),
        named("sub_end", 2, Subscription { cancel_at: Some(day(8)), ..plan("active") }),
    ]);
    check(&input, &Policy::default(), 6, "allowed cancel_scheduled until 8");
    check(&input, &Policy::default(), 8, "grace past_due until 12");
    check(&input, &Policy::default(), 12, "denied cancellation_reached");
    assert_eq!(read(&input, 6).subscription, Some(id("sub_end")));
    assert_eq!(read(&input, 8).subscription, Some(id("sub_due")));
}

#[test]
fn of_equals_the_newest_decides_and_then_the_greater_id() {
    let input = customer(vec![named("sub_a", 1, until(50)), named("sub_b", 2, until(30))]);
    // The plan behind the access changes before the access ends.
    check(&input, &Policy::default(), 10, "allowed active until 52 next 32");
    assert_eq!(read(&input, 10).subscription, Some(id("sub_b")));
    assert_eq!(read(&input, 32).subscription, Some(id("sub_a")));
    let input = customer(vec![named("sub_b", 1, until(30)), named("sub_a", 1, until(30))]);
    assert_eq!(read(&input, 10).subscription, Some(id("sub_b")));
}

#[test]
fn one_subscription_can_be_asked_about_alone() {
    let input = customer(vec![named("sub_a", 1, until(50)), named("sub_b", 2, plan("unpaid"))]);
    let alone = |name| schedule_of(&input, &id(name), &Policy::default());
    let shown = |name| alone(name).map(|schedule| show(&schedule.at(day(10))));
    assert_eq!(shown("sub_a").as_deref(), Some("allowed active until 52"));
    assert_eq!(shown("sub_b").as_deref(), Some("denied unpaid"));
    assert_eq!(shown("sub_c"), None);
    let deleted = CustomerInput { deleted_at: Some(day(8)), ..input.clone() };
    let schedule = schedule_of(&deleted, &id("sub_a"), &Policy::default()).expect("a schedule");
    assert_eq!(show(&schedule.at(day(10))), "denied customer_deleted");
}

#[test]
fn several_customers_of_one_user_are_as_good_as_the_best() {
    let policy = Policy::default();
    let of = |name: &str, subscriptions, words: &[&str]| {
        let entitlements = Some(features(words));
        let input = CustomerInput { customer: id(name), entitlements, ..customer(subscriptions) };
        schedule(&input, &policy)
    };
    let due = of("cus_1", vec![named("sub_1", 1, plan("past_due"))], &["sso"]);
    let active = of("cus_2", vec![named("sub_2", 0, until(30))], &["export"]);
    let ended = of("cus_3", vec![named("sub_3", 9, plan("canceled"))], &["secret"]);
    let both = combine(&[due.clone(), active.clone(), ended]);
    let access = both.at(day(10));
    assert_eq!(show(&access), "allowed active until 32 next 12");
    assert_eq!(access.customer, Some(id("cus_2")));
    assert_eq!(access.entitlements, features(&["export", "sso"]).active);
    // What the grace had granted is gone, though the customer that decides is the same.
    assert_eq!(both.at(day(12)).entitlements, features(&["export"]).active);
    assert_eq!(combine(&[active.clone(), due.clone()]), combine(&[due, active]));
    assert_eq!(show(&combine(&[]).at(day(0))), "denied no_subscription");
}

#[test]
fn what_is_undecided_is_said_where_it_matters() {
    let unsure = |snapshot| SubscriptionInput { ambiguous: true, ..named("sub_unsure", 1, snapshot) };
    assert!(read(&customer(vec![unsure(plan("active"))]), 10).ambiguous);
    // Allowed whatever the other one may be.
    let sure = named("sub_sure", 2, until(30));
    assert!(!read(&customer(vec![sure.clone(), unsure(plan("unpaid"))]), 10).ambiguous);
    // Denied, and the other one might have allowed.
    assert!(read(&customer(vec![sure, unsure(plan("unpaid"))]), 40).ambiguous);
    let deleted = CustomerInput { deleted_at: Some(day(1)), ..customer(vec![unsure(plan("active"))]) };
    assert!(!read(&deleted, 10).ambiguous);
}
