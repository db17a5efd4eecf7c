//! What a lost event does: measured, because no fold can see what is not there.

use super::dice::Dice;
use super::fold;
use super::world::{Life, Setting};
use crate::model::observation::Observation;

/// How objects end when one of their events is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ends {
    /// As they truly are.
    pub right: u64,
    /// Otherwise, and flagged.
    pub flagged: u64,
    /// Otherwise, and nothing says so.
    pub wrong: u64,
}

impl Ends {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.right.saturating_add(self.flagged).saturating_add(self.wrong)
    }

    const fn absorb(&mut self, other: Self) {
        self.right = self.right.saturating_add(other.right);
        self.flagged = self.flagged.saturating_add(other.flagged);
        self.wrong = self.wrong.saturating_add(other.wrong);
    }
}

/// How objects end when one event of each is lost, by where it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// The lost event lay in the object's newest second.
    pub newest: Ends,
    /// The lost event was older.
    pub older: Ends,
}

impl Losses {
    /// Takes in what another life gave.
    pub const fn absorb(&mut self, other: Self) {
        self.newest.absorb(other.newest);
        self.older.absorb(other.older);
    }
}

/// Plays the life of `seed` and loses one event of each object that has several.
#[must_use]
pub fn lose(seed: u64, setting: &Setting) -> Losses {
    let life = Life::play(seed, setting);
    let said: Vec<Observation> =
        life.events.iter().filter_map(|event| fold::observe(&event.body(1))).collect();
    let truth = life.truth();
    let mut dice = Dice::new(seed);
    let mut losses = Losses::default();
    for (key, events) in fold::by_object(&said) {
        let lost = events.get(dice.below(events.len())).map(|event| &event.event);
        let left = events.iter().copied().filter(|event| Some(&event.event) != lost);
        let newest = events.iter().map(|event| event.created).max();
        let lost_newest =
            events.iter().any(|event| Some(&event.event) == lost && Some(event.created) == newest);
        let (Some(truth), Some(folded)) = (truth.get(key), fold::fold(left)) else { continue };
        let Some(shown) = said.get(truth.shown_by) else { continue };
        let ends = if lost_newest { &mut losses.newest } else { &mut losses.older };
        let count = if fold::is_true(&folded.object, shown, truth.status.as_deref()) {
            &mut ends.right
        } else if folded.object.ambiguous() {
            &mut ends.flagged
        } else {
            &mut ends.wrong
        };
        *count = count.saturating_add(1);
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_event_is_hardly_missed() {
        let mut losses = Losses::default();
        for seed in 0..60 {
            losses.absorb(lose(seed, &Setting::default()));
        }
        let Losses { newest, older } = losses;
        assert!(older.all() > 200 && newest.all() > 200, "{losses:?}");
        assert!(older.wrong * 100 <= older.all(), "{losses:?}");
        assert!(newest.right > newest.wrong, "{losses:?}");
    }
}
