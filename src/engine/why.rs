//! Why an object is as it is: the fold's own explanation, with the records that it speaks of. Never writes.

use crate::log::{Position, Provider, RecordId};
use crate::model::evidence::Evidence;
use crate::model::explain::{Explanation, Line, explain};
use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::{Entry, Observation, Snapshot};
use crate::model::register::Seconded;
use crate::model::time::Millis;
use crate::projection::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PaymentRow, ScopeFilter, Shown, View};
use crate::stripe::decode::earlier;
use crate::stripe::envelope::Envelope;

use super::{Billfold, QueryError, decode};

/// The most members of a payment that are explained.
pub const EXPLAINED_OBJECTS_MAX: usize = 50;
/// The most records of an object that are looked at for proofs, newest first.
pub const PROOF_RECORDS_MAX: usize = 10_000;
/// How often an object is read again when it changes while it is read.
const READS_MAX: usize = 4;

/// Why something is as it is.
#[derive(Debug, Clone)]
pub struct Why {
    /// Where it lives.
    pub scope: Scope,
    /// The payment that the id names or belongs to.
    pub payment: Option<PaymentRow>,
    /// The objects of that id, each explained; of a payment's own id its known members.
    pub objects: Vec<Explained>,
    /// How many more members the payment has, beyond [`EXPLAINED_OBJECTS_MAX`].
    pub omitted: usize,
}

/// One object, explained.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The object.
    pub shown: Shown,
    /// What the fold made of its events. Its lines stand in [`Explained::observed`].
    pub explanation: Explanation,
    /// The newest events with their records, the newest last.
    pub observed: Vec<Observed>,
    /// What other events prove beyond the deciding one.
    pub evidence: Evidence,
}

/// One event of an object, with its record.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What became of it.
    pub line: Line,
    /// Where it lies in the log; depends on the order of delivery.
    pub position: Option<Position>,
    /// When it came; depends on the order of delivery.
    pub received_at: Option<Millis>,
    /// The object as it was just before, as far as that is known.
    pub before: Option<Snapshot>,
    /// The object as the event shows it.
    pub snapshot: Option<Snapshot>,
}

/// A stored event, read again.
struct Reread {
    position: Position,
    received_at: Millis,
    observation: Observation,
    before: Option<Snapshot>,
}

impl Billfold {
    /// Why an object is as it is, by its id, whatever its kind; by a payment's id: its members.
    ///
    /// Shows at most `limit` of the newest events (1 to [`PAGE_ITEMS_MAX`]; 0 stands for [`PAGE_ITEMS_DEFAULT`]), shared
    /// out evenly among the objects. Everything but positions and times of receipt is the same for every order of delivery.
    ///
    /// # Errors
    /// [`QueryError::SeveralScopes`] when the scope does not say which.
    pub fn why(&self, id: &ObjectId, scope: &ScopeFilter, limit: usize) -> Result<Option<Why>, QueryError> {
        let projection = self.shared.projection();
        let mut keys: Vec<ObjectKey> = Vec::new();
        for kind in ObjectKind::ALL {
            let found = projection.objects_by_id(*kind, id, scope)?;
            keys.extend(found.into_iter().map(|shown| shown.object.key));
        }
        let mut payments = projection.payments_by_member(id, scope)?;
        let mut scopes: Vec<&Scope> =
            keys.iter().map(|key| &key.scope).chain(payments.iter().map(|row| &row.scope)).collect();
        scopes.sort();
        scopes.dedup();
        if scopes.len() > 1 {
            return Err(QueryError::SeveralScopes(scopes.into_iter().cloned().collect()));
        }
        let Some(scope) = scopes.pop().cloned() else { return Ok(None) };
        let payment = payments.pop();
        if let Some(row) = payment.as_ref().filter(|row| row.payment.id == *id) {
            let members = members(row);
            keys.retain(|key| !members.contains(key));
            keys = members.into_iter().chain(keys).collect();
        }
        let mut found: Vec<ObjectKey> = Vec::new();
        for key in keys {
            found.extend(projection.object(&key)?.map(|_| key));
        }
        let omitted = found.len().saturating_sub(EXPLAINED_OBJECTS_MAX);
        found.truncate(EXPLAINED_OBJECTS_MAX);
        let limit = if limit == 0 { PAGE_ITEMS_DEFAULT } else { limit.min(PAGE_ITEMS_MAX) };
        let share = limit.checked_div(found.len()).unwrap_or(limit).max(1);
        let mut objects = Vec::with_capacity(found.len());
        for key in &found {
            objects.extend(self.explained(&projection, key, share)?);
        }
        Ok(Some(Why { scope, payment, objects, omitted }))
    }

