//! `lab write`: lives as deliveries, one JSON line each, as `ingest` takes them.

use serde_json::json;

use super::story::StoryArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::moment::parse_moment;
use crate::cli::output::Output;
use crate::cli::secrets::SecretArgs;
use crate::cli::sign::given;
use crate::cli::surroundings::now_seconds;
use crate::lab::delivery::{Order, Plan, disorder};
use crate::lab::saas::Saas;
use crate::lab::world::Happened;
use crate::model::time::Seconds;
use crate::stripe::signature::{Secrets, sign};

/// Neighbours of so many events change places in a business that is not delivered in order.
const WINDOW: usize = 200;
/// How long a business may have existed before the time of delivery, in seconds.
const BUSINESS_SECONDS: i64 = 2 * 365 * 86_400;

/// Write made-up lives as signed deliveries, one JSON line each
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A line is {\"headers\": {\"Stripe-Signature\": \"…\"}, \"body\": \"…\", \"received_at\": …}, as `billfold ingest` takes it.
A story or a life ends at the time of delivery; its events happened before. Without a name it is a life of the dice.

Examples:
  billfold lab write renewal-failed
  billfold lab write dispute-lost --order reversed > dispute.jsonl
  billfold lab write --customers 100 --order uniform --secret whsec_test | billfold ingest - --data ./trial")]
pub(in crate::cli) struct WriteArgs {
    /// A story (`billfold lab list`) or an event type that it is to end with.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What all choices follow from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Write the lives of so many customers, as one business.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["name", "customer"])]
    customers: Option<u64>,
    /// The order of delivery: `happened`, `uniform`, `swapped`, `stragglers`, `reversed`, `adversarial`. All but the
    /// first bring some events twice.
    #[arg(long, value_name = "ORDER", default_value = "happened")]
    order: Order,
    #[command(flatten)]
    story: StoryArgs,
    /// When they are delivered, instead of now: RFC 3339 or Unix seconds.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    time: Option<Seconds>,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The secret itself. Others on this machine can see it while the command runs: for test secrets only.
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
}

impl WriteArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let secrets = given(self.secret.as_deref(), &self.secrets)?;
        let now = self.time.unwrap_or_else(now_seconds);
        let mut deliver = |event: &Happened, pending| write_line(out, &secrets, now, &event.body(pending));
        if let Some(customers) = self.customers {
            let begin = Seconds(now.0.saturating_sub(BUSINESS_SECONDS));
            let events = Saas::new(self.seed, &self.story.setting(Some(begin)), customers);
            if self.order == Order::Happened {
                for event in events {
                    deliver(&event, 1)?;
                }
            } else {
                for event in disorder(events, self.seed, WINDOW) {
                    deliver(&event, 1)?;
                }
            }
            return Ok(Exit::Done);
        }
        let life = self.story.life(self.name.as_deref(), self.seed, now)?;
        let plan = match self.order {
            Order::Happened => Plan::in_order(&life.events),
            order => Plan::ordered(&life.events, self.seed, order),
        };
        for arrival in plan.arrivals {
            if let Some(event) = life.events.get(arrival.event) {
                deliver(event, arrival.pending)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn write_line(out: &mut Output, secrets: &Secrets, now: Seconds, body: &str) -> Result<(), Failure> {
    let header = sign(secrets, body.as_bytes(), now);
    out.json_line(&json!({ "headers": { "Stripe-Signature": header }, "body": body, "received_at": now.0 }))?;
    out.text("\n")
}
