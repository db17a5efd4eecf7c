//! The README, tried as a new user would: its own lines, with stock `openssl` and `curl`, on the built binary.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How the README calls the binary.
const BINARY: &str = "cargo run --release --";
/// The address that the README names.
const ADDRESS: &str = "127.0.0.1:4242";

/// A running server, killed without warning when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

/// The shell blocks under the heading "Try it".
fn blocks() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## Try it").expect("a section to try");
    let (section, _) = section.split_once("\n## ").expect("a section behind it");
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// A shell that runs `script` in `folder`, with nothing of this machine's settings.
fn shell(script: &str, folder: &Path) -> Command {
    let script = script.replace(BINARY, env!("CARGO_BIN_EXE_billfold"));
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(folder).stdin(Stdio::null());
    for name in ["STRIPE_WEBHOOK_SECRET", "BILLFOLD_API_TOKEN", "BILLFOLD_DATA", "RUST_LOG", "http_proxy"] {
        shell.env_remove(name);
    }
    shell
}

fn serve(block: &str, folder: &Path) -> Server {
    // The shell becomes the server, so that killing it kills no shell alone.
    let script = block.replace(BINARY, &format!("exec {BINARY}"));
    let script = format!("{} --listen 127.0.0.1:0", script.trim_end());
    let child = shell(&script, folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("bash runs");
    let greeting = BufReader::new(child.stdout.take().expect("piped")).lines().next();
    let line = greeting.expect("a greeting").expect("read");
    let (_, address) = line.split_once("http://").expect("an address");
    Server { address: address.trim().to_owned(), child }
}

#[track_caller]
fn run(script: &str, folder: &Path) -> String {
    let output = shell(script, folder).stderr(Stdio::piped()).output().expect("bash runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "are openssl and curl installed?\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn the_readme_works_and_its_state_survives_a_kill_and_a_rebuild() {
    let blocks = blocks();
    let [_, start, send] = blocks.as_slice() else { panic!("the section has {} blocks", blocks.len()) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();

    let server = serve(start, folder);
    let told = run(&send.replace(ADDRESS, &server.address), folder);
    for text in [r#""received":true"#, r#""duplicate":false"#, r#""granted":true"#, "sub_1"] {
        assert!(told.contains(text), "{text} is not in:\n{told}");
    }
    drop(server);

    let server = serve(start, folder);
    let again = run(&send.replace(ADDRESS, &server.address), folder);
    for text in [r#""duplicate":true"#, r#""granted":true"#] {
        assert!(again.contains(text), "{text} is not in:\n{again}");
    }
    drop(server);

    let before = run(&format!("{BINARY} subscriptions list --json"), folder);
    let rebuilt = run(&format!("{BINARY} rebuild --json"), folder);
    assert!(rebuilt.replace(' ', "").contains(r#""changed":false"#), "{rebuilt}");
    assert_eq!(run(&format!("{BINARY} subscriptions list --json"), folder), before);
    assert!(before.contains("sub_1"), "{before}");
}

#[test]
fn the_demo_equals_the_truth_and_simpler_rules_do_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = run(blocks().first().expect("the demo comes first"), folder.path());
    let share = |rule: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(rule)).expect("a line for each rule");
        line.split_whitespace()
            .nth(1)
            .and_then(|wrong| wrong.parse::<u64>().ok())
            .expect("how many are wrong")
    };
    assert_eq!(share("Billfold"), 0, "{told}");
    for rule in ["last delivered wins", "created < ", "created <= "] {
        assert!(share(rule) > 0, "{told}");
    }
    assert!(told.contains("objects equal the truth") && !told.contains("WRONG:"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0, "nothing is left behind");
}

/// What a person meets who has set nothing.
#[test]
fn without_a_secret_it_says_what_to_set() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = shell(&format!("{BINARY} serve"), folder.path()).output().expect("bash runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("STRIPE_WEBHOOK_SECRET"), "{told}");
}
