//! SIGKILL at any moment: between any two calls on the disk, after any acknowledgement, while opening, while rebuilding.
//!
//! One folder is used on and on. A killed process leaves its writes in the system's memory, so this says nothing about
//! syncs: power.rs does.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use billfold::engine::{Billfold, ScopeFilter};
use billfold::lab::Dice;
use billfold::lab::crowd::Crowd;
use billfold::lab::world::Setting;

use crate::audit::{Acked, audit};
use crate::bodies::{Sizes, delivery, is_sent};
use crate::child::{Job, acked};
use crate::running::{asked, folder, seed};
use crate::server::{Server, billfold};
use crate::shim::{self, CHANGING, Control, NAMING, OPENING, Refusal};

/// How often each kind of process is killed in `cargo test`.
const KILLS: u64 = 12;
/// After so many kills a folder has grown enough: another one begins.
const KILLS_A_FOLDER: u64 = 25;
/// Acknowledgements until a process is killed at the latest.
const ACKS_MAX: usize = 300;
/// Connections that deliver at the same time.
const CONNECTIONS: usize = 6;

fn kills() -> u64 {
    asked("BILLFOLD_KILLS", KILLS)
}

/// Many producers at the library.
pub(crate) fn producers() -> String {
    let (mut events, mut records, mut dice) = (0, 0, Dice::of(seed(), 1));
    let mut done = 0;
    while done < kills() {
        let place = folder();
        let (data, mut acks, mut first) = (place.path().join("data"), Acked::new(), 0);
        let control = Control::new(place.path().join("control"));
        for _ in 0..KILLS_A_FOLDER.min(kills() - done) {
            let job = Job {
                data: data.clone(),
                first,
                count: 100_000,
                sizes: Sizes::Usual,
                rebuilds: dice.chance(40),
                acks: None,
            };
            first += 100_000;
            let mut command = job.command();
            shim::watch(&mut command, place.path(), None, Some(&control));
            let after_acks = 1 + dice.below(ACKS_MAX);
            match dice.below(3) {
                0 => {}
                1 => control.refuse(Refusal::kill_at(dice.below(400), CHANGING | OPENING), &data),
                // Few of these: opening, and the swap of rebuilt projections.
                _ => control.refuse(Refusal::kill_at(dice.below(60), NAMING | OPENING), &data),
            }
            run_and_kill(&mut command, after_acks, &mut acks);
            control.refuse_nothing();
            done += 1;
            records = audit(&data, &acks, &|id, stored| is_sent(id, stored, Sizes::Usual))
                .unwrap_or_else(|fault| panic!("after kill {done}: {fault}"));
        }
        events += acks.len();
    }
    format!("{done} kills, {events} events acknowledged, none lost; the last log held {records} records")
}

/// Takes in what is acknowledged until the process dies; kills it after so many lines.
fn run_and_kill(command: &mut Command, after_acks: usize, acks: &mut Acked) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    for count in 1.. {
        let Some(line) = lines.next() else { break };
        acks.extend(acked(&line));
        if count == after_acks {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was not killed, but ended by itself");
}

/// A business whose events are delivered over HTTP, and what came of them.
struct Deliveries {
    crowd: Crowd,
    bodies: Vec<(String, String)>,
    acked: Mutex<Vec<bool>>,
}

impl Deliveries {
    fn of(seed: u64, lives: usize, setting: &Setting) -> Self {
        let crowd = Crowd::play(seed, setting, lives);
        let deliveries = crowd.deliveries(seed);
        let bodies: Vec<_> = deliveries
            .iter()
            .map(|one| {
                let event = &crowd.lives()[one.life].events[one.arrival.event];
                (event.id.as_str().to_owned(), event.body(one.arrival.pending))
            })
            .collect();
        let acked = Mutex::new(vec![false; bodies.len()]);
        Self { crowd, bodies, acked }
    }

    fn acked(&self) -> Acked {
        let acked = self.acked.lock().unwrap();
        self.bodies
            .iter()
            .zip(&*acked)
            .filter(|(_, acked)| **acked)
            .map(|((id, _), _)| (id.clone(), None))
            .collect()
    }

    fn open(&self) -> Vec<usize> {
        let acked = self.acked.lock().unwrap();
        (0..acked.len()).filter(|place| !acked[*place]).collect()
    }

    /// Delivers over several connections what is not acknowledged, until all is, or until the server dies after `kill_after`
    /// acknowledgements.
    fn deliver(&self, server: &Server, connections: usize, kill_after: usize) {
        let open = self.open();
        let (next, acks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| {
                    // A connection that breaks is the server's death.
                    let Ok(mut connection) = server.connect() else { return };
                    while let Some(&place) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Ok((status, answer)) = connection.deliver(&self.bodies[place].1) else { return };
                        assert_eq!(status, 200, "{answer}");
                        self.acked.lock().unwrap()[place] = true;
                        if acks.fetch_add(1, Ordering::Relaxed) + 1 == kill_after {
                            server.kill();
                            return;
                        }
                    }
                });
            }
        });
    }

    /// The stored body is one of those that were sent under the id.
    fn audit(&self, data: &Path) -> Result<u64, String> {
        let mut sent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, body) in &self.bodies {
            sent.entry(id).or_default().push(body);
        }
        let is_sent = |id: &str, stored: &[u8]| {
            sent.get(id).is_some_and(|bodies| bodies.iter().any(|body| body.as_bytes() == stored))
        };
        audit(data, &self.acked(), &is_sent)
    }

    /// Every object is as the lab knows it to be, or flagged. Gives their number.
    fn judge(&self, data: &Path) -> u64 {
        assert!(self.open().is_empty(), "not everything was delivered");
        let billfold = Billfold::open(data).unwrap();
        let find = |key: &billfold::model::id::ObjectKey| {
            let shown = billfold.object(key.kind, &key.id, &ScopeFilter::only(&key.scope))?;
            Ok::<_, billfold::engine::QueryError>(shown.map(|shown| shown.object))
        };
        let judgement = self.crowd.judge(find).unwrap();
        assert!(judgement.wrong.is_empty(), "wrong: {:?}", judgement.wrong);
        judgement.objects
    }
}

