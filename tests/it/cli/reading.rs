//! The reading commands on a folder: tables, JSON, exit codes.

use super::*;

#[test]
fn lists_are_tables_for_people_and_json_for_programs() {
    let (place, stream) = Place::with("kitchen_sink");
    let kinds = [
        ("customers", "customer"),
        ("subscriptions", "subscription"),
        ("invoices", "invoice"),
        ("refunds", "refund"),
    ];
    for (list, object) in kinds {
        let page = place.run(&[list, "list", "--json"]).ended(0).json();
        assert!(page["next"].is_null());
        let items = page["data"].as_array().unwrap();
        assert!(!items.is_empty(), "{list}");
        let table = place.run(&[list, "list"]).ended(0).out;
        assert!(!table.contains('\u{1b}'), "no colours in a pipe");
        assert_eq!(table.lines().count(), items.len() + 1, "{table}");
        for item in items {
            let id = item["id"].as_str().unwrap();
            assert_eq!(item["object"], object);
            assert!(table.lines().any(|line| line.starts_with(id)), "{id} is not in\n{table}");
            assert_eq!(&place.run(&[list, "show", id, "--json"]).ended(0).json(), item);
            let expected = &stream.expected[id]["last_event_status"];
            assert!(expected.is_null() || item["status"] == *expected || object == "customer", "{id}");
        }
    }
    let events = place.run(&["events", "list", "--all", "--json"]).ended(0).json();
    assert_eq!(events["data"].as_array().unwrap().len(), stream.bodies.len());
}

#[test]
fn money_and_times_are_written_for_people() {
    let (place, _) = Place::with("refund_partial_to_full");
    let page = place.run(&["payments", "list", "--json"]).ended(0).json();
    let payment = &page["data"][0];
    let id = payment["id"].as_str().unwrap();
    let (amount, refunded) =
        (payment["amount"].as_i64().unwrap(), payment["amount_refunded"].as_i64().unwrap());
    let usd = |amount: i64| {
        format!("{}.{:02} {}", amount / 100, amount % 100, payment["currency"].as_str().unwrap())
    };
    let table = place.run(&["payments", "list"]).ended(0).out;
    let row = table.lines().find(|line| line.starts_with(id)).unwrap();
    assert!(row.contains(&usd(amount)) && row.contains(&usd(refunded)), "{table}");
    assert!(row.contains(payment["created_rfc3339"].as_str().unwrap()), "{table}");
    let shown = place.run(&["payments", "show", id]).ended(0).out;
    assert!(
        shown.contains(&format!("amount           {}", usd(amount))) || shown.contains(&usd(amount)),
        "{shown}"
    );
    assert!(!shown.contains("_rfc3339"), "{shown}");
    let refund = payment["refunds"][0].as_str().unwrap();
    assert_eq!(&place.run(&["payments", "show", refund, "--json"]).ended(0).json(), payment);
}

