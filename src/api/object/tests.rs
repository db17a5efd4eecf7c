use super::*;
use std::collections::BTreeSet;

use crate::model::id::AccountId;
use crate::model::watch::{SchedulePhase, ScheduleStatus, SubscriptionSchedule};

/// Where what is shown lives; the names and types of the fields are read from the source itself.
const SOURCES: &[&str] = &[
    include_str!("../../model/access/answer.rs"),
    include_str!("../../model/catalog.rs"),
    include_str!("../../model/checkout.rs"),
    include_str!("../../model/customer.rs"),
    include_str!("../../model/derived/payment.rs"),
    include_str!("../../model/invoice.rs"),
    include_str!("../../model/payment.rs"),
    include_str!("../../model/subscription.rs"),
    include_str!("../../model/watch.rs"),
];

/// The names of the public fields, by whether their type is a time.
fn field_names(time: bool) -> BTreeSet<&'static str> {
    let fields = SOURCES.iter().flat_map(|source| source.lines()).filter_map(|line| {
        let (name, kind) = line.strip_prefix("    pub ")?.strip_suffix(',')?.split_once(": ")?;
        Some((name, kind.contains("Seconds")))
    });
    fields.filter(|(_, is_time)| *is_time == time).map(|(name, _)| name).collect()
}

#[test]
fn the_list_of_times_is_the_models() {
    assert_eq!(TIME_FIELDS.iter().copied().collect::<BTreeSet<_>>(), field_names(true));
    let other = field_names(false);
    assert!(other.contains("amount") && other.contains("metadata"), "the source is read");
    let both: Vec<_> = other.into_iter().filter(|name| is_time(name)).collect();
    assert!(both.is_empty(), "times by name, not by type: {both:?}");
}

fn schedule() -> SubscriptionSchedule {
    SubscriptionSchedule {
        created: Some(Seconds(1)),
        status: ScheduleStatus::Active,
        customer: None,
        subscription: None,
        released_subscription: None,
        current_phase_start: Some(Seconds(1_767_225_600)),
        current_phase_end: None,
        end_behavior: Some("release".into()),
        phases: vec![SchedulePhase {
            start: Some(Seconds(i64::MAX)),
            end: Some(Seconds(0)),
            prices: Vec::new(),
        }],
        canceled_at: None,
        completed_at: None,
        released_at: None,
    }
}

#[test]
fn the_common_members_lie_over_the_snapshots_fields() {
    let id = ObjectId::parse("sub_sched_1").unwrap();
    let customer = ObjectId::parse("cus_1").unwrap();
    let scope = Scope { account: Some(AccountId::parse("acct_1").unwrap()), livemode: true };
    let header = Header {
        id: &id,
        object: "subscription_schedule",
        status: Some("active"),
        customer: Some(&customer),
        scope: &scope,
        created: Some(Seconds(1_767_225_600)),
        ambiguous: Some(false),
        created_inversion: Some(true),
        contradictory: None,
    };
    let object = Value::Object(shown(&header, &schedule()).unwrap());
    assert_eq!(object["id"], "sub_sched_1");
    assert_eq!(object["object"], "subscription_schedule");
    assert_eq!(object["customer"], "cus_1");
    assert_eq!(object["account"], "acct_1");
    assert_eq!(object["livemode"], true);
    assert_eq!(object["ambiguous"], false);
    assert_eq!(object["created_inversion"], true);
    assert_eq!(object["contradictory"], Value::Null);
    assert_eq!(object["created"], 1_767_225_600);
    assert_eq!(object["created_rfc3339"], "2026-01-01T00:00:00Z");
    assert_eq!(object["end_behavior"], "release");
    assert_eq!(object["canceled_at"], Value::Null);
    assert_eq!(object["canceled_at_rfc3339"], Value::Null);
    assert_eq!(object["phases"][0]["end_rfc3339"], "1970-01-01T00:00:00Z");
    assert_eq!(object["phases"][0]["start_rfc3339"], Value::Null, "no such year");
}

#[test]
fn the_merchants_own_keys_stay_as_they_are() {
    let Value::Object(mut object) = json!({ "metadata": { "created": "1", "end": 5 }, "created": 0 }) else {
        unreachable!()
    };
    add_twins(&mut object);
    let expected = json!({ "metadata": { "created": "1", "end": 5 }, "created": 0, "created_rfc3339": "1970-01-01T00:00:00Z" });
    assert_eq!(Value::Object(object), expected);
}

#[test]
fn a_year_before_0_is_none() {
    assert_eq!(rfc3339(Seconds(-62_167_219_200)).as_deref(), Some("0000-01-01T00:00:00Z"));
    assert_eq!(rfc3339(Seconds(-62_167_219_201)), None);
    assert_eq!(rfc3339(Seconds(-86_284_989_783)), None);
    assert_eq!(rfc3339_millis(Millis(-62_167_219_200_001)), None);
    assert_eq!(rfc3339(Seconds(253_402_207_200)).as_deref(), Some("9999-12-30T22:00:00Z"));
    assert_eq!(rfc3339(Seconds(i64::MAX)), None);
}
