//! The `billfold` binary: arguments in, an exit code out. Everything else is in the library's `cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    billfold::cli::run(std::env::args_os())
}
