//! `why`: which event decides an object's state, and what became of the others.

use std::fmt::Write as _;

use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::list::{ScopeArgs, add};
use super::output::Output;
use super::past::PastArgs;
use super::source::{Query, SourceArgs};
use super::table::{self, Look};
use super::view;
use crate::engine::PAGE_ITEMS_MAX;

/// The most changed fields that a line names.
const CHANGED_FIELDS_MAX: usize = 4;

/// Say why an object is as it is: its events, which one decides, what became of the others
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One line an event, the newest last: in causal order as far as that is known. The last sentence \
says which event decides and why. An object of any kind is found by its id; the id of a payment \
explains its intent, charges, refunds and disputes.

The order of delivery changes nothing here but LOG (the place in the log) and RECEIVED.

Examples:
  billfold why sub_123
  billfold why pi_123 --limit 500
  billfold why in_123 --json | jq '.objects[0].because'")]
pub(super) struct WhyArgs {
    /// The object's id at Stripe.
    id: String,
    /// Show at most so many of the newest events, shared out among the objects; 50 unless told.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAGE_ITEMS_MAX as u64))]
    limit: Option<u64>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    past: PastArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl WhyArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        self.scope.add_to(&mut query);
        self.past.add_to(&mut query);
        add(&mut query, "limit", self.limit.as_ref());
        let answer = self.source.open()?.ask_about(("objects", &self.id), Some("why"), &query);
        let answer = answer.map_err(Self::remedied)?;
        if self.json {
            out.json(&answer)?;
        } else {
            out.text(&text(&answer, out.look))?;
        }
        Ok(Exit::Done)
    }

    fn remedied(failure: Failure) -> Failure {
        match failure {
            Failure::Told { exit: Exit::NotFound, remedy: None, .. } => failure.remedy(
                "is it the whole id? --account and --livemode narrow; `billfold events list --outcome unreadable` shows what \
                 came and was not understood",
            ),
            other => other,
        }
    }
}

/// The whole answer for a person.
fn text(answer: &Value, look: Look) -> String {
    let mut parts = Vec::new();
    if let Some(payment) = answer.get("payment").filter(|payment| payment.is_object()) {
        let (id, status) = (view::plain(payment, "id"), view::plain(payment, "status"));
        parts.push(format!("payment {id}: {status}, of {}\n", words(payment, "members")));
    }
    parts.extend(list(answer, "objects").iter().map(|object| explained(object, look)));
    if let Some(omitted @ 1..) = answer.get("omitted").and_then(Value::as_u64) {
        parts.push(format!("{omitted} more members are left out: ask for one by its own id\n"));
    }
    parts.join("\n")
}

fn explained(object: &Value, look: Look) -> String {
    let id = view::plain(object, "id");
    let status = Some(view::plain(object, "status")).filter(|status| !status.is_empty());
    let status = status.map(|status| format!(": {status}")).unwrap_or_default();
    let mut text = format!("{} {id}{status}\n\n", view::plain(object, "object"));
    // Writing into a String cannot fail, here and below.
    if let Some(omitted @ 1..) = object.get("omitted").and_then(Value::as_u64) {
        let _ = writeln!(text, "({omitted} older events: --limit, or `billfold events list --object {id}`)");
    }
    let lines: Vec<Value> = list(object, "observations").iter().map(line).collect();
    text.push_str(&table::list("observations", &lines, look));
    text.push('\n');
    text.push_str(&view::plain(object, "because"));
    text.push('\n');
    text
}

/// An observation with the cells that are words.
fn line(observation: &Value) -> Value {
    let mut line = observation.clone();
    if let Some(members) = line.as_object_mut() {
        members.insert("changed".to_owned(), changed(observation).into());
        members.insert("why".to_owned(), why(observation).into());
    }
    line
}

/// The status in words, the other fields by name. Nothing where it is not known what was before.
fn changed(observation: &Value) -> String {
    let Some(changes) = observation.get("changes").and_then(Value::as_array) else { return String::new() };
    if changes.is_empty() {
        return "nothing".to_owned();
    }
    let is_status = |change: &&Value| change.get("field").and_then(Value::as_str) == Some("status");
    let status = changes.iter().find(is_status);
    let status = status
        .map(|change| format!("status {} → {}", view::plain(change, "from"), view::plain(change, "to")));
    let others =
        changes.iter().filter(|change| !is_status(change)).map(|change| view::plain(change, "field"));
    let mut fields: Vec<String> = status.into_iter().chain(others).collect();
    let more = fields.len().saturating_sub(CHANGED_FIELDS_MAX);
    fields.truncate(CHANGED_FIELDS_MAX);
    let more = Some(more).filter(|more| *more > 0).map(|more| format!(" +{more}"));
    fields.join(", ") + &more.unwrap_or_default()
}

fn why(observation: &Value) -> String {
    let mut text = match view::plain(observation, "standing").as_str() {
        "decides" => "decides".to_owned(),
        "agrees" => "shows the same state".to_owned(),
        _ => stale(&view::plain(observation, "stale_by")),
    };
    if let Some(like) = observation.get("like").filter(|like| like.is_object()) {
        let how = match view::plain(like, "how").as_str() {
            "same_content" => "same content as".to_owned(),
            how => format!("{how} of"),
        };
        let _ = write!(text, ", {how} {}", view::plain(like, "event"));
    }
    let proves = words(observation, "proves");
    if !proves.is_empty() {
        let _ = write!(text, ", proves {proves}");
    }
    text
}

/// What the API's word means for the event that it is said of.
fn stale(word: &str) -> String {
    let meaning = match word {
        "later_second" => "a later second",
        "terminal" => "another shows a final status",
        "creation" => "the creation",
        "lifecycle_rank" => "an earlier stage",
        "numbers" => "lower numbers",
        "change" => "a reminder",
        "walk" | "closed_walk" => "the walk goes on",
        "named_rule" => "an earlier type",
        "type_rank" => return "perhaps stale: a lower type".to_owned(),
        "event_id" => return "perhaps stale: a lower id".to_owned(),
        other => other,
    };
    format!("stale: {meaning}")
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn words(object: &Value, name: &str) -> String {
    let words = list(object, name).iter().filter_map(Value::as_str).map(view::clean);
    words.collect::<Vec<_>>().join(", ")
}
