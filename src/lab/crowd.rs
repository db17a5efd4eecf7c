//! Many lives at one endpoint: their events mixed as they arrive, and what is true of all of them at the end.
//!
//! Never keeps a body: each is made when it is delivered.

use std::collections::{BTreeMap, BTreeSet};

use super::check::seed_of;
use super::compare::{self, Rule, Score};
use super::delivery::{Arrival, Plan};
use super::dice::Dice;
use super::fold;
use super::world::{Life, Setting};
use crate::model::id::ObjectKey;
use crate::model::object::Object;
use crate::model::time::Seconds;

/// The lives of many customers of one business.
#[derive(Debug, Clone)]
pub struct Crowd {
    lives: Vec<Life>,
}

/// One arrival at the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrowdArrival {
    /// Whose event, by place among the lives.
    pub life: usize,
    /// Which one.
    pub arrival: Arrival,
}

/// What a state is worth against the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Objects that truly exist, or existed.
    pub objects: u64,
    /// Objects that are as they truly are.
    pub right: u64,
    /// Objects that are flagged: their events do not decide their state.
    pub flagged: u64,
    /// Objects that are missing, or differ from the truth without a flag.
    pub wrong: Vec<ObjectKey>,
}

impl Crowd {
    /// Plays `count` lives, all of them from one seed.
    #[must_use]
    pub fn play(seed: u64, setting: &Setting, count: usize) -> Self {
        let numbers = (0_u64..).take(count);
        Self { lives: numbers.map(|number| Life::play(seed_of(seed, number), setting)).collect() }
    }

    /// The lives.
    #[must_use]
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// How many events happened.
    #[must_use]
    pub fn events(&self) -> usize {
        self.lives.iter().map(|life| life.events.len()).sum()
    }

    /// How many events share their second with another event of the same object.
    #[must_use]
    pub fn ties(&self) -> usize {
        let mut seconds: BTreeMap<(&ObjectKey, Seconds), usize> = BTreeMap::new();
        for event in self.lives.iter().flat_map(|life| &life.events) {
            let count = seconds.entry((&event.key, event.created)).or_default();
            *count = count.saturating_add(1);
        }
        seconds.into_values().filter(|count| *count > 1).sum()
    }

    /// Every delivery, the first one first: each life in another kind of order, some events twice, all lives mixed.
    #[must_use]
    pub fn deliveries(&self, seed: u64) -> Vec<CrowdArrival> {
        let mut turns = Vec::new();
        let mut plans = Vec::new();
        for (life, played) in self.lives.iter().enumerate() {
            let plan = Plan::of(&played.events, seed_of(seed, played.seed), life);
            turns.extend(std::iter::repeat_n(life, plan.arrivals.len()));
            plans.push(plan.arrivals.into_iter());
        }
        Dice::new(seed).shuffle(&mut turns);
        let next = |life: usize| Some(CrowdArrival { life, arrival: plans.get_mut(life)?.next()? });
        turns.into_iter().filter_map(next).collect()
    }

    /// The body of a delivery.
    #[must_use]
    pub fn body(&self, delivery: CrowdArrival) -> Option<String> {
        let event = self.lives.get(delivery.life)?.events.get(delivery.arrival.event)?;
        Some(event.body(delivery.arrival.pending))
    }

    /// What each rule makes of these deliveries.
    #[must_use]
    pub fn compare(&self, deliveries: &[CrowdArrival]) -> BTreeMap<Rule, Score> {
        let mut scores = BTreeMap::new();
        let mut by_life: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for delivery in deliveries {
            by_life.entry(delivery.life).or_default().push(delivery.arrival.event);
        }
        for (life, arrived) in by_life {
            let Some(life) = self.lives.get(life) else { continue };
            compare::score_all(&mut scores, life, [arrived]);
        }
        scores
    }

    /// Compares a state, as `find` shows it, with the truth.
    ///
    /// # Errors
    /// What `find` says.
    pub fn judge<E>(
        &self,
        mut find: impl FnMut(&ObjectKey) -> Result<Option<Object>, E>,
    ) -> Result<Judgement, E> {
        let mut judgement = Judgement::default();
        let mut seen = BTreeSet::new();
        for life in &self.lives {
            for (key, truth) in life.truth() {
                let shown = life.events.get(truth.shown_by).and_then(|event| fold::observe(&event.body(1)));
                let found = find(&key)?;
                judgement.objects = judgement.objects.saturating_add(1);
                let flagged = found.as_ref().is_some_and(Object::ambiguous);
                let right = match (&found, &shown) {
                    (Some(object), Some(shown)) => fold::is_true(object, shown, truth.status.as_deref()),
                    _ => false,
                };
                judgement.flagged = judgement.flagged.saturating_add(flagged.into());
                judgement.right = judgement.right.saturating_add(right.into());
                if !right && !flagged && seen.insert(key.clone()) {
                    judgement.wrong.push(key);
                }
            }
        }
        Ok(judgement)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn crowd() -> Crowd {
        Crowd::play(3, &Setting::default(), 12)
    }

    #[test]
    fn every_event_of_every_life_arrives() {
        let crowd = crowd();
        let arrived: BTreeSet<(usize, usize)> =
            crowd.deliveries(5).iter().map(|one| (one.life, one.arrival.event)).collect();
        assert_eq!(arrived.len(), crowd.events());
        assert_eq!(crowd.deliveries(5), crowd.deliveries(5), "a seed gives the same deliveries");
        assert_ne!(crowd.deliveries(5), crowd.deliveries(6));
    }

    #[test]
    fn the_lives_are_mixed() {
        let crowd = crowd();
        let changes = crowd.deliveries(5).windows(2).filter(|pair| pair[0].life != pair[1].life).count();
        assert!(changes > crowd.lives().len() * 2);
    }

    #[test]
    fn nothing_is_as_true_as_the_truth_and_a_missing_object_is_wrong() {
        let crowd = crowd();
        let nothing = crowd.judge(|_| Ok::<_, Infallible>(None)).unwrap_or_default();
        assert!(nothing.objects > 20);
        assert_eq!((nothing.right, nothing.wrong.len() as u64), (0, nothing.objects));
        let folded = |key: &ObjectKey| {
            let events = crowd.lives().iter().flat_map(|life| &life.events);
            let said: Vec<_> = events
                .filter(|event| event.key == *key)
                .filter_map(|event| fold::observe(&event.body(1)))
                .collect();
            Ok::<_, Infallible>(fold::fold(&said).map(|folded| folded.object))
        };
        let whole = crowd.judge(folded).unwrap_or_default();
        assert_eq!((whole.objects, whole.wrong), (nothing.objects, Vec::new()));
        assert!(whole.right + whole.flagged >= whole.objects);
    }

    #[test]
    fn simpler_rules_end_wrong_where_ours_does_not() {
        let crowd = crowd();
        let scores = crowd.compare(&crowd.deliveries(5));
        assert_eq!(scores.len(), Rule::ALL.len());
        assert_eq!(scores[&Rule::Ours].wrong, 0);
        assert!(scores[&Rule::LastDelivered].wrong > 0);
        assert!(scores[&Rule::SameOrNewerSecond].wrong > 0);
    }
}
