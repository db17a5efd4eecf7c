//! The endpoints: where the provider delivers to, by what secrets each is verified, and what is expected there.
//!
//! An expectation never refuses an authentic delivery: it is stored, and counted as unexpected. Never shows a secret.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::model::id::AccountId;
use crate::stripe::envelope::Envelope;
use crate::stripe::signature::{Secret, Secrets, Tolerance};

/// The most endpoints of a server.
pub const ENDPOINTS_MAX: usize = 16;
/// The longest name of an endpoint, in bytes.
pub const ENDPOINT_NAME_BYTES_MAX: usize = 20;
/// The longest path of an endpoint, in bytes.
pub const ENDPOINT_PATH_BYTES_MAX: usize = 200;
/// The name of the endpoint that there is when nobody describes any.
pub const DEFAULT_NAME: &str = "stripe";
/// Its path.
pub const DEFAULT_PATH: &str = "/webhooks/stripe";

/// First words of paths that are for other routes, of today or of later versions.
const RESERVED: &[&str] =
    &["admin", "api", "assets", "docs", "health", "metrics", "openapi.json", "ui", "v1", "v2"];

/// Which mode an endpoint's events are expected to be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpectedMode {
    /// Either.
    #[default]
    Any,
    /// Live money.
    Live,
    /// Tests.
    Test,
}

/// Whose events are expected at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ExpectedAccount {
    /// Anybody's.
    #[default]
    Any,
    /// Those of the account that owns the endpoint.
    Own,
    /// Those of this connected account.
    Connected(AccountId),
}

/// What an authentic delivery differs in from what its endpoint expects. It is stored all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unexpected {
    Mode,
    Account,
}

impl Unexpected {
    /// A stable word for metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Account => "account",
        }
    }
}

/// One endpoint. `Debug` shows no secret and no path: a path may be kept secret, too.
#[derive(Clone)]
pub struct Endpoint {
    name: Arc<str>,
    path: Box<str>,
    /// What verifies its deliveries.
    pub secrets: Secrets,
    /// How far a signature's time may be from ours.
    pub tolerance: Tolerance,
    /// See [`ExpectedMode`].
    pub mode: ExpectedMode,
    /// See [`ExpectedAccount`].
    pub account: ExpectedAccount,
}

impl Endpoint {
    /// An endpoint that expects anything, with the default tolerance.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] for a name or a path that cannot be one.
    pub fn new(name: &str, path: &str, secrets: Secrets) -> Result<Self, InvalidEndpoint> {
        check_name(name)?;
        check_path(path)?;
        Ok(Self::unchecked(name, path, secrets))
    }

    /// `/webhooks/stripe`.
    fn usual(secrets: Secrets) -> Self {
        Self::unchecked(DEFAULT_NAME, DEFAULT_PATH, secrets)
    }

