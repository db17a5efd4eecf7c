//! The envelope's fields as they stand in the text, and what each of them may be.
//!
//! A field is first framed and only then read, so that one odd value never hides the others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{EnvelopeError, Form, TEXT_BYTES_MAX};
use crate::model::id::{AccountId, EventId};
use crate::model::time::Seconds;

/// A part of the text, known to be well-formed and not yet read; none when absent or null.
type Raw<'a> = Option<&'a RawValue>;

/// Declares what is framed of an object. Other names are skipped, the last of several equal ones counts
/// (serde's derive would refuse them), and whatever is no object frames nothing.
macro_rules! framed {
    ($(#[$doc:meta])* $Name:ident { $($field:ident: $Type:ty = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $Name<'a> { $($field: $Type),+ }

        const _: () = {
            #[expect(non_camel_case_types, reason = "one name a field")]
            enum Key { $($field,)+ other }

            impl<'de> Deserialize<'de> for Key {
                fn deserialize<D: Deserializer<'de>>(key: D) -> Result<Self, D::Error> {
                    key.deserialize_str(ReadKey)
                }
            }

            struct ReadKey;

            impl Visitor<'_> for ReadKey {
                type Value = Key;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a name")
                }
                fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                    Ok(match name { $($text => Key::$field,)+ _ => Key::other })
                }
            }

            impl<'de: 'a, 'a> Deserialize<'de> for $Name<'a> {
                fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
                    value.deserialize_any(Read)
                }
            }

            struct Read;

            impl<'a> Visitor<'a> for Read {
                type Value = $Name<'a>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("any value")
                }
                fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<$Name<'a>, A::Error> {
                    let mut framed = $Name::default();
                    while let Some(key) = map.next_key()? {
                        match key {
                            $(Key::$field => framed.$field = map.next_value()?,)+
                            Key::other => { map.next_value::<IgnoredAny>()?; }
                        }
                    }
                    Ok(framed)
                }
                fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<$Name<'a>, A::Error> {
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                    Ok($Name::default())
                }
                fn visit_unit<E>(self) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
                fn visit_bool<E>(self, _: bool) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
                fn visit_i64<E>(self, _: i64) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
                fn visit_u64<E>(self, _: u64) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
                fn visit_f64<E>(self, _: f64) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
                fn visit_str<E>(self, _: &str) -> Result<$Name<'a>, E> {
                    Ok($Name::default())
                }
            }
        };
    };
}

framed! {
    /// Only the id: what every ingest needs.
    Id { id: Raw<'a> = "id" }
}

framed! {
    /// The content of `data`.
    Data {
        object: Raw<'a> = "object",
        previous_attributes: Raw<'a> = "previous_attributes",
    }
}

framed! {
    /// The API request behind an event.
    Request {
        id: Raw<'a> = "id",
        idempotency_key: Raw<'a> = "idempotency_key",
    }
}

framed! {
    /// Where a thin event says which request caused it.
    Reason { request: Raw<'a> = "request" }
}

framed! {
    /// Every field of an envelope.
    Fields {
        id: Raw<'a> = "id",
        object: Raw<'a> = "object",
        type_name: Raw<'a> = "type",
        created: Raw<'a> = "created",
        api_version: Raw<'a> = "api_version",
        livemode: Raw<'a> = "livemode",
        account: Raw<'a> = "account",
        context: Raw<'a> = "context",
        request: Raw<'a> = "request",
        reason: Raw<'a> = "reason",
        data: Data<'a> = "data",
    }
}

/// Frames what `T` names of a body; none when the body is not a JSON object in UTF-8.
fn frame<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    // Skipped text is not checked for UTF-8 by the JSON parser, so all of it is checked here.
    let text = std::str::from_utf8(body).ok()?;
    let is_object = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok()).flatten()
}

impl<'a> Id<'a> {
    pub(super) fn frame(body: &'a [u8]) -> Option<Self> {
        frame(body)
    }

    pub(super) fn event_id(&self) -> Option<EventId> {
        event_id(self.id)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn frame(body: &'a [u8]) -> Option<Self> {
        frame(body)
    }

    pub(super) fn id(&self) -> Option<EventId> {
        event_id(self.id)
    }

    pub(super) fn form(&self) -> Option<Form> {
        Form::from_object(&text(self.object?)?)
    }

    pub(super) fn type_name(&self) -> Option<Cow<'a, str>> {
        text(self.type_name?)
    }

    /// Seconds as a number; a thin event writes RFC 3339 instead.
    pub(super) fn created(&self) -> Option<Seconds> {
        let raw = self.created?;
        if let Ok(seconds) = raw.get().parse() {
            return Some(Seconds(seconds));
        }
        let moment: jiff::Timestamp = text(raw)?.parse().ok()?;
        Some(Seconds(moment.as_millisecond().div_euclid(1_000)))
    }

    pub(super) fn api_version(&self) -> Option<Cow<'a, str>> {
        text(self.api_version?)
    }

    pub(super) fn livemode(&self) -> Option<bool> {
        self.livemode?.get().parse().ok()
    }

    /// Whatever is neither absent nor an account's id must not fall to the endpoint's own account.
    pub(super) fn account(&self) -> Result<Option<AccountId>, EnvelopeError> {
        let read = |raw| text(raw).and_then(|id| AccountId::parse(&id).ok());
        let account = self.account.map(|raw| read(raw).ok_or(EnvelopeError::Field { field: "account" }));
        account.transpose()
    }

    pub(super) fn context(&self) -> Option<Cow<'a, str>> {
        text(self.context?)
    }

    /// The request's id and idempotency key. Before 2017 `request` was the bare id; a thin event has it inside `reason`.
    pub(super) fn request(&self) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let inside = || serde_json::from_str::<Reason<'a>>(self.reason?.get()).ok()?.request;
        let Some(raw) = self.request.or_else(inside) else {
            return (None, None);
        };
        if let Some(id) = text(raw) {
            return (Some(id), None);
        }
        let request: Request<'a> = serde_json::from_str(raw.get()).unwrap_or_default();
        (request.id.and_then(text), request.idempotency_key.and_then(text))
    }

    /// The object and its attributes as they were before, both framed only.
    pub(super) fn data(&self) -> Result<(&'a RawValue, Raw<'a>), EnvelopeError> {
        let object = self.data.object.filter(|raw| is_object(raw));
        let object = object.ok_or(EnvelopeError::Field { field: "data.object" })?;
        match self.data.previous_attributes {
            Some(raw) if !is_object(raw) => Err(EnvelopeError::Field { field: "data.previous_attributes" }),
            before => Ok((object, before)),
        }
    }
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

fn event_id(raw: Raw<'_>) -> Option<EventId> {
    EventId::parse(&text(raw?)?).ok()
}

/// The value of a short, printable string; none for anything else.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    // An escape takes six bytes at most for each byte of its value.
    let raw = raw.get();
    if raw.len() > 6 * TEXT_BYTES_MAX + 2 {
        return None;
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let text = if inner.contains('\\') {
        Cow::Owned(serde_json::from_str::<String>(raw).ok()?)
    } else {
        Cow::Borrowed(inner)
    };
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len());
    (fits && !text.contains(char::is_control)).then_some(text)
}
