//! `ingest`: recorded deliveries, each judged by its signature, to the folder.

use std::path::PathBuf;

use super::deliveries::DeliveryLine;
use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::intake::{Input, Intake, check_length};
use super::lines::{Line, Lines};
use super::moment::parse_span;
use super::output::Output;
use super::progress::Bar;
use super::secrets::SecretArgs;
use super::surroundings::now;
use super::verify_signature::tolerance;
use crate::engine::Billfold;
use crate::model::time::Millis;
use crate::stripe::delivery::Delivery;
use crate::stripe::signature::{Secrets, Tolerance};

/// How far a recorded time may lie ahead of this machine's clock, in milliseconds.
const AHEAD_MILLIS_MAX: i64 = 300_000;

/// The reason under which lines are counted that are no deliveries at all.
const BAD_LINE: &str = "bad_line";

/// Take recorded deliveries with their headers from JSON lines
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line is {\"headers\": {\"Stripe-Signature\": \"…\"}, \"body\": \"…\", \"received_at\": …}: the body as the raw text that was \
signed, received_at (optional) in Unix seconds or RFC 3339. A signature's age is checked against received_at where a \
line has it, else against now. Without other secrets those of the endpoints in billfold.toml are tried. A line that is refused is named on stderr, the others go on, and the exit code is 4.
The folder must not be open in another process.

Examples:
  billfold ingest deliveries.jsonl
  billfold ingest --any-age old.jsonl
  zcat archive/*.gz | billfold ingest -")]
pub(super) struct IngestArgs {
    /// Files of JSON lines; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    /// How old, or how far ahead, a signature may be.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = parse_span)]
    tolerance: i64,
    /// Do not look at the age of signatures: for recordings without `received_at`.
    #[arg(long, conflicts_with = "tolerance")]
    any_age: bool,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

/// What a line is judged by.
struct Door<'a> {
    billfold: &'a Billfold,
    secrets: Secrets,
    tolerance: Tolerance,
}

impl IngestArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let secrets = self.secrets.load_for(&self.data)?;
        let inputs = Input::all(&self.files)?;
        let billfold = self.data.open_or_make()?;
        let tolerance = if self.any_age { Tolerance::UNCHECKED } else { tolerance(self.tolerance) };
        let door = Door { billfold: &billfold, secrets, tolerance };
        let mut intake = Intake::new(&billfold);
        for input in &inputs {
            door.read(input, &mut intake)?;
        }
        if self.json {
            out.json(&intake.tally.to_json())?;
        } else {
            out.text(&intake.tally.sentence("deliveries"))?;
        }
        Ok(intake.tally.exit())
    }
}

impl Door<'_> {
    fn read(&self, input: &Input, intake: &mut Intake<'_>) -> Result<(), Failure> {
        let bar = input.bar();
        let mut lines = Lines::new(input.open(&bar)?);
        loop {
            let next = match lines.next_line() {
                Ok(next) => next,
                Err(error) => {
                    // What was read before is good.
                    intake.store()?;
                    return Err(input.failure(&error));
                }
            };
            let Some((number, line)) = next else { break };
            let place = || format!("{}:{number}", input.name());
            match line {
                Line::TooLong => intake.refuse(&bar, &place(), BAD_LINE, "the line is too long"),
                Line::Whole(bytes) => self.line(&bytes, &place, &bar, intake)?,
            }
        }
        intake.store()
    }

    fn line(
        &self,
        bytes: &[u8],
        place: &dyn Fn() -> String,
        bar: &Bar,
        intake: &mut Intake<'_>,
    ) -> Result<(), Failure> {
        let now = now();
        let line = DeliveryLine::parse(bytes).and_then(|line| {
            check_length(&line.body)?;
            check_ahead(line.received_at, now)?;
            Ok(line)
        });
        let line = match line {
            Ok(line) => line,
            Err(reason) => {
                intake.refuse(bar, &place(), BAD_LINE, &reason);
                return Ok(());
            }
        };
        let received_at = line.received_at.unwrap_or(now);
        let header = line.header.as_deref().map(str::as_bytes);
        match Delivery::verify(header, line.body, &self.secrets, self.tolerance, received_at) {
            Ok(delivery) => intake.take(delivery),
            Err(error) => {
                self.billfold.count_refusal(error.reason(), received_at.seconds());
                intake.refuse(bar, &place(), error.reason(), &error.to_string());
                Ok(())
            }
        }
    }
}

/// The log's times never decrease: one line from the future would push every later record there.
fn check_ahead(received_at: Option<Millis>, now: Millis) -> Result<(), String> {
    match received_at {
        Some(received_at) if received_at.0 > now.0.saturating_add(AHEAD_MILLIS_MAX) => {
            Err("`received_at` lies in the future".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(received_at: Option<i64>, fits: bool) {
        assert_eq!(check_ahead(received_at.map(Millis), Millis(1_000_000)).is_ok(), fits);
    }

    #[test]
    fn nothing_was_received_in_the_future() {
        check(None, true);
        check(Some(0), true);
        check(Some(1_000_000 + AHEAD_MILLIS_MAX), true);
        check(Some(1_000_001 + AHEAD_MILLIS_MAX), false);
    }
}
