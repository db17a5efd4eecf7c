//! The past: `--as-of` on what reads, `history`, `diff`.

use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::list::{ScopeArgs, add};
use super::moment::{millis_text, parse_moment_millis};
use super::output::Output;
use super::source::{Query, SourceArgs};
use super::table;
use super::view;
use crate::engine::PAGE_ITEMS_MAX;

/// As of which moment.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PastArgs {
    /// As it was known then: a time (2026-01-31, RFC 3339, Unix seconds), or @ and a position in the log, such as @42.
    #[arg(long, value_name = "TIME|@POSITION", value_parser = parse_as_of)]
    as_of: Option<String>,
    /// As it truly was then: by the time when events were made, not when they came.
    #[arg(long, requires = "as_of")]
    by_created: bool,
}

impl PastArgs {
    pub(super) fn add_to(&self, query: &mut Query) {
        add(query, "as_of", self.as_of.as_ref());
        add(query, "by_created", Some(&true).filter(|_| self.by_created));
    }
}

/// A moment as the API takes it.
fn parse_as_of(text: &str) -> Result<String, String> {
    if let Some(position) = text.strip_prefix('@') {
        return match position.parse::<u64>() {
            Ok(position) => Ok(format!("@{position}")),
            Err(_) => Err("a position is @ and a whole number, such as @42".to_owned()),
        };
    }
    parse_moment_millis(text).map(millis_text)
}

/// Show how an object or a payment came to be what it is: its states, with the events that made them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line a state, the newest last: since when, what changed, and which events say so. By the time
when the events were made, whenever they came; `billfold why` says what decides the last state.

Examples:
  billfold history sub_123
  billfold history pi_123 --json | jq '.states[].status'")]
pub(super) struct HistoryArgs {
    /// The id of an object, or of a payment.
    id: String,
    /// At most so many of the newest states; 50 unless told.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAGE_ITEMS_MAX as u64))]
    limit: Option<u64>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl HistoryArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        self.scope.add_to(&mut query);
        add(&mut query, "limit", self.limit.as_ref());
        let answer = self.source.open()?.ask_about(("objects", &self.id), Some("history"), &query)?;
        if self.json {
            out.json(&answer)?;
            return Ok(Exit::Done);
        }
        if let Some(omitted @ 1..) = answer.get("omitted").and_then(Value::as_u64) {
            out.text(&format!("({omitted} older states: --limit)\n"))?;
        }
        let states = list(&answer, "states");
        let rows: Vec<Vec<String>> = states.iter().map(row).collect();
        out.text(&table::texts(&["SINCE", "STATUS", "CHANGED", "EVENTS"], &rows, out.look))?;
        Ok(Exit::Done)
    }
}

/// One state.
fn row(state: &Value) -> Vec<String> {
    let mut status = view::plain(state, "status");
    if state.get("ambiguous") == Some(&Value::Bool(true)) {
        status.push_str(" (ambiguous)");
    }
    let changed = match state.get("changes").and_then(Value::as_array) {
        None => "first seen".to_owned(),
        Some(changes) => {
            changes.iter().map(|change| view::plain(change, "field")).collect::<Vec<_>>().join(", ")
        }
    };
    let events = list(state, "events").iter().filter_map(Value::as_str).map(view::clean);
    vec![view::time(state, "created"), status, changed, events.collect::<Vec<_>>().join(", ")]
}
/// Show what changed of an object or a payment between two moments
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold diff sub_123 --from 2026-01-01
  billfold diff pi_123 --from @40 --to @42
  billfold diff in_123 --from 2026-01-01 --to 2026-02-01 --by-created --json")]
pub(super) struct DiffArgs {
    /// The id of an object, or of a payment.
    id: String,
    /// The earlier moment: a time, or @ and a position in the log.
    #[arg(long, value_name = "TIME|@POSITION", value_parser = parse_as_of)]
    from: String,
    /// The later moment; now, unless told.
    #[arg(long, value_name = "TIME|@POSITION", value_parser = parse_as_of)]
    to: Option<String>,
    /// By the time when events were made, not when they came.
    #[arg(long)]
    by_created: bool,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl DiffArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        self.scope.add_to(&mut query);
        add(&mut query, "from", Some(&self.from));
        add(&mut query, "to", self.to.as_ref());
        add(&mut query, "by_created", Some(&true).filter(|_| self.by_created));
        let answer = self.source.open()?.ask_about(("objects", &self.id), Some("diff"), &query)?;
        if self.json {
            out.json(&answer)?;
            return Ok(Exit::Done);
        }
        let changes = list(&answer, "changes");
        if changes.is_empty() {
            out.text("nothing changed\n")?;
            return Ok(Exit::Done);
        }
        let side = |change: &Value, name| match change.get(name) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::String(text)) => view::clean(text),
            Some(other) => view::clean(&other.to_string()),
        };
        let rows: Vec<Vec<String>> = changes
            .iter()
            .map(|change| vec![view::plain(change, "field"), side(change, "from"), side(change, "to")])
            .collect();
        out.text(&table::texts(&["FIELD", "FROM", "TO"], &rows, out.look))?;
        Ok(Exit::Done)
    }
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
