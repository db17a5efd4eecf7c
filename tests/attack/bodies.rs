//! Events by number: a number gives the same bytes in every process.

use std::collections::BTreeMap;
use std::sync::Mutex;

use billfold::lab::Dice;
use billfold::model::time::Millis;
use billfold::stripe::delivery::Delivery;
use billfold::stripe::signature::{Secrets, Tolerance, sign};
use sha2::{Digest as _, Sha256};

/// The secret that everything is signed with.
pub(crate) const SECRET: &str = "whsec_attack_only_0123456789";
/// The time at which the library receives.
const NOW: Millis = Millis(1_800_000_000_000);
/// The first second of an event.
const BEGIN: u64 = 1_700_000_000;

/// How long bodies get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sizes {
    /// From 300 bytes to some thousand.
    Usual,
    /// Up to 4 MiB.
    Long,
}

impl Sizes {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Long => "long",
        }
    }

    pub(crate) fn named(word: &str) -> Self {
        if word == Self::Long.word() { Self::Long } else { Self::Usual }
    }
}

pub(crate) fn id(number: u64) -> String {
    format!("evt_{number}")
}

pub(crate) fn number(id: &str) -> Option<u64> {
    id.strip_prefix("evt_")?.parse().ok()
}

/// The body of an event: one of some customers changes, or the subscription of one, which the feed tells of.
pub(crate) fn body(number: u64, sizes: Sizes) -> String {
    let mut dice = Dice::of(7, number);
    let noise = match (sizes, number % 100) {
        (Sizes::Long, 17) => dice.between(1 << 20, 4 << 20),
        (Sizes::Long, 3 | 28 | 53 | 78) => dice.between(20_000, 400_000),
        _ => dice.between(1, 3_000),
    };
    let (id, customer, created) = (id(number), dice.below(60), BEGIN + number / 3);
    let name = dice.letters(12);
    let (kind, object) = if number.is_multiple_of(3) {
        let status = dice.pick(&["active", "past_due", "trialing", "unpaid", "canceled"]).unwrap();
        let what = format!(
            r#""id":"sub_{customer}","object":"subscription","customer":"cus_{customer}","status":"{status}","items":{{"object":"list","data":[]}}"#
        );
        ("customer.subscription.updated", what)
    } else {
        ("customer.updated", format!(r#""id":"cus_{customer}","object":"customer","name":"{name}""#))
    };
    let head = format!(
        r#"{{"id":"{id}","object":"event","type":"{kind}","created":{created},"livemode":false,"api_version":"2025-03-31.basil","data":{{"object":{{{object},"created":{BEGIN},"livemode":false,"metadata":{{}},"noise":""#
    );
    let end = r#""}}}"#;
    // Never longer than the door takes.
    let room = (4 << 20) - head.len() - end.len();
    let noise = dice_noise(&mut dice, usize::try_from(noise).unwrap().min(room));
    format!("{head}{noise}{end}")
}

/// Whether a stored body is the one of the event with this id.
pub(crate) fn is_sent(id: &str, stored: &[u8], sizes: Sizes) -> bool {
    // Long bodies take long to make: what they hash to is kept.
    static KNOWN: Mutex<BTreeMap<(u64, Sizes), [u8; 32]>> = Mutex::new(BTreeMap::new());
    let Some(number) = number(id) else { return false };
    let known = KNOWN.lock().unwrap().get(&(number, sizes)).copied();
    let expected = known.unwrap_or_else(|| {
        let hash = Sha256::digest(body(number, sizes)).into();
        KNOWN.lock().unwrap().insert((number, sizes), hash);
        hash
    });
    expected == <[u8; 32]>::from(Sha256::digest(stored))
}

/// Text that hardly compresses.
fn dice_noise(dice: &mut Dice, bytes: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut noise = String::with_capacity(bytes + 10);
    while noise.len() < bytes {
        let mut bits = dice.next();
        for _ in 0..10 {
            noise.push(char::from(ALPHABET[usize::try_from(bits & 63).unwrap()]));
            bits >>= 6;
        }
    }
    noise.truncate(bytes);
    noise
}

pub(crate) fn secrets() -> Secrets {
    SECRET.parse().unwrap()
}

/// Signed, and verified as the server does.
pub(crate) fn delivery(body: &str) -> Delivery {
    let header = sign(&secrets(), body.as_bytes(), NOW.seconds());
    Delivery::verify(Some(header.as_bytes()), body.as_bytes(), &secrets(), Tolerance::default(), NOW).unwrap()
}