    fn unchecked(name: &str, path: &str, secrets: Secrets) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            secrets,
            tolerance: Tolerance::default(),
            mode: ExpectedMode::Any,
            account: ExpectedAccount::Any,
        }
    }

    /// Its name in log lines and metrics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Where it is, with `/` in front.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What an authentic body is that was not expected here. What is no event is nobody's surprise.
    pub(super) fn unexpected(&self, body: &[u8]) -> Option<Unexpected> {
        if self.mode == ExpectedMode::Any && self.account == ExpectedAccount::Any {
            return None;
        }
        let envelope = Envelope::parse(body).ok()?;
        let mode = match self.mode {
            ExpectedMode::Any => true,
            ExpectedMode::Live => envelope.livemode,
            ExpectedMode::Test => !envelope.livemode,
        };
        let account = match &self.account {
            ExpectedAccount::Any => true,
            ExpectedAccount::Own => envelope.account.is_none(),
            ExpectedAccount::Connected(account) => envelope.account.as_ref() == Some(account),
        };
        if mode { (!account).then_some(Unexpected::Account) } else { Some(Unexpected::Mode) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether this can be an endpoint's name.
///
/// # Errors
/// [`InvalidEndpoint::Name`].
pub fn check_name(name: &str) -> Result<(), InvalidEndpoint> {
    let fits = (1..=ENDPOINT_NAME_BYTES_MAX).contains(&name.len());
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits && plain { Ok(()) } else { Err(InvalidEndpoint::Name) }
}

/// Whether this can be an endpoint's path.
///
/// # Errors
/// [`InvalidEndpoint::Path`], [`InvalidEndpoint::Reserved`].
pub fn check_path(path: &str) -> Result<(), InvalidEndpoint> {
    let inner = path.strip_prefix('/').ok_or(InvalidEndpoint::Path)?;
    let plain = |part: &str| {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        letters && !part.is_empty() && part != "." && part != ".."
    };
    if path.len() > ENDPOINT_PATH_BYTES_MAX || !inner.split('/').all(plain) {
        return Err(InvalidEndpoint::Path);
    }
    if inner.split('/').next().is_some_and(|first| RESERVED.contains(&first)) {
        return Err(InvalidEndpoint::Reserved);
    }
    Ok(())
}

/// Why something cannot be an endpoint, or a list of them. *Handling* of all: the operator corrects the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// Not a name. *Handling*: choose another.
    #[error("a name has 1 to {ENDPOINT_NAME_BYTES_MAX} small letters, digits or `-`")]
    Name,
    /// Not a path. *Handling*: write it as the URL has it, behind the host.
    #[error(
        "a path begins with `/`, has at most {ENDPOINT_PATH_BYTES_MAX} letters, digits, `-`, `.`, `_`, `~` and `/`, \
         and does not end with `/`"
    )]
    Path,
    /// The path of other routes. *Handling*: choose one below `/webhooks/`.
    #[error("this path is for other routes: take one below /webhooks/")]
    Reserved,
    /// No endpoint at all. *Handling*: describe one.
    #[error("there is no endpoint")]
    None,
    /// More than [`ENDPOINTS_MAX`]. *Handling*: remove some.
    #[error("there are more than {ENDPOINTS_MAX} endpoints")]
    TooMany,
    /// Two have one name. *Handling*: rename one.
    #[error("two endpoints have this name")]
    SameName,
    /// Two have one path. *Handling*: give each its own, or one endpoint the secrets of both.
    #[error("two endpoints have this path: give one endpoint the secrets of both, or each its own path")]
    SamePath,
    /// Two secrets have one label. *Handling*: rename one.
    #[error(
        "two endpoints have a secret with the same label: records keep the label alone, so each needs its own"
    )]
    SameLabel,
}

/// The endpoints of a server, one to [`ENDPOINTS_MAX`], each with its own name, path and labels.
#[derive(Debug, Clone)]
pub struct Endpoints(Box<[Arc<Endpoint>]>);

impl Endpoints {
    /// # Errors
    /// [`InvalidEndpoint`] when there are none, too many, or two alike.
    pub fn new(endpoints: Vec<Endpoint>) -> Result<Self, InvalidEndpoint> {
        if endpoints.is_empty() {
            return Err(InvalidEndpoint::None);
        }
        if endpoints.len() > ENDPOINTS_MAX {
            return Err(InvalidEndpoint::TooMany);
        }
        let (mut names, mut paths, mut labels) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for endpoint in &endpoints {
            if !names.insert(endpoint.name()) {
                return Err(InvalidEndpoint::SameName);
            }
            if !paths.insert(endpoint.path()) {
                return Err(InvalidEndpoint::SamePath);
            }
            if !endpoint.secrets.iter().all(|secret| labels.insert(secret.label())) {
                return Err(InvalidEndpoint::SameLabel);
            }
        }
        Ok(Self(endpoints.into_iter().map(Arc::new).collect()))
    }

    /// The one at `/webhooks/stripe` that there is when nobody describes any.
    #[must_use]
    pub fn one(secrets: Secrets) -> Self {
        Self(Box::new([Arc::new(Endpoint::usual(secrets))]))
    }

