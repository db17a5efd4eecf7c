//! The envelope: what every event says about itself, whatever it carries.
//!
//! One pass over the body. The object inside is only framed, never looked into: that is for the decoder.
//! Never refuses a body because a field is new, never trusts a text's length, and nesting of any depth costs no stack here
//! (what is skipped or framed is skipped without recursion).
//!
//! Duplicate keys: the last one counts, as with most parsers.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::model::id::{AccountId, EventId, Scope};
use crate::model::time::Seconds;

mod fields;
#[cfg(test)]
mod tests;

use fields::{Fields, Id};

/// The longest text that an envelope's field may hold, in bytes. Type names, versions and keys are far shorter.
pub const TEXT_BYTES_MAX: usize = 255;

/// How much of an event a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The whole object as it was (`object: "event"`).
    Snapshot,
    /// Only the name of the object (`object: "v2.core.event"`): nothing to fold.
    Thin,
}

impl Form {
    /// A stable word for listings: `snapshot` or `thin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Thin => "thin",
        }
    }

    fn from_object(object: &str) -> Option<Self> {
        match object {
            "event" => Some(Self::Snapshot),
            "v2.core.event" => Some(Self::Thin),
            _ => None,
        }
    }
}

/// Why a body could not be read as an event. It is stored all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not UTF-8, not JSON, or no JSON object. *Handling*: the sender is not what it should be; look at the stored body.
    #[error("the body is not a JSON object")]
    NotJson,
    /// No usable event id. *Handling*: as above.
    #[error("the body has no usable event id")]
    NoId,
    /// A field that decides the meaning is absent or has another shape.
    /// *Handling*: kept unread; a later version may understand it, then fold again.
    #[error("the event's `{field}` is missing or has a shape that this version does not know")]
    Field {
        /// Its path.
        field: &'static str,
    },
}

impl EnvelopeError {
    /// A stable word for metrics and JSON.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NoId => "no_id",
            Self::Field { .. } => "unknown_shape",
        }
    }
}

/// What an event says about itself. Borrows from the body; `Debug` shows no content.
#[derive(Clone)]
pub struct Envelope<'a> {
    /// The event's identity.
    pub(crate) id: EventId,
    /// Snapshot or thin.
    pub(crate) form: Form,
    /// The type's name; open, see [`crate::model::event_type::EventType::parse`].
    pub(crate) type_name: Cow<'a, str>,
    /// When the change happened.
    pub(crate) created: Seconds,
    /// The version that rendered `data`, if said.
    pub(crate) api_version: Option<Cow<'a, str>>,
    /// Live money or a test.
    pub(crate) livemode: bool,
    /// The connected account; none for the account that owns the endpoint.
    pub(crate) account: Option<AccountId>,
    /// The newer authentication context; kept, never interpreted.
    pub(crate) context: Option<Cow<'a, str>>,
    /// The API request that caused it; none for automatic changes.
    pub(crate) request_id: Option<Cow<'a, str>>,
    /// That request's idempotency key. Names the request, not the event.
    pub(crate) idempotency_key: Option<Cow<'a, str>>,
    /// `data.object`, always a JSON object. Present in every snapshot event, never in a thin one.
    pub(crate) object: Option<&'a RawValue>,
    /// `data.previous_attributes`, always a JSON object when present.
    pub(crate) previous_attributes: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of `body`.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the body is no event that this version understands.
    pub fn parse(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let fields = Fields::frame(body).ok_or(EnvelopeError::NotJson)?;
        let id = fields.id().ok_or(EnvelopeError::NoId)?;
        let form = fields.form().ok_or(EnvelopeError::Field { field: "object" })?;
        let (request_id, idempotency_key) = fields.request();
        let (object, previous_attributes) = match form {
            Form::Snapshot => fields.data().map(|(object, before)| (Some(object), before))?,
            Form::Thin => (None, None),
        };
        Ok(Self {
            id,
            form,
            type_name: fields.type_name().ok_or(EnvelopeError::Field { field: "type" })?,
            created: fields.created().ok_or(EnvelopeError::Field { field: "created" })?,
            api_version: fields.api_version(),
            livemode: fields.livemode().ok_or(EnvelopeError::Field { field: "livemode" })?,
            account: fields.account()?,
            context: fields.context(),
            request_id,
            idempotency_key,
            object,
            previous_attributes,
        })
    }

    /// The event's identity.
    #[must_use]
    pub const fn id(&self) -> &EventId {
        &self.id
    }

    /// Snapshot or thin.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The type's name as the provider wrote it; it may be one that this version does not know.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// When the change happened, by the provider's clock.
    #[must_use]
    pub const fn created(&self) -> Seconds {
        self.created
    }

    /// The version that rendered the object, if the event says one.
    #[must_use]
    pub fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    /// The newer authentication context, as it came.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The API request that caused it; none for automatic changes.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// That request's idempotency key. It names the request, not the event.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// Whose event it is, and whether its money is real.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope { account: self.account.clone(), livemode: self.livemode }
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("form", &self.form)
            .field("type_name", &self.type_name)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// The event id of a body, or none when the body is no JSON object or holds no usable id.
///
/// Reads the whole body once, keeps nothing but the id: this runs on every ingest.
#[must_use]
pub fn event_id(body: &[u8]) -> Option<EventId> {
    Id::frame(body)?.event_id()
}

/// What a listing shows of an event, as far as it can be read: an event that cannot be folded has a line too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its identity.
    pub id: Option<EventId>,
    /// Its type's name.
    pub type_name: Option<Box<str>>,
    /// When the change happened.
    pub created: Option<Seconds>,
    /// The version that rendered it.
    pub api_version: Option<Box<str>>,
    /// Live money or a test.
    pub livemode: Option<bool>,
    /// The connected account.
    pub account: Option<AccountId>,
    /// Snapshot or thin.
    pub form: Option<Form>,
}

impl Summary {
    /// Reads what can be read of `body`; everything is none when it is no JSON object.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let Some(fields) = Fields::frame(body) else {
            return Self::default();
        };
        Self {
            id: fields.id(),
            type_name: fields.type_name().map(Into::into),
            created: fields.created(),
            api_version: fields.api_version().map(Into::into),
            livemode: fields.livemode(),
            account: fields.account().ok().flatten(),
            form: fields.form(),
        }
    }
}
