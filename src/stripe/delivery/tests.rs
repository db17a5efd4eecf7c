use super::*;

const NOW: Millis = Millis(1_767_225_600_007);

#[test]
fn a_delivery_keeps_what_proves_it() {
    let secrets: Secrets = "live=whsec_x".parse().unwrap();
    let body = br#"{"id":"evt_1"}"#;
    let header = signature::sign(&secrets, body, NOW.seconds());
    let delivery =
        Delivery::verify(Some(header.as_bytes()), *body, &secrets, Tolerance::default(), NOW).unwrap();
    assert_eq!((delivery.received_at(), delivery.body()), (NOW, &body[..]));
    let (identity, received_at, proof, bytes) = delivery.into_parts();
    assert_eq!(identity, Identity::Event(EventId::parse("evt_1").unwrap()));
    assert_eq!((received_at, &*bytes), (NOW, &body[..]));
    let signed = Proof::Signed { header: header.into(), secret: "live".into(), signed_at: NOW.seconds() };
    assert_eq!(proof, signed);
}

#[test]
fn what_is_not_proven_is_no_delivery() {
    let secrets: Secrets = "whsec_x".parse().unwrap();
    let refused = Delivery::verify(None, *b"{}", &secrets, Tolerance::default(), NOW);
    assert_eq!(refused.unwrap_err(), SignatureError::MissingHeader);
}

#[test]
fn an_import_is_vouched_for_and_goes_by_its_hash_when_unreadable() {
    let delivery = Delivery::vouched(*b"not json", NOW);
    assert_eq!(*delivery.proof(), Proof::Vouched);
    let Identity::Unreadable { sha256 } = delivery.identity() else { panic!("{delivery:?}") };
    assert_eq!(hex::encode(sha256), "7ccfa1fbf3940e6f0c0375d87c0f9235a50514e14cb427bdfaf5077987b26ccf");
}

#[test]
fn a_known_id_with_a_broken_rest_is_an_event() {
    let delivery = Delivery::vouched(*br#"{"id":"evt_1","type":[]}"#, NOW);
    assert_eq!(*delivery.identity(), Identity::Event(EventId::parse("evt_1").unwrap()));
}

#[test]
fn debug_shows_no_content() {
    let secrets: Secrets = "whsec_hidden".parse().unwrap();
    let header = signature::sign(&secrets, b"hidden", NOW.seconds());
    let delivery =
        Delivery::verify(Some(header.as_bytes()), *b"hidden", &secrets, Tolerance::default(), NOW).unwrap();
    let shown = format!("{delivery:?}");
    assert!(!shown.contains("hidden") && !shown.contains("v1="), "{shown}");
}
