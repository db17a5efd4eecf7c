//! Which story is told, and how it looks: shared by the commands that write one and send one.

use super::parse_versions;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::lab::world::{Life, Scenario, Setting, Versions};
use crate::model::id::{AccountId, ObjectId, Scope};
use crate::model::time::Seconds;

/// How the events of a story look.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StoryArgs {
    /// The API version that renders the events (`dahlia`, `2024-06-20`), or `mixed`.
    #[arg(long, value_name = "VERSION", default_value = "dahlia", value_parser = parse_versions)]
    api_version: Versions,
    /// Live mode instead of test mode.
    #[arg(long)]
    live: bool,
    /// The connected account whose events they are.
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    account: Option<AccountId>,
    /// The id of the customer.
    #[arg(long, value_name = "ID", value_parser = parse_object)]
    customer: Option<ObjectId>,
}

fn parse_account(id: &str) -> Result<AccountId, String> {
    AccountId::parse(id).map_err(|error| error.to_string())
}

fn parse_object(id: &str) -> Result<ObjectId, String> {
    ObjectId::parse(id).map_err(|error| error.to_string())
}

impl StoryArgs {
    /// The lab's setting for it.
    pub(super) fn setting(&self, begin: Option<Seconds>) -> Setting {
        Setting {
            versions: self.api_version,
            scope: Some(Scope { account: self.account.clone(), livemode: self.live }),
            customer: self.customer.clone(),
            begin,
            ..Setting::default()
        }
    }

    /// The story of that name, or a life of the dice, moved so that it ends `now`.
    pub(in crate::cli) fn life(&self, name: Option<&str>, seed: u64, now: Seconds) -> Result<Life, Failure> {
        let play = |begin: Seconds| match name {
            None => Some(Life::play(seed, &self.setting(Some(begin)))),
            Some(name) => Scenario::named(name)?.play(seed, &self.setting(Some(begin))),
        };
        let unknown = || {
            Failure::new(
                Exit::NotFound,
                format!("there is no story {} in this mode", name.unwrap_or_default()),
            )
            .remedy("`billfold lab list` names the stories; every event type that is folded is one, too")
        };
        let life = play(Seconds(0)).ok_or_else(unknown)?;
        let length = life.events.last().map_or(0, |event| event.created.0);
        play(Seconds(now.0.saturating_sub(length))).ok_or_else(unknown)
    }
}
