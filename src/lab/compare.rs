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

/// What each rule makes of the life of `seed`, delivered in `orders` orders.
#[must_use]
pub fn compare(seed: u64, setting: &Setting, orders: usize) -> BTreeMap<Rule, Score> {
    let life = Life::play(seed, setting);
    let mut scores = BTreeMap::new();
    for number in 0..orders {
        let seed = Dice::of(seed, u64::try_from(number).unwrap_or(0)).next();
        let plan = Plan::of(&life.events, seed, number);
        let arrived: Vec<usize> = plan.arrivals.iter().map(|arrival| arrival.event).collect();
        score_all(&mut scores, &life, &arrived);
    }
    scores
}

/// Adds what each rule makes of a life whose events (by place) arrived in this order.
pub(super) fn score_all(scores: &mut BTreeMap<Rule, Score>, life: &Life, arrived: &[usize]) {
    let said: Vec<Observation> =
        life.events.iter().filter_map(|event| fold::observe(&event.body(1))).collect();
    let arrived: Vec<&Observation> = arrived.iter().filter_map(|&event| said.get(event)).collect();
    for &rule in Rule::ALL {
        judge(scores.entry(rule).or_default(), rule, life, &said, &arrived);
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
