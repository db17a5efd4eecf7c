//! The deliveries that were refused last: what may help to see why, and nothing of what they held.
//!
//! Kept in memory, bounded, and gone with the process. Never holds a body, a signature or a header's value.

use std::collections::VecDeque;
use std::sync::PoisonError;

use crate::model::time::{Millis, Seconds};

use super::Billfold;

/// Refused deliveries kept; the oldest goes first.
pub const REFUSED_MAX: usize = 32;

/// The most headers of a refused delivery that are kept.
pub const REFUSED_HEADERS_MAX: usize = 48;

/// A delivery that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When it was refused.
    pub at: Millis,
    /// The endpoint that it was sent to.
    pub endpoint: Box<str>,
    /// The stable word of why.
    pub reason: &'static str,
    /// The names of its headers, each with the length of its value in bytes.
    pub headers: Vec<(Box<str>, usize)>,
    /// The time in its signature header.
    pub signed_at: Option<Seconds>,
    /// How many `v1` signatures were in it.
    pub signatures: usize,
    /// The length of its body in bytes, and its SHA-256, if it arrived.
    pub body: Option<(usize, [u8; 32])>,
}

/// The last ones, oldest first.
pub(super) type Ring = VecDeque<Refused>;

impl Billfold {
    /// Keeps what is known of a refused delivery, as long as this process runs.
    pub fn note_refused(&self, mut refused: Refused) {
        refused.headers.truncate(REFUSED_HEADERS_MAX);
        let mut ring = self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        while ring.len() >= REFUSED_MAX {
            ring.pop_front();
        }
        ring.push_back(refused);
    }

    /// The deliveries that this process refused last, newest first: at most [`REFUSED_MAX`].
    #[must_use]
    pub fn refused(&self) -> Vec<Refused> {
        let ring = self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter().rev().cloned().collect()
    }
}
