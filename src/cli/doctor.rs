//! `doctor`: why is a delivery refused, and is the folder well?
//!
//! Never shows a secret, a signature, a header's value or what a body holds, and never stores anything.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::body;
use super::config::{self, ServeFlags};
use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::moment::parse_moment;
use super::output::Output;
use super::secrets::SecretArgs;
use super::surroundings::now_seconds;
use crate::http::{Endpoint, ExpectedMode};
use crate::model::time::Seconds;
use crate::stripe::doctor::{Case, Finding, Head, Level, Place, diagnose};

/// Say why a delivery is refused
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A request is judged with the secrets and the endpoints that `serve` would have; nothing is stored, and nothing of the
request is repeated. Headers are read as they are copied: `Name: value` lines, what `curl -v` prints, a curl command,
a gateway's JSON; with the request line in front the path is checked, too. Save the body byte for byte.
Exit code 0: no problem (notes may be told); 8: a problem was found.

Examples:
  billfold doctor --headers headers.txt --body body.json
  billfold doctor --headers - --body body.json --path /webhooks/stripe < headers.txt
  billfold doctor --headers headers.txt --body body.json --at 2026-01-01T00:00:00Z")]
pub(super) struct DoctorArgs {
    /// The refused request's headers; - is standard input.
    #[arg(long, value_name = "FILE", requires = "body")]
    headers: PathBuf,
    /// The refused request's body, byte for byte; - is standard input.
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The path that the request was sent to, where its headers do not say.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// When the request arrived: its signature's age is judged as of then.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    at: Option<Seconds>,
    /// The configuration file [default: billfold.toml in the data folder, if there is one] [env: `BILLFOLD_CONFIG`].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Print `{"ok": …, "findings": [{"check", "level", "what", "help"}]}`.
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let findings = self.request()?;
        show(&findings, self.json, out)
    }

    /// What is found about a request.
    fn request(&self) -> Result<Vec<Finding>, Failure> {
        if self.headers.as_os_str() == body::STDIN && self.body.as_os_str() == body::STDIN {
            return Err(Failure::usage("headers and body cannot both come from standard input"));
        }
        let flags = ServeFlags::of(&self.data, self.config.as_deref(), &self.secrets);
        let (endpoints, warnings) = config::endpoints(&flags)?;
        let head = Head::parse(&body::read(&self.headers)?);
        let body = body::read(&self.body)?;
        let places: Vec<Place<'_>> = endpoints.iter().map(place).collect();
        let case = Case {
            head: &head,
            path: self.path.as_deref(),
            body: &body,
            places: &places,
            arrived: self.at,
            now: now_seconds(),
        };
        let told = warnings.into_iter().map(|warning| {
            Finding::note("configuration", warning, "`billfold config check` says it with its place")
        });
        Ok(told.chain(diagnose(&case)).collect())
    }
}

/// An endpoint, as the doctor asks for it.
fn place(endpoint: &Endpoint) -> Place<'_> {
    Place {
        name: endpoint.name(),
        path: endpoint.path(),
        secrets: &endpoint.secrets,
        tolerance: endpoint.tolerance,
        livemode: match endpoint.mode {
            ExpectedMode::Any => None,
            ExpectedMode::Live => Some(true),
            ExpectedMode::Test => Some(false),
        },
    }
}

/// All findings, and whether one of them is a problem.
fn show(findings: &[Finding], as_json: bool, out: &mut Output) -> Result<Exit, Failure> {
    let is_well = findings.iter().all(|finding| finding.level < Level::Problem);
    if as_json {
        let findings: Vec<Value> = findings.iter().map(finding_json).collect();
        out.json(&json!({ "ok": is_well, "findings": findings }))?;
    } else {
        for finding in findings {
            out.text(&format!("{:<8} {}\n", finding.level.as_str(), finding.what))?;
            if let Some(help) = &finding.help {
                out.text(&format!("           help: {help}\n"))?;
            }
        }
    }
    Ok(if is_well { Exit::Done } else { Exit::Unwell })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "level": finding.level.as_str(),
        "what": finding.what,
        "help": finding.help,
    })
}
