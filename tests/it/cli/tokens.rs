//! `tokens`: made, shown once, believed by a running server as long as they are listed.

use std::os::unix::fs::PermissionsExt as _;

use super::serving::Served;
use super::*;

/// Makes a token; its text.
fn add(place: &Place, name: &str, scopes: &str) -> String {
    let ran = place.run(&["tokens", "add", name, "--scope", scopes]).ended(0).saying("only time");
    ran.out.trim().to_owned()
}

#[test]
fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let place = Place::new();
    let token = add(&place, "ci", "read,feed");
    assert!(token.starts_with("billfold_") && token.len() == 73, "{token}");
    let file = place.path().join("tokens.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&token[9..]));
    let listed = place.run(&["tokens", "list", "--json"]).ended(0).json();
    assert_eq!(listed["tokens"][0]["name"], "ci");
    assert_eq!(listed["tokens"][0]["scopes"], json!(["read", "feed"]));
    let shown = place.run(&["tokens", "list"]).ended(0).out;
    assert!(shown.contains("read, feed") && !shown.contains(&token[9..]), "{shown}");
    let again = place.run(&["tokens", "add", "ci", "--scope", "read"]).ended(2).saying("already");
    assert_eq!(again.out, "");
    place.run(&["tokens", "add", "a b", "--scope", "read"]).ended(2).saying("characters");
    place.run(&["tokens", "add", "x", "--scope", "root"]).ended(2).saying("read, feed, admin");
    place.run(&["tokens", "remove", "nobody"]).ended(3).saying("tokens list");
    let other = place.run(&["tokens", "add", "admin", "--scope", "admin", "--json"]).ended(0).json();
    assert_ne!(other["token"], token);
    // Nothing else lies beside it.
    let files: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["tokens.json"]);
}

#[test]
fn a_running_server_knows_what_is_added_and_removed() {
    let place = Place::new();
    let served = Served::start(&place, &[], None);
    served.ask(&["customers", "list"], None).ended(0);
    let reader = add(&place, "reader", "read");
    served.ask(&["customers", "list"], None).ended(4).saying("Authorization");
    served.ask(&["customers", "list"], Some(&reader)).ended(0);
    let backup = place.dir.path().join("backup");
    served.ask(&["backup", path(&backup)], Some(&reader)).ended(4).saying("this needs admin");
    let admin = add(&place, "admin", "admin");
    served.ask(&["backup", path(&backup)], Some(&admin)).ended(0);
    served.ask(&["customers", "list"], Some(&admin)).ended(4).saying("this needs read");
    place.run(&["tokens", "remove", "reader"]).ended(0);
    served.ask(&["customers", "list"], Some(&reader)).ended(4).saying("none that this server knows");
    // Half a file, as another hand may write it, takes nobody's place.
    std::fs::write(place.path().join("tokens.json"), "{\"tokens\": [").unwrap();
    served.ask(&["backup", path(&backup)], Some(&admin)).ended(0);
    place.run(&["tokens", "list"]).ended(2).saying("tokens.json");
}

#[test]
fn a_file_of_tokens_that_does_not_fit_stops_the_start() {
    let place = Place::new();
    std::fs::create_dir(place.path()).unwrap();
    std::fs::write(place.path().join("tokens.json"), "[]").unwrap();
    let data = place.data();
    run_with(b"", &["serve", "--listen", "127.0.0.1:0", "--data", &data]).ended(2).saying("tokens.json");
}

#[test]
fn whoever_would_be_exposed_is_told_how_to_make_a_token() {
    let place = Place::new();
    let data = place.data();
    let ran = run_with(b"", &["serve", "--listen", "0.0.0.0:0", "--data", &data]).ended(2);
    ran.saying("billfold tokens add");
}

#[test]
fn pages_are_named_only_where_tokens_are() {
    let place = Place::new();
    let data = place.data();
    let serve = |origin: &str| {
        run_with(b"", &["serve", "--listen", "127.0.0.1:0", "--data", &data, "--cors-origin", origin])
            .ended(2)
    };
    serve("https://app.example.com").saying("billfold tokens add");
    serve("*").saying("an origin is a scheme and a host");
}
