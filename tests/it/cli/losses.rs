//! What is lost, damaged or another's is never told to be something else: `verify --expect`, `repair`, `backup`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use billfold::log::{EventLog as _, LogCopy, Lost, Position, SledLog, SledOptions};

use super::care::{SIGNED_AT, bytes_of, head, ingest, rot};
use super::serving::Served;
use super::*;
use crate::support::secrets;

/// Saves a folder's log into a new one.
#[track_caller]
fn repaired(from: &Place, more: &[&str], code: i32) -> Place {
    let place = Place::new();
    let (data, into) = (from.data(), place.data());
    run([&["repair", "--data", &data, "--into", &into], more].concat()).ended(code);
    place
}

fn lost(place: &Place) -> Vec<Value> {
    place.run(&["verify", "--json"]).ended(0).json()["lost"].as_array().expect("a list").clone()
}

/// The records of a log behind `after`, in a folder of their own: what an older repair may have left.
fn cut_out(place: &Place, positions: RangeInclusive<u64>) -> Place {
    let log = SledLog::open(&place.path().join("log"), &SledOptions::default()).expect("opened");
    let part = Place::new();
    let mut copy = LogCopy::open(&part.path().join("log")).expect("opened");
    let mut page = log.read_encoded(Position::START, 1_000).expect("read");
    page.retain(|record| positions.contains(&record.position().get()));
    let lost = Lost { after: Position::START, next: page[0].position() };
    copy.take(&page, &[lost]).expect("taken");
    part
}

#[test]
fn a_history_with_a_loss_is_not_proven() {
    let place = Place::new();
    ingest(&place, 0..53, &secrets());
    let noted = head(&place.run(&["verify"]).ended(0));
    rot(&place, "evt_41");
    let saved = repaired(&place, &[], 6);
    let ran = saved.run(&["verify", "--expect", &noted]).ended(6);
    assert!(ran.out.contains("NOT PROVEN: positions 41 to 48 are lost"), "{}", ran.out);
    let told = saved.run(&["verify", "--json", "--expect", &noted]).ended(6).json();
    assert_eq!((&told["expected"], &told["whole"]), (&json!("not_proven"), &json!(true)));
    // Nor is it when the position itself is lost.
    let (digest, _) = noted.split_once('@').expect("a head");
    saved.run(&["verify", "--expect", &format!("{digest}@42")]).ended(6);
    // Before the loss all is as it was.
    let log = SledLog::open(&saved.path().join("log"), &SledOptions::default()).expect("opened");
    let fortieth = log.read(Position::START, 40).expect("read")[39].digest;
    drop(log);
    let told = saved.run(&["verify", "--json", "--expect", &format!("{fortieth}@40")]).ended(0).json();
    assert_eq!(told["expected"], "holds");
    saved.run(&["verify", "--expect", &format!("{digest}@40")]).ended(7);
}

#[test]
fn damage_behind_an_expected_head_is_not_another_history() {
    let place = Place::new();
    ingest(&place, 0..20, &secrets());
    let early = head(&place.run(&["verify"]).ended(0));
    ingest(&place, 20..60, &secrets());
    let late = head(&place.run(&["verify"]).ended(0));
    rot(&place, "evt_50");
    rot(&place, "evt_59");
    place.run(&["stats"]).ended(6).saying("billfold repair");
    let told = place.run(&["verify", "--json", "--expect", &early]).ended(6).json();
    assert_eq!(told["expected"], "holds");
    let told = place.run(&["verify", "--json", "--expect", &late]).ended(6).json();
    assert_eq!(told["expected"], "not_proven");
    let (digest, _) = late.split_once('@').expect("a head");
    let ran = place.run(&["verify", "--expect", &format!("{digest}@20")]).ended(7);
    assert!(ran.out.contains("ANOTHER HISTORY"), "{}", ran.out);
}

