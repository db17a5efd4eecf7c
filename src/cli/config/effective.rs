//! The configuration as it holds: every value with where it came from, and the endpoints with where their secrets are.
//! No secret is read here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::file::{Entry, File, Value};
use super::flags::ServeFlags;
use super::keys::{self, Key, NEVER_INLINE};
use super::problem::{Place, Problems};
use super::sources::{ENDPOINTS, Origin, Setting, Sources, check_endpoint_names, text_of};
use super::values::{
    LogFormat, parse_account, parse_address, parse_bytes, parse_log_filter, parse_log_format, parse_mode,
    parse_origins,
};
use crate::cli::moment::parse_span;
use crate::cli::secrets::looks_secret;
use crate::cli::surroundings::variable;
use crate::cli::tokens;
use crate::http::{
    self, BODY_BYTES_MAX, DEFAULT_NAME, DEFAULT_PATH, ExpectedAccount, ExpectedMode, InvalidEndpoint,
    TokenFile,
};
use crate::stripe::signature::Tolerance;

/// Everything that `serve` is told.
pub(in crate::cli) struct Config {
    /// The file that was read.
    pub(super) file: Option<PathBuf>,
    pub(super) data: Setting<PathBuf>,
    pub(super) listen: Setting<SocketAddr>,
    pub(super) body_limit: Setting<usize>,
    pub(super) tolerance: Setting<i64>,
    pub(super) cors_origins: Setting<Vec<http::Origin>>,
    pub(super) log_format: Setting<LogFormat>,
    pub(super) log_filter: Setting<String>,
    /// Where the readers' token is; none for no token.
    pub(super) token: Option<SecretSource>,
    /// The files of certificate and key.
    pub(super) tls: Option<(FileSource, FileSource)>,
    pub(super) endpoints: Vec<EndpointPlan>,
}

/// A file that is named somewhere.
pub(super) struct FileSource {
    pub(super) path: PathBuf,
    pub(super) place: Place,
    pub(super) origin: Origin,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretPlace {
    Variable(String),
    File(PathBuf),
}

/// Where a secret is, and who says so.
#[derive(Debug, Clone)]
pub(super) struct SecretSource {
    pub(super) at: SecretPlace,
    pub(super) place: Place,
    pub(super) origin: Origin,
}

/// An endpoint whose secrets are not read yet.
pub(super) struct EndpointPlan {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) secrets: Vec<SecretSource>,
    /// Labels carry its name: it is one that the file describes.
    pub(super) is_listed: bool,
    pub(super) mode: ExpectedMode,
    pub(super) account: ExpectedAccount,
    pub(super) tolerance: Tolerance,
    pub(super) place: Place,
}

impl Config {
    /// Reads everything that can be read; what does not fit is a problem, and its default stands in for it.
    pub(in crate::cli) fn load(flags: &ServeFlags, problems: &mut Problems) -> Self {
        let sources = Sources::find(flags, problems);
        let listen = SocketAddr::from(([127, 0, 0, 1], 4242));
        let tolerance = sources.read(&keys::TOLERANCE, parse_span, 300, problems);
        Self {
            data: data(flags),
            listen: sources.read(&keys::LISTEN, parse_address, listen, problems),
            body_limit: sources.read(&keys::BODY_LIMIT, parse_bytes, BODY_BYTES_MAX, problems),
            cors_origins: sources.read(&keys::CORS_ORIGINS, parse_origins, Vec::new(), problems),
            log_format: sources.read(&keys::LOG_FORMAT, parse_log_format, LogFormat::Text, problems),
            log_filter: sources.read(&keys::LOG_FILTER, parse_log_filter, "info".to_owned(), problems),
            token: token(&sources, problems),
            tls: tls(&sources, problems),
            endpoints: endpoints(&sources, both_ways(tolerance.value), problems),
            tolerance,
            file: sources.file.map(|file| file.path),
        }
    }

    /// The folder's tokens, which are read anew by themselves.
    pub(in crate::cli) fn token_file(&self) -> TokenFile {
        TokenFile::new(tokens::path(&self.data.value))
    }

    pub(in crate::cli) const fn listen(&self) -> SocketAddr {
        self.listen.value
    }

    pub(in crate::cli) const fn body_limit(&self) -> usize {
        self.body_limit.value
    }

    pub(in crate::cli) fn cors_origins(&self) -> &[http::Origin] {
        &self.cors_origins.value
    }

    pub(in crate::cli) const fn log_format(&self) -> LogFormat {
        self.log_format.value
    }

    pub(in crate::cli) fn log_filter(&self) -> &str {
        &self.log_filter.value
    }

