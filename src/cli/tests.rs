use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

/// Every command that does something shows how it is used.
#[test]
fn every_command_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
        for help in [command.clone().render_long_help(), command.clone().render_help()] {
            let help = help.to_string();
            let examples = help.split_once("Examples:\n").map(|(_, examples)| examples);
            let example = examples.unwrap_or_default();
            // An example of another command helps nobody here.
            let words = path.strip_prefix("billfold ").unwrap_or_default();
            let last = words.rsplit(' ').next().unwrap_or_default();
            assert!(
                example.contains("billfold") && example.contains(last),
                "{path} has no example of its own"
            );
        }
        assert!(command.get_about().is_some(), "{path} does not say what it does");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path} {} is not explained", argument.get_id());
        }
    }
    check(&Arguments::command(), "billfold");
}

/// Commands without `--json`, and why.
const WITHOUT_JSON: &[(&str, &str)] = &[
    ("billfold serve", "its log lines have --log-format json"),
    ("billfold settings", "it prints JSON anyhow"),
    ("billfold openapi", "it prints JSON anyhow"),
    ("billfold lab write", "it prints JSON lines anyhow"),
    ("billfold completions", "it prints what a shell reads"),
    ("billfold man", "it writes pages"),
];

/// A program can read what every command says, and knows what to expect.
#[test]
fn every_command_has_json() {
    fn check(command: &clap::Command, path: &str) {
        for inner in command.get_subcommands() {
            check(inner, &format!("{path} {}", inner.get_name()));
        }
        if command.has_subcommands() {
            return;
        }
        let json = command.get_arguments().find(|argument| argument.get_long() == Some("json"));
        let excused = WITHOUT_JSON.iter().any(|(known, _)| *known == path);
        assert_eq!(json.is_none(), excused, "{path}");
        let help = json.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default();
        assert!(excused || help.starts_with("Print "), "{path} --json does not say what it prints: {help}");
    }
    check(&Arguments::command(), "billfold");
}

#[test]
fn every_path_of_a_command_exists() {
    for word in ["customers", "subscriptions", "invoices", "payments", "refunds", "disputes"] {
        assert!(crate::api::COLLECTIONS.iter().any(|(collection, _)| *collection == word), "{word}");
    }
}
