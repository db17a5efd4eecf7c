//! What happens to bodies on their way: a bounded list, each undone, alone and together, until the signature fits.
//!
//! A body is carried (in base64, as a form, inside another JSON text), spelled (escapes, order of members) and laid out
//! (whitespace). Never shows a body.

use std::borrow::Cow;

use super::{carriage, layout, spelling};

/// The longest body for which changes are tried together, in bytes; for longer ones each is tried alone.
const COMBINED_BYTES_MAX: usize = 512 * 1024;

/// What was done to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A byte order mark in front.
    Mark,
    /// Whitespace around it.
    Around,
    /// The newline at its end is gone.
    End,
    /// LF became CRLF.
    CarriageReturns,
    /// CRLF became LF.
    NoCarriageReturns,
    /// It had no whitespace between its values.
    Expanded,
    /// It was indented by two spaces.
    Compacted,
    /// Base64.
    Base64,
    /// Percent-encoding.
    Form,
    /// One JSON string.
    Quoted,
    /// Text inside another JSON object.
    Wrapped,
    /// UTF-8 read as Latin-1.
    Latin,
    /// Characters became escapes.
    Escaped,
    /// Escapes became characters.
    Unescaped,
    /// Members were sorted.
    Sorted,
}

impl Change {
    /// What happened.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Mark => "a byte order mark was put in front of the body",
            Self::Around => "the body was saved with whitespace around it that was not signed",
            Self::End => "the newline at the body's end was lost",
            Self::CarriageReturns => "line ends were changed from LF to CRLF",
            Self::NoCarriageReturns => "line ends were changed from CRLF to LF",
            Self::Expanded => {
                "the body was re-formatted: what was signed has no whitespace between its values"
            }
            Self::Compacted => "the body was re-formatted: what was signed is indented by two spaces",
            Self::Base64 => "the body is in base64: what was signed is what it decodes to",
            Self::Form => "the body is percent-encoded, as a form is: what was signed is what it decodes to",
            Self::Quoted => "the body was written as one JSON string: what was signed is the text in it",
            Self::Wrapped => "the body lies as text in another JSON object: what was signed is that text",
            Self::Latin => "UTF-8 was read as Latin-1 and encoded once more",
            Self::Escaped => {
                "characters were written as escapes (\\u…, \\/): what was signed has them as they are"
            }
            Self::Unescaped => "escapes (\\u…) were written as characters: what was signed is plain ASCII",
            Self::Sorted => "the members of objects were sorted: what was signed has them in another order",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Base64 | Self::Wrapped => {
                "an API gateway does this: let it pass binary bodies on as they are, or decode the body and forward those bytes"
            }
            Self::Form => {
                "let nothing in between treat the body as a form: the content type is application/json"
            }
            Self::Latin => "let nothing in between decode the body as text; forward its bytes",
            Self::Mark | Self::Around | Self::End | Self::CarriageReturns | Self::NoCarriageReturns => {
                "if only the copy was changed, save it byte for byte (curl --data-binary, not -d); else look at what handles the body on its way"
            }
            _ => "forward the bytes as they came: do not parse the JSON and write it again",
        }
    }
}

type Undo = fn(&[u8]) -> Option<Vec<u8>>;

/// How it was carried.
const CARRIED: &[(Change, Undo)] = &[
    (Change::Mark, |body| body.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec)),
    (Change::Base64, carriage::base64),
    (Change::Form, carriage::form),
    (Change::Quoted, carriage::quoted),
    (Change::Wrapped, carriage::wrapped),
    (Change::Latin, carriage::latin),
];

/// How it was spelled.
const SPELLED: &[(Change, Undo)] = &[
    (Change::Escaped, spelling::unescaped),
    (Change::Unescaped, spelling::escaped),
    (Change::Sorted, spelling::providers_order),
    (Change::Sorted, spelling::sorted),
];

/// How it was laid out.
const LAID_OUT: &[(Change, Undo)] = &[
    (Change::Around, |body| Some(body.trim_ascii().to_vec())),
    (Change::End, |body| Some([body, b"\n"].concat())),
    (Change::End, |body| Some([body, b"\r\n"].concat())),
    (Change::CarriageReturns, |body| Some(layout::without_carriage_returns(body))),
    (Change::NoCarriageReturns, |body| Some(layout::with_carriage_returns(body))),
    (Change::Expanded, |body| Some(layout::compact(body))),
    (Change::Compacted, layout::printed),
    (Change::Compacted, |body| layout::printed(body).map(|printed| [&printed[..], b"\n"].concat())),
];

/// The fewest changes that explain why a body does not fit: `fits` says of a body whether it is the signed one.
#[must_use]
pub fn explain(body: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<Vec<Change>> {
    let changes_max = if body.len() > COMBINED_BYTES_MAX { 1 } else { 3 };
    (1..=changes_max).find_map(|count| explained_by(count, body, &fits))
}

fn explained_by(count: usize, body: &[u8], fits: &dyn Fn(&[u8]) -> bool) -> Option<Vec<Change>> {
    for (carried, body) in undone(CARRIED, body) {
        for (spelled, body) in undone(SPELLED, &body) {
            let made = carried.into_iter().chain(spelled).count();
            if made > count || made.saturating_add(1) < count {
                continue;
            }
            for (laid_out, body) in undone(LAID_OUT, &body) {
                let changes: Vec<Change> = [carried, spelled, laid_out].into_iter().flatten().collect();
                if changes.len() == count && fits(&body) {
                    return Some(changes);
                }
            }
        }
    }
    None
}

/// A body as it is, and with each of these changes undone.
fn undone<'a>(
    changes: &'static [(Change, Undo)],
    body: &'a [u8],
) -> impl Iterator<Item = (Option<Change>, Cow<'a, [u8]>)> {
    let each =
        changes.iter().filter_map(move |(change, undo)| Some((Some(*change), Cow::Owned(undo(body)?))));
    std::iter::once((None, Cow::Borrowed(body))).chain(each)
}
