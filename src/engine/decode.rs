//! From a stored record to what the fold takes: the one place where log and provider meet.

use std::panic::resume_unwind;

use crate::log::{Encoded, Provider, ReadError, Record, RecordId};
use crate::model::observation::Observation;
use crate::model::time::Millis;
use crate::projection::{FoldOutcome, Step};
use crate::stripe::decode::{Decoded, Ignored, decode};
use crate::stripe::envelope::{Envelope, Summary};

/// The records that one thread decodes before a second one is worth its start.
const RECORDS_A_THREAD_MIN: usize = 64;

/// Decodes a page, on several cores when it is large. Ends before the first record that cannot be
/// read, with the error beside it.
pub(super) fn steps(page: &[Encoded]) -> Part {
    // Asking for the cores costs more than decoding a record: not for a small page.
    let threads = match page.len() / RECORDS_A_THREAD_MIN {
        0 | 1 => 1,
        worth => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(worth),
    };
    let share = page.len().div_ceil(threads).max(1);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            page.chunks(share).skip(1).map(|chunk| scope.spawn(move || part(chunk))).collect();
        let own = part(page.get(..share.min(page.len())).unwrap_or_default());
        // A part that broke off must not be passed over: whoever folds breaks off as well.
        let joined =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    });
    let mut all = Part::default();
    for next in parts {
        all.steps.extend(next.steps);
        all.received.extend(next.received);
        all.last = next.last.or(all.last);
        if next.error.is_some() {
            all.error = next.error;
            break;
        }
    }
    all
}

/// Records, decoded.
#[derive(Default)]
pub(super) struct Part {
    /// What they say.
    pub(super) steps: Vec<Step>,
    /// When they came.
    pub(super) received: Vec<Millis>,
    /// The last one.
    pub(super) last: Option<Record>,
    /// Why the one behind it cannot be read.
    pub(super) error: Option<ReadError>,
}

fn part(page: &[Encoded]) -> Part {
    let mut part = Part::default();
    for encoded in page {
        match encoded.decode() {
            Ok(record) => {
                part.steps.push(step(&record));
                part.received.push(record.content.received_at);
                part.last = Some(record);
            }
            Err(error) => {
                part.error = Some(error);
                break;
            }
        }
    }
    part
}

/// What one record says.
pub(super) fn step(record: &Record) -> Step {
    let id = record.content.id.to_string().into();
    match (record.content.provider, &record.content.id) {
        (Provider::Stripe, RecordId::Event(_)) => stripe_step(id, &record.content.body.0),
        (_, RecordId::Quarantine(_)) => Step {
            record: id,
            event_type: None,
            outcome: FoldOutcome::Quarantined,
            reason: Some("the body is no JSON object or has no id".into()),
            observation: None,
        },
    }
}

fn stripe_step(record: Box<str>, body: &[u8]) -> Step {
    let unfolded = |outcome, event_type: Option<Box<str>>, reason: &str| Step {
        record: record.clone(),
        event_type,
        outcome,
        reason: Some(reason.into()),
        observation: None,
    };
    let envelope = match Envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(error) => return unfolded(FoldOutcome::Unreadable, Summary::of(body).type_name, error.reason()),
    };
    let event_type = Some(Box::from(envelope.type_name()));
    match decode(&envelope) {
        Decoded::Observed(observation) => Step {
            record,
            event_type,
            outcome: FoldOutcome::Folded,
            reason: None,
            observation: Some(observation),
        },
        Decoded::Ignored(why) => unfolded(outcome_of(why), event_type, why.as_str()),
        Decoded::Unreadable(why) => unfolded(FoldOutcome::Unreadable, event_type, &why.to_string()),
    }
}

const fn outcome_of(why: Ignored) -> FoldOutcome {
    match why {
        Ignored::Thin => FoldOutcome::Thin,
        Ignored::NotFolded | Ignored::Preview => FoldOutcome::NotFolded,
        Ignored::UnknownType => FoldOutcome::UnknownType,
    }
}

/// Whether two bodies under one id say the same: `pending_webhooks` differs between deliveries,
/// and two endpoints may render two API versions.
pub(super) fn same_content(stored: &Record, other: &Record) -> bool {
    let (stored, other) = (step(stored), step(other));
    match (&stored.observation, &other.observation) {
        (Some(a), Some(b)) => {
            let said = |o: &Observation| (o.event_type, o.created, o.key.clone(), o.before, o.after);
            said(a) == said(b)
        }
        // Nothing of it is folded: its type is all that anybody reads.
        _ => stored.event_type == other.event_type && stored.outcome == other.outcome,
    }
}
