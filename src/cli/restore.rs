//! `restore`: a backup into an empty folder.

use std::path::PathBuf;

use super::backup::{failure, settings_of, show};
use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::output::Output;
use super::progress::Bar;
use crate::engine::restore;

/// Make a data folder from a backup
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The folder must be new or empty; every record is checked on its way. The projections are folded at the first start.
Compare the head that is printed with the one that was noted, then deliver again what came after the backup: resend it \
from the Dashboard, or import a page of `stripe events list`.

Examples:
  billfold restore /backups/billfold --data /var/lib/billfold")]
pub(super) struct RestoreArgs {
    /// The folder of the backup.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Print what was restored as JSON.
    #[arg(long)]
    json: bool,
}

impl RestoreArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        if !self.backup.join("log").is_dir() {
            return Err(Failure::new(Exit::NotFound, format!("{} holds no backup", self.backup.display()))
                .remedy("name the folder that `billfold backup` made"));
        }
        let bar = Bar::records("restoring");
        let data = self.data.path();
        let done =
            restore(&self.backup, data, &settings_of(&self.backup, data), &|progress| bar.show(progress));
        bar.hide();
        let done = done.map_err(|error| failure(&error))?;
        show(&done, data, self.json, out)
    }
}
