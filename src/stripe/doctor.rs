//! The doctor for one delivery: why a request is refused, or that it is not.
//!
//! Looks at a copy of a request as [`verify`] would, and on at what it refuses. Never stores anything, never shows a secret,
//! a signature, a header's value or what a body holds.

use crate::model::time::Seconds;

use super::envelope::Envelope;
use super::signature::{Secrets, SignatureError, Tolerance, verify};

pub mod accidents;
mod carriage;
mod finding;
mod head;
mod layout;
mod spelling;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Level};
pub use head::{HEAD_BYTES_MAX, HEADERS_MAX, Head, glance, shown_name};

use head::Signature;

/// What to do about a secret that may be cut.
pub const WITHOUT_PREFIX: &str = "a secret that does not begin with whsec_: the prefix is a part of it; copy the endpoint's whole signing secret";

/// Where deliveries are taken.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The endpoint's name.
    pub name: &'a str,
    /// Its path.
    pub path: &'a str,
    /// What verifies deliveries there.
    pub secrets: &'a Secrets,
    /// How far a signature's time may be from ours.
    pub tolerance: Tolerance,
    /// The mode that is expected there, where one is.
    pub livemode: Option<bool>,
}

/// A copy of a request, and where it may have gone.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What stood above the body.
    pub head: &'a Head,
    /// The path that it was sent to, where the head does not say.
    pub path: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// Every endpoint.
    pub places: &'a [Place<'a>],
    /// When it arrived, if that is known.
    pub arrived: Option<Seconds>,
    /// What time it is.
    pub now: Seconds,
}

/// Everything that is found about a request, in the order in which a server looks.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let meant = route(case, &mut findings);
    body(case, &mut findings);
    match case.head.signature() {
        None => findings.push(missing()),
        Some(signature) => {
            named(&signature, &mut findings);
            signed(case, meant, &signature, &mut findings);
        }
    }
    findings
}

/// Which endpoint the request was sent to, as far as it says; all of them otherwise.
fn route<'a>(case: &Case<'a>, findings: &mut Vec<Finding>) -> Option<&'a Place<'a>> {
    if let Some(method) = case.head.method().filter(|method| *method != "POST") {
        let shown = if method.len() <= 7 { method } else { "another word" };
        findings.push(Finding::problem(
            "method",
            format!("the request's method is {shown}; deliveries are POST"),
            "a redirect turns POST into GET: give the provider the address that the redirect leads to",
        ));
    }
    let said = case.path.or(case.head.path())?;
    let path = path_of(said);
    let found = case.places.iter().find(|place| place.path == path);
    match found {
        Some(place) => {
            findings.push(Finding::ok("path", format!("the path is the endpoint's, `{}`", place.name)));
        }
        None => findings.push(wrong_path(path, case.places)),
    }
    found
}

