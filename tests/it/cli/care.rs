//! `verify`, `repair`, `backup`, `restore`: the care that a folder needs, and the drill of docs/operating.md.

use std::collections::BTreeMap;

use billfold::model::time::Seconds;
use billfold::stripe::signature::{Secrets, sign};

use super::serving::Served;
use super::*;
use crate::support::secrets;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(super) const SIGNED_AT: i64 = 1_700_000_000;

/// A folder with some deliveries, signed with `secrets`.
pub(super) fn ingest(place: &Place, numbers: std::ops::Range<u32>, secrets: &Secrets) {
    let lines: String = numbers
        .map(|number| {
            let customer = format!("cus_{}", number % 7);
            let body = customer_event(&format!("evt_{number}"), &customer, SIGNED_AT + i64::from(number), "");
            let header = sign(secrets, body.as_bytes(), Seconds(SIGNED_AT));
            delivery(&body, &header, Some(json!(SIGNED_AT)))
        })
        .collect();
    let file = place.file("deliveries.jsonl", &lines);
    let mut command = command();
    command.args(["ingest", path(&file), "--data", &place.data()]);
    let texts: Vec<&str> = if secrets.iter().any(|secret| secret.label() == "other") {
        vec!["other=whsec_another_secret"]
    } else {
        vec![SECRET]
    };
    command.env("STRIPE_WEBHOOK_SECRET", texts.join(","));
    Ran::of(command.output().expect("the binary runs")).ended(0);
}

pub(super) fn head(ran: &Ran) -> String {
    let line = ran.out.lines().find(|line| line.starts_with("head")).expect("a head");
    line.split_whitespace().nth(1).expect("a head").to_owned()
}

pub(super) fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(bytes_of(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).expect("read"));
        }
    }
    found
}

/// Makes every copy of the frame unreadable that holds an event's record: eight records, or what is left of a commit.
pub(super) fn rot(place: &Place, event: &str) {
    const DICTIONARY: &[u8] = include_bytes!("../../../src/log/dictionary-1.zstd");
    const FRAME_BYTES_MAX: usize = 64 * 1024;
    let file = place.path().join("log/db");
    let mut bytes = std::fs::read(&file).expect("read");
    let sign = [&[u8::try_from(event.len()).expect("short")][..], event.as_bytes()].concat();
    let mut unpack = zstd::bulk::Decompressor::with_dictionary(DICTIONARY).expect("a dictionary");
    let holds = |at: usize| {
        let length = zstd::zstd_safe::find_frame_compressed_size(&bytes[at..]).ok()?;
        let records = unpack.decompress(&bytes[at..at + length], FRAME_BYTES_MAX).ok()?;
        records.windows(sign.len()).any(|window| window == sign).then_some(at)
    };
    let begins = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&[0x28, 0xB5, 0x2F, 0xFD]));
    let places: Vec<usize> = begins.filter_map(holds).collect();
    assert!(!places.is_empty(), "{event} is in the file");
    for at in places {
        // A bit of the frame's head that has to be zero.
        bytes[at + 4] ^= 8;
    }
    std::fs::write(&file, bytes).expect("written");
}

#[test]
fn a_whole_folder_is_told_to_be_whole() {
    let place = Place::new();
    ingest(&place, 0..20, &secrets());
    ingest(&place, 20..25, &"other=whsec_another_secret".parse().expect("secrets"));
    let file = place.file("event.jsonl", &customer_event("evt_imported", "cus_1", SIGNED_AT, ""));
    place.run(&["import", path(&file)]).ended(0);
    let data = place.data();
    let ran = place.run(&["verify"]).ended(0);
    assert!(ran.out.contains("26 whole, of 26") && ran.out.contains("equal to a fresh fold"), "{}", ran.out);
    assert!(!ran.out.contains("signatures"), "nobody gave a secret");
    let noted = head(&ran);
    let signed = run_with(b"", &["verify", "--json", "--data", &data]).ended(0).json();
    assert_eq!(signed["signatures"], json!({"good": 20, "bad": 0, "absent_secret": 5, "imported": 1}));
    assert_eq!((&signed["whole"], &signed["projections"]), (&json!(true), &json!("equal")));
    let wrong = place.file("wrong", "other=whsec_not_this_one");
    let ran = place.run(&["verify", "--secret-file", path(&wrong)]).ended(6);
    assert!(ran.out.contains("position 21: no given secret signed it, not even other"), "{}", ran.out);

    ingest(&place, 30..40, &secrets());
    let ran = place.run(&["verify", "--expect", &noted]).ended(0);
    assert!(ran.out.contains("unchanged up to position 26"), "{}", ran.out);
    let (digest, _) = noted.split_once('@').expect("a head");
    let ran = place.run(&["verify", "--expect", &format!("{digest}@27")]).ended(7);
    assert!(ran.out.contains("ANOTHER HISTORY"), "{}", ran.out);
    let ran = place.run(&["verify", "--expect", &format!("{digest}@99")]).ended(7);
    assert!(ran.out.contains("NOT THERE"), "{}", ran.out);
    place.run(&["verify", "--expect", digest]).ended(2).saying("HEAD@POSITION");
    assert!(!place.path().join("projection.verify").exists());
}

