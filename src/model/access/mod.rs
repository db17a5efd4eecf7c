//! Access: who may use the product now, until when, and why.
//!
//! A [`Schedule`] is computed from the objects as they stand, without a clock; [`Schedule::at`] reads it at a moment
//! that is passed in. So the answer changes by new events or by the clock, and [`Access::next_change_at`] says when the
//! clock alone will change it. For a customer on a test clock pass that clock's time.
//!
//! | file | holds |
//! |---|---|
//! | [`policy`] | **the rules**: what each subscription status grants, every number and switch of it |
//! | `schedule` | how the rules of several subscriptions and customers become one schedule; knows no rule |
//! | `known` | what payments come to, and the last status that is known; decides nothing |
//! | `answer` | what a reader gets |
//!
//! Best wins: allowed before grace before denied; then the newest subscription, then the greater id.
//!
//! Never: decides by a payment of its own. A one-off payment grants nothing: the merchant knows what was sold for it,
//! Billfold does not. `customer.delinquent` is no gate either; it speaks of any invoice.

mod answer;
mod known;
pub mod policy;
mod schedule;
#[cfg(test)]
mod tests;

pub use answer::{Access, AccessItem, Plan, Reason, Verdict, Warning};
pub use known::{LastKnown, PaymentFacts};
pub(crate) use policy::cancellation;
pub use policy::{Days, Gate, InvalidDays, Policy};
pub use schedule::{
    CustomerInput, Decision, Schedule, Step, SubscriptionInput, combine, schedule, schedule_of,
};
