//! The head of a request as people copy it: from a dashboard, `curl -v`, a `curl` command, a proxy's log, or as a JSON object.
//!
//! Reads whatever it is given and never fails: what is no header is passed over.

use serde_json::{Map, Value};

use crate::model::time::Seconds;

/// The longest head that is read, in bytes.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The most headers that are read.
pub const HEADERS_MAX: usize = 256;

/// One header.
struct Header {
    /// In small letters, `_` as `-`, without the prefix that CGI puts in front.
    name: String,
    value: String,
    /// It went over several lines, which were joined.
    is_folded: bool,
    /// It was spelled as HTTP spells it.
    is_plain: bool,
}

/// The head of a request. `Debug` shows how many headers there are.
#[derive(Default)]
pub struct Head {
    method: Option<String>,
    path: Option<String>,
    headers: Vec<Header>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("headers", &self.headers.len()).finish_non_exhaustive()
    }
}

/// A signature header that was found, under its name or another.
pub(super) struct Signature {
    pub(super) value: String,
    pub(super) is_folded: bool,
    /// Its name has `_` or blanks in it, as CGI and some logs write it.
    pub(super) is_respelled: bool,
    /// The other name.
    pub(super) renamed: Option<String>,
    /// How many headers of the name there were.
    pub(super) count: usize,
}

impl Head {
    /// Reads a head.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes)).into_owned();
        if let Ok(members) = serde_json::from_str::<Map<String, Value>>(&text) {
            return Self::of_json(&members);
        }
        let mut head = Self::default();
        for line in text.lines() {
            head.line(line);
        }
        head
    }

    fn of_json(members: &Map<String, Value>) -> Self {
        // A gateway's log holds the headers beside the rest of the request.
        let inner =
            ["headers", "multiValueHeaders"].into_iter().find_map(|name| members.get(name)?.as_object());
        let mut head = Self::default();
        for (name, value) in inner.unwrap_or(members) {
            let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
            for value in values.iter().filter_map(Value::as_str) {
                head.header(name, value);
            }
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        if inner.is_some() {
            head.method = text("httpMethod").or_else(|| text("method"));
            head.path = text("path").or_else(|| text("rawPath"));
        }
        head
    }

    fn line(&mut self, line: &str) {
        // `curl -v`: `> ` is what was sent; the rest is answers and remarks.
        let line = match line.split_at_checked(2) {
            Some(("> ", sent)) => sent,
            Some(("< " | "* " | "{ " | "} ", _)) => return,
            _ => line,
        };
        if line.starts_with([' ', '\t']) && !line.trim_start().starts_with("-H") {
            if let Some(last) = self.headers.last_mut().filter(|_| !line.trim().is_empty()) {
                last.value.push_str(line.trim());
                last.is_folded = true;
            }
            return;
        }
        let line = line.trim().trim_end_matches('\\').trim_end();
        if let Some(argument) = line.strip_prefix("-H ").or_else(|| line.strip_prefix("--header ")) {
            let argument = argument.trim();
            let quoted = |quote| argument.strip_prefix(quote)?.strip_suffix(quote);
            return self.named(quoted('\'').or_else(|| quoted('"')).unwrap_or(argument));
        }
        if !self.request_line(line) {
            self.named(line);
        }
    }

    /// `POST /webhooks/stripe HTTP/1.1`, in quotes perhaps.
    fn request_line(&mut self, line: &str) -> bool {
        let mut words = line.trim_matches('"').split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return false };
        let is_method = method.len() > 2 && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_target =
            target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://");
        if self.path.is_some() || !is_method || !is_target {
            return false;
        }
        (self.method, self.path) = (Some(method.to_owned()), Some(target.to_owned()));
        true
    }

    fn named(&mut self, line: &str) {
        // HTTP/2 says `:path: /x`.
        let (mark, rest) = line.strip_prefix(':').map_or(("", line), |rest| (":", rest));
        let Some((name, value)) = rest.split_once(':') else { return };
        match (mark, name) {
            (":", "path") => self.path = Some(value.trim().to_owned()),
            (":", "method") => self.method = Some(value.trim().to_owned()),
            (":", _) => {}
            _ => self.header(name, value),
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        let trimmed = name.trim();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if trimmed.is_empty() || !trimmed.bytes().all(is_name) || self.headers.len() == HEADERS_MAX {
            return;
        }
        let spelled = trimmed.to_ascii_lowercase();
        let plain = spelled.replace('_', "-");
        let plain = plain.strip_prefix("http-").unwrap_or(&plain).to_owned();
        let is_plain = plain == spelled && trimmed == name;
        self.headers.push(Header { name: plain, value: value.trim().to_owned(), is_folded: false, is_plain });
    }

    /// How many headers were found.
    #[must_use]
    pub fn headers(&self) -> usize {
        self.headers.len()
    }

    /// The method, if the request line came with it.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// The path, if the request line came with it.
    pub(super) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The first header of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }

    /// The signature header: under its own name, else under one like it, else whatever looks like one.
    pub(super) fn signature(&self) -> Option<Signature> {
        let named: Vec<&Header> =
            self.headers.iter().filter(|header| header.name == "stripe-signature").collect();
        if let Some(first) = named.first() {
            let values: Vec<&str> = named.iter().map(|header| header.value.as_str()).collect();
            return Some(Signature {
                value: values.join(","),
                is_folded: named.iter().any(|header| header.is_folded),
                is_respelled: !first.is_plain,
                renamed: None,
                count: named.len(),
            });
        }
        let like =
            |header: &&Header| header.name.contains("stripe-signature") || header.name == "stripesignature";
        let looks = |header: &&Header| {
            let value = header.value.trim_matches(['"', '\'']);
            value.starts_with("t=") && value.contains("v1=")
        };
        let found = self.headers.iter().find(like).or_else(|| self.headers.iter().find(looks))?;
        Some(Signature {
            value: found.value.clone(),
            is_folded: found.is_folded,
            is_respelled: false,
            renamed: Some(shown_name(&found.name)),
            count: 1,
        })
    }
}

/// A header's name as it may be shown: short, and nothing that was pasted in its place.
#[must_use]
pub fn shown_name(name: &str) -> String {
    const BYTES_MAX: usize = 64;
    let secret = ["whsec", "sk-", "sk_", "rk-", "rk_", "bearer"];
    if name.len() > BYTES_MAX || secret.iter().any(|start| name.to_ascii_lowercase().starts_with(start)) {
        return "(hidden)".to_owned();
    }
    name.to_owned()
}

/// What may be said of a signature header: its time, and how many `v1` signatures it holds.
#[must_use]
pub fn glance(header: &[u8]) -> (Option<Seconds>, usize) {
    let elements = || header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let digits = elements().find_map(|element| std::str::from_utf8(element.strip_prefix(b"t=")?).ok());
    let signed_at = digits.filter(|digits| digits.len() <= 12).and_then(|digits| digits.parse().ok());
    (signed_at.map(Seconds), elements().filter(|element| element.starts_with(b"v1=")).count())
}