#[test]
fn a_backup_of_another_history_fills_no_gap() {
    let (place, other) = (Place::new(), Place::new());
    ingest(&place, 0..30, &secrets());
    ingest(&other, 100..140, &secrets());
    let refused = |data: &Place, backup: &Place| {
        let into = Place::new();
        let ran = run(["repair", "--data", &data.data(), "--backup", &backup.data(), "--into", &into.data()]);
        ran.ended(7).saying("another history");
        assert!(!into.path().join("log").exists());
        run(["repair", "--data", &data.data(), "--backup", &backup.data()]).ended(7);
    };
    let whole = bytes_of(&place.path());
    rot(&place, "evt_8");
    refused(&place, &other);
    // No position is in both: what lies side by side has to link, on both sides.
    refused(&cut_out(&place_of(&whole, &place), 11..=30), &cut_out(&other, 1..=10));
    refused(&cut_out(&other, 1..=10), &cut_out(&place_of(&whole, &place), 11..=30));
    refused(&cut_out(&other, 1..=10), &cut_out(&place_of(&whole, &place), 13..=30));
    // Halves of one history do.
    let (first, second) =
        (cut_out(&place_of(&whole, &place), 1..=10), cut_out(&place_of(&whole, &place), 11..=30));
    assert_eq!(lost(&repaired(&first, &["--backup", &second.data()], 0)), Vec::<Value>::new());
    assert_eq!(lost(&repaired(&second, &["--backup", &first.data()], 0)), Vec::<Value>::new());
}

/// A folder as it was.
fn place_of(bytes: &BTreeMap<PathBuf, Vec<u8>>, was: &Place) -> Place {
    let place = Place::new();
    for (file, bytes) in bytes {
        let to = place.path().join(file.strip_prefix(was.path()).expect("inside"));
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::write(to, bytes).expect("written");
    }
    place
}

#[test]
fn a_second_repair_knows_what_the_first_one_lost() {
    let place = Place::new();
    ingest(&place, 0..20, &secrets());
    let backup = place.dir.path().join("backup");
    place.run(&["backup", path(&backup)]).ended(0);
    rot(&place, "evt_5");
    rot(&place, "evt_19");
    let first = repaired(&place, &[], 6);
    // The lost event comes again.
    ingest(&first, 19..30, &secrets());
    let known = lost(&first);
    assert_eq!(known, [json!({"after": 0, "next": 9}), json!({"after": 16, "next": 21})]);
    assert_eq!(lost(&repaired(&first, &[], 6)), known);
    // The backup fills the first gap; behind the second one the log has gone on without the lost record.
    let second = repaired(&first, &["--backup", path(&backup)], 6);
    assert_eq!(lost(&second), known[1..]);
    let event = second.run(&["events", "show", "evt_19", "--json"]).ended(0).json();
    assert_eq!(event["position"], 21);
}

#[test]
fn a_secret_known_by_its_place_alone_proves_no_damage() {
    let place = Place::new();
    ingest(&place, 0..5, &secrets());
    ingest(&place, 5..8, &"other=whsec_another_secret".parse().expect("secrets"));
    let rolled = place.file("rolled", "whsec_the_next_one");
    let told = place.run(&["verify", "--json", "--secret-file", path(&rolled)]).ended(0).json();
    assert_eq!(told["signatures"], json!({"good": 0, "bad": 0, "absent_secret": 8, "imported": 0}));
    let ran = place.run(&["verify", "--secret-file", path(&rolled)]).ended(0);
    assert!(ran.out.contains("8 signed with a secret that is not here"), "{}", ran.out);
    let wrong = place.file("wrong", "other=whsec_not_this_one");
    let ran = place.run(&["verify", "--secret-file", path(&wrong)]).ended(6);
    assert!(ran.out.contains("position 6: no given secret signed it, not even other"), "{}", ran.out);
}

