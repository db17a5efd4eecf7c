//! The bursts of events that the provider sends for one step of a customer's life, each with the state that is true
//! after it, in every order that we can afford: see [`check`].
//!
//! `BILLFOLD_SHUFFLES` says how many random orders a burst is tried in.

use crate::build::Event;

mod acts;
mod changes;
mod laws;
pub(crate) mod memory;
mod money;
mod renewals;
mod starts;
mod trials;
mod truth;

use truth::Truth;

/// What happened, and what is true then.
struct Burst {
    name: &'static str,
    events: Vec<Event>,
    truth: Truth,
    /// What is true when the whole burst has one second; none where that cannot happen and has no answer.
    tied: Option<Truth>,
}

impl Burst {
    fn new(name: &'static str, events: Vec<Event>, truth: Truth) -> Self {
        Self { name, events, tied: Some(truth.clone()), truth }
    }

    /// In one second the events leave something open.
    fn tied(self, truth: Truth) -> Self {
        Self { tied: Some(truth), ..self }
    }

    fn never_tied(self) -> Self {
        Self { tied: None, ..self }
    }

    fn variants(&self) -> Vec<Variant> {
        let spread =
            Variant { name: self.name.to_owned(), events: self.events.clone(), truth: self.truth.clone() };
        let tied = self.tied.iter().map(|truth| Variant {
            name: format!("{}, in one second", self.name),
            events: in_one_second(&self.events),
            truth: truth.clone(),
        });
        let all: Vec<_> = std::iter::once(spread).chain(tied).collect();
        let without = all.iter().filter_map(Variant::without_optional).collect::<Vec<_>>();
        all.into_iter().chain(without).collect()
    }
}

/// A burst as it may be seen: with or without what is optional, spread over time or in one second.
struct Variant {
    name: String,
    events: Vec<Event>,
    truth: Truth,
}

impl Variant {
    fn without_optional(&self) -> Option<Self> {
        let events: Vec<_> = self.events.iter().filter(|event| !event.optional).cloned().collect();
        let name = format!("{}, without what is optional", self.name);
        (events.len() < self.events.len()).then(|| Self { name, events, truth: self.truth.clone() })
    }
}

/// The worst tie: the burst happens in its last second. What was before it stays before it.
fn in_one_second(events: &[Event]) -> Vec<Event> {
    let last = events.iter().map(|event| event.created).max().unwrap();
    let tied = |event: &Event| event.at(if event.earlier { event.created } else { last });
    events.iter().map(tied).collect()
}

/// Tries a burst against every law of order.
fn check(burst: &Burst) {
    for variant in burst.variants() {
        println!("{}", variant.name);
        laws::any_order_of_one_object(&variant);
        let in_order = laws::Folder::in_order(&variant);
        laws::any_order_of_the_whole(&variant, &in_order);
        laws::any_version(&variant, &in_order);
        laws::two_logs(&variant, &in_order);
        laws::one_missing(&variant);
    }
    laws::raised_second(burst.name, &in_one_second(&burst.events));
}
