//! Builders for the tests of the fold: entries by letters, observations by fields.

use serde_json::{Value, json};

use super::event_type::EventType;
use super::facts;
use super::fingerprint::Fingerprint;
use super::id::{EventId, ObjectId, ObjectKey, Scope};
use super::observation::{Entry, Facts, Observation, Snapshot};
use super::time::Seconds;

/// A content, named by a letter.
pub(crate) fn content(letter: char) -> Fingerprint {
    Fingerprint([u8::try_from(letter).unwrap(); 16])
}

/// An entry at second 0 that shows `status` and the content `letter`.
pub(crate) fn entry(id: &str, event_type: &str, status: &str, letter: char) -> Entry {
    let event_type = EventType::parse(event_type).unwrap();
    let (rank, terminal) = facts::stage(event_type.kind(), status);
    let status = Some(status).filter(|status| !status.is_empty()).map(Into::into);
    Entry {
        event: EventId::parse(id).unwrap(),
        event_type,
        created: Seconds(0),
        facts: Facts { status, rank, terminal, numbers: [0, 0], refunded: 0, partial: false },
        before: None,
        after: content(letter),
        status_before: None,
    }
}

impl Entry {
    /// The event says that the content before it was `letter`.
    pub(crate) fn from(mut self, letter: char) -> Self {
        self.before = Some(content(letter));
        self
    }

    pub(crate) fn numbers(mut self, a: i64, b: i64) -> Self {
        self.facts.numbers = [a, b];
        self
    }

    pub(crate) fn refunded(mut self, amount: i64) -> Self {
        self.facts.refunded = amount;
        self
    }

    pub(crate) fn partial(mut self) -> Self {
        self.facts.partial = true;
        self
    }

    pub(crate) fn stage(mut self, rank: u8, terminal: bool) -> Self {
        (self.facts.rank, self.facts.terminal) = (rank, terminal);
        self
    }
}

/// An entry that reads `type status content`: `updated active A>B` says that the content was A and is B.
///
/// Behind it may stand the monotone numbers (`1/0`), the amount given back (`$500`) and `final` or `stage` for a session,
/// whose rank its status does not tell.
pub(crate) fn event(prefix: &str, text: &str) -> Entry {
    let words: Vec<&str> = text.split(' ').collect();
    let [ty, status, contents, more @ ..] = words.as_slice() else { panic!("{text}") };
    let event_type = if ty.contains('.') { (*ty).to_owned() } else { format!("{prefix}.{ty}") };
    let mut entry = entry("e", &event_type, status, contents.chars().next_back().unwrap());
    if let Some((from, _)) = contents.split_once('>') {
        entry = entry.from(from.chars().next().unwrap());
    }
    for word in more {
        entry = match (word.strip_prefix('$'), word.split_once('/'), *word) {
            (Some(amount), _, _) => entry.refunded(amount.parse().unwrap()),
            (_, Some((a, b)), _) => entry.numbers(a.parse().unwrap(), b.parse().unwrap()),
            (_, _, "stage") => entry.stage(1, false),
            (_, _, "final") => entry.stage(2, true),
            (_, _, "cut") => entry.partial(),
            _ => panic!("{word}"),
        };
    }
    entry
}

/// Zeros and empty lists for every field that must be there, of all kinds together.
const EMPTY: &str = r#"{
    "currency": "usd", "customer": "cus_1", "metadata": {}, "items": [], "items_truncated": false,
    "cancel_at_period_end": false, "pending_update": false, "discounts": [], "amount_due": 0,
    "amount_paid": 0, "amount_remaining": 0, "total": 0, "subtotal": 0, "starting_balance": 0,
    "attempt_count": 0, "attempted": false, "auto_advance": true, "lines": [], "lines_truncated": false,
    "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
    "amount_requested": 0, "is_default": true, "amount": 1000, "refunds": [], "async_failed": false,
    "amount_received": 0, "amount_capturable": 0, "amount_captured": 0, "amount_refunded": 0,
    "paid": false, "captured": false, "refunded": false, "disputed": false, "balance_transactions": 0,
    "amount_withdrawn": 0, "amount_reinstated": 0, "fees": 0, "has_evidence": false,
    "submission_count": 0, "past_due": false, "is_charge_refundable": false, "balance": 0,
    "active": true, "truncated": false, "phases": [], "actionable": true, "open": true
}"#;

/// A snapshot of the kind `variant`: `fields` over zeros and empty lists.
pub(crate) fn snapshot(variant: &str, fields: &Value) -> Snapshot {
    let mut all: Value = serde_json::from_str(EMPTY).unwrap();
    let target = all.as_object_mut().unwrap();
    target.extend(fields.as_object().unwrap().clone());
    if variant == "InvoicePayment" {
        target.remove("amount_paid");
    }
    serde_json::from_value(json!({ variant: all })).unwrap()
}

/// The fingerprint of a snapshot, for tests: any function of all its fields will do.
pub(crate) fn fingerprint(snapshot: &Snapshot) -> Fingerprint {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let text = serde_json::to_string(snapshot).unwrap();
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &text).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    };
    Fingerprint([half(0), half(1)].concat().try_into().unwrap())
}

/// One observation of the object `obj_1`.
pub(crate) fn observation(
    id: &str,
    event_type: &str,
    second: i64,
    snapshot: &Snapshot,
    before: Option<&Snapshot>,
) -> Observation {
    let event_type = EventType::parse(event_type).unwrap();
    Observation {
        event: EventId::parse(id).unwrap(),
        event_type,
        created: Seconds(second),
        key: ObjectKey {
            kind: event_type.kind(),
            id: ObjectId::parse("obj_1").unwrap(),
            scope: Scope { account: None, livemode: false },
        },
        snapshot: snapshot.clone(),
        before: before.map(fingerprint),
        after: fingerprint(snapshot),
        status_before: before
            .and_then(|before| before.status_word(event_type))
            .filter(|word| snapshot.status_word(event_type) != Some(word))
            .map(Into::into),
        links: [].into(),
        hints: [].into(),
    }
}

/// A reproducible source of choices: splitmix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.roll(last + 1));
        }
    }

    pub(crate) fn id(&mut self) -> String {
        format!("evt_{:06x}", self.roll(1 << 24))
    }
}
