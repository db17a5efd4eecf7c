//! Verifying a signature against the bare HMAC over the same bytes.

use std::hint::black_box;

use billfold::model::time::Seconds;
use billfold::stripe::signature::{Secrets, Tolerance, sign, verify};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{lives::Lives, median, time};

const SECRET: &str = "whsec_benchmark_only_0123456789";
const ROUNDS: usize = 41;

pub(crate) fn run() {
    let now = Seconds(1_800_000_000);
    let secrets: Secrets = SECRET.parse().unwrap();
    let bodies: Vec<String> = Lives::load().bodies(2_000).collect();
    let headers: Vec<String> = bodies.iter().map(|body| sign(&secrets, body.as_bytes(), now)).collect();
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(time(|| {
            for body in &bodies {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
                mac.update(b"1800000000.");
                mac.update(body.as_bytes());
                black_box(mac.finalize());
            }
        }));
        whole.push(time(|| {
            for (body, header) in bodies.iter().zip(&headers) {
                let verified =
                    verify(Some(header.as_bytes()), body.as_bytes(), &secrets, Tolerance::default(), now);
                black_box(verified.unwrap());
            }
        }));
    }
    let (bare, whole) = (median(bare), median(whole));
    let bytes: usize = bodies.iter().map(String::len).sum();
    println!("bodies of {} bytes on average", bytes / bodies.len());
    println!(
        "verify / bare HMAC-SHA256: {:.3} (aim: at most 1.15)",
        whole.as_secs_f64() / bare.as_secs_f64()
    );
}
