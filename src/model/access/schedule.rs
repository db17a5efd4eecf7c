//! How the rules of several subscriptions and customers become one schedule, and how a clock reads it. Knows no rule.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::answer::{Access, Plan, Reason, Verdict, Warning};
use super::known::PaymentFacts;
use super::policy::{Course, Grant, Policy, cancellation};
use crate::model::catalog::{Entitlement, Entitlements};
use crate::model::id::ObjectId;
use crate::model::subscription::{Subscription, SubscriptionStatus};
use crate::model::time::Seconds;

/// What access needs to know of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionInput {
    /// Its id.
    pub id: ObjectId,
    /// As it stands.
    pub snapshot: Subscription,
    /// When its status began; where the status is an unknown word, when the last known one did.
    pub status_since: Seconds,
    /// Its events do not decide which of several contents is the last.
    pub ambiguous: bool,
    /// Where the status is an unknown word: the last one before it that is not.
    pub last_known_status: Option<SubscriptionStatus>,
    /// What the payments of its latest invoice come to.
    pub latest_payments: PaymentFacts,
}

/// What access needs to know of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerInput {
    /// The id.
    pub customer: ObjectId,
    /// When it was deleted. Final: nothing grants access any more.
    pub deleted_at: Option<Seconds>,
    /// All its subscriptions, the ended ones too, in any order.
    pub subscriptions: Vec<SubscriptionInput>,
    /// Its features, as last listed by the provider.
    pub entitlements: Option<Entitlements>,
}

/// What holds from one moment to the next. The order of the fields is the order of preference: the greatest wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decision {
    /// May they use the product?
    pub verdict: Verdict,
    /// The subscription that decides; none where there is none.
    pub plan: Option<Plan>,
    /// Why.
    pub reason: Reason,
    /// Whose subscription decides; none only where no customer was asked about.
    pub customer: Option<ObjectId>,
    /// Since when the reason holds, where that is known.
    pub since: Option<Seconds>,
    /// What an operator should look at.
    pub warning: Option<Warning>,
    /// The features that may be used; empty while denied.
    pub entitlements: BTreeSet<Entitlement>,
    /// The provider cut the list of features.
    pub entitlements_truncated: bool,
    /// The events do not decide what this rests on.
    pub ambiguous: bool,
}

/// A change that the clock alone brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The first second at which it holds.
    pub from: Seconds,
    /// What holds from then on.
    pub decision: Decision,
}

/// Every decision that follows from the objects as they stand, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    first: Decision,
    steps: Vec<Step>,
}

/// The schedule of a customer: the best of the subscriptions at every moment.
#[must_use]
pub fn schedule(input: &CustomerInput, policy: &Policy) -> Schedule {
    if input.deleted_at.is_some() {
        return Schedule::constant(without_plan(input, Reason::CustomerDeleted, input.deleted_at));
    }
    let members: Vec<_> =
        input.subscriptions.iter().map(|subscription| of_subscription(input, subscription, policy)).collect();
    if members.is_empty() {
        return Schedule::constant(without_plan(input, Reason::NoSubscription, None));
    }
    combine(&members).entitled(input.entitlements.as_ref())
}

/// The schedule of one of a customer's subscriptions; none where the customer has no such subscription.
#[must_use]
pub fn schedule_of(input: &CustomerInput, subscription: &ObjectId, policy: &Policy) -> Option<Schedule> {
    let only = |one: &&SubscriptionInput| one.id == *subscription;
    let subscriptions: Vec<_> = input.subscriptions.iter().filter(only).cloned().collect();
    if subscriptions.is_empty() {
        return None;
    }
    Some(schedule(&CustomerInput { subscriptions, ..input.clone() }, policy))
}

/// One schedule of several: the best at every moment, whatever their order. Of none: denied, `no_subscription`.
///
/// One user of the merchant may be several customers; they may use what any of them may use.
#[must_use]
pub fn combine(schedules: &[Schedule]) -> Schedule {
    let mut current = Current::default();
    let mut changes: BTreeMap<Seconds, Vec<(&Decision, &Decision)>> = BTreeMap::new();
    for schedule in schedules {
        current.enter(&schedule.first);
        let mut before = &schedule.first;
        for step in &schedule.steps {
            changes.entry(step.from).or_default().push((before, &step.decision));
            before = &step.decision;
        }
    }
    let mut combined = Schedule::constant(current.best());
    for (from, changes) in changes {
        for (before, after) in changes {
            current.leave(before);
            current.enter(after);
        }
        combined.push(from, current.best());
    }
    combined
}

impl Schedule {
    /// What holds before any step.
    #[must_use]
    pub const fn first(&self) -> &Decision {
        &self.first
    }