    /// The keys in which another configuration differs that a running server does not take over.
    pub(in crate::cli) fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let differ = [
            (keys::LISTEN.name, self.listen.value != other.listen.value),
            (keys::BODY_LIMIT.name, self.body_limit.value != other.body_limit.value),
            (keys::CORS_ORIGINS.name, self.cors_origins.value != other.cors_origins.value),
            (keys::LOG_FORMAT.name, self.log_format.value != other.log_format.value),
            (keys::LOG_FILTER.name, self.log_filter.value != other.log_filter.value),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

/// The folder; which of flag and variable named it cannot be told apart when both say the same.
fn data(flags: &ServeFlags) -> Setting<PathBuf> {
    let value = flags.data.path().to_path_buf();
    let said = keys::DATA.variable.and_then(|name| Some((name, variable(name).ok()??)));
    let origin = match said {
        Some((name, said)) if value.as_path() == Path::new(&said) => Origin::Variable(name),
        _ if value.as_path() == Path::new(keys::DATA.default) => Origin::Default,
        _ => Origin::Flag("--data"),
    };
    Setting { value, origin }
}

/// The flag, else one of the two variables, else the file.
fn token(sources: &Sources<'_>, problems: &mut Problems) -> Option<SecretSource> {
    let file = sources.text(&keys::API_TOKEN_FILE, problems);
    let inline = keys::API_TOKEN.variable.filter(|name| matches!(variable(name), Ok(Some(_))));
    if let Some(name) = inline {
        match &file {
            Some(Setting { origin: Origin::Variable(other), .. }) => problems.error(
                Place::named(name),
                format!("{other} is set, too: which of them holds the token?"),
                "set one of them",
            ),
            Some(Setting { origin: Origin::Flag(_), .. }) => {}
            _ => {
                return Some(SecretSource {
                    at: SecretPlace::Variable(name.to_owned()),
                    place: Place::named(name),
                    origin: Origin::Variable(name),
                });
            }
        }
    }
    let FileSource { path, place, origin } = named_file(sources, &keys::API_TOKEN_FILE, file?);
    Some(SecretSource { at: SecretPlace::File(path), place, origin })
}

/// Both files, or none: one alone is a mistake.
fn tls(sources: &Sources<'_>, problems: &mut Problems) -> Option<(FileSource, FileSource)> {
    let mut file = |key: &Key| sources.text(key, problems).map(|setting| named_file(sources, key, setting));
    let (certificate, key) = (file(&keys::TLS_CERT), file(&keys::TLS_KEY));
    let alone = match (&certificate, &key) {
        (Some(file), None) => Some((file, keys::TLS_KEY.name)),
        (None, Some(file)) => Some((file, keys::TLS_CERT.name)),
        _ => None,
    };
    if let Some((file, other)) = alone {
        problems.error(file.place.clone(), format!("it needs {other}, too"), "name the file of both");
    }
    certificate.zip(key)
}

fn named_file(sources: &Sources<'_>, key: &Key, setting: Setting<String>) -> FileSource {
    let Setting { value, origin } = setting;
    let path = match (&origin, &sources.file) {
        (Origin::File { .. }, Some(file)) => file.beside(&value),
        _ => PathBuf::from(value),
    };
    FileSource { path, place: sources.place(key, &origin), origin }
}

fn endpoints(sources: &Sources<'_>, tolerance: Tolerance, problems: &mut Problems) -> Vec<EndpointPlan> {
    let Some((file, tables)) = sources.endpoints(problems) else {
        return vec![usual(sources, tolerance)];
    };
    if sources.flags.secrets.file().is_some() {
        problems.error(
            Place::named("--secret-file"),
            "the configuration file describes the endpoints: whose secrets would these be?",
            "write secret_file = … under one of its [[endpoints]]",
        );
    }
    let plans: Vec<EndpointPlan> = tables
        .iter()
        .enumerate()
        .map(|(index, entries)| Reader { file, entries, index }.plan(tolerance, problems))
        .collect();
    let named = |name: &str| {
        let mut all = plans.iter().flat_map(|plan| &plan.secrets);
        all.any(|source| source.at == SecretPlace::Variable(name.to_owned()))
    };
    let unused = keys::SECRETS.variable.filter(|name| matches!(variable(name), Ok(Some(_))) && !named(name));
    if let Some(name) = unused {
        problems.warning(Place::named(name), "it is set, but no endpoint of the file names it", "");
    }
    plans
}

/// The endpoint that there is when the file describes none.
fn usual(sources: &Sources<'_>, tolerance: Tolerance) -> EndpointPlan {
    let (at, name, origin) = match (sources.flags.secrets.file(), keys::SECRETS.variable) {
        (Some(path), _) => {
            (SecretPlace::File(path.to_path_buf()), "--secret-file", Origin::Flag("--secret-file"))
        }
        (None, variable) => {
            let name = variable.unwrap_or_default();
            (SecretPlace::Variable(name.to_owned()), name, Origin::Variable(name))
        }
    };
    EndpointPlan {
        name: DEFAULT_NAME.to_owned(),
        path: DEFAULT_PATH.to_owned(),
        secrets: vec![SecretSource { at, place: Place::named(name), origin }],
        is_listed: false,
        mode: ExpectedMode::Any,
        account: ExpectedAccount::Any,
        tolerance,
        place: Place::default(),
    }
}

/// One `[[endpoints]]` table.
struct Reader<'a> {
    file: &'a File,
    entries: &'a [Entry],
    /// Its place in the list, from 0.
    index: usize,
}

impl Reader<'_> {
    /// How a person finds it: `endpoints[0]`.
    fn at(&self) -> String {
        format!("{ENDPOINTS}[{}]", self.index)
    }

