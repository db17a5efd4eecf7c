//! Events as the provider would send them: small structs say what an object is, a shape says how a version renders it.
//!
//! A story is told in the order in which things happened. What an `updated` event says of the state before is the
//! difference of two renderings, never written by hand.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::support::Seed;

mod billing;
mod payments;

pub(crate) use billing::{Customer, Invoice, InvoicePayment, Item, Schedule, Session, Subscription};
pub(crate) use payments::{Charge, Dispute, Intent, Method, Refund, Warning};

/// A day, in seconds.
pub(crate) const DAY: i64 = 86_400;
/// A period of every subscription here, in seconds.
pub(crate) const MONTH: i64 = 30 * DAY;
/// When the stories begin.
pub(crate) const START: i64 = 1_780_000_000;

/// Which rendering of an object a version sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    PreBasil,
    Basil,
    Clover,
    Dahlia,
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [Self::PreBasil, Self::Basil, Self::Clover, Self::Dahlia];

    const fn version(self) -> &'static str {
        match self {
            Self::PreBasil => "2024-06-20",
            Self::Basil => "2025-06-30.basil",
            Self::Clover => "2025-10-29.clover",
            Self::Dahlia => "2026-07-29.dahlia",
        }
    }

    pub(crate) fn is_old(self) -> bool {
        self == Self::PreBasil
    }
}

/// Anything that an event can carry.
pub(crate) trait Render {
    fn render(&self, shape: Shape) -> Value;
}

/// An object that Billfold does not fold, as it stands.
impl Render for Value {
    fn render(&self, _: Shape) -> Value {
        self.clone()
    }
}

/// One event of a story.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) type_name: &'static str,
    pub(crate) created: i64,
    /// The provider may leave it out.
    pub(crate) optional: bool,
    /// It happened before the burst.
    pub(crate) earlier: bool,
    number: usize,
    object: Rc<dyn Render>,
    before: Option<Rc<dyn Render>>,
}

/// Where a story takes place.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) livemode: bool,
    pub(crate) account: Option<&'static str>,
}

impl Event {
    /// The same event in another second.
    pub(crate) fn at(&self, created: i64) -> Self {
        Self { created, ..self.clone() }
    }

    /// The id, which says nothing about the order: another naming gives other ids.
    pub(crate) fn id(&self, naming: u64) -> String {
        let number = self.number as u64;
        let random = Seed::new(naming * 1_000 + number + 1).below(1 << 30);
        format!("evt_{random:08x}{number:03}n{naming}")
    }

    /// The body as a webhook endpoint of that version gets it.
    pub(crate) fn body(&self, naming: u64, shape: Shape, place: Place) -> String {
        let mut object = self.object.render(shape);
        if object.get("livemode").is_some() {
            object["livemode"] = place.livemode.into();
        }
        let mut data = json!({ "object": object });
        if let Some(before) = &self.before {
            data["previous_attributes"] = difference(&before.render(shape), &self.object.render(shape));
        }
        let mut event = json!({
            "id": self.id(naming), "object": "event", "type": self.type_name, "created": self.created,
            "api_version": shape.version(), "livemode": place.livemode, "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null }, "data": data,
        });
        if let Some(account) = place.account {
            event["account"] = account.into();
        }
        event.to_string()
    }
}

/// The old values of what changed: of an object the parts that changed, of a list the whole list, of a name under
/// `metadata` that was not there a null.
fn difference(before: &Value, after: &Value) -> Value {
    let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
    let mut old = Map::new();
    for key in before.keys().chain(after.keys()) {
        let (was, is) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        if was != is {
            let nested = was.is_object() && is.is_object();
            old.insert(key.clone(), if nested { difference(was, is) } else { was.clone() });
        }
    }
    Value::Object(old)
}

/// What happened, in the order in which it happened.
#[derive(Clone)]
pub(crate) struct Story {
    now: i64,
    earlier: bool,
    events: Vec<Event>,
}

impl Story {
    pub(crate) const fn new() -> Self {
        Self { now: START, earlier: false, events: Vec::new() }
    }

    /// What follows until [`Story::burst`] was known long before the burst.
    pub(crate) const fn prelude() -> Self {
        Self { now: START, earlier: true, events: Vec::new() }
    }

    /// The burst begins, so many seconds after all that was before.
    pub(crate) const fn burst(&mut self, after: i64) {
        self.now += after;
        self.earlier = false;
    }

    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// The clock goes on.
    pub(crate) const fn later(&mut self, seconds: i64) {
        self.now += seconds;
    }

    /// An event that shows an object and says nothing of the state before.
    pub(crate) fn shows(&mut self, type_name: &'static str, object: &(impl Render + Clone + 'static)) {
        self.tell(type_name, Rc::new(object.clone()), None);
    }

    /// A change, and the event that says what was before.
    pub(crate) fn changes<T: Render + Clone + 'static>(
        &mut self,
        type_name: &'static str,
        object: &mut T,
        change: impl FnOnce(&mut T),
    ) {
        let before = object.clone();
        change(object);
        self.tell(type_name, Rc::new(object.clone()), Some(Rc::new(before)));
    }

    /// The event told last is one that the provider may leave out.
    pub(crate) fn optional(&mut self) {
        self.events.last_mut().unwrap().optional = true;
    }

    fn tell(&mut self, type_name: &'static str, object: Rc<dyn Render>, before: Option<Rc<dyn Render>>) {
        let (created, earlier, number) = (self.now, self.earlier, self.events.len());
        self.events.push(Event { type_name, created, optional: false, earlier, number, object, before });
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.clone()
    }
}
