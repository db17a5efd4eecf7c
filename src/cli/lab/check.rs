//! `lab check`: lives in many orders against the truth.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{RunArgs, grouped, percent};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Bar;
use crate::engine::Progress;
use crate::lab::check::{self, FaultKind, Verdict};
use crate::lab::losses::{self, Ends, Losses};

/// Fold made-up lives in many orders and compare with the truth
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each life is delivered in order, shuffled, with neighbours swapped, with stragglers, reversed, and each object's newest \
event first; some events come twice. Every object must end as the lab knows it to be or be flagged, flagged objects must \
be undecidable, and every order must give the same. The exit code is 1 if that does not hold; every fault names the seed \
of its life and the fewest events that show it.

Examples:
  billfold lab check
  billfold lab check --lives 1000000 --orders 10 --seed 7
  billfold lab check --life 10541032803952853891")]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Check the one life of this seed, as a fault names it.
    #[arg(long, value_name = "SEED", conflicts_with = "lives")]
    life: Option<u64>,
    /// Measure also what becomes of objects that lose one event.
    #[arg(long)]
    losses: bool,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let setting = self.run.setting();
        let (mut verdict, mut losses) = (Verdict::default(), Losses::default());
        let bar = Bar::records("checking lives");
        let total = if self.life.is_some() { 1 } else { self.run.lives };
        for number in 0..total {
            let life = self.life.unwrap_or_else(|| check::seed_of(self.run.seed, number));
            verdict.absorb(check::check(life, &setting, self.run.orders));
            if self.losses {
                losses.absorb(losses::lose(life, &setting));
            }
            bar.show(Progress { done: number, total });
        }
        bar.hide();
        for fault in &verdict.examples {
            bar.line(fault.to_string().trim_end());
        }
        let losses = self.losses.then_some(losses);
        if self.json {
            out.json(&to_json(&verdict, losses))?;
        } else {
            out.text(&sentence(&verdict, losses))?;
        }
        Ok(if verdict.holds() { Exit::Done } else { Exit::Failed })
    }
}

fn sentence(verdict: &Verdict, losses: Option<Losses>) -> String {
    let count = |kind| grouped(verdict.count(kind));
    let mut text = format!(
        "{}: {} lives in {} orders, {} events, {} objects: {} wrong, {} silently undecided, {} orders that differ, {} \
         flagged ({} in vain)\n",
        if verdict.holds() { "holds" } else { "BROKEN" },
        grouped(verdict.lives),
        grouped(verdict.orders),
        grouped(verdict.events),
        grouped(verdict.objects),
        count(FaultKind::Wrong),
        count(FaultKind::SilentlyUndecided),
        grouped(verdict.count(FaultKind::OrderMatters).saturating_add(verdict.count(FaultKind::PartsDiffer))),
        grouped(verdict.flagged),
        count(FaultKind::FlaggedInVain),
    );
    for kind in [FaultKind::Unread, FaultKind::Impossible].into_iter().filter(|&kind| verdict.count(kind) > 0)
    {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}: {}", kind.as_str(), count(kind));
    }
    for (place, ends) in losses.iter().flat_map(places) {
        let _ = writeln!(
            text,
            "one event lost {place}: {} objects, {} right, {} flagged, {} wrong without a flag",
            grouped(ends.all()),
            percent(ends.right, ends.all()),
            percent(ends.flagged, ends.all()),
            percent(ends.wrong, ends.all()),
        );
    }
    text
}

const fn places(losses: &Losses) -> [(&'static str, Ends); 2] {
    [("before the object's newest second", losses.older), ("in the object's newest second", losses.newest)]
}

fn to_json(verdict: &Verdict, losses: Option<Losses>) -> Value {
    let faults = verdict.faults.iter().map(|(kind, count)| (kind.as_str().to_owned(), json!(count)));
    let ends = |ends: Ends| json!({ "right": ends.right, "flagged": ends.flagged, "wrong": ends.wrong });
    let mut value = json!({
        "holds": verdict.holds(), "lives": verdict.lives, "orders": verdict.orders, "events": verdict.events,
        "objects": verdict.objects, "flagged": verdict.flagged, "undecidable": verdict.undecidable,
        "faults": Value::Object(faults.collect()),
    });
    if let (Some(losses), Some(fields)) = (losses, value.as_object_mut()) {
        let both = json!({ "older": ends(losses.older), "newest": ends(losses.newest) });
        fields.insert("one_event_lost".to_owned(), both);
    }
    value
}
