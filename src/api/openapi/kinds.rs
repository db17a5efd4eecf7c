//! The schemas of the objects: the fields of the model's own types, under the members that every object has.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::schema::{flag, integer, joined, list, moment, object, or_null, reference, said, text};
use crate::api::object::{OPAQUE_FIELD, is_time};
use crate::engine::Collection;
use crate::model::access::{Access, Policy};
use crate::model::catalog::{Discount, Entitlements, Price, Product};
use crate::model::checkout::{CheckoutSession, PaymentMethod, SetupIntent};
use crate::model::customer::Customer;
use crate::model::derived::payment::Payment;
use crate::model::invoice::{CreditNote, Invoice, InvoicePayment};
use crate::model::kind::ObjectKind;
use crate::model::payment::{Charge, Dispute, PaymentIntent, Refund};
use crate::model::subscription::Subscription;
use crate::model::watch::{EarlyFraudWarning, Review, SubscriptionSchedule, TestClock};

/// The fields of every type that is answered, by the type's name.
pub(super) struct Kinds {
    fields: Map<String, Value>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
        let mut generator = settings.into_generator();
        for kind in ObjectKind::ALL {
            of_kind(*kind, &mut generator);
        }
        named::<Payment>(&mut generator);
        named::<Access>(&mut generator);
        named::<Policy>(&mut generator);
        let mut fields = generator.take_definitions(true);
        fields.values_mut().for_each(complete);
        Self { fields }
    }

    /// Every schema that is made from a type, and the pages of those that have lists.
    pub(super) fn schemas(mut self) -> Map<String, Value> {
        let mut pages = Map::new();
        let collections = ObjectKind::ALL.iter().map(|kind| Collection::Objects(*kind));
        for collection in collections.chain([Collection::Payments]) {
            let name = name(collection);
            if let Some(fields) = self.fields.get_mut(&name) {
                *fields = with_common(fields.take(), collection);
            }
            pages.insert(format!("{name}List"), page(&reference(&name)));
        }
        if let Some(access) = self.fields.get_mut("Access") {
            *access = answered_access(access.take());
        }
        self.fields.append(&mut pages);
        self.fields
    }
}

/// The name of a collection's schema.
pub(super) fn name(collection: Collection) -> String {
    match collection {
        Collection::Objects(kind) => of_kind(kind, &mut SchemaGenerator::default()),
        Collection::Payments => named::<Payment>(&mut SchemaGenerator::default()),
    }
}

/// A page of a list.
pub(super) fn page(of: &Value) -> Value {
    object([
        ("data", list(of)),
        ("next", said(or_null(text()), "Passed as `after` it asks for the next page; null at the end.")),
        ("past?", reference("Past")),
    ])
}

fn named<T: JsonSchema>(generator: &mut SchemaGenerator) -> String {
    generator.subschema_for::<T>();
    T::schema_name().into_owned()
}

fn of_kind(kind: ObjectKind, generator: &mut SchemaGenerator) -> String {
    match kind {
        ObjectKind::Customer => named::<Customer>(generator),
        ObjectKind::Subscription => named::<Subscription>(generator),
        ObjectKind::Invoice => named::<Invoice>(generator),
        ObjectKind::InvoicePayment => named::<InvoicePayment>(generator),
        ObjectKind::CheckoutSession => named::<CheckoutSession>(generator),
        ObjectKind::PaymentIntent => named::<PaymentIntent>(generator),
        ObjectKind::Charge => named::<Charge>(generator),
        ObjectKind::Refund => named::<Refund>(generator),
        ObjectKind::Dispute => named::<Dispute>(generator),
        ObjectKind::PaymentMethod => named::<PaymentMethod>(generator),
        ObjectKind::Product => named::<Product>(generator),
        ObjectKind::Price => named::<Price>(generator),
        ObjectKind::CreditNote => named::<CreditNote>(generator),
        ObjectKind::SetupIntent => named::<SetupIntent>(generator),
        ObjectKind::Entitlements => named::<Entitlements>(generator),
        ObjectKind::SubscriptionSchedule => named::<SubscriptionSchedule>(generator),
        ObjectKind::Discount => named::<Discount>(generator),
        ObjectKind::EarlyFraudWarning => named::<EarlyFraudWarning>(generator),
        ObjectKind::Review => named::<Review>(generator),
        ObjectKind::TestClock => named::<TestClock>(generator),
    }
}

