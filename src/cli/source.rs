//! Where answers come from: the folder of this machine, or a running server. The same paths, the same JSON.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::DataArgs;
use super::surroundings::{TOKEN_VARIABLE, now, variable};
use super::wrong_id;
use crate::api;
use crate::engine::Billfold;

/// How long a server may take to answer.
const ANSWER_SECONDS_MAX: u64 = 60;
/// How long a server may take to be reached.
const CONNECT_SECONDS_MAX: u64 = 5;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Whom a reading command asks.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Ask the running server at this address instead of opening the folder; `BILLFOLD_API_TOKEN` holds its token.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

impl SourceArgs {
    pub(super) fn open(&self) -> Result<Source, Failure> {
        match &self.url {
            None => self.data.open().map(Source::Folder).map_err(|failure| match failure {
                Failure::Told { exit: Exit::Locked, .. } => failure.remedy(
                    "ask the running server instead: --url http://127.0.0.1:4242, with BILLFOLD_API_TOKEN if it has one",
                ),
                other => other,
            }),
            Some(url) => Server::at(url).map(Source::Server),
        }
    }
}

impl SourceArgs {
    /// Where the folder is, if it is not a server's.
    pub(super) const fn data(&self) -> &DataArgs {
        &self.data
    }

    /// It is a running server.
    pub(super) const fn asks_a_server(&self) -> bool {
        self.url.is_some()
    }
}

/// Whoever answers.
pub(super) enum Source {
    /// The folder, opened by this process.
    Folder(Billfold),
    /// A server.
    Server(Server),
}

/// Names and values of a query.
pub(super) type Query = Vec<(String, String)>;

impl Source {
    /// The answer to a question about one object; what may be wrong with its id is told, too.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn ask_about(
        &self,
        (collection, id): (&str, &str),
        aspect: Option<&str>,
        query: &Query,
    ) -> Result<Value, Failure> {
        let segments: Vec<&str> = [collection, id].into_iter().chain(aspect).collect();
        self.ask(&segments, query).map_err(|failure| wrong_id::remedied(failure, collection, id))
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// What the problem document says, with the exit code that goes with it.
    pub(super) fn ask(&self, segments: &[&str], query: &Query) -> Result<Value, Failure> {
        let path = api::path(segments);
        match self {
            Self::Folder(billfold) => {
                let request = api::Request { path: &path, query, now: now() };
                api::answer(billfold, &request).map_err(|problem| told(&problem))
            }
            Self::Server(server) => server.ask(&path, query),
        }
    }

    /// Moves a reader's cursor in the feed.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn acknowledge(&self, name: &str, after: u64) -> Result<(), Failure> {
        let body = serde_json::json!({ "after": after }).to_string();
        let done = match self {
            Self::Folder(billfold) => api::acknowledge(billfold, name, body.as_bytes())
                .map_err(|problem| failure(problem.status(), &problem.to_json())),
            Self::Server(server) => server.post(&api::path(&["feed", "cursors", name]), body),
        };
        done.map(|_| ())
    }

    /// Forgets a reader's cursor in the feed.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn forget_cursor(&self, name: &str) -> Result<(), Failure> {
        let done = match self {
            Self::Folder(billfold) => api::remove_cursor(billfold, name)
                .map_err(|problem| failure(problem.status(), &problem.to_json())),
            Self::Server(server) => server.delete(&api::path(&["feed", "cursors", name])),
        };
        done.map(|_| ())
    }
}

/// A running server.
pub(super) struct Server {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Server {
    /// The server at an address, with the token that is set.
    pub(super) fn at(url: &str) -> Result<Self, Failure> {
        Self::new(url, variable(TOKEN_VARIABLE)?)
    }