    /// The endpoint, as far as it fits: what does not is a problem, and must not hide the next one.
    fn plan(&self, tolerance: Tolerance, problems: &mut Problems) -> EndpointPlan {
        check_endpoint_names(self.file, self.entries, &self.at(), problems);
        let name = self.read("name", &named, problems);
        if self.entry("name").is_none() {
            problems.error(
                self.whole(),
                "it has no name",
                "add name = \"…\", such as \"live\" or \"connect\"",
            );
        }
        let name = name.unwrap_or_else(|| format!("unnamed-{}", self.index));
        let path = self.read("path", &pathed, problems);
        EndpointPlan {
            path: path.unwrap_or_else(|| format!("/webhooks/{name}")),
            secrets: self.secrets(problems),
            is_listed: true,
            mode: self.read("mode", &parse_mode, problems).unwrap_or_default(),
            account: self.read("account", &parse_account, problems).unwrap_or_default(),
            tolerance: self.read("tolerance", &parse_span, problems).map_or(tolerance, both_ways),
            place: self.whole(),
            name,
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    fn whole(&self) -> Place {
        let line = self.entries.first().map_or(1, |entry| entry.line);
        self.file.place(line, &self.at())
    }

    fn read<T>(
        &self,
        name: &str,
        parse: &dyn Fn(&str) -> Result<T, String>,
        problems: &mut Problems,
    ) -> Option<T> {
        let entry = self.entry(name)?;
        let shown = format!("{}.{name}", self.at());
        let text = text_of(self.file, entry, &shown, problems)?;
        parse(&text).map_err(|what| problems.error(self.file.place(entry.line, &shown), what, "")).ok()
    }

    /// A text or a list of texts each, variables first.
    fn secrets(&self, problems: &mut Problems) -> Vec<SecretSource> {
        let mut sources = Vec::new();
        for name in ["secret_env", "secret_file"] {
            let Some(entry) = self.entry(name) else { continue };
            let place = self.file.place(entry.line, &format!("{}.{name}", self.at()));
            let items = match &entry.value {
                Value::List(items) => items.as_slice(),
                other => std::slice::from_ref(other),
            };
            for item in items {
                let Value::Text(text) = item else {
                    problems.error(place.clone(), format!("this is {}, not a text", item.sort()), "");
                    continue;
                };
                if looks_secret(text) {
                    problems.error(place.clone(), "a secret does not belong into the file", NEVER_INLINE);
                    continue;
                }
                let at = match name {
                    "secret_file" => SecretPlace::File(self.file.beside(text)),
                    _ if is_variable_name(text) => SecretPlace::Variable(text.clone()),
                    _ => {
                        let help = "write the name of a variable, such as STRIPE_SECRET_LIVE; the secret itself never stands \
                                    in this file";
                        problems.error(place.clone(), "not the name of a variable", help);
                        continue;
                    }
                };
                let origin = Origin::File { line: entry.line };
                sources.push(SecretSource { at, place: place.clone(), origin });
            }
        }
        if self.entry("secret_env").is_none() && self.entry("secret_file").is_none() {
            let help = "add secret_env = \"NAME\" (a variable) or secret_file = \"FILE\"";
            problems.error(self.whole(), "it does not say where its signing secrets are", help);
        }
        sources
    }
}

/// Capitals, digits and `_`: no secret of Stripe's looks like that.
fn is_variable_name(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    letters && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn named(text: &str) -> Result<String, String> {
    http::check_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn pathed(text: &str) -> Result<String, String> {
    http::check_path(text).map(|()| text.to_owned()).map_err(|error: InvalidEndpoint| error.to_string())
}

/// The same span both ways.
fn both_ways(seconds: i64) -> Tolerance {
    let span = seconds.unsigned_abs();
    Tolerance { past: span, future: span }
}
