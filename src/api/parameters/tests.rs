use super::*;

fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn check_list(query: &[(&str, &str)], expected: &ListQuery) {
    let query = pairs(query);
    let found = Parameters::new(&query, LIST).and_then(|parameters| parameters.list(None));
    assert_eq!(found.as_ref(), Ok(expected));
}

/// The problem names the parameter and lists what is allowed.
#[track_caller]
fn check_refused<T: std::fmt::Debug>(found: Result<T, Problem>, parameter: &str, said: &str) {
    let problem = found.expect_err("refused");
    let document = problem.to_json();
    assert_eq!(problem.kind(), ProblemKind::InvalidParameter);
    assert_eq!(document["parameter"], parameter);
    assert!(document["allowed"].as_array().is_some_and(|allowed| !allowed.is_empty()));
    assert!(problem.detail().contains(said), "{problem} does not say {said:?}");
}

#[track_caller]
fn check_list_refused(query: &[(&str, &str)], parameter: &str, said: &str) {
    let query = pairs(query);
    check_refused(
        Parameters::new(&query, LIST).and_then(|parameters| parameters.list(None)),
        parameter,
        said,
    );
}

#[test]
fn a_list_is_narrowed_by_what_is_given() {
    check_list(&[], &ListQuery::default());
    let acct = AccountId::parse("acct_1").unwrap();
    check_list(
        &[
            ("account", "acct_1"),
            ("livemode", "false"),
            ("status", "past_due"),
            ("customer", "cus_1"),
            ("limit", "500"),
        ],
        &ListQuery {
            scope: ScopeFilter { account: Some(Account::Connected(acct)), livemode: Some(false) },
            status: Some("past_due".into()),
            customer: Some(ObjectId::parse("cus_1").unwrap()),
            limit: 500,
            ..ListQuery::default()
        },
    );
    let own = ScopeFilter { account: Some(Account::Own), livemode: None };
    check_list(&[("account", "self")], &ListQuery { scope: own, ..ListQuery::default() });
    let after = Cursor::parse("00ff").unwrap();
    check_list(&[("after", "00ff")], &ListQuery { after: Some(after), ..ListQuery::default() });
}

#[test]
fn times_are_seconds_or_rfc_3339() {
    for (value, seconds) in [
        ("1767225600", 1_767_225_600),
        ("-5", -5),
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600),
        ("2026-01-01T00:00:00.001Z", 1_767_225_601),
        ("1969-12-31T23:59:58.5Z", -1),
    ] {
        let query = ListQuery { created_from: Some(Seconds(seconds)), ..ListQuery::default() };
        check_list(&[("created_from", value)], &query);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    check_list_refused(&[("stauts", "active")], "stauts", "allowed here: account, livemode, status");
    check_list_refused(&[("status", "a"), ("status", "b")], "status", "given twice");
    check_list_refused(&[("status", "two words")], "status", "one word");
    check_list_refused(&[("status", "")], "status", "one word");
    check_list_refused(&[("limit", "0")], "limit", "1 to 500");
    check_list_refused(&[("limit", "501")], "limit", "1 to 500");
    check_list_refused(&[("limit", "ten")], "limit", "1 to 500");
    check_list_refused(&[("livemode", "yes")], "livemode", "`true` or `false`");
    check_list_refused(&[("account", "me")], "account", "`self`");
    check_list_refused(&[("customer", "a b")], "customer", "an id");
    check_list_refused(&[("created_from", "yesterday")], "created_from", "RFC 3339");
    check_list_refused(&[("created_before", "2026-01-01")], "created_before", "RFC 3339");
    check_list_refused(&[("after", "zz")], "after", "`next`");
}

#[test]
fn a_status_of_our_own_is_one_of_the_list() {
    let query = pairs(&[("status", "succeded")]);
    let parameters = Parameters::new(&query, LIST).unwrap();
    check_refused(parameters.list(Some(&["succeeded", "failed"])), "status", "succeeded, failed");
}

#[test]
fn events_are_narrowed_by_type_outcome_and_object() {
    let query =
        pairs(&[("type", "invoice.paid"), ("outcome", "unreadable"), ("object", "in_1"), ("limit", "2")]);
    let found = Parameters::new(&query, EVENTS).unwrap().events().unwrap();
    let expected = EventQuery {
        event_type: Some("invoice.paid".into()),
        outcome: Some(FoldOutcome::Unreadable),
        object: Some(ObjectId::parse("in_1").unwrap()),
        limit: 2,
        ..EventQuery::default()
    };
    assert_eq!(found, expected);
    let query = pairs(&[("outcome", "lost")]);
    check_refused(Parameters::new(&query, EVENTS).unwrap().events(), "outcome", "not_folded");
}

#[test]
fn a_window_has_a_number_and_a_unit() {
    for (value, seconds) in [
        ("90s", Some(90)),
        ("15m", Some(900)),
        ("24h", Some(86_400)),
        ("366d", Some(WINDOW_SECONDS_MAX)),
        ("367d", None),
        ("0h", None),
        ("h", None),
        ("", None),
        ("24", None),
        ("-1h", None),
        ("1é", None),
        ("99999999999d", None),
    ] {
        assert_eq!(parse_window(value), seconds, "{value}");
    }
}

#[test]
fn a_reference_is_needed_and_bounded() {
    let allowed: &[&str] = &["ref"];
    check_refused(Parameters::new(&[], allowed).unwrap().reference(), "ref", "missing");
    let long = pairs(&[("ref", &"u".repeat(REFERENCE_BYTES_MAX + 1))]);
    check_refused(Parameters::new(&long, allowed).unwrap().reference(), "ref", "1 to 500 bytes");
    let fits = pairs(&[("ref", "user 42")]);
    assert_eq!(Parameters::new(&fits, allowed).unwrap().reference(), Ok("user 42"));
}
