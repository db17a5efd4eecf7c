//! Why a delivery is refused, and what to check. The texts are for the operator, who reads them at three in the morning.

/// Why a delivery is not believed. Shows labels and ages, never a secret, a signature or the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// No header, or an empty one. *Handling*: answer 400; look who sends this, and what stands between.
    #[error(
        "the Stripe-Signature header is missing: only Stripe and `stripe listen` sign deliveries; \
         if one of them sent it, let the proxy in between pass the header on"
    )]
    MissingHeader,
    /// The header is not one that Stripe writes. *Handling*: answer 400; look at the proxy in between.
    #[error(
        "the Stripe-Signature header is malformed ({problem}): \
         check that nothing on the way rewrites, joins or cuts headers"
    )]
    Malformed {
        /// What does not fit.
        problem: &'static str,
    },
    /// The header holds no `v1` signature. *Handling*: as [`SignatureError::Malformed`].
    #[error(
        "the Stripe-Signature header has no v1 signature of 64 hex digits: \
         check that nothing on the way cuts headers; other schemes prove nothing"
    )]
    NoSignature,
    /// No signature fits any secret. *Handling*: answer 400; the operator compares the secret and what handles the body on its way.
    #[error(
        "no signature matches (secrets tried: {tried}): check that the secret is this endpoint's own \
         (test mode, live mode, each endpoint and `stripe listen` have different ones), whole, with `whsec_` and no stray \
         whitespace or quotes, and that nothing on the way re-serialises, re-encodes or trims the body"
    )]
    BadSignature {
        /// The labels of the secrets that were tried.
        tried: Box<str>,
    },
    /// Signed too long ago. *Handling*: answer 400; the operator compares the clocks.
    #[error(
        "the signature is right but {age} s old, and {allowed} s are allowed: check this machine's clock, \
         and that no queue in between holds deliveries back (a replayed delivery looks like this too)"
    )]
    TooOld {
        /// How old, in seconds.
        age: u64,
        /// How old it may be, in seconds.
        allowed: u64,
    },
    /// Signed in our future. *Handling*: answer 400; the operator sets this machine's clock.
    #[error(
        "the signature is right but {ahead} s ahead of this machine's clock, and {allowed} s are allowed: \
         the clock is behind, check its time synchronisation"
    )]
    TooNew {
        /// How far ahead, in seconds.
        ahead: u64,
        /// How far ahead it may be, in seconds.
        allowed: u64,
    },
}

impl SignatureError {
    /// Every word that [`SignatureError::reason`] can give.
    pub const REASONS: &'static [&'static str] =
        &["missing_header", "malformed_header", "no_signature", "bad_signature", "too_old", "too_new"];

    /// A stable word for metrics and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::MissingHeader => "missing_header",
            Self::Malformed { .. } => "malformed_header",
            Self::NoSignature => "no_signature",
            Self::BadSignature { .. } => "bad_signature",
            Self::TooOld { .. } => "too_old",
            Self::TooNew { .. } => "too_new",
        }
    }
}
