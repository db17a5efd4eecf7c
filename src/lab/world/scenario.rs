//! Stories with a name, each a short life: for a server to be tried with, and for documentation.
//!
//! The dice still decide the details. A story is played until they fit, and the shortest of the first plays that fit is
//! the one: a name, a seed and a setting always give the same events.

use serde_json::Value;

use super::scripts::Act;
use super::stories::{LEADING_TO, STORIES};
use super::{Happened, Life, Setting, World};
use crate::lab::dice::Dice;
use crate::model::event_type::EventType;
use crate::model::kind::ObjectKind;

/// How many plays are tried before a story is given up.
const TRIES_MAX: u64 = 50_000;
/// Of how many plays that fit the shortest is taken.
const FITTING_MAX: usize = 4;

/// A story with a name.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// How it is called: in words (`renewal-failed`), or as the event type that it ends with (`invoice.paid`).
    pub name: &'static str,
    /// What happens, in one line.
    pub about: &'static str,
    acts: &'static [Act],
    /// What must have come of it.
    wants: &'static [&'static str],
    /// The event type that it ends with.
    ends_with: Option<EventType>,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scenario").field(&self.name).finish()
    }
}

impl Scenario {
    /// Every story, in the order of a customer's life.
    pub fn all() -> impl Iterator<Item = Self> {
        STORIES.iter().map(|&(name, about, acts, wants)| Self { name, about, acts, wants, ends_with: None })
    }

    /// The story of that name. Every event type that is folded is the name of one, too.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|story| story.name == name).or_else(|| EventType::parse(name).map(Self::ending_with))
    }

    /// The shortest story that ends with an event of that type.
    #[must_use]
    pub fn ending_with(event_type: EventType) -> Self {
        let kind = event_type.kind();
        let acts =
            LEADING_TO.iter().find(|(other, _)| *other == kind).map_or(&[] as &[Act], |(_, acts)| acts);
        Self {
            name: event_type.name(),
            about: "what leads to an event of this type, and that event",
            acts,
            wants: &[],
            ends_with: Some(event_type),
        }
    }

    /// Plays the story. None if its details never fit the setting: test clocks need test mode.
    #[must_use]
    pub fn play(&self, seed: u64, setting: &Setting) -> Option<Life> {
        let mut shortest: Option<Life> = None;
        let mut fitting = 0;
        for number in 0..TRIES_MAX {
            let Some(life) = self.try_once(Dice::of(seed, number).next(), setting) else { continue };
            fitting = usize::saturating_add(fitting, 1);
            if shortest.as_ref().is_none_or(|shortest| life.events.len() < shortest.events.len()) {
                shortest = Some(life);
            }
            if fitting == FITTING_MAX {
                break;
            }
        }
        shortest.map(|life| Life { seed, ..life })
    }

    fn try_once(&self, seed: u64, setting: &Setting) -> Option<Life> {
        let mut world = World::new(seed, setting.clone());
        let mut person = world.arrive();
        for act in self.acts {
            act(&mut world, &mut person);
        }
        let mut events = world.events;
        if let Some(event_type) = self.ends_with {
            let end = events.iter().position(|event| event.type_name == event_type.name())?;
            events.truncate(end.saturating_add(1));
        }
        self.wants.iter().all(|want| holds(want, &events)).then_some(Life { seed, events })
    }
}

/// Whether a wish is fulfilled.
///
/// `invoice.paid`: there is such an event; `2 invoice.paid`: at least two. `charge=failed`: there are charges, and all of
/// them end as failed; `charge~failed`: one was at some time. `charge:refunded=true`: a field of all of them. A `!` turns
/// a wish around.
fn holds(want: &str, events: &[Happened]) -> bool {
    if let Some(unwanted) = want.strip_prefix('!') {
        return !holds(unwanted, events);
    }
    let of_kind = |name: &str| {
        let kind = ObjectKind::from_object(name);
        events.iter().filter(move |event| Some(event.key.kind) == kind)
    };
    if let Some((name, status)) = want.split_once('~') {
        return of_kind(name).any(|event| event.status().as_deref() == Some(status));
    }
    let is_last = |event: &Happened| {
        events.iter().rfind(|other| other.key == event.key).is_some_and(|last| last.id == event.id)
    };
    if let Some((name, value)) = want.split_once('=') {
        let (name, field) = name.split_once(':').map_or((name, None), |(name, field)| (name, Some(field)));
        let shows = |event: &Happened| match field {
            None => event.status().as_deref() == Some(value),
            Some(field) => event.after.get(field).map(Value::to_string).as_deref() == Some(value),
        };
        return of_kind(name).next().is_some() && of_kind(name).filter(|event| is_last(event)).all(shows);
    }
    let (least, type_name) = want.split_once(' ').unwrap_or(("1", want));
    let count = events.iter().filter(|event| event.type_name == type_name).count();
    least.parse().is_ok_and(|least| count >= least)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lab::check;
    use crate::lab::delivery::Order;
    use crate::model::id::Scope;

    fn setting() -> Setting {
        Setting { scope: Some(Scope { account: None, livemode: false }), ..Setting::default() }
    }

    #[test]
    fn every_story_can_be_told_and_is_true_in_any_order() {
        for story in Scenario::all() {
            let life = story.play(1, &setting()).unwrap_or_else(|| panic!("{story:?}"));
            let verdict = check::check_life(&life, Order::ALL.len());
            let faults: Vec<String> = verdict.examples.iter().map(ToString::to_string).collect();
            assert!(verdict.holds(), "{story:?}\n{}", faults.join("\n"));
            let again = story.play(1, &setting()).unwrap();
            let bodies =
                |life: &Life| -> Vec<String> { life.events.iter().map(|event| event.body(1)).collect() };
            assert_eq!(bodies(&again), bodies(&life), "{story:?}");
        }
    }

    #[test]
    fn every_type_that_is_folded_ends_a_story() {
        for event_type in EventType::all() {
            let life = Scenario::named(event_type.name()).and_then(|story| story.play(1, &setting()));
            let last = life.and_then(|life| life.events.last().map(|event| event.type_name));
            assert_eq!(last, Some(event_type.name()));
        }
    }

    #[test]
    fn names_differ_and_a_wrong_one_is_none() {
        let names: BTreeSet<&str> = Scenario::all().map(|story| story.name).collect();
        assert_eq!(names.len(), Scenario::all().count());
        assert!(Scenario::named("renewal-failed").is_some());
        assert!(Scenario::named("invoice.upcoming").is_none());
    }
}
