use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::stripe::delivery::{Delivery, Identity};

const NOW: Seconds = Seconds(1_767_225_600);

/// One row of the table of deliveries that verifiers are known to differ on.
#[derive(Deserialize)]
struct Row {
    name: String,
    case: String,
    secret: String,
    now: i64,
    header: String,
    body_hex: String,
    want: String,
}

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../../tests/fixtures/signature-vectors.json")).unwrap()
}

/// The secret as it stands, whitespace and all.
fn verbatim(secret: &str) -> Secrets {
    Secrets::new(vec![Secret::keyed("only", secret.as_bytes()).unwrap()]).unwrap()
}

fn outcome<T>(result: &Result<T, SignatureError>) -> &'static str {
    result.as_ref().map_or_else(SignatureError::reason, |_| "ok")
}

#[test]
fn every_row_of_the_table_ends_as_wanted() {
    let rows = rows();
    assert_eq!(rows.len(), 32);
    for Row { name, case, secret, now, header, body_hex, want } in rows {
        let body = hex::decode(body_hex).unwrap();
        let secrets = verbatim(&secret);
        let now = Seconds(now);
        let result = verify(Some(header.as_bytes()), &body, &secrets, Tolerance::default(), now);
        assert_eq!(outcome(&result), want, "{name}: {case}");
        let delivery =
            Delivery::verify(Some(header.as_bytes()), body, &secrets, Tolerance::default(), now.into());
        assert_eq!(outcome(&delivery), want, "{name}: {case}");
        if let Ok(delivery) = delivery {
            let unreadable = matches!(delivery.identity(), Identity::Unreadable { .. });
            assert_eq!(unreadable, ["V27", "V31"].contains(&&*name), "{name}: {case}");
        }
    }
}

#[test]
fn the_primitive_is_hmac_sha256() {
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let secret = Secret::keyed("only", b"test_secret").unwrap();
        let code = secret.authenticate_parts([body.as_bytes()]);
        assert_eq!(hex::encode(code.as_bytes()), expected);
    }
    check("", "f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd");
    check("\u{1f600}", "837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43");
}

#[test]
fn what_we_sign_is_what_the_table_signs() {
    let secret = Secret::new("only", "whsec_NiceTestSecret0123456789abcdefABCDEF").unwrap();
    let row = rows().remove(0);
    let header = sign([&secret], &hex::decode(row.body_hex).unwrap(), Seconds(1_767_225_595));
    assert_eq!(header, row.header);
}

#[track_caller]
fn check(header: &str, expected: &str) {
    let secrets = verbatim("whsec_x");
    let good = sign(&secrets, b"body", NOW);
    let signature = good.split_once("v1=").unwrap().1;
    let header = header.replace("GOOD", signature).replace("NOW", &NOW.0.to_string());
    let result = verify(Some(header.as_bytes()), b"body", &secrets, Tolerance::default(), NOW);
    assert_eq!(outcome(&result), expected, "{header}");
}

#[test]
fn the_header_is_read_strictly_where_it_is_signed() {
    check("t=NOW,v1=GOOD", "ok");
    check("t=NOW,\t v1=GOOD ,", "ok");
    check(",,foo,=,t=NOW,v1,v1=,v1=zz,x=t=1,v1=GOOD", "ok");
    check("", "missing_header");
    check(" \t ", "missing_header");
    check(",", "malformed_header");
    check("t=+NOW,v1=GOOD", "malformed_header");
    check("t=-1,v1=GOOD", "malformed_header");
    check("t= NOW,v1=GOOD", "malformed_header");
    check("t=,v1=GOOD", "malformed_header");
    check("t=1234567890123,v1=GOOD", "malformed_header");
    check("t=NOW,t=NOW,v1=GOOD", "malformed_header");
    check("t=١٧٦٧,v1=GOOD", "malformed_header");
    check("T=NOW,v1=GOOD", "malformed_header");
    check("t=NOW,V1=GOOD", "no_signature");
    check("t=NOW,v1 =GOOD", "no_signature");
    check("t=NOW,v1=GOOD=", "no_signature");
    check("t=NOW,v1=GOOD00", "no_signature");
    check("t=00NOW,v1=GOOD", "bad_signature");
    check("t=999999999999,v1=GOOD", "bad_signature");
}

#[test]
fn the_header_is_bounded() {
    let others = ",v1=".to_owned() + &"0".repeat(64);
    check(&format!("t=NOW{},v1=GOOD", others.repeat(SIGNATURES_MAX - 1)), "ok");
    check(&format!("t=NOW{},v1=GOOD", others.repeat(SIGNATURES_MAX)), "malformed_header");
    check(&format!("t=NOW,v1=GOOD,{}", "x".repeat(4_000)), "ok");
    check(&format!("t=NOW,v1=GOOD,{}", "x".repeat(4_096)), "malformed_header");
    let secrets = verbatim("x");
    let result = verify(Some(b"t=1,v1=\xff"), b"", &secrets, Tolerance::default(), NOW);
    assert_eq!(outcome(&result), "malformed_header");
    let result = verify(None, b"", &secrets, Tolerance::default(), NOW);
    assert_eq!(outcome(&result), "missing_header");
}

