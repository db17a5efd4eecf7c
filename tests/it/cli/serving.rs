//! `serve`, and asking it with `--url`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout};

use super::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server on a port of its own; killed when the test ends.
pub(super) struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(super) url: String,
    pub(super) greeting: String,
}

impl Served {
    pub(super) fn start(place: &Place, more: &[&str], token: Option<&str>) -> Self {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", &place.data()]).args(more);
        command.env("STRIPE_WEBHOOK_SECRET", SECRET);
        if let Some(token) = token {
            command.env("BILLFOLD_API_TOKEN", token);
        }
        let served = Self::spawn(command);
        assert!(served.greeting.contains(&format!("{}/webhooks/stripe", served.url)), "{}", served.greeting);
        assert!(served.greeting.contains("secret-1"), "{}", served.greeting);
        served
    }

    /// Waits until the server that a command starts has said where it is.
    pub(super) fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut url = None;
        let mut greeting = String::new();
        while !greeting.contains("folder  ") {
            let mut line = String::new();
            if out.read_line(&mut line).expect("read") == 0 {
                let mut told = String::new();
                child.stderr.take().expect("piped").read_to_string(&mut told).expect("read");
                panic!("no server: {told}");
            }
            if let Some(found) = line.strip_prefix("listening on") {
                url = Some(found.trim().to_owned());
            }
            greeting.push_str(&line);
        }
        let url = url.expect("an address");
        assert!(!greeting.contains(SECRET), "{greeting}");
        Self { child, out, url, greeting }
    }

    pub(super) fn ask(&self, arguments: &[&str], token: Option<&str>) -> Ran {
        let mut command = command();
        command.args(arguments).args(["--url", &self.url]);
        if let Some(token) = token {
            command.env("BILLFOLD_API_TOKEN", token);
        }
        Ran::of(command.output().expect("the binary runs"))
    }

    /// Delivers a body under a header and gives back the status.
    pub(super) fn deliver(&self, body: &str, header: &str) -> u16 {
        self.deliver_to("/webhooks/stripe", body, header)
    }

    pub(super) fn deliver_to(&self, path: &str, body: &str, header: &str) -> u16 {
        let address = self.url.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("connected");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let status = answer.split(' ').nth(1).expect("a status line");
        status.parse().expect("a status")
    }

    /// Sends a signal to this server alone.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The log lines so far, up to one that holds `text`.
    pub(super) fn logged(&mut self, text: &str) -> String {
        let mut lines = BufReader::new(self.child.stderr.as_mut().expect("piped"));
        let mut told = String::new();
        // What a buffer takes along and loses was written before: never what a later signal makes the server say.
        while !told.contains(text) {
            assert!(lines.read_line(&mut told).expect("read") > 0, "the log ended: {told}");
        }
        told
    }

    /// Sends any bytes and gives back all that is answered.
    pub(super) fn send(&self, bytes: &[u8]) -> String {
        let address = self.url.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(bytes).expect("sent");
        let mut answer = Vec::new();
        // A server that hangs up early has said all that it says.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reads all that is logged from now on, beside the test: a log nobody reads would stop the server.
    pub(super) fn reading_the_log(&mut self) -> std::thread::JoinHandle<String> {
        let mut log = self.child.stderr.take().expect("piped");
        std::thread::spawn(move || {
            let mut told = String::new();
            log.read_to_string(&mut told).expect("read");
            told
        })
    }

    /// Asks for the end of a server whose log is read elsewhere; what it said on standard output.
    pub(super) fn ended(mut self) -> String {
        self.signal("-TERM");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("read");
        assert!(self.child.wait().expect("ended").success());
        rest
    }

    /// Asks for the end, as a supervisor does, and waits for it.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("read");
        let mut told = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut told).expect("read");
        (self.child.wait().expect("ended").code(), told)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_delivery_is_seen_by_the_reading_commands() {
    let place = Place::new();
    let served = Served::start(&place, &[], None);
    let body = customer_event("evt_1", "cus_1", 1, "");
    let header = run_with(body.as_bytes(), &["sign", "--with-name"]).ended(0).out;
    assert_eq!(served.deliver(&body, header.trim_end()), 200);
    assert_eq!(served.deliver(&body.replace("cus_1", "cus_2"), header.trim_end()), 400);
    let remote = served.ask(&["customers", "show", "cus_1", "--json"], None).ended(0).json();
    served.ask(&["customers", "show", "cus_2"], None).ended(3).saying("cus_2");
    served.ask(&["customers", "list", "--created-from", "nonsense"], None).ended(2);
    let page = served.ask(&["customers", "list", "--all", "--json"], None).ended(0).json();
    assert_eq!(page["data"], json!([remote]));
    assert_eq!(served.ask(&["access", "cus_1"], None).ended(10).err, "");
    let stats = served.ask(&["stats", "--json"], None).ended(0).json();
    assert_eq!((&stats["window"]["accepted"], &stats["window"]["refused"]), (&json!(1), &json!(1)));
    let locked = place.run(&["customers", "list"]).ended(5).saying("is open in another process");
    locked.saying("--url http://127.0.0.1:4242");
    place.run(&["rebuild"]).ended(5).saying("stop that process first");
    let (code, told) = served.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("cus_1") && !told.contains(SECRET), "{told}");
    assert_eq!(place.run(&["customers", "show", "cus_1", "--json"]).ended(0).json(), remote);
}

