//! `refold --unreadable`: what this version understands that an older one did not.

use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::folder::{DataArgs, with_sources};
use super::output::Output;
use super::progress::Bar;

/// Look again at stored events that were not understood
#[derive(Debug, clap::Args)]
#[command(after_help = "\
For after an upgrade: events of unknown types and shapes are kept, and folded once they are understood.
`billfold events list --outcome unreadable` shows what is left.

Examples:
  billfold refold --unreadable")]
pub(super) struct RefoldArgs {
    /// Those whose type or shape was not understood. (There is no other choice yet.)
    #[arg(long, required = true)]
    unreadable: bool,
    #[command(flatten)]
    data: DataArgs,
    /// Print `{"looked_at": …, "folded_now": …}`.
    #[arg(long)]
    json: bool,
}

impl RefoldArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        debug_assert!(self.unreadable);
        let billfold = self.data.open()?;
        let bar = Bar::records("looking again");
        let refolded = billfold.refold_unreadable(&|progress| bar.show(progress));
        bar.hide();
        let refolded = refolded.map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))?;
        let (looked_at, folded_now) = (refolded.looked_at, refolded.folded_now);
        if self.json {
            out.json(&json!({ "looked_at": looked_at, "folded_now": folded_now }))?;
        } else {
            out.text(&format!("{looked_at} events looked at, {folded_now} understood now\n"))?;
        }
        Ok(Exit::Done)
    }
}
