//! `verify`: is everything in a folder as it was written?

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::output::Output;
use super::progress::Bar;
use super::secrets::SecretArgs;
use crate::api;
use crate::engine::{Checks, Comparison, Expected, Verified, verify};
use crate::log::{Digest, Head, Lost, Position};

/// Check everything in a folder: records, digest chain, index, signatures, projections
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every record is read: its checksum, its body's hash, its place, the digest chain from the first record on, and the index \
of ids both ways. With secrets (STRIPE_WEBHOOK_SECRET, --secret-file, or endpoints in billfold.toml) every stored signature is checked again, whatever \
its age. The projections are compared with a fresh fold of the log.
Nothing is mended. Damage is named by position, up to 1,000 times, and the exit code is 6; so it is when the history that \
--expect names is not proven, because records are lost or cannot be read. It is 7 when the history is another one.

The last line of a good run is the head, HEAD@POSITION. Note it somewhere else: `--expect` with it proves later that \
nothing up to there has been changed, by whomever.
The folder must not be open in another process. For a running server, verify a backup of it.

Examples:
  billfold verify
  billfold verify --expect 02b10e0b87abdabc5d25a9e115461af6bb5092c2d2796bb8f5a5b6f5dd5b2685@1204
  billfold backup /backups/billfold --url http://127.0.0.1:4242 && billfold verify --data /backups/billfold")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    data: DataArgs,
    /// A head that was noted earlier: the history up to there must be the same.
    #[arg(long, value_name = "HEAD@POSITION", value_parser = parse_head)]
    expect: Option<(Digest, Position)>,
    /// Leave the projections out.
    #[arg(long)]
    log_only: bool,
    #[command(flatten)]
    secrets: SecretArgs,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        self.data.must_hold_a_log()?;
        let options = self.data.options()?;
        let checks = Checks {
            secrets: self.secrets.load_if_given(&self.data)?,
            expected: self.expect,
            projections: !self.log_only,
        };
        let bar = Bar::records("verifying");
        let verified = verify(&options, &checks, &|progress| bar.show(progress));
        bar.hide();
        let verified = verified.map_err(|error| {
            self.data.failure(&error).remedy_if_locked(
                "for a running server, verify a backup: `billfold backup DIR --url …`, `billfold verify --data DIR`",
            )
        })?;
        if self.json {
            out.json(&to_json(&verified))?;
        } else {
            out.text(&told(&verified, self.expect))?;
        }
        Ok(match verified.expected {
            Some(Expected::Differs { .. }) => Exit::Unexpected,
            Some(Expected::Unproven) => Exit::Damaged,
            _ if verified.findings.is_empty() => Exit::Done,
            _ => Exit::Damaged,
        })
    }
}

/// `HEAD@POSITION`, as people copy it.
pub(super) fn head_text(head: &Head) -> String {
    format!("{}@{}", head.digest, head.position)
}

fn parse_head(text: &str) -> Result<(Digest, Position), String> {
    const FORM: &str = "not HEAD@POSITION: 64 hex digits, @, and a number, as `billfold verify` prints them";
    let (digest, position) = text.trim().split_once('@').ok_or(FORM)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(digest, &mut bytes).map_err(|_| FORM)?;
    let position = position.parse().ok().filter(|position| *position > 0).ok_or(FORM)?;
    Ok((Digest(bytes), Position::new(position)))
}

