//! The built binary, driven as a person and as a script would.

mod care;
mod configuring;
mod doctor;
mod feeding;
mod files;
mod lab;
mod losses;
mod reading;
mod secrecy;
mod serving;
mod signing;
mod snapshots;
mod tokens;
mod triggering;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{SECRET, Stream};

/// How one run ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Ended as expected, and showed no secret on the way.
    #[track_caller]
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nout: {}\nerr: {}", self.out, self.err);
        assert!(!self.out.contains(SECRET) && !self.err.contains(SECRET), "a secret is shown");
        self
    }

    /// Said this on stderr.
    #[track_caller]
    fn saying(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A command with nothing of this machine's settings in it.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billfold"));
    for name in [
        "STRIPE_WEBHOOK_SECRET",
        "BILLFOLD_API_TOKEN",
        "BILLFOLD_DATA",
        "BILLFOLD_CONFIG",
        "RUST_LOG",
        "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(command().args(arguments).output().expect("the binary runs"))
}

/// As [`run`], with the test secret in the environment and `input` as standard input.
fn run_with(input: &[u8], arguments: &[&str]) -> Ran {
    let mut command = command();
    command.args(arguments).env("STRIPE_WEBHOOK_SECRET", SECRET);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // Written beside the reading: neither side may wait for the other. A closed pipe means: not wanted.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the binary runs");
    writer.join().expect("the writer ends");
    Ran::of(output)
}

/// A folder that the tests of one area work on.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With the events of a recorded stream in it.
    fn with(stream: &str) -> (Self, Stream) {
        let place = Self::new();
        let stream = Stream::load(&crate::support::fixtures().join("corpus/augmented").join(stream));
        let file = place.file("events.jsonl", &json_lines(&stream.bodies));
        run(["import", path(&file), "--data", &place.data()]).ended(0);
        (place, stream)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn data(&self) -> String {
        path(&self.path()).to_owned()
    }

    fn file(&self, name: &str, content: &(impl AsRef<[u8]> + ?Sized)) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let data = self.data();
        run(arguments.iter().copied().chain(["--data", &data]))
    }

    fn digest(&self) -> String {
        let rebuilt = self.run(&["rebuild", "--json"]).ended(0).json();
        assert_eq!(rebuilt["changed"], false, "a rebuild changes nothing");
        rebuilt["digest"].as_str().expect("a digest").to_owned()
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// Each body on one line; the JSON inside keeps its order.
fn json_lines(bodies: &[String]) -> String {
    bodies.iter().map(|body| body.replace('\n', "") + "\n").collect()
}

/// A line of a delivery file.
fn delivery(body: &str, header: &str, received_at: Option<Value>) -> String {
    let mut line = json!({ "headers": { "Stripe-Signature": header }, "body": body });
    line["received_at"] = received_at.unwrap_or(Value::Null);
    line.to_string() + "\n"
}

/// A small customer event.
fn customer_event(event: &str, customer: &str, created: i64, more: &str) -> String {
    format!(
        r#"{{"id":"{event}","object":"event","type":"customer.created","created":{created},"livemode":true,"api_version":"2025-03-31.basil","data":{{"object":{{"id":"{customer}","object":"customer","created":{created},"email":"a@example.com","name":null,"livemode":true,"metadata":{{}}}}}}{more}}}"#
    )
}