    fn new(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let base = url.trim_end_matches('/');
        let rest = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
        let Some(host) = rest.filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@'])) else {
            return Err(Failure::usage(
                "--url takes an address such as http://127.0.0.1:4242 or https://billing.example.com",
            ));
        };
        if token.is_some() && base.starts_with("http://") && !is_loopback(host) {
            eprint_line("warning: the token travels unencrypted: use https, or an SSH tunnel to 127.0.0.1");
        }
        let proxy = if is_loopback(host) { None } else { ureq::Proxy::try_from_env() };
        let agent = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
            .timeout_global(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))
            .user_agent(concat!("billfold/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent, base: base.to_owned(), token })
    }

    /// The answer to a question, in JSON.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn ask(&self, path: &str, query: &Query) -> Result<Value, Failure> {
        let (status, body) = self.get(path, query)?;
        self.answered(status, &body)
    }

    fn answered(&self, status: u16, body: &[u8]) -> Result<Value, Failure> {
        match serde_json::from_slice::<Value>(body) {
            Ok(answer) if status == 200 || status == 202 => Ok(answer),
            answer => Err(self.refusal(status, answer.ok())),
        }
    }

    /// Asks the server to do something.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn post(&self, path: &str, body: String) -> Result<Value, Failure> {
        let request =
            self.agent.post(format!("{}{path}", self.base)).header("Content-Type", "application/json");
        let (status, body) = self.read(self.with_token(request).send(body))?;
        self.answered(status, &body)
    }

    /// Asks the server to end something.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn delete(&self, path: &str) -> Result<Value, Failure> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        let (status, body) = self.read(self.with_token(request).call())?;
        self.answered(status, &body)
    }

    fn with_token<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn read(
        &self,
        answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let mut response = answered.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok((status, body.map_err(|error| self.unreachable(&error))?))
    }

    /// The answer to a question, as bytes.
    ///
    /// # Errors
    /// As [`Source::ask`].
    pub(super) fn fetch(&self, path: &str, query: &Query) -> Result<Vec<u8>, Failure> {
        let (status, body) = self.get(path, query)?;
        if status == 200 { Ok(body) } else { Err(self.refusal(status, serde_json::from_slice(&body).ok())) }
    }

    fn get(&self, path: &str, query: &Query) -> Result<(u16, Vec<u8>), Failure> {
        let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = self.agent.get(format!("{}{path}", self.base)).query_pairs(pairs);
        self.read(self.with_token(request).call())
    }

    fn refusal(&self, status: u16, answer: Option<Value>) -> Failure {
        match answer {
            Some(problem) if problem.get("detail").is_some() => failure(status, &problem),
            _ => Failure::new(
                Exit::Failed,
                format!("{} answered with status {status}, but not as Billfold does", self.base),
            )
            .remedy("check the address, and what stands in between"),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let failure = Failure::new(Exit::Failed, format!("{} does not answer: {error}", self.base));
        failure.remedy(
            unreachable_remedy(error)
                .unwrap_or("is `billfold serve` running there? without --url the folder is read directly"),
        )
    }
}

/// What to do where somebody answers, but not in a way that can be used; none where nobody does.
pub(super) fn unreachable_remedy(error: &ureq::Error) -> Option<&'static str> {
    let told = error.to_string();
    if told.contains("certificate") {
        Some(
            "only certificates of public authorities are trusted here, not self-signed ones; does its name fit the address?",
        )
    } else if told.contains("invalid HTTP version") {
        Some("something else than HTTP answers there: is it TLS? then write https://")
    } else if told.contains("InvalidContentType") || told.contains("corrupt message") {
        Some("what answers there speaks no TLS: write http://")
    } else {
        None
    }
}

