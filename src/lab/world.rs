//! The provider's billing as a model: objects that change, and an event for every change.
//!
//! An object is kept as the newest API version shows it; a change is a patch laid over it. Names that begin with `_` are
//! what only older versions show. The world knows every state that an object ever had: that is the truth.
//!
//! Never looks at the fold, and never makes an event for nothing: what did not change is not told.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::fold;
use super::render::{self, Version};
use crate::model::event_type::EventType;
use crate::model::id::{AccountId, EventId, ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::observation::Snapshot;
use crate::model::time::Seconds;

mod disputes;
mod invoices;
mod objects;
mod payments;
mod person;
mod rare;
mod refunds;
mod scenario;
mod scripts;
mod signup;
mod stories;
mod story;
mod subscriptions;
#[cfg(test)]
mod tests;

pub use scenario::Scenario;

/// When every world begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;
/// The seconds of a day.
const DAY: i64 = 86_400;
/// The seconds of an hour.
const HOUR: i64 = 3_600;

/// What kind of world.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Who renders the events.
    pub versions: Versions,
    /// How many things happen to a customer after signing up.
    pub steps_max: usize,
    /// How often neighbouring changes share a second, in percent.
    pub ties: u32,
    /// How often one change is told by two event objects, in parts of a thousand.
    pub doubles: u32,
    /// How often an `updated` event does not say what was before, in parts of a thousand. The provider always says it.
    pub silent: u32,
    /// When the world begins; some day of January 2026 if not said.
    pub begin: Option<Seconds>,
    /// Whose events they are; the dice decide if not said.
    pub scope: Option<Scope>,
    /// The id of the first customer; a new one if not said.
    pub customer: Option<ObjectId>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            versions: Versions::Mixed,
            steps_max: 12,
            ties: 65,
            doubles: 8,
            silent: 0,
            begin: None,
            scope: None,
            customer: None,
        }
    }
}

/// Which API versions render the events of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// All by one.
    One(Version),
    /// Each by any.
    Mixed,
}

/// An event as it happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub type_name: &'static str,
    /// Its second.
    pub created: Seconds,
    /// The object it is about.
    pub key: ObjectKey,
    /// The version that renders it.
    pub version: Version,
    /// The object after the change, as the newest version has it.
    after: Arc<Value>,
    /// The object before the change, where the event tells it.
    before: Option<Arc<Value>>,
    /// The API request behind it.
    request: Option<Box<str>>,
}

impl Happened {
    /// The body of a delivery. `pending` endpoints have not answered yet: it differs between deliveries.
    #[must_use]
    pub fn body(&self, pending: u8) -> String {
        self.rendered(self.version, pending)
    }

    /// The word of the object's status after the event; none where its kind has none.
    ///
    /// The status that the last event of an object shows is the true one.
    #[must_use]
    pub fn status(&self) -> Option<Box<str>> {
        status_word(self.key.kind, self.type_name, &self.after)
    }

    /// The object after the event, in the one shape for all API versions.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let shown = fold::observe(&self.body(1))?;
        Some(fold::truly(&shown.snapshot, self.status().as_deref()))
    }

    /// The body as another version renders it.
    #[must_use]
    pub fn rendered(&self, version: Version, pending: u8) -> String {
        let after = render::object(&self.after, self.key.kind, version);
        let before = self.before.as_ref().map(|before| render::object(before, self.key.kind, version));
        let mut data = Map::new();
        if let Some(before) = before {
            data.insert("previous_attributes".into(), render::difference(&before, &after));
        }
        data.insert("object".into(), after);
        let idempotency_key = self.request.as_ref().map(|request| format!("key-{request}"));
        let mut event = json!({
            "id": self.id.as_str(), "object": "event", "type": self.type_name, "created": self.created.0,
            "livemode": self.key.scope.livemode, "api_version": version.as_str(), "pending_webhooks": pending,
            "request": { "id": self.request, "idempotency_key": idempotency_key }, "data": data,
        });
        if let Some(account) = &self.key.scope.account {
            render::put(&mut event, "account", account.as_str().into());
        }
        event.to_string()
    }
}

/// What is true of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The word of its status; none where its kind has none.
    pub status: Option<Box<str>>,
    /// The event that showed its last state, by place in [`Life::events`].
    pub shown_by: usize,
}

