//! Any operations on a log: the durable one does what the simple twin does, through every closing and opening.
//!
//! Input: one operation after the other. Each run has a folder of its own under `TMPDIR`; one in memory is quicker.
#![no_main]

use std::path::Path;

use billfold::log::fuzzing::position;
use billfold::log::{
    Ack, Body, Digest, EventLog, MemoryLog, NewRecord, PROVENANCE_BYTES_MAX, Position, Provenance, Provider,
    Record, RecordId, SledLog, SledOptions,
};
use billfold::model::id::EventId;
use billfold::model::time::Millis;
use billfold_fuzz::bytes::Bytes;
use billfold_fuzz::dice::Dice;
use libfuzzer_sys::fuzz_target;

const OPERATIONS_MAX: usize = 32;
/// More opens a run would only be slow.
const REOPENS_MAX: usize = 3;
/// Few ids, so that duplicates are common.
const IDS: usize = 40;

fn id(number: usize) -> RecordId {
    match number % 2 {
        1 => RecordId::Quarantine([number as u8; 32]),
        _ => RecordId::Event(EventId::parse(&format!("evt_{number}")).unwrap()),
    }
}

/// A body whose length is chosen by `size`: mostly short, some longer than one value of the store.
fn body(size: u8, number: usize) -> Body {
    let bytes = match size {
        0..0xf8 => usize::from(size) * 23,
        _ => usize::from(size & 7) * 70_000,
    };
    if number.is_multiple_of(3) {
        let mut dice = Dice(u64::from(size));
        return Body((0..bytes).map(|_| dice.roll(256) as u8).collect());
    }
    let line = format!("{{\"id\":\"evt_{number}\",\"object\":\"event\",\"amount\":{size}}},");
    Body(line.bytes().cycle().take(bytes).collect())
}

fn record(bytes: &mut Bytes) -> NewRecord {
    let (number, time, size) = (bytes.below(IDS), bytes.byte(), bytes.byte());
    let received_at = match time {
        0xff => i64::MAX,
        0xfe => i64::MIN,
        _ => i64::from(time),
    };
    let provenance = match time % 4 {
        0 => Provenance::Imported,
        _ => Provenance::Signed { header: format!("t={time}").into(), secret: "main".into() },
    };
    NewRecord {
        provider: Provider::Stripe,
        id: id(number),
        received_at: Millis(received_at),
        provenance,
        body: body(size, number),
    }
}

fn too_large() -> NewRecord {
    let header = "t".repeat(PROVENANCE_BYTES_MAX).into();
    NewRecord {
        provider: Provider::Stripe,
        id: id(0),
        received_at: Millis(0),
        provenance: Provenance::Signed { header, secret: "main".into() },
        body: body(1, 0),
    }
}

/// The two logs, and what was appended to both without waiting for it.
struct Twins {
    sled: SledLog,
    memory: MemoryLog,
    waiting: Vec<(Ack, Ack)>,
}

impl Twins {
    fn append(&mut self, records: Vec<NewRecord>) {
        self.waiting.push((self.sled.append(records.clone()), self.memory.append(records)));
    }

    fn settle(&mut self) {
        for (sled, memory) in self.waiting.drain(..) {
            match (sled.wait(), memory.wait()) {
                (Ok(sled), Ok(memory)) => assert_eq!(sled, memory),
                (sled, memory) => {
                    assert_eq!(sled.unwrap_err().to_string(), memory.unwrap_err().to_string());
                }
            }
        }
        assert_eq!(self.sled.head(), self.memory.head());
        assert_eq!(self.sled.poisoned(), None);
    }

    fn reopen(self, folder: &Path) -> Self {
        // Closing stores what is queued: nobody has to wait for it.
        let Self { sled, memory, waiting } = self;
        drop(sled);
        let mut twins = Self { sled: open(folder), memory, waiting };
        twins.settle();
        twins
    }

    fn check_page(&self, after: Position, max: usize) -> Vec<Record> {
        let page = self.sled.read(after, max).unwrap();
        assert_eq!(page, self.memory.read(after, max).unwrap());
        page
    }

    fn check_whole(&self) {
        let (mut after, mut digest) = (Position::START, Digest::GENESIS);
        loop {
            let page = self.check_page(after, 5);
            let Some(last) = page.last() else { break };
            after = last.position;
            for record in &page {
                assert_eq!(record.digest, record.digest_after(digest), "the chain");
                digest = record.digest;
            }
        }
        assert_eq!(self.sled.head().digest, digest);
    }
}

fn open(folder: &Path) -> SledLog {
    SledLog::open(&folder.join("log"), &SledOptions { cache_bytes: 1 << 20 }).unwrap()
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    if bytes.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut twins = Twins { sled: open(folder.path()), memory: MemoryLog::new(), waiting: Vec::new() };
    let mut reopens = 0;
    for _ in 0..OPERATIONS_MAX {
        if bytes.is_empty() {
            break;
        }
        let operation = bytes.byte();
        match operation % 16 {
            0..8 => {
                let count = bytes.below(8);
                twins.append((0..count).map(|_| record(&mut bytes)).collect());
                if operation & 0x10 == 0 {
                    twins.settle();
                }
            }
            8 => {
                let first = record(&mut bytes);
                twins.append(vec![first, too_large()]);
            }
            9 | 10 => {
                twins.settle();
                let id = id(bytes.below(IDS));
                let found = twins.sled.find(Provider::Stripe, &id).unwrap();
                assert_eq!(found, twins.memory.find(Provider::Stripe, &id).unwrap());
            }
            11..14 => {
                twins.settle();
                let (after, max) = (bytes.byte(), bytes.below(20));
                let after = if after == 0xff { u64::MAX } else { u64::from(after % 64) };
                twins.check_page(position(after), max);
            }
            _ if reopens < REOPENS_MAX => {
                reopens += 1;
                twins = twins.reopen(folder.path());
            }
            _ => twins.settle(),
        }
    }
    twins.settle();
    twins.check_whole();
    twins.reopen(folder.path()).check_whole();
});
