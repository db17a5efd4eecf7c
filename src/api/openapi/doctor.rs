//! The schema of what the doctor finds.

use serde_json::Value;

use super::schema::{count, flag, integer, list, moment, object, or_null, said, text, word};
use crate::stripe::doctor::Level;

/// The findings, and the deliveries that were refused last.
pub(super) fn diagnosis() -> Value {
    let finding = object([
        ("check", said(text(), "A stable word.")),
        ("level", word(Level::ALL.iter().map(|level| level.as_str()))),
        ("what", text()),
        ("help", said(or_null(text()), "What to do.")),
    ]);
    let header = object([("name", text()), ("bytes", said(count(), "The length of its value."))]);
    let refused = object([
        ("refused_at", integer()),
        ("refused_at_rfc3339", moment()),
        ("endpoint", text()),
        ("reason", text()),
        ("signed_at", or_null(integer())),
        ("signed_at_rfc3339", moment()),
        ("signatures", said(count(), "How many `v1` signatures the header holds.")),
        ("body_bytes", or_null(count())),
        ("body_sha256", or_null(text())),
        ("headers", list(&header)),
    ]);
    object([
        ("ok", said(flag(), "No finding is a problem.")),
        ("findings", list(&finding)),
        (
            "refused",
            said(list(&refused), "Newest first, since the process began: never bodies or signatures."),
        ),
    ])
}
