use proptest::prelude::*;
use sha2::Digest as _;

use super::*;

const EVENT: &str = include_str!("../../../benches/log/charge.json");

/// An event as Stripe sends it, its ids and times drawn at random.
fn event_body(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut chance = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((state >> 33) % below).unwrap()
    };
    let filled = EVENT.bytes().map(|byte| match byte {
        b'@' => b'A' + chance(26) + 32 * chance(2),
        b'#' => b'0' + chance(10),
        other => other,
    });
    filled.collect()
}

fn signed(body: &[u8]) -> NewRecord {
    NewRecord {
        provider: Provider::Stripe,
        id: RecordId::Event(EventId::parse("evt_1").unwrap()),
        received_at: Millis(1_700_000_000_123),
        provenance: Provenance::Signed { header: "t=1,v1=ab".into(), secret: "main".into() },
        body: Body(body.into()),
    }
}

fn quarantined(body: &[u8]) -> NewRecord {
    NewRecord {
        id: RecordId::Quarantine([7; 32]),
        received_at: Millis(-1),
        provenance: Provenance::Imported,
        ..signed(body)
    }
}

const PLACE: Place =
    Place { position: Position::new(300), received_at: Millis(1_700_000_000_123), previous: Digest([9; 32]) };

fn encoded(record: &NewRecord, place: Place) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&Prepared::new(record.clone()).unwrap(), place, &mut bytes).unwrap();
    bytes
}

