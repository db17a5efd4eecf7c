//! What must be true after a burst, whatever the order.

use std::collections::{BTreeMap, BTreeSet};

use billfold::engine::{Billfold, ListQuery, ScopeFilter};
use billfold::model::id::ObjectId;
use billfold::model::kind::ObjectKind;
use billfold::model::observation::Snapshot;
use billfold::model::time::Seconds;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub(super) struct Truth {
    objects: BTreeMap<(ObjectKind, &'static str), Value>,
    payments: BTreeMap<&'static str, Value>,
    access: Vec<(Asked, i64, Value)>,
    undecidable: BTreeSet<&'static str>,
}

#[derive(Clone, Copy)]
enum Asked {
    Customer(&'static str),
    Reference(&'static str),
}

impl Truth {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The object shows at least this.
    pub(super) fn object(mut self, kind: ObjectKind, id: &'static str, shown: Value) -> Self {
        self.objects.insert((kind, id), shown);
        self
    }

    pub(super) fn customer(self, shown: Value) -> Self {
        self.object(ObjectKind::Customer, "cus_1", shown)
    }

    pub(super) fn subscription(self, shown: Value) -> Self {
        self.object(ObjectKind::Subscription, "sub_1", shown)
    }

    pub(super) fn invoice(self, id: &'static str, shown: Value) -> Self {
        self.object(ObjectKind::Invoice, id, shown)
    }

    /// The payment with its amounts captured, refunded and disputed. There are no others than those named.
    pub(super) fn payment(
        mut self,
        id: &'static str,
        status: &str,
        [captured, refunded, disputed]: [i64; 3],
    ) -> Self {
        let amounts = json!({ "status": status, "amount_captured": captured, "amount_refunded": refunded,
            "amount_disputed": disputed });
        self.payments.insert(id, amounts);
        self
    }

    /// More of a payment named before.
    pub(super) fn payment_shows(mut self, id: &'static str, shown: Value) -> Self {
        let Value::Object(shown) = shown else { panic!() };
        self.payments.get_mut(id).unwrap().as_object_mut().unwrap().extend(shown);
        self
    }

    /// Whether `cus_1` may use the product at that second, and why.
    pub(super) fn access(mut self, at: i64, decision: &str, reason: &str) -> Self {
        let expected = json!({ "decision": decision, "reason": reason });
        self.access.push((Asked::Customer("cus_1"), at, expected));
        self
    }

    /// The answer about `cus_1` at that second shows at least this.
    pub(super) fn access_shows(mut self, at: i64, shown: Value) -> Self {
        self.access.push((Asked::Customer("cus_1"), at, shown));
        self
    }

    /// The same asked by the merchant's own user id.
    pub(super) fn reference(mut self, user: &'static str, at: i64, shown: Value) -> Self {
        self.access.push((Asked::Reference(user), at, shown));
        self
    }

    /// The events do not decide the last state of this object: it is flagged.
    pub(super) fn undecidable(mut self, id: &'static str) -> Self {
        self.undecidable.insert(id);
        self
    }

    /// Takes back what was said about access.
    pub(super) fn whatever_access(mut self) -> Self {
        self.access.clear();
        self
    }

    pub(super) fn is_undecidable(&self, id: &str) -> bool {
        self.undecidable.contains(id)
    }

    #[track_caller]
    pub(super) fn assert(&self, billfold: &Billfold, scope: &ScopeFilter, place: &str) {
        for ((kind, id), shown) in &self.objects {
            let found = billfold.object(*kind, &ObjectId::parse(id).unwrap(), scope).unwrap();
            let object = found.unwrap_or_else(|| panic!("{place}: {id} is missing")).object;
            let mut current = plain(&object.current());
            // The word of kinds that have none of their own (`deleted`, `detached`).
            current["status_word"] = object.status().into();
            assert_shows(&current, shown, &format!("{place}: {id}"));
        }
        let page = billfold.payments(&ListQuery { scope: scope.clone(), ..ListQuery::default() }).unwrap();
        let found: BTreeMap<String, Value> = page
            .items
            .iter()
            .map(|row| (row.payment.id.to_string(), serde_json::to_value(&row.payment).unwrap()))
            .collect();
        assert!(found.keys().eq(self.payments.keys()), "{place}: payments {:?}", found.keys());
        for (id, shown) in &self.payments {
            assert_shows(&found[*id], shown, &format!("{place}: payment {id}"));
        }
        for (asked, at, shown) in &self.access {
            let now = Seconds(*at);
            let answer = match asked {
                Asked::Customer(id) => billfold.access(&ObjectId::parse(id).unwrap(), scope, now),
                Asked::Reference(user) => billfold.access_by_reference(user, scope, now),
            };
            let access = answer.unwrap().unwrap_or_else(|| panic!("{place}: nobody is known")).access;
            assert_shows(&serde_json::to_value(&access).unwrap(), shown, &format!("{place}: access at {at}"));
        }
    }
}

/// A snapshot's fields.
pub(super) fn plain(snapshot: &Snapshot) -> Value {
    let Value::Object(named) = serde_json::to_value(snapshot).unwrap() else { panic!() };
    named.into_iter().next().unwrap().1
}

/// All that `expected` names is so in `actual`.
#[track_caller]
fn assert_shows(actual: &Value, expected: &Value, place: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (key, expected) in expected {
                let actual = actual.get(key).unwrap_or_else(|| panic!("{place}: no field {key}"));
                assert_shows(actual, expected, &format!("{place}: {key}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{place}");
            for (actual, expected) in actual.iter().zip(expected) {
                assert_shows(actual, expected, place);
            }
        }
        _ => assert_eq!(actual, expected, "{place}"),
    }
}
