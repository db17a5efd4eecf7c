//! A light JSON tree that borrows from the body and keeps only what a [`Key`] names.
//!
//! Reading a value never fails: a value of another type than asked for is as good as absent. Where that
//! would lose money or access, `normalise::shape` refuses the object first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::key::Key;
use crate::model::id::ObjectId;
use crate::model::money::Currency;
use crate::model::private::{Metadata, Private};
use crate::model::time::Seconds;

/// A value, or as much of it as anybody reads.
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Key, Node<'a>)>),
    /// The merchant's own names, all of them kept and in their order; none is a null.
    Metadata(Vec<Pair<'a>>),
    /// A number that is no whole one of 64 bits: no value that we read is.
    Other,
}

/// One name and value of the merchant's own.
pub(super) type Pair<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

static NULL: Node<'static> = Node::Null;

impl Node<'_> {
    /// The value of that name; null when there is none.
    pub(super) fn at(&self, key: Key) -> &Self {
        self.find(key).unwrap_or(&NULL)
    }

    /// The value of that name, null or not.
    pub(super) fn find(&self, key: Key) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// This value, or the other when this is null.
    pub(super) fn or<'s>(&'s self, other: &'s Self) -> &'s Self {
        if self.is_null() { other } else { self }
    }

    /// The values of a list, be it bare or wrapped in a page (`{data: […]}`).
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            Self::Map(_) => match self.at(Key::data) {
                Self::List(values) => values,
                _ => &[],
            },
            _ => &[],
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The id that a reference names, be it the bare text or the whole object. What cannot be an id is none.
    pub(super) fn id_text(&self) -> Option<&str> {
        self.as_str().or_else(|| self.at(Key::id).as_str())
    }

    /// See [`Self::id_text`].
    pub(super) fn as_id(&self) -> Option<ObjectId> {
        ObjectId::parse(self.id_text()?).ok()
    }

    pub(super) fn id(&self, key: Key) -> Option<ObjectId> {
        self.at(key).as_id()
    }

    pub(super) fn text(&self, key: Key) -> Option<Box<str>> {
        self.at(key).as_str().map(Into::into)
    }

    pub(super) fn private(&self, key: Key) -> Option<Private> {
        self.at(key).as_str().map(Private::new)
    }

    pub(super) fn int(&self, key: Key) -> Option<i64> {
        self.at(key).as_int()
    }

    /// The amount, nothing being zero.
    pub(super) fn amount(&self, key: Key) -> i64 {
        self.int(key).unwrap_or(0)
    }

    pub(super) fn seconds(&self, key: Key) -> Option<Seconds> {
        self.int(key).map(Seconds)
    }

    /// Whether the value is true; absent is no.
    pub(super) fn is(&self, key: Key) -> bool {
        self.at(key).as_bool() == Some(true)
    }

    pub(super) fn currency(&self) -> Option<Currency> {
        self.at(Key::currency).as_str().filter(|code| !code.is_empty()).map(Currency::new)
    }

    /// An open enum's word.
    pub(super) fn word<T: for<'t> From<&'t str>>(&self, key: Key) -> Option<T> {
        self.at(key).as_str().map(T::from)
    }

    /// The merchant's own data: the last of several equal names counts, and a null takes the name away.
    pub(super) fn metadata(&self) -> Metadata {
        let Self::Metadata(pairs) = self.at(Key::metadata) else {
            return Metadata::default();
        };
        let mut kept = BTreeMap::new();
        for (name, value) in pairs {
            match value {
                Some(value) => kept.insert(Box::from(&**name), Box::from(&**value)),
                None => kept.remove(&**name),
            };
        }
        Metadata(kept)
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Reader { depth: Depth::Whole }.deserialize(value)
    }
}

/// How much of a map is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Every name that is a [`Key`].
    Whole,
    /// Only what names the object: a whole one may stand where its id would do.
    Reference,
}

#[derive(Clone, Copy)]
struct Reader {
    depth: Depth,
}

impl Reader {
    fn keeps(self, key: Key) -> bool {
        self.depth == Depth::Whole || matches!(key, Key::id | Key::data)
    }

    fn below(self, key: Key) -> Self {
        if key.is_reference() { Self { depth: Depth::Reference } } else { self }
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Node<'de>;
    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Node<'de>, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(i64::try_from(number).map_or(Node::Other, Node::Int))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node<'de>, E> {
        Ok(Node::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut entries = Vec::new();
        let mut seen = Seen::default();
        while let Some(Name(name)) = map.next_key()? {
            let Some(key) = name.filter(|key| self.keeps(*key)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match key {
                Key::metadata => map.next_value::<Pairs<'de>>()?.0,
                _ => map.next_value_seed(self.below(key))?,
            };
            if seen.again(key) {
                put(&mut entries, key, value);
            } else {
                entries.push((key, value));
            }
        }
        Ok(Node::Map(entries))
    }
}

/// Replaces the value of a name, or adds it.
pub(super) fn put<'a>(entries: &mut Vec<(Key, Node<'a>)>, key: Key, value: Node<'a>) {
    match entries.iter_mut().find(|(name, _)| *name == key) {
        Some((_, old)) => *old = value,
        None => entries.push((key, value)),
    }
}

/// The names of one map so far: the last of several equal ones counts.
#[derive(Default)]
struct Seen([u128; 2]);

impl Seen {
    fn again(&mut self, key: Key) -> bool {
        let Self([low, high]) = self;
        let (half, bit) = match key.number() {
            number @ 0..128 => (low, 1 << number),
            number => (high, 1 << (number - 128)),
        };
        let again = *half & bit != 0;
        *half |= bit;
        again
    }
}

/// A name of a map, if it is kept.
struct Name(Option<Key>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(name: D) -> Result<Self, D::Error> {
        struct ReadName;

        impl Visitor<'_> for ReadName {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Key::find(name)))
            }
        }

        name.deserialize_str(ReadName)
    }
}

/// The value of `metadata`: a map from text to text. Anything else in it is as good as null.
struct Pairs<'a>(Node<'a>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(ReadPairs).map(Self)
    }
}

struct ReadPairs;

impl<'de> Visitor<'de> for ReadPairs {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Node<'de>, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(Node::Text(name)) = map.next_key()? {
            let value = match map.next_value()? {
                Node::Text(text) => Some(text),
                _ => None,
            };
            pairs.push((name, value));
        }
        Ok(Node::Metadata(pairs))
    }
}
