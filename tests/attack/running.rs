//! What the usual harness would do: choose by name, run side by side, tell the outcome in the usual words.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::Attack;

/// How many attacks run at once: more would only wait for one disk.
const AT_ONCE: usize = 2;
/// How the names of threads begin that belong to what is attacked.
const THEIRS: &[&str] = &["sled", "billfold"];

/// Options of the usual harness that take a value.
const WITH_VALUE: &[&str] = &["--skip", "--test-threads", "--format", "--color", "--logfile", "-Z"];

/// Those without one that say something to us.
const FLAGS: &[&str] = &["--exact", "--list", "--ignored", "--quiet", "-q"];

thread_local! {
    /// Panics on this thread are caught and judged.
    static JUDGED: Cell<bool> = const { Cell::new(false) };
}

/// Panics inside what is attacked.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// What the command line asks for.
#[derive(Default)]
struct Chosen {
    names: Vec<String>,
    skipped: Vec<String>,
    flags: BTreeSet<&'static str>,
}

impl Chosen {
    fn of(arguments: &[String]) -> Self {
        let mut chosen = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (option, joined) = match argument.split_once('=') {
                Some((option, value)) => (option, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let value =
                if WITH_VALUE.contains(&option) { joined.or_else(|| rest.next().cloned()) } else { None };
            match option {
                "--skip" => chosen.skipped.extend(value),
                option if !option.starts_with('-') => chosen.names.push(argument.clone()),
                // Those that change nothing here are taken all the same.
                option => chosen.flags.extend(FLAGS.iter().find(|flag| **flag == option)),
            }
        }
        chosen
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    fn takes(&self, name: &str) -> bool {
        let fits =
            |asked: &String| if self.has("--exact") { name == asked } else { name.contains(asked.as_str()) };
        !self.has("--ignored")
            && (self.names.is_empty() || self.names.iter().any(fits))
            && !self.skipped.iter().any(fits)
    }
}

/// Runs what is chosen.
pub(crate) fn run(attacks: &[Attack], arguments: &[String]) -> ExitCode {
    let chosen = Chosen::of(arguments);
    let mine: Vec<&Attack> = attacks.iter().filter(|(name, _)| chosen.takes(name)).collect();
    if chosen.has("--list") {
        for (name, _) in mine {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    listen_to_panics();
    let quiet = chosen.has("--quiet") || chosen.has("-q");
    if !quiet {
        println!("\nrunning {} tests", mine.len());
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let work = || {
                while let Some((name, attack)) = mine.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match catch_unwind(AssertUnwindSafe(attack)) {
                        Ok(figures) if quiet => drop(figures),
                        Ok(figures) => println!("test {name} ... ok\n    {figures}"),
                        Err(_) => {
                            println!("test {name} ... FAILED");
                            failed.lock().unwrap().push(*name);
                        }
                    }
                }
            };
            scope.spawn(work);
        }
    });
    crate::shim::clean();
    let failed = failed.into_inner().unwrap();
    let outcome = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {outcome}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out\n",
        mine.len() - failed.len(),
        failed.len(),
        attacks.len() - mine.len(),
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts the panics of what is attacked in silence; ours are told as usual.
fn listen_to_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let theirs = thread.name().is_some_and(|name| THEIRS.iter().any(|start| name.starts_with(start)));
        if JUDGED.get() || theirs {
            PANICS.fetch_add(1, Ordering::Relaxed);
        } else {
            tell(panic);
        }
    }));
}

/// Panics inside what is attacked, so far.
pub(crate) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// What `work` gives; none if it panicked.
pub(crate) fn judged<T>(work: impl FnOnce() -> T) -> Option<T> {
    JUDGED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work)).ok();
    JUDGED.set(false);
    outcome
}

/// A number from the environment, or what `cargo test` uses.
pub(crate) fn asked(variable: &str, usual: u64) -> u64 {
    let text = std::env::var_os(variable);
    text.and_then(|text| text.to_str()?.parse().ok()).unwrap_or(usual)
}

/// What all choices begin with.
pub(crate) fn seed() -> u64 {
    asked("BILLFOLD_SEED", 20_260_101)
}

/// A folder for one attack: in memory where the system has that, because what a disk does is modelled.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("billfold-attack-")
        .tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}
