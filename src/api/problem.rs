//! Problem documents (RFC 9457): one shape for everything that goes wrong, for HTTP and terminal alike.
//!
//! Never repeats a secret, a signature, a body or an id that it was not asked about.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::model::id::Scope;

use super::object::scope_json;

/// The longest word of a caller that a problem repeats, in characters.
const ECHO_CHARS_MAX: usize = 64;

/// What went wrong, as a program tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A parameter that is unknown, given twice, or has a value that does not fit.
    InvalidParameter,
    /// An id that cannot be one.
    InvalidId,
    /// A body that broke off.
    InvalidBody,
    /// A delivery that is not believed.
    InvalidSignature,
    /// The bearer token is missing or wrong.
    Unauthorized,
    /// Reading is not served to whoever asks from there.
    Forbidden,
    /// The bearer token may not ask this.
    InsufficientScope,
    /// No object has this id.
    NotFound,
    /// No such route.
    NoSuchRoute,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The id exists in several scopes.
    SeveralScopes,
    /// Another rebuild is under way.
    RebuildUnderWay,
    /// No rebuild is where this could be said to it.
    NoRebuild,
    /// The body is longer than accepted.
    BodyTooLarge,
    /// A fault of Billfold itself.
    Internal,
    /// The storage does not work at the moment.
    Unavailable,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::InvalidParameter,
        Self::InvalidId,
        Self::InvalidBody,
        Self::InvalidSignature,
        Self::Unauthorized,
        Self::Forbidden,
        Self::InsufficientScope,
        Self::NotFound,
        Self::NoSuchRoute,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::SeveralScopes,
        Self::RebuildUnderWay,
        Self::NoRebuild,
        Self::BodyTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The last part of the problem's type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid_parameter",
            Self::InvalidId => "invalid_id",
            Self::InvalidBody => "invalid_body",
            Self::InvalidSignature => "invalid_signature",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::InsufficientScope => "insufficient_scope",
            Self::NotFound => "not_found",
            Self::NoSuchRoute => "no_such_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::SeveralScopes => "several_scopes",
            Self::RebuildUnderWay => "rebuild_under_way",
            Self::NoRebuild => "no_rebuild",
            Self::BodyTooLarge => "body_too_large",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidParameter | Self::InvalidId | Self::InvalidBody | Self::InvalidSignature => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::InsufficientScope => 403,
            Self::NotFound | Self::NoSuchRoute => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::SeveralScopes | Self::RebuildUnderWay | Self::NoRebuild => 409,
            Self::BodyTooLarge => 413,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// A short text that is the same for every problem of this kind.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::InvalidParameter => "a query parameter does not fit",
            Self::InvalidId => "this cannot be an id",
            Self::InvalidBody => "the body did not arrive whole, or is not what belongs here",
            Self::InvalidSignature => "the delivery is not believed",
            Self::Unauthorized => "the bearer token is missing or wrong",
            Self::Forbidden => "reading is not open to this request",
            Self::InsufficientScope => "the bearer token may not ask this",
            Self::NotFound => "not found",
            Self::NoSuchRoute => "no such route",
            Self::MethodNotAllowed => "the route does not know this method",
            Self::RequestTimeout => "the request took too long to arrive",
            Self::SeveralScopes => "the id exists in several scopes",
            Self::RebuildUnderWay => "another rebuild is under way",
            Self::NoRebuild => "no rebuild waits for this",
            Self::BodyTooLarge => "the body is too large",
            Self::Internal => "a fault inside Billfold",
            Self::Unavailable => "the storage does not work at the moment",
        }
    }
}

/// A problem document. `Display` is its detail.
///
/// *Handling*: the kind says who acts; a status below 500 is the caller's, from 500 on it is the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    extensions: Map<String, Value>,
}

impl Problem {
    /// A problem with what is to be known and done about it.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), extensions: Map::new() }
    }

    /// Adds a member that programs may read.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(member.to_owned(), value.into());
        self
    }

    /// An id that several scopes hold: they are listed, and the caller picks one.
    #[must_use]
    pub fn several_scopes(scopes: &[Scope]) -> Self {
        let listed: Vec<Value> = scopes.iter().map(|scope| Value::Object(scope_json(scope))).collect();
        Self::new(
            ProblemKind::SeveralScopes,
            "this id exists in several scopes: add `account` (`self` or acct_…) and `livemode` (`true` or `false`) to the query",
        )
        .with("scopes", listed)
    }

    /// What kind of problem it is.
    #[must_use]
    pub const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status()
    }

    /// A member that was added for programs.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.extensions.get(name)
    }

    /// What happened this time, and what to do.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The document: `type`, `title`, `status`, `detail` and the members added to it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut document = self.extensions.clone();
        document.insert("type".to_owned(), json!(format!("urn:billfold:problem:{}", self.kind.as_str())));
        document.insert("title".to_owned(), json!(self.kind.title()));
        document.insert("status".to_owned(), json!(self.status()));
        document.insert("detail".to_owned(), json!(self.detail));
        Value::Object(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

/// A caller's own word, shortened and without control characters, to be repeated to the caller.
pub(super) fn echo(word: &str) -> String {
    let mut shown: String =
        word.chars().take(ECHO_CHARS_MAX).map(|char| if char.is_control() { '?' } else { char }).collect();
    if word.chars().nth(ECHO_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_is_told_apart_by_its_type() {
        let types: BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(types.len(), ProblemKind::ALL.len());
        assert!(ProblemKind::ALL.iter().all(|kind| (400..600).contains(&kind.status())));
    }

    #[test]
    fn a_document_has_the_members_of_the_standard_and_its_own() {
        let live = Scope { account: None, livemode: true };
        let document = Problem::several_scopes(&[live]).to_json();
        assert_eq!(document["type"], "urn:billfold:problem:several_scopes");
        assert_eq!(document["status"], 409);
        assert_eq!(document["title"], ProblemKind::SeveralScopes.title());
        assert_eq!(document["scopes"], json!([{ "account": null, "livemode": true }]));
        assert!(document["detail"].as_str().is_some_and(|detail| detail.contains("`livemode`")));
    }

    #[test]
    fn an_extension_never_replaces_a_member_of_the_standard() {
        let document = Problem::new(ProblemKind::NotFound, "gone").with("status", 200).to_json();
        assert_eq!(document["status"], 404);
    }

    #[test]
    fn a_callers_word_is_cut_and_cleaned() {
        assert_eq!(echo("a\nb\u{1b}"), "a?b?");
        assert_eq!(echo(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    }
}