fn is_loopback(host: &str) -> bool {
    let authority = host.split('/').next().unwrap_or_default();
    let name = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a problem means for the shell.
pub(super) fn told(problem: &api::Problem) -> Failure {
    failure(problem.status(), &problem.to_json())
}

/// What a problem document means for the shell.
fn failure(status: u16, problem: &Value) -> Failure {
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(super::view::clean);
    let detail = text("detail").unwrap_or_else(|| format!("the server answered with status {status}"));
    let kind = text("type").unwrap_or_default();
    match kind.rsplit(':').next().unwrap_or_default() {
        "several_scopes" => {
            Failure::usage("this id exists in several accounts or modes").remedy(scopes_remedy(problem))
        }
        "not_found" => Failure::new(Exit::NotFound, detail),
        "unauthorized" => {
            Failure::new(Exit::Refused, detail).remedy(format!("set {TOKEN_VARIABLE} to the server's token"))
        }
        "forbidden" | "insufficient_scope" | "rebuild_under_way" | "no_rebuild" => {
            Failure::new(Exit::Refused, detail)
        }
        _ if status < 500 => Failure::usage(detail),
        _ => Failure::new(Exit::Failed, detail),
    }
}

fn scopes_remedy(problem: &Value) -> String {
    let scopes = problem.get("scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let flags: Vec<String> = scopes
        .iter()
        .map(|scope| {
            let account = scope.get("account").and_then(Value::as_str).unwrap_or("self");
            let livemode = scope.get("livemode").and_then(Value::as_bool).unwrap_or(false);
            format!("--account {} --livemode {livemode}", super::view::clean(account))
        })
        .collect();
    format!("say which: {}", flags.join(", or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(host: &str, expected: bool) {
        assert_eq!(is_loopback(host), expected, "{host}");
    }

    #[test]
    fn loopback_is_told_apart() {
        check("127.0.0.1:4242", true);
        check("localhost/prefix", true);
        check("[::1]:4242", true);
        check("127.0.0.1.example.com", false);
        check("10.0.0.1:4242", false);
        check("", false);
    }

    #[track_caller]
    fn means(status: u16, kind: &str, expected: Exit) {
        let problem = json!({"type": format!("urn:billfold:problem:{kind}"), "detail": "d"});
        let Failure::Told { exit, .. } = failure(status, &problem) else { panic!("nothing is told") };
        assert_eq!(exit, expected, "{kind}");
    }

    #[test]
    fn every_kind_of_problem_has_an_exit_code() {
        for kind in api::ProblemKind::ALL {
            let expected = match kind {
                api::ProblemKind::NotFound => Exit::NotFound,
                api::ProblemKind::Unauthorized
                | api::ProblemKind::Forbidden
                | api::ProblemKind::InsufficientScope
                | api::ProblemKind::RebuildUnderWay
                | api::ProblemKind::NoRebuild => Exit::Refused,
                api::ProblemKind::Internal | api::ProblemKind::Unavailable => Exit::Failed,
                _ => Exit::Usage,
            };
            means(kind.status(), kind.as_str(), expected);
        }
    }

    #[test]
    fn who_answers_otherwise_is_told_apart() {
        let told = |text: &str| unreachable_remedy(&ureq::Error::Io(std::io::Error::other(text.to_owned())));
        assert!(
            told("invalid peer certificate: UnknownIssuer").is_some_and(|help| help.contains("self-signed"))
        );
        assert!(
            told("received corrupt message of type InvalidContentType")
                .is_some_and(|help| help.contains("http://"))
        );
        assert!(told("http parse fail: invalid HTTP version").is_some_and(|help| help.contains("https://")));
        assert_eq!(told("Connection refused (os error 111)"), None);
    }

    #[test]
    fn scopes_are_named_as_flags() {
        let problem = json!({"scopes": [{"account": null, "livemode": true}, {"account": "acct_1", "livemode": false}]});
        assert_eq!(
            scopes_remedy(&problem),
            "say which: --account self --livemode true, or --account acct_1 --livemode false"
        );
    }

    #[test]
    fn an_address_needs_a_scheme() {
        for url in ["127.0.0.1:4242", "ftp://x", "http://", "http://user:secret@host", "http://x/?a=1"] {
            assert!(Server::new(url, None).is_err(), "{url}");
        }
        assert!(Server::new("http://127.0.0.1:4242/", None).is_ok());
    }
}