impl Truth {
    /// The object as it truly is, in the one shape for all API versions.
    #[must_use]
    pub fn snapshot(&self, life: &Life) -> Option<Snapshot> {
        life.events.get(self.shown_by).and_then(Happened::snapshot)
    }
}

/// A whole life: every event in the order in which it happened, and what was true.
#[derive(Debug, Clone)]
pub struct Life {
    /// What reproduces it, together with the setting.
    pub seed: u64,
    /// Every event, as it happened.
    pub events: Vec<Happened>,
}

impl Life {
    /// Plays the life of `seed`: one customer, or a few.
    #[must_use]
    pub fn play(seed: u64, setting: &Setting) -> Self {
        let mut world = World::new(seed, setting.clone());
        world.play();
        Self { seed, events: world.events }
    }

    /// The objects as they are at the end.
    #[must_use]
    pub fn truth(&self) -> BTreeMap<ObjectKey, Truth> {
        truth_of(&self.events)
    }

    /// The objects as they are when the second `at` has passed.
    #[must_use]
    pub fn truth_at(&self, at: Seconds) -> BTreeMap<ObjectKey, Truth> {
        // Events are in the order of their seconds.
        let until = self.events.partition_point(|event| event.created <= at);
        truth_of(self.events.get(..until).unwrap_or_default())
    }
}

/// What is true after these events.
fn truth_of(events: &[Happened]) -> BTreeMap<ObjectKey, Truth> {
    let mut truth = BTreeMap::new();
    for (shown_by, event) in events.iter().enumerate() {
        truth.insert(event.key.clone(), Truth { status: event.status(), shown_by });
    }
    truth
}

/// The word of an object's status, from what the provider's own words are. Not taken from the fold.
fn status_word(kind: ObjectKind, type_name: &str, object: &Value) -> Option<Box<str>> {
    let shown = |key: &str| object.get(key).and_then(Value::as_str);
    let flag = |key: &str| object.get(key).and_then(Value::as_bool) == Some(true);
    let word = match kind {
        _ if type_name.ends_with(".deleted") && kind != ObjectKind::Subscription => "deleted",
        ObjectKind::Customer | ObjectKind::Discount => "active",
        ObjectKind::PaymentMethod if type_name == "payment_method.detached" => "detached",
        ObjectKind::PaymentMethod => "attached",
        ObjectKind::Product | ObjectKind::Price if flag("active") => "active",
        ObjectKind::Product | ObjectKind::Price => "inactive",
        ObjectKind::Review if flag("open") => "open",
        ObjectKind::Review => "closed",
        _ => return shown("status").map(Into::into),
    };
    Some(word.into())
}

/// A name of an object inside its world.
type Id = String;

/// An object of the world.
struct Thing {
    kind: ObjectKind,
    value: Arc<Value>,
}

struct World {
    dice: Dice,
    setting: Setting,
    now: i64,
    scope: Scope,
    request: Option<Box<str>>,
    things: BTreeMap<Id, Thing>,
    events: Vec<Happened>,
}

impl World {
    fn new(seed: u64, setting: Setting) -> Self {
        let mut dice = Dice::new(seed);
        let connected = dice.chance(15).then(|| format!("acct_1{}", dice.letters(15)));
        let account = connected.and_then(|id| AccountId::parse(&id).ok());
        let rolled = Scope { account, livemode: dice.chance(70) };
        let scope = setting.scope.clone().unwrap_or(rolled);
        let some_day = BEGIN.saturating_add(dice.between(0, 20 * DAY));
        let now = setting.begin.map_or(some_day, |begin| begin.0);
        Self { dice, setting, now, scope, request: None, things: BTreeMap::new(), events: Vec::new() }
    }

    /// Time passes.
    fn pass(&mut self, seconds: i64) {
        self.now = self.now.saturating_add(seconds.max(0));
    }

    /// Time passes, or not: the next change may share the second of the last one.
    fn beat(&mut self) {
        if !self.dice.chance(self.setting.ties) {
            let seconds = self.dice.between(1, 3);
            self.pass(seconds);
        }
    }

    /// A new API request, or the provider's own doing.
    fn act(&mut self, by_request: bool) {
        self.request = by_request.then(|| format!("req_{}", self.dice.letters(14)).into());
    }

