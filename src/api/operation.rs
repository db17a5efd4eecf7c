//! How the folder is doing, as answers: counts, conflicts, health. Never about a single customer.

use serde_json::{Map, Value, json};

use crate::engine::{Billfold, Conflict, QueryError, Readiness, Stats, WindowCounts};
use crate::log::{Head, Lost};
use crate::model::time::Millis;

use super::Problem;
use super::object::{add_twins, rfc3339_millis};
use super::problem::ProblemKind;

/// The places behind the point of the success rate, as a factor.
const RATE_PARTS: u64 = 10_000;

/// Counts and sizes. `window_seconds` is how far the counts at the door look back.
pub(super) fn stats(stats: &Stats, window_seconds: i64) -> Value {
    let mut door = window(&stats.window);
    door.insert("seconds".to_owned(), json!(window_seconds));
    let by_type: Vec<Value> = stats
        .by_type
        .iter()
        .map(|row| json!({ "type": row.event_type, "outcome": row.outcome.as_str(), "count": row.count }))
        .collect();
    let objects: Map<String, Value> =
        stats.objects.iter().map(|(kind, count)| (kind.object().to_owned(), json!(count))).collect();
    let scopes: Vec<Value> =
        stats.scopes.iter().map(|scope| Value::Object(super::object::scope_json(scope))).collect();
    json!({
        "log": head(&stats.head),
        "applied": stats.applied,
        "lag": stats.lag,
        "window": door,
        "by_type": by_type,
        "conflicts": stats.conflicts,
        "objects": objects,
        "ambiguous": stats.ambiguous,
        "created_inversions": stats.created_inversions,
        "projection_bytes": stats.projection_bytes,
        "newest_received_at": stats.newest_received_at.map(Millis::seconds),
        "newest_received_at_rfc3339": stats.newest_received_at.and_then(rfc3339_millis),
        "scopes": scopes,
        "feed": {
            "head": stats.feed_head,
            "through": stats.feed_through,
            "bytes": stats.feed_bytes,
            "cursors": stats.feed_cursors.iter().map(super::feed::cursor).collect::<Vec<_>>(),
        },
    })
}

fn window(counts: &WindowCounts) -> Map<String, Value> {
    let members = [
        ("accepted", json!(counts.accepted)),
        ("duplicate", json!(counts.duplicate)),
        ("refused", json!(counts.refused)),
        ("refused_by_reason", json!(counts.refused_by_reason)),
        ("unreadable", json!(counts.unreadable)),
        ("unexpected", json!(counts.unexpected)),
        ("deliveries", json!(counts.deliveries())),
        ("success_rate", json!(success_rate(counts))),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// The share of the deliveries that were stored and understood, cut to four places: 1 is said only when it is all.
fn success_rate(counts: &WindowCounts) -> Option<f64> {
    let good = counts.accepted.saturating_add(counts.duplicate).saturating_sub(counts.unreadable);
    let parts = u128::from(good) * u128::from(RATE_PARTS) / u128::from(counts.deliveries().max(1));
    let rate = (counts.deliveries() > 0)
        .then(|| format!("{}.{:04}", parts / u128::from(RATE_PARTS), parts % u128::from(RATE_PARTS)));
    rate.and_then(|rate| rate.parse().ok())
}

/// A second body under a known event id that says something else.
pub(super) fn conflict(conflict: &Conflict) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(conflict.id.to_string()));
    members.insert("seen_at".to_owned(), json!(conflict.seen_at));
    members.insert("other_sha256".to_owned(), json!(hex::encode(conflict.other_sha256)));
    add_twins(&mut members);
    Value::Object(members)
}

/// What a backup begins with: where the log ends, what it lacks, and the settings.
pub(super) fn backup(billfold: &Billfold) -> Result<Value, Problem> {
    let options = billfold.options();
    let policy = serde_json::to_value(&options.policy)
        .map_err(|_| Problem::new(ProblemKind::Internal, "the settings cannot be shown"))?;
    // Before the end of the log is read: so the feed tells of no record behind it.
    let feed = billfold.feed_snapshot()?;
    let snapshot = feed.to_bytes().map_err(QueryError::from)?;
    Ok(json!({
        "feed": {
            "head": feed.head(),
            "through": feed.through().position,
            "snapshot": hex::encode(snapshot),
        },
        "head": head(&billfold.head()),
        "lost": billfold.lost().iter().map(lost).collect::<Vec<_>>(),
        "settings": { "policy": policy, "reference_keys": options.reference_keys },
    }))
}

/// The end of a log.
#[must_use]
pub fn head(head: &Head) -> Value {
    json!({ "position": head.position, "records": head.records, "digest": head.digest.to_string() })
}

/// Positions that a repair could not save: those between the two.
#[must_use]
pub fn lost(lost: &Lost) -> Value {
    json!({ "after": lost.after, "next": lost.next })
}

/// Whether requests should come here, and why not.
#[must_use]
pub fn health(readiness: &Readiness) -> Value {
    json!({
        "ready": readiness.ready,
        "reasons": readiness.reasons,
        "applied": readiness.applied,
        "head": readiness.head,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepted: u64, duplicate: u64, refused: u64, unreadable: u64, rate: Option<&str>) {
        let counts = WindowCounts { accepted, duplicate, refused, unreadable, ..WindowCounts::default() };
        let shown = success_rate(&counts).map(|rate| rate.to_string());
        assert_eq!(shown.as_deref(), rate);
    }

    #[test]
    fn the_success_rate_is_never_rounded_up() {
        check(0, 0, 0, 0, None);
        check(1, 0, 0, 0, Some("1"));
        check(1, 1, 0, 0, Some("1"));
        check(99_999, 0, 1, 0, Some("0.9999"));
        check(2, 0, 1, 0, Some("0.6666"));
        check(1, 0, 0, 1, Some("0"));
        check(u64::MAX, 0, 0, 0, Some("1"));
    }
}
