//! `backup`: a folder's ground state into another folder, from here or from a running server.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::folder::{DataArgs, with_sources};
use super::output::Output;
use super::progress::Bar;
use super::settings;
use super::source::{Query, Server};
use super::verify::head_text;
use crate::api;
use crate::engine::{BackedUp, BackupError, FeedSnapshot, Original, OriginalFeed, backup, backup_folder};
use crate::log::{self, Digest, Encoded, Head, Lost, Position};

/// Back up the log and the settings; what the backup has already is not copied again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A backup is a data folder without projections. Every record is checked on its way; the copy ends at the position where \
the log ended when it began. The next run adds what came since, once it is certain that both are the same up to there.
`billfold verify --data TARGET` checks a backup, `billfold restore` makes a data folder of it. It holds customers' data, \
and no secret.

Examples:
  billfold backup /backups/billfold
  billfold backup /backups/billfold --url http://127.0.0.1:4242")]
pub(super) struct BackupArgs {
    /// The folder of the backup: new, empty, or an earlier backup.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Back up the running server at this address; `BILLFOLD_API_TOKEN` holds its token.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Print what was copied as JSON.
    #[arg(long)]
    json: bool,
}

impl BackupArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let bar = Bar::records("backing up");
        let done = match &self.url {
            Some(url) => self.of_server(&Server::at(url)?, &bar),
            None => self.of_folder(&bar),
        };
        bar.hide();
        show(&done?, &self.target, self.json, out)
    }

    fn of_folder(&self, bar: &Bar) -> Result<BackedUp, Failure> {
        self.data.must_hold_a_log()?;
        let data = self.data.path();
        let done = backup_folder(data, &self.target, &|progress| bar.show(progress));
        let done = done.map_err(|error| match error {
            BackupError::Open(log::OpenError::Locked { ref path }) if path.starts_with(data) => {
                failure(&error).remedy("back up the running server instead: --url http://127.0.0.1:4242")
            }
            error => target_failure(&error),
        })?;
        let copied = settings_of(data, &self.target)();
        copied
            .map_err(|error| Failure::new(Exit::Failed, format!("the settings cannot be copied: {error}")))?;
        Ok(done)
    }

    fn of_server(&self, server: &Server, bar: &Bar) -> Result<BackedUp, Failure> {
        let plan = server.ask(&api::path(&["backup"]), &Query::new())?;
        let strange = || Failure::new(Exit::Failed, "the server does not answer as this version does");
        let head = plan.get("head").and_then(parse_head).ok_or_else(strange)?;
        let lost = plan.get("lost").and_then(parse_lost).ok_or_else(strange)?;
        let told = plan.get("settings").ok_or_else(strange)?;
        // Kept as it is, with its remedy.
        let refusal = RefCell::new(None);
        let page = |after: Position| -> Result<Vec<Encoded>, Box<str>> {
            let query = Query::from([("after".to_owned(), after.to_string())]);
            match server.fetch(&api::path(&["log"]), &query) {
                Ok(packed) => log::unpack(packed).map_err(|error| error.to_string().into()),
                Err(failure) => {
                    refusal.replace(Some(failure));
                    Err("the server did not answer".into())
                }
            }
        };
        let entries = |after: u64| {
            let query = Query::from([("after".to_owned(), after.to_string())]);
            server.fetch(&api::path(&["feed", "log"]), &query).map_err(|failure| {
                refusal.replace(Some(failure));
                Box::from("the server did not answer")
            })
        };
        let snapshot = plan.pointer("/feed/snapshot").and_then(Value::as_str);
        let snapshot = snapshot.and_then(|bytes| FeedSnapshot::from_bytes(&hex::decode(bytes).ok()?));
        let feed = OriginalFeed { snapshot: snapshot.ok_or_else(strange)?, page: &entries };
        let original = Original { head, lost, page: &page, feed: Some(feed) };
        let done = backup(&original, &self.target, &|progress| bar.show(progress));
        let done = done.map_err(|error| refusal.take().unwrap_or_else(|| target_failure(&error)))?;
        let text = serde_json::to_string_pretty(told).unwrap_or_default() + "\n";
        write_settings(&self.target, text.as_bytes())?;
        Ok(done)
    }
}