    fn mint(&mut self, prefix: &str) -> Id {
        format!("{prefix}{}", self.dice.letters(24))
    }

    /// Puts an object into the world; nobody is told.
    fn found(&mut self, kind: ObjectKind, id: &str, mut value: Value) {
        render::put(&mut value, "id", id.into());
        render::put(&mut value, "object", kind.object().into());
        if value.get("created").is_none() {
            render::put(&mut value, "created", self.now.into());
        }
        if value.get("livemode").is_none() && kind != ObjectKind::Refund {
            render::put(&mut value, "livemode", self.scope.livemode.into());
        }
        self.things.insert(id.to_owned(), Thing { kind, value: Arc::new(value) });
    }

    /// Lays `patch` over the object; gives the object as it was.
    fn change(&mut self, id: &str, patch: Value) -> Option<Arc<Value>> {
        let thing = self.things.get_mut(id)?;
        let before = Arc::clone(&thing.value);
        render::patch(Arc::make_mut(&mut thing.value), patch);
        (thing.value != before).then_some(before)
    }

    /// A change that its event tells with the old values. What changes nothing is not told.
    fn updated(&mut self, id: &str, type_name: &'static str, patch: Value) {
        if let Some(before) = self.change(id, patch) {
            let silent = self.dice.below(1_000) < usize::try_from(self.setting.silent).unwrap_or(0);
            self.tell(id, type_name, Some(before).filter(|_| !silent));
        }
    }

    /// A change whose event does not tell what was before.
    fn told(&mut self, id: &str, type_name: &'static str, patch: Value) {
        self.change(id, patch);
        self.tell(id, type_name, None);
    }

    /// A change that one event tells twice, under two types.
    fn twins(&mut self, id: &str, types: [&'static str; 2], patch: Value) {
        if let Some(before) = self.change(id, patch) {
            let mut types = types;
            self.dice.shuffle(&mut types);
            for type_name in types {
                self.tell(id, type_name, Some(before.clone()));
            }
        }
    }

    /// Tells the object as it is.
    fn emit(&mut self, id: &str, type_name: &'static str) {
        self.tell(id, type_name, None);
    }

    fn tell(&mut self, id: &str, type_name: &'static str, before: Option<Arc<Value>>) {
        self.tell_once(id, type_name, before.clone());
        if self.dice.below(1_000) < usize::try_from(self.setting.doubles).unwrap_or(0) {
            self.tell_once(id, type_name, before);
        }
    }

    fn tell_once(&mut self, id: &str, type_name: &'static str, before: Option<Arc<Value>>) {
        let event = format!("evt_1{}", self.dice.letters(23));
        let version = match self.setting.versions {
            Versions::One(version) => version,
            Versions::Mixed => self.dice.pick(Version::ALL).copied().unwrap_or(Version::Dahlia),
        };
        let Some(thing) = self.things.get(id) else { return };
        // A summary of entitlements has no id: it goes by its customer's.
        let own = if thing.kind == ObjectKind::Entitlements { text_of(&thing.value, "customer") } else { id };
        let (Ok(event), Ok(object)) = (EventId::parse(&event), ObjectId::parse(own)) else { return };
        debug_assert_eq!(EventType::parse(type_name).map(EventType::kind), Some(thing.kind), "{type_name}");
        self.events.push(Happened {
            id: event,
            type_name,
            created: Seconds(self.now),
            key: ObjectKey { kind: thing.kind, id: object, scope: self.scope.clone() },
            version,
            after: Arc::clone(&thing.value),
            before,
            request: self.request.clone(),
        });
    }

    /// A field of an object; null if there is none.
    fn get(&self, id: &str, key: &str) -> &Value {
        self.things.get(id).and_then(|thing| thing.value.get(key)).unwrap_or(&Value::Null)
    }

    fn text(&self, id: &str, key: &str) -> String {
        self.get(id, key).as_str().unwrap_or_default().to_owned()
    }

    fn int(&self, id: &str, key: &str) -> i64 {
        self.get(id, key).as_i64().unwrap_or(0)
    }

    fn is(&self, id: &str, key: &str) -> bool {
        self.get(id, key).as_bool().unwrap_or(false)
    }
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
