//! How an API version shows an object, and what changed between two of its states.
//!
//! The world keeps objects as the newest version has them. An older version is made from it by moving fields to where they
//! stood then; names that begin with `_` are shown by the versions that still had them and by no other.

use serde_json::{Map, Value, json};

use crate::model::kind::ObjectKind;

/// An API version, of each train the one with the most to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `2024-06-20`: before the trains.
    Dated,
    /// `2024-10-28.acacia`
    Acacia,
    /// `2025-03-31.basil`
    Basil,
    /// `2025-09-30.clover`
    Clover,
    /// `2026-07-29.dahlia`
    Dahlia,
}

impl Version {
    /// All, the oldest first.
    pub const ALL: &'static [Self] = &[Self::Dated, Self::Acacia, Self::Basil, Self::Clover, Self::Dahlia];

    /// The version as an event names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dated => "2024-06-20",
            Self::Acacia => "2024-10-28.acacia",
            Self::Basil => "2025-03-31.basil",
            Self::Clover => "2025-09-30.clover",
            Self::Dahlia => "2026-07-29.dahlia",
        }
    }

    /// The version of that name, or of its train (`dahlia`).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let train = |version: &Self| version.as_str().split('.').nth(1) == Some(name);
        Self::ALL.iter().copied().find(|version| version.as_str() == name || train(version))
    }

    /// Before the great move of 2025-03-31.
    const fn is_old(self) -> bool {
        matches!(self, Self::Dated | Self::Acacia)
    }
}

/// Sets a field of an object. Anything else is left alone.
pub(super) fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value);
    }
}

fn take(object: &mut Value, key: &str) -> Value {
    object.as_object_mut().and_then(|fields| fields.remove(key)).unwrap_or(Value::Null)
}

fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().try_fold(object, |object, key| object.get(key)).unwrap_or(&Value::Null)
}

/// Lays `patch` over `object`: objects part by part, everything else as a whole. Null removes a name from `metadata`.
pub(super) fn patch(object: &mut Value, patch: Value) {
    match (object, patch) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (key, change) in changes {
                if key == "metadata" {
                    lay_metadata(fields.entry(key).or_insert_with(|| json!({})), change);
                } else if let Some(field) = fields.get_mut(&key) {
                    self::patch(field, change);
                } else {
                    fields.insert(key, change);
                }
            }
        }
        (object, patch) => *object = patch,
    }
}

fn lay_metadata(metadata: &mut Value, change: Value) {
    let (Some(names), Value::Object(change)) = (metadata.as_object_mut(), change) else { return };
    for (name, value) in change {
        if value.is_null() {
            names.remove(&name);
        } else {
            names.insert(name, value);
        }
    }
}

/// The old values of what changed, as `previous_attributes` shows them: nested objects in part, lists whole, null for
/// what was not there.
pub(super) fn difference(before: &Value, after: &Value) -> Value {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return before.clone();
    };
    let mut changed = Map::new();
    for (key, value) in old {
        match new.get(key) {
            Some(now) if now == value => {}
            Some(now) if now.is_object() && value.is_object() => {
                changed.insert(key.clone(), difference(value, now));
            }
            _ => {
                changed.insert(key.clone(), value.clone());
            }
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        changed.insert(key.clone(), Value::Null);
    }
    Value::Object(changed)
}

/// `object` as `version` shows it.
pub(super) fn object(object: &Value, kind: ObjectKind, version: Version) -> Value {
    let mut shown = object.clone();
    if version.is_old() {
        match kind {
            ObjectKind::Subscription => old_subscription(&mut shown),
            ObjectKind::Invoice => old_invoice(&mut shown),
            ObjectKind::Charge | ObjectKind::PaymentIntent => {
                let invoice = take(&mut shown, "_invoice");
                put(&mut shown, "invoice", invoice);
            }
            ObjectKind::CreditNote => {
                let refund =
                    at(&shown, &["refunds"]).get(0).map_or(Value::Null, |one| at(one, &["refund"]).clone());
                take(&mut shown, "refunds");
                put(&mut shown, "refund", refund);
            }
            _ => {}
        }
    }
    if kind == ObjectKind::Discount && version < Version::Clover {
        let mut source = take(&mut shown, "source");
        let coupon = json!({ "id": take(&mut source, "coupon"), "object": "coupon" });
        put(&mut shown, "coupon", coupon);
    }
    if kind == ObjectKind::Invoice && version < Version::Dahlia {
        take(&mut shown, "amount_paid_off_stripe");
    }
    if kind == ObjectKind::Subscription && matches!(version, Version::Basil) {
        take(&mut shown, "billing_mode");
    }
    if let Some(fields) = shown.as_object_mut() {
        fields.retain(|name, _| !name.starts_with('_'));
    }
    shown
}

