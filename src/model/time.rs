//! Time as a value. Nothing in the model knows what time it is.

use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z, as the provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Seconds(pub i64);

impl Seconds {
    /// This moment moved by `seconds`, held at the ends of the range.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, as our own clock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The second that this moment lies in.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        Seconds(self.0.div_euclid(1_000))
    }
}

impl From<Seconds> for Millis {
    fn from(seconds: Seconds) -> Self {
        Self(seconds.0.saturating_mul(1_000))
    }
}
