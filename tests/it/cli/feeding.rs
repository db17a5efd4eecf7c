//! `feed`: every change once, and cursors that move when the lines are written.

use super::configuring::header;
use super::serving::Served;
use super::*;

fn entries(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_feed_is_lines_and_cursors_move_behind_them() {
    let (place, _) = Place::with("kitchen_sink");
    let whole = entries(&place.run(&["feed", "--json"]).ended(0));
    assert!(whole.len() > 20);
    assert!(whole.iter().zip(1..).all(|(entry, id)| entry["id"] == id));
    let people = place.run(&["feed"]).ended(0).out;
    assert_eq!(people.lines().count(), whole.len(), "{people}");
    assert!(people.contains("subscription.status_changed") && people.contains(" → "), "{people}");
    assert!(!people.contains("null"), "{people}");

    let first = entries(&place.run(&["feed", "--json", "--as", "mail", "--limit", "7"]).ended(0));
    assert_eq!(first, whole[..7]);
    let listed = place.run(&["feed", "cursors", "--json"]).ended(0).json();
    assert_eq!(listed["data"], json!([{ "name": "mail", "after": 7, "lag": whole.len() - 7 }]));
    let stats = place.run(&["stats"]).ended(0).out;
    assert!(stats.contains("mail") && stats.contains("CURSOR"), "{stats}");
    let rest = entries(&place.run(&["feed", "--json", "--as", "mail"]).ended(0));
    assert_eq!(rest, whole[7..]);
    assert_eq!(entries(&place.run(&["feed", "--json", "--as", "mail"]).ended(0)), Vec::<Value>::new());
    place.run(&["feed", "forget", "mail"]).ended(0);
    place.run(&["feed", "forget", "mail"]).ended(3).saying("no cursor");

    let kind = "access.granted";
    let granted = entries(&place.run(&["feed", "--json", "--kind", kind, "--after", "3"]).ended(0));
    let wanted: Vec<_> = whole[3..].iter().filter(|entry| entry["kind"] == kind).cloned().collect();
    assert_eq!(granted, wanted);

    place.run(&["feed", "--as", "a b"]).ended(2).saying("name");
    assert_eq!(place.run(&["feed", "--as", "a b"]).out, "");
    place.run(&["feed", "--follow"]).ended(2).saying("--url");
    place.digest();
    assert_eq!(entries(&place.run(&["feed", "--json"]).ended(0)), whole, "a rebuild is silent");
}

/// What `feed` says of a data folder, and where its readers stand.
fn told(data: &Path) -> (Vec<Value>, Value) {
    let data = path(data);
    let listed = run(["feed", "cursors", "--json", "--data", data]).ended(0).json();
    (entries(&run(["feed", "--json", "--data", data]).ended(0)), listed)
}

#[test]
fn the_feed_and_its_cursors_are_in_backups_and_come_back() {
    let (place, _) = Place::with("kitchen_sink");
    let (copy, back) = (place.dir.path().join("copy"), place.dir.path().join("back"));
    place.run(&["feed", "--as", "mail", "--limit", "7"]).ended(0);
    place.run(&["backup", path(&copy)]).ended(0);
    let whole = told(&place.path());
    assert_eq!(told(&copy), whole);

    // More of both, from a running server.
    let server = Served::start(&place, &[], None);
    let body = customer_event("evt_9", "cus_9", 1_700_000_000, "");
    let subscription = body
        .replace(r#""object":"customer""#, r#""object":"subscription","customer":"cus_9","status":"active""#);
    let subscription = subscription.replace("customer.created", "customer.subscription.created");
    assert_eq!(server.deliver(&subscription, &header(&subscription, SECRET)), 200);
    server.ask(&["feed", "--as", "seats"], None).ended(0);
    server.ask(&["backup", path(&copy)], None).ended(0);
    drop(server);
    let more = told(&place.path());
    assert_eq!(more.0[..whole.0.len()], whole.0);
    assert!(more.0.len() > whole.0.len() && more.1["data"].as_array().unwrap().len() == 2);

    run(["restore", path(&copy), "--data", path(&back)]).ended(0);
    assert_eq!(told(&back), more);
    let verified = run(["verify", "--data", path(&back)]).ended(0).out;
    assert!(verified.contains(&format!("{} entries whole", more.0.len())), "{verified}");

    // Without it, it is made anew, from the same records.
    std::fs::remove_dir_all(back.join("feed")).unwrap();
    assert_eq!(told(&back), (more.0, json!({ "data": [], "next": null })));
}
