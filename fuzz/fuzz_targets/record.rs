//! Record codec: any bytes are decoded within a bound on memory, or refused; what is encoded comes back; damage is noticed.
//!
//! Input: a byte that chooses, then bytes. They are read as a record or as a block's directory, as they are or with the
//! checksum that they need; or they choose a record that is encoded, damaged and put into a block.
#![no_main]

use billfold::log::fuzzing::{block, decode, directory, encode, position};
use billfold::log::{Body, Digest, NewRecord, PROVENANCE_BYTES_MAX, Provenance, Provider, RecordId};
use billfold::model::id::EventId;
use billfold::model::time::Millis;
use billfold_fuzz::bytes::Bytes;
use billfold_fuzz::memory;
use libfuzzer_sys::fuzz_target;

/// A claim may cost a raw body of 16 MiB and its copy, and not much more.
const BYTES_MAX: usize = 40 << 20;
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

fn check_directory(bytes: &[u8]) {
    let Ok((_, items)) = memory::bounded(BYTES_MAX, || directory(bytes)) else { return };
    let mut end = items.first().map_or(0, |(_, _, range)| range.start);
    for (_, _, range) in items {
        assert_eq!(range.start, end, "back to back");
        assert!(range.start <= range.end);
        end = range.end;
    }
}

/// The checksum where a record has it.
fn sealed_record(bytes: &[u8]) -> Vec<u8> {
    [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat()
}

/// The checksum where a block's directory of that many items has it, and as many items as there are.
fn sealed_directory(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(count) = bytes.len().checked_sub(13).map(|rest| rest / 16) {
        bytes[9..13].copy_from_slice(&(count as u32).to_be_bytes());
        bytes.truncate(13 + count * 16);
    }
    [&bytes[..], &crc32fast::hash(&bytes).to_be_bytes()].concat()
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

    let raw = record.body.0.len() as u32;
    let items =
        [(place, raw, stored.clone()), (position(place.get().saturating_add(1)), raw, stored.clone())];
    let whole = block(7, &items).unwrap();
    let (before, found) = directory(&whole).unwrap();
    assert_eq!((before, found.len()), (7, 2));
    for ((place, raw, range), item) in found.into_iter().zip(&items) {
        assert_eq!((place, raw, &whole[range]), (item.0, item.1, &item.2[..]));
    }
    check_directory(&whole[..damage.0 % whole.len()]);
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    match bytes.byte() % 6 {
        0 => check_record(bytes.0),
        1 => check_record(&sealed_record(bytes.0)),
        2 => check_directory(bytes.0),
        3 => check_directory(&sealed_directory(bytes.0)),
        _ => check_chosen(&mut bytes),
    }
});