    /// What the clock alone changes, in strictly ascending order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Who may use the product at `now`. Total: every moment has an answer.
    #[must_use]
    pub fn at(&self, now: Seconds) -> Access {
        let mut decision = &self.first;
        let mut ahead = self.steps.iter().peekable();
        while let Some(step) = ahead.next_if(|step| step.from <= now) {
            decision = &step.decision;
        }
        let next_change_at = ahead.peek().map(|step| step.from);
        let until = ahead.find(|step| step.decision.verdict != decision.verdict).map(|step| step.from);
        decision.read(until, next_change_at)
    }

    fn constant(first: Decision) -> Self {
        Self { first, steps: Vec::new() }
    }

    fn push(&mut self, from: Seconds, decision: Decision) {
        let last = self.steps.last().map_or(&self.first, |step| &step.decision);
        if *last != decision {
            self.steps.push(Step { from, decision });
        }
    }

    fn entitled(mut self, entitlements: Option<&Entitlements>) -> Self {
        let Some(entitlements) = entitlements else {
            return self;
        };
        let steps = self.steps.iter_mut().map(|step| &mut step.decision);
        for decision in steps.chain([&mut self.first]).filter(|decision| decision.verdict.grants()) {
            decision.entitlements = entitlements.active.iter().cloned().collect();
            decision.entitlements_truncated = entitlements.truncated;
        }
        self
    }
}

impl Decision {
    fn read(&self, until: Option<Seconds>, next_change_at: Option<Seconds>) -> Access {
        let plan = self.plan.as_ref();
        let item = plan.and_then(|plan| plan.items.first());
        Access {
            decision: self.verdict,
            reason: self.reason,
            since: self.since,
            until,
            next_change_at,
            warning: self.warning,
            customer: self.customer.clone(),
            subscription: plan.map(|plan| plan.subscription.clone()),
            price: item.and_then(|item| item.price.clone()),
            product: item.and_then(|item| item.product.clone()),
            lookup_key: item.and_then(|item| item.lookup_key.clone()),
            quantity: item.and_then(|item| item.quantity),
            current_period_end: plan.and_then(|plan| plan.current_period_end),
            ends_at: plan.and_then(|plan| plan.ends_at),
            items: plan.map(|plan| plan.items.clone()).unwrap_or_default(),
            items_truncated: plan.is_some_and(|plan| plan.items_truncated),
            entitlements: self.entitlements.iter().cloned().collect(),
            entitlements_truncated: self.entitlements_truncated,
            ambiguous: self.ambiguous,
        }
    }
}

/// What each of the combined schedules says at one moment, counted, because two may say the same.
#[derive(Default)]
struct Current<'a> {
    decisions: BTreeMap<&'a Decision, usize>,
    ambiguous: usize,
}

impl<'a> Current<'a> {
    fn enter(&mut self, decision: &'a Decision) {
        *self.decisions.entry(decision).or_default() += 1;
        self.ambiguous += usize::from(decision.ambiguous);
    }

    fn leave(&mut self, decision: &Decision) {
        if let Some(count) = self.decisions.get_mut(decision) {
            *count -= 1;
            self.ambiguous -= usize::from(decision.ambiguous);
            if *count == 0 {
                self.decisions.remove(decision);
            }
        }
    }

    /// The greatest. Allowed rests on the one that wins; anything less also on what the others might have granted.
    fn best(&self) -> Decision {
        let Some((best, _)) = self.decisions.last_key_value() else {
            return nothing_known();
        };
        let mut best = Decision::clone(best);
        if best.verdict != Verdict::Allowed {
            best.ambiguous = self.ambiguous > 0;
        }
        for granting in self.decisions.keys().rev().take_while(|decision| decision.verdict.grants()) {
            best.entitlements.extend(granting.entitlements.iter().cloned());
            best.entitlements_truncated |= granting.entitlements_truncated;
        }
        best
    }
}

fn of_subscription(customer: &CustomerInput, input: &SubscriptionInput, policy: &Policy) -> Schedule {
    let Course { first, then, warning } = policy.course(input);
    let ends_at = input.snapshot.ended_at.or_else(|| cancellation(&input.snapshot));
    let plan = Plan::new(&input.id, &input.snapshot, ends_at);
    let decide = |Grant { verdict, reason, since }: Grant| Decision {
        verdict,
        plan: Some(plan.clone()),
        reason,
        customer: Some(customer.customer.clone()),
        since,
        warning,
        entitlements: BTreeSet::new(),
        entitlements_truncated: false,
        ambiguous: input.ambiguous,
    };
    let mut schedule = Schedule::constant(decide(first));
    for (from, grant) in then {
        schedule.push(from, decide(grant));
    }
    schedule
}

fn without_plan(input: &CustomerInput, reason: Reason, since: Option<Seconds>) -> Decision {
    Decision { reason, customer: Some(input.customer.clone()), since, ..nothing_known() }
}

fn nothing_known() -> Decision {
    Decision {
        verdict: Verdict::Denied,
        plan: None,
        reason: Reason::NoSubscription,
        customer: None,
        since: None,
        warning: None,
        entitlements: BTreeSet::new(),
        entitlements_truncated: false,
        ambiguous: false,
    }
}