#[test]
fn what_cannot_be_repaired_or_backed_up_is_said_with_its_remedy() {
    let place = Place::new();
    let missing = place.run(&["verify"]);
    place.run(&["repair"]).ended(missing.code).saying("there is no folder");
    ingest(&place, 0..5, &secrets());
    let (inside, itself) = (place.path().join("backups/new"), place.path().join("../data/."));
    for target in [&inside, &itself, &place.path(), &place.path().join("log")] {
        place.run(&["backup", path(target)]).ended(2).saying("lies in the data folder");
    }
    assert!(!inside.exists());
    let server = Served::start(&place, &[], None);
    let ran = place.run(&["repair"]).ended(5).saying("stop that process first");
    assert!(!ran.err.contains("--url"), "{}", ran.err);
    server.ask(&["backup", path(&inside)], None).ended(2).saying("lies in the data folder");
    assert!(!inside.exists());
    let ran = server.ask(&["backup", &place.data()], None).ended(5).saying("name another folder");
    assert!(!ran.err.contains("ask it with"), "{}", ran.err);
}

#[test]
fn what_was_broken_off_is_taken_up_again() {
    let place = Place::new();
    ingest(&place, 0..5, &secrets());
    let settings = place.path().join("settings.json");
    std::fs::write(&settings, r#"{"policy":{"disputed":"deny"}}"#).expect("written");
    // The settings lie there before the log has its name: a kill in between leaves no folder that forgets them.
    for command in ["restore", "repair"] {
        let new = Place::new();
        std::fs::create_dir_all(new.path().join("log.partial")).expect("made");
        std::fs::write(new.path().join("settings.json"), "{}").expect("written");
        let data = place.data();
        let into = new.data();
        match command {
            "restore" => run(["restore", &data, "--data", &into]).ended(0),
            _ => run(["repair", "--data", &data, "--into", &into]).ended(0),
        };
        assert_eq!(new.run(&["settings"]).json()["policy"]["disputed"], "deny");
    }
    // Settings that cannot be copied: there is no log that would start without them.
    std::fs::remove_file(&settings).expect("removed");
    std::fs::create_dir(&settings).expect("made");
    let new = Place::new();
    run(["restore", &place.data(), "--data", &new.data()]).ended(1).saying("settings.json");
    assert!(!new.path().join("log").exists());
    std::fs::remove_dir(&settings).expect("removed");
    let beside = place.path().join("projection.verify");
    std::fs::create_dir(&beside).expect("made");
    place.run(&["stats"]).ended(0);
    assert!(!beside.exists());
}

#[test]
fn what_a_lost_record_said_is_taken_back() {
    let place = Place::new();
    let event = |number: u64, status: &str| {
        format!(
            r#"{{"id":"evt_{number}","object":"event","type":"customer.subscription.updated","created":{},"livemode":false,"data":{{"object":{{"id":"sub_1","object":"subscription","customer":"cus_1","status":"{status}"}}}}}}"#,
            SIGNED_AT + i64::try_from(number).expect("small")
        )
    };
    let bodies = [event(1, "active"), event(2, "past_due"), customer_event("evt_3", "cus_2", SIGNED_AT, "")];
    for body in &bodies {
        let file = place.file("event.jsonl", body);
        place.run(&["import", path(&file)]).ended(0);
    }
    rot(&place, "evt_2");
    let saved = repaired(&place, &[], 6);
    let entries = saved.run(&["feed", "--json"]).ended(0).out;
    let entries: Vec<Value> = entries.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of_subscription = entries.iter().filter(|entry| entry["object"] == "sub_1");
    let told: Vec<_> =
        of_subscription.map(|entry| (entry["to"]["status"].clone(), entry["cause"]["why"].clone())).collect();
    let (active, past_due) = (json!("active"), json!("past_due"));
    assert_eq!(
        told,
        [(active.clone(), json!("event")), (past_due, json!("event")), (active, json!("rebuild"))]
    );
}