fn path_of(said: &str) -> &str {
    let path = said
        .split_once("://")
        .map_or(said, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    // The server takes one `/` more at the end.
    path.strip_suffix('/').unwrap_or(path)
}

fn wrong_path(path: &str, places: &[Place<'_>]) -> Finding {
    let like = places.iter().find_map(|place| {
        if place.path.eq_ignore_ascii_case(path) {
            return Some((place, "it differs in capital letters alone"));
        }
        if path.ends_with(place.path) {
            return Some((place, "something stands in front of it: let the proxy take that off"));
        }
        (path.len() > 1 && place.path.ends_with(path))
            .then_some((place, "its beginning is missing: the proxy takes too much off"))
    });
    let what = match like {
        Some((place, why)) => {
            format!("no endpoint is at the request's path; it is like that of `{}`, but {why}", place.name)
        }
        None => "no endpoint is at the request's path: it is answered 404".to_owned(),
    };
    Finding::problem(
        "path",
        what,
        "`billfold config show` lists the endpoints' paths; give the provider exactly that address, or let the proxy rewrite to it",
    )
}

/// What can be seen of the body before anything is verified.
fn body(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let length = case.body.len();
    if let Some(said) = case.head.get("content-length").and_then(|said| said.parse::<usize>().ok())
        && said != length
    {
        findings.push(Finding::note(
            "body_length",
            format!("the request says that its body has {said} bytes, the one given here has {length}"),
            "save the body byte for byte as it arrived: this one is not what was sent, or something in between changed it",
        ));
    }
    if length == 0 {
        findings.push(Finding::problem(
            "body_empty",
            "the body is empty",
            "something in between has read the body already: forward the raw bytes",
        ));
    }
    if case.body.starts_with(&[0x1f, 0x8b]) {
        findings.push(Finding::problem(
            "body_compressed",
            "the body is compressed (gzip)",
            "let nothing in between compress requests; the provider sends plain JSON",
        ));
    }
}

fn missing() -> Finding {
    Finding::problem(
        "missing_header",
        SignatureError::MissingHeader.to_string(),
        "nginx and Caddy pass it on by themselves; an API gateway needs it in its list of forwarded headers; \
         a request of your own needs `billfold sign --with-name`",
    )
}

fn named(signature: &Signature, findings: &mut Vec<Finding>) {
    if let Some(name) = &signature.renamed {
        findings.push(Finding::problem(
            "renamed_header",
            format!("the signature came under another name: {name}"),
            "the server reads Stripe-Signature alone: let whatever renames it pass it on under its own name",
        ));
    }
    if signature.is_respelled {
        findings.push(Finding::note(
            "respelled_header",
            "the signature header's name is written with `_`, or with blanks around it",
            "if only the log writes it so, nothing is wrong; if the server gets it so, let the proxy keep `Stripe-Signature`",
        ));
    }
    if signature.is_folded {
        findings.push(Finding::note(
            "folded_header",
            "the signature header goes over several lines; they were joined for this check",
            "if it was sent so, servers refuse or cut it: let nothing in between fold headers",
        ));
    }
    if signature.count > 1 {
        findings.push(Finding::note(
            "doubled_header",
            format!("there are {} signature headers; the server joins them", signature.count),
            "let the proxy pass the header on once",
        ));
    }
}

/// The signature, by every secret there is.
fn signed(case: &Case<'_>, meant: Option<&Place<'_>>, signature: &Signature, findings: &mut Vec<Finding>) {
    let header = signature.value.as_bytes();
    match fit(case, meant, header, case.body) {
        Ok(fit) => good(case, meant, &fit, findings),
        Err(SignatureError::BadSignature { .. }) => bad(case, meant, header, findings),
        Err(error) => {
            let repaired = repaired(&signature.value);
            let found = repaired
                .as_ref()
                .and_then(|(what, value)| Some((what, fit(case, meant, value.as_bytes(), case.body).ok()?)));
            match found {
                Some((what, fit)) => {
                    findings.push(Finding::problem(
                        "header_changed",
                        format!("the signature header was changed: {what}"),
                        "let nothing in between rewrite header values, or copy it without",
                    ));
                    good(case, meant, &fit, findings);
                }
                None => findings.push(unreadable(&signature.value, &error)),
            }
        }
    }
}

/// A signature that fits.
struct Fit<'a> {
    place: &'a Place<'a>,
    label: String,
    signed_at: Seconds,
}

/// The secret that fits: of the endpoint that was meant, else of any.
fn fit<'a>(
    case: &Case<'a>,
    meant: Option<&Place<'_>>,
    header: &[u8],
    body: &[u8],
) -> Result<Fit<'a>, SignatureError> {
    let is_meant = |place: &&Place<'_>| meant.is_some_and(|meant| meant.path == place.path);
    let first = case.places.iter().filter(is_meant);
    let mut refused = SignatureError::MissingHeader;
    for place in first.chain(case.places.iter().filter(|place| !is_meant(place))) {
        match verify(Some(header), body, place.secrets, Tolerance::UNCHECKED, case.now) {
            Ok(verified) => {
                return Ok(Fit { place, label: verified.label.to_owned(), signed_at: verified.signed_at });
            }
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The signature is right: is it in time, at the right place, of the right mode?
fn good(case: &Case<'_>, meant: Option<&Place<'_>>, fit: &Fit<'_>, findings: &mut Vec<Finding>) {
    findings.push(Finding::ok("signature", format!("the signature is right: the secret {} fits", fit.label)));
    if let Some(meant) = meant.filter(|meant| meant.path != fit.place.path) {
        findings.push(Finding::problem(
            "other_endpoint",
            format!(
                "the secret is that of the endpoint `{}`, but the request was sent to `{}`, whose secrets do not fit",
                fit.place.name, meant.name
            ),
            "give each endpoint its own secret, or change the address at the provider",
        ));
    }
    time(case, fit, findings);
    mode(case, fit.place, findings);
}

fn time(case: &Case<'_>, fit: &Fit<'_>, findings: &mut Vec<Finding>) {
    let Tolerance { past, future } = fit.place.tolerance;
    let at = case.arrived.unwrap_or(case.now);
    let distance = at.0.abs_diff(fit.signed_at.0);
    if at < fit.signed_at && distance > future {
        let error = SignatureError::TooNew { ahead: distance, allowed: future };
        findings.push(Finding::problem(
            "too_new",
            error.to_string(),
            "look at `timedatectl` or `chronyc tracking`",
        ));
    } else if at >= fit.signed_at && distance > past {
        let error = SignatureError::TooOld { age: distance, allowed: past };
        findings.push(match case.arrived {
            Some(_) => Finding::problem("too_old", error.to_string(), "look at `timedatectl`, and at what the request passed through"),
            None => Finding::note(
                "too_old",
                format!("it was signed {distance} s ago, and {past} s are allowed: a server would refuse this copy by now"),
                "that is how copies are; say when the request arrived (--at TIME) to judge the clocks",
            ),
        });
    } else {
        findings.push(Finding::ok("time", format!("its time is {distance} s off, and {past} s are allowed")));
    }
}

fn mode(case: &Case<'_>, place: &Place<'_>, findings: &mut Vec<Finding>) {
    let Ok(envelope) = Envelope::parse(case.body) else {
        findings.push(Finding::note(
            "unreadable_body",
            "the body is no event that this version understands: it is stored all the same, and answered 200",
            "`billfold events list --outcome unreadable` shows such bodies; an upgrade may understand them",
        ));
        return;
    };
    if place.livemode.is_some_and(|livemode| livemode != envelope.livemode) {
        findings.push(Finding::problem(
            "wrong_mode",
            format!("the event is of {} mode, and the endpoint `{}` expects the other", word(envelope.livemode), place.name),
            "it is stored and counted as unexpected; test mode and live mode need an endpoint each at the provider",
        ));
    }
}

const fn word(livemode: bool) -> &'static str {
    if livemode { "live" } else { "test" }
}

/// No secret fits: was the header or the body changed, or is it the secret?
fn bad(case: &Case<'_>, meant: Option<&Place<'_>>, header: &[u8], findings: &mut Vec<Finding>) {
    let fits = |body: &[u8]| fit(case, meant, header, body).is_ok();
    if let Some(changes) = accidents::explain(case.body, fits) {
        let sentences: Vec<&str> = changes.iter().map(|change| change.sentence()).collect();
        let what = format!(
            "the secret is right, but the body is not the one that was signed: {}",
            sentences.join("; ")
        );
        findings.push(Finding::problem(
            "body_changed",
            what,
            changes.first().map_or("", |change| change.remedy()),
        ));
        return;
    }
    let tried: Vec<String> =
        case.places.iter().map(|place| format!("{} ({})", place.name, place.secrets)).collect();
    let mut help = "copy the signing secret of this very endpoint from the provider's page, whole, with whsec_; if the secret is \
         right, the body was changed on its way in a manner that was not tried"
        .to_owned();
    if case.places.iter().flat_map(|place| place.secrets).any(|secret| !secret.has_prefix()) {
        help = format!("{WITHOUT_PREFIX}; {help}");
    }
    findings.push(Finding::problem(
        "wrong_secret",
        format!("no secret fits; tried: {}", tried.join(", ")),
        help,
    ));
    let Ok(envelope) = Envelope::parse(case.body) else { return };
    let places = meant.map_or(case.places, std::slice::from_ref);
    if !places.is_empty() && places.iter().all(|place| place.livemode == Some(!envelope.livemode)) {
        findings.push(Finding::problem(
            "wrong_mode",
            format!("the event is of {} mode, and the endpoint expects the other: its secret is another one, too", word(envelope.livemode)),
            "test mode, live mode and `stripe listen` have a secret each: set the one that belongs to this event's endpoint",
        ));
    }
}

/// A header that nothing can be read from, with what may have been added taken off.
fn repaired(value: &str) -> Option<(&'static str, String)> {
    let unquoted = value.trim_matches(['"', '\'', '`', '[', ']', ' ']);
    let close: String = unquoted.split_whitespace().collect();
    if close != unquoted {
        return Some(("it has whitespace inside", close.replace(';', ",")));
    }
    if unquoted != value {
        return Some(("it has quotes or brackets around it", unquoted.to_owned()));
    }
    unquoted.contains(';').then(|| ("its elements are parted by `;`", unquoted.replace(';', ",")))
}

/// Why nothing can be read from the header.
fn unreadable(value: &str, error: &SignatureError) -> Finding {
    let elements = || value.split(',').map(str::trim);
    let is_cut = |element: &str| element.strip_prefix("v1=").is_some_and(|digits| digits.len() != 64);
    if value.contains('…') || value.contains("...") || elements().any(is_cut) {
        return Finding::problem(
            "cut_header",
            format!("the signature header is cut or holds something else: {error}"),
            "copy the whole value; if the server got it so, let nothing in between shorten headers",
        );
    }
    match error {
        SignatureError::NoSignature if elements().any(|element| element.starts_with("v0=")) => {
            Finding::problem(
                "only_v0",
                "the signature header has v0 alone, which proves nothing: anybody can make one",
                "the provider always sends v1: look at what takes it out",
            )
        }
        _ => Finding::problem(error.reason(), error.to_string(), "copy the whole value: t=…,v1=…"),
    }
}