#[test]
fn nothing_is_verified_that_is_not_there() {
    let place = Place::new();
    place.run(&["verify"]).ended(1).saying("there is no folder");
    std::fs::create_dir(place.path()).expect("made");
    place.run(&["verify"]).ended(1).saying("holds no event log");
    assert_eq!(bytes_of(&place.path()), BTreeMap::new());
}

#[test]
fn projections_that_are_not_what_the_log_says_are_found() {
    let place = Place::new();
    ingest(&place, 0..20, &secrets());
    let projection = place.path().join("projection");
    let database = sled::Config::new().path(&projection).segment_size(16 << 20).open().expect("opened");
    let rows = database.open_tree("state").expect("opened");
    let (key, value) =
        rows.iter().map(|row| row.expect("a row")).find(|(key, _)| key.starts_with(b"n")).expect("a count");
    let mut changed = value.to_vec();
    changed[0] ^= 1;
    rows.insert(key, changed).expect("written");
    drop((rows, database));
    let ran = place.run(&["verify"]).ended(6);
    assert!(ran.out.contains("NOT equal to a fresh fold"), "{}", ran.out);
    place.run(&["verify", "--log-only"]).ended(0);
    place.run(&["rebuild"]).ended(0);
    place.run(&["verify"]).ended(0);
    std::fs::remove_dir_all(projection).expect("removed");
    let ran = place.run(&["verify"]).ended(0);
    assert!(ran.out.contains("the next start folds them"), "{}", ran.out);
}

#[test]
fn rot_is_named_and_all_else_is_saved() {
    let place = Place::new();
    ingest(&place, 0..30, &secrets());
    ingest(&place, 30..60, &secrets());
    let noted = head(&place.run(&["verify"]).ended(0));
    let (data, backup) = (place.data(), place.dir.path().join("backup"));
    run(["backup", path(&backup), "--data", &data]).ended(0);
    rot(&place, "evt_8");
    rot(&place, "evt_59");
    let before = bytes_of(&place.path());
    place.run(&["stats"]).ended(6).saying("billfold repair");
    let ran = place.run(&["verify", "--expect", &noted]).ended(6);
    // Frames hold eight records: 9 to 16, and the last six of the second commit.
    for positions in ["positions 9 to 16", "positions 55 to 60"] {
        assert!(ran.out.contains(positions), "{}", ran.out);
    }
    place.run(&["verify"]).ended(6);
    let dry = place.run(&["repair"]).ended(6);
    assert!(dry.out.contains("46 records can be saved"), "{}", dry.out);

    let repaired = Place::new();
    let into = repaired.data();
    let saved = run(["repair", "--json", "--data", &data, "--into", &into]).ended(6).json();
    assert_eq!(saved["lost"], json!([{"after": 8, "next": 17}, {"after": 54, "next": 61}]));
    let lost_ids = (9..=16).chain(55..=60).map(|at| json!({"position": at, "id": format!("evt_{}", at - 1)}));
    assert_eq!(saved["lost_ids"], lost_ids.collect::<Value>());
    assert_eq!(bytes_of(&place.path()), before, "what is repaired is only read");
    run(["repair", "--data", &data, "--into", &into]).ended(2).saying("is not empty");
    let ran = repaired.run(&["verify"]).ended(0);
    assert!(ran.out.contains("46 whole, of 46") && ran.out.contains("lost before  9 to 16 "), "{}", ran.out);
    // Lost events come again, under new positions.
    ingest(&repaired, 0..60, &secrets());
    let events = repaired.run(&["events", "show", "evt_59", "--json"]).ended(0).json();
    assert_eq!(events["position"], 74);
    repaired.run(&["verify"]).ended(0);

    // A backup of it knows what it lacks, and so does what is restored from that.
    let (copy, restored) = (repaired.dir.path().join("copy"), repaired.dir.path().join("restored"));
    repaired.run(&["backup", path(&copy)]).ended(0);
    run(["restore", path(&copy), "--data", path(&restored)]).ended(0);
    let ran = run(["verify", "--data", path(&restored)]).ended(0);
    assert!(ran.out.contains("60 whole, of 60") && ran.out.contains("lost before  55 to 60 "), "{}", ran.out);

    // With the backup nothing is lost, and the head that was noted is proven.
    let filled = Place::new();
    let ran = run(["repair", "--data", &data, "--backup", path(&backup), "--into", &filled.data()]).ended(0);
    assert!(ran.out.contains("60 records saved") && head(&ran) == noted, "{}", ran.out);
    filled.run(&["verify", "--expect", &noted]).ended(0);
}

