//! `access`: may this customer use the product now? The exit code is the answer.

use serde_json::Value;

use super::exit::Exit;
use super::failure::Failure;
use super::list::{ScopeArgs, add, show};
use super::output::Output;
use super::past::PastArgs;
use super::source::{Query, SourceArgs};

/// May this customer use the product now? Why, and until when?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 allowed or in a grace period, 10 denied, 3 nobody known by this id; others as ever.
A script that lets people in on 0, and on nothing else, is right.

A customer is found by your own user id too: it is read from a checkout's client_reference_id
and from the metadata keys in settings.json (see `billfold settings`).

Examples:
  billfold access cus_123
  billfold access --ref user_42 --json
  billfold access --ref user_42 > /dev/null && echo welcome")]
#[command(group(clap::ArgGroup::new("who").required(true).args(["customer", "reference"])))]
pub(super) struct AccessArgs {
    /// The customer's id at Stripe.
    #[arg(value_name = "CUSTOMER")]
    customer: Option<String>,
    /// Your own id of the user.
    #[arg(long = "ref", value_name = "USER")]
    reference: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    past: PastArgs,
    /// Print the API's JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl AccessArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let mut query = Query::new();
        self.scope.add_to(&mut query);
        self.past.add_to(&mut query);
        let source = self.source.open()?;
        let answer = if let Some(customer) = &self.customer {
            source.ask_about(("customers", customer), Some("access"), &query)?
        } else {
            add(&mut query, "ref", self.reference.as_ref());
            source.ask(&["access"], &query)?
        };
        show(&answer, self.json, out)?;
        // Whatever is not a clear yes is a no.
        let granted = answer.get("granted") == Some(&Value::Bool(true));
        Ok(if granted { Exit::Done } else { Exit::Denied })
    }
}
