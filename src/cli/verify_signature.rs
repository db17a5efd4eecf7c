//! `verify-signature`: is this header right for this body, and if not, what to check.
//!
//! Tries the accidents that happen to bodies and secrets on their way, and names the one that explains the mismatch.

use std::path::PathBuf;

use serde_json::json;

use super::body;
use super::exit::Exit;
use super::failure::Failure;
use super::moment::{parse_moment, parse_span, show_seconds};
use super::output::Output;
use super::secrets::SecretArgs;
use super::sign::given;
use super::surroundings::now_seconds;
use crate::model::time::Seconds;
use crate::stripe::doctor::{self, accidents};
use crate::stripe::signature::{HEADER_BYTES_MAX, Secrets, SignatureError, Tolerance, Verified, verify};

/// Check a Stripe-Signature header against a body, and say what is wrong
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 the signature is right, 4 it is refused.

Examples:
  billfold verify-signature --header 't=1767225595,v1=0723…' body.json
  billfold verify-signature --header-file header.txt --at 2026-01-01T00:00:00Z body.json
  billfold verify-signature --any-age --header \"$HEADER\" body.json")]
pub(super) struct VerifySignatureArgs {
    /// The file with the raw body; - is standard input.
    #[arg(value_name = "FILE", default_value = body::STDIN)]
    file: PathBuf,
    /// The header's value.
    #[arg(long, value_name = "HEADER", required_unless_present = "header_file")]
    header: Option<String>,
    /// A file with the header's value.
    #[arg(long, value_name = "FILE", conflicts_with = "header")]
    header_file: Option<PathBuf>,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The secret itself. Others on this machine can see it while the command runs: for test secrets only.
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// Judge the age as of this time instead of now.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    at: Option<Seconds>,
    /// How old, or how far ahead, a signature may be.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = parse_span)]
    tolerance: i64,
    /// Do not look at the age.
    #[arg(long, conflicts_with_all = ["at", "tolerance"])]
    any_age: bool,
    /// Print `{"valid": …, "reason": …, "detail": …, "hints": […], …}`.
    #[arg(long)]
    json: bool,
}

impl VerifySignatureArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let secrets = given(self.secret.as_deref(), &self.secrets)?;
        let header = self.header()?;
        let header = header.trim();
        let header = strip_name(header).as_bytes();
        let body = body::read(&self.file)?;
        let tolerance = if self.any_age { Tolerance::UNCHECKED } else { tolerance(self.tolerance) };
        let now = self.at.unwrap_or_else(now_seconds);
        match verify(Some(header), &body, &secrets, tolerance, now) {
            Ok(verified) => self.accepted(&verified, out),
            Err(error) => self.refused(&error, &hints(header, &body, &secrets, &error), out),
        }
    }

    fn header(&self) -> Result<String, Failure> {
        match (&self.header, &self.header_file) {
            (Some(header), _) => Ok(header.clone()),
            (None, Some(path)) => {
                let bytes = body::read(path)?;
                let header =
                    String::from_utf8(bytes).ok().filter(|header| header.len() <= 2 * HEADER_BYTES_MAX);
                header.ok_or_else(|| Failure::usage(format!("{} holds no signature header", path.display())))
            }
            (None, None) => Err(Failure::usage("no header: pass --header or --header-file")),
        }
    }

    fn accepted(&self, verified: &Verified<'_>, out: &mut Output) -> Result<Exit, Failure> {
        let signed_at = show_seconds(verified.signed_at.0);
        if self.json {
            out.json(&json!({
                "valid": true,
                "reason": null,
                "detail": null,
                "secret": verified.label,
                "signed_at": verified.signed_at.0,
                "signed_at_rfc3339": signed_at,
                "hints": [],
            }))?;
        } else {
            out.text(&format!("valid: signed at {signed_at} with {}\n", verified.label))?;
        }
        Ok(Exit::Done)
    }

    fn refused(&self, error: &SignatureError, hints: &[String], out: &mut Output) -> Result<Exit, Failure> {
        if self.json {
            out.json(&json!({
                "valid": false,
                "reason": error.reason(),
                "detail": error.to_string(),
                "secret": null,
                "signed_at": null,
                "signed_at_rfc3339": null,
                "hints": hints,
            }))?;
        } else {
            out.text(&format!("refused ({}): {error}\n", error.reason()))?;
            for hint in hints {
                out.text(&format!("  found: {hint}\n"))?;
            }
        }
        Ok(Exit::Refused)
    }
}

/// The same span both ways.
pub(super) fn tolerance(seconds: i64) -> Tolerance {
    let span = seconds.unsigned_abs();
    Tolerance { past: span, future: span }
}

/// People copy the header with its name.
fn strip_name(header: &str) -> &str {
    match header.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("stripe-signature") => value.trim_start(),
        _ => header,
    }
}

/// What would have made a wrong signature right.
fn hints(header: &[u8], body: &[u8], secrets: &Secrets, error: &SignatureError) -> Vec<String> {
    if !matches!(error, SignatureError::BadSignature { .. }) {
        return Vec::new();
    }
    let fits = |body: &[u8]| verify(Some(header), body, secrets, Tolerance::UNCHECKED, Seconds(0)).is_ok();
    let mut hints: Vec<String> = accidents::explain(body, fits)
        .map(|changes| changes.iter().map(|change| change.sentence().to_owned()).collect())
        .unwrap_or_default();
    if hints.is_empty() && secrets.iter().any(|secret| !secret.has_prefix()) {
        hints.push(doctor::WITHOUT_PREFIX.to_owned());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::signature::sign;

    const SECRET: &str = "whsec_test";

    #[track_caller]
    fn check(signed: &str, arrived: &str, expected: &[&str]) {
        let secrets: Secrets = SECRET.parse().expect("a secret");
        let header = sign(&secrets, signed.as_bytes(), Seconds(1));
        let outcome =
            verify(Some(header.as_bytes()), arrived.as_bytes(), &secrets, Tolerance::UNCHECKED, Seconds(1));
        let error = outcome.expect_err("something was changed");
        let found = hints(header.as_bytes(), arrived.as_bytes(), &secrets, &error);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn what_happened_on_the_way_is_named() {
        check("{\"a\":1}", "{\"a\":1}\n", &["whitespace around it"]);
        check("{\"a\":1}", "\u{feff}{\"a\":1}", &["byte order mark"]);
        check("{\"a\":1}\n", "{\"a\":1}", &["newline at the body's end"]);
        check("{\n}", "{\r\n}", &["from LF to CRLF"]);
        check("{\r\n\"a\":1}", "{\n\"a\":1}", &["from CRLF to LF"]);
        check("{\"a b\":[1,\" \\\" \"]}", "{ \"a b\": [1, \" \\\" \"]\n}", &["no whitespace between"]);
        check("{\n  \"a\": [\n    1,\n    {}\n  ]\n}", "{\"a\":[1,{}]}", &["indented by two spaces"]);
        check("{\"a\":1}", "{\"a\":2}", &[]);
    }

    #[test]
    fn a_header_may_have_its_name() {
        assert_eq!(strip_name("Stripe-Signature: t=1,v1=a"), "t=1,v1=a");
        assert_eq!(strip_name("t=1,v1=a"), "t=1,v1=a");
    }
}
