//! `customers list`, `payments show ID` and their kin: one shape for all that can be listed.

use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::moment::parse_moment;
use super::output::Output;
use super::past::PastArgs;
use super::source::{Query, Source, SourceArgs};
use super::surroundings::stderr_is_terminal;
use super::{failure, table, view};
use crate::api;
use crate::engine::{FoldOutcome, PAGE_ITEMS_MAX};
use crate::model::time::Seconds;

/// Which account and mode.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ScopeArgs {
    /// Only this connected account; `self` is the account that owns the endpoint.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only live or only test mode.
    #[arg(long, value_name = "true|false")]
    livemode: Option<bool>,
}

impl ScopeArgs {
    pub(super) fn add_to(&self, query: &mut Query) {
        add(query, "account", self.account.as_ref());
        add(query, "livemode", self.livemode.as_ref());
    }
}

/// Which part of a list.
#[derive(Debug, Clone, clap::Args)]
struct PageArgs {
    /// At most so many items (of each page, with --all); 50 unless told.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=PAGE_ITEMS_MAX as u64))]
    limit: Option<u64>,
    /// Go on behind this cursor: `next` of the page before.
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Follow the cursors to the end.
    #[arg(long)]
    all: bool,
    /// Print the API's JSON: `{"data": […], "next": cursor or null}`.
    #[arg(long)]
    json: bool,
}

/// What to see of a kind of object.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ObjectsCommand {
    /// List them, newest first
    #[command(after_help = "\
Examples:
  billfold subscriptions list --status past_due
  billfold payments list --customer cus_123 --created-from 2026-01-01
  billfold invoices list --all --json > invoices.json
  billfold customers list --url http://127.0.0.1:4242")]
    List(ListArgs),
    /// Show one, by its id
    #[command(after_help = "\
A payment is found by the id of its intent or of any charge, refund or dispute in it.

Examples:
  billfold subscriptions show sub_123
  billfold payments show re_123 --json
  billfold subscriptions show sub_123 --as-of 2026-01-31")]
    Show(ShowArgs),
}

/// The filters of a list of objects.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only with this status.
    #[arg(long)]
    status: Option<String>,
    /// Only of this customer.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only created at or after this time: 2026-01-31, RFC 3339 or Unix seconds.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    created_from: Option<Seconds>,
    /// Only created before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    created_before: Option<Seconds>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    past: PastArgs,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    source: SourceArgs,
}

/// Which object.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Its id.
    id: String,
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

impl ObjectsCommand {
    pub(super) fn run(&self, collection: &str, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::List(arguments) => arguments.run(collection, out),
            Self::Show(arguments) => {
                let mut query = Query::new();
                arguments.scope.add_to(&mut query);
                arguments.past.add_to(&mut query);
                let found = arguments.source.open()?.ask_about((collection, &arguments.id), None, &query)?;
                show(&found, arguments.json, out)
            }
        }
    }
}

impl ListArgs {
    fn run(&self, collection: &str, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        add(&mut query, "status", self.status.as_ref());
        add(&mut query, "customer", self.customer.as_ref());
        add(&mut query, "created_from", self.created_from.map(|moment| moment.0).as_ref());
        add(&mut query, "created_before", self.created_before.map(|moment| moment.0).as_ref());
        self.scope.add_to(&mut query);
        self.past.add_to(&mut query);
        self.page.run(&self.source.open()?, collection, query, out)
    }
}

/// See the objects of any kind
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold objects products list
  billfold objects checkout_sessions show cs_123")]
pub(super) struct AnyArgs {
    /// Which kind.
    #[arg(value_parser = collection_names())]
    kind: String,
    #[command(subcommand)]
    command: ObjectsCommand,
}

fn collection_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(api::COLLECTIONS.iter().map(|(word, _)| *word))
}

impl AnyArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        self.command.run(&self.kind, out)
    }
}

/// What to see of the stored events.
#[derive(Debug, clap::Subcommand)]
pub(super) enum EventsCommand {
    /// List them, newest first
    #[command(after_help = "\
Examples:
  billfold events list --type invoice.paid
  billfold events list --object sub_123
  billfold events list --outcome unreadable --all --json")]
    List(EventsListArgs),
    /// Show one, by its event id or sha256:… for a body in quarantine
    #[command(after_help = "\
Examples:
  billfold events show evt_123
  billfold events show evt_123 --body --json | jq -r .body")]
    Show(EventArgs),
}

/// The filters of the list of events.
#[derive(Debug, clap::Args)]
pub(super) struct EventsListArgs {
    /// Only of this type, such as invoice.paid.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only those that this came of.
    #[arg(long, value_parser = outcome_names())]
    outcome: Option<String>,
    /// Only what was said about this object.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    past: PastArgs,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    source: SourceArgs,
}

