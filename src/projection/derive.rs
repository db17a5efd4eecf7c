//! What several objects say together: payments, and who owns a refund or a dispute.
//!
//! Derived from the rows of the same batch, never from another derived row.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::derived::Member;
use crate::model::derived::payment::{self as derived, Payment, PaymentGroup};
use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::Snapshot;
use crate::model::time::Seconds;

use super::staged::Staged;
use super::{ProjectionError, codec, keys};

/// The most members that one payment gathers; a group beyond that is cut, in the order of ids.
const GROUP_MEMBERS_MAX: usize = 1_000;

/// A payment and where it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    /// Whose payment, live or test.
    pub scope: Scope,
    /// The payment.
    pub payment: Payment,
}

impl PaymentRow {
    /// When the provider made its first part.
    pub(super) fn created(&self) -> Seconds {
        self.payment.created.unwrap_or(Seconds(0))
    }
}

const fn is_member(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::PaymentIntent | ObjectKind::Charge | ObjectKind::Refund | ObjectKind::Dispute)
}

/// A payment that was derived anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its id.
    pub id: ObjectId,
    /// Its members, the unknown ones that others name too.
    pub members: BTreeSet<ObjectKey>,
}

/// Derives the payments that changed objects take part in.
pub(super) fn settle_payments(
    staged: &mut Staged<'_>,
    changed: &BTreeSet<ObjectKey>,
) -> Result<Vec<Settled>, ProjectionError> {
    let mut settled = Vec::new();
    let mut done: BTreeSet<ObjectKey> = BTreeSet::new();
    for key in changed {
        for start in seeds(staged, key)? {
            if done.contains(&start) {
                continue;
            }
            let group = gather(staged, &start)?;
            done.extend(group.members.iter().cloned());
            if let Some(id) = settle_group(staged, &group)? {
                settled.push(Settled { id, members: group.members });
            }
        }
    }
    Ok(settled)
}

/// The members of payments that a changed object bears on.
fn seeds(staged: &mut Staged<'_>, key: &ObjectKey) -> Result<Vec<ObjectKey>, ProjectionError> {
    if is_member(key.kind) {
        return Ok(vec![key.clone()]);
    }
    if !matches!(key.kind, ObjectKind::Invoice | ObjectKind::InvoicePayment) {
        return Ok(Vec::new());
    }
    let links = staged.object(key)?.map(|object| named(object, key)).unwrap_or_default();
    Ok(links.into_iter().filter(|link| is_member(link.kind)).collect())
}

fn named(object: &Object, key: &ObjectKey) -> Vec<ObjectKey> {
    let scope = || key.scope.clone();
    object
        .joined
        .links()
        .iter()
        .map(|link| ObjectKey { kind: link.kind, id: link.id.clone(), scope: scope() })
        .collect()
}

struct Group {
    scope: Scope,
    members: BTreeSet<ObjectKey>,
    invoices: BTreeSet<ObjectId>,
}

/// Follows the links between intents, charges, refunds and disputes, in both directions.
fn gather(staged: &mut Staged<'_>, start: &ObjectKey) -> Result<Group, ProjectionError> {
    let mut group = Group { scope: start.scope.clone(), members: BTreeSet::new(), invoices: BTreeSet::new() };
    let mut open = BTreeSet::from([start.clone()]);
    while let Some(key) = open.pop_first() {
        if group.members.len() >= GROUP_MEMBERS_MAX || !group.members.insert(key.clone()) {
            continue;
        }
        let mut near = staged.object(&key)?.map(|object| named(object, &key)).unwrap_or_default();
        near.extend(staged.view().named_by(&key)?);
        for other in near {
            if is_member(other.kind) {
                if !group.members.contains(&other) {
                    open.insert(other);
                }
            } else if other.kind == ObjectKind::Invoice {
                group.invoices.insert(other.id);
            } else if other.kind == ObjectKind::InvoicePayment {
                let paid = staged.object(&other)?.map(|object| named(object, &other)).unwrap_or_default();
                group
                    .invoices
                    .extend(paid.into_iter().filter(|key| key.kind == ObjectKind::Invoice).map(|key| key.id));
            }
        }
    }
    Ok(group)
}

/// A group is one payment; what was a payment of its own before the group was known is none any more.
fn settle_group(staged: &mut Staged<'_>, group: &Group) -> Result<Option<ObjectId>, ProjectionError> {
    let Some(payment) = derived::derive(&known_members(staged, group)?) else {
        return Ok(None);
    };
    let (id, customer) = (payment.id.clone(), payment.customer.clone());
    let row_key = keys::payment(&id, &group.scope);
    let row = PaymentRow { scope: group.scope.clone(), payment };
    staged.put_payment(row_key.clone(), Some(&row))?;
    for key in &group.members {
        let own_row = keys::payment(&key.id, &key.scope);
        if own_row != row_key {
            staged.put_payment(own_row, None)?;
        }
        // The payment's own id finds it by itself.
        if key.id == id {
            staged.remove(keys::member(&key.id, &key.scope));
        } else {
            staged.write(keys::member(&key.id, &key.scope), codec::encode(&id)?);
        }
        if matches!(key.kind, ObjectKind::Refund | ObjectKind::Dispute) {
            settle_owner(staged, key, customer.as_ref())?;
        }
    }
    Ok(Some(id))
}

fn known_members(staged: &mut Staged<'_>, group: &Group) -> Result<PaymentGroup, ProjectionError> {
    let mut known =
        PaymentGroup { invoices: group.invoices.iter().cloned().collect(), ..PaymentGroup::default() };
    for key in &group.members {
        let Some(object) = staged.object(key)? else { continue };
        let (id, ambiguous) = (key.id.clone(), object.ambiguous());
        match object.current() {
            Snapshot::PaymentIntent(snapshot) if known.intent.is_none() => {
                known.intent = Some(Member { id, snapshot: *snapshot, ambiguous });
            }
            Snapshot::Charge(snapshot) => known.charges.push(Member { id, snapshot: *snapshot, ambiguous }),
            Snapshot::Refund(snapshot) => known.refunds.push(Member { id, snapshot, ambiguous }),
            Snapshot::Dispute(snapshot) => known.disputes.push(Member { id, snapshot: *snapshot, ambiguous }),
            _ => {}
        }
    }
    Ok(known)
}

/// A refund or a dispute names no customer: its payment does.
fn settle_owner(
    staged: &mut Staged<'_>,
    key: &ObjectKey,
    customer: Option<&ObjectId>,
) -> Result<(), ProjectionError> {
    let Some(created) = staged.object(key)?.map(Object::created) else {
        return Ok(());
    };
    let row = keys::owner(key);
    let old: Option<ListedUnder> = staged.row(&row)?;
    let new = customer.map(|customer| ListedUnder { customer: customer.clone(), created });
    if old == new {
        return Ok(());
    }
    if let Some(old) = old {
        staged.remove(keys::owned_list_key(key, old.created, &old.customer));
        staged.remove(row.clone());
    }
    if let Some(new) = new {
        staged.write(keys::owned_list_key(key, new.created, &new.customer), Vec::new());
        staged.write(row, codec::encode(&new)?);
    }
    Ok(())
}

/// Under whom and when an owned object is listed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedUnder {
    pub(super) customer: ObjectId,
    pub(super) created: Seconds,
}