/// The target's process is not to be asked: what is copied comes from elsewhere.
fn target_failure(error: &BackupError) -> Failure {
    failure(error).remedy_if_locked("name another folder: a process works with this one")
}

/// What has become of a copy.
pub(super) fn show(done: &BackedUp, target: &Path, as_json: bool, out: &mut Output) -> Result<Exit, Failure> {
    if as_json {
        out.json(&json!({ "head": api::head(&done.head), "added": done.added }))?;
    } else {
        let records = done.head.records;
        out.text(&format!("{} holds {records} records, {} of them new\n", target.display(), done.added))?;
        out.text(&format!("head {}\n", head_text(&done.head)))?;
    }
    Ok(Exit::Done)
}

/// What a person reads when copying fails. No command that copies into a folder can ask its process instead.
pub(super) fn failure(error: &BackupError) -> Failure {
    let exit = match error {
        BackupError::Open(log::OpenError::Locked { .. }) => Exit::Locked,
        BackupError::Open(log::OpenError::Damaged { .. } | log::OpenError::RecordsLost { .. })
        | BackupError::Copy(log::CopyError::Read(log::ReadError::Corrupt { .. })) => Exit::Damaged,
        BackupError::Ahead { .. }
        | BackupError::Diverged { .. }
        | BackupError::FeedDiverged { .. }
        | BackupError::Copy(log::CopyError::OtherHistory { .. }) => Exit::Unexpected,
        BackupError::Taken { .. } | BackupError::Inside { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    match error {
        BackupError::Open(log::OpenError::Locked { path }) => {
            let folder = path.parent().unwrap_or(path).display();
            Failure::new(exit, format!("{folder} is open in another process"))
                .remedy("stop that process first")
        }
        error => Failure::new(exit, with_sources(error)),
    }
}

/// Gives the folder `to` the settings of `from`, if it has any.
pub(super) fn settings_of(from: &Path, to: &Path) -> impl Fn() -> io::Result<()> {
    let (from, to) = (settings::path(from), to.to_owned());
    move || match std::fs::read(&from) {
        Ok(text) => put_settings(&to, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io::Error::other(format!("{} cannot be read: {error}", from.display()))),
    }
}

fn write_settings(to: &Path, text: &[u8]) -> Result<(), Failure> {
    let path = settings::path(to);
    put_settings(to, text)
        .map_err(|error| Failure::new(Exit::Failed, format!("{} cannot be written: {error}", path.display())))
}

/// Writes them beside, and puts them in their place: half a file would stop the next start.
fn put_settings(to: &Path, text: &[u8]) -> io::Result<()> {
    let draft = to.join("settings.json.new");
    std::fs::write(&draft, text)?;
    std::fs::File::open(&draft)?.sync_all()?;
    std::fs::rename(&draft, settings::path(to))?;
    std::fs::File::open(to)?.sync_all()
}

fn parse_head(head: &Value) -> Option<Head> {
    let mut digest = [0; 32];
    hex::decode_to_slice(head.get("digest")?.as_str()?, &mut digest).ok()?;
    Some(Head {
        position: Position::new(head.get("position")?.as_u64()?),
        digest: Digest(digest),
        records: head.get("records")?.as_u64()?,
    })
}

fn parse_lost(lost: &Value) -> Option<Vec<Lost>> {
    let position = |one: &Value, name: &str| one.get(name)?.as_u64().map(Position::new);
    let one = |one: &Value| Some(Lost { after: position(one, "after")?, next: position(one, "next")? });
    lost.as_array()?.iter().map(one).collect()
}
