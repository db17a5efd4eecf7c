//! Reconciling: where another version of the fold or another policy made the feed, every subject is compared once with
//! what was said of it, and what differs is said now.
//!
//! Walks in pages. Broken off, it begins again, and what was said is said no second time.

use std::collections::BTreeSet;

use crate::feed::{Made, PAGE_ENTRIES_MAX};
use crate::model::feed::{Cause, Standing, Topic};
use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::projection::{ListQuery, PAGE_ITEMS_MAX, ProjectionError, ScopeFilter, Settled, View};

use super::{Teller, Telling};
use crate::engine::FoldError;

/// The kinds that are subjects themselves, and those that name a customer whose access is one.
const KINDS: [ObjectKind; 6] = [
    ObjectKind::Customer,
    ObjectKind::Subscription,
    ObjectKind::Invoice,
    ObjectKind::Refund,
    ObjectKind::Dispute,
    ObjectKind::Entitlements,
];

impl Teller<'_> {
    /// Says what the present rules see otherwise, if other ones made the feed. The state is that of the record that the
    /// feed is made through.
    pub(in crate::engine) fn reconcile(&self, view: &View<'_>) -> Result<(), FoldError> {
        let (before, now) = (self.feed.maker(), self.maker());
        if before == now {
            return Ok(());
        }
        let through = self.feed.through();
        let only_access = before.reducer == now.reducer;
        let cause = if only_access { Cause::Policy } else { Cause::Rebuild { reducer: now.reducer } };
        let made = Made { cause, position: through.position, received_at: through.received_at };
        for scope in view.scopes()? {
            for kind in KINDS {
                let bears_on_access = matches!(kind, ObjectKind::Customer | ObjectKind::Subscription);
                if bears_on_access || !only_access {
                    self.compare_objects(view, kind, &scope, only_access, &made)?;
                }
            }
            if !only_access {
                self.compare_payments(view, &scope, &made)?;
            }
        }
        if !only_access {
            self.compare_gone_payments(view, &made)?;
        }
        Ok(self.feed.draft().publish(through, now)?)
    }

    fn compare_objects(
        &self,
        view: &View<'_>,
        kind: ObjectKind,
        scope: &Scope,
        only_access: bool,
        made: &Made,
    ) -> Result<(), FoldError> {
        let bears_on_access = matches!(kind, ObjectKind::Customer | ObjectKind::Subscription);
        let mut query = whole(scope);
        loop {
            let page = view.objects(kind, &query)?;
            self.page(view, made, |telling| {
                let mut customers = BTreeSet::new();
                for shown in &page.items {
                    if !only_access {
                        telling.object(&shown.object.key)?;
                    }
                    customers.extend(shown.customer.as_ref().filter(|_| bears_on_access));
                }
                for customer in customers {
                    // Once for each: looking at one takes as long as it has subscriptions.
                    if kind == ObjectKind::Customer || !is_customer(view, customer, scope)? {
                        telling.access(customer, scope)?;
                    }
                }
                Ok(())
            })?;
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn compare_payments(&self, view: &View<'_>, scope: &Scope, made: &Made) -> Result<(), FoldError> {
        let mut query = whole(scope);
        loop {
            let page = view.payments(&query)?;
            self.page(view, made, |telling| {
                for row in &page.items {
                    let settled = Settled { id: row.payment.id.clone(), members: BTreeSet::new() };
                    telling.payment(&settled, scope)?;
                }
                Ok(())
            })?;
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// What was told as a payment, and is a part of another one by the present rules.
    fn compare_gone_payments(&self, view: &View<'_>, made: &Made) -> Result<(), FoldError> {
        let mut after = None;
        loop {
            let subjects = self.feed.subjects(after.as_ref(), PAGE_ENTRIES_MAX)?;
            let Some(last) = subjects.last() else { return Ok(()) };
            after = Some(last.clone());
            self.page(view, made, |telling| {
                for subject in subjects.iter().filter(|subject| subject.topic == Topic::Payment) {
                    // What was said to be a part of another one stays that, wherever the other one went.
                    if !matches!(telling.draft.said(subject)?, Some(Standing::Payment(_))) {
                        continue;
                    }
                    let within = ScopeFilter::only(&subject.scope);
                    let found = view.payments_by_member(&subject.object, &within)?;
                    let Some(row) = found.first().filter(|row| row.payment.id != subject.object) else {
                        continue;
                    };
                    let now = Standing::Merged { merged_into: row.payment.id.clone() };
                    let payment = &row.payment;
                    telling.tell(subject, &now, payment.customer.as_ref(), payment.ambiguous)?;
                }
                Ok(())
            })?;
        }
    }

    /// A page of comparisons, written in one piece, still in the name of who made the feed before.
    pub(super) fn page(
        &self,
        view: &View<'_>,
        made: &Made,
        compare: impl FnOnce(&mut Telling<'_, '_>) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let mut draft = self.feed.draft();
        compare(&mut Telling { draft: &mut draft, view, policy: self.policy, made })?;
        if draft.is_empty() {
            return Ok(());
        }
        Ok(draft.publish(self.feed.through(), self.feed.maker())?)
    }
}

/// The customer has an object of its own.
fn is_customer(view: &View<'_>, customer: &ObjectId, scope: &Scope) -> Result<bool, ProjectionError> {
    let key = ObjectKey { kind: ObjectKind::Customer, id: customer.clone(), scope: scope.clone() };
    Ok(view.object(&key)?.is_some())
}

/// Everything of one scope, page by page.
fn whole(scope: &Scope) -> ListQuery {
    ListQuery { scope: ScopeFilter::only(scope), limit: PAGE_ITEMS_MAX, ..ListQuery::default() }
}
