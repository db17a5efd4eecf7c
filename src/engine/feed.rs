//! Making the feed: after each record, what the subjects that it may have touched are now.
//!
//! Never makes an entry for a record that the feed is already made through, and never by page: a page of one record and a
//! page of thousands give the same entries.

use std::collections::BTreeSet;

use crate::feed::{Draft, Feed, FeedError, Made, Maker, Through};
use crate::model::access::{Policy, schedule};
use crate::model::feed::{Cause, Standing, Subject, Topic};
use crate::model::id::{EventId, ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::Millis;
use crate::projection::{Checkpoint, Look, ProjectionError, REDUCER_VERSION, Settled, Touched, View};

use super::{FoldError, Shared, access};

mod reading;
mod reconcile;
#[cfg(test)]
mod tests;

pub use reading::{Entries, FeedPage, FeedQuery, Follower};

/// The type of event that announces the end of a trial.
const TRIAL_WILL_END: &str = "customer.subscription.trial_will_end";

/// Who makes entries, and by which rules.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub(super) feed: &'a Feed,
    pub(super) policy: &'a Policy,
    pub(super) reducer: u32,
}

/// What an entry says of the record that it comes from.
pub(super) struct Seen {
    pub(super) position: u64,
    pub(super) received_at: Millis,
    pub(super) record: Box<str>,
    pub(super) event_type: Box<str>,
}

/// Looks at a page of records while it is folded.
pub(super) struct Looking<'a> {
    teller: Teller<'a>,
    seen: &'a [Seen],
    draft: Option<Draft<'a>>,
}

impl Shared {
    /// Notes, durably, that the state will change without a new record: whoever folds next compares everything.
    pub(super) fn expect_differences(&self) -> Result<(), FeedError> {
        let maker = Maker { reducer: 0, ..self.feed.maker() };
        if self.feed.maker() != maker {
            self.feed.draft().publish(self.feed.through(), maker)?;
            self.feed.sync()?;
        }
        Ok(())
    }

    pub(super) fn teller(&self) -> Teller<'_> {
        Teller { feed: &self.feed, policy: &self.options.policy, reducer: self.reducer }
    }
}

/// What makes the entries of this version, under a policy.
pub(super) fn maker(policy: &Policy) -> Maker {
    Maker::new(REDUCER_VERSION, policy)
}

impl<'a> Teller<'a> {
    pub(super) fn maker(&self) -> Maker {
        Maker::new(self.reducer, self.policy)
    }

    pub(super) fn looking<'l>(&self, seen: &'l [Seen]) -> Looking<'l>
    where
        'a: 'l,
    {
        Looking { teller: *self, seen, draft: Some(self.feed.draft()) }
    }
}

impl Look for Looking<'_> {
    type Error = FoldError;

    fn after(&mut self, place: usize, touched: &Touched, view: &View<'_>) -> Result<(), FoldError> {
        let (Some(seen), Some(draft)) = (self.seen.get(place), &mut self.draft) else {
            return Err(FoldError::BrokeOff);
        };
        // Only events are folded.
        let Ok(event) = EventId::parse(&seen.record) else { return Ok(()) };
        let made = Made {
            cause: Cause::Event { event, event_type: seen.event_type.clone() },
            position: seen.position,
            received_at: seen.received_at,
        };
        let mut telling = Telling { draft, view, policy: self.teller.policy, made: &made };
        telling.object(&touched.object)?;
        if *seen.event_type == *TRIAL_WILL_END {
            telling.trial(&touched.object)?;
        }
        for settled in &touched.payments {
            telling.payment(settled, &touched.object.scope)?;
        }
        for customer in telling.customers(touched)? {
            telling.access(&customer, &touched.object.scope)?;
        }
        Ok(())
    }

    fn before_write(&mut self, checkpoint: Checkpoint) -> Result<(), FoldError> {
        let (Some(last), Some(draft)) = (self.seen.last(), self.draft.take()) else {
            return Err(FoldError::BrokeOff);
        };
        let Checkpoint { position, digest } = checkpoint;
        let through = Through { position, digest, received_at: last.received_at };
        Ok(draft.publish(through, self.teller.maker())?)
    }
}

/// Compares subjects with what was said of them last.
struct Telling<'t, 'f> {
    draft: &'t mut Draft<'f>,
    view: &'t View<'t>,
    policy: &'t Policy,
    made: &'t Made,
}

