//! `completions` and `man`: what a shell and a reader want of the command line, made from the command line itself.

use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::Arguments;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;

/// The name that both are made for.
const NAME: &str = "billfold";

/// Print what a shell needs to complete commands and flags
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold completions bash > /etc/bash_completion.d/billfold
  billfold completions zsh > ~/.zfunc/_billfold
  billfold completions fish > ~/.config/fish/completions/billfold.fish")]
pub(super) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), NAME, &mut text);
        out.text(&String::from_utf8_lossy(&text))?;
        Ok(Exit::Done)
    }
}

/// Write a manual page for each command into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  billfold man /usr/local/share/man/man1
  billfold man . && man ./billfold.1")]
pub(super) struct ManArgs {
    /// The folder; it must exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut command = Arguments::command().name(NAME);
        command.build();
        let written = self.write(&command, NAME)?;
        out.text(&format!("{written} pages written to {}\n", self.folder.display()))?;
        Ok(Exit::Done)
    }

    /// The page of a command and those of its subcommands; how many there are.
    fn write(&self, command: &Command, name: &str) -> Result<usize, Failure> {
        let path = self.folder.join(format!("{name}.1"));
        let failed = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("{} cannot be written: {error}", path.display()))
                .remedy("name a folder that exists and that you may write to")
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone()).title(name).render(&mut page).map_err(failed)?;
        std::fs::write(&path, page).map_err(failed)?;
        let mut written = 1_usize;
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            written = written.saturating_add(self.write(inner, &format!("{name}-{}", inner.get_name()))?);
        }
        Ok(written)
    }
}
