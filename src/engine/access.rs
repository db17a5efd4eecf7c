//! Who may use the product: gathers a customer's objects and asks the policy. Decides nothing itself.

use crate::model::access::{
    Access, CustomerInput, LastKnown, PaymentFacts, Policy, Schedule, SubscriptionInput, combine, schedule,
    schedule_of,
};
use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::joined::Once;
use crate::model::kind::ObjectKind;
use crate::model::observation::Snapshot;
use crate::model::subscription::SubscriptionStatus;
use crate::model::time::Seconds;
use crate::projection::{ListQuery, PAGE_ITEMS_MAX, ProjectionError, ScopeFilter, View};

use super::read::invoice_payments;
use super::{Billfold, QueryError};

/// The most subscriptions of one customer that access looks at, newest first.
const SUBSCRIPTIONS_MAX: usize = 1_000;

/// Who may use the product, for one customer or for all customers of one reference.
#[derive(Debug, Clone)]
pub struct AccessAnswer {
    /// Whose answer, live or test.
    pub scope: Scope,
    /// The customers that it looks at.
    pub customers: Vec<ObjectId>,
    /// The answer.
    pub access: Access,
    /// The answer of each subscription alone.
    pub subscriptions: Vec<(ObjectId, Access)>,
}

impl Billfold {
    /// Whether a customer may use the product at `now`; none for a customer that nothing is known of.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn access(
        &self,
        customer: &ObjectId,
        scope: &ScopeFilter,
        now: Seconds,
    ) -> Result<Option<AccessAnswer>, QueryError> {
        let projection = self.shared.projection();
        let mut known = Vec::new();
        for within in projection.scopes()?.into_iter().filter(|within| scope.admits(within)) {
            if is_known(&projection, customer, &within)? {
                known.push((vec![customer.clone()], within));
            }
        }
        answer(&projection, &self.shared.options.policy, known, now)
    }

    /// The same for the merchant's own user id: a Checkout's `client_reference_id`, or the metadata keys of
    /// [`Options::reference_keys`](super::Options::reference_keys).
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn access_by_reference(
        &self,
        reference: &str,
        scope: &ScopeFilter,
        now: Seconds,
    ) -> Result<Option<AccessAnswer>, QueryError> {
        let projection = self.shared.projection();
        let known = known_by_reference(&projection, reference, scope)?;
        answer(&projection, &self.shared.options.policy, known, now)
    }
}

/// The customers that carry a reference, scope by scope.
pub(super) fn known_by_reference(
    projection: &View<'_>,
    reference: &str,
    scope: &ScopeFilter,
) -> Result<Vec<(Vec<ObjectId>, Scope)>, QueryError> {
    let mut known = Vec::new();
    for within in projection.scopes()?.into_iter().filter(|within| scope.admits(within)) {
        let customers = projection.customers_of_reference(reference, &within)?;
        if !customers.is_empty() {
            known.push((customers, within));
        }
    }
    Ok(known)
}

/// The answer to all customers of the one scope.
pub(super) fn answer(
    projection: &View<'_>,
    policy: &Policy,
    mut known: Vec<(Vec<ObjectId>, Scope)>,
    now: Seconds,
) -> Result<Option<AccessAnswer>, QueryError> {
    if known.len() > 1 {
        return Err(QueryError::SeveralScopes(known.into_iter().map(|(_, scope)| scope).collect()));
    }
    let Some((customers, scope)) = known.pop() else {
        return Ok(None);
    };
    let mut schedules: Vec<Schedule> = Vec::new();
    let mut subscriptions = Vec::new();
    for customer in &customers {
        let input = input_of(projection, customer, &scope)?;
        for subscription in &input.subscriptions {
            let alone = schedule_of(&input, &subscription.id, policy);
            subscriptions.extend(alone.map(|alone| (subscription.id.clone(), alone.at(now))));
        }
        schedules.push(schedule(&input, policy));
    }
    let access = combine(&schedules).at(now);
    Ok(Some(AccessAnswer { scope, customers, access, subscriptions }))
}

/// All that the policy looks at, of one customer, and what its plans are called.
fn input_of(
    projection: &View<'_>,
    customer: &ObjectId,
    scope: &Scope,
) -> Result<CustomerInput, ProjectionError> {
    let mut input = gather(projection, customer, scope)?;
    name_plans(projection, &mut input, scope)?;
    Ok(input)
}

