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
        if command.has_subcommands() {
            for inner in command.get_subcommands() {
                check(inner, &format!("{path} {}", inner.get_name()));
            }
            return;
        }
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Example"), "{path} has no example");
        assert!(command.get_about().is_some(), "{path} does not say what it does");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path} {} is not explained", argument.get_id());
        }
    }
    check(&Arguments::command(), "billfold");
}

#[test]
fn every_path_of_a_command_exists() {
    for word in ["customers", "subscriptions", "invoices", "payments", "refunds", "disputes"] {
        assert!(crate::api::COLLECTIONS.iter().any(|(collection, _)| *collection == word), "{word}");
    }
}