fn told(verified: &Verified, expected: Option<(Digest, Position)>) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail, here and below.
    for finding in verified.findings.told() {
        let _ = match finding.position {
            Some(position) => writeln!(text, "position {position}: {}", finding.what),
            None => writeln!(text, "{}", finding.what),
        };
    }
    let more = verified.findings.count().saturating_sub(verified.findings.told().len() as u64);
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let (head, whole) = (&verified.head, verified.records_whole);
    let _ = writeln!(text, "records      {whole} whole, of {}", head.records);
    for lost in &verified.lost {
        let _ = writeln!(text, "lost before  {lost} (an earlier repair could not save them)");
    }
    let _ = writeln!(text, "index        {} ids", verified.index_entries);
    if let Some(signatures) = &verified.signatures {
        let _ = writeln!(
            text,
            "signatures   {} good, {} bad, {} signed with a secret that is not here, {} imported without one",
            signatures.good, signatures.bad, signatures.absent_secret, signatures.imported
        );
    }
    let _ = writeln!(text, "projections  {}", comparison(&verified.projections));
    if let Some(feed) = &verified.feed {
        let _ = writeln!(text, "feed         {} entries whole, of {} subjects", feed.entries, feed.subjects);
    }
    match (verified.expected, expected) {
        (Some(Expected::Holds), Some((_, position))) => {
            let _ = writeln!(text, "expected     unchanged up to position {position}");
        }
        (Some(Expected::Differs { found: Some(found) }), Some((digest, position))) if found != digest => {
            let _ = writeln!(text, "expected     ANOTHER HISTORY: position {position} has {found}");
        }
        (Some(Expected::Differs { .. }), Some((_, position))) => {
            let _ = writeln!(text, "expected     NOT THERE: the log does not reach position {position}");
        }
        (Some(Expected::Unproven), Some((_, position))) => {
            let _ = writeln!(text, "expected     NOT PROVEN: {}", why_unproven(&verified.lost, position));
        }
        _ => {}
    }
    let verdict = if verified.findings.is_empty() { "" } else { "  (DAMAGE: see above)" };
    let _ = writeln!(text, "head         {}{verdict}", head_text(head));
    text
}

fn why_unproven(lost: &[Lost], position: Position) -> String {
    let before: Vec<String> =
        lost.iter().filter(|lost| lost.after < position && lost.count() > 0).map(Lost::to_string).collect();
    if before.is_empty() {
        format!("the records up to position {position} cannot all be read")
    } else {
        format!("positions {} are lost", before.join(", "))
    }
}

fn comparison(comparison: &Comparison) -> String {
    match comparison {
        Comparison::LeftOut => "not looked at".to_owned(),
        Comparison::Absent => "none here: the next start folds them".to_owned(),
        Comparison::Outdated => {
            "of another version or other settings: the next start folds them anew".to_owned()
        }
        Comparison::Equal(position) => format!("equal to a fresh fold, up to position {position}"),
        Comparison::Different => "NOT equal to a fresh fold".to_owned(),
    }
}

fn to_json(verified: &Verified) -> Value {
    let findings: Vec<Value> = verified
        .findings
        .told()
        .iter()
        .map(|finding| json!({ "position": finding.position, "what": finding.what }))
        .collect();
    let (projections, reached) = match &verified.projections {
        Comparison::LeftOut => ("left_out", None),
        Comparison::Absent => ("absent", None),
        Comparison::Outdated => ("outdated", None),
        Comparison::Equal(position) => ("equal", Some(*position)),
        Comparison::Different => ("different", None),
    };
    json!({
        "whole": verified.findings.is_empty(),
        "head": api::head(&verified.head),
        "records_whole": verified.records_whole,
        "index_entries": verified.index_entries,
        "lost": verified.lost.iter().map(api::lost).collect::<Vec<_>>(),
        "signatures": verified.signatures.map(|signatures| json!({
            "good": signatures.good,
            "bad": signatures.bad,
            "absent_secret": signatures.absent_secret,
            "imported": signatures.imported,
        })),
        "projections": projections,
        "projections_position": reached,
        "feed": verified.feed.as_ref().map(|feed| json!({
            "entries_whole": feed.entries,
            "subjects": feed.subjects,
        })),
        "expected": verified.expected.map(|expected| match expected {
            Expected::Holds => "holds",
            Expected::Unproven => "not_proven",
            Expected::Differs { .. } => "differs",
        }),
        "findings": findings,
        "findings_count": verified.findings.count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = Head { position: Position::new(7), digest: Digest([0xAB; 32]), records: 7 };
        assert_eq!(parse_head(&head_text(&head)), Ok((head.digest, head.position)));
        for text in ["", "@", "ab@7", &"ab".repeat(32), &format!("{}@0", "ab".repeat(32)), "x@y"] {
            assert!(parse_head(text).is_err(), "{text}");
        }
    }
}
