//! From an event's bytes to what it says about one object, in one shape for all API versions.
//!
//! Versions are told apart by the paths that are there, never by a version's name: old shapes carry new fields and new
//! ones old fields. Differences live in `normalise` and end there. Total: whatever the body holds, the answer is a value;
//! nothing here refuses, panics or trusts an enum to be closed.

use crate::model::event_type::EventType;
use crate::model::id::{ObjectId, ObjectKey};
use crate::model::kind::ObjectKind;
use crate::model::observation::{Observation, Snapshot};

use super::envelope::{Envelope, Form};
use super::types;

mod codec;
mod key;
mod links;
mod node;
mod normalise;
#[cfg(test)]
mod tests;
mod undo;

use codec::Fingerprints;
use key::Key;
use node::Node;

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// One observation of one object: fold it.
    Observed(Box<Observation>),
    /// It moves no projection, and is not meant to.
    Ignored(Ignored),
    /// It should move a projection, but this version cannot read its object.
    Unreadable(Unreadable),
}

/// Why an event moves no projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ignored {
    /// Only the object's name was sent: the endpoint should ask for snapshots.
    Thin,
    /// A known type that Billfold does not fold.
    NotFolded,
    /// A type that this version has never heard of.
    UnknownType,
    /// The object does not exist yet (`invoice.upcoming`).
    Preview,
}

impl Ignored {
    /// A stable word for listings and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thin => "thin",
            Self::NotFolded => "not_folded",
            Self::UnknownType => "unknown_type",
            Self::Preview => "preview",
        }
    }
}

/// Why an object could not be read. A later version may read it from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Unreadable {
    /// The JSON nests too deep, or holds a number or a text that no parser takes.
    Json,
    /// The field `object` is absent or is not the word that the event's type carries.
    Object,
    /// A field without which the object means nothing is absent or of an unknown shape.
    Field(&'static str),
}

impl Unreadable {
    /// A stable word for listings and metrics; the field, if there is one, stands in [`Self::Field`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "unreadable_json",
            Self::Object => "unexpected_object",
            Self::Field(_) => "missing_field",
        }
    }
}

/// The word, and the field where one is to blame; never its value.
impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Field(name) => write!(f, ": {name}"),
            Self::Json | Self::Object => Ok(()),
        }
    }
}

/// The type of the one preview: its invoice has no id, because there is no invoice.
const PREVIEW: &str = "invoice.upcoming";

/// What `envelope` says about its object.
#[must_use]
pub fn decode(envelope: &Envelope<'_>) -> Decoded {
    let event_type = match folded(envelope) {
        Ok(event_type) => event_type,
        Err(ignored) => return Decoded::Ignored(ignored),
    };
    match observe(envelope, event_type) {
        Ok(observation) => Decoded::Observed(Box::new(observation)),
        Err(reason) => Decoded::Unreadable(reason),
    }
}

/// The object as it was just before the event; none where the event does not say.
#[must_use]
pub fn earlier(envelope: &Envelope<'_>) -> Option<Snapshot> {
    let event_type = folded(envelope).ok()?;
    let mut object: Node<'_> = serde_json::from_str(envelope.object?.get()).ok()?;
    let previous: Node<'_> = serde_json::from_str(envelope.previous_attributes?.get()).ok()?;
    before(event_type, &mut object, previous)
}

fn before<'a>(event_type: EventType, object: &mut Node<'a>, previous: Node<'a>) -> Option<Snapshot> {
    undo::undo(object, previous);
    normalise::before(event_type, object).ok()
}

fn folded(envelope: &Envelope<'_>) -> Result<EventType, Ignored> {
    let name = envelope.type_name();
    if envelope.form() == Form::Thin {
        return Err(Ignored::Thin);
    }
    if name == PREVIEW {
        return Err(Ignored::Preview);
    }
    EventType::parse(name).ok_or_else(|| match types::find(name) {
        Some(_) => Ignored::NotFolded,
        None => Ignored::UnknownType,
    })
}

fn observe(envelope: &Envelope<'_>, event_type: EventType) -> Result<Observation, Unreadable> {
    let kind = event_type.kind();
    let raw = envelope.object.ok_or(Unreadable::Object)?;
    let mut object: Node<'_> = serde_json::from_str(raw.get()).map_err(|_| Unreadable::Json)?;
    let previous: Option<Node<'_>> = match envelope.previous_attributes {
        Some(raw) => Some(serde_json::from_str(raw.get()).map_err(|_| Unreadable::Json)?),
        None => None,
    };
    if object.at(Key::object).as_str() != Some(kind.object()) {
        return Err(Unreadable::Object);
    }
    let id = id_of(kind, &object)?;
    let links = links::links(kind, &object);
    let hints = normalise::hints(kind, &object);

    let mut fingerprints = Fingerprints::new();
    let snapshot = normalise::after(event_type, &object, previous.as_ref())?;
    let after = fingerprints.of(&snapshot).ok_or(Unreadable::Json)?;
    let earlier = previous.and_then(|previous| before(event_type, &mut object, previous));
    let before = earlier.as_ref().and_then(|earlier| fingerprints.of(earlier));
    let status_before = earlier
        .as_ref()
        .and_then(|earlier| earlier.status_word(event_type))
        .filter(|word| snapshot.status_word(event_type) != Some(word))
        .map(Into::into);
    Ok(Observation {
        event: envelope.id().clone(),
        event_type,
        created: envelope.created(),
        key: ObjectKey { kind, id, scope: envelope.scope() },
        snapshot,
        before,
        after,
        status_before,
        links,
        hints,
    })
}

/// The object's own id; a summary of entitlements has none and goes by its customer's.
fn id_of(kind: ObjectKind, object: &Node<'_>) -> Result<ObjectId, Unreadable> {
    match kind {
        ObjectKind::Entitlements => object.id(Key::customer).ok_or(Unreadable::Field("customer")),
        _ => {
            object.at(Key::id).as_str().and_then(|id| ObjectId::parse(id).ok()).ok_or(Unreadable::Field("id"))
        }
    }
}
