//! The rules in use elsewhere, and ours, over the same lives and the same orders.
//!
//! Each of the simpler rules keeps one snapshot an object and decides at every delivery whether the new one replaces it.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::Plan;
use super::dice::Dice;
use super::fold;
use super::world::{Life, Setting};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{EventId, ObjectKey};
use crate::model::observation::Observation;
use crate::model::time::Seconds;

/// How an endpoint decides what is the newest state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Whatever is delivered last.
    LastDelivered,
    /// A newer second replaces; an equal one does not (`created <`).
    NewerSecond,
    /// A newer or equal second replaces (`created <=`).
    SameOrNewerSecond,
    /// The fold of this project.
    Ours,
}

impl Rule {
    /// All, ours last.
    pub const ALL: &'static [Self] =
        &[Self::LastDelivered, Self::NewerSecond, Self::SameOrNewerSecond, Self::Ours];

    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastDelivered => "last_delivered",
            Self::NewerSecond => "newer_second",
            Self::SameOrNewerSecond => "same_or_newer_second",
            Self::Ours => "billfold",
        }
    }

    /// What a table calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::LastDelivered => "last delivered wins",
            Self::NewerSecond => "created <",
            Self::SameOrNewerSecond => "created <=",
            Self::Ours => "Billfold",
        }
    }

    const fn replaces(self, kept: Seconds, next: Seconds) -> bool {
        match self {
            Self::LastDelivered => true,
            Self::NewerSecond => kept.0 < next.0,
            Self::SameOrNewerSecond | Self::Ours => kept.0 <= next.0,
        }
    }
}

/// How a rule fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Objects that end in another state than the true one, and nothing says so.
    pub wrong: u64,
    /// Objects with another status than the true one among them.
    pub wrong_status: u64,
    /// Objects that are flagged as undecidable.
    pub flagged: u64,
    /// Objects in all.
    pub objects: u64,
}

impl Score {
    const fn absorb(&mut self, other: Self) {
        self.wrong = self.wrong.saturating_add(other.wrong);
        self.wrong_status = self.wrong_status.saturating_add(other.wrong_status);
        self.flagged = self.flagged.saturating_add(other.flagged);
        self.objects = self.objects.saturating_add(other.objects);
    }
}

/// How every rule fared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Every event once, as it happened.
    pub in_order: BTreeMap<Rule, Score>,
    /// In every kind of order, some twice.
    pub in_any_order: BTreeMap<Rule, Score>,
}

impl Comparison {
    /// Takes in what another life gave.
    pub fn absorb(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.in_order, &other.in_order), (&mut self.in_any_order, &other.in_any_order)]
        {
            for (&rule, &score) in theirs {
                mine.entry(rule).or_default().absorb(score);
            }
        }
    }
}

/// What each rule makes of the life of `seed`, delivered in order and in `orders` orders.
#[must_use]
pub fn compare(seed: u64, setting: &Setting, orders: usize) -> Comparison {
    let life = Life::play(seed, setting);
    let mut comparison = Comparison::default();
    let places = |plan: Plan| -> Vec<usize> { plan.arrivals.iter().map(|arrival| arrival.event).collect() };
    score_all(&mut comparison.in_order, &life, [places(Plan::in_order(&life.events))]);
    let orders = (0..orders).map(|number| {
        let seed = Dice::of(seed, u64::try_from(number).unwrap_or(0)).next();
        places(Plan::of(&life.events, seed, number))
    });
    score_all(&mut comparison.in_any_order, &life, orders);
    comparison
}

/// Adds what each rule makes of a life whose events (by place) arrived in each of these orders.
pub(super) fn score_all(
    scores: &mut BTreeMap<Rule, Score>,
    life: &Life,
    orders: impl IntoIterator<Item = Vec<usize>>,
) {
    let said: Vec<Observation> =
        life.events.iter().filter_map(|event| fold::observe(&event.body(1))).collect();
    for arrived in orders {
        let arrived: Vec<&Observation> = arrived.iter().filter_map(|&event| said.get(event)).collect();
        for &rule in Rule::ALL {
            judge(scores.entry(rule).or_default(), rule, life, &said, &arrived);
        }
    }
}

fn judge(score: &mut Score, rule: Rule, life: &Life, said: &[Observation], arrived: &[&Observation]) {
    let kept = kept(rule, arrived);
    let objects = fold::by_object(arrived.iter().copied());
    for (key, truth) in life.truth() {
        let Some(shown) = said.get(truth.shown_by) else { continue };
        score.objects = score.objects.saturating_add(1);
        let (right, status_right, flagged) = if rule == Rule::Ours {
            let folded = objects.get(&key).and_then(|observations| fold::fold(observations.iter().copied()));
            let Some(folded) = folded else { continue };
            let status_right = folded.object.status() == truth.status.as_deref();
            let right = fold::is_true(&folded.object, shown, truth.status.as_deref());
            (right, status_right, folded.object.ambiguous())
        } else {
            let Some(&(after, observation)) = kept.get(&key) else { continue };
            let status = observation.snapshot.facts(observation.event_type).status;
            (after == shown.after && status == truth.status, status == truth.status, false)
        };
        score.flagged = score.flagged.saturating_add(flagged.into());
        score.wrong = score.wrong.saturating_add((!right && !flagged).into());
        score.wrong_status = score.wrong_status.saturating_add((!status_right && !flagged).into());
    }
}

/// What a rule keeps of each object. Events that come twice are taken once, as everybody does.
fn kept<'a>(
    rule: Rule,
    arrived: &[&'a Observation],
) -> BTreeMap<&'a ObjectKey, (Fingerprint, &'a Observation)> {
    let mut seen: BTreeSet<&EventId> = BTreeSet::new();
    let mut kept: BTreeMap<&ObjectKey, (Fingerprint, &Observation)> = BTreeMap::new();
    for &next in arrived.iter().filter(|next| seen.insert(&next.event)) {
        let replaces = kept.get(&next.key).is_none_or(|(_, old)| rule.replaces(old.created, next.created));
        if replaces {
            kept.insert(&next.key, (next.after, next));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::check::seed_of;

    #[test]
    fn the_simple_rules_end_wrong_and_ours_does_not() {
        let mut comparison = Comparison::default();
        for number in 0..40 {
            comparison.absorb(&compare(seed_of(7, number), &Setting::default(), 6));
        }
        let Comparison { in_order, in_any_order } = comparison;
        assert_eq!(in_order[&Rule::LastDelivered].wrong, 0, "in order, the last one is the last one");
        assert!(in_order[&Rule::NewerSecond].wrong * 20 > in_order[&Rule::NewerSecond].objects);
        for rule in [Rule::LastDelivered, Rule::NewerSecond, Rule::SameOrNewerSecond] {
            assert!(in_any_order[&rule].wrong * 20 > in_any_order[&rule].objects, "{rule:?}");
        }
        assert_eq!((in_order[&Rule::Ours].wrong, in_any_order[&Rule::Ours].wrong), (0, 0));
    }
}
