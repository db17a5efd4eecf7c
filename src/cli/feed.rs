//! `feed`: every change, once, in order; and readers' places among the changes.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::list::{ScopeArgs, add};
use super::output::Output;
use super::source::{Query, SourceArgs};
use super::stats::cursors;
use super::{table, view};
use crate::engine::PAGE_ITEMS_MAX;
use crate::model::feed::Kind;

/// How long the server is asked to wait for something new.
const WAIT: &str = "30s";
/// How long a follower leaves a server alone that does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// See every change once, in order: statuses, plans, payments, refunds, disputes, access
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
With --as NAME the feed goes on where this reader's cursor stands, and the cursor moves once the lines \
are written: whoever is killed in between sees the same entries again, and misses none.
With --json each line is an entry; its idempotency_key is the same however often it is shown.
With --follow a server that restarts is waited for; one that refuses, or never answered, ends the command.

Examples:
  billfold feed --limit 20
  billfold feed --kind access.revoked --json
  billfold feed --as mailer --json --follow --url http://127.0.0.1:4242 | ./send-mails
  billfold feed cursors"
)]
pub(super) struct FeedArgs {
    #[command(subcommand)]
    command: Option<FeedCommand>,
    /// Go on behind the entry with this id; the beginning unless told.
    #[arg(long, value_name = "ID", conflicts_with = "reader")]
    after: Option<u64>,
    /// Go on where this reader's cursor stands, and move it when the lines are written.
    #[arg(long = "as", value_name = "NAME")]
    reader: Option<String>,
    /// At most so many entries.
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    limit: Option<usize>,
    /// Wait for new entries, for ever; of a running server (--url), also while it restarts.
    #[arg(long)]
    follow: bool,
    /// Only of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only of this kind.
    #[arg(long, value_parser = kind_names())]
    kind: Option<String>,
    /// Only of this object.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Print the API's JSON, an entry a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, clap::Subcommand)]
enum FeedCommand {
    Cursors(CursorsArgs),
    Forget(ForgetArgs),
}

/// List the named readers, and how far they are behind
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  billfold feed cursors\n  billfold feed cursors --json --url http://127.0.0.1:4242"
)]
struct CursorsArgs {
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Forget a named reader's place
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  billfold feed forget mailer --url http://127.0.0.1:4242")]
struct ForgetArgs {
    /// Its name.
    name: String,
    /// Print `{"name": …, "forgotten": true}`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

fn kind_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Kind::ALL.iter().map(|kind| kind.as_str()))
}

impl FeedArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        match &self.command {
            Some(FeedCommand::Cursors(arguments)) => arguments.run(out),
            Some(FeedCommand::Forget(arguments)) => {
                arguments.source.open()?.forget_cursor(&arguments.name)?;
                if arguments.json {
                    out.json(&serde_json::json!({ "name": arguments.name, "forgotten": true }))?;
                }
                Ok(Exit::Done)
            }
            None => self.read(out),
        }
    }

    fn read(&self, out: &mut Output) -> Result<Exit, Failure> {
        if self.follow && !self.source.asks_a_server() {
            return Err(Failure::usage("--follow waits for what a running server takes in")
                .remedy("say which: --url http://127.0.0.1:4242"));
        }
        let source = self.source.open()?;
        // None: where the cursor stands.
        let mut after = if self.reader.is_some() { None } else { Some(self.after.unwrap_or(0)) };
        let mut left = self.limit.unwrap_or(usize::MAX);
        let mut has_answered = false;
        while left > 0 {
            let page = self.patiently(has_answered, || source.ask(&["feed"], &self.query(after, left)))?;
            has_answered = true;
            let entries = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for entry in entries {
                self.show(entry, out)?;
            }
            out.flush()?;
            left = left.saturating_sub(entries.len());
            let next = page.get("next").and_then(Value::as_u64).unwrap_or(0);
            if let Some(name) = self.reader.as_ref().filter(|_| !entries.is_empty() || after != Some(next)) {
                // Only now: what was not written is shown again.
                self.patiently(true, || source.acknowledge(name, next))?;
            }
            let is_end = page.get("head").and_then(Value::as_u64).is_none_or(|head| next >= head);
            after = Some(next);
            if is_end && !self.follow {
                break;
            }
        }
        Ok(Exit::Done)
    }

    /// Asks; where it follows, until the server answers again. One that never answered is another matter: a wrong address
    /// has to be told.
    fn patiently<T>(&self, has_answered: bool, ask: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut is_told = false;
        loop {
            match ask() {
                Err(failure @ Failure::Told { exit: Exit::Failed, .. }) if self.follow && has_answered => {
                    if !is_told {
                        failure.report();
                        eprint_line("the feed goes on when the server answers again");
                        is_told = true;
                    }
                    thread::sleep(PAUSE);
                }
                answered => return answered,
            }
        }
    }

    fn query(&self, after: Option<u64>, left: usize) -> Query {
        let mut query = Query::new();
        match after {
            Some(after) => add(&mut query, "after", Some(&after)),
            None => add(&mut query, "as", self.reader.as_ref()),
        }
        add(&mut query, "limit", Some(&left.min(PAGE_ITEMS_MAX)));
        add(&mut query, "customer", self.customer.as_ref());
        add(&mut query, "kind", self.kind.as_ref());
        add(&mut query, "object", self.object.as_ref());
        self.scope.add_to(&mut query);
        if self.follow {
            add(&mut query, "wait", Some(&WAIT));
        }
        query
    }

    fn show(&self, entry: &Value, out: &mut Output) -> Result<(), Failure> {
        if self.json {
            out.json_line(entry)?;
            return out.text("\n");
        }
        out.text(&line(entry))
    }
}

