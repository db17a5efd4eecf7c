//! The process that is attacked when it is not the server: many producers at the library, some of them saying the same.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use billfold::engine::Billfold;
use billfold::lab::Dice;

use crate::bodies::{Sizes, body, delivery, id, number};

/// What the binary is started with to be that process.
pub(crate) const ARGUMENT: &str = "--be-attacked";
/// Threads that ingest at the same time.
const PRODUCERS: u64 = 8;

/// What the process does.
pub(crate) struct Job {
    /// The folder.
    pub(crate) data: PathBuf,
    /// The number of its first event.
    pub(crate) first: u64,
    /// How many events it ingests.
    pub(crate) count: u64,
    /// How long their bodies are.
    pub(crate) sizes: Sizes,
    /// Whether it rebuilds the projections meanwhile, again and again.
    pub(crate) rebuilds: bool,
    /// Where it says what was acknowledged; on standard output unless said.
    pub(crate) acks: Option<PathBuf>,
}

impl Job {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(ARGUMENT).arg(&self.data).args([self.first.to_string(), self.count.to_string()]);
        command.args([self.sizes.word(), if self.rebuilds { "rebuilds" } else { "-" }]);
        command.args(&self.acks);
        command
    }

    fn of(arguments: &[String]) -> Self {
        Self {
            data: PathBuf::from(&arguments[0]),
            first: arguments[1].parse().unwrap(),
            count: arguments[2].parse().unwrap(),
            sizes: Sizes::named(&arguments[3]),
            rebuilds: arguments[4] == "rebuilds",
            acks: arguments.get(5).map(PathBuf::from),
        }
    }
}

/// Reads what the process said about an event: its id, and where its record is.
pub(crate) fn acked(line: &str) -> Option<(String, Option<u64>)> {
    let (number, position) = line.split_once(' ')?;
    Some((id(number.parse().ok()?), Some(position.parse().ok()?)))
}

/// Does the job.
pub(crate) fn run(arguments: &[String]) {
    let job = Job::of(arguments);
    let billfold = Billfold::open(&job.data).unwrap();
    let acks: Box<dyn Write + Send> = match &job.acks {
        Some(path) => Box::new(File::options().append(true).open(path).unwrap()),
        None => Box::new(std::io::stdout()),
    };
    let (acks, next, ended) = (Mutex::new(acks), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        if job.rebuilds {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    assert!(!billfold.rebuild(&|_| ()).unwrap().changed);
                }
            });
        }
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn({
                    let (job, billfold, acks, next) = (&job, &billfold, &acks, &next);
                    move || produce(job, producer, billfold, acks, next)
                })
            })
            .collect();
        let outcomes: Vec<_> = producers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.store(true, Ordering::Relaxed);
        for outcome in outcomes {
            outcome.unwrap();
        }
    });
}

/// Ingests a few events at a time, sometimes one that came before, until all are taken.
fn produce(
    job: &Job,
    producer: u64,
    billfold: &Billfold,
    acks: &Mutex<Box<dyn Write + Send>>,
    next: &AtomicU64,
) {
    let mut dice = Dice::of(job.first, producer);
    loop {
        let count = u64::try_from(dice.between(1, 4)).unwrap();
        let from = next.fetch_add(count, Ordering::Relaxed);
        if from >= job.count {
            return;
        }
        let mut numbers: Vec<u64> =
            (from..(from + count).min(job.count)).map(|place| job.first + place).collect();
        if dice.chance(15) {
            // It may have been acknowledged, be under way at another producer, or lie before a crash.
            numbers.push(dice.next() % (job.first + from + 1));
        }
        let deliveries = numbers.iter().map(|number| delivery(&body(*number, job.sizes))).collect();
        let ingested = billfold.ingest_blocking(deliveries).unwrap();
        let mut lines = String::new();
        for one in ingested {
            let number = number(&one.id.to_string()).unwrap();
            writeln!(lines, "{number} {}", one.outcome.position()).unwrap();
        }
        let mut acks = acks.lock().unwrap();
        // In one call: a line that is there is whole.
        acks.write_all(lines.as_bytes()).unwrap();
        acks.flush().unwrap();
    }
}
