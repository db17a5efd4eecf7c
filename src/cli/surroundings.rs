//! What the process finds around itself: clock, environment, terminal. The only place of `cli` that asks for them.

use std::io::{self, IsTerminal as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::failure::Failure;
use crate::model::time::{Millis, Seconds};

/// The signing secrets, several comma-separated.
pub(super) const SECRETS_VARIABLE: &str = "STRIPE_WEBHOOK_SECRET";

/// The bearer token of the read API.
pub(super) const TOKEN_VARIABLE: &str = "BILLFOLD_API_TOKEN";

/// Now, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is a door: the one place in `cli` where time is read")]
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Now, in whole seconds.
pub(super) fn now_seconds() -> Seconds {
    now().seconds()
}

/// A variable that is set and not empty.
///
/// # Errors
/// A usage failure when it is no text.
#[expect(clippy::disallowed_methods, reason = "this is a door: the one place where the environment is read")]
pub(super) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{name} is not valid UTF-8"))),
    }
}

/// Whether a person reads standard output.
pub(super) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person reads standard error.
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether colours are wanted on a terminal: `NO_COLOR` with any value says no (no-color.org).
pub(super) fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How many files this process may have open, where the system says so.
pub(super) fn open_files_max() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // The soft limit comes first; `unlimited` is no number.
    line.split_whitespace().next()?.parse().ok()
}

/// Whether every user of this machine can read a file.
pub(super) fn is_readable_by_all(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}
