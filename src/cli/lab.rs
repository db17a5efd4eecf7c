//! `lab`: lives with the truth known, to check the fold, to compare it with simpler rules, and to try an endpoint with.

mod check;
mod compare;
mod story;
mod write;

pub(super) use story::StoryArgs;

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::table;
use crate::lab::Version;
use crate::lab::world::{Scenario, Setting, Versions};

/// Made-up lives of customers with the truth known: check, compare, list, write
#[derive(Debug, clap::Subcommand)]
pub(super) enum LabCommand {
    Check(check::CheckArgs),
    Compare(compare::CompareArgs),
    List(ListArgs),
    Write(write::WriteArgs),
}

impl LabCommand {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Check(arguments) => arguments.run(out),
            Self::Compare(arguments) => arguments.run(out),
            Self::List(arguments) => arguments.run(out),
            Self::Write(arguments) => arguments.run(out),
        }
    }
}

/// How many lives, and which.
#[derive(Debug, clap::Args)]
struct RunArgs {
    /// How many lives are played.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    lives: u64,
    /// In how many orders each is delivered.
    #[arg(long, value_name = "COUNT", default_value_t = 6)]
    orders: usize,
    /// What all choices follow from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many changes in a hundred share the second of the one before.
    #[arg(long, value_name = "PERCENT", default_value_t = 65, value_parser = clap::value_parser!(u32).range(0..=100))]
    ties: u32,
}

impl RunArgs {
    fn setting(&self) -> Setting {
        Setting { ties: self.ties, ..Setting::default() }
    }
}

/// List the stories that have a name
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every event type that is folded is a name, too: the shortest story that ends with such an event.

Examples:
  billfold lab list
  billfold lab write renewal-failed")]
pub(super) struct ListArgs {
    /// Print `[{"name": …, "about": …}]`.
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        if self.json {
            let stories = Scenario::all().map(|story| json!({ "name": story.name, "about": story.about }));
            out.json(&Value::Array(stories.collect()))?;
        } else {
            let rows: Vec<Vec<String>> =
                Scenario::all().map(|story| vec![story.name.to_owned(), story.about.to_owned()]).collect();
            out.text(&table::texts(&["NAME", "WHAT HAPPENS"], &rows, out.look))?;
        }
        Ok(Exit::Done)
    }
}

/// `mixed`, or the name of a version.
fn parse_versions(name: &str) -> Result<Versions, String> {
    if name == "mixed" {
        return Ok(Versions::Mixed);
    }
    let known: Vec<&str> = Version::ALL.iter().map(|version| version.as_str()).collect();
    let unknown = || format!("no version that the lab renders: mixed, {}", known.join(", "));
    Version::parse(name).map(Versions::One).ok_or_else(unknown)
}

/// A share in percent with three digits behind the point.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part).saturating_mul(100_000).checked_div(u128::from(whole)).unwrap_or(0);
    let (whole, rest) = (thousandths.checked_div(1_000), thousandths.checked_rem(1_000));
    format!("{}.{:03} %", whole.unwrap_or(0), rest.unwrap_or(0))
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).checked_rem(3) == Some(0) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_thousands() {
        assert_eq!(percent(1, 3), "33.333 %");
        assert_eq!(percent(0, 0), "0.000 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.000 %");
        assert_eq!([grouped(0), grouped(999), grouped(1_234_567)], ["0", "999", "1,234,567"]);
    }

    #[test]
    fn versions_by_name() {
        assert_eq!(parse_versions("mixed"), Ok(Versions::Mixed));
        assert_eq!(parse_versions("basil"), Ok(Versions::One(Version::Basil)));
        assert!(parse_versions("1999").is_err_and(|reason| reason.contains("2026-07-29.dahlia")));
    }
}
