use super::*;

#[test]
fn times_sort_both_ways() {
    let seconds = [i64::MIN, -1, 0, 1, i64::MAX].map(Seconds);
    assert!(seconds.is_sorted_by_key(|second| ascending(*second)));
    assert!(seconds.iter().rev().is_sorted_by_key(|second| descending(*second)));
    for second in seconds {
        let key = ObjectKey {
            kind: ObjectKind::Customer,
            id: ObjectId::parse("cus_1").unwrap(),
            scope: Scope { account: None, livemode: true },
        };
        assert_eq!(moment_second(&moment(&key, second)), Some(second));
    }
}

#[test]
fn scopes_are_read_back() {
    for account in [None, Some(AccountId::parse("acct_1").unwrap())] {
        for livemode in [false, true] {
            let wanted = Scope { account: account.clone(), livemode };
            assert_eq!(parse_scope(&scope(&wanted)[1..]), Some(wanted));
        }
    }
}

#[test]
fn a_list_by_status_says_what_it_lists() {
    let id = ObjectId::parse("x_1").unwrap();
    for account in [None, Some(AccountId::parse("acct_1").unwrap())] {
        let scope = Scope { account, livemode: true };
        for collection in [Collection::Payments, Collection::Objects(ObjectKind::Invoice)] {
            let keys = list_keys(collection, &scope, Seconds(7), &id, Some("open"), None);
            let read: Vec<StatusKey> = keys.iter().filter_map(|key| parse_status(key)).collect();
            let expected =
                StatusKey { collection, scope: scope.clone(), status: "open".into(), id: id.clone() };
            assert_eq!(read, [expected]);
        }
    }
}

#[test]
fn no_id_is_the_prefix_of_another() {
    let scope = Scope { account: None, livemode: true };
    let key = |id: &str| ObjectKey {
        kind: ObjectKind::Charge,
        id: ObjectId::parse(id).unwrap(),
        scope: scope.clone(),
    };
    assert!(!moments(&key("ch_12")).starts_with(&moments(&key("ch_1"))));
}
