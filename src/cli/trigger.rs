//! `trigger`: plays one story of the lab to an endpoint, signed as the provider signs.

mod change;

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::lab::StoryArgs;
use super::output::Output;
use super::secrets::SecretArgs;
use super::sender::Sender;
use super::sign::given;
use super::surroundings::now;
use crate::lab::Dice;
use crate::lab::world::{Happened, Life};
use change::Change;

/// Send one story to an endpoint: signed events, as the provider sends them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
NAME is a story (`billfold lab list`) or any event type that is folded: then the shortest story that ends with it. The
story ends now; its events happened before. Any endpoint can be tried, not only Billfold's.

--override sets a field of the events' objects before they are signed: of the kind that is named (`subscription:`), else
of the kind that the last event is about. The value is JSON, else text; what is under metadata is text.

Exit code 4 says that an event was refused.

Examples:
  STRIPE_WEBHOOK_SECRET=whsec_… billfold trigger renewal-failed
  billfold trigger customer.subscription.created --customer cus_42 --override subscription:metadata.user_id=42
  billfold trigger dispute-lost --to http://127.0.0.1:3000/webhooks --secret whsec_test --shuffle --duplicate")]
pub(super) struct TriggerArgs {
    /// A story, or an event type that it is to end with.
    #[arg(value_name = "NAME")]
    name: String,
    /// The endpoint.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4242/webhooks/stripe")]
    to: String,
    /// What all choices follow from; another one each time unless said. The same number sends the same events.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    story: StoryArgs,
    /// Set a field: `[KIND:]PATH=VALUE`, such as `status=past_due` or `invoice:lines.data.0.amount=500`. May be repeated.
    #[arg(long = "override", value_name = "FIELD", value_parser = Change::parse)]
    changes: Vec<Change>,
    /// Deliver in any order but the one in which it happened.
    #[arg(long)]
    shuffle: bool,
    /// Deliver every event twice.
    #[arg(long)]
    duplicate: bool,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The secret itself. Others on this machine can see it while the command runs: for test secrets only.
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// Print one JSON object a delivery: `{"event", "type", "object", "status"}`.
    #[arg(long)]
    json: bool,
}

impl TriggerArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let sender = Sender::new(&self.to, given(self.secret.as_deref(), &self.secrets)?)?;
        let now = now();
        let seed = self.seed.unwrap_or(now.0.cast_unsigned());
        let life = self.story.life(Some(&self.name), seed, now.seconds())?;
        let mut refused = 0_u64;
        let places = self.places(&life, seed);
        let mut told = None;
        for &place in &places {
            let Some(event) = life.events.get(place) else { continue };
            let answered = sender.send(&self.body(&life, event)?)?;
            refused = refused.saturating_add((!answered.is_taken()).into());
            // Twenty lines with the same long reason hide everything else.
            let detail = answered.detail.as_deref().filter(|detail| told.as_deref() != Some(*detail));
            self.show(event, answered.status, detail, out)?;
            told = answered.detail.or(told);
        }
        if !self.json {
            out.text(&format!(
                "{} deliveries of {} events, {refused} refused; again with --seed {seed}\n",
                places.len(),
                life.events.len(),
            ))?;
        }
        Ok(if refused == 0 { Exit::Done } else { Exit::Refused })
    }

    /// The events by place, in the order of delivery.
    fn places(&self, life: &Life, seed: u64) -> Vec<usize> {
        let mut places: Vec<usize> = (0..life.events.len()).collect();
        if self.duplicate {
            places = places.into_iter().flat_map(|place| [place, place]).collect();
        }
        if self.shuffle {
            let happened = places.clone();
            let mut dice = Dice::new(seed);
            // A single event has one order only.
            while places == happened && life.events.len() > 1 {
                dice.shuffle(&mut places);
            }
        }
        places
    }

    fn body(&self, life: &Life, event: &Happened) -> Result<String, Failure> {
        let body = event.body(1);
        let told_of = life.events.last().map_or(event.key.kind, |last| last.key.kind);
        let mut wanted =
            self.changes.iter().filter(|change| change.is_for(event.key.kind, told_of)).peekable();
        if wanted.peek().is_none() {
            return Ok(body);
        }
        let unreadable = |error: serde_json::Error| Failure::new(Exit::Failed, error.to_string());
        let mut body: Value = serde_json::from_str(&body).map_err(unreadable)?;
        for change in wanted {
            change.apply(body.pointer_mut("/data/object").unwrap_or(&mut Value::Null))?;
        }
        Ok(body.to_string())
    }

    fn show(
        &self,
        event: &Happened,
        status: u16,
        detail: Option<&str>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        if self.json {
            out.json_line(&json!({
                "event": event.id.as_str(), "type": event.type_name, "object": event.key.id.as_str(),
                "status": status,
            }))?;
            out.text("\n")?;
        } else {
            let detail = detail.map(|detail| format!("  {detail}")).unwrap_or_default();
            let (name, event_id, object) = (event.type_name, &event.id, &event.key.id);
            out.text(&format!("{status}  {name:<40} {event_id}  {object}{detail}\n"))?;
        }
        out.flush()
    }
}
