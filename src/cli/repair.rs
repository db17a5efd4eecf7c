//! `repair`: saves what can be read of a damaged log into a new folder.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::backup::{failure, settings_of};
use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::output::Output;
use super::progress::Bar;
use super::verify::head_text;
use crate::api;
use crate::engine::{Beside, repair};
use crate::log::Salvaged;

/// Save every readable record of a damaged log into a new folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The damaged folder is only read, byte by byte, past the storage that cannot read it any more. Every record proves itself \
by its own checksums and keeps its position, its signature and its digest. What backups hold fills the gaps; a backup of \
another history is refused with exit code 7.
Positions that are lost are listed, with their event ids where the index still has them; they are never used again.
Heads noted earlier stay valid for `verify --expect` as far as no lost record lies before them.
Without --into it only says what could be saved. Exit code 6 means that something is lost.

Examples:
  billfold repair --data billfold-data
  billfold repair --data billfold-data --backup /backups/billfold --into billfold-repaired
  stripe events resend evt_…        for each lost id, once the repaired folder is in its place")]
pub(super) struct RepairArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The folder to make; new or empty.
    #[arg(long, value_name = "NEWDIR")]
    into: Option<PathBuf>,
    /// A backup that may hold what is lost here; can be given several times.
    #[arg(long, value_name = "DIR")]
    backup: Vec<PathBuf>,
    /// Print what was saved as JSON.
    #[arg(long)]
    json: bool,
}

impl RepairArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let data = self.data.path();
        // A log that has lost its other files can be repaired all the same.
        if !data.join("log").join("db").exists() {
            self.data.must_hold_a_log()?;
        }
        let bar = Bar::records("repairing");
        let settings = self.into.as_deref().map(|into| settings_of(data, into));
        let into = self.into.as_deref().zip(settings.as_ref().map(|settings| settings as &Beside<'_>));
        let salvaged = repair(data, &self.backup, into, &|progress| bar.show(progress));
        bar.hide();
        let salvaged = salvaged.map_err(|error| failure(&error))?;
        if self.json {
            out.json(&to_json(&salvaged))?;
        } else {
            out.text(&self.told(&salvaged))?;
        }
        Ok(if salvaged.lost.is_empty() { Exit::Done } else { Exit::Damaged })
    }

    fn told(&self, salvaged: &Salvaged) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail, here and below.
        for lost in &salvaged.lost {
            let _ = writeln!(text, "lost: {lost}");
        }
        for (position, name) in &salvaged.names {
            let _ = writeln!(text, "lost: position {position} was {}", super::view::clean(name));
        }
        let records = salvaged.head.records;
        let _ = match &self.into {
            Some(into) => writeln!(text, "{records} records saved into {}", into.display()),
            None => writeln!(text, "{records} records can be saved: name a new folder with --into"),
        };
        let breaks = salvaged.lost.iter().filter(|lost| lost.next <= salvaged.head.position).count();
        let _ = match breaks {
            0 => writeln!(text, "the digest chain is whole, up to the head"),
            1 => writeln!(text, "the digest chain is broken once, and whole before and behind that"),
            _ => writeln!(text, "the digest chain is broken {breaks} times, and whole in between"),
        };
        let _ = writeln!(text, "head {}", head_text(&salvaged.head));
        text
    }
}

fn to_json(salvaged: &Salvaged) -> Value {
    let names = salvaged.names.iter().map(|(position, id)| json!({ "position": position, "id": id }));
    json!({
        "head": api::head(&salvaged.head),
        "lost": salvaged.lost.iter().map(api::lost).collect::<Vec<_>>(),
        "lost_count": salvaged.lost_count(),
        "lost_ids": names.collect::<Vec<_>>(),
    })
}
