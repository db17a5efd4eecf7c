//! The endpoint's signing secrets: keyed once, never shown again, known by their labels.

use std::fmt;
use std::str::FromStr;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{SECRET_BYTES_MAX, SECRETS_MAX};

/// The longest label, in bytes.
const LABEL_BYTES_MAX: usize = 32;

/// How every signing secret that Stripe gives out begins.
const PREFIX: &str = "whsec_";

/// The label of a secret without one, before its number.
const BY_PLACE: &str = "secret-";

/// What is often pasted in its place: API keys, the endpoint's id, quotes around the secret.
const MISTAKES: &[&str] = &["sk_", "rk_", "pk_", "we_", "\"", "'"];

/// One signing secret under a label. The text itself is not kept, only the state that signs.
#[derive(Clone)]
pub struct Secret {
    label: Box<str>,
    key: Hmac<Sha256>,
    has_prefix: bool,
}

impl Secret {
    /// A secret under a label. The label is stored beside what the secret verified and shown in errors: never put
    /// a part of the secret into it. Blanks around the secret are dropped.
    ///
    /// # Errors
    /// [`SecretsError`], as if it were the first of a list.
    pub fn new(label: &str, secret: &str) -> Result<Self, SecretsError> {
        Self::checked(1, label, secret.trim())
    }

    /// The label: 1 to 32 letters, digits, `-`, `_` or `.`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it begins as all of Stripe's do (`whsec_`). One that does not may be a part of one, or something else.
    #[must_use]
    pub const fn has_prefix(&self) -> bool {
        self.has_prefix
    }

    fn checked(item: usize, label: &str, secret: &str) -> Result<Self, SecretsError> {
        if !is_label(label) {
            return Err(SecretsError::Label { item });
        }
        if secret.is_empty() || secret == PREFIX {
            return Err(SecretsError::Blank { item });
        }
        if MISTAKES.iter().any(|mistake| secret.starts_with(mistake)) {
            return Err(SecretsError::NotASecret { item });
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
            return Err(SecretsError::Characters { item });
        }
        if secret.len() > SECRET_BYTES_MAX {
            return Err(SecretsError::Length { item });
        }
        Self::keyed(label, secret.as_bytes()).ok_or(SecretsError::Length { item })
    }

    /// The whole text is the key, `whsec_` included.
    pub(super) fn keyed(label: &str, secret: &[u8]) -> Option<Self> {
        let key = Hmac::new_from_slice(secret).ok()?;
        Some(Self { label: label.into(), key, has_prefix: secret.starts_with(PREFIX.as_bytes()) })
    }

    /// What `v1` must be. Compared with `==`, it takes the same time whatever differs.
    pub(super) fn authenticate(&self, timestamp: &[u8], body: &[u8]) -> CtOutput<Hmac<Sha256>> {
        self.authenticate_parts([timestamp, b".", body])
    }

    pub(super) fn authenticate_parts<const N: usize>(&self, parts: [&[u8]; N]) -> CtOutput<Hmac<Sha256>> {
        let mut mac = self.key.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.label)
    }
}