#[test]
fn time_is_checked_both_ways_and_after_the_signature() {
    #[track_caller]
    fn check(signed_at: i64, now: i64, tolerance: Tolerance, expected: &'static str) {
        let secrets = verbatim("whsec_x");
        let header = sign(&secrets, b"body", Seconds(signed_at));
        let result = verify(Some(header.as_bytes()), b"body", &secrets, tolerance, Seconds(now));
        assert_eq!(outcome(&result), expected);
        let other = verify(Some(header.as_bytes()), b"other", &secrets, tolerance, Seconds(now));
        assert_eq!(outcome(&other), "bad_signature");
    }
    let usual = Tolerance::default();
    check(1_000, 1_300, usual, "ok");
    check(1_000, 1_301, usual, "too_old");
    check(1_300, 1_000, usual, "ok");
    check(1_301, 1_000, usual, "too_new");
    let exact = Tolerance { past: 0, future: 0 };
    check(1_000, 1_000, exact, "ok");
    check(1_000, 1_001, exact, "too_old");
    check(1_001, 1_000, exact, "too_new");
    for now in [i64::MIN, i64::MAX] {
        check(0, now, Tolerance::UNCHECKED, "ok");
        check(999_999_999_999, now, Tolerance::UNCHECKED, "ok");
    }
}

#[test]
fn a_time_that_is_refused_says_how_far_it_is() {
    let secrets = verbatim("whsec_x");
    let header = sign(&secrets, b"", NOW);
    let at = |now| {
        verify(Some(header.as_bytes()), b"", &secrets, Tolerance { past: 10, future: 20 }, now).unwrap_err()
    };
    assert_eq!(at(NOW.plus(11)), SignatureError::TooOld { age: 11, allowed: 10 });
    assert_eq!(at(NOW.plus(-21)), SignatureError::TooNew { ahead: 21, allowed: 20 });
}

#[test]
fn a_secret_rolls_over_without_a_gap() {
    #[track_caller]
    fn check(signers: &str, verifiers: &str, label: Option<&str>) {
        let signers: Secrets = signers.parse().unwrap();
        let verifiers: Secrets = verifiers.parse().unwrap();
        let header = sign(&signers, b"{}", NOW);
        let result = verify(Some(header.as_bytes()), b"{}", &verifiers, Tolerance::default(), NOW);
        assert_eq!(result.ok().map(|verified| verified.label), label);
    }
    check("a=whsec_old", "new=whsec_new,old=whsec_old", Some("old"));
    check("a=whsec_old,b=whsec_new", "new=whsec_new,old=whsec_old", Some("new"));
    check("a=whsec_old,b=whsec_new", "old=whsec_old", Some("old"));
    check("a=whsec_new", "old=whsec_old", None);
}

#[test]
fn a_list_of_secrets_says_what_is_wrong_with_it() {
    use SecretsError as E;
    #[track_caller]
    fn check(list: &str, expected: Result<&str, SecretsError>) {
        let labels = list.parse().map(|secrets: Secrets| secrets.to_string());
        assert_eq!(labels.as_deref().map_err(|error| *error), expected, "{list:?}");
    }
    check("whsec_a", Ok("secret-1"));
    check(" whsec_a ,\twhsec_b\n", Ok("secret-1, secret-2"));
    check("live=whsec_a\r\n\r\ntest = whsec_b\r\n", Ok("live, test"));
    check("whsec_a\nlive=whsec_b\nwhsec_c", Ok("secret-1, live, secret-3"));
    check("anything", Ok("secret-1"));
    check("", Err(E::Empty));
    check(" \n ", Err(E::Empty));
    check("whsec_a,", Err(E::Blank { item: 2 }));
    check("whsec_a,,whsec_b", Err(E::Blank { item: 2 }));
    check("whsec_", Err(E::Blank { item: 1 }));
    check("live=", Err(E::Label { item: 1 }));
    check("live=whsec_", Err(E::Blank { item: 1 }));
    check("whsec_a whsec_b", Err(E::Characters { item: 1 }));
    check("whsec_a,whsec_\u{200b}b", Err(E::Characters { item: 2 }));
    check("\"whsec_a\"", Err(E::NotASecret { item: 1 }));
    check("sk_test_1", Err(E::NotASecret { item: 1 }));
    check("we_1", Err(E::NotASecret { item: 1 }));
    check("whsec_a=live", Err(E::Label { item: 1 }));
    check("whsec_a=whsec_b", Err(E::Label { item: 1 }));
    check("bGl2ZQ==", Err(E::Label { item: 1 }));
    check("a b=whsec_a", Err(E::Label { item: 1 }));
    check(&format!("{}=whsec_a", "l".repeat(33)), Err(E::Label { item: 1 }));
    check("a=whsec_a,a=whsec_b", Err(E::SameLabel { item: 2 }));
    check(&format!("whsec_{}", "a".repeat(249)), Ok("secret-1"));
    check(&format!("whsec_{}", "a".repeat(250)), Err(E::Length { item: 1 }));
    check(
        &["whsec_a"; 8].join(","),
        Ok("secret-1, secret-2, secret-3, secret-4, secret-5, secret-6, secret-7, secret-8"),
    );
    check(&["whsec_a"; 9].join(","), Err(E::TooMany));
    assert_eq!(Secret::new("", "whsec_a").unwrap_err(), E::Label { item: 1 });
    assert_eq!(Secret::new("a", " whsec_a\n").unwrap().label(), "a");
}

