//! The keyring: everything that is read anew at SIGHUP. The one place where a running server's secrets come from, at its
//! start and later: what has to be reloaded is gathered here, and nowhere else.

use std::collections::BTreeSet;
use std::path::Path;

use super::effective::{Config, EndpointPlan, FileSource, SecretPlace, SecretSource};
use super::flags::ServeFlags;
use super::keys;
use super::problem::{Place, Problems};
use crate::cli::failure::Failure;
use crate::cli::folder::DataArgs;
use crate::cli::secrets::{self, Listed};
use crate::cli::surroundings::{is_readable_by_all, variable};
use crate::http::{
    Certificate, Endpoint, Endpoints, InvalidEndpoint, Keyring, KnownTokens, Token, check_exposure,
};
use crate::stripe::signature::{Secret, Secrets};

/// Reads every secret that the configuration names; none if something does not fit.
pub(in crate::cli) fn gather(config: &Config, problems: &mut Problems) -> Option<Keyring> {
    let read: Vec<Option<Endpoint>> = config.endpoints.iter().map(|plan| endpoint(plan, problems)).collect();
    let token = config.token.as_ref().map(|source| token(source, problems));
    let file = config.token_file();
    if let Err(error) = file.load() {
        problems.error(Place::default(), error.to_string(), "mend the file, or move it away");
    }
    // A token that does not fit is told as such, not as one that is missing.
    let known = KnownTokens::new(token.clone().flatten(), file.current());
    if config.token.is_none()
        && let Err(exposed) = check_exposure(config.listen(), &known)
    {
        problems.error(Place::default(), exposed.to_string(), "");
    }
    let certificate = config.tls.as_ref().and_then(|(chain, key)| certificate(chain, key, problems));
    if config.token.is_none() && !config.cors_origins().is_empty() && !known.are_required() {
        let what = "pages may read with a token, and there is none";
        problems.error(Place::named(keys::CORS_ORIGINS.name), what, "make one with `billfold tokens add`");
    }
    let endpoints = together(&config.endpoints, read, problems)?;
    if problems.any_error() {
        return None;
    }
    let mut keyring = Keyring::new(endpoints);
    (keyring.api_token, keyring.certificate) = (token.flatten(), certificate);
    Some(keyring)
}

/// The endpoints with their secrets alone; none if something does not fit.
pub(super) fn endpoints(config: &Config, problems: &mut Problems) -> Option<Endpoints> {
    let read = config.endpoints.iter().map(|plan| endpoint(plan, problems)).collect();
    together(&config.endpoints, read, problems)
}

/// The secrets of all endpoints that the file of a folder describes, for commands that verify what is stored or recorded.
/// None where no endpoint is described.
///
/// # Errors
/// A usage failure with everything that does not fit.
pub(in crate::cli) fn described_secrets(data: &DataArgs) -> Result<Option<Secrets>, Failure> {
    let mut problems = Problems::default();
    let config = Config::load(&ServeFlags::of_folder(data), &mut problems);
    let plans = config.endpoints.iter().filter(|plan| plan.is_listed);
    let read: Vec<Option<Endpoint>> = plans.map(|plan| endpoint(plan, &mut problems)).collect();
    if let Some(failure) = problems.into_failure() {
        return Err(failure);
    }
    let all: Vec<Secret> =
        read.iter().flatten().flat_map(|endpoint| endpoint.secrets.iter().cloned()).collect();
    if all.is_empty() {
        return Ok(None);
    }
    let secrets = Secrets::new(all).map_err(|error| {
        Failure::usage(format!("the endpoints of the configuration together: {error}"))
            .remedy("name those that are wanted in a file for --secret-file")
    })?;
    Ok(Some(secrets))
}

fn endpoint(plan: &EndpointPlan, problems: &mut Problems) -> Option<Endpoint> {
    let mut lists = Vec::new();
    for source in &plan.secrets {
        lists.push(list(plan, source, problems)?);
    }
    if lists.is_empty() {
        // Told where it should have stood.
        return None;
    }
    // Each is a list of its own that was read already; together they count their places through.
    let list = lists.join("\n");
    let secrets = if plan.is_listed { Secrets::of_endpoint(&plan.name, &list) } else { list.parse() };
    let secrets = secrets.map_err(|error| problems.error(plan.place.clone(), error.to_string(), "")).ok()?;
    let endpoint = Endpoint::new(&plan.name, &plan.path, secrets);
    let mut endpoint =
        endpoint.map_err(|error| problems.error(plan.place.clone(), error.to_string(), "")).ok()?;
    (endpoint.mode, endpoint.account, endpoint.tolerance) = (plan.mode, plan.account.clone(), plan.tolerance);
    Some(endpoint)
}

