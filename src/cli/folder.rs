//! The folder of this machine: where it is, how it is opened, and what is said when it does not open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::Exit;
use super::failure::Failure;
use super::progress::Bar;
use super::settings::Settings;
use crate::engine::{Billfold, OnProgress, OpenError, Options, Shadow};
use crate::log;

/// Where the folder is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct DataArgs {
    /// The folder with the event log and what is folded from it.
    #[arg(long, value_name = "DIR", default_value = "./billfold-data", env = "BILLFOLD_DATA")]
    data: PathBuf,
}

impl DataArgs {
    pub(super) fn path(&self) -> &Path {
        &self.data
    }

    /// Opens the folder; makes it where there is none.
    pub(super) fn open_or_make(&self) -> Result<Billfold, Failure> {
        let bar = Arc::new(Bar::records("folding"));
        let shown = Arc::clone(&bar);
        let on_progress: OnProgress = Arc::new(move |progress| shown.show(progress));
        let options = Options { on_progress: Some(on_progress), ..self.options()? };
        let opened = Billfold::open_with(options).map_err(|error| self.failure(&error));
        bar.hide();
        opened
    }

    /// Opens a folder that must exist and hold a log: a question must not leave an empty one behind.
    pub(super) fn open(&self) -> Result<Billfold, Failure> {
        self.must_hold_a_log()?;
        self.open_or_make()
    }

    /// Opens such a folder to fold beside what it holds.
    pub(super) fn open_shadow(&self) -> Result<Shadow, Failure> {
        self.must_hold_a_log()?;
        Shadow::open(self.options()?).map_err(|error| self.failure(&error))
    }

    /// The options that the folder's settings ask for.
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let settings = Settings::of(&self.data)?;
        Ok(Options {
            policy: settings.policy,
            reference_keys: settings.reference_keys,
            ..Options::new(&self.data)
        })
    }

    /// Refuses a folder that holds no log.
    pub(super) fn must_hold_a_log(&self) -> Result<(), Failure> {
        let missing = |what: String| {
            Err(Failure::new(Exit::Failed, what)
                .remedy("name it with --data, or make one: `billfold serve`, `billfold import FILE`"))
        };
        if !self.data.exists() {
            return missing(format!("there is no folder {}", self.data.display()));
        }
        // Anything else about the log is said by whoever opens it.
        let lacks = |name: &str| {
            let found = std::fs::metadata(self.data.join("log").join(name));
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        // A log writes its layout last: without one it was never finished, unless the file is lost.
        if self.data.is_dir() && lacks("layout") && lacks("mark") {
            return missing(format!("the folder {} holds no event log", self.data.display()));
        }
        Ok(())
    }

    pub(super) fn failure(&self, error: &OpenError) -> Failure {
        match error {
            OpenError::Locked { .. } => Failure::new(
                Exit::Locked,
                format!("{} is open in another process", self.data.display()),
            )
            .remedy("stop that process first: a `billfold serve`, or another command that is still at work"),
            OpenError::Log(log::OpenError::Damaged { .. } | log::OpenError::RecordsLost { .. })
            | OpenError::LogShorter { .. } => Failure::new(Exit::Damaged, with_sources(error)),
            error => Failure::new(Exit::Failed, with_sources(error)),
        }
    }
}

/// An error and what lies behind it, on one line.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