#[test]
fn whitespace_around_a_secret_does_not_change_it() {
    let trimmed: Secrets = " whsec_NiceTestSecret0123456789abcdefABCDEF\r\n".parse().unwrap();
    let row = rows().remove(0);
    let body = hex::decode(row.body_hex).unwrap();
    verify(Some(row.header.as_bytes()), &body, &trimmed, Tolerance::default(), NOW).unwrap();
}

#[test]
fn nothing_secret_is_shown() {
    let secrets: Secrets = "whsec_hidden,live=whsec_concealed".parse().unwrap();
    let header = sign(&secrets, b"hidden", NOW);
    let signature = header.split_once("v1=").unwrap().1;
    let delivery =
        Delivery::verify(Some(header.as_bytes()), *b"hidden", &secrets, Tolerance::default(), NOW.into())
            .unwrap();
    let error =
        verify(Some(header.as_bytes()), b"concealed", &secrets, Tolerance::default(), NOW).unwrap_err();
    let shown = format!("{secrets:?} {secrets} {delivery:?} {error:?} {error}");
    for word in ["hidden", "concealed", signature] {
        assert!(!shown.contains(word), "{shown}");
    }
    for word in ["secret-1", "live", "tried", "whitespace"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn every_reason_has_its_own_word() {
    let seen: BTreeSet<_> = rows().into_iter().map(|row| row.want).filter(|want| want != "ok").collect();
    let listed: BTreeSet<_> = SignatureError::REASONS.iter().map(|&reason| reason.to_owned()).collect();
    assert_eq!(seen, listed);
}

proptest! {
    #[test]
    fn what_is_signed_verifies(body: Vec<u8>, key in "[!-+\\--~]{1,80}", now in 0..=999_999_999_999_i64) {
        let secrets = verbatim(&key);
        let header = sign(&secrets, &body, Seconds(now));
        let result = verify(Some(header.as_bytes()), &body, &secrets, Tolerance::default(), Seconds(now));
        prop_assert_eq!(result.map(|verified| verified.signed_at), Ok(Seconds(now)));
    }

    #[test]
    fn one_changed_bit_of_the_body_is_noticed(
        (mut body, at) in proptest::collection::vec(any::<u8>(), 1..300).prop_flat_map(|body| {
            let bits = body.len() * 8;
            (Just(body), 0..bits)
        }),
    ) {
        let secrets = verbatim("whsec_x");
        let header = sign(&secrets, &body, NOW);
        body[at / 8] ^= 1 << (at % 8);
        let result = verify(Some(header.as_bytes()), &body, &secrets, Tolerance::default(), NOW);
        prop_assert_eq!(outcome(&result), "bad_signature");
    }

    #[test]
    fn one_changed_byte_of_the_header_never_helps(at in 0..79_usize, byte: u8) {
        let secrets = verbatim("whsec_x");
        let good = sign(&secrets, b"{}", NOW);
        let mut header = good.clone().into_bytes();
        header[at] = byte;
        if let Ok(verified) = verify(Some(&header), b"{}", &secrets, Tolerance::default(), NOW) {
            prop_assert_eq!(verified.header.to_ascii_lowercase(), good);
        }
    }

    #[test]
    fn no_header_makes_it_panic(header: Vec<u8>, text in "[tv01=,9af \t]{0,300}") {
        let secrets = verbatim("whsec_x");
        for header in [&*header, text.as_bytes()] {
            let result = verify(Some(header), b"{}", &secrets, Tolerance::UNCHECKED, NOW);
            prop_assert!(result.is_err());
        }
    }
}
