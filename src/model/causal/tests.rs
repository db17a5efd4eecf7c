use super::*;

#[test]
fn rules_name_known_types_and_agree_with_the_type_ranks() {
    for rule in RULES {
        for (earlier, later) in rule.earlier.iter().flat_map(|a| rule.later.iter().map(move |b| (a, b))) {
            let [earlier, later] = [earlier, later].map(|name| EventType::parse(name).expect(name));
            assert_eq!(earlier.kind(), later.kind());
            assert!(earlier.rank() < later.rank(), "{earlier} and {later}");
            assert!(!causal(later, earlier), "{earlier} and {later}");
        }
    }
}

#[test]
fn creation_is_first_and_deletion_last() {
    let [created, updated, deleted] = ["customer.created", "customer.updated", "customer.deleted"]
        .map(|name| EventType::parse(name).unwrap());
    assert!(causal(created, updated) && causal(updated, deleted) && causal(created, deleted));
    assert!(!causal(updated, created) && !causal(created, created) && !causal(deleted, deleted));
}

#[test]
fn what_may_go_either_way_is_not_ordered() {
    for (a, b) in [
        ("payment_intent.requires_action", "payment_intent.payment_failed"),
        ("setup_intent.requires_action", "setup_intent.setup_failed"),
        ("invoice.updated", "invoice.payment_failed"),
        ("charge.updated", "charge.refunded"),
        ("charge.dispute.closed", "charge.dispute.funds_reinstated"),
        ("customer.subscription.paused", "customer.subscription.resumed"),
    ] {
        let [a, b] = [a, b].map(|name| EventType::parse(name).unwrap());
        assert!(!causal(a, b) && !causal(b, a), "{a} and {b}");
    }
}
