//! Objects of each kind in few states, so that histories come back to where they were, and events from one to another.

use std::cell::RefCell;
use std::collections::BTreeMap;

use billfold::model::event_type::EventType;
use billfold::model::id::EventId;
use billfold::model::kind::ObjectKind;
use billfold::model::observation::Observation;
use billfold::model::time::Seconds;
use billfold::stripe::decode::{Decoded, decode};
use billfold::stripe::envelope::Envelope;
use serde_json::{Map, Value};

use crate::fixtures;

/// For each field that varies, which of its values an object has.
pub type State = [u8; 3];

/// A field, and the values that it may have, as JSON.
type Field = (&'static str, &'static [&'static str]);

// What was before is laid over what is, name by name: so every value names the same parts.
const METADATA: Field = ("metadata", &[r#"{"k":"u"}"#, r#"{"k":"v"}"#, r#"{"k":"w"}"#]);
const ACTIVE: Field = ("active", &["true", "false"]);
const CANCELED_AT: Field = ("canceled_at", &["null", "100", "101"]);

/// The fields of a kind that vary: where the kind has one, the status comes first.
pub fn fields(kind: ObjectKind) -> [Field; 3] {
    use ObjectKind as K;
    match kind {
        K::Subscription => [
            (
                "status",
                &[
                    r#""active""#,
                    r#""past_due""#,
                    r#""trialing""#,
                    r#""paused""#,
                    r#""unpaid""#,
                    r#""incomplete""#,
                    r#""canceled""#,
                    r#""incomplete_expired""#,
                ],
            ),
            ("cancel_at_period_end", &["false", "true"]),
            ("ended_at", &["null", "100", "101"]),
        ],
        K::Invoice => [
            (
                "status",
                &[r#""draft""#, r#""open""#, r#""uncollectible""#, r#""paid""#, r#""void""#, r#""new_word""#],
            ),
            ("attempt_count", &["0", "1", "2"]),
            (
                "status_transitions",
                &[
                    r#"{"finalized_at":null,"paid_at":null,"voided_at":null,"marked_uncollectible_at":null}"#,
                    r#"{"finalized_at":100,"paid_at":null,"voided_at":null,"marked_uncollectible_at":null}"#,
                    r#"{"finalized_at":100,"paid_at":101,"voided_at":null,"marked_uncollectible_at":null}"#,
                    r#"{"finalized_at":100,"paid_at":null,"voided_at":101,"marked_uncollectible_at":null}"#,
                    r#"{"finalized_at":101,"paid_at":null,"voided_at":null,"marked_uncollectible_at":102}"#,
                ],
            ),
        ],
        K::InvoicePayment => [
            ("status", &[r#""open""#, r#""paid""#, r#""canceled""#]),
            (
                "status_transitions",
                &[
                    r#"{"paid_at":null,"canceled_at":null}"#,
                    r#"{"paid_at":100,"canceled_at":null}"#,
                    r#"{"paid_at":101,"canceled_at":1}"#,
                ],
            ),
            ("amount_paid", &["null", "0", "2000"]),
        ],
        K::CheckoutSession => [
            ("status", &[r#""open""#, r#""complete""#, r#""expired""#]),
            ("payment_status", &[r#""unpaid""#, r#""paid""#, r#""no_payment_required""#]),
            ("customer", &["null", r#""cus_a""#, r#""cus_b""#]),
        ],
        K::PaymentIntent => [
            (
                "status",
                &[
                    r#""requires_payment_method""#,
                    r#""requires_action""#,
                    r#""processing""#,
                    r#""requires_capture""#,
                    r#""succeeded""#,
                    r#""canceled""#,
                ],
            ),
            ("amount_received", &["0", "500", "1099"]),
            CANCELED_AT,
        ],
        K::Charge => [
            ("status", &[r#""pending""#, r#""succeeded""#, r#""failed""#]),
            ("amount_refunded", &["0", "50", "100"]),
            ("captured", &["false", "true"]),
        ],
        K::Refund => [
            ("status", &[r#""pending""#, r#""requires_action""#, r#""succeeded""#, r#""failed""#, "null"]),
            METADATA,
            ("failure_reason", &["null", r#""declined""#]),
        ],
        K::Dispute => [
            (
                "status",
                &[
                    r#""warning_needs_response""#,
                    r#""warning_under_review""#,
                    r#""warning_closed""#,
                    r#""needs_response""#,
                    r#""under_review""#,
                    r#""won""#,
                    r#""lost""#,
                ],
            ),
            (
                "balance_transactions",
                &[
                    "[]",
                    r#"[{"id":"txn_1","amount":-1000,"fee":1500}]"#,
                    r#"[{"id":"txn_1","amount":-1000,"fee":1500},{"id":"txn_2","amount":1000,"fee":0}]"#,
                    r#"[{"id":"txn_1","amount":-1000,"fee":1500},{"id":"txn_3","amount":900,"fee":0}]"#,
                ],
            ),
            ("evidence_details", &[r#"{"submission_count":0}"#, r#"{"submission_count":1}"#]),
        ],
        K::PaymentMethod => {
            [("customer", &["null", r#""cus_a""#, r#""cus_b""#]), METADATA, ("allow_redisplay", &["null"])]
        }
        K::Product => [ACTIVE, ("updated", &["100", "101", "99"]), METADATA],
        K::Price => [ACTIVE, ("lookup_key", &["null", r#""a""#, r#""b""#]), METADATA],
        K::CreditNote => [
            ("status", &[r#""issued""#, r#""void""#]),
            ("voided_at", &["null", "100", "101"]),
            ("amount", &["100", "200"]),
        ],
        K::SetupIntent => [
            (
                "status",
                &[
                    r#""requires_payment_method""#,
                    r#""requires_action""#,
                    r#""processing""#,
                    r#""succeeded""#,
                    r#""canceled""#,
                ],
            ),
            METADATA,
            ("payment_method", &["null", r#""pm_a""#]),
        ],
        K::Entitlements => [
            (
                "entitlements",
                &[
                    r#"{"object":"list","data":[],"has_more":false}"#,
                    r#"{"object":"list","data":[{"lookup_key":"a","feature":"feat_a"}],"has_more":false}"#,
                    r#"{"object":"list","data":[{"lookup_key":"b","feature":"feat_b"}],"has_more":true}"#,
                    r#"{"object":"list","data":[{"lookup_key":"a","feature":"feat_c"},{"lookup_key":"c"}],"has_more":true}"#,
                ],
            ),
            METADATA,
            ("livemode", &["false"]),
        ],
        K::SubscriptionSchedule => [
            (
                "status",
                &[r#""not_started""#, r#""active""#, r#""completed""#, r#""released""#, r#""canceled""#],
            ),
            CANCELED_AT,
            ("released_at", &["null", "100", "101"]),
        ],
        K::TestClock => [
            ("status", &[r#""ready""#, r#""advancing""#, r#""internal_failure""#]),
            ("frozen_time", &["100", "101", "102"]),
            METADATA,
        ],
        K::Review => [("open", &["true", "false"]), METADATA, ("reason", &[r#""rule""#, r#""approved""#])],
        K::EarlyFraudWarning => [("actionable", &["true", "false"]), METADATA, ("livemode", &["false"])],
        K::Discount => [("end", &["null", "100", "101"]), METADATA, ("start", &["100", "101"])],
        _ => [("balance", &["0", "100", "-100"]), ("delinquent", &["false", "true"]), METADATA],
    }
}

fn values(kind: ObjectKind, state: State) -> impl Iterator<Item = (&'static str, Value)> {
    fields(kind).into_iter().zip(state).map(|((name, values), choice)| {
        let value = values[usize::from(choice) % values.len()];
        (name, serde_json::from_str(value).unwrap())
    })
}

fn read(event_type: EventType, before: Option<State>, after: State) -> Observation {
    let kind = event_type.kind();
    let mut object = fixtures::object(kind).clone();
    for (name, value) in values(kind, after) {
        object[name] = value;
    }
    let previous = before.map(|before| {
        let old = values(kind, before).filter(|(name, value)| object[*name] != *value);
        Value::Object(old.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    });
    let body = fixtures::event(event_type.name(), &object, previous.as_ref()).to_string();
    match decode(&Envelope::parse(body.as_bytes()).unwrap()) {
        Decoded::Observed(observation) => *observation,
        other => panic!("{body} is not read: {other:?}"),
    }
}

type Known = BTreeMap<(EventType, Option<State>, State), Observation>;

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Known::new()) };
}

/// What an event says that shows an object in the state `after`, and may say that it was `before`.
pub fn observation(
    event_type: EventType,
    before: Option<State>,
    after: State,
    event: EventId,
    created: Seconds,
) -> Observation {
    let key = (event_type, before, after);
    let template = KNOWN
        .with_borrow_mut(|known| known.entry(key).or_insert_with(|| read(event_type, before, after)).clone());
    Observation { event, created, ..template }
}
