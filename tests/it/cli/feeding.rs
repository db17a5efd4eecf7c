//! `feed`: every change once, and cursors that move when the lines are written.

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
