//! Keys of the one tree that holds derived state: a table byte, then fields that sort as they should.
//!
//! Texts end with a zero byte, which no id contains; numbers are big-endian. So the keys of one
//! prefix are contiguous, and the newest come first where a time is stored inverted.

use crate::model::id::{AccountId, ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::time::Seconds;

use super::query::Collection;

/// How far the fold has come. The one value that depends on arrival.
pub(super) const CHECKPOINT: &[u8] = b"c";

const OBJECT: u8 = b'o';
const MOMENT: u8 = b'm';
const LINKED_FROM: u8 = b'l';
const PAYMENT: u8 = b'p';
const MEMBER: u8 = b'g';
const OWNER: u8 = b'w';
const REFERENCE: u8 = b'r';
const SCOPE: u8 = b's';
const COUNT: u8 = b'n';
const TALLY: u8 = b't';
const UNFOLDED: u8 = b'u';
const BY_CREATED: u8 = b'i';
const BY_STATUS: u8 = b'j';
const BY_CUSTOMER: u8 = b'k';

/// The list code of payments; objects use their kind's code, which stays below.
const PAYMENTS: u8 = 200;

fn text(key: &mut Vec<u8>, text: &str) {
    key.extend(text.bytes().filter(|byte| *byte != 0));
    key.push(0);
}

fn scope_into(key: &mut Vec<u8>, scope: &Scope) {
    key.push(u8::from(scope.livemode));
    text(key, scope.account.as_ref().map_or("", AccountId::as_str));
}

/// Sorts like the number.
const fn ascending(second: Seconds) -> [u8; 8] {
    (second.0.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// Sorts against the number: newest first.
pub(super) const fn descending(second: Seconds) -> [u8; 8] {
    (!(second.0.cast_unsigned() ^ (1 << 63))).to_be_bytes()
}

fn table_object(table: u8, key: &ObjectKey) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend([table, key.kind.code()]);
    text(&mut bytes, key.id.as_str());
    scope_into(&mut bytes, &key.scope);
    bytes
}

/// The row of an object.
pub(super) fn object(key: &ObjectKey) -> Vec<u8> {
    table_object(OBJECT, key)
}

/// The rows of one id in every scope.
pub(super) fn object_in_any_scope(kind: ObjectKind, id: &ObjectId) -> Vec<u8> {
    let mut bytes = vec![OBJECT, kind.code()];
    text(&mut bytes, id.as_str());
    bytes
}

/// The entries of an object in one second.
pub(super) fn moment(key: &ObjectKey, second: Seconds) -> Vec<u8> {
    let mut bytes = moments(key);
    bytes.extend(ascending(second));
    bytes
}

/// All entries of an object, by second.
pub(super) fn moments(key: &ObjectKey) -> Vec<u8> {
    table_object(MOMENT, key)
}

/// The second of a moment's key.
pub(super) fn moment_second(key: &[u8]) -> Option<Seconds> {
    let bytes: [u8; 8] = key.last_chunk().copied()?;
    Some(Seconds((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()))
}

/// Everything that names `to` (in the same scope).
pub(super) fn linked_from(to: &ObjectKey) -> Vec<u8> {
    table_object(LINKED_FROM, to)
}

/// `from` names `to`.
pub(super) fn link(to: &ObjectKey, from_kind: ObjectKind, from: &ObjectId) -> Vec<u8> {
    let mut bytes = linked_from(to);
    bytes.push(from_kind.code());
    text(&mut bytes, from.as_str());
    bytes
}

/// The naming side of a link's key, behind its prefix.
pub(super) fn link_source(key: &[u8], prefix: &[u8]) -> Option<(ObjectKind, ObjectId)> {
    let rest = key.strip_prefix(prefix)?;
    let (code, id) = rest.split_first()?;
    Some((ObjectKind::from_code(*code)?, id_before_zero(id)?))
}

/// The row of a payment.
pub(super) fn payment(id: &ObjectId, scope: &Scope) -> Vec<u8> {
    let mut bytes = payment_in_any_scope(id);
    scope_into(&mut bytes, scope);
    bytes
}

/// The rows of one payment's id in every scope.
pub(super) fn payment_in_any_scope(id: &ObjectId) -> Vec<u8> {
    let mut bytes = vec![PAYMENT];
    text(&mut bytes, id.as_str());
    bytes
}

/// Which payment a member (or something that a member names) belongs to.
pub(super) fn member(id: &ObjectId, scope: &Scope) -> Vec<u8> {
    let mut bytes = members(id);
    scope_into(&mut bytes, scope);
    bytes
}

/// The same in every scope.
pub(super) fn members(id: &ObjectId) -> Vec<u8> {
    let mut bytes = vec![MEMBER];
    text(&mut bytes, id.as_str());
    bytes
}

/// The customer of an object that does not name one itself.
pub(super) fn owner(key: &ObjectKey) -> Vec<u8> {
    table_object(OWNER, key)
}

/// The customers that the merchant knows under a reference (16 bytes of its hash).
pub(super) fn references(reference: &[u8; 16], scope: &Scope) -> Vec<u8> {
    let mut bytes = vec![REFERENCE];
    bytes.extend(reference);
    scope_into(&mut bytes, scope);
    bytes
}

/// A reference that an object gives for a customer.
pub(super) fn reference(reference: &[u8; 16], key: &ObjectKey, customer: &ObjectId) -> Vec<u8> {
    let mut bytes = references(reference, &key.scope);
    text(&mut bytes, customer.as_str());
    bytes.push(key.kind.code());
    text(&mut bytes, key.id.as_str());
    bytes
}

/// The customer in a reference's key, behind its prefix.
pub(super) fn reference_customer(key: &[u8], prefix: &[u8]) -> Option<ObjectId> {
    id_before_zero(key.strip_prefix(prefix)?)
}

/// A scope that holds something.
pub(super) fn scope(scope: &Scope) -> Vec<u8> {
    let mut bytes = scopes();
    scope_into(&mut bytes, scope);
    bytes
}

/// All scopes.
pub(super) fn scopes() -> Vec<u8> {
    vec![SCOPE]
}

/// Reads a scope back, given the bytes behind the prefix.
pub(super) fn parse_scope(bytes: &[u8]) -> Option<Scope> {
    let (livemode, account) = bytes.split_first()?;
    let account = match account.split_last()? {
        (0, []) => None,
        (0, text) => Some(AccountId::parse(std::str::from_utf8(text).ok()?).ok()?),
        _ => return None,
    };
    Some(Scope { account, livemode: *livemode == 1 })
}

/// How many records of a type came to an outcome.
pub(super) fn count(outcome: &str, event_type: &str) -> Vec<u8> {
    let mut bytes = counts();
    text(&mut bytes, outcome);
    text(&mut bytes, event_type);
    bytes
}

/// All counts.
pub(super) fn counts() -> Vec<u8> {
    vec![COUNT]
}

/// Outcome and type of a count's key.
pub(super) fn parse_count(key: &[u8]) -> Option<(&str, &str)> {
    let mut texts = key.get(1..)?.split(|byte| *byte == 0);
    let outcome = std::str::from_utf8(texts.next()?).ok()?;
    let event_type = std::str::from_utf8(texts.next()?).ok()?;
    Some((outcome, event_type))
}

/// What is counted about objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tally {
    Exists = 0,
    Ambiguous = 1,
    Inverted = 2,
    Contradictory = 3,
}

/// How many objects of a kind are so.
pub(super) fn tally(what: Tally, kind: ObjectKind) -> Vec<u8> {
    vec![TALLY, what as u8, kind.code()]
}

/// All tallies.
pub(super) fn tallies() -> Vec<u8> {
    vec![TALLY]
}

/// What is counted by a tally's key, given the bytes behind the prefix.
pub(super) fn parse_tally(bytes: &[u8]) -> Option<(Tally, ObjectKind)> {
    let [what, kind] = bytes else { return None };
    let what = [Tally::Exists, Tally::Ambiguous, Tally::Inverted, Tally::Contradictory]
        .into_iter()
        .find(|tally| *tally as u8 == *what)?;
    Some((what, ObjectKind::from_code(*kind)?))
}

/// A record that changed no object.
pub(super) fn unfolded(outcome: &str, record: &str) -> Vec<u8> {
    let mut bytes = unfolded_of(outcome);
    text(&mut bytes, record);
    bytes
}

/// The records of one outcome that changed no object.
pub(super) fn unfolded_of(outcome: &str) -> Vec<u8> {
    let mut bytes = vec![UNFOLDED];
    text(&mut bytes, outcome);
    bytes
}

/// The record in an unfolded row's key, behind its prefix.
pub(super) fn unfolded_record<'k>(key: &'k [u8], prefix: &[u8]) -> Option<&'k str> {
    std::str::from_utf8(key.strip_prefix(prefix)?.strip_suffix(&[0])?).ok()
}

