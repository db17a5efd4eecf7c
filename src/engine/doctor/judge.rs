//! What the facts about a folder mean, and what to do. Pure.

use std::collections::BTreeSet;

use crate::model::time::Millis;
use crate::projection::FoldOutcome;
use crate::stripe::doctor::Finding;
use crate::stripe::types::NEEDED;

use super::{Disk, Facts, Surroundings};

/// Less room than this is a problem, in bytes: sled grows by segments of 16 MiB, in three databases.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// Less room than this is worth a note, in bytes.
const FREE_BYTES_NOTED: u64 = 1024 * 1024 * 1024;
/// How far clocks may be apart before it is said, in seconds.
const SKEW_SECONDS_MAX: i64 = 60;
/// How many delays are looked at for the clock.
const DELAYS_OF_CLOCK_MAX: usize = 20;
/// The silence that is worth a note where no limit was given, in seconds: a week.
const SILENCE_SECONDS_NOTED: i64 = 7 * 86_400;
/// The provider sends an event again for so long in live mode, in seconds: three days.
const RESENT_SECONDS: i64 = 3 * 86_400;
/// Further back than this its API does not list events, in seconds: thirty days.
const LISTED_SECONDS: i64 = 30 * 86_400;
/// A type that nearly every object shows is missed when so many others of its kind of object came.
const SIBLINGS_MIN: u64 = 20;
/// A type that few objects show is missed when so many others came.
const SIBLINGS_OF_RARE_MIN: u64 = 2_000;
/// The needed types that nearly every object of their kind shows.
const USUAL: &[&str] = &[
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.succeeded",
    "checkout.session.completed",
    "customer.created",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.updated",
    "payment_intent.succeeded",
];
/// What comes beside what, of another object.
const BESIDE: &[(&str, &str)] =
    &[("charge.succeeded", "payment_intent.succeeded"), ("invoice_payment.paid", "invoice.paid")];
/// From this API version on invoices and payments are tied by `invoice_payment.paid` alone.
const BASIL: &str = "2025-03-31";
/// A reader is far behind with so many entries before it.
const CURSOR_LAG_NOTED: u64 = 10_000;

/// Every check, in the order in which a person would look.
pub(super) fn all(facts: &Facts, surroundings: &Surroundings, now: Millis) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &facts.disk {
        Ok(disk) => findings.extend([permissions(disk), space(disk)]),
        Err(reason) => findings.push(Finding::problem(
            "folder",
            format!("the folder cannot be looked at: {reason}"),
            "give the service's user the right to read and write there",
        )),
    }
    findings.push(readiness(facts));
    findings.push(clock(facts, now));
    findings.push(silence(facts, surroundings, now));
    findings.push(refused(facts));
    findings.push(unread(facts));
    findings.push(types(facts));
    findings.extend(secrets(facts, surroundings));
    findings.push(versions(facts));
    findings.push(late(facts));
    findings.push(cursors(facts));
    findings
}

fn permissions(disk: &Disk) -> Finding {
    if !disk.is_ours {
        return Finding::problem(
            "permissions",
            "the folder belongs to another user than this process",
            "chown it to the service's user, and run commands as that user: what another one writes there may lock the service out",
        );
    }
    if disk.mode & 0o077 != 0 {
        return Finding::problem(
            "permissions",
            format!("others can look into the folder: its permissions are {:04o}", disk.mode),
            "chmod 700 it: it holds customers' data",
        );
    }
    Finding::ok("permissions", "the folder is this user's alone")
}

fn space(disk: &Disk) -> Finding {
    let Some(free) = disk.free_bytes else {
        return Finding::note(
            "space",
            "the system does not say how much room there is",
            "look at the disk yourself: df -h",
        );
    };
    let shown = format!("{} MiB are free on the folder's disk", free / (1024 * 1024));
    let help = "make room: on a full disk deliveries are answered 503 until the service is restarted; nothing that was acknowledged is lost";
    if free < FREE_BYTES_MIN {
        Finding::problem("space", shown, help)
    } else if free < FREE_BYTES_NOTED {
        Finding::note("space", shown, help)
    } else {
        Finding::ok("space", shown)
    }
}

fn readiness(facts: &Facts) -> Finding {
    if !facts.readiness.ready {
        let reasons: Vec<&str> = facts.readiness.reasons.iter().map(|reason| &**reason).collect();
        return Finding::problem(
            "ready",
            reasons.join("; "),
            "mend what the reason names (the disk, most often), then restart the service",
        );
    }
    if facts.lost > 0 {
        return Finding::note(
            "ready",
            format!("a repair could not save the records of {} ranges of positions", facts.lost),
            "`billfold import` fills such gaps from the provider's list of events",
        );
    }
    Finding::ok("ready", format!("appends are taken, and the fold is {} positions behind", facts.stats.lag))
}

