//! Which objects bear on a question: what an id stands for, and what belongs to the payments among it. Only reads.

use std::collections::BTreeSet;

use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::observation::Snapshot;
use crate::projection::{ListQuery, PAGE_ITEMS_MAX, ScopeFilter, View};

use super::QueryError;

/// The most objects that bear on one question.
const NEAR_OBJECTS_MAX: usize = 5_000;

/// What an id stands for: objects of any kind, the members of a payment, and of a customer all that access looks at.
pub(super) fn keys_of(
    projection: &View<'_>,
    id: &ObjectId,
    scope: &ScopeFilter,
) -> Result<Vec<ObjectKey>, QueryError> {
    let mut keys = Vec::new();
    for kind in ObjectKind::ALL {
        let found = projection.objects_by_id(*kind, id, scope)?;
        keys.extend(found.into_iter().map(|shown| shown.object.key));
    }
    for row in projection.payments_by_member(id, scope)? {
        keys.extend(super::why::members(&row));
    }
    for within in projection.scopes()?.into_iter().filter(|within| scope.admits(within)) {
        keys.extend(subscriptions_of(projection, id, &within)?);
    }
    Ok(keys)
}

/// The subscriptions of a customer, with the prices that may name their plans.
fn subscriptions_of(
    projection: &View<'_>,
    customer: &ObjectId,
    scope: &Scope,
) -> Result<Vec<ObjectKey>, QueryError> {
    let mut query = ListQuery {
        scope: ScopeFilter::only(scope),
        customer: Some(customer.clone()),
        limit: PAGE_ITEMS_MAX,
        ..ListQuery::default()
    };
    let mut keys = Vec::new();
    loop {
        let page = projection.objects(ObjectKind::Subscription, &query)?;
        for shown in page.items {
            if let Snapshot::Subscription(subscription) = &shown.object.snapshot {
                let prices = subscription.items.iter().filter_map(|item| item.price.clone());
                let price = |id| ObjectKey { kind: ObjectKind::Price, id, scope: scope.clone() };
                keys.extend(prices.map(price));
            }
            keys.push(shown.object.key);
        }
        match page.next {
            Some(next) if keys.len() < NEAR_OBJECTS_MAX => query.after = Some(next),
            _ => return Ok(keys),
        }
    }
}

/// What payments are gathered through: their links are followed, both ways.
const fn is_followed(kind: ObjectKind) -> bool {
    use ObjectKind::{Charge, Dispute, Invoice, InvoicePayment, PaymentIntent, Refund};
    matches!(kind, PaymentIntent | Charge | Refund | Dispute | Invoice | InvoicePayment)
}

/// The objects and what belongs to the payments among them; with `named` also what the objects name, whatever they are.
pub(super) fn near(
    projection: &View<'_>,
    start: Vec<ObjectKey>,
    named: bool,
) -> Result<BTreeSet<ObjectKey>, QueryError> {
    let asked: BTreeSet<ObjectKey> = start.iter().cloned().collect();
    let mut open = start;
    let mut near = BTreeSet::new();
    while let Some(key) = open.pop() {
        let goes_on = is_followed(key.kind) || (named && asked.contains(&key));
        if !near.insert(key.clone()) || !goes_on {
            continue;
        }
        if near.len() > NEAR_OBJECTS_MAX {
            return Err(QueryError::PastTooLong);
        }
        let Some(shown) = projection.object(&key)? else { continue };
        let links = shown.object.joined.links().iter();
        open.extend(links.map(|link| ObjectKey {
            kind: link.kind,
            id: link.id.clone(),
            scope: key.scope.clone(),
        }));
        open.extend(projection.named_by(&key)?);
    }
    Ok(near)
}
