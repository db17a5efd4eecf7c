//! The terminal's door: one command a file, tables for people, JSON for programs.
//!
//! Never decides anything about billing: it asks the engine, through the same questions as the HTTP API, and shows the
//! answer. Never shows a secret, a signature or a token.
//!
//! | file | holds |
//! |---|---|
//! | `serve`, `ingest`, `import`, `list`, `past`, `why`, `access`, `feed`, `stats`, `rebuild`, `refold`, `verify`, `repair`, `backup`, `restore`, `sign`, `verify_signature`, `doctor`, `tokens`, `settings`, `config`, `openapi`, `papers`, `demo`, `trigger`, `lab` | the commands |
//! | `source` | who answers: the folder, or a running server |
//! | `folder`, `secrets`, `surroundings` | what a command finds around itself |
//! | `reload`, `near`, `wrong_id` | SIGHUP; what somebody may have meant |
//! | `sender` | deliveries out, signed as the provider does |
//! | `lines`, `deliveries`, `event_file`, `intake`, `body` | files in |
//! | `output`, `table`, `view`, `progress`, `moment` | answers out |
//! | `exit`, `failure` | how a command ends |

mod access;
mod backup;
mod body;
mod config;
mod deliveries;
mod demo;
mod doctor;
mod event_file;
mod exit;
mod failure;
mod feed;
mod folder;
mod import;
mod ingest;
mod intake;
mod lab;
mod lines;
mod list;
mod moment;
mod near;
mod openapi;
mod output;
mod panics;
mod papers;
mod past;
mod progress;
mod rebuild;
mod refold;
mod reload;
mod repair;
mod restore;
mod secrets;
mod sender;
mod serve;
mod settings;
mod sign;
mod source;
mod stats;
mod surroundings;
mod table;
mod tokens;
mod trigger;
mod verify;
mod verify_signature;
mod view;
mod why;
mod wrong_id;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use exit::Exit;
use failure::Failure;
use list::{AnyArgs, ConflictsArgs, EventsCommand, ObjectsCommand};
use output::Output;

/// Your billing state, folded from verified webhooks
#[derive(Debug, clap::Parser)]
#[command(
    name = "billfold",
    version,
    disable_help_subcommand = true,
    after_help = format!("\
Examples:
  STRIPE_WEBHOOK_SECRET=whsec_… billfold serve
  billfold subscriptions list --status past_due
  billfold access --ref user_42
  billfold why sub_123
  billfold stats --url http://127.0.0.1:4242

{}", exit::Exit::table())
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    /// Customers: list, show
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold customers list\n  billfold customers show cus_123"
    )]
    Customers(ObjectsCommand),
    /// Subscriptions: list, show
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold subscriptions list\n  billfold subscriptions show sub_123"
    )]
    Subscriptions(ObjectsCommand),
    /// Invoices: list, show
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold invoices list\n  billfold invoices show in_123"
    )]
    Invoices(ObjectsCommand),
    /// Payments with their charges, refunds and disputes: list, show
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold payments list\n  billfold payments show pi_123"
    )]
    Payments(ObjectsCommand),
    /// Refunds: list, show
    #[command(subcommand, after_help = "Examples:\n  billfold refunds list\n  billfold refunds show re_123")]
    Refunds(ObjectsCommand),
    /// Disputes: list, show
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold disputes list\n  billfold disputes show dp_123"
    )]
    Disputes(ObjectsCommand),
    /// Stored events: list, show
    #[command(subcommand, after_help = "Examples:\n  billfold events list\n  billfold events show evt_123")]
    Events(EventsCommand),
    Objects(AnyArgs),
    Conflicts(ConflictsArgs),
    Why(why::WhyArgs),
    History(past::HistoryArgs),
    Diff(past::DiffArgs),
    Access(access::AccessArgs),
    Feed(feed::FeedArgs),
    Stats(stats::StatsArgs),
    Ingest(ingest::IngestArgs),
    Import(import::ImportArgs),
    Rebuild(rebuild::RebuildArgs),
    Refold(refold::RefoldArgs),
    Verify(verify::VerifyArgs),
    Repair(repair::RepairArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Sign(sign::SignArgs),
    VerifySignature(verify_signature::VerifySignatureArgs),
    Doctor(doctor::DoctorArgs),
    /// Bearer tokens for the API, each with a name and scopes: add, list, remove
    #[command(
        subcommand,
        after_help = "Examples:\n  billfold tokens add dashboard --scope read\n  billfold tokens list"
    )]
    Tokens(tokens::TokensCommand),
    Settings(settings::SettingsArgs),
    /// The server's configuration: check it, show it, list its keys
    #[command(subcommand, after_help = "Examples:\n  billfold config check\n  billfold config show")]
    Config(config::ConfigCommand),
    Openapi(openapi::OpenapiArgs),
    Completions(papers::CompletionsArgs),
    Man(papers::ManArgs),
    Demo(demo::DemoArgs),
    Trigger(trigger::TriggerArgs),
    /// Made-up lives of customers with the truth known: check, compare, list, write
    #[command(subcommand, after_help = "Examples:\n  billfold lab list\n  billfold lab check --lives 1000")]
    Lab(lab::LabCommand),
}

/// Runs a command line, the program's name first; says on stderr what went wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(told) => {
            // Help on a closed pipe is nobody's loss.
            let _ = told.print();
            return if told.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    panics::listen();
    let mut out = Output::new();
    let outcome = parsed.command.run(&mut out).and_then(|exit| out.finish().map(|()| exit));
    outcome.unwrap_or_else(|failure| failure.report()).into()
}

impl Command {
    fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Serve(arguments) => arguments.run(out),
            Self::Customers(command) => command.run("customers", out),
            Self::Subscriptions(command) => command.run("subscriptions", out),
            Self::Invoices(command) => command.run("invoices", out),
            Self::Payments(command) => command.run("payments", out),
            Self::Refunds(command) => command.run("refunds", out),
            Self::Disputes(command) => command.run("disputes", out),
            Self::Events(command) => command.run(out),
            Self::Objects(arguments) => arguments.run(out),
            Self::Conflicts(arguments) => arguments.run(out),
            Self::Why(arguments) => arguments.run(out),
            Self::History(arguments) => arguments.run(out),
            Self::Diff(arguments) => arguments.run(out),
            Self::Access(arguments) => arguments.run(out),
            Self::Feed(arguments) => arguments.run(out),
            Self::Stats(arguments) => arguments.run(out),
            Self::Ingest(arguments) => arguments.run(out),
            Self::Import(arguments) => arguments.run(out),
            Self::Rebuild(arguments) => arguments.run(out),
            Self::Refold(arguments) => arguments.run(out),
            Self::Verify(arguments) => arguments.run(out),
            Self::Repair(arguments) => arguments.run(out),
            Self::Backup(arguments) => arguments.run(out),
            Self::Restore(arguments) => arguments.run(out),
            Self::Sign(arguments) => arguments.run(out),
            Self::VerifySignature(arguments) => arguments.run(out),
            Self::Doctor(arguments) => arguments.run(out),
            Self::Tokens(command) => command.run(out),
            Self::Settings(arguments) => arguments.run(out),
            Self::Config(command) => command.run(out),
            Self::Openapi(arguments) => arguments.run(out),
            Self::Completions(arguments) => arguments.run(out),
            Self::Man(arguments) => arguments.run(out),
            Self::Demo(arguments) => arguments.run(out),
            Self::Trigger(arguments) => arguments.run(out),
            Self::Lab(command) => command.run(out),
        }
    }
}

#[cfg(test)]
mod tests;
