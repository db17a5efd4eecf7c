//! Attacks on the promise that an acknowledged event survives: kills, power cuts, failing disks.
//!
//! A test binary without the usual harness, because it starts itself again as the process that is attacked.
//! docs/reliability.md says what is promised, and how to run this for hours:
//!
//! | variable | means |
//! |---|---|
//! | `BILLFOLD_KILLS` | how often each kind of process is killed |
//! | `BILLFOLD_CUTS` | how many images of a disk are opened |
//! | `BILLFOLD_FAULTS` | up to which call each fault is tried |
//! | `BILLFOLD_SEED` | other choices than those of `cargo test` |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking; helpers are not seen as tests by the lints"
)]

mod audit;
mod bodies;
mod child;
mod disk;
mod faults;
mod kill;
mod power;
mod running;
mod server;
mod shim;
mod trace;

use std::process::ExitCode;

/// One attack: its name, and what it gives back to say about itself.
type Attack = (&'static str, fn() -> String);

const ATTACKS: &[Attack] = &[
    ("kill::producers", kill::producers),
    ("kill::server", kill::server),
    ("kill::after_every_delivery", kill::after_every_delivery),
    ("kill::reopened_after_every_delivery", kill::reopened_after_every_delivery),
    ("power::cuts", power::cuts),
    ("power::without_fdatasync_events_are_lost", power::without_fdatasync_events_are_lost),
    ("power::without_synced_names_events_are_lost", power::without_synced_names_events_are_lost),
    ("faults::while_serving", faults::while_serving),
    ("faults::while_starting", faults::while_starting),
    ("faults::of_the_fold", faults::of_the_fold),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::ARGUMENT) {
        child::run(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    running::run(ATTACKS, &arguments)
}
