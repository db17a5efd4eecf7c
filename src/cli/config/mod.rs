//! `config`: what the server is told, by flags over variables over `billfold.toml`, and what of it does not fit.
//!
//! Never shows a secret: labels and the places where secrets are.
//!
//! ```text
//! flags, variables, file → sources → effective::Config → keyring::gather → http::Keyring
//! ```

mod effective;
mod file;
mod flags;
mod keyring;
mod keys;
mod problem;
mod show;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod values;

use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::settings::Settings;
use crate::http::{Endpoints, Keyring};

pub(super) use effective::Config;
pub(super) use flags::ServeFlags;
pub(super) use keyring::{described_secrets, gather};
use problem::Place;
pub(super) use problem::Problems;
pub(super) use values::LogFormat;

/// The server's configuration: check it, show it, list its keys
#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    Check(CheckArgs),
    Show(show::ShowArgs),
    Keys(table::KeysArgs),
}

/// Check the configuration: everything that does not fit, at once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It reads what `serve` would read: flags, variables, the file, every secret and token, and the folder's settings.
Nothing is opened, listened on or changed. Run it before a start, and before `kill -HUP`.
Exit code 0: the server would start (warnings may be told); 2: it would not.

Examples:
  billfold config check
  billfold config check --config /etc/billfold/billfold.toml --data /var/lib/billfold
  billfold config check --json")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    flags: ServeFlags,
    /// Print `{"ok": …, "file": …, "problems": [{"severity", "file", "line", "key", "what", "help"}]}`.
    #[arg(long)]
    json: bool,
}

impl ConfigCommand {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Check(arguments) => arguments.run(out),
            Self::Show(arguments) => arguments.run(out),
            Self::Keys(arguments) => arguments.run(out),
        }
    }
}

impl CheckArgs {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut problems = Problems::default();
        let config = Config::load(&self.flags, &mut problems);
        let keyring = gather(&config, &mut problems);
        if let Err(failure) = Settings::of(self.flags.data().path()) {
            problems.failure(Place::default(), failure);
        }
        let ok = keyring.is_some() && !problems.any_error();
        if self.json {
            out.json(&json!({
                "ok": ok,
                "file": config.file.as_deref().map(|path| path.display().to_string()),
                "problems": problems.to_json(),
            }))?;
        } else {
            out.text(&problems.told())?;
            if ok {
                let file = config.file.as_deref().map(|path| format!("{}: ", path.display()));
                out.text(&format!("{}the configuration fits\n", file.unwrap_or_default()))?;
            }
        }
        Ok(if ok { Exit::Done } else { Exit::Usage })
    }
}

/// The endpoints that a server would have, and what is odd about the configuration.
///
/// # Errors
/// A usage failure with everything that does not fit.
pub(super) fn endpoints(flags: &ServeFlags) -> Result<(Endpoints, Vec<String>), Failure> {
    let mut problems = Problems::default();
    let config = Config::load(flags, &mut problems);
    match keyring::endpoints(&config, &mut problems) {
        Some(endpoints) => Ok((endpoints, problems.warnings().collect())),
        None => Err(problems.into_failure().unwrap_or_else(misfit)),
    }
}

/// What `serve` needs: the configuration and its keyring, or everything that does not fit.
///
/// # Errors
/// A usage failure.
pub(super) fn load(flags: &ServeFlags) -> Result<(Config, Keyring, Problems), Failure> {
    let mut problems = Problems::default();
    let config = Config::load(flags, &mut problems);
    match gather(&config, &mut problems) {
        Some(keyring) if !problems.any_error() => Ok((config, keyring, problems)),
        _ => Err(problems.into_failure().unwrap_or_else(misfit)),
    }
}

fn misfit() -> Failure {
    Failure::usage("the configuration does not fit")
}