/// The server, fed over several connections; `billfold rebuild` in between.
pub(crate) fn server() -> String {
    let (mut events, mut objects, mut done, mut dice) = (0, 0, 0, Dice::of(seed(), 2));
    while done < kills() {
        let rounds = KILLS_A_FOLDER.min(kills() - done);
        let place = folder();
        let data = place.path().join("data");
        let control = Control::new(place.path().join("control"));
        // Some forty deliveries a life, some thirty a kill.
        let deliveries = Deliveries::of(dice.next(), usize::try_from(rounds).unwrap(), &Setting::default());
        for round in 0..rounds {
            let watched = |command: &mut Command| shim::watch(command, place.path(), None, Some(&control));
            match dice.below(4) {
                0 => control.refuse(Refusal::kill_at(dice.below(60), CHANGING | OPENING), &data),
                1 if round > 0 => {
                    control.refuse(Refusal::kill_at(dice.below(60), CHANGING | OPENING), &data);
                    let mut rebuild = billfold();
                    rebuild
                        .arg("rebuild")
                        .arg("--data")
                        .arg(&data)
                        .stdout(Stdio::null())
                        .stderr(Stdio::null());
                    watched(&mut rebuild);
                    rebuild.status().unwrap();
                    control.refuse_nothing();
                }
                _ => {}
            }
            // A server that dies while it opens is a kill as well.
            if let Ok(server) = Server::start(&data, watched) {
                deliveries.deliver(&server, CONNECTIONS, dice.below(60) + 1);
                server.kill();
            }
            control.refuse_nothing();
            done += 1;
            deliveries.audit(&data).unwrap_or_else(|fault| panic!("after kill {done}: {fault}"));
        }
        let server = Server::start(&data, |_| ()).unwrap_or_else(|ended| panic!("{ended:?}"));
        deliveries.deliver(&server, CONNECTIONS, usize::MAX);
        server.kill();
        deliveries.audit(&data).unwrap();
        objects += deliveries.judge(&data);
        events += deliveries.bodies.len();
    }
    format!("{done} kills, {events} deliveries acknowledged, none lost; {objects} objects true or flagged")
}

/// A short life whose every delivery is followed by a kill.
fn short_life(number: u64) -> Deliveries {
    Deliveries::of(Dice::of(seed(), number).next(), 1, &Setting { steps_max: 1, ..Setting::default() })
}

/// The server dies after every delivery.
pub(crate) fn after_every_delivery() -> String {
    let (mut restarts, mut objects) = (0, 0);
    for number in 0..kills().div_ceil(4 * KILLS) {
        let (place, deliveries) = (folder(), short_life(number));
        let data = place.path().join("data");
        while !deliveries.open().is_empty() {
            let server = Server::start(&data, |_| ()).unwrap_or_else(|ended| panic!("{ended:?}"));
            deliveries.deliver(&server, 1, 1);
            restarts += 1;
        }
        deliveries.audit(&data).unwrap();
        objects += deliveries.judge(&data);
    }
    format!("{restarts} restarts; {objects} objects true or flagged")
}

/// The folder is closed and opened again after every delivery.
pub(crate) fn reopened_after_every_delivery() -> String {
    let (mut reopened, mut objects) = (0, 0);
    for number in 0..kills().div_ceil(4 * KILLS) {
        let (place, deliveries) = (folder(), short_life(100 + number));
        let data = place.path().join("data");
        for (place, (_, body)) in deliveries.bodies.iter().enumerate() {
            let billfold = Billfold::open(&data).unwrap();
            assert!(billfold.ingest_blocking(vec![delivery(body)]).unwrap()[0].shown);
            deliveries.acked.lock().unwrap()[place] = true;
            reopened += 1;
        }
        deliveries.audit(&data).unwrap();
        objects += deliveries.judge(&data);
    }
    format!("{reopened} times; {objects} objects true or flagged")
}
