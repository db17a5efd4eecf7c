//! A disk that refuses: full, broken, read-only, no descriptors left; at every n-th call, while starting and serving.
//!
//! What is attacked is the real server. It may refuse deliveries and it may refuse to start, in words; it may not
//! acknowledge what it has not stored, nor need more than a start without the fault to go on.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use billfold::lab::Dice;
use tempfile::TempDir;

use crate::audit::{Acked, audit};
use crate::bodies::{Sizes, body, id, is_sent};
use crate::running::{asked, folder, seed};
use crate::server::{Ended, Server};
use crate::shim::{self, CHANGING, Control, NAMING, OPENING, OPENING_TO_WRITE, Refusal, SYNCING, WRITING};

/// Up to which call each fault is tried in `cargo test` while serving.
const FAULTS: u64 = 3;
/// Up to which call faults are tried while starting: opening takes fewer.
const STARTING_CALLS: u64 = 60;
/// Connections that deliver at the moment of a fault.
const CONNECTIONS: u64 = 4;
/// Deliveries of each of them.
const DELIVERIES: u64 = 5;
/// Deliveries until the projections are written to disk: they are once a second, and no delivery takes much less than one
/// thousandth of that.
const UNTIL_WRITTEN_MAX: u64 = 20_000;

/// Numbers of errors, the same on every Linux.
const EIO: u64 = 5;
const EMFILE: u64 = 24;
const ENOSPC: u64 = 28;
const EROFS: u64 = 30;

/// A way to fail.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kinds: u64,
    error: u64,
    /// All later calls fail as well.
    stays: bool,
}

impl Fault {
    const fn at(self, call: u64) -> Refusal {
        let last = if self.stays { u64::MAX } else { call };
        Refusal { kinds: self.kinds, first: call, last, error: self.error }
    }
}

const FULL: Fault = Fault { kinds: WRITING | NAMING, error: ENOSPC, stays: true };
const BROKEN_WRITE: Fault = Fault { kinds: WRITING, error: EIO, stays: false };
const BROKEN_SYNC: Fault = Fault { kinds: SYNCING, error: EIO, stays: false };
const READ_ONLY: Fault = Fault { kinds: WRITING | NAMING | OPENING_TO_WRITE, error: EROFS, stays: true };
const NO_DESCRIPTORS: Fault = Fault { kinds: OPENING, error: EMFILE, stays: true };
const ONE_DESCRIPTOR_SHORT: Fault = Fault { kinds: OPENING, error: EMFILE, stays: false };
const BROKEN_ONCE: Fault = Fault { kinds: CHANGING, error: EIO, stays: false };

/// A folder, a server on it, and what it acknowledged.
struct Attacked {
    place: TempDir,
    data: PathBuf,
    control: Control,
    acked: Mutex<Acked>,
    next: AtomicU64,
}

impl Attacked {
    fn new() -> Self {
        let place = folder();
        let (data, control) = (place.path().join("data"), Control::new(place.path().join("control")));
        Self { place, data, control, acked: Mutex::default(), next: AtomicU64::new(0) }
    }

    fn start(&self) -> Result<Server, Ended> {
        let watched =
            |command: &mut Command| shim::watch(command, self.place.path(), None, Some(&self.control));
        Server::start(&self.data, watched)
    }

    #[track_caller]
    fn serve(&self) -> Server {
        self.start().unwrap_or_else(|ended| panic!("no server: {ended:?}"))
    }

    /// Delivers some events; gives the statuses. What is answered 200 is acknowledged, all else is 503.
    fn deliver(&self, server: &Server, count: u64) -> Vec<u16> {
        let mut connection = server.connect().unwrap();
        let mut statuses = Vec::new();
        for _ in 0..count {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let (status, answer) = connection
                .deliver(&body(number, Sizes::Usual))
                .unwrap_or_else(|error| panic!("a delivery is not answered ({error}): {}", server.told()));
            match status {
                200 => drop(self.acked.lock().unwrap().insert(id(number), None)),
                503 => assert!(answer.contains("not stored"), "{answer}"),
                other => panic!("{other}: {answer}"),
            }
            statuses.push(status);
        }
        statuses
    }

    /// A start without the fault: ready, takes everything again, and has lost nothing.
    fn recover(&self, what: &str) {
        self.control.refuse_nothing();
        let server =
            self.start().unwrap_or_else(|ended| panic!("{what}: it does not start again: {ended:?}"));
        let mut connection = server.connect().unwrap();
        let (status, answer) = connection.get("/health/ready").unwrap();
        assert_eq!(status, 200, "{what}: not ready after a restart: {answer}");
        for number in 0..self.next.load(Ordering::Relaxed) {
            let (status, answer) = connection.deliver(&body(number, Sizes::Usual)).unwrap();
            assert_eq!(status, 200, "{what}: {answer}");
            self.acked.lock().unwrap().insert(id(number), None);
        }
        server.kill();
        self.audit(what);
    }

    fn audit(&self, what: &str) {
        let is_sent = |id: &str, stored: &[u8]| is_sent(id, stored, Sizes::Usual);
        audit(&self.data, &self.acked.lock().unwrap(), &is_sent)
            .unwrap_or_else(|fault| panic!("{what}: {fault}"));
    }
}

/// The n-th call on the log fails while several connections deliver.
pub(crate) fn while_serving() -> String {
    let (faults, mut tried) = (asked("BILLFOLD_FAULTS", FAULTS), 0);
    for fault in [FULL, BROKEN_WRITE, BROKEN_SYNC, READ_ONLY] {
        for call in 1..=faults {
            break_while_serving(fault, call);
            tried += 1;
        }
    }
    format!("{tried} faults: 503 from then on, reads and health go on, nothing acknowledged is lost")
}

