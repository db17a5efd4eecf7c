//! Any header over any body: what is believed is what a second, naive reading of the rules believes; what `sign` makes is believed.
//!
//! Input: the header up to the first line feed, then the body. `$a` to `$d` in a header become the right signature of one of
//! four secrets (the last two are not ours), so that the search meets headers that verify.
#![no_main]

use std::sync::LazyLock;

use billfold::model::time::{Millis, Seconds};
use billfold::stripe::delivery::{Delivery, Identity};
use billfold::stripe::envelope::event_id;
use billfold::stripe::signature::{
    HEADER_BYTES_MAX, SIGNATURES_MAX, Secrets, SignatureError, Tolerance, sign, verify,
};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

const KEYS: [&str; 4] = ["whsec_first", "whsec_second", "whsec_third", "second"];
const OURS: usize = 2;
const NOW: Seconds = Seconds(1_767_225_600);

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| format!("{},{}", KEYS[0], KEYS[1]).parse().unwrap());

fn code(key: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn elements(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(|element| element.trim_matches([' ', '\t']))
}

/// The header with its `$` marks filled in.
fn signed(header: &[u8], body: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(header) else { return header.to_vec() };
    let timestamp =
        elements(text).find_map(|element| element.strip_prefix("t=")).unwrap_or_default().to_owned();
    let mut text = text.to_owned();
    for (mark, key) in ["$a", "$b", "$c", "$d"].iter().zip(KEYS) {
        if text.contains(mark) {
            text = text.replace(mark, &code(key, &timestamp, body));
        }
    }
    text.into_bytes()
}

/// The rules of the header, read naively: the label that must match, or the reason of the refusal.
fn expected(header: &[u8], body: &[u8], tolerance: Tolerance) -> Result<&'static str, &'static str> {
    if header.len() > HEADER_BYTES_MAX {
        return Err("malformed_header");
    }
    let text = std::str::from_utf8(header).map_err(|_| "malformed_header")?;
    if text.trim_matches([' ', '\t']).is_empty() {
        return Err("missing_header");
    }
    let timestamps: Vec<&str> = elements(text).filter_map(|element| element.strip_prefix("t=")).collect();
    let signatures: Vec<String> = elements(text)
        .filter_map(|element| element.strip_prefix("v1="))
        .filter(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_ascii_lowercase)
        .collect();
    let [timestamp] = timestamps[..] else { return Err("malformed_header") };
    let digits = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || signatures.len() > SIGNATURES_MAX {
        return Err("malformed_header");
    }
    if signatures.is_empty() {
        return Err("no_signature");
    }
    let matched = KEYS[..OURS].iter().position(|key| signatures.contains(&code(key, timestamp, body)));
    let label = ["secret-1", "secret-2"][matched.ok_or("bad_signature")?];
    let age = i128::from(NOW.0) - timestamp.parse::<i128>().unwrap();
    match age {
        0.. if age > i128::from(tolerance.past) => Err("too_old"),
        ..0 if -age > i128::from(tolerance.future) => Err("too_new"),
        _ => Ok(label),
    }
}

fn check_any(header: &[u8], body: &[u8]) {
    for tolerance in [Tolerance::UNCHECKED, Tolerance::default(), Tolerance { past: 0, future: 1 }] {
        let found = verify(Some(header), body, &SECRETS, tolerance, NOW);
        let said = found.as_ref().map(|verified| verified.label).map_err(SignatureError::reason);
        assert_eq!(said, expected(header, body, tolerance), "{}", String::from_utf8_lossy(header));
        let now = Millis(NOW.0 * 1_000 + 999);
        let delivery = Delivery::verify(Some(header), body, &SECRETS, tolerance, now);
        assert_eq!(delivery.is_ok(), found.is_ok());
        if let Ok(delivery) = delivery {
            let known = event_id(body).map(Identity::Event);
            assert!(known.is_none_or(|known| *delivery.identity() == known));
        }
        if let Err(error) = found {
            let text = error.to_string();
            assert!(KEYS[..OURS].iter().all(|key| !text.contains(key)), "a secret in a text");
        }
    }
}

fn check_sign(body: &[u8], header: &[u8]) {
    let time = Seconds(
        header.iter().fold(0_i64, |sum, &byte| (sum * 10 + i64::from(byte % 10)) % 1_000_000_000_000),
    );
    let made = sign(&*SECRETS, body, time);
    let exact = Tolerance { past: 0, future: 0 };
    assert_eq!(verify(Some(made.as_bytes()), body, &SECRETS, exact, time).unwrap().label, "secret-1");
    let late = verify(Some(made.as_bytes()), body, &SECRETS, exact, time.plus(1));
    assert_eq!(late.unwrap_err(), SignatureError::TooOld { age: 1, allowed: 0 });
    let mut other = body.to_vec();
    match header.first() {
        Some(&byte) if !other.is_empty() => {
            let at = usize::from(byte) % other.len();
            other[at] ^= 1 << (byte % 8);
        }
        _ => other.push(b' '),
    }
    let changed = verify(Some(made.as_bytes()), &other, &SECRETS, Tolerance::UNCHECKED, time);
    assert_eq!(changed.unwrap_err().reason(), "bad_signature");
}

fuzz_target!(|data: &[u8]| {
    let (header, body) = match data.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b""[..]),
    };
    check_any(header, body);
    check_any(&signed(header, body), body);
    check_sign(body, header);
});
