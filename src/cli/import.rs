//! `import`: events without signatures, which the operator vouches for, to the folder.

use std::path::PathBuf;

use super::event_file::{Stopped, read};
use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::DataArgs;
use super::intake::{Input, Intake, check_length};
use super::output::Output;
use super::surroundings::now;
use crate::stripe::delivery::Delivery;

/// The reason under which is counted what is no event.
const BAD_EVENT: &str = "bad_event";

/// Take events without signatures that you vouch for
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file is what `stripe events list` prints (a page, or several), a JSON array of events, or one event a line.
Each event keeps the text that it has in the file. It is marked as imported: no signature proves it.
What is no event is named on stderr, the others go on, and the exit code is 4.
The folder must not be open in another process.

Examples:
  stripe events list --limit 100 > page.json && billfold import page.json
  billfold import backup-*.jsonl
  zcat events.jsonl.gz | billfold import -")]
pub(super) struct ImportArgs {
    /// Files of events; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

impl ImportArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let inputs = Input::all(&self.files)?;
        let billfold = self.data.open_or_make()?;
        let mut intake = Intake::new(&billfold);
        for input in &inputs {
            let more = import(input, &mut intake)?;
            if more {
                eprint_line(&format!(
                    "note: {} is one page of several: fetch the next with --starting-after and its last event's id",
                    input.name()
                ));
            }
        }
        if self.json {
            out.json(&intake.tally.to_json())?;
        } else {
            out.text(&intake.tally.sentence("events"))?;
        }
        Ok(intake.tally.exit())
    }
}

fn import(input: &Input, intake: &mut Intake<'_>) -> Result<bool, Failure> {
    let bar = input.bar();
    let reader = input.open(&bar)?;
    let outcome = read(reader, &mut |place, found| {
        let found = found.and_then(|event| check_length(&event).map(|()| event));
        match found {
            Ok(event) => intake.take(Delivery::vouched(event, now())),
            Err(reason) => {
                intake.refuse(&bar, &format!("{}{place}", input.name()), BAD_EVENT, &reason);
                Ok(())
            }
        }
    });
    match outcome {
        Ok(more) => intake.store().map(|()| more),
        Err(Stopped::Taker(failure)) => Err(failure),
        Err(Stopped::Io(error)) => {
            // What was read before is good.
            intake.store()?;
            Err(input.failure(&error))
        }
    }
}
