//! `stats`: how the folder is doing, in numbers.

use std::fmt::Write as _;

use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::list::show;
use super::moment::parse_span;
use super::output::Output;
use super::source::{Query, SourceArgs};
use super::{table, view};

/// The window where nobody asked for one.
const WINDOW_DEFAULT: &str = "24h";

/// Count deliveries, events and objects; show the success rate
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The success rate is the share of deliveries in the window that were stored and understood:
accepted and duplicate, less unreadable, over all with the refused ones.

Examples:
  billfold stats
  billfold stats --window 7d
  billfold stats --json --url http://127.0.0.1:4242")]
pub(super) struct StatsArgs {
    /// How far the delivery counts look back: 90s, 15m, 24h, 7d.
    #[arg(long, value_name = "SPAN", default_value = WINDOW_DEFAULT, value_parser = parse_span)]
    window: i64,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl StatsArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let query = Query::from([("window".to_owned(), format!("{}s", self.window))]);
        let stats = self.source.open()?.ask(&["stats"], &query)?;
        if self.json {
            return show(&stats, true, out);
        }
        out.text(&summary(&stats))?;
        let types = by_type(&stats);
        if !types.is_empty() {
            out.text("\n")?;
            out.text(&table::rows(&["EVENT TYPE", "OUTCOME", "EVENTS"], &types, out.look))?;
        }
        let objects = objects(&stats);
        if !objects.is_empty() {
            out.text("\n")?;
            out.text(&table::rows(&["OBJECTS", "COUNT"], &objects, out.look))?;
        }
        let cursors = cursors(&stats);
        if !cursors.is_empty() {
            out.text("\n")?;
            out.text(&table::rows(&["CURSOR", "AFTER", "LAG"], &cursors, out.look))?;
        }
        Ok(Exit::Done)
    }
}

/// The lines above the tables: a name, and what is counted under it.
fn summary(stats: &Value) -> String {
    let at = |path: &str| stats.pointer(path);
    let number = |path: &str| {
        at(path).and_then(Value::as_u64).map_or_else(|| "-".to_owned(), |count| count.to_string())
    };
    let mut refusals = String::new();
    if let Some(Value::Object(reasons)) = at("/window/refused_by_reason") {
        for (index, (reason, count)) in reasons.iter().enumerate() {
            let opening = if index == 0 { " (" } else { ", " };
            // Writing into a String cannot fail, here and below.
            let _ = write!(refusals, "{opening}{} {count}", view::clean(reason));
        }
        refusals.push_str(if reasons.is_empty() { "" } else { ")" });
    }
    let lines = [
        ("events stored", number("/log/records")),
        ("not yet folded", number("/lag")),
        ("newest received", view::time(stats, "newest_received_at")),
        ("window", span(at("/window/seconds").and_then(Value::as_i64).unwrap_or(0))),
        ("  accepted", number("/window/accepted")),
        ("  duplicate", number("/window/duplicate")),
        ("  refused", format!("{}{refusals}", number("/window/refused"))),
        ("  unreadable", number("/window/unreadable")),
        ("  unexpected", number("/window/unexpected")),
        ("  success rate", rate(at("/window/success_rate"))),
        ("feed entries", number("/feed/head")),
        ("conflicting bodies", number("/conflicts")),
        ("ambiguous objects", number("/ambiguous")),
        ("log head", at("/log/digest").and_then(Value::as_str).map(view::clean).unwrap_or_default()),
    ];
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    text
}

/// A share of one as per cent; the digits are moved, nothing is rounded.
fn rate(value: Option<&Value>) -> String {
    let Some(text) = value.and_then(Value::as_number).map(ToString::to_string) else {
        return "- (no deliveries)".to_owned();
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{part:0<4}");
    let at = whole.len().saturating_add(2);
    let (percent, rest) = digits.split_at_checked(at).unwrap_or((&digits, ""));
    let percent = percent.trim_start_matches('0');
    let percent = if percent.is_empty() { "0" } else { percent };
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{percent} %") } else { format!("{percent}.{rest} %") }
}

fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fit = units.iter().find(|(unit, _)| seconds >= *unit && seconds.checked_rem(*unit) == Some(0));
    match fit {
        Some((unit, word)) => format!("{}{word}", seconds.checked_div(*unit).unwrap_or(seconds)),
        None => format!("{seconds}s"),
    }
}

fn by_type(stats: &Value) -> Vec<Vec<String>> {
    let rows = stats.get("by_type").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .map(|row| ["type", "outcome", "count"].iter().map(|name| view::plain(row, name)).collect())
        .collect()
}

/// Readers of the feed, and how far they are behind.
pub(super) fn cursors(of: &Value) -> Vec<Vec<String>> {
    let rows = of.pointer("/feed/cursors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rows.iter()
        .map(|row| ["name", "after", "lag"].iter().map(|name| view::plain(row, name)).collect())
        .collect()
}

fn objects(stats: &Value) -> Vec<Vec<String>> {
    let Some(Value::Object(counts)) = stats.get("objects") else { return Vec::new() };
    counts.iter().map(|(kind, count)| vec![kind.clone(), count.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: &Value, expected: &str) {
        assert_eq!(rate(Some(value)), expected);
    }

    #[test]
    fn rates_are_shown_as_per_cent() {
        check(&json!(1.0), "100 %");
        check(&json!(1), "100 %");
        check(&json!(0.9999), "99.99 %");
        check(&json!(0.5), "50 %");
        check(&json!(0.05), "5 %");
        check(&json!(0.0003), "0.03 %");
        check(&json!(0.0), "0 %");
        check(&Value::Null, "- (no deliveries)");
    }

    #[test]
    fn spans_are_shown_in_their_largest_unit() {
        for (seconds, expected) in [(86_400, "1d"), (90_000, "25h"), (120, "2m"), (61, "61s"), (0, "0s")] {
            assert_eq!(span(seconds), expected);
        }
    }
}
