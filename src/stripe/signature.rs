//! The signature: proof that a body came from Stripe, byte for byte, and just now.
//!
//! ```text
//! Stripe-Signature = element *( "," element )      element = key "=" value
//! v1 = hex( HMAC-SHA256( key = the whole secret, t || "." || raw body ) )
//! ```
//!
//! Never reads the body's meaning, never looks at a scheme but `v1` (a weaker one could be forged), and never shows a
//! secret, a signature or the body to anybody.

use hmac::digest::CtOutput;

use crate::model::time::Seconds;

mod error;
mod header;
mod secret;
#[cfg(test)]
mod tests;

pub use error::SignatureError;
pub use secret::{Secret, Secrets, SecretsError, is_by_place};

use header::Header;

/// The longest signature header that is read, in bytes.
pub const HEADER_BYTES_MAX: usize = 4 * 1024;

/// The most `v1` signatures that a header may hold; Stripe sends one a live secret.
pub const SIGNATURES_MAX: usize = 16;

/// The most secrets that are tried. Two are enough to roll one over.
pub const SECRETS_MAX: usize = 8;

/// The longest secret that is accepted, in bytes.
pub const SECRET_BYTES_MAX: usize = 255;

/// How far a delivery's time may be from ours, in whole seconds. It guards against replays of a delivery,
/// and says nothing about the age of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// How old it may be.
    pub past: u64,
    /// How far ahead it may be: our clock may be behind.
    pub future: u64,
}

impl Tolerance {
    /// Any time is accepted: to check stored deliveries again, never for live ones.
    pub const UNCHECKED: Self = Self { past: u64::MAX, future: u64::MAX };

    fn check(self, signed_at: Seconds, now: Seconds) -> Result<(), SignatureError> {
        let distance = now.0.abs_diff(signed_at.0);
        if signed_at <= now && distance > self.past {
            return Err(SignatureError::TooOld { age: distance, allowed: self.past });
        }
        if signed_at > now && distance > self.future {
            return Err(SignatureError::TooNew { ahead: distance, allowed: self.future });
        }
        Ok(())
    }
}

impl Default for Tolerance {
    /// Five minutes both ways.
    fn default() -> Self {
        Self { past: 300, future: 300 }
    }
}

/// What a good signature tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The header as text.
    pub header: &'a str,
    /// The label of the secret that matched, the first of the list if several do.
    pub label: &'a str,
    /// When this delivery was signed: the time of the attempt, not of the event.
    pub signed_at: Seconds,
}

/// Checks that one of `secrets` signed `body` at a time close to `now`.
///
/// Every signature is compared with every secret in constant time, and only then is the time looked at:
/// "too old" always means that the signature itself is right.
///
/// # Errors
/// [`SignatureError`]; the sender gets a 400, the operator its text.
pub fn verify<'a>(
    header: Option<&'a [u8]>,
    body: &[u8],
    secrets: &'a Secrets,
    tolerance: Tolerance,
    now: Seconds,
) -> Result<Verified<'a>, SignatureError> {
    let header = Header::parse(header.unwrap_or_default())?;
    if header.signatures().is_empty() {
        return Err(SignatureError::NoSignature);
    }
    let mut matched = None;
    for secret in secrets {
        let expected = secret.authenticate(header.timestamp, body);
        let mut any = false;
        for signature in header.signatures() {
            any |= expected == CtOutput::new((*signature).into());
        }
        if any && matched.is_none() {
            matched = Some(secret);
        }
    }
    let secret = matched.ok_or_else(|| SignatureError::BadSignature { tried: secrets.to_string().into() })?;
    tolerance.check(header.signed_at, now)?;
    Ok(Verified { header: header.text, label: secret.label(), signed_at: header.signed_at })
}

/// The signature header for `body`, sent at `now` (not before 1970): one `v1` for each of `secrets`, as during a roll.
///
/// ```
/// # use billfold::model::time::Seconds;
/// # use billfold::stripe::signature::{Secrets, Tolerance, sign, verify};
/// let secrets: Secrets = "whsec_new, whsec_old".parse()?;
/// let header = sign(&secrets, b"{}", Seconds(1_767_225_600));
/// let later = Seconds(1_767_225_660);
/// let verified = verify(Some(header.as_bytes()), b"{}", &secrets, Tolerance::default(), later)?;
/// assert_eq!(verified.label, "secret-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a Secret>, body: &[u8], now: Seconds) -> String {
    let timestamp = now.0.max(0).to_string();
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&hex::encode(secret.authenticate(timestamp.as_bytes(), body).as_bytes()));
    }
    header
}
