//! One field of the events' objects, set to another value.

use serde_json::{Map, Value};

use crate::cli::failure::Failure;
use crate::model::kind::ObjectKind;

/// The deepest path.
const PATH_STEPS_MAX: usize = 16;

/// `[KIND:]PATH=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    kind: Option<ObjectKind>,
    path: Vec<String>,
    value: Value,
}

impl Change {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (path, value) =
            text.split_once('=').ok_or("a field is written PATH=VALUE, such as status=past_due")?;
        let (kind, path) = match path.split_once(':') {
            None => (None, path),
            Some((word, path)) => match ObjectKind::from_object(word) {
                Some(kind) => (Some(kind), path),
                None => return Err(format!("{word} is no kind of object, such as subscription or invoice")),
            },
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        if path.len() > PATH_STEPS_MAX || path.iter().any(String::is_empty) {
            return Err("a path is names with dots between them, such as metadata.user_id".into());
        }
        let is_text = path.first().is_some_and(|first| first == "metadata");
        let parsed = if is_text { None } else { serde_json::from_str(value).ok() };
        Ok(Self { kind, path, value: parsed.unwrap_or_else(|| value.into()) })
    }

    /// Whether it is for an event about `kind`, in a story about `told_of`.
    pub(super) fn is_for(&self, kind: ObjectKind, told_of: ObjectKind) -> bool {
        kind == self.kind.unwrap_or(told_of)
    }

    /// Sets the field; makes the objects on the way to it.
    pub(super) fn apply(&self, object: &mut Value) -> Result<(), Failure> {
        let mut place = object;
        for step in &self.path {
            place = match place {
                Value::Array(items) => step.parse().ok().and_then(|index: usize| items.get_mut(index)),
                Value::Object(fields) => Some(fields.entry(step.as_str()).or_insert(Value::Null)),
                Value::Null => {
                    *place = Value::Object(Map::new());
                    place.as_object_mut().map(|fields| fields.entry(step.as_str()).or_insert(Value::Null))
                }
                _ => None,
            }
            .ok_or_else(|| {
                Failure::usage(format!("--override {}: there is nothing at {step}", self.path.join(".")))
            })?;
        }
        *place = self.value.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(change: &str, expected: &Value) {
        let mut object =
            json!({ "status": "active", "items": { "data": [{ "quantity": 1 }] }, "metadata": null });
        Change::parse(change).unwrap().apply(&mut object).unwrap();
        assert_eq!(&object, expected, "{change}");
    }

    #[test]
    fn fields_are_set() {
        let items = json!({ "data": [{ "quantity": 1 }] });
        check("status=past_due", &json!({ "status": "past_due", "items": items, "metadata": null }));
        check("status=7", &json!({ "status": 7, "items": items, "metadata": null }));
        check("metadata.user=7", &json!({ "status": "active", "items": items, "metadata": { "user": "7" } }));
        check(
            "subscription:items.data.0.quantity=5",
            &json!({ "status": "active", "items": { "data": [{ "quantity": 5 }] }, "metadata": null }),
        );
    }

    #[test]
    fn what_does_not_fit_says_so() {
        for text in ["status", "=1", "a..b=1", "subscriber:a=1", ".=1"] {
            assert!(Change::parse(text).is_err(), "{text}");
        }
        let mut object = json!({ "status": "active", "list": [] });
        for text in ["status.inner=1", "list.0=1", "list.x=1"] {
            assert!(Change::parse(text).unwrap().apply(&mut object).is_err(), "{text}");
        }
    }

    #[test]
    fn a_change_without_a_kind_is_for_what_the_story_is_about() {
        let (of_story, named) = (Change::parse("a=1").unwrap(), Change::parse("invoice:a=1").unwrap());
        assert!(of_story.is_for(ObjectKind::Charge, ObjectKind::Charge));
        assert!(!of_story.is_for(ObjectKind::Invoice, ObjectKind::Charge));
        assert!(named.is_for(ObjectKind::Invoice, ObjectKind::Charge));
        assert!(!named.is_for(ObjectKind::Charge, ObjectKind::Charge));
    }
}