fn clock(facts: &Facts, now: Millis) -> Finding {
    let help =
        "look at `timedatectl`: a clock that is off refuses good deliveries, and dates records wrongly";
    let ahead =
        facts.stats.newest_received_at.map_or(0, |newest| newest.seconds().0.saturating_sub(now.seconds().0));
    if ahead > SKEW_SECONDS_MAX {
        return Finding::problem(
            "clock",
            format!("the newest record came {ahead} s in the future by this machine's clock"),
            help,
        );
    }
    let fresh = facts.recent.delays.get(..DELAYS_OF_CLOCK_MAX).unwrap_or(&facts.recent.delays);
    let Some(least) = fresh.iter().min() else {
        return Finding::ok("clock", "no delivered event says anything about the clock");
    };
    if *least < -SKEW_SECONDS_MAX {
        let behind = least.unsigned_abs();
        return Finding::problem(
            "clock",
            format!(
                "a recent event came {behind} s before it was made: this machine's clock is or was behind"
            ),
            help,
        );
    }
    Finding::ok("clock", "no recent event came before it was made")
}

fn silence(facts: &Facts, surroundings: &Surroundings, now: Millis) -> Finding {
    let Some(newest) = facts.stats.newest_received_at else {
        return Finding::note(
            "silence",
            "no event has come yet",
            "send one: `billfold trigger customer.created --to URL`, or the provider's own test event",
        );
    };
    let age = now.seconds().0.saturating_sub(newest.seconds().0);
    let what = format!("the newest event came {} ago", span(age));
    let help = "look at the endpoint's page at the provider: it disables endpoints that fail for days";
    match surroundings.silence {
        Some(limit) if age > limit => {
            Finding::problem("silence", format!("{what}; the limit is {}", span(limit)), help)
        }
        None if age > SILENCE_SECONDS_NOTED => Finding::note("silence", what, help),
        _ => Finding::ok("silence", what),
    }
}

fn refused(facts: &Facts) -> Finding {
    let counts = &facts.stats.window;
    if counts.refused == 0 && counts.unexpected == 0 {
        return Finding::ok("refused", "no delivery was refused within a day");
    }
    let reasons: Vec<String> =
        counts.refused_by_reason.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let stored = counts.accepted.saturating_add(counts.duplicate);
    let what = format!(
        "within a day {} deliveries were stored, {} refused ({}), {} of another mode or account than expected",
        stored,
        counts.refused,
        reasons.join(", "),
        counts.unexpected
    );
    let help = "`billfold doctor --url …` shows the last refused ones; `billfold doctor --headers FILE --body FILE` explains one";
    if stored == 0 && counts.refused > 0 {
        Finding::problem("refused", what, help)
    } else {
        Finding::note("refused", what, help)
    }
}

fn unread(facts: &Facts) -> Finding {
    let count = |wanted: &[FoldOutcome]| -> u64 {
        let rows = facts.stats.by_type.iter().filter(|row| wanted.contains(&row.outcome));
        rows.map(|row| row.count).fold(0, u64::saturating_add)
    };
    let (unreadable, quarantined) = (count(&[FoldOutcome::Unreadable]), count(&[FoldOutcome::Quarantined]));
    let (thin, conflicts) = (count(&[FoldOutcome::Thin]), facts.stats.conflicts);
    if unreadable.saturating_add(quarantined).saturating_add(thin).saturating_add(conflicts) == 0 {
        return Finding::ok("unread", "every stored event is understood");
    }
    Finding::note(
        "unread",
        format!(
            "{unreadable} events are unreadable, {quarantined} bodies in quarantine, {thin} events thin, \
             {conflicts} ids came with two contents"
        ),
        "`billfold events list --outcome unreadable` (quarantined, thin) and `billfold conflicts` show them; a newer version \
         may read them: `billfold refold --unreadable`",
    )
}

