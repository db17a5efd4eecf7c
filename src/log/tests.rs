//! One suite for every log: the numbered rules, and a model that reopens.

mod conformance;
mod frozen;
mod model;
mod rot;
mod twins;

use std::sync::Arc;

use super::{Body, NewRecord, Provenance, Provider, RecordId};
use crate::model::id::EventId;
use crate::model::time::Millis;

/// The record of event `number` with this body.
pub(in crate::log) fn event(number: u64, body: &[u8]) -> NewRecord {
    NewRecord {
        provider: Provider::Stripe,
        id: RecordId::Event(EventId::parse(&format!("evt_{number:024}")).unwrap()),
        received_at: Millis(1_700_000_000_000 + i64::try_from(number).unwrap()),
        provenance: Provenance::Signed {
            header: format!("t={number},v1={}", "5".repeat(64)).into(),
            secret: "main".into(),
        },
        body: Body(Arc::from(body)),
    }
}

/// A body that looks like an event of about this length, and compresses like one.
pub(in crate::log) fn json(number: u64, bytes: usize) -> Vec<u8> {
    let head = format!(
        "{{\n  \"id\": \"evt_{number:024}\",\n  \"object\": \"event\",\n  \"data\": {{\n    \"object\": {{"
    );
    let mut body = head.into_bytes();
    let mut line = 0_u64;
    while body.len() < bytes {
        let value = number.wrapping_mul(7).wrapping_add(line);
        body.extend_from_slice(format!("\n      \"amount_{line}\": {value},").as_bytes());
        line += 1;
    }
    body.truncate(bytes);
    body
}

/// Bytes that no compression makes smaller.
pub(in crate::log) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}
