//! The provider's part: signs a body and posts it to an endpoint.
//!
//! Never follows a redirect and never shows a secret.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::exit::Exit;
use super::failure::Failure;
use super::source::unreachable_remedy;
use super::surroundings::now_seconds;
use super::view;
use crate::stripe::signature::{Secrets, sign};

/// How long an endpoint may take to answer: the provider is not more patient.
const ANSWER_SECONDS_MAX: u64 = 20;
/// How long an endpoint may take to be reached.
const CONNECT_SECONDS_MAX: u64 = 5;
/// The longest answer that is looked at, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Sends to one endpoint.
pub(super) struct Sender {
    agent: Agent,
    url: String,
    secrets: Secrets,
}

/// What an endpoint answers.
pub(super) struct Answered {
    /// The status code.
    pub(super) status: u16,
    /// What it says of it, if it says so as Billfold does.
    pub(super) detail: Option<String>,
}

impl Answered {
    /// The provider would not send it again.
    pub(super) fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Sender {
    /// Sends to `url`, signed with every one of the secrets.
    pub(super) fn new(url: &str, secrets: Secrets) -> Result<Self, Failure> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::usage(
                "an endpoint is an address such as http://127.0.0.1:4242/webhooks/stripe",
            ));
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
            .timeout_global(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))
            .user_agent("Stripe/1.0 (+https://stripe.com/docs/webhooks; sent by billfold)")
            .build()
            .new_agent();
        Ok(Self { agent, url: url.to_owned(), secrets })
    }

    /// Signs a body now and sends it.
    pub(super) fn send(&self, body: &str) -> Result<Answered, Failure> {
        let signature = sign(&self.secrets, body.as_bytes(), now_seconds());
        let request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Stripe-Signature", signature);
        let mut response = request.send(body).map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let problem: Option<Value> = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
        let detail = problem.as_ref().and_then(|problem| problem.get("detail")).and_then(Value::as_str);
        Ok(Answered { status, detail: detail.map(view::clean) })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::new(Exit::Failed, format!("{} does not answer: {error}", self.url))
            .remedy(unreachable_remedy(error).unwrap_or("is the endpoint running there? `billfold serve` listens on http://127.0.0.1:4242/webhooks/stripe"))
    }
}
