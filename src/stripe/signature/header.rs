//! The signature header, taken apart: strict about what is signed, tolerant about the blanks and elements around it.

use super::{HEADER_BYTES_MAX, SIGNATURES_MAX, SignatureError};
use crate::model::time::Seconds;

/// The bytes of one `v1` signature.
type Signature = [u8; 32];

/// The most digits that a timestamp has: enough until the year 33658.
const TIMESTAMP_DIGITS_MAX: usize = 12;

/// A header with its one timestamp and its `v1` signatures. Lives on the stack.
pub(super) struct Header<'a> {
    /// All of it.
    pub(super) text: &'a str,
    /// The digits as they stand, for they are what was signed.
    pub(super) timestamp: &'a [u8],
    /// What the digits say.
    pub(super) signed_at: Seconds,
    signatures: [Signature; SIGNATURES_MAX],
    count: usize,
}

impl<'a> Header<'a> {
    pub(super) fn parse(header: &'a [u8]) -> Result<Self, SignatureError> {
        if header.len() > HEADER_BYTES_MAX {
            return Err(malformed("it is longer than 4 KiB"));
        }
        let text = std::str::from_utf8(header).map_err(|_| malformed("it is not text"))?;
        if trim(header).is_empty() {
            return Err(SignatureError::MissingHeader);
        }
        let mut timestamp = None;
        let mut signatures = [Signature::default(); SIGNATURES_MAX];
        let mut count = 0;
        for element in header.split(|&byte| byte == b',') {
            match trim(element) {
                [b't', b'=', ..] if timestamp.is_some() => return Err(malformed("it has more than one `t`")),
                [b't', b'=', digits @ ..] => timestamp = Some((digits, seconds(digits)?)),
                [b'v', b'1', b'=', hex @ ..] => {
                    let mut signature = Signature::default();
                    if hex::decode_to_slice(hex, &mut signature).is_ok() {
                        *signatures.get_mut(count).ok_or(malformed("it has more than 16 signatures"))? =
                            signature;
                        count += 1;
                    }
                }
                _ => {}
            }
        }
        let (timestamp, signed_at) = timestamp.ok_or(malformed("it has no `t`"))?;
        Ok(Self { text, timestamp, signed_at, signatures, count })
    }

    pub(super) fn signatures(&self) -> &[Signature] {
        self.signatures.get(..self.count).unwrap_or_default()
    }
}

/// Digits only: a sign or a blank would be read by one verifier and refused by another.
fn seconds(digits: &[u8]) -> Result<Seconds, SignatureError> {
    let fits = (1..=TIMESTAMP_DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| fits);
    let seconds = text.and_then(|text| text.parse().ok());
    seconds.map(Seconds).ok_or(malformed("its `t` is not a number of 1 to 12 digits"))
}

const fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

const fn malformed(problem: &'static str) -> SignatureError {
    SignatureError::Malformed { problem }
}
