//! One step of the fold: an observation meets its object.
//!
//! Total and pure but for the [`Moments`] that the caller lends. The result is the same as folding
//! the whole set of entries at once; only the work is smaller.

use std::cmp::Ordering;
use std::convert::Infallible;

use super::id::EventId;
use super::joined::Joined;
use super::kind::ObjectKind;
use super::object::Object;
use super::observation::{Entry, Observation};
use super::register::{self, Carry, Seconded};
use super::time::Seconds;

/// The entries of one object, kept by the caller.
///
/// 1. `load` gives what the last `store` of that second took, or nothing.
/// 2. `load_all` gives every second that was stored, earlier calls of this step included.
pub trait Moments {
    /// Why the entries cannot be read or written.
    type Error;

    /// The entries of one second, sorted by event id.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load(&mut self, second: Seconds) -> Result<Vec<Entry>, Self::Error>;

    /// The entries of all seconds.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load_all(&mut self) -> Result<Seconded, Self::Error>;

    /// Replaces the entries of one second. They come sorted by event id.
    ///
    /// # Errors
    /// When they cannot be written.
    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), Self::Error>;
}

/// In memory: for a fold without a disk.
impl Moments for Seconded {
    type Error = Infallible;

    fn load(&mut self, second: Seconds) -> Result<Vec<Entry>, Infallible> {
        Ok(self.get(&second).cloned().unwrap_or_default())
    }

    fn load_all(&mut self) -> Result<Seconded, Infallible> {
        Ok(self.clone())
    }

    fn store(&mut self, second: Seconds, entries: &[Entry]) -> Result<(), Infallible> {
        debug_assert!(entries.is_sorted_by(|a, b| a.event < b.event), "sorted, and each event once");
        self.insert(second, entries.to_vec());
        Ok(())
    }
}

/// What an observation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The entry was already there; nothing changed. The object as it was given.
    Known(Option<Box<Object>>),
    /// The object after the observation.
    Folded(Box<Object>),
    /// The object after the observation, but with the snapshot of another event: read the record of
    /// `winner` again and finish with [`Object::with_snapshot`].
    Recall {
        /// All but its snapshot is right.
        object: Box<Object>,
        /// The event whose snapshot belongs in it.
        winner: EventId,
    },
}

/// Folds one observation into its object; none where this is the object's first.
///
/// # Errors
/// Only what `moments` cannot do.
pub fn apply<M: Moments>(
    object: Option<Object>,
    observation: Observation,
    moments: &mut M,
) -> Result<Applied, M::Error> {
    let entry = Entry::of(&observation);
    let second = entry.created;
    let mut moment = moments.load(second)?;
    let Err(place) = moment.binary_search_by(|known| known.event.cmp(&entry.event)) else {
        return Ok(Applied::Known(object.map(Box::new)));
    };
    let object = object.unwrap_or_else(|| first(&observation, &entry));
    moment.insert(place, entry);
    moments.store(second, &moment)?;
    let kind = object.key.kind;
    let (before, now) = match second.cmp(&object.newest) {
        Ordering::Greater => {
            let now = register::step(kind, Some(&object.now), second, &moment);
            (Some(object.now.clone()), now)
        }
        Ordering::Equal => {
            let now = register::step(kind, object.before.as_ref(), second, &moment);
            (object.before.clone(), now)
        }
        Ordering::Less => last_two(kind, &moments.load_all()?),
    };
    let shown = object.now.after;
    let mut object =
        Object { newest: object.newest.max(second), before, now: now.unwrap_or(object.now), ..object };
    object.joined.absorb(&observation);
    // Equal fingerprints are equal snapshots: it does not matter which event shows them.
    if object.now.after == observation.after {
        Ok(Applied::Folded(Box::new(object.with_snapshot(observation.snapshot))))
    } else if object.now.after == shown {
        Ok(Applied::Folded(Box::new(object)))
    } else {
        let winner = object.now.winner.clone();
        Ok(Applied::Recall { object: Box::new(object), winner })
    }
}

/// The object as its first observation shows it. Folding that observation into it changes nothing.
fn first(observation: &Observation, entry: &Entry) -> Object {
    Object {
        key: observation.key.clone(),
        snapshot: observation.snapshot.clone(),
        newest: observation.created,
        before: None,
        now: Carry::alone(entry),
        joined: Joined::of(observation),
    }
}

/// The fold after the newest second, and after the one before it.
fn last_two(kind: ObjectKind, seconds: &Seconded) -> (Option<Carry>, Option<Carry>) {
    register::history(kind, seconds).fold((None, None), |(_, now), (_, next)| (now, Some(next)))
}

#[cfg(test)]
mod tests;
