//! `sign`: the signature header of a body, as the provider would send it.

use std::path::PathBuf;

use serde_json::json;

use super::body;
use super::exit::Exit;
use super::failure::Failure;
use super::moment::parse_moment;
use super::output::Output;
use super::secrets::{SecretArgs, parse};
use super::surroundings::now_seconds;
use crate::model::time::Seconds;
use crate::stripe::signature::{Secret, Secrets, sign};

/// Print the Stripe-Signature header for a body
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The body is signed byte for byte: send it with --data-binary, and the newline at its end with it.
With several secrets the header has a signature of each, as while a secret is rolled.

Examples:
  billfold sign event.json
  curl http://127.0.0.1:4242/webhooks/stripe --data-binary @event.json \\
       -H \"$(billfold sign --with-name event.json)\"
  printf '{}' | billfold sign --secret-file secret.txt --time 2026-01-01T00:00:00Z")]
pub(super) struct SignArgs {
    /// The file with the body; - is standard input.
    #[arg(value_name = "FILE", default_value = body::STDIN)]
    file: PathBuf,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The secret itself. Others on this machine can see it while the command runs: for test secrets only.
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// Sign as of this time instead of now: RFC 3339 or Unix seconds.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    time: Option<Seconds>,
    /// Print `Stripe-Signature: ` in front, as curl -H takes it.
    #[arg(long)]
    with_name: bool,
    /// Print `{"header": …, "timestamp": …, "secrets": [labels]}`.
    #[arg(long, conflicts_with = "with_name")]
    json: bool,
}

impl SignArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let secrets = given(self.secret.as_deref(), &self.secrets)?;
        let body = body::read(&self.file)?;
        let name = if self.with_name { "Stripe-Signature: " } else { "" };
        let time = self.time.unwrap_or_else(now_seconds);
        let header = sign(&secrets, &body, time);
        if self.json {
            let labels: Vec<&str> = secrets.iter().map(Secret::label).collect();
            out.json(&json!({ "header": header, "timestamp": time.0, "secrets": labels }))?;
            return Ok(Exit::Done);
        }
        out.text(&format!("{name}{header}\n"))?;
        Ok(Exit::Done)
    }
}

/// The secret of the command line where it was asked for, else of file or environment.
pub(super) fn given(argument: Option<&str>, elsewhere: &SecretArgs) -> Result<Secrets, Failure> {
    argument.map_or_else(|| elsewhere.load(), |secret| parse(secret, "--secret"))
}
