//! `config show`: every value that holds, and where it came from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::effective::{Config, EndpointPlan, FileSource, SecretPlace};
use super::keys;
use super::sources::Origin;
use super::values::LogFormat;
use super::{Problems, ServeFlags, gather};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::secrets::looks_secret;
use crate::cli::settings::{self, Settings};
use crate::http::{ExpectedAccount, ExpectedMode, Keyring};

/// Show the configuration that holds, and where each value came from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Secrets and tokens are never shown: only their labels and the places where they are.
What does not fit is told on stderr, and the exit code is 2.

Examples:
  billfold config show
  billfold config show --config /etc/billfold/billfold.toml --json
  BILLFOLD_LISTEN=127.0.0.1:8080 billfold config show")]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    flags: ServeFlags,
    /// Print `{"file": …, "values": [{"key", "value", "origin"}], "endpoints": […], "folder": {…}}`.
    #[arg(long)]
    json: bool,
}

/// A row of the answer.
struct Row {
    key: &'static str,
    value: Option<String>,
    origin: String,
}

impl ShowArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut problems = Problems::default();
        let config = Config::load(&self.flags, &mut problems);
        let keyring = gather(&config, &mut problems);
        let folder = Settings::of(self.flags.data().path())?;
        if self.json {
            let endpoints: Vec<Value> =
                config.endpoints.iter().map(|plan| endpoint_json(plan, keyring.as_ref())).collect();
            let values: Vec<Value> = rows(&config)
                .into_iter()
                .map(|row| json!({ "key": row.key, "value": row.value, "origin": row.origin }))
                .collect();
            out.json(&json!({
                "file": config.file.as_deref().map(|path| path.display().to_string()),
                "values": values,
                "endpoints": endpoints,
                "folder": serde_json::to_value(&folder).map_err(std::io::Error::from)?,
            }))?;
        } else {
            out.text(&told(&config, keyring.as_ref()))?;
            let path = settings::path(self.flags.data().path());
            out.text(&format!("\nfolder settings are in {} (`billfold settings`)\n", path.display()))?;
        }
        problems.into_failure().map_or(Ok(Exit::Done), Err)
    }
}

fn rows(config: &Config) -> Vec<Row> {
    let row =
        |key, value: String, origin: &Origin| Row { key, value: Some(value), origin: origin.to_string() };
    let format = match config.log_format.value {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let origins: Vec<String> = config.cors_origins().iter().map(ToString::to_string).collect();
    let tolerance = format!("{}s", config.tolerance.value);
    vec![
        row(keys::DATA.name, config.data.value.display().to_string(), &config.data.origin),
        row(keys::LISTEN.name, config.listen.value.to_string(), &config.listen.origin),
        row(keys::TOLERANCE.name, tolerance, &config.tolerance.origin),
        row(keys::BODY_LIMIT.name, config.body_limit.value.to_string(), &config.body_limit.origin),
        Row {
            key: keys::API_TOKEN.name,
            value: config.token.as_ref().map(|source| at(&source.at)),
            origin: config.token.as_ref().map_or(&Origin::Default, |source| &source.origin).to_string(),
        },
        file_row(keys::TLS_CERT.name, config.tls.as_ref().map(|(certificate, _)| certificate)),
        file_row(keys::TLS_KEY.name, config.tls.as_ref().map(|(_, key)| key)),
        Row {
            key: keys::CORS_ORIGINS.name,
            value: (!origins.is_empty()).then(|| origins.join(", ")),
            origin: config.cors_origins.origin.to_string(),
        },
        row(keys::LOG_FORMAT.name, format.to_owned(), &config.log_format.origin),
        row(keys::LOG_FILTER.name, config.log_filter.value.clone(), &config.log_filter.origin),
    ]
}

fn file_row(key: &'static str, file: Option<&FileSource>) -> Row {
    let value = file.map(|file| format!("in {}", file.path.display()));
    Row { key, value, origin: file.map_or(&Origin::Default, |file| &file.origin).to_string() }
}

/// Where a secret is; never what it is.
fn at(place: &SecretPlace) -> String {
    match place {
        SecretPlace::Variable(name) => format!("in {name}"),
        SecretPlace::File(path) if looks_secret(&path.to_string_lossy()) => "(not a file)".to_owned(),
        SecretPlace::File(path) => format!("in {}", path.display()),
    }
}

pub(super) fn told(config: &Config, keyring: Option<&Keyring>) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail, here and below.
    let file = config.file.as_deref().map(|path| path.display().to_string());
    let _ = writeln!(text, "file         {}\n", file.as_deref().unwrap_or("none"));
    for row in rows(config) {
        let value = row.value.as_deref().unwrap_or("none");
        let _ = writeln!(text, "{:<12} {value}  ({})", row.key, row.origin);
    }
    for plan in &config.endpoints {
        let places: Vec<String> = plan.secrets.iter().map(|source| at(&source.at)).collect();
        let _ = writeln!(text, "\nendpoint     {}", plan.name);
        let _ = writeln!(text, "  path       {}", plan.path);
        let _ = writeln!(text, "  secrets    {}  ({})", labels(plan, keyring).join(", "), places.join(", "));
        let _ = writeln!(text, "  expects    mode {}, account {}", mode(plan.mode), account(&plan.account));
        let _ = writeln!(text, "  tolerance  {}s", plan.tolerance.past);
    }
    text
}

fn endpoint_json(plan: &EndpointPlan, keyring: Option<&Keyring>) -> Value {
    json!({
        "name": plan.name,
        "path": plan.path,
        "secrets": labels(plan, keyring),
        "secrets_at": plan.secrets.iter().map(|source| at(&source.at)).collect::<Vec<_>>(),
        "mode": mode(plan.mode),
        "account": account(&plan.account),
        "tolerance_seconds": plan.tolerance.past,
    })
}

/// The labels of an endpoint's secrets, where they could be read.
fn labels(plan: &EndpointPlan, keyring: Option<&Keyring>) -> Vec<String> {
    let read =
        keyring.and_then(|keyring| keyring.endpoints.iter().find(|endpoint| endpoint.name() == plan.name));
    read.map(|endpoint| endpoint.secrets.iter().map(|secret| secret.label().to_owned()).collect())
        .unwrap_or_default()
}

const fn mode(mode: ExpectedMode) -> &'static str {
    match mode {
        ExpectedMode::Any => "any",
        ExpectedMode::Live => "live",
        ExpectedMode::Test => "test",
    }
}

fn account(account: &ExpectedAccount) -> &str {
    match account {
        ExpectedAccount::Any => "any",
        ExpectedAccount::Own => "self",
        ExpectedAccount::Connected(id) => id.as_str(),
    }
}