fn break_while_serving(fault: Fault, call: u64) {
    let what = format!("{fault:?} at call {call}");
    let attacked = Attacked::new();
    let server = attacked.serve();
    assert_eq!(attacked.deliver(&server, 3), [200; 3], "{what}");
    attacked.control.refuse(fault.at(call), &attacked.data.join("log"));
    while attacked.control.refused() == 0 {
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| attacked.deliver(&server, DELIVERIES));
            }
        });
    }
    // The disk is well again; what it did is not known, so nothing is taken before a restart.
    attacked.control.refuse_nothing();
    assert_eq!(attacked.deliver(&server, 2), [503; 2], "{what}");
    let mut connection = server.connect().unwrap();
    assert_eq!(connection.get("/health/live").unwrap().0, 200, "{what}");
    let (status, answer) = connection.get("/health/ready").unwrap();
    assert!(
        status == 503 && answer.contains("refuses to append since a write failed"),
        "{what}: {status} {answer}"
    );
    let (status, answer) = connection.get("/v1/customers").unwrap();
    assert!(status == 200 && answer.contains("cus_"), "{what}: {status} {answer}");
    drop(connection);
    if call.is_multiple_of(2) {
        server.kill();
    } else {
        let ended = server.end();
        assert_eq!(ended.code, Some(0), "{what}: {ended:?}");
        assert!(!ended.told.contains("panicked"), "{what}: {}", ended.told);
    }
    attacked.recover(&what);
}

/// The n-th call below the folder fails while it is opened, a new folder and one with events in it.
pub(crate) fn while_starting() -> String {
    // Calls at equal distances, other ones for each fault; with a large number every call.
    let step = (STARTING_CALLS / (2 * asked("BILLFOLD_FAULTS", FAULTS))).max(1);
    let (mut told, mut in_spite, mut dice) = (0, 0, Dice::of(seed(), 20));
    for fault in [FULL, BROKEN_ONCE, READ_ONLY, NO_DESCRIPTORS, ONE_DESCRIPTOR_SHORT] {
        let filled = Attacked::new();
        let server = filled.serve();
        filled.deliver(&server, 5);
        server.kill();
        let first = 1 + dice.next() % step;
        for call in (first..=STARTING_CALLS).step_by(usize::try_from(step).unwrap()) {
            let empty = Attacked::new();
            for (attacked, has) in [(&filled, "a folder with events"), (&empty, "a new folder")] {
                let what = format!("{fault:?} at call {call} on {has}");
                attacked.control.refuse(fault.at(call), attacked.place.path());
                match attacked.start() {
                    Err(ended) => {
                        told += 1;
                        assert_told(&ended, &what);
                    }
                    Ok(server) => {
                        in_spite += 1;
                        attacked.deliver(&server, 1);
                        server.kill();
                    }
                }
            }
            empty.recover(&format!("{fault:?} at call {call} on a new folder"));
        }
        filled.recover(&format!("{fault:?} while starting"));
    }
    format!(
        "{told} starts were refused in words, {in_spite} went well in spite of the fault; nothing was lost"
    )
}

/// It ended by itself, said what and what to do, and showed no insides.
#[track_caller]
fn assert_told(ended: &Ended, what: &str) {
    let Ended { code, told } = ended;
    // A file that cannot be read is told as damage.
    assert!(matches!(code, Some(1 | 6)), "{what}: {code:?} {told}");
    assert!(told.lines().any(|line| line.starts_with("error: ")), "{what}: {told}");
    assert!(!told.contains("panicked"), "{what}: {told}");
    let remedies = ["make room", "give this user", "give it the right", "look at the disk", "help: "];
    assert!(remedies.iter().any(|remedy| told.contains(remedy)), "{what}: no remedy in: {told}");
}

/// The disk fails below the projections, or below the feed: deliveries are still stored, and the next start makes up for it.
pub(crate) fn of_the_fold() -> String {
    let mut deliveries = 0;
    for (fault, room) in
        [FULL, BROKEN_WRITE].into_iter().flat_map(|fault| [(fault, "projection"), (fault, "feed")])
    {
        let what = format!("{fault:?} below {room}");
        let attacked = Attacked::new();
        let server = attacked.serve();
        attacked.control.refuse(fault.at(1), &attacked.data.join(room));
        while attacked.control.refused() == 0 {
            assert_eq!(attacked.deliver(&server, 1), [200], "{what}");
            assert!(
                attacked.next.load(Ordering::Relaxed) < UNTIL_WRITTEN_MAX,
                "{what}: nothing is ever written"
            );
        }
        assert_eq!(attacked.deliver(&server, 1), [200], "{what}: the log is well");
        let mut connection = server.connect().unwrap();
        let (status, answer) = connection.get("/health/ready").unwrap();
        assert!(status == 503 && answer.contains("projections"), "{what}: {status} {answer}");
        assert_eq!(connection.get("/health/live").unwrap().0, 200, "{what}");
        assert_eq!(connection.get("/v1/customers").unwrap().0, 200, "{what}: {}", server.told());
        drop(connection);
        let ended = server.end();
        assert_eq!(ended.code, Some(0), "{what}: {ended:?}");
        deliveries += attacked.next.load(Ordering::Relaxed);
        attacked.recover(&what);
    }
    format!(
        "{deliveries} deliveries stored while the projections or the feed could not be written; folded at the next start"
    )
}