/// The text of one list of secrets, which fits by itself.
fn list(plan: &EndpointPlan, source: &SecretSource, problems: &mut Problems) -> Option<String> {
    let (text, origin) = text(source, problems)?;
    let Some(text) = text else {
        if plan.is_listed {
            let what = format!("{origin} is not set or empty");
            problems.error(source.place.clone(), what, "set it where the server is started");
        } else {
            problems.failure(Place::default(), secrets::missing());
        }
        return None;
    };
    match secrets::read_list(&text, &origin) {
        Ok(Listed { warnings, .. }) => {
            for warning in warnings {
                problems.warning(source.place.clone(), warning, "");
            }
            Some(text)
        }
        Err(failure) => {
            let place = if plan.is_listed { source.place.clone() } else { Place::default() };
            problems.failure(place, failure);
            None
        }
    }
}

/// What a source holds, and what it is called; none inside where a variable is not set.
fn text(source: &SecretSource, problems: &mut Problems) -> Option<(Option<String>, String)> {
    match &source.at {
        SecretPlace::Variable(name) => {
            let text = variable(name);
            let text = text.map_err(|failure| problems.failure(source.place.clone(), failure)).ok()?;
            Some((text, name.clone()))
        }
        SecretPlace::File(path) => {
            let text = secrets::read_file(path);
            let text = text.map_err(|failure| problems.failure(source.place.clone(), failure)).ok()?;
            warn_of_readers(path, &source.place, problems);
            Some((Some(text), path.display().to_string()))
        }
    }
}

fn warn_of_readers(path: &Path, place: &Place, problems: &mut Problems) {
    if is_readable_by_all(path) {
        let what = format!("every user of this machine can read {}", path.display());
        problems.warning(place.clone(), what, format!("chmod o-rwx {}", path.display()));
    }
}

fn token(source: &SecretSource, problems: &mut Problems) -> Option<Token> {
    let (text, _) = text(source, problems)?;
    let token = Token::new(&text.unwrap_or_default());
    token.map_err(|invalid| problems.error(source.place.clone(), invalid.to_string(), "")).ok()
}

fn certificate(chain: &FileSource, key: &FileSource, problems: &mut Problems) -> Option<Certificate> {
    let mut read = |source: &FileSource| {
        let text = secrets::read_pem(&source.path);
        text.map_err(|failure| problems.failure(source.place.clone(), failure)).ok()
    };
    let (chain_text, key_text) = (read(chain), read(key));
    warn_of_readers(&key.path, &key.place, problems);
    Certificate::from_pem(&chain_text?, &key_text?)
        .map_err(|error| {
            let source = if error.is_of_the_key() { key } else { chain };
            problems.error(source.place.clone(), format!("{}: {error}", source.path.display()), "");
        })
        .ok()
}

/// All endpoints as one list; two that are alike are told at the later one.
fn together(
    plans: &[EndpointPlan],
    read: Vec<Option<Endpoint>>,
    problems: &mut Problems,
) -> Option<Endpoints> {
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for plan in plans {
        if !names.insert(&plan.name) {
            problems.error(plan.place.clone(), InvalidEndpoint::SameName.to_string(), "");
        }
        if !paths.insert(&plan.path) {
            problems.error(plan.place.clone(), InvalidEndpoint::SamePath.to_string(), "");
        }
    }
    let whole = read.len();
    let read: Vec<Endpoint> = read.into_iter().flatten().collect();
    let mut labels = BTreeSet::new();
    for endpoint in &read {
        let doubled = endpoint.secrets.iter().find(|secret| !labels.insert(secret.label().to_owned()));
        let plan = plans.iter().find(|plan| plan.name == endpoint.name());
        if let Some((secret, plan)) = doubled.zip(plan) {
            let what = format!("{} ({})", InvalidEndpoint::SameLabel, secret.label());
            problems.error(plan.place.clone(), what, "");
        }
    }
    if problems.any_error() || read.len() < whole {
        return None;
    }
    Endpoints::new(read)
        .map_err(|error| problems.error(Place::named("endpoints"), error.to_string(), ""))
        .ok()
}