/// The same record with another version, fields or length, and a checksum that fits.
fn resealed(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    bytes.truncate(bytes.len() - CRC_BYTES);
    change(&mut bytes);
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

#[track_caller]
fn check_frozen(record: &NewRecord, expected: &str) {
    let place = Place { received_at: record.received_at, ..PLACE };
    let frozen = hex::decode(expected.replace(char::is_whitespace, "")).unwrap();
    let read = decode(PLACE.position, &frozen).unwrap();
    assert_eq!(read.content, *record);
    assert_eq!(read.digest, read.digest_after(PLACE.previous));
    assert_eq!(hex::encode(encoded(record, place)), hex::encode(&frozen));
}

#[track_caller]
fn check_corrupt(bytes: &[u8], expected: &str) {
    match decode(PLACE.position, bytes) {
        Err(ReadError::Corrupt { position, reason }) => {
            assert_eq!((position, reason), (PLACE.position, expected));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn version_1_is_frozen() {
    check_frozen(
        &signed(b"{}"),
        "01fb2c010673747269706500056576745f31fdf6d0ca9f170300000009743d312c76313d6162046d61696e000244136f \
         a355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a027b7dc09fe5f397aa352b7502e5055c1fe13d \
         5dfdee52c94f164095bc111b2375979eda0351c4",
    );
    check_frozen(
        &quarantined(&[0xFF; 3]),
        "01fb2c010673747269706501070707070707070707070707070707070707070707070707070707070707070701010003 \
         5ae7e6a42304dc6e4176210b83c43024f99a0bce9a870c3b6d2c95fc8ebfb74c03ffffff961a19790d3bb322164da5d9 \
         8dccf503a13c7efe08a461d12c4fc45bc171fb4aa43cbec9",
    );
}

#[test]
fn the_dictionary_is_frozen() {
    let sha256 = hex::encode(digest::sha256(include_bytes!("../dictionary-1.zstd")));
    assert_eq!(sha256, "0fd17abc3862299f7c21f6e2f4580593a4b533b3cd298a0de5ab3667f749b185");
}

/// The stored form of `event_body(1)`, once written by version 1.
const FRAME: &str = include_str!("../../../tests/fixtures/log-format-1/body.zstd.hex");

#[test]
fn a_frozen_compressed_body_is_read() {
    let frame = hex::decode(FRAME.replace(char::is_whitespace, "")).unwrap();
    assert_eq!(unpack(1, 3_403, &frame).unwrap(), event_body(1));
}

#[test]
fn the_digest_is_what_the_document_says() {
    let record = signed(b"{}");
    let mut bytes = vec![9_u8; 32];
    bytes.extend(300_u64.to_be_bytes());
    bytes.extend(b"\0\0\0\x06stripe");
    bytes.extend(b"\0\0\0\0\x05evt_1");
    bytes.extend(1_700_000_000_123_i64.to_be_bytes());
    bytes.extend(b"\0\0\0\0\x09t=1,v1=ab\0\0\0\x04main");
    bytes.extend(sha2::Sha256::digest(b"{}"));
    let read = decode(PLACE.position, &encoded(&record, PLACE)).unwrap();
    assert_eq!(hex::encode(read.digest.0), hex::encode(sha2::Sha256::digest(&bytes)));

    let mut bytes = vec![9_u8; 32];
    bytes.extend(300_u64.to_be_bytes());
    bytes.extend(b"\0\0\0\x06stripe");
    bytes.extend(b"\x01\0\0\0\x20");
    bytes.extend([7; 32]);
    bytes.extend(1_700_000_000_123_i64.to_be_bytes());
    bytes.push(1);
    bytes.extend(sha2::Sha256::digest(b"{}"));
    let read = decode(PLACE.position, &encoded(&quarantined(b"{}"), PLACE)).unwrap();
    assert_eq!(hex::encode(read.digest.0), hex::encode(sha2::Sha256::digest(&bytes)));
}

#[test]
fn every_changed_bit_and_every_cut_is_noticed() {
    let whole = encoded(&signed(&event_body(2)), PLACE);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        check_corrupt(&bytes, "its checksum does not fit");
        let cut = if at < CRC_BYTES { "it is too short" } else { "its checksum does not fit" };
        check_corrupt(&whole[..at], cut);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let whole = encoded(&signed(b"{}"), PLACE);
    check_corrupt(
        &resealed(whole.clone(), |bytes| bytes[0] = 0),
        "its version is none that was ever written",
    );
    check_corrupt(&resealed(whole.clone(), |bytes| bytes.push(0)), "it is longer than its fields");
    check_corrupt(&resealed(whole.clone(), |bytes| bytes.truncate(40)), "its fields cannot be read");
    // Behind the version: 251 and two bytes of position, then the provider's length and text.
    check_corrupt(&resealed(whole.clone(), |bytes| bytes[2] = 0), "it belongs to another position");
    check_corrupt(&resealed(whole.clone(), |bytes| bytes[5] = b'S'), "its provider is unknown");
    check_corrupt(&resealed(whole.clone(), |bytes| bytes[13] = b' '), "its event id is none");
    // The body's two bytes lie before the 32 of the digest, behind their length.
    let body = whole.len() - CRC_BYTES - 32 - 2;
    let flipped = resealed(whole.clone(), |bytes| bytes[body] ^= 1);
    check_corrupt(&flipped, "its body's SHA-256 does not fit");
    let encoding = body - 1 - 32 - 1 - 1;
    check_corrupt(&resealed(whole.clone(), |bytes| bytes[encoding] = 9), "its encoding is unknown");
    check_corrupt(&resealed(whole.clone(), |bytes| bytes[encoding] = 1), "it cannot be decompressed");
    check_corrupt(&resealed(whole, |bytes| bytes[encoding + 1] = 3), "it has another length than is said");
}

#[test]
fn a_newer_version_says_so() {
    let newer = resealed(encoded(&signed(b"{}"), PLACE), |bytes| bytes[0] = 2);
    let error = decode(PLACE.position, &newer).unwrap_err();
    assert!(
        matches!(error, ReadError::NewerFormat { position, version: 2 } if position == PLACE.position),
        "{error:?}"
    );
}

#[test]
fn nothing_is_ever_longer_than_stated() {
    let raw = vec![b' '; 1_000_000];
    let (encoding, stored) = pack(&raw);
    assert!(stored.len() < 1_000, "it compresses well");
    for (stated, expected) in [
        (1_000_000, None),
        (999_999, Some("it cannot be decompressed")),
        (1_000_001, Some("it has another length than is said")),
    ] {
        assert_eq!(unpack(encoding, stated, &stored).err(), expected, "{stated}");
    }
    assert_eq!(unpack(0, 3, b"four"), Err("it has another length than is said"));
    let claim = resealed(encoded(&signed(b"{}"), PLACE), |bytes| {
        // The raw body's length, 2, lies before the 32 of its hash, its own length, itself and the digest.
        let at = bytes.len() - 32 - 2 - 1 - 32 - 1;
        bytes.splice(at..=at, [252, 1, 0, 0, 1]);
    });
    check_corrupt(&claim, "its body is longer than any that was taken");
}

#[test]
fn what_is_packed_is_found_again_among_other_bytes() {
    let body = event_body(3);
    let (_, stored) = pack(&body);
    let among = [&stored, &b"whatever follows"[..]].concat();
    assert_eq!(unpack_at(&among, body.len()), Some((body.clone(), stored.len())));
    assert_eq!(unpack_at(&among, body.len() - 1), None);
    assert_eq!(unpack_at(&among[1..], body.len()), None);
    assert_eq!(unpack_at(&among[..stored.len() - 1], body.len()), None);
}

#[test]
fn events_are_packed_to_a_sixth_and_noise_as_it_is() {
    for seed in 0..20 {
        let body = event_body(seed);
        assert!(pack(&body).1.len() * 6 <= body.len());
    }
    let noise: Vec<u8> = (0..64_u32).flat_map(|n| digest::sha256(&n.to_le_bytes())).collect();
    assert_eq!(pack(&noise), (0, noise.as_slice().into()));
}

#[test]
fn neither_body_nor_signature_is_shown() {
    let prepared = Prepared::new(signed(b"a customer's name")).unwrap();
    let shown = format!("{prepared:?} {:?}", signed(b"a customer's name"));
    // 97 is the body's first byte.
    assert!(!shown.contains("customer") && !shown.contains("v1=") && !shown.contains("97"), "{shown}");
}

fn any_record() -> impl Strategy<Value = NewRecord> {
    let id = prop_oneof![
        "[!-~]{1,255}".prop_map(|text| RecordId::Event(EventId::parse(&text).unwrap())),
        any::<[u8; 32]>().prop_map(RecordId::Quarantine),
    ];
    let provenance = prop_oneof![
        Just(Provenance::Imported),
        (".{0,300}", ".{0,20}")
            .prop_map(|(header, secret)| Provenance::Signed { header: header.into(), secret: secret.into() }),
    ];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        any::<u64>().prop_map(event_body),
        (any::<u8>(), 0..100_000_usize).prop_map(|(byte, bytes)| vec![byte; bytes]),
    ];
    (id, provenance, body, any::<i64>()).prop_map(|(id, provenance, body, received_at)| NewRecord {
        provider: Provider::Stripe,
        id,
        received_at: Millis(received_at),
        provenance,
        body: Body(body.into()),
    })
}

proptest! {
    #[test]
    fn what_is_encoded_comes_back(record in any_record(), position in any::<u64>(), previous in any::<[u8; 32]>()) {
        let place =
            Place { position: Position::new(position), received_at: record.received_at, previous: Digest(previous) };
        let read = decode(place.position, &encoded(&record, place)).unwrap();
        prop_assert_eq!(read.digest, read.digest_after(place.previous));
        prop_assert_eq!(read.content, record);
    }

    #[test]
    fn a_changed_record_never_panics(
        record in any_record(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let changed = resealed(encoded(&record, PLACE), |bytes| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len().min(1 + cut.index(bytes.len() * 4)));
        });
        if let Ok(read) = decode(PLACE.position, &changed) {
            // Only what the body's SHA-256 does not cover can have changed unnoticed; the chain covers that.
            prop_assert!(read.content.body == record.body || read.digest != read.digest_after(PLACE.previous));
        }
    }
}