/// Whether a key is that of an object's row.
pub(super) fn is_object(key: &[u8]) -> bool {
    key.first() == Some(&OBJECT)
}

/// Whether a key is that of a payment's row.
pub(super) fn is_payment(key: &[u8]) -> bool {
    key.first() == Some(&PAYMENT)
}

/// What a key of a list by status says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusKey {
    pub(super) collection: Collection,
    pub(super) scope: Scope,
    pub(super) status: Box<str>,
    pub(super) id: ObjectId,
}

/// Reads a key of a list by status; none for any other key.
pub(super) fn parse_status(key: &[u8]) -> Option<StatusKey> {
    let rest = key.strip_prefix(&[BY_STATUS])?;
    let (code, rest) = rest.split_first()?;
    let collection = match *code {
        PAYMENTS => Collection::Payments,
        code => Collection::Objects(ObjectKind::from_code(code)?),
    };
    // The mode, and the account with the zero behind it.
    let account = rest.get(1..)?.iter().position(|byte| *byte == 0)?;
    let (scope, rest) = rest.split_at_checked(account.checked_add(2)?)?;
    let (status, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == 0)?)?;
    Some(StatusKey {
        collection,
        scope: parse_scope(scope)?,
        status: std::str::from_utf8(status).ok()?.into(),
        id: list_id(rest.get(1..)?)?,
    })
}