/// Which event.
#[derive(Debug, clap::Args)]
pub(super) struct EventArgs {
    /// Its id.
    id: String,
    /// Show the raw body too: it holds your customers' data.
    #[arg(long)]
    body: bool,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

fn outcome_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(FoldOutcome::ALL.iter().map(|outcome| outcome.as_str()))
}

impl EventsCommand {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        match self {
            Self::List(arguments) => {
                add(&mut query, "type", arguments.event_type.as_ref());
                add(&mut query, "outcome", arguments.outcome.as_ref());
                add(&mut query, "object", arguments.object.as_ref());
                arguments.scope.add_to(&mut query);
                arguments.past.add_to(&mut query);
                arguments.page.run(&arguments.source.open()?, "events", query, out)
            }
            Self::Show(arguments) => {
                if arguments.body {
                    add(&mut query, "body", Some(&true));
                }
                arguments.scope.add_to(&mut query);
                let found = arguments.source.open()?.ask_about(("events", &arguments.id), None, &query)?;
                show(&found, arguments.json, out)
            }
        }
    }
}

/// List second bodies under known event ids that said something else; the first ones stay
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold conflicts
  billfold conflicts --json --url http://127.0.0.1:4242")]
pub(super) struct ConflictsArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl ConflictsArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let page = PageArgs { limit: None, after: None, all: false, json: self.json };
        let mut query = Query::new();
        self.scope.add_to(&mut query);
        page.run(&self.source.open()?, "conflicts", query, out)
    }
}

impl PageArgs {
    fn run(
        &self,
        source: &Source,
        collection: &str,
        mut query: Query,
        out: &mut Output,
    ) -> Result<Exit, Failure> {
        add(&mut query, "limit", self.limit.as_ref());
        let mut pages = Pages { source, collection, query, next: self.after.clone() };
        match (self.all, self.json) {
            (true, true) => pages.all_json(out)?,
            (true, false) => pages.all_tables(out)?,
            (false, true) => out.json(&pages.ask()?)?,
            (false, false) => {
                let page = pages.ask()?;
                print_table(collection, items(&page), out)?;
                out.flush()?;
                if let Some(next) = &pages.next {
                    note(&format!("more: --after {next}, or --all"));
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// A list, page by page.
struct Pages<'a> {
    source: &'a Source,
    collection: &'a str,
    query: Query,
    next: Option<String>,
}

impl Pages<'_> {
    fn ask(&mut self) -> Result<Value, Failure> {
        let mut query = self.query.clone();
        add(&mut query, "after", self.next.as_ref());
        let page = self.source.ask(&[self.collection], &query)?;
        self.next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        Ok(page)
    }

    /// One document, an item a line, however many pages there are: nothing is kept in memory.
    fn all_json(&mut self, out: &mut Output) -> Result<(), Failure> {
        let mut separator = "{\"data\":[\n";
        loop {
            let page = self.ask()?;
            for item in items(&page) {
                out.text(separator)?;
                out.json_line(item)?;
                separator = ",\n";
            }
            if self.next.is_none() {
                break;
            }
        }
        if separator != ",\n" {
            out.text(separator)?;
        }
        out.text("\n],\"next\":null}\n")
    }

    /// A table a page: widths fit what is on the page.
    fn all_tables(&mut self, out: &mut Output) -> Result<(), Failure> {
        let mut shown = 0_usize;
        loop {
            let page = self.ask()?;
            let items = items(&page);
            shown = shown.saturating_add(items.len());
            let last = self.next.is_none();
            if !items.is_empty() || (last && shown == 0) {
                print_table(self.collection, items, out)?;
            }
            if last {
                return Ok(());
            }
        }
    }
}

fn items(page: &Value) -> &[Value] {
    page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn print_table(collection: &str, items: &[Value], out: &mut Output) -> Result<(), Failure> {
    if items.is_empty() {
        note(&format!("no {}", collection.replace('_', " ")));
        return Ok(());
    }
    let table = table::list(collection, items, out.look);
    out.text(&table)
}

/// A hint for a person; a script that reads the table gets nothing but the table.
fn note(text: &str) {
    if stderr_is_terminal() {
        failure::eprint_line(text);
    }
}

/// One answer, as JSON or for people.
pub(super) fn show(found: &Value, as_json: bool, out: &mut Output) -> Result<Exit, Failure> {
    if as_json {
        out.json(found)?;
    } else {
        out.text(&view::object(found))?;
    }
    Ok(Exit::Done)
}

/// Adds a parameter that is given.
pub(super) fn add(query: &mut Query, name: &str, value: Option<&impl ToString>) {
    query.extend(value.map(|value| (name.to_owned(), value.to_string())));
}