/// Periods stood on the subscription, one discount at its top.
fn old_subscription(shown: &mut Value) {
    let mut period = (Value::Null, Value::Null);
    if let Some(items) = shown.pointer_mut("/items/data").and_then(Value::as_array_mut) {
        for item in items {
            period = (take(item, "current_period_start"), take(item, "current_period_end"));
        }
    }
    put(shown, "current_period_start", period.0);
    put(shown, "current_period_end", period.1);
    take(shown, "billing_mode");
    let discount = at(shown, &["discounts"]).get(0).map(|id| json!({ "id": id, "object": "discount" }));
    put(shown, "discount", discount.unwrap_or(Value::Null));
}

/// What stands in `parent` stood at the top, and the payment was named.
fn old_invoice(shown: &mut Value) {
    let mut parent = take(shown, "parent");
    let mut details = take(&mut parent, "subscription_details");
    put(shown, "subscription", take(&mut details, "subscription"));
    let outside = take(shown, "_out_of_band");
    let is_paid = at(shown, &["status"]).as_str() == Some("paid");
    put(shown, "paid", is_paid.into());
    let is_outside = outside.as_i64().unwrap_or(0) > 0;
    put(shown, "paid_out_of_band", is_outside.into());
    if is_outside {
        // What was paid elsewhere counts as paid only since basil.
        let due = at(shown, &["amount_due"]).clone();
        put(shown, "amount_paid", 0.into());
        put(shown, "amount_remaining", due);
    }
    for (old, kept) in [("payment_intent", "_payment_intent"), ("charge", "_charge")] {
        let id = take(shown, kept);
        put(shown, old, id);
    }
    take(shown, "amount_overpaid");
    let taxes = take(shown, "total_taxes");
    let tax = taxes.get(0).map_or(Value::Null, |tax| at(tax, &["amount"]).clone());
    put(shown, "tax", tax);
    put(shown, "total_tax_amounts", taxes);
    if let Some(lines) = shown.pointer_mut("/lines/data").and_then(Value::as_array_mut) {
        lines.iter_mut().for_each(old_line);
    }
}

fn old_line(line: &mut Value) {
    let mut parent = take(line, "parent");
    let mut details = take(&mut parent, "subscription_item_details");
    let mut pricing = take(line, "pricing");
    let mut price = take(&mut pricing, "price_details");
    let product = take(&mut price, "product");
    put(line, "price", json!({ "id": take(&mut price, "price"), "object": "price", "product": product }));
    put(line, "subscription_item", take(&mut details, "subscription_item"));
    put(line, "proration", take(&mut details, "proration"));
    put(line, "type", "subscription".into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: &Value) {
        assert_eq!(&difference(before, after), expected);
    }

    #[test]
    fn only_what_changed_is_told_and_as_it_was() {
        check(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3}), &json!({"b": 2}));
        check(&json!({"m": {"x": "1"}}), &json!({"m": {"x": "1", "y": "2"}}), &json!({"m": {"y": null}}));
        check(&json!({"m": {"x": "1"}}), &json!({"m": {}}), &json!({"m": {"x": "1"}}));
        check(&json!({"l": [1, 2]}), &json!({"l": [1, 3]}), &json!({"l": [1, 2]}));
        check(&json!({"p": null}), &json!({"p": {"q": 1}}), &json!({"p": null}));
        check(&json!({"p": {"q": 1}}), &json!({"p": null}), &json!({"p": {"q": 1}}));
    }

    #[test]
    fn versions_have_names() {
        assert_eq!(Version::parse("2024-06-20"), Some(Version::Dated));
        assert_eq!(Version::parse("2026-07-29.dahlia"), Some(Version::Dahlia));
        assert_eq!(Version::parse("basil"), Some(Version::Basil));
        assert_eq!(Version::parse(""), None);
    }

    #[test]
    fn a_patch_lays_parts_over_parts() {
        let mut object = json!({"a": {"b": 1, "c": 2}, "l": [1], "metadata": {"x": "1"}});
        patch(&mut object, json!({"a": {"c": 3}, "l": [], "metadata": {"x": null, "y": "2"}}));
        assert_eq!(object, json!({"a": {"b": 1, "c": 3}, "l": [], "metadata": {"y": "2"}}));
    }

    #[test]
    fn names_of_our_own_are_shown_by_no_version() {
        let invoice =
            json!({"_payment_intent": "pi_1", "status": "paid", "amount_due": 5, "_out_of_band": 5});
        for &version in Version::ALL {
            let shown = object(&invoice, ObjectKind::Invoice, version);
            assert!(shown.as_object().unwrap().keys().all(|name| !name.starts_with('_')), "{shown}");
            assert_eq!(shown.get("payment_intent").is_some(), version.is_old());
        }
    }
}
