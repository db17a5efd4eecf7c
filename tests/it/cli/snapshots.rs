//! What every command says of itself, and what the main ones answer over a small folder whose events and times are fixed.
//!
//! `INSTA_UPDATE=always cargo test --test it snapshots` writes the files anew; look at what changed before it is committed.

use std::fmt::Write as _;

use insta::{Settings, assert_snapshot};

use super::*;

/// Wide enough for the widest line of a help text.
const COLUMNS: &str = "120";
/// When the deliveries of the folder came.
const RECEIVED_AT: i64 = 1_767_225_600;

/// Snapshots lie in one folder a sort, under plain names.
fn settings(folder: &str) -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(format!("../../snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

fn help(words: &[&str]) -> String {
    let mut command = command();
    command.args(words).arg("--help").env("COLUMNS", COLUMNS);
    Ran::of(command.output().expect("the binary runs")).ended(0).out
}

/// The subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let (_, listed) = help.split_once("\nCommands:\n").unwrap_or_default();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    // A description that goes on stands further to the right.
    let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// The help of a command and of all below it.
fn all_help(words: &[&str], text: &mut String) {
    let shown = help(words);
    // Writing into a String cannot fail, here and below.
    let _ = writeln!(text, "$ billfold {}\n{shown}", [words, &["--help"]].concat().join(" "));
    for name in subcommands(&shown) {
        all_help(&[words, &[name.as_str()]].concat(), text);
    }
}

#[test]
fn help_is_as_it_was() {
    let whole = help(&[]);
    let commands = subcommands(&whole);
    assert!(commands.len() > 25, "{commands:?}");
    settings("help").bind(|| {
        assert_snapshot!("billfold", whole);
        for name in &commands {
            let mut text = String::new();
            all_help(&[name], &mut text);
            assert_snapshot!(name.as_str(), text);
        }
    });
}

/// A folder with the life of one subscription, received a second apart.
fn small_folder() -> Place {
    let place = Place::new();
    let life =
        Stream::load(&crate::support::fixtures().join("corpus/augmented/first_payment_fails_then_pays"));
    let secrets = crate::support::secrets();
    let mut lines = String::new();
    for (body, time) in life.bodies.iter().zip(RECEIVED_AT..) {
        let now = billfold::model::time::Seconds(time);
        let header = billfold::stripe::signature::sign(&secrets, body.as_bytes(), now);
        lines.push_str(&delivery(body, &header, Some(json!(time))));
    }
    let file = place.file("life.jsonl", &lines);
    run_with(b"", &["ingest", path(&file), "--data", &place.data()]).ended(0);
    place
}

/// What a person would see, without where the folder happens to be.
fn shown(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    let hidden = |text: &str| text.replace(path(place.dir.path()), "[FOLDER]");
    let mut text = format!("$ billfold {}\n{}", arguments.join(" "), hidden(&ran.out));
    if !ran.err.is_empty() {
        let _ = write!(text, "--- on stderr ---\n{}", hidden(&ran.err));
    }
    if ran.code != 0 {
        let _ = writeln!(text, "--- exit code {} ---", ran.code);
    }
    text
}

#[test]
fn output_is_as_it_was() {
    let place = small_folder();
    let subscriptions = place.run(&["subscriptions", "list", "--json"]).ended(0).json();
    let of_first = |name: &str| subscriptions["data"][0][name].as_str().expect("an id").to_owned();
    let (subscription, customer) = (of_first("id"), of_first("customer"));
    let other = subscription.replace("sub_", "SUB_");
    let commands: &[(&str, &[&str])] = &[
        ("customers-list", &["customers", "list"]),
        ("subscriptions-list", &["subscriptions", "list"]),
        ("subscriptions-show", &["subscriptions", "show", &subscription]),
        ("invoices-list", &["invoices", "list"]),
        ("payments-list", &["payments", "list"]),
        ("events-list", &["events", "list", "--limit", "5"]),
        ("why", &["why", &subscription]),
        ("history", &["history", &subscription]),
        ("diff", &["diff", &subscription, "--from", "@1"]),
        ("verify", &["verify"]),
        ("settings", &["settings"]),
        ("conflicts", &["conflicts"]),
        ("not-found", &["subscriptions", "show", "sub_none"]),
        ("another-kind", &["subscriptions", "show", &customer]),
        ("wrong-case", &["why", &other]),
        ("unknown-flag", &["subscriptions", "list", "--stauts", "active"]),
        ("unknown-command", &["subscription", "list"]),
        ("config-keys", &["config", "keys", "--json"]),
    ];
    settings("output").bind(|| {
        for (name, arguments) in commands {
            let text =
                if *name == "config-keys" { run(*arguments).ended(0).out } else { shown(&place, arguments) };
            assert_snapshot!(*name, text);
        }
    });
}

/// Colours are for terminals that want them: a pipe never gets any, whatever is asked.
#[test]
fn no_colour_reaches_a_pipe() {
    let place = small_folder();
    for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "0"), ("TERM", "xterm-256color")] {
        let mut command = command();
        command.args(["subscriptions", "list", "--data", &place.data()]).env(name, value);
        let ran = Ran::of(command.output().expect("the binary runs")).ended(0);
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{name}: {}", ran.out);
    }
}