impl CursorsArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let found = self.source.open()?.ask(&["feed", "cursors"], &Query::new())?;
        if self.json {
            out.json(&found)?;
        } else {
            let data = found.get("data").cloned().unwrap_or_default();
            let rows = cursors(&serde_json::json!({ "feed": { "cursors": data } }));
            out.text(&table::rows(&["CURSOR", "AFTER", "LAG"], &rows, out.look))?;
        }
        Ok(Exit::Done)
    }
}

/// An entry for people: what changed of what, from what to what.
fn line(entry: &Value) -> String {
    let said = |name: &str| entry.get(name).map(brief).unwrap_or_default();
    let [id, kind, object, customer] =
        ["id", "kind", "object", "customer"].map(|name| view::plain(entry, name));
    let customer =
        if customer.is_empty() || customer == object { String::new() } else { format!(" of {customer}") };
    let from = said("from");
    let arrow = if from.is_empty() { String::new() } else { format!("{from} → ") };
    let until = view::time(entry, "next_change_at");
    let until = if until.is_empty() { until } else { format!(", until {until}") };
    let time = view::time(entry, "received_at");
    format!("{id:>8}  {time:24}  {kind:36}  {object}{customer}: {arrow}{}{until}\n", said("to"))
}

/// What a standing comes to, in a few words.
fn brief(standing: &Value) -> String {
    let mut words = Vec::new();
    for name in ["decision", "reason", "status", "cancel_at", "trial_end", "merged_into"] {
        let time = view::time(standing, name);
        let word = if time.is_empty() { view::plain(standing, name) } else { time };
        let label = if matches!(name, "cancel_at" | "trial_end" | "merged_into") {
            format!("{} ", name.replace('_', " "))
        } else {
            String::new()
        };
        words.extend(Some(word).filter(|word| !word.is_empty()).map(|word| format!("{label}{word}")));
    }
    for name in ["amount", "amount_due", "amount_refunded", "amount_disputed"] {
        let is_some = standing.get(name).and_then(Value::as_i64).is_some_and(|amount| amount != 0);
        words.extend(is_some.then(|| format!("{} {}", name.replace('_', " "), view::money(standing, name))));
    }
    if let Some(items) = standing.get("items").and_then(Value::as_array) {
        let item =
            |item: &Value| format!("{} × {}", view::plain(item, "price"), view::plain(item, "quantity"));
        words.extend(items.iter().map(item));
    }
    if let Some(features) = standing.get("features").and_then(Value::as_array) {
        words.extend(features.iter().filter_map(Value::as_str).map(view::clean));
    }
    words.join(", ")
}