impl Telling<'_, '_> {
    /// The object itself, if its kind is followed.
    fn object(&mut self, key: &ObjectKey) -> Result<(), FoldError> {
        let topic = match key.kind {
            ObjectKind::Subscription => Topic::Subscription,
            ObjectKind::Invoice => Topic::Invoice,
            ObjectKind::Refund => Topic::Refund,
            ObjectKind::Dispute => Topic::Dispute,
            ObjectKind::Entitlements => Topic::Entitlements,
            _ => return Ok(()),
        };
        let Some(shown) = self.view.object(key)? else { return Ok(()) };
        let Some(now) = Standing::of_object(&shown.object) else { return Ok(()) };
        let subject = subject(&key.scope, topic, &key.id);
        Ok(self.tell(&subject, &now, shown.customer.as_ref(), shown.object.ambiguous())?)
    }

    /// The announced end of a trial, unless the trial is over.
    fn trial(&mut self, key: &ObjectKey) -> Result<(), FoldError> {
        let Some(shown) = self.view.object(key)? else { return Ok(()) };
        let Some(now) = Standing::of_trial(&shown.object) else { return Ok(()) };
        let subject = subject(&key.scope, Topic::Trial, &key.id);
        Ok(self.tell(&subject, &now, shown.customer.as_ref(), shown.object.ambiguous())?)
    }

    /// A payment, and what was told as a payment before it was known to be a part of this one.
    fn payment(&mut self, settled: &Settled, scope: &Scope) -> Result<(), FoldError> {
        let Some(row) = self.view.payment(&settled.id, scope)? else { return Ok(()) };
        let (customer, ambiguous) = (row.payment.customer.as_ref(), row.payment.ambiguous);
        for member in settled.members.iter().filter(|member| member.id != settled.id) {
            let part = subject(scope, Topic::Payment, &member.id);
            if matches!(self.draft.said(&part)?, Some(Standing::Payment(_))) {
                let now = Standing::Merged { merged_into: settled.id.clone() };
                self.tell(&part, &now, customer, ambiguous)?;
            }
        }
        let now = Standing::of_payment(&row.payment);
        Ok(self.tell(&subject(scope, Topic::Payment, &settled.id), &now, customer, ambiguous)?)
    }

    /// A customer's access.
    fn access(&mut self, customer: &ObjectId, scope: &Scope) -> Result<(), FoldError> {
        let at = self.made.received_at.seconds();
        let schedule = schedule(&access::gather(self.view, customer, scope)?, self.policy);
        let now = Standing::of_access(&schedule, at);
        let ambiguous = schedule.at(at).ambiguous;
        Ok(self.tell(&subject(scope, Topic::Access, customer), &now, Some(customer), ambiguous)?)
    }

    fn tell(
        &mut self,
        subject: &Subject,
        now: &Standing,
        customer: Option<&ObjectId>,
        ambiguous: bool,
    ) -> Result<(), FeedError> {
        self.draft.tell(subject, now, self.made, customer, ambiguous)
    }

    /// Whose access the record may have changed: their own objects, what paid for them, and who had the object before.
    fn customers(&self, touched: &Touched) -> Result<BTreeSet<ObjectId>, ProjectionError> {
        let key = &touched.object;
        let mut customers = BTreeSet::new();
        match key.kind {
            ObjectKind::Customer => {
                customers.insert(key.id.clone());
            }
            ObjectKind::Subscription => {
                customers.extend(touched.customer_before.clone());
                customers.extend(self.view.object(key)?.and_then(|shown| shown.customer));
            }
            ObjectKind::Invoice => customers.extend(self.payers(key)?),
            _ => {}
        }
        for settled in &touched.payments {
            let Some(row) = self.view.payment(&settled.id, &key.scope)? else { continue };
            for invoice in &row.payment.invoices {
                let scope = key.scope.clone();
                customers.extend(self.payers(&ObjectKey {
                    kind: ObjectKind::Invoice,
                    id: invoice.clone(),
                    scope,
                })?);
            }
            customers.extend(row.payment.customer);
        }
        Ok(customers)
    }

    /// Whose subscriptions an invoice may be the latest of.
    fn payers(&self, invoice: &ObjectKey) -> Result<Vec<ObjectId>, ProjectionError> {
        let Some(shown) = self.view.object(invoice)? else { return Ok(Vec::new()) };
        let mut payers: Vec<ObjectId> = shown.customer.into_iter().collect();
        let links = shown.object.joined.links().iter();
        for link in links.filter(|link| link.kind == ObjectKind::Subscription) {
            let key = ObjectKey { kind: link.kind, id: link.id.clone(), scope: invoice.scope.clone() };
            payers.extend(self.view.object(&key)?.and_then(|shown| shown.customer));
        }
        Ok(payers)
    }
}

fn subject(scope: &Scope, topic: Topic, object: &ObjectId) -> Subject {
    Subject { scope: scope.clone(), topic, object: object.clone() }
}
