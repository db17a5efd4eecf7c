//! `doctor`: why is a delivery refused, and is the folder well?
//!
//! Never shows a secret, a signature, a header's value or what a body holds, and never stores anything.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::config::{self, ServeFlags};
use super::exit::Exit;
use super::failure::Failure;
use super::moment::{parse_moment, parse_span};
use super::output::Output;
use super::secrets::SecretArgs;
use super::source::{self, Query, Source, SourceArgs};
use super::surroundings::now;
use super::{body, table, view};
use crate::api::{self, findings_json};
use crate::http::{Endpoint, ExpectedMode};
use crate::model::time::Seconds;
use crate::stripe::doctor::{Case, Finding, Head, Place, diagnose};

/// As many digits of a body's SHA-256 as a table shows.
const SHOWN_DIGITS: usize = 12;

/// Say whether the folder is well, or why a delivery is refused
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --headers it examines the folder, or with --url a running server's: permissions, room, clock, how old the newest
event is, refused and unreadable ones, types that never came, secrets, API versions, readers of the feed. A server also
shows the deliveries that it refused last (since it started, at most 32): their headers' names, never a value or a body.
With --headers and --body it judges one request, with the secrets and the endpoints that `serve` would have; nothing is
stored, and nothing of the request is repeated. Headers are read as they are copied: `Name: value` lines, what `curl -v`
prints, a curl command, a gateway's JSON; with the request line in front the path is checked, too. Save the body byte
for byte.
Exit code 0: no problem (notes may be told); 8: a problem was found.

Examples:
  billfold doctor --headers headers.txt --body body.json
  billfold doctor --headers - --body body.json --path /webhooks/stripe < headers.txt
  billfold doctor --headers headers.txt --body body.json --at 2026-01-01T00:00:00Z
  billfold doctor --silence 2d
  billfold doctor --url http://127.0.0.1:4242")]
pub(super) struct DoctorArgs {
    /// The refused request's headers; - is standard input.
    #[arg(long, value_name = "FILE", requires = "body", conflicts_with_all = ["url", "silence"])]
    headers: Option<PathBuf>,
    /// The refused request's body, byte for byte; - is standard input.
    #[arg(long, value_name = "FILE", requires = "headers")]
    body: Option<PathBuf>,
    /// The path that the request was sent to, where its headers do not say.
    #[arg(long, value_name = "PATH", requires = "headers")]
    path: Option<String>,
    /// When the request arrived: its signature's age is judged as of then.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, requires = "headers")]
    at: Option<Seconds>,
    /// How old the newest event may be before that is a problem: 90s, 15m, 24h, 7d. Without it a week is worth a note.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    silence: Option<i64>,
    /// The configuration file [default: billfold.toml in the data folder, if there is one] [env: `BILLFOLD_CONFIG`].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Print `{"ok": …, "findings": [{"check", "level", "what", "help"}]}`; of a folder also `"refused": […]`.
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let diagnosis = match (&self.headers, &self.body) {
            (Some(headers), Some(body)) => Value::Object(findings_json(&self.request(headers, body)?)),
            _ => self.folder()?,
        };
        show(&diagnosis, self.json, out)
    }

    /// What is found about a folder.
    fn folder(&self) -> Result<Value, Failure> {
        let query: Query =
            self.silence.iter().map(|seconds| ("silence".to_owned(), format!("{seconds}s"))).collect();
        match self.source.open()? {
            Source::Folder(billfold) => {
                // Without any secret set here nothing can be said about them.
                let labels = config::endpoints(&self.flags()).ok();
                let labels = labels.map(|(endpoints, _)| endpoints.labels().map(Box::from).collect());
                let path = api::path(&["doctor"]);
                let request = api::Request { path: &path, query: &query, now: now() };
                api::doctor(&billfold, &request, labels).map_err(|problem| source::told(&problem))
            }
            server @ Source::Server(_) => server.ask(&["doctor"], &query),
        }
    }

    fn flags(&self) -> ServeFlags {
        ServeFlags::of(self.source.data(), self.config.as_deref(), &self.secrets)
    }

    /// What is found about a request.
    fn request(&self, headers: &Path, body: &Path) -> Result<Vec<Finding>, Failure> {
        if headers.as_os_str() == body::STDIN && body.as_os_str() == body::STDIN {
            return Err(Failure::usage("headers and body cannot both come from standard input"));
        }
        let (endpoints, warnings) = config::endpoints(&self.flags())?;
        let head = Head::parse(&body::read(headers)?);
        let body = body::read(body)?;
        let places: Vec<Place<'_>> = endpoints.iter().map(place).collect();
        let case = Case {
            head: &head,
            path: self.path.as_deref(),
            body: &body,
            places: &places,
            arrived: self.at,
            now: now().seconds(),
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
fn show(diagnosis: &Value, as_json: bool, out: &mut Output) -> Result<Exit, Failure> {
    let exit = if diagnosis["ok"] == true { Exit::Done } else { Exit::Unwell };
    if as_json {
        out.json(diagnosis)?;
        return Ok(exit);
    }
    for finding in listed(diagnosis, "findings") {
        let (level, what) = (view::plain(finding, "level"), view::plain(finding, "what"));
        out.text(&format!("{level:<8} {what}\n"))?;
        if finding["help"].is_string() {
            out.text(&format!("           help: {}\n", view::plain(finding, "help")))?;
        }
    }
    let refused: Vec<Vec<String>> = listed(diagnosis, "refused").iter().map(refused_row).collect();
    if !refused.is_empty() {
        out.text("\n")?;
        let titles =
            ["REFUSED", "ENDPOINT", "REASON", "SIGNED", "V1", "BODY BYTES", "BODY SHA-256", "HEADERS"];
        out.text(&table::rows(&titles, &refused, out.look))?;
    }
    Ok(exit)
}

fn listed<'a>(diagnosis: &'a Value, name: &str) -> &'a [Value] {
    diagnosis.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn refused_row(refused: &Value) -> Vec<String> {
    let headers = listed(refused, "headers").iter();
    let headers: Vec<String> = headers
        .map(|header| format!("{} {}", view::plain(header, "name"), view::plain(header, "bytes")))
        .collect();
    let hash: String = view::plain(refused, "body_sha256").chars().take(SHOWN_DIGITS).collect();
    vec![
        view::time(refused, "refused_at"),
        view::plain(refused, "endpoint"),
        view::plain(refused, "reason"),
        view::time(refused, "signed_at"),
        view::plain(refused, "signatures"),
        view::plain(refused, "body_bytes"),
        hash,
        headers.join(", "),
    ]
}