#[test]
fn why_is_asked_of_a_running_server_too() {
    let (place, _) = Place::with("past_due_then_recovers");
    let subscriptions = place.run(&["subscriptions", "list", "--json"]).ended(0).json();
    let id = subscriptions["data"][0]["id"].as_str().unwrap();
    let answer = place.run(&["why", id, "--json"]).ended(0).json();
    let text = place.run(&["why", id]).ended(0).out;
    let object = &answer["objects"][0];
    assert!(text.ends_with(&format!("{}\n", object["because"].as_str().unwrap())), "{text}");
    for observation in object["observations"].as_array().unwrap() {
        let event = observation["event"].as_str().unwrap();
        assert!(text.lines().any(|line| line.starts_with(event)), "{event} is not in\n{text}");
    }
    assert_eq!(object["id"], id);
    let short = place.run(&["why", id, "--limit", "1", "--json"]).ended(0).json();
    assert_eq!(short["objects"][0]["observations"].as_array().unwrap().len(), 1);
    place.run(&["why", "sub_none"]).ended(3).saying("sub_none").saying("is it the whole id?");
    place.run(&["why", "evt_none"]).ended(3).saying("billfold events show evt_none");
    place.run(&["why", "a b"]).ended(2);
    place.run(&["why", id, "--limit", "501"]).ended(2);
    let served = Served::start(&place, &[], None);
    assert_eq!(served.ask(&["why", id, "--json"], None).ended(0).json(), answer);
    assert_eq!(served.ask(&["why", id], None).ended(0).out, text);
    served.ask(&["why", "sub_none"], None).ended(3).saying("is it the whole id?");
    served.ask(&["why", id, "--livemode", "true"], None).ended(3);
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let place = Place::new();
    let served = Served::start(&place, &["--log-format", "json"], Some(TOKEN));
    served.ask(&["customers", "list"], Some(TOKEN)).ended(0);
    let told = served.ask(&["customers", "list"], None).ended(4).saying("BILLFOLD_API_TOKEN");
    assert!(!told.err.contains(TOKEN));
    let told = served.ask(&["customers", "list"], Some("another-token-that-is-wrong")).ended(4);
    assert!(!told.err.contains("another-token"));
}

#[test]
fn a_taken_port_is_told_in_words() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = run_with(b"", &["serve", "--listen", &address, "--data", &place.data()]).ended(1);
    ran.saying(&format!("another program listens on {address} already")).saying("--listen");
    assert!(!place.path().exists(), "nothing is made before the port is ours");
}

#[test]
fn customers_data_is_not_served_to_everybody() {
    let place = Place::new();
    let ran = run_with(b"", &["serve", "--listen", "0.0.0.0:0", "--data", &place.data()]).ended(2);
    ran.saying("BILLFOLD_API_TOKEN");
    let mut short = command();
    short
        .args(["serve", "--data", &place.data()])
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .env("BILLFOLD_API_TOKEN", "short");
    Ran::of(short.output().unwrap()).ended(2).saying("openssl rand -hex 32");
    run_with(b"", &["serve", "--listen", "nowhere", "--data", &place.data()])
        .ended(2)
        .saying("127.0.0.1:4242");
    run_with(b"", &["serve", "--body-limit", "1G", "--data", &place.data()]).ended(2).saying("16M");
}

#[test]
fn a_server_that_is_not_there_is_told_in_words() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    run(["stats", "--url", &url]).ended(1).saying("does not answer").saying("billfold serve");
}

#[test]
fn another_server_is_not_taken_for_ours() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
            .unwrap();
    });
    run(["stats", "--url", &url]).ended(1).saying("not as Billfold does");
    other.join().unwrap();
}

#[test]
fn a_running_server_is_rebuilt_from_the_command_line() {
    let place = Place::new();
    crate::rebuild::fill(&place.path(), 10);
    crate::rebuild::falsify(&place.path(), "sub_3", "unpaid");
    let served = Served::start(&place, &[], None);
    // Nobody is there to say yes.
    let told = served.ask(&["rebuild", "--diff"], None).ended(4).saying("--yes");
    assert!(told.out.contains("sub_3") && told.out.contains("unpaid"), "{}", told.out);
    let kept = served.ask(&["rebuild", "--diff", "--json"], None).ended(4).json();
    assert_eq!(kept["swapped"], false);
    let done = served.ask(&["rebuild", "--diff", "--yes", "--json"], None).ended(0).json();
    assert_eq!(
        (&done["swapped"], &done["records"], &done["changed"]),
        (&json!(true), &json!(10), &json!(true))
    );
    assert_eq!(done["differences"], kept["differences"]);
    // Nothing differs any more: nobody has to be asked.
    let same = served.ask(&["rebuild", "--diff"], None).ended(0).out;
    assert!(same.contains("statuses: no change") && same.contains("the state is the same"), "{same}");
    served.ask(&["rebuild"], None).ended(0);
}
