//! `rebuild`: folds the log again beside what is folded, compares if asked to, and puts it in its place; in a folder that
//! nobody serves, or in a running server.

mod running;

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::folder::{DataArgs, with_sources};
use super::output::Output;
use super::progress::Bar;
use super::source::Server;
use super::surroundings::now_seconds;
use super::table::{self, Look};
use super::view;
use crate::api;

/// The changes that are shown of each sort where nobody asked for all.
const SHOWN_MAX: usize = 50;

/// Fold the whole log anew; what was folded before is replaced when that is done
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The log is never touched, and the old state stays until the new one is complete: a rebuild that is \
broken off changes nothing. A folder that a server has open is rebuilt by that server: --url, with a token that has the \
scope admin. It serves the old state meanwhile, and goes on with the rebuild if this command is broken off.

With --diff the new state is compared with the old one first: whose status changes, and whose access, \
as of now. If anybody's does, or if there is no old state to compare with, you are asked; a script says --yes, or gets exit code 4 and the old state.

Examples:
  billfold rebuild
  billfold rebuild --diff
  billfold rebuild --diff --yes --json --data /var/lib/billfold
  billfold rebuild --diff --url http://127.0.0.1:4242")]
pub(super) struct RebuildArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Let the running server at this address do it; `BILLFOLD_API_TOKEN` holds its token.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Show whose status or access changes, and ask before anything does.
    #[arg(long)]
    diff: bool,
    /// Do not ask.
    #[arg(long, requires = "diff")]
    yes: bool,
    /// Print `{"records": …, "changed": …, "digest": …}`; with --diff also `swapped` and `differences`.
    #[arg(long)]
    json: bool,
}

impl RebuildArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        if let Some(url) = &self.url {
            return running::run(self, &Server::at(url)?, out);
        }
        let failed = |error: &dyn std::error::Error| Failure::new(Exit::Failed, with_sources(error));
        let mut shadow = self.data.open_shadow()?;
        let bar = Bar::records("rebuilding");
        shadow.fold(&|progress| bar.show(progress)).map_err(|error| failed(&error))?;
        bar.hide();
        let mut differences = Value::Null;
        if self.diff {
            let found = shadow.differences(now_seconds()).map_err(|error| failed(&error))?;
            differences = found.as_ref().map_or(Value::Null, api::differences);
            if !self.may_swap(&differences, out)? {
                shadow.discard();
                return self.kept(&differences, out);
            }
        }
        let rebuilt = shadow.swap(&|progress| bar.show(progress)).map_err(|error| failed(&error))?;
        let digest = hex::encode(rebuilt.digest);
        let rebuilt = json!({ "records": rebuilt.records, "changed": rebuilt.changed, "digest": digest });
        self.report(rebuilt, &differences, out)?;
        Ok(Exit::Done)
    }

    /// Shows the differences, and asks if anybody's status or access changes, or nothing could be compared.
    fn may_swap(&self, differences: &Value, out: &mut Output) -> Result<bool, Failure> {
        if !self.json {
            out.text(&told(differences, out.look))?;
            out.flush()?;
        }
        let some =
            |name| differences.get(name).and_then(Value::as_array).is_none_or(|found| !found.is_empty());
        let is_asked = !self.yes && (some("statuses") || some("access"));
        Ok(!is_asked || confirmed(self.json)?)
    }

    /// The old state stays, as nobody said yes.
    fn kept(&self, differences: &Value, out: &mut Output) -> Result<Exit, Failure> {
        if self.json {
            out.json(&json!({ "swapped": false, "differences": differences }))?;
            out.flush()?;
        }
        Err(Failure::new(Exit::Refused, "the old state stays")
            .remedy("say --yes to put the new one in its place"))
    }

    /// Says what was done: `records`, `changed`, `digest`.
    fn report(&self, mut rebuilt: Value, differences: &Value, out: &mut Output) -> Result<(), Failure> {
        if self.json {
            if let Some(members) = rebuilt.as_object_mut().filter(|_| self.diff) {
                members.insert("swapped".into(), true.into());
                members.insert("differences".into(), differences.clone());
            }
            return out.json(&rebuilt);
        }
        let is_changed = rebuilt.get("changed").and_then(Value::as_bool).unwrap_or_default();
        let outcome = if is_changed { "the state has changed" } else { "the state is the same" };
        let (records, digest) = (view::plain(&rebuilt, "records"), view::plain(&rebuilt, "digest"));
        out.text(&format!("{records} events folded anew: {outcome}\ndigest {digest}\n"))
    }
}

/// Asks on the terminal; nobody there is a no.
fn confirmed(json: bool) -> Result<bool, Failure> {
    if json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    super::failure::eprint_line("Put the new state in the place of the old one? [y/N]");
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::Failed, format!("no answer can be read: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The differences for people.
fn told(differences: &Value, look: Look) -> String {
    if differences.is_null() {
        return "there is no old state to compare with: none was folded yet, or it cannot be read\n"
            .to_owned();
    }
    let answer = differences;
    let says = |name| differences.get(name).and_then(Value::as_bool).unwrap_or_default();
    let mut text = changes(answer, "statuses", ["ID", "FROM", "TO"], look);
    if says("access_compared") {
        text.push_str(&changes(answer, "access", ["CUSTOMER", "FROM", "TO"], look));
    } else {
        text.push_str("another version folded the old state: whether access changes cannot be told\n");
    }
    if says("cut") {
        text.push_str("there are even more: not all are named\n");
    }
    text
}

fn changes(answer: &Value, name: &str, header: [&str; 3], look: Look) -> String {
    let changes = answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if changes.is_empty() {
        return format!("{name}: no change\n");
    }
    let shown = changes.get(..SHOWN_MAX).unwrap_or(changes);
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let mut text =
        format!("{name}: {} {}\n", changes.len(), if changes.len() == 1 { "change" } else { "changes" });
    text.push_str(&table::texts(&header, &rows, look));
    let more = changes.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "… and {more} more: --json names them");
    }
    text
}

/// One change: a status is a word, access a decision with its reason.
fn row(change: &Value) -> Vec<String> {
    let side = |name| match change.get(name) {
        Some(access @ Value::Object(_)) => {
            let until = view::time(access, "until");
            let until = if until.is_empty() { until } else { format!(" until {until}") };
            format!("{} ({}){until}", view::plain(access, "decision"), view::plain(access, "reason"))
        }
        Some(Value::String(word)) => view::clean(word),
        _ => "–".to_owned(),
    };
    let id = ["id", "customer"].iter().map(|name| view::plain(change, name)).find(|id| !id.is_empty());
    vec![id.unwrap_or_default(), side("from"), side("to")]
}