/// Types without which a projection is wrong, and that never came although others of their object did.
fn types(facts: &Facts) -> Finding {
    let seen: BTreeSet<&str> = facts.stats.by_type.iter().map(|row| &*row.event_type).collect();
    let family = |name: &str| name.rsplit_once('.').map_or(name, |(family, _)| family).to_owned();
    let came = |name: &str| {
        let rows = facts.stats.by_type.iter().filter(|row| *row.event_type == *name);
        rows.map(|row| row.count).fold(0, u64::saturating_add)
    };
    let siblings = |name: &str| {
        let rows = facts.stats.by_type.iter().filter(|row| family(&row.event_type) == family(name));
        rows.map(|row| row.count).fold(0, u64::saturating_add)
    };
    let is_basil = facts.recent.versions.keys().any(|version| **version >= *BASIL);
    let is_missed = |name: &&&str| {
        let limit = if USUAL.contains(*name) { SIBLINGS_MIN } else { SIBLINGS_OF_RARE_MIN };
        let mut beside = BESIDE.iter().filter(|(other, _)| other == *name);
        let is_implied =
            beside.any(|(_, of)| came(of) >= SIBLINGS_MIN) && (is_basil || USUAL.contains(*name));
        !seen.contains(**name) && (siblings(name) >= limit || is_implied)
    };
    let missed: Vec<&str> = NEEDED.iter().filter(is_missed).copied().collect();
    if missed.is_empty() {
        return Finding::ok("types", "no type that is needed is missed");
    }
    Finding::note(
        "types",
        format!("never came, although others of the same object did: {}", missed.join(", ")),
        "enable these at your endpoint, if they are not: without them the state may be wrong (docs/setup.md has the list)",
    )
}

fn secrets(facts: &Facts, surroundings: &Surroundings) -> Vec<Finding> {
    let Some(configured) = &surroundings.labels else { return Vec::new() };
    let mut findings = Vec::new();
    let used = &facts.recent.labels;
    let gone: Vec<&str> =
        used.keys().filter(|label| !configured.contains(label)).map(|label| &**label).collect();
    if !gone.is_empty() {
        findings.push(Finding::note(
            "secrets",
            format!("recent records were verified by secrets that are no longer configured: {}", gone.join(", ")),
            "nothing, if they were rolled; if deliveries fail since, set them again until the provider has let the old one expire",
        ));
    }
    let idle: Vec<&str> =
        configured.iter().filter(|label| !used.contains_key(*label)).map(|label| &**label).collect();
    if !idle.is_empty() && !used.is_empty() {
        let since = facts.recent.records;
        findings.push(Finding::note(
            "secrets",
            format!("verified none of the newest {since} records: {}", idle.join(", ")),
            "if it is the old one of a roll, remove it; if it is the new one, the old one is still in use: keep both until the provider lets go of it",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("secrets", "every configured secret is in use, and no other"));
    }
    findings
}

fn versions(facts: &Facts) -> Finding {
    let versions: Vec<String> =
        facts.recent.versions.iter().map(|(version, count)| format!("{version} ({count})")).collect();
    match versions.as_slice() {
        [] | [_] => Finding::ok("versions", "recent events are of one API version"),
        several => Finding::note(
            "versions",
            format!("recent events are of several API versions: {}", several.join(", ")),
            "all are read; if no upgrade is under way, two endpoints of different versions deliver here: look at both",
        ),
    }
}

fn late(facts: &Facts) -> Finding {
    let later = |seconds: i64| facts.recent.delays.iter().filter(|delay| **delay > seconds).count();
    let (resent, listed) = (later(RESENT_SECONDS), later(LISTED_SECONDS));
    if resent == 0 {
        return Finding::ok("late", "recent events came while the provider still sends them by itself");
    }
    Finding::note(
        "late",
        format!(
            "{resent} of the newest delivered events came more than 3 days after they were made, {listed} of them more than 30"
        ),
        "the provider gives up after 3 days: others of that time may be missing; `billfold import` takes what its list of events \
         still holds (30 days)",
    )
}

fn cursors(facts: &Facts) -> Finding {
    let far: Vec<String> = facts
        .stats
        .feed_cursors
        .iter()
        .filter(|cursor| cursor.lag >= CURSOR_LAG_NOTED)
        .map(|cursor| format!("{} ({} entries)", cursor.name, cursor.lag))
        .collect();
    if far.is_empty() {
        return Finding::ok("cursors", "no reader of the feed is far behind");
    }
    Finding::note(
        "cursors",
        format!("readers of the feed are far behind: {}", far.join(", ")),
        "look at these readers; a cursor that nobody uses any more can be removed",
    )
}

/// A span in its largest whole unit.
fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let fit = units.iter().find(|(unit, _)| seconds >= *unit);
    fit.map_or_else(
        || format!("{} s", seconds.max(0)),
        |(unit, word)| format!("{} {word}", seconds.checked_div(*unit).unwrap_or(seconds)),
    )
}

#[cfg(test)]
mod tests;
