//! `rebuild`: throws away what is folded and folds the log again.

use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::folder::{DataArgs, with_sources};
use super::output::Output;
use super::progress::Bar;

/// Fold the whole log anew; what was folded before is replaced when that is done
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The log is never touched. The folder must not be open in another process.

Examples:
  billfold rebuild
  billfold rebuild --data /var/lib/billfold --json")]
pub(super) struct RebuildArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print `{"records": …, "changed": …, "digest": …}`.
    #[arg(long)]
    json: bool,
}

impl RebuildArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let billfold = self.data.open()?;
        let bar = Bar::records("rebuilding");
        let rebuilt = billfold.rebuild(&|progress| bar.show(progress));
        bar.hide();
        let rebuilt = rebuilt.map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))?;
        let digest = billfold.projection_digest();
        let digest = hex::encode(digest.map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))?);
        if self.json {
            out.json(&json!({ "records": rebuilt.records, "changed": rebuilt.changed, "digest": digest }))?;
        } else {
            let outcome = if rebuilt.changed { "the state has changed" } else { "the state is the same" };
            out.text(&format!("{} events folded anew: {outcome}\ndigest {digest}\n", rebuilt.records))?;
        }
        Ok(Exit::Done)
    }
}
