//! Record codec: any bytes are decoded within a bound on memory, or refused; what is encoded comes back; damage is noticed.
//!
//! Input: a byte that chooses, then bytes. They are read as a record or as a block, as they are or with the
//! checksum that they need; or they choose a record that is encoded, damaged and put into a block.
#![no_main]

use billfold::log::fuzzing::{block, decode, encode, position, records};
use billfold::log::{Body, Digest, NewRecord, PROVENANCE_BYTES_MAX, Provenance, Provider, RecordId};
use billfold::model::id::EventId;
use billfold::model::time::Millis;
use billfold_fuzz::bytes::Bytes;
use billfold_fuzz::memory;
use libfuzzer_sys::fuzz_target;

/// A claim may cost a raw body of 16 MiB and its copy, and not much more.
const BYTES_MAX: usize = 40 << 20;
/// The records of a block that are looked at.
const RECORDS_MAX: usize = 64;
/// The position of the seeds.
const POSITION: u64 = 300;

fn check_record(bytes: &[u8]) {
    let Ok(record) = memory::bounded(BYTES_MAX, || decode(position(POSITION), bytes)) else { return };
    assert_eq!(record.position.get(), POSITION);
    let (again, digest) = encode(record.content.clone(), record.position, Digest::GENESIS).unwrap();
    let back = decode(record.position, &again).unwrap();
    assert_eq!(back.content, record.content, "what was read can be written");
    assert_eq!((back.digest, digest), (record.digest_after(Digest::GENESIS), back.digest));
}

fn check_block(bytes: &[u8]) {
    let Ok((_, records)) = memory::bounded(BYTES_MAX, || records(bytes)) else { return };
    for (_, record) in records.into_iter().take(RECORDS_MAX) {
        if let Ok(read) = memory::bounded(BYTES_MAX, || record.decode()) {
            assert_eq!(read.position, record.position());
        }
    }
}

/// The checksum where a record has it.
fn sealed_record(bytes: &[u8]) -> Vec<u8> {
    [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat()
}

/// The checksum where a block's directory has it, and as many records and frames as there are: whatever lies behind the
/// first half is what the frames hold.
fn sealed_block(bytes: &[u8]) -> Vec<u8> {
    let (head, rest) = bytes.split_at(bytes.len() / 2);
    let mut head = head.to_vec();
    let framed = head.first() == Some(&2);
    let begin = if framed { 17 } else { 13 };
    if let Some(room) = head.len().checked_sub(begin) {
        let frames = if framed { room / (16 + 9) } else { 0 };
        let records = (room - frames * 9) / 16;
        head[9..13].copy_from_slice(&(records as u32).to_be_bytes());
        if framed {
            head[13..17].copy_from_slice(&(frames as u32).to_be_bytes());
        }
        head.truncate(begin + records * 16 + frames * 9);
    }
    [&head[..], &crc32fast::hash(&head).to_be_bytes(), rest].concat()
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

fn chosen(bytes: &mut Bytes) -> NewRecord {
    let id = match bytes.byte() {
        0 => RecordId::Quarantine(std::array::from_fn(|_| bytes.byte())),
        length => {
            let printable: String =
                bytes.take(length.into()).iter().map(|byte| char::from(b'!' + byte % 94)).collect();
            RecordId::Event(EventId::parse(&printable).unwrap_or_else(|_| EventId::parse("evt_1").unwrap()))
        }
    };
    let received_at = Millis(bytes.number() as i64);
    let header = usize::from(bytes.byte());
    let provenance = match bytes.byte() {
        0 => Provenance::Imported,
        label => {
            Provenance::Signed { header: text(bytes.take(header)), secret: text(bytes.take(label.into())) }
        }
    };
    // A short pattern many times is a long body that compresses.
    let times = 1 + usize::from(bytes.byte());
    let body = bytes.0.repeat(times);
    NewRecord { provider: Provider::Stripe, id, received_at, provenance, body: Body(body.into()) }
}

fn check_chosen(bytes: &mut Bytes) {
    let (place, previous) = (position(bytes.number()), Digest(std::array::from_fn(|_| bytes.byte())));
    let damage = (bytes.number() as usize, bytes.byte());
    let record = chosen(bytes);
    let too_large = match &record.provenance {
        Provenance::Signed { header, secret } => header.len() + secret.len() > PROVENANCE_BYTES_MAX,
        Provenance::Imported => false,
    };
    let encoded = encode(record.clone(), place, previous);
    assert_eq!(encoded.is_err(), too_large);
    let Ok((stored, digest)) = encoded else { return };
    let back = decode(place, &stored).unwrap();
    assert_eq!((&back.content, back.position), (&record, place));
    assert_eq!((back.digest, back.digest_after(previous)), (digest, digest), "the chain");
    assert!(decode(position(place.get() ^ 1), &stored).is_err(), "another position");

    let at = damage.0 % stored.len();
    let mut damaged = stored.clone();
    damaged[at] ^= damage.1.max(1);
    assert!(decode(place, &damaged).is_err(), "a changed byte is noticed");
    assert!(decode(place, &stored[..at]).is_err(), "a lost end is noticed");
    // With a checksum that fits, the rest is on its own: no more is promised than an end.
    damaged.truncate(stored.len() - 4);
    let _ = memory::bounded(BYTES_MAX, || decode(place, &sealed_record(&damaged)));

    let (raw, record_place) = (record.body.0.len() as u32, place);
    let items =
        [(place, raw, stored.clone()), (position(place.get().saturating_add(1)), raw, stored.clone())];
    let whole = block(7, &items).unwrap();
    let (before, found) = records(&whole).unwrap();
    assert_eq!((before, found.len()), (7, 2));
    for ((length, found), (place, raw, stored)) in found.into_iter().zip(&items) {
        assert_eq!((found.position(), found.raw_bytes(), length), (*place, *raw, stored.len()));
        // The second one says another position than its block.
        assert_eq!(found.decode().is_ok(), found.position() == record_place);
    }
    check_block(&whole[..damage.0 % whole.len()]);
    let mut damaged = whole;
    let at = damage.0 % damaged.len();
    damaged[at] ^= damage.1.max(1);
    check_block(&damaged);
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    match bytes.byte() % 6 {
        0 => check_record(bytes.0),
        1 => check_record(&sealed_record(bytes.0)),
        2 => check_block(bytes.0),
        3 => check_block(&sealed_block(bytes.0)),
        _ => check_chosen(&mut bytes),
    }
});