    /// The endpoints, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter().map(|endpoint| &**endpoint)
    }

    /// The labels of all their secrets.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.iter().flat_map(|endpoint| endpoint.secrets.iter().map(Secret::label))
    }

    /// The one at a path below the mount, which begins without `/`.
    pub(super) fn at(&self, path: &str) -> Option<Arc<Endpoint>> {
        let found = self.0.iter().find(|endpoint| endpoint.path.strip_prefix('/') == Some(path));
        found.map(Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, path: &str, secrets: &str) -> Endpoint {
        Endpoint::new(name, path, secrets.parse().unwrap()).unwrap()
    }

    #[track_caller]
    fn path(text: &str, expected: Result<(), InvalidEndpoint>) {
        assert_eq!(check_path(text), expected, "{text}");
    }

    #[test]
    fn a_path_is_plain_and_nobody_elses() {
        for fits in [DEFAULT_PATH, "/a", "/webhooks/eu-1", "/stripe/webhook", "/webhooks/3f2a.b~_"] {
            path(fits, Ok(()));
        }
        for odd in ["", "/", "a", "/a/", "//a", "/a b", "/a?b", "/../a", "/.", "/é", "/%41"] {
            path(odd, Err(InvalidEndpoint::Path));
        }
        path(&format!("/{}", "x".repeat(200)), Err(InvalidEndpoint::Path));
        for taken in ["/v1", "/v1/customers", "/health/live", "/metrics", "/openapi.json"] {
            path(taken, Err(InvalidEndpoint::Reserved));
        }
    }

    #[test]
    fn endpoints_differ() {
        let one = || endpoint("a", "/a", "a=whsec_1");
        let with = |other| Endpoints::new(vec![one(), other]).err();
        assert_eq!(with(endpoint("b", "/b", "b=whsec_1")), None);
        assert_eq!(with(endpoint("a", "/b", "b=whsec_1")), Some(InvalidEndpoint::SameName));
        assert_eq!(with(endpoint("b", "/a", "b=whsec_1")), Some(InvalidEndpoint::SamePath));
        assert_eq!(with(endpoint("b", "/b", "a=whsec_2")), Some(InvalidEndpoint::SameLabel));
        assert_eq!(Endpoints::new(Vec::new()).err(), Some(InvalidEndpoint::None));
        for name in ["", "A", "a b", "ä", &"a".repeat(21)] {
            assert_eq!(check_name(name), Err(InvalidEndpoint::Name), "{name}");
        }
    }

    #[track_caller]
    fn surprise(mode: ExpectedMode, account: ExpectedAccount, body: &str, expected: Option<Unexpected>) {
        let endpoint = Endpoint { mode, account, ..endpoint("a", "/a", "whsec_1") };
        assert_eq!(endpoint.unexpected(body.as_bytes()), expected, "{body}");
    }

    #[test]
    fn what_is_not_expected_is_noticed() {
        use ExpectedMode::{Any, Live, Test};
        let body = |livemode: bool, account: &str| {
            format!(
                r#"{{"id":"evt_1","object":"event","type":"a.b","created":1,"livemode":{livemode},{account}"data":{{"object":{{}}}}}}"#
            )
        };
        let (live, test) = (body(true, ""), body(false, ""));
        let theirs = body(true, r#""account":"acct_1","#);
        let acct = |id| ExpectedAccount::Connected(AccountId::parse(id).unwrap());
        surprise(Live, ExpectedAccount::Any, &live, None);
        surprise(Live, ExpectedAccount::Any, &test, Some(Unexpected::Mode));
        surprise(Test, ExpectedAccount::Any, &live, Some(Unexpected::Mode));
        surprise(Any, ExpectedAccount::Own, &live, None);
        surprise(Any, ExpectedAccount::Own, &theirs, Some(Unexpected::Account));
        surprise(Any, acct("acct_1"), &theirs, None);
        surprise(Any, acct("acct_2"), &theirs, Some(Unexpected::Account));
        surprise(Live, acct("acct_2"), &theirs, Some(Unexpected::Account));
        surprise(Live, ExpectedAccount::Own, "no JSON", None);
    }

    #[test]
    fn no_secret_and_no_path_is_shown() {
        let shown = format!("{:?}", Endpoints::new(vec![endpoint("a", "/hidden", "whsec_hidden")]).unwrap());
        assert!(shown.contains("\"a\"") && !shown.contains("hidden"), "{shown}");
    }
}