/// The same, but its plans have only the names that stand in the subscriptions.
pub(super) fn gather(
    projection: &View<'_>,
    customer: &ObjectId,
    scope: &Scope,
) -> Result<CustomerInput, ProjectionError> {
    let key = |kind| ObjectKey { kind, id: customer.clone(), scope: scope.clone() };
    let own = projection.object(&key(ObjectKind::Customer))?;
    let entitlements = projection.object(&key(ObjectKind::Entitlements))?;
    let mut input = CustomerInput {
        customer: customer.clone(),
        deleted_at: own.and_then(|shown| shown.object.joined.once(Once::DeletedAt)),
        subscriptions: Vec::new(),
        entitlements: entitlements.and_then(|shown| match shown.object.current() {
            Snapshot::Entitlements(entitlements) => Some(entitlements),
            _ => None,
        }),
    };
    let mut query = ListQuery {
        scope: ScopeFilter::only(scope),
        customer: Some(customer.clone()),
        limit: PAGE_ITEMS_MAX,
        ..ListQuery::default()
    };
    while input.subscriptions.len() < SUBSCRIPTIONS_MAX {
        let page = projection.objects(ObjectKind::Subscription, &query)?;
        for shown in page.items {
            let object = shown.object;
            let Snapshot::Subscription(snapshot) = object.current() else { continue };
            let latest_payments = match &snapshot.latest_invoice {
                Some(invoice) => payment_facts(projection, invoice, scope)?,
                None => PaymentFacts::default(),
            };
            // Rare enough to be worth all entries: Stripe has a new word.
            let last_known = match &snapshot.status {
                SubscriptionStatus::Other(_) => LastKnown::of(&projection.moments(&object.key)?),
                _ => None,
            };
            input.subscriptions.push(SubscriptionInput {
                id: object.key.id.clone(),
                status_since: last_known.as_ref().map_or(object.status_since(), |known| known.since),
                ambiguous: object.ambiguous() || last_known.as_ref().is_some_and(|known| known.ambiguous),
                last_known_status: last_known.map(|known| known.status),
                latest_payments,
                snapshot: *snapshot,
            });
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    Ok(input)
}

fn payment_facts(
    projection: &View<'_>,
    invoice: &ObjectId,
    scope: &Scope,
) -> Result<PaymentFacts, ProjectionError> {
    let key = |kind, id| ObjectKey { kind, id, scope: scope.clone() };
    let rows = invoice_payments(projection, &key(ObjectKind::Invoice, invoice.clone()))?;
    let payments: Vec<_> = rows.into_iter().map(|row| row.payment).collect();
    let mut disputes = Vec::new();
    for id in payments.iter().flat_map(|payment| &payment.disputes) {
        let dispute = projection.object(&key(ObjectKind::Dispute, id.clone()))?;
        if let Some(Snapshot::Dispute(dispute)) = dispute.map(|shown| shown.object.current()) {
            disputes.push(*dispute);
        }
    }
    Ok(PaymentFacts::of(&payments, &disputes))
}

/// Items name their price; what the price is called may stand in the price's own object.
fn name_plans(
    projection: &View<'_>,
    input: &mut CustomerInput,
    scope: &Scope,
) -> Result<(), ProjectionError> {
    let items = input.subscriptions.iter_mut().flat_map(|subscription| &mut subscription.snapshot.items);
    for item in items.filter(|item| item.lookup_key.is_none() || item.product.is_none()) {
        let Some(id) = item.price.clone() else { continue };
        let key = ObjectKey { kind: ObjectKind::Price, id, scope: scope.clone() };
        let Some(Snapshot::Price(price)) = projection.object(&key)?.map(|shown| shown.object.current())
        else {
            continue;
        };
        item.lookup_key = item.lookup_key.take().or(price.lookup_key);
        item.product = item.product.take().or(price.product);
    }
    Ok(())
}

/// The answer for one customer whose scope is known; none for one that nothing is known of.
pub(super) fn of_customer(
    projection: &View<'_>,
    policy: &Policy,
    customer: &ObjectId,
    scope: &Scope,
    now: Seconds,
) -> Result<Option<Access>, QueryError> {
    if !is_known(projection, customer, scope)? {
        return Ok(None);
    }
    Ok(Some(schedule(&input_of(projection, customer, scope)?, policy).at(now)))
}

/// Something names this customer: its own events, a subscription, an entitlement list.
fn is_known(projection: &View<'_>, customer: &ObjectId, scope: &Scope) -> Result<bool, QueryError> {
    let key = |kind| ObjectKey { kind, id: customer.clone(), scope: scope.clone() };
    if projection.object(&key(ObjectKind::Customer))?.is_some()
        || projection.object(&key(ObjectKind::Entitlements))?.is_some()
    {
        return Ok(true);
    }
    let query = ListQuery {
        scope: ScopeFilter::only(scope),
        customer: Some(customer.clone()),
        limit: 1,
        ..ListQuery::default()
    };
    Ok(!projection.objects(ObjectKind::Subscription, &query)?.items.is_empty())
}