#[test]
fn the_drill() {
    let place = Place::new();
    ingest(&place, 0..30, &secrets());
    std::fs::write(place.path().join("settings.json"), r#"{"policy":{"disputed":"deny"}}"#).expect("written");
    let digest = place.digest();
    let target = place.dir.path().join("backups/billfold");
    let target = path(&target);
    let server = Served::start(&place, &[], Some(TOKEN));
    server.ask(&["backup", target], None).ended(4).saying("BILLFOLD_API_TOKEN");
    let ran = run(["backup", target, "--data", &place.data()]).ended(5);
    ran.saying("--url");
    place.run(&["verify"]).ended(5).saying("verify a backup");
    let first = server.ask(&["backup", target], Some(TOKEN)).ended(0);
    assert!(first.out.contains("30 records, 30 of them new"), "{}", first.out);
    let now = billfold::http::system_clock().seconds();
    for number in 30..35 {
        let body = customer_event(&format!("evt_{number}"), "cus_new", SIGNED_AT, "");
        let header = format!("Stripe-Signature: {}", sign(&secrets(), body.as_bytes(), now));
        assert_eq!(server.deliver(&body, &header), 200);
    }
    let second = server.ask(&["backup", target, "--json"], Some(TOKEN)).ended(0).json();
    assert_eq!((&second["added"], &second["head"]["position"]), (&json!(5), &json!(35)));
    let told = server.ask(&["stats", "--json"], Some(TOKEN)).ended(0).json();
    assert_eq!(told["log"], second["head"]);
    drop(server);

    let verified = run_with(b"", &["verify", "--data", target, "--expect", &head(&first)]).ended(0);
    assert!(verified.out.contains("35 good, 0 bad"), "{}", verified.out);
    for (file, bytes) in bytes_of(Path::new(target)) {
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(SECRET) && !holds(TOKEN), "{} holds a secret", file.display());
    }
    let restored = Place::new();
    let ran = run(["restore", target, "--data", &restored.data()]).ended(0);
    assert_eq!(head(&ran), head(&verified));
    run(["restore", target, "--data", &restored.data()]).ended(2).saying("is not empty");
    restored.run(&["settings"]).ended(0).json()["policy"]["disputed"].as_str().expect("a gate");
    assert_eq!(restored.run(&["settings"]).json()["policy"]["disputed"], "deny");
    restored.run(&["stats"]).ended(0);
    let after = restored.digest();
    assert_ne!(after, digest, "the last five are there");
    assert_eq!(after, place.digest());
    run(["restore", path(place.dir.path()), "--data", &restored.data()]).ended(3);
}

#[test]
fn a_backup_of_another_history_is_left_alone() {
    let (place, other) = (Place::new(), Place::new());
    ingest(&place, 0..10, &secrets());
    ingest(&other, 5..20, &secrets());
    let target = place.dir.path().join("backup");
    let target = path(&target);
    place.run(&["backup", target]).ended(0);
    let before = head(&run(["verify", "--data", target]).ended(0));
    other.run(&["backup", target]).ended(7).saying("another record");
    let shorter = Place::new();
    ingest(&shorter, 0..3, &secrets());
    shorter.run(&["backup", target]).ended(7).saying("has lost records");
    assert_eq!(head(&run(["verify", "--data", target]).ended(0)), before);
    // Nor is anything else that lies there.
    let taken = place.dir.path().join("taken");
    std::fs::create_dir(&taken).expect("made");
    std::fs::write(taken.join("something"), "else").expect("written");
    place.run(&["backup", path(&taken)]).ended(2).saying("is not empty");
    place.run(&["backup", &place.data()]).ended(2);
}
