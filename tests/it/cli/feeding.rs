//! `feed`: every change once, and cursors that move when the lines are written.

use std::io::Read as _;
use std::net::TcpListener;

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

/// A server that answers each question, and hangs up on one that has no answer.
fn answering(answers: Vec<Option<(&'static str, Value)>>) -> (String, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let asked = answers.len();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            let Some((status, body)) = answer else { continue };
            let body = body.to_string();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
        asked
    });
    (url, server)
}

#[test]
fn whoever_follows_waits_for_a_server_that_restarts() {
    let page = |id: u64| Some(("200 OK", json!({ "data": [{ "id": id }], "next": id, "head": id })));
    let unwell = Some((
        "503 Service Unavailable",
        json!({ "type": "urn:billfold:problem:unavailable", "detail": "d" }),
    ));
    let shut =
        Some(("403 Forbidden", json!({ "type": "urn:billfold:problem:forbidden", "detail": "no more" })));
    let (url, server) = answering(vec![page(1), None, unwell, page(2), shut]);
    let ran = run(["feed", "--follow", "--json", "--url", &url]).ended(4).saying("no more");
    assert_eq!(entries(&ran), [json!({ "id": 1 }), json!({ "id": 2 })]);
    assert_eq!(ran.err.matches("goes on when the server answers again").count(), 1, "{}", ran.err);
    assert_eq!(server.join().unwrap(), 5);

    // One that never answered may be a wrong address.
    let (url, server) = answering(vec![None]);
    run(["feed", "--follow", "--url", &url]).ended(1).saying("does not answer");
    server.join().unwrap();
}