/// Puts the twin beside each time, and makes the words of rustdoc those of a page.
fn complete(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        members.remove("$schema");
        if let Some(Value::String(description)) = members.get_mut("description") {
            *description = description.replace("[`", "`").replace("`]", "`").replace('\n', " ");
        }
        let names: BTreeSet<String> = match members.get("properties") {
            Some(Value::Object(properties)) => properties.keys().cloned().collect(),
            _ => BTreeSet::new(),
        };
        let twins: Vec<(String, Value)> = names
            .iter()
            .filter(|name| is_time(name))
            .map(|name| (format!("{name}_rfc3339"), moment()))
            .collect();
        let twins: Value = object(twins.iter().map(|(name, schema)| (name.as_str(), schema.clone())));
        let whole = joined(Value::Object(std::mem::take(members)), &twins);
        if let Value::Object(whole) = whole {
            *members = whole;
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            properties
                .iter_mut()
                .filter(|(name, _)| *name != OPAQUE_FIELD)
                .for_each(|(_, inner)| complete(inner));
        }
    }
}

/// The members that every object has over the fields of its kind.
fn with_common(fields: Value, collection: Collection) -> Value {
    let own_status = fields.pointer("/properties/status").cloned();
    let status = match own_status {
        Some(status) if collection == Collection::Payments => status,
        Some(mut status) => {
            if let Some(members) = status.as_object_mut() {
                members.remove("anyOf");
                members.insert("type".to_owned(), json!(["string", "null"]));
            }
            status
        }
        None => said(or_null(text()), "A word of ours where the provider has none: docs/api.md lists them."),
    };
    let word = match collection {
        Collection::Objects(kind) => kind.object(),
        Collection::Payments => "payment",
    };
    let common = object([
        ("id", said(text(), "As the provider says it.")),
        ("object", json!({ "const": word })),
        ("status", status),
        ("customer", said(or_null(text()), "Whose, where that is known.")),
        ("account", said(or_null(text()), "The connected account; null for your own.")),
        ("livemode", said(flag(), "Live mode, not test mode.")),
        ("created", said(or_null(integer()), "When the provider made it.")),
        ("created_rfc3339", moment()),
        ("ambiguous", said(flag(), "Its events do not decide its last state.")),
        ("created_inversion", said(or_null(flag()), "An event's time contradicts what is certain of it.")),
        ("contradictory", said(or_null(flag()), "Its events show two final states.")),
        ("past?", reference("Past")),
    ]);
    let object = joined(fields, &common);
    match collection {
        Collection::Objects(kind) => joined(object, &own_members(kind)),
        Collection::Payments => object,
    }
}

/// What objects have beyond the fields of their snapshots.
fn own_members(kind: ObjectKind) -> Value {
    let common = object([
        ("deleted", said(flag(), "It is gone.")),
        ("deleted_at", said(or_null(integer()), "When it went.")),
        ("deleted_at_rfc3339", moment()),
        (
            "status_since?",
            said(or_null(integer()), "Since when it has this status, as far as its events tell."),
        ),
        ("status_since_rfc3339?", moment()),
    ]);
    let more = match kind {
        ObjectKind::Subscription => object([(
            "billing_mode",
            said(
                json!({ "type": ["string", "integer", "null"] }),
                "`classic` or `flexible`, where a version says it.",
            ),
        )]),
        ObjectKind::Invoice => object([
            (
                "amount_overpaid",
                said(
                    json!({ "type": ["integer", "string", "null"] }),
                    "Minor units paid beyond what was due.",
                ),
            ),
            ("paid_out_of_band", said(or_null(flag()), "Paid outside the provider.")),
            ("payments", said(list(&text()), "The payments that pay it.")),
        ]),
        _ => object([]),
    };
    joined(common, &more)
}

/// The fields of a decision with what an answer adds.
fn answered_access(fields: Value) -> Value {
    let granted = said(flag(), "They may use the product: the one member that a gate has to read.");
    let alone = joined(fields.clone(), &object([("granted", granted.clone())]));
    let more = object([
        ("object", json!({ "const": "access" })),
        ("granted", granted),
        ("account", or_null(text())),
        ("livemode", flag()),
        ("as_of", said(integer(), "The moment of the answer.")),
        ("as_of_rfc3339", moment()),
        ("customers", said(list(&text()), "Who was looked at.")),
        ("subscriptions", said(list(&alone), "The same for each subscription alone.")),
        ("past?", reference("Past")),
    ]);
    joined(fields, &more)
}