    fn explained(
        &self,
        projection: &View<'_>,
        key: &ObjectKey,
        limit: usize,
    ) -> Result<Option<Explained>, QueryError> {
        for reads_left in (0..READS_MAX).rev() {
            let Some(shown) = projection.object(key)? else { return Ok(None) };
            let seconds = projection.moments(key)?;
            let Some(explanation) = explain(key.kind, &seconds, limit) else { return Ok(None) };
            // The fold goes on meanwhile: both have to be of one moment.
            if explanation.now == shown.object.now || reads_left == 0 {
                return self.with_records(shown, explanation, &seconds).map(Some);
            }
        }
        Ok(None)
    }

    fn with_records(
        &self,
        shown: Shown,
        mut explanation: Explanation,
        seconds: &Seconded,
    ) -> Result<Explained, QueryError> {
        let object = &shown.object;
        let mut evidence = Evidence::wanted(object);
        let mut observed: Vec<Observed> = Vec::with_capacity(explanation.lines.len());
        for line in std::mem::take(&mut explanation.lines) {
            let reread = self.reread(&line.entry)?;
            let followed = line.follows.as_ref();
            let stated =
                followed.and_then(|event| observed.iter().rev().find(|one| one.line.entry.event == *event));
            let stated = stated.and_then(|one| one.snapshot.clone());
            observed.push(match reread {
                Some(reread) => Observed {
                    line,
                    position: Some(reread.position),
                    received_at: Some(reread.received_at),
                    before: reread.before.or(stated),
                    snapshot: Some(reread.observation.snapshot),
                },
                None => Observed { line, position: None, received_at: None, before: None, snapshot: None },
            });
        }
        self.prove(object, seconds, &mut evidence)?;
        // Some values are the type's word, not the snapshot's: then the deciding event itself proves them.
        evidence.overruled.retain(|_, event| event.as_ref() != Some(&explanation.newest.decides));
        Ok(Explained { shown, explanation, observed, evidence })
    }

    /// Looks for the events that prove what the deciding one does not show. Mostly there is nothing to prove.
    fn prove(&self, object: &Object, seconds: &Seconded, evidence: &mut Evidence) -> Result<(), QueryError> {
        let newest_first = seconds.values().rev().flat_map(|entries| entries.iter().rev());
        for entry in newest_first.take(PROOF_RECORDS_MAX) {
            if evidence.is_complete() {
                break;
            }
            if let Some(reread) = self.reread(entry)? {
                evidence.look_at(object, &reread.observation);
            }
        }
        Ok(())
    }

    fn reread(&self, entry: &Entry) -> Result<Option<Reread>, QueryError> {
        let id = RecordId::Event(entry.event.clone());
        let Some(record) = self.shared.log.find(Provider::Stripe, &id)? else { return Ok(None) };
        let Some(observation) = decode::step(&record).observation else { return Ok(None) };
        let envelope = Envelope::parse(&record.content.body.0).ok();
        Ok(Some(Reread {
            position: record.position,
            received_at: record.content.received_at,
            before: envelope.as_ref().and_then(earlier),
            observation: *observation,
        }))
    }
}

/// The objects of a payment, in the order in which a person reads them.
pub(super) fn members(row: &PaymentRow) -> Vec<ObjectKey> {
    let payment = &row.payment;
    let of = |kind, ids: &[ObjectId]| -> Vec<ObjectKey> {
        ids.iter().map(|id| ObjectKey { kind, id: id.clone(), scope: row.scope.clone() }).collect()
    };
    [
        of(ObjectKind::PaymentIntent, payment.payment_intent.as_slice()),
        of(ObjectKind::Charge, &payment.charges),
        of(ObjectKind::Refund, &payment.refunds),
        of(ObjectKind::Dispute, &payment.disputes),
    ]
    .concat()
}
