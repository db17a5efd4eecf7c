//! The doctor, as answers: what was found about a folder, and which deliveries were refused last.
//!
//! Never shows a header's value, a signature or a body.

use serde_json::{Map, Value, json};

use crate::engine::{Billfold, Refused, Surroundings};
use crate::stripe::doctor::{Finding, Level, shown_name};

use super::object::{rfc3339, rfc3339_millis};
use super::parameters::{DOCTOR, Parameters};
use super::{Problem, Request};

/// What the doctor finds about a folder; `labels` are those of the configured secrets, where they are known.
///
/// # Errors
/// As [`answer`](super::answer).
pub fn doctor(
    billfold: &Billfold,
    request: &Request<'_>,
    labels: Option<Vec<Box<str>>>,
) -> Result<Value, Problem> {
    let silence = Parameters::new(request.query, DOCTOR)?.silence()?;
    let findings = billfold.examine(&Surroundings { labels, silence }, request.now)?;
    let mut answer = findings_json(&findings);
    answer.insert("refused".to_owned(), billfold.refused().iter().map(refused).collect());
    Ok(Value::Object(answer))
}

/// `ok` and `findings`.
#[must_use]
pub fn findings_json(findings: &[Finding]) -> Map<String, Value> {
    let is_well = findings.iter().all(|finding| finding.level < Level::Problem);
    let shown: Vec<Value> = findings.iter().map(finding).collect();
    Map::from_iter([("ok".to_owned(), json!(is_well)), ("findings".to_owned(), Value::Array(shown))])
}

fn finding(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "level": finding.level.as_str(),
        "what": finding.what,
        "help": finding.help,
    })
}

fn refused(refused: &Refused) -> Value {
    let headers =
        refused.headers.iter().map(|(name, bytes)| json!({ "name": shown_name(name), "bytes": bytes }));
    let (bytes, hash) = refused.body.unzip();
    json!({
        "refused_at": refused.at.seconds(),
        "refused_at_rfc3339": rfc3339_millis(refused.at),
        "endpoint": refused.endpoint,
        "reason": refused.reason,
        "signed_at": refused.signed_at,
        "signed_at_rfc3339": refused.signed_at.and_then(rfc3339),
        "signatures": refused.signatures,
        "body_bytes": bytes,
        "body_sha256": hash.map(hex::encode),
        "headers": headers.collect::<Vec<_>>(),
    })
}
