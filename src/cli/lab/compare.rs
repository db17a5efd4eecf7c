//! `lab compare`: what simpler rules make of the same lives.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{RunArgs, percent};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Bar;
use crate::cli::table;
use crate::engine::Progress;
use crate::lab::check::seed_of;
use crate::lab::compare::{Comparison, Rule, Score, compare};

/// Show how many objects end wrong by this fold and by the rules in use elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The rules: what is delivered last wins; a newer `created` replaces what is kept; a newer or equal one does; this fold.
An object ends wrong if its state is not the true one and nothing says so.

Examples:
  billfold lab compare
  billfold lab compare --lives 10000 --ties 20 --json")]
pub(in crate::cli) struct CompareArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

impl CompareArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let setting = self.run.setting();
        let mut comparison = Comparison::default();
        let bar = Bar::records("comparing rules");
        for number in 0..self.run.lives {
            comparison.absorb(&compare(seed_of(self.run.seed, number), &setting, self.run.orders));
            bar.show(Progress { done: number, total: self.run.lives });
        }
        bar.hide();
        if self.json {
            let Comparison { in_order, in_any_order } = &comparison;
            out.json(&json!({ "in_order": to_json(in_order), "in_any_order": to_json(in_any_order) }))?;
        } else {
            let header =
                ["RULE", "WRONG IN ORDER", "WRONG IN ANY ORDER", "WRONG STATUS IN ANY ORDER", "FLAGGED"];
            out.text(&table::rows(&header, &rows(&comparison), out.look))?;
        }
        Ok(Exit::Done)
    }
}

fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let score = |scores: &BTreeMap<Rule, Score>, rule| scores.get(&rule).copied().unwrap_or_default();
    let row = |&rule: &Rule| {
        let (in_order, in_any) = (score(&comparison.in_order, rule), score(&comparison.in_any_order, rule));
        vec![
            rule.title().to_owned(),
            percent(in_order.wrong, in_order.objects),
            percent(in_any.wrong, in_any.objects),
            percent(in_any.wrong_status, in_any.objects),
            if rule == Rule::Ours { percent(in_any.flagged, in_any.objects) } else { "never".to_owned() },
        ]
    };
    Rule::ALL.iter().map(row).collect()
}

fn to_json(scores: &BTreeMap<Rule, Score>) -> Value {
    let one = |(rule, score): (&Rule, &Score)| {
        let counts = json!({ "objects": score.objects, "wrong": score.wrong, "wrong_status": score.wrong_status,
                             "flagged": score.flagged });
        (rule.as_str().to_owned(), counts)
    };
    Value::Object(scores.iter().map(one).collect::<Map<_, _>>())
}