fn list(table: u8, collection: Collection, scope: &Scope, by: Option<&str>) -> Vec<u8> {
    let code = match collection {
        Collection::Objects(kind) => kind.code(),
        Collection::Payments => PAYMENTS,
    };
    let mut bytes = Vec::with_capacity(80);
    bytes.extend([table, code]);
    scope_into(&mut bytes, scope);
    if let Some(by) = by {
        text(&mut bytes, by);
    }
    bytes
}

/// Whether items can be found by status without looking at others: where people ask for it and few match.
pub(super) const fn lists_by_status(collection: Collection) -> bool {
    use ObjectKind::{Dispute, Invoice, Refund, Subscription};
    matches!(
        collection,
        Collection::Payments | Collection::Objects(Subscription | Invoice | Refund | Dispute)
    )
}

/// The prefix of a list: all, of a customer, or of a status (the customer narrows more).
pub(super) fn list_prefix(
    collection: Collection,
    scope: &Scope,
    customer: Option<&ObjectId>,
    status: Option<&str>,
) -> Vec<u8> {
    match (customer, status) {
        (Some(customer), _) => list(BY_CUSTOMER, collection, scope, Some(customer.as_str())),
        (None, Some(status)) => list(BY_STATUS, collection, scope, Some(status)),
        (None, None) => list(BY_CREATED, collection, scope, None),
    }
}

/// What a list is sorted by: newest first, then by id.
pub(super) fn list_order(created: Seconds, id: &ObjectId) -> Vec<u8> {
    let mut bytes = descending(created).to_vec();
    text(&mut bytes, id.as_str());
    bytes
}

/// The id in a list key, behind its prefix.
pub(super) fn list_id(order: &[u8]) -> Option<ObjectId> {
    id_before_zero(order.get(8..)?)
}

/// Every list key of one item.
pub(super) fn list_keys(
    collection: Collection,
    scope: &Scope,
    created: Seconds,
    id: &ObjectId,
    status: Option<&str>,
    customer: Option<&ObjectId>,
) -> Vec<Vec<u8>> {
    let order = list_order(created, id);
    let mut prefixes = vec![list_prefix(collection, scope, None, None)];
    if status.is_some() && lists_by_status(collection) {
        prefixes.push(list_prefix(collection, scope, None, status));
    }
    if customer.is_some() {
        prefixes.push(list_prefix(collection, scope, customer, None));
    }
    for prefix in &mut prefixes {
        prefix.extend(&order);
    }
    prefixes
}

/// The list key of an item under a customer that it does not name itself.
pub(super) fn owned_list_key(key: &ObjectKey, created: Seconds, customer: &ObjectId) -> Vec<u8> {
    let mut bytes = list_prefix(Collection::Objects(key.kind), &key.scope, Some(customer), None);
    bytes.extend(list_order(created, &key.id));
    bytes
}

fn id_before_zero(bytes: &[u8]) -> Option<ObjectId> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    ObjectId::parse(std::str::from_utf8(bytes.get(..end)?).ok()?).ok()
}

#[cfg(test)]
mod tests;
