//! `sign` and `verify-signature`: they agree with each other and with the stock `openssl`.

use std::process::Command;

use super::*;

const BODY: &str = "{\"id\":\"evt_1\",\"object\":\"event\"}";
const TIME: &str = "1767225600";

fn header_at(place: &Place, body: &[u8]) -> String {
    let file = place.file("body.json", body);
    let signed = run_with(b"", &["sign", "--time", TIME, path(&file)]).ended(0);
    signed.out.trim_end().to_owned()
}

#[test]
fn openssl_signs_the_same() {
    let place = Place::new();
    let header = header_at(&place, BODY.as_bytes());
    let signed = place.file("signed", format!("{TIME}.{BODY}").as_bytes());
    let openssl = Command::new("openssl").args(["dgst", "-sha256", "-hmac", SECRET, path(&signed)]).output();
    let Ok(openssl) = openssl else {
        eprintln!("openssl is not installed: nothing compared");
        return;
    };
    let openssl = String::from_utf8(openssl.stdout).unwrap();
    let digest = openssl.trim_end().rsplit(' ').next().unwrap();
    assert_eq!(header, format!("t={TIME},v1={digest}"));
}

#[test]
fn what_is_signed_is_valid() {
    let place = Place::new();
    let header = header_at(&place, BODY.as_bytes());
    let verify = |more: &[&str], body: &str| {
        let mut arguments = vec!["verify-signature", "--header", &header];
        arguments.extend(more);
        run_with(body.as_bytes(), &arguments)
    };
    let valid = verify(&["--at", TIME], BODY).ended(0);
    assert_eq!(valid.out, "valid: signed at 2026-01-01T00:00:00Z with secret-1\n");
    verify(&["--at", "2026-01-01T00:05:00Z"], BODY).ended(0);
    verify(&["--any-age"], BODY).ended(0);
    let old = verify(&["--at", "2026-01-01T00:05:01Z"], BODY).ended(4);
    assert!(old.out.starts_with("refused (too_old)"), "{}", old.out);
    verify(&["--at", "2026-01-01T00:05:01Z", "--tolerance", "10m"], BODY).ended(0);
    let verdict = verify(&["--any-age", "--json"], &format!("{BODY}\n")).ended(4).json();
    assert_eq!(verdict["valid"], false);
    assert_eq!(verdict["reason"], "bad_signature");
    assert!(verdict["hints"][0].as_str().unwrap().contains("whitespace around it"));
    assert!(!verdict["detail"].as_str().unwrap().contains(&header));
}

#[test]
fn a_secret_without_its_prefix_is_told() {
    let place = Place::new();
    let body = place.file("body.json", BODY);
    let bare = SECRET.strip_prefix("whsec_").expect("a whole secret");
    let secret = place.file("secret.txt", &format!("{bare}\n"));
    let signed = run(["sign", "--secret-file", path(&secret), path(&body)]).ended(0);
    let told = signed.saying("does not begin with whsec_");
    assert!(!told.err.contains(bare), "the secret is shown");
    let header = header_at(&place, BODY.as_bytes());
    let verify =
        ["verify-signature", "--any-age", "--header", &header, "--json", "--secret-file", path(&secret)];
    let verdict = run(verify.into_iter().chain([path(&body)])).ended(4).json();
    assert!(verdict["hints"][0].as_str().expect("a hint").contains("whsec_"), "{verdict}");
    let whole = run_with(b"", &["sign", path(&body)]).ended(0);
    assert_eq!(whole.err, "");
}

#[test]
fn a_header_comes_with_its_name_from_a_file_or_a_pipe() {
    let place = Place::new();
    let file = place.file("body.json", BODY);
    let header = run_with(b"", &["sign", "--with-name", path(&file)]).ended(0).out;
    assert!(header.starts_with("Stripe-Signature: t="));
    let header = place.file("header.txt", &header);
    run_with(b"", &["verify-signature", "--header-file", path(&header), path(&file)]).ended(0);
}

#[test]
fn a_secret_comes_from_the_environment_a_file_or_where_it_was_asked_for() {
    let place = Place::new();
    let file = place.file("body.json", BODY);
    let expected = header_at(&place, BODY.as_bytes());
    let secret = place.file("secret.txt", &format!("{SECRET}\n"));
    let from_file = run(["sign", "--time", TIME, "--secret-file", path(&secret), path(&file)]).ended(0);
    assert_eq!(from_file.out.trim_end(), expected);
    assert_eq!(from_file.err, "", "a newline ends every file: no warning");
    let asked_for = run(["sign", "--time", TIME, "--secret", SECRET, path(&file)]).ended(0);
    assert_eq!(asked_for.out.trim_end(), expected);
    let stray = place.file("stray.txt", &format!("  {SECRET} \n"));
    let stray = run(["sign", "--time", TIME, "--secret-file", path(&stray), path(&file)]).ended(0);
    assert_eq!(stray.out.trim_end(), expected);
    stray.saying("warning:").saying("whitespace around a signing secret");
}

#[test]
fn several_secrets_sign_as_while_one_is_rolled() {
    let place = Place::new();
    let secrets = place.file("secrets.txt", &format!("whsec_other_0123456789\n{SECRET}\n"));
    let file = place.file("body.json", BODY);
    let header = run(["sign", "--secret-file", path(&secrets), path(&file)]).ended(0).out;
    assert_eq!(header.matches("v1=").count(), 2);
    run_with(b"", &["verify-signature", "--header", header.trim_end(), path(&file)]).ended(0);
}

#[test]
fn who_has_no_secret_is_told_where_to_find_it() {
    for arguments in [&["sign"][..], &["serve"], &["verify-signature", "--header", "t=1"], &["ingest", "-"]] {
        let told = run(arguments).ended(2).saying("set STRIPE_WEBHOOK_SECRET=whsec_");
        told.saying("Stripe Dashboard").saying("stripe listen --print-secret");
    }
    let place = Place::new();
    let wrong = place.file("wrong.txt", "sk_live_not_a_signing_secret");
    run(["sign", "--secret-file", path(&wrong)])
        .ended(2)
        .saying("is not a signing secret")
        .saying("stripe listen");
    run(["sign", "--secret-file", "/nowhere/secret"]).ended(1).saying("cannot be read");
}