#[test]
fn pages_follow_each_other() {
    let (place, _) = Place::with("kitchen_sink");
    let whole = place.run(&["invoices", "list", "--json", "--limit", "500"]).ended(0).json();
    let all = place.run(&["invoices", "list", "--json", "--all", "--limit", "2"]).ended(0).json();
    assert_eq!(whole, all);
    let mut walked = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["invoices", "list", "--json", "--limit", "2"];
        arguments.extend(after.iter().flat_map(|cursor| ["--after", cursor]));
        let page = place.run(&arguments).ended(0).json();
        walked.extend(page["data"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(Value::Array(walked), whole["data"]);
    place.run(&["disputes", "list", "--json", "--all"]).ended(0);
    let empty = place.run(&["disputes", "list", "--all", "--json"]).ended(0).json();
    assert_eq!(empty, json!({ "data": [], "next": null }));
    place.run(&["invoices", "list", "--after", "zz"]).ended(2).saying("`after`");
}

#[test]
fn filters_narrow() {
    let (place, _) = Place::with("kitchen_sink");
    let ids = |arguments: &[&str]| -> Vec<String> {
        let page = place.run(&[arguments, &["--json"]].concat()).ended(0).json();
        page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&["subscriptions", "list"]);
    let canceled = ids(&["subscriptions", "list", "--status", "canceled"]);
    assert!(!canceled.is_empty() && canceled.len() < all.len());
    assert_eq!(ids(&["subscriptions", "list", "--livemode", "true"]), Vec::<String>::new());
    assert_eq!(ids(&["subscriptions", "list", "--livemode", "false", "--account", "self"]), all);
    assert_eq!(ids(&["subscriptions", "list", "--created-before", "2000-01-01"]), Vec::<String>::new());
    assert_eq!(ids(&["subscriptions", "list", "--created-from", "2000-01-01T00:00:00Z"]), all);
    assert_eq!(ids(&["subscriptions", "list", "--customer", "cus_nobody"]), Vec::<String>::new());
    let folded = ids(&["events", "list", "--object", &all[0], "--limit", "500"]);
    assert!(!folded.is_empty());
    assert_eq!(ids(&["events", "list", "--outcome", "quarantined"]), Vec::<String>::new());
    assert!(!ids(&["objects", "products", "list"]).is_empty());
}

#[test]
fn the_wrong_command_line_is_exit_code_2() {
    let place = Place::new();
    for arguments in [
        &["nonsense"][..],
        &["customers", "list", "--nonsense"],
        &["customers", "list", "--limit", "501"],
        &["customers", "list", "--livemode", "maybe"],
        &["customers", "list", "--created-from", "yesterday"],
        &["objects", "nonsense", "list"],
        &["events", "list", "--outcome", "nonsense"],
        &["access"],
        &["access", "cus_1", "--ref", "user"],
        &["refold"],
        &["stats", "--window", "1y"],
    ] {
        run(arguments).ended(2).saying("error:");
    }
    run(["customers", "list", "--url", "127.0.0.1:4242"]).ended(2).saying("--url takes an address");
    run(["customers"]).ended(2).saying("Usage: billfold customers");
    run(["--version"]).ended(0);
    assert!(run(["--help"]).ended(0).out.contains("10  access: denied"));
    let good = place.file("good.jsonl", &customer_event("evt_1", "cus_1", 1, ""));
    place.run(&["import", path(&good)]).ended(0);
    place.run(&["stats", "--window", "999d"]).ended(2).saying("`window`");
    place.run(&["payments", "list", "--status", "nonsense"]).ended(2).saying("charged_back");
}

#[test]
fn a_question_leaves_no_folder_behind() {
    let place = Place::new();
    place.run(&["customers", "list"]).ended(1).saying("there is no folder").saying("help:");
    place.run(&["rebuild"]).ended(1);
    assert!(!place.path().exists());
    std::fs::create_dir(place.path()).expect("a folder");
    for question in [&["customers", "list"][..], &["stats"], &["rebuild"], &["refold", "--unreadable"]] {
        place.run(question).ended(1).saying("holds no event log").saying("help:");
    }
    assert_eq!(std::fs::read_dir(place.path()).expect("readable").count(), 0);
}

#[test]
fn a_file_is_no_folder() {
    let place = Place::new();
    let file = place.file("file", "");
    for question in [&["customers", "list"][..], &["settings"], &["import", path(&file)]] {
        let asked = run(question.iter().copied().chain(["--data", path(&file)]));
        asked.ended(1).saying("is a file, not a folder").saying("help:");
    }
}

#[test]
fn what_is_not_there_is_exit_code_3() {
    let (place, _) = Place::with("pi_3ds_success");
    place.run(&["customers", "show", "cus_nobody"]).ended(3).saying("cus_nobody");
    place.run(&["events", "show", "evt_nothing"]).ended(3);
    place.run(&["access", "cus_nobody"]).ended(3);
    place.run(&["access", "--ref", "nobody"]).ended(3).saying("client_reference_id");
    place.run(&["customers", "show", "no id"]).ended(2);
}

#[test]
fn an_id_in_two_scopes_must_be_told_apart() {
    let place = Place::new();
    let own = customer_event("evt_1", "cus_1", 1, "");
    let connected = customer_event("evt_2", "cus_1", 1, ",\"account\":\"acct_1\"");
    let file = place.file("events.jsonl", &format!("{own}\n{connected}\n"));
    place.run(&["import", path(&file)]).ended(0);
    let told = place.run(&["customers", "show", "cus_1"]).ended(2).saying("several accounts or modes");
    told.saying("--account self --livemode true").saying("--account acct_1 --livemode true");
    let shown = place.run(&["customers", "show", "cus_1", "--account", "acct_1", "--json"]).ended(0).json();
    assert_eq!(shown["account"], "acct_1");
    place.run(&["events", "show", "evt_2", "--account", "acct_1", "--livemode", "true"]).ended(0);
    place.run(&["events", "show", "evt_2", "--account", "self"]).ended(3);
    place.run(&["conflicts", "--account", "self"]).ended(0);
    assert!(place.run(&["customers", "list"]).ended(0).out.contains("ACCOUNT"));
}

/// A subscription of `cus_1` that runs for ten years from the first second of 2026.
fn subscription(status: &str) -> String {
    let (start, end) = (1_767_225_600, 2_082_758_400_i64);
    format!(
        r#"{{"id":"evt_sub_{status}","object":"event","type":"customer.subscription.created","created":{start},"livemode":true,"api_version":"2025-03-31.basil","data":{{"object":{{"id":"sub_1","object":"subscription","customer":"cus_1","status":"{status}","created":{start},"start_date":{start},"currency":"eur","cancel_at_period_end":false,"livemode":true,"metadata":{{"user_id":"user_42","tenant":"t_7"}},"items":{{"object":"list","has_more":false,"data":[{{"id":"si_1","object":"subscription_item","quantity":3,"current_period_start":{start},"current_period_end":{end},"metadata":{{}},"price":{{"id":"price_1","object":"price","product":"prod_1","lookup_key":"pro","unit_amount":1900,"currency":"eur","type":"recurring","recurring":{{"interval":"year","interval_count":10,"usage_type":"licensed"}}}}}}]}}}}}}}}"#
    )
}

fn with_subscription(status: &str) -> Place {
    let place = Place::new();
    let events =
        format!("{}\n{}\n", customer_event("evt_1", "cus_1", 1_767_225_600, ""), subscription(status));
    let file = place.file("events.jsonl", &events);
    place.run(&["import", path(&file)]).ended(0);
    place
}

#[test]
fn the_exit_code_of_access_is_the_answer() {
    let place = with_subscription("active");
    let by_reference = place.run(&["access", "--ref", "user_42", "--json"]).ended(0).json();
    let by_customer = place.run(&["access", "cus_1", "--json"]).ended(0).json();
    for answer in [&by_reference, &by_customer] {
        assert_eq!(answer["decision"], "allowed");
        assert_eq!(answer["lookup_key"], "pro");
        assert_eq!(answer["quantity"], 3);
    }
    let shown = place.run(&["access", "cus_1"]).ended(0).out;
    assert!(shown.contains("granted") && shown.contains("pro"), "{shown}");
    let denied = with_subscription("unpaid").run(&["access", "--ref", "user_42", "--json"]).ended(10).json();
    assert_eq!(denied["decision"], "denied");
    assert_eq!(denied["reason"], "unpaid");
}

#[test]
fn settings_lie_in_the_folder() {
    let place = with_subscription("active");
    place.run(&["access", "--ref", "t_7"]).ended(3);
    let defaults = run(["settings", "--default"]).ended(0);
    let mut settings = defaults.json();
    assert_eq!(place.run(&["settings"]).ended(0).json(), settings);
    settings["reference_keys"] = json!(["tenant"]);
    let file = place.path().join("settings.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    place.run(&["access", "--ref", "t_7"]).ended(0);
    place.run(&["access", "--ref", "user_42"]).ended(3);
    std::fs::write(&file, "{\"policy\":{\"past_due_grace_day\":1}}").unwrap();
    let told = place.run(&["access", "cus_1"]).ended(2).saying("settings.json");
    told.saying("past_due_grace_day").saying("billfold settings --default");
}

#[test]
fn what_is_thrown_away_comes_back() {
    let (place, _) = Place::with("kitchen_sink");
    let before = place.digest();
    let listed = place.run(&["subscriptions", "list", "--json"]).ended(0).out;
    std::fs::remove_dir_all(place.path().join("projection")).unwrap();
    assert_eq!(place.run(&["subscriptions", "list", "--json"]).ended(0).out, listed);
    assert_eq!(place.digest(), before);
    assert!(place.run(&["rebuild"]).ended(0).out.contains("the state is the same"));
    let refolded = place.run(&["refold", "--unreadable", "--json"]).ended(0).json();
    assert_eq!(refolded["folded_now"], 0);
}

#[test]
fn stats_count() {
    let (place, stream) = Place::with("kitchen_sink");
    let stats = place.run(&["stats", "--json"]).ended(0).json();
    assert_eq!(stats["log"]["records"], stream.bodies.len());
    assert_eq!(stats["window"]["accepted"], stream.bodies.len());
    let shown = place.run(&["stats", "--window", "7d"]).ended(0).out;
    for text in ["  success rate      100 %", "window              7d", "EVENT TYPE", "OBJECTS"] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
}

#[test]
fn who_reads_no_further_stops_it_quietly() {
    let (place, _) = Place::with("kitchen_sink");
    let mut child = command()
        .args(["events", "list", "--all", "--json", "--data", &place.data()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn a_rebuild_shows_who_would_change_and_asks() {
    let place = Place::new();
    let body = json!({
        "id": "evt_1", "object": "event", "type": "customer.subscription.created", "created": 1_767_225_600,
        "livemode": false, "data": { "object": {
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
        } },
    });
    let file = place.file("events.jsonl", &body.to_string());
    place.run(&["import", path(&file)]).ended(0);
    let same = place.run(&["rebuild", "--diff"]).ended(0).out;
    assert!(same.contains("statuses: no change") && same.contains("access: no change"), "{same}");
    crate::rebuild::falsify(&place.path(), "sub_1", "canceled");
    for _ in 0..2 {
        // Nobody is there to answer.
        let told = place.run(&["rebuild", "--diff"]).ended(4).saying("say --yes").out;
        let line = told.lines().find(|line| line.starts_with("sub_1")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["sub_1", "canceled", "active"]);
    }
    let answer = place.run(&["rebuild", "--diff", "--json"]).ended(4).json();
    assert_eq!(answer["swapped"], false);
    let change = &answer["differences"]["statuses"][0];
    assert_eq!((&change["object"], &change["to"]), (&json!("subscription"), &json!("active")));
    let swapped = place.run(&["rebuild", "--diff", "--yes", "--json"]).ended(0).json();
    assert_eq!((&swapped["swapped"], &swapped["changed"]), (&json!(true), &json!(true)));
    place.run(&["rebuild", "--yes"]).ended(2);
    assert!(place.run(&["rebuild", "--diff"]).ended(0).out.contains("the state is the same"));
}