/// Whether a label only says at which place of a list its secret stood (`secret-1`, `NAME.secret-1`): another secret may
/// stand there now.
#[must_use]
pub fn is_by_place(label: &str) -> bool {
    let place = label.rsplit_once('.').map_or(label, |(_, place)| place);
    place
        .strip_prefix(BY_PLACE)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Letters, digits, `-`, `_` and `.`; nothing that begins like a secret.
fn is_label(label: &str) -> bool {
    let fits = (1..=LABEL_BYTES_MAX).contains(&label.len());
    let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits && plain && !label.starts_with(PREFIX) && !MISTAKES.iter().any(|mistake| label.starts_with(mistake))
}

/// Why a secret, or a list of them, cannot be used. Found at start-up; names the item by its number, never by its text.
/// *Handling* of all: the operator corrects the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// Nothing was given. *Handling*: set it.
    #[error(
        "no signing secret is given: copy it from the webhook endpoint's page in the Stripe Dashboard, \
         or from what `stripe listen` prints; it begins with `whsec_`"
    )]
    Empty,
    /// An item between two commas, or a label's secret, is empty. *Handling*: remove the comma or fill it in.
    #[error(
        "signing secret {item} of the list is empty: remove the extra comma, or write the whole secret after it"
    )]
    Blank {
        /// Which one, from 1.
        item: usize,
    },
    /// Something else was pasted. *Handling*: copy the right text.
    #[error(
        "item {item} of the list is not a signing secret: copy the endpoint's signing secret (`whsec_…`, without quotes), \
         not an API key and not the endpoint's id"
    )]
    NotASecret {
        /// Which one, from 1.
        item: usize,
    },
    /// Whitespace or an odd character inside. *Handling*: copy it again.
    #[error(
        "signing secret {item} of the list has whitespace or another character inside that no secret has: \
         copy it again in one piece, and put commas between several"
    )]
    Characters {
        /// Which one, from 1.
        item: usize,
    },
    /// Too long to be one. *Handling*: copy it again.
    #[error(
        "signing secret {item} of the list is longer than {SECRET_BYTES_MAX} bytes: copy the signing secret alone"
    )]
    Length {
        /// Which one, from 1.
        item: usize,
    },
    /// What stands before `=` is no label. *Handling*: rename it.
    #[error(
        "item {item} of the list is not `label=whsec_…`: a label stands first and has 1 to {LABEL_BYTES_MAX} \
         letters, digits, `-`, `_` or `.`"
    )]
    Label {
        /// Which one, from 1.
        item: usize,
    },
    /// Two items have one label. *Handling*: rename one.
    #[error("item {item} of the list has the same label as an earlier one: give each its own")]
    SameLabel {
        /// The later one, from 1.
        item: usize,
    },
    /// More than are tried. *Handling*: remove those that were rolled.
    #[error("there are more than {SECRETS_MAX} signing secrets: remove those that are no longer in use")]
    TooMany,
}

/// The secrets of an endpoint, one to [`SECRETS_MAX`]: several while one is rolled, or for test and live mode.
#[derive(Debug, Clone)]
pub struct Secrets(Box<[Secret]>);

impl Secrets {
    /// A list of secrets with different labels.
    ///
    /// # Errors
    /// [`SecretsError`] when there are none, too many, or a label comes twice.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, SecretsError> {
        if secrets.is_empty() {
            return Err(SecretsError::Empty);
        }
        if secrets.len() > SECRETS_MAX {
            return Err(SecretsError::TooMany);
        }
        for (index, secret) in secrets.iter().enumerate() {
            if secrets.iter().take(index).any(|earlier| earlier.label == secret.label) {
                return Err(SecretsError::SameLabel { item: index + 1 });
            }
        }
        Ok(Self(secrets.into()))
    }

    /// Reads a list as [`Secrets::from_str`] does, for one of several endpoints: a secret without a label goes by the
    /// endpoint's name and its place (`NAME.secret-1`), so that the labels of several endpoints differ.
    ///
    /// # Errors
    /// As [`Secrets::from_str`].
    pub fn of_endpoint(name: &str, list: &str) -> Result<Self, SecretsError> {
        let mut secrets: Self = list.parse()?;
        for secret in secrets.0.iter_mut().filter(|secret| secret.label.starts_with(BY_PLACE)) {
            secret.label = format!("{name}.{}", secret.label).into();
        }
        Ok(secrets)
    }

    /// The secrets, in the order in which they were given.
    pub fn iter(&self) -> std::slice::Iter<'_, Secret> {
        self.0.iter()
    }
}

impl FromStr for Secrets {
    type Err = SecretsError;

    /// Reads `whsec_…` or `label=whsec_…`, several separated by commas or lines; blanks around them are dropped.
    /// Without a label it is `secret-1` for the first item, and so on.
    fn from_str(list: &str) -> Result<Self, SecretsError> {
        let lines = list.lines().filter(|line| !line.trim().is_empty());
        let items = lines.flat_map(|line| line.split(',')).map(str::trim);
        let mut secrets = Vec::new();
        for (item, text) in (1..).zip(items) {
            if item > SECRETS_MAX {
                return Err(SecretsError::TooMany);
            }
            secrets.push(match text.split_once('=') {
                // Anything but a secret after `=` may mean that the secret stands before it: that must not become a label.
                Some((_, secret)) if !secret.trim_start().starts_with(PREFIX) => {
                    Err(SecretsError::Label { item })
                }
                Some((label, secret)) => Secret::checked(item, label.trim_end(), secret.trim_start()),
                None => Secret::checked(item, &format!("{BY_PLACE}{item}"), text),
            }?);
        }
        Self::new(secrets)
    }
}

impl<'a> IntoIterator for &'a Secrets {
    type Item = &'a Secret;
    type IntoIter = std::slice::Iter<'a, Secret>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Secrets {
    /// The labels: `secret-1, secret-2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, secret) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", secret.label)?;
        }
        Ok(())
    }
}
