//! Reading derived state: one object, a page of a list, the counts. Never writes.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;
use crate::model::object::Object;
use crate::model::observation::Entry;
use crate::model::time::Seconds;

use super::derive::ListedUnder;
use super::keys::Tally;
use super::query::{Collection, Cursor, ListQuery, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, ScopeFilter};
use super::{FoldOutcome, PaymentRow, Projection, ProjectionError, Unfolded, codec, index, keys, staged};

/// The most list keys that one page looks at while a second filter leaves items out.
const SCANNED_KEYS_MAX: usize = 10_000;

/// An object with what only others can say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The object.
    pub object: Object,
    /// Its customer: its own word, else the word of the payment that it belongs to.
    pub customer: Option<ObjectId>,
}

/// How many objects there are, and how many of them deserve a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Objects by kind.
    pub objects: BTreeMap<ObjectKind, u64>,
    /// Objects whose last state is not decided by their events.
    pub ambiguous: u64,
    /// Objects whose newest event contradicts what is known for certain.
    pub created_inversions: u64,
    /// Objects that came to two final states.
    pub contradictory: u64,
}

/// How many records of a type came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeCount {
    /// The type; empty where the record says none.
    pub event_type: Box<str>,
    /// What came of them.
    pub outcome: FoldOutcome,
    /// How many.
    pub count: u64,
}

impl Projection {
    /// Every scope that holds something.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn scopes(&self) -> Result<Vec<Scope>, ProjectionError> {
        let prefix = keys::scopes();
        let mut scopes = Vec::new();
        for key in self.tree.scan_prefix(&prefix).keys() {
            scopes.extend(key?.strip_prefix(&*prefix).and_then(keys::parse_scope));
        }
        Ok(scopes)
    }

    /// An object by its full key.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn object(&self, key: &ObjectKey) -> Result<Option<Shown>, ProjectionError> {
        match self.tree.get(keys::object(key))? {
            Some(bytes) => codec::decode(&bytes).and_then(|object| self.shown(object)).map(Some),
            None => Ok(None),
        }
    }

    fn shown(&self, object: Object) -> Result<Shown, ProjectionError> {
        let customer = match object.customer() {
            Some(customer) => Some(customer.clone()),
            None => match self.tree.get(keys::owner(&object.key))? {
                Some(bytes) => Some(codec::decode::<ListedUnder>(&bytes)?.customer),
                None => None,
            },
        };
        Ok(Shown { object, customer })
    }

    /// The objects of one id, one for each scope that passes.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn objects_by_id(
        &self,
        kind: ObjectKind,
        id: &ObjectId,
        scope: &ScopeFilter,
    ) -> Result<Vec<Shown>, ProjectionError> {
        let mut found = Vec::new();
        for bytes in self.tree.scan_prefix(keys::object_in_any_scope(kind, id)).values() {
            let object: Object = codec::decode(&bytes?)?;
            if scope.admits(&object.key.scope) {
                found.push(self.shown(object)?);
            }
        }
        Ok(found)
    }

    /// The entries of an object, by second.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn moments(&self, key: &ObjectKey) -> Result<BTreeMap<Seconds, Vec<Entry>>, ProjectionError> {
        staged::load_moments(&self.tree, &keys::moments(key))
    }

    /// Who names this object.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn named_by(&self, key: &ObjectKey) -> Result<Vec<ObjectKey>, ProjectionError> {
        let prefix = keys::linked_from(key);
        let mut found = Vec::new();
        for item in self.tree.scan_prefix(&prefix).keys() {
            if let Some((kind, id)) = keys::link_source(&item?, &prefix) {
                found.push(ObjectKey { kind, id, scope: key.scope.clone() });
            }
        }
        Ok(found)
    }

    /// The payment with this id, in one scope.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn payment(&self, id: &ObjectId, scope: &Scope) -> Result<Option<PaymentRow>, ProjectionError> {
        self.tree.get(keys::payment(id, scope))?.map(|bytes| codec::decode(&bytes)).transpose()
    }

    /// The payments that an id (the payment's own, or that of any member) belongs to, one for each
    /// scope that passes.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn payments_by_member(&self, id: &ObjectId, scope: &ScopeFilter) -> Result<Vec<PaymentRow>, ProjectionError> {
        let mut found = Vec::new();
        for value in self.tree.scan_prefix(keys::payment_in_any_scope(id)).values() {
            let row: PaymentRow = codec::decode(&value?)?;
            found.extend(Some(row).filter(|row| scope.admits(&row.scope)));
        }
        let prefix = keys::members(id);
        for item in self.tree.scan_prefix(&prefix) {
            let (key, value) = item?;
            let Some(within) = key.strip_prefix(&*prefix).and_then(keys::parse_scope) else { continue };
            if scope.admits(&within) {
                let payment: ObjectId = codec::decode(&value)?;
                found.extend(self.payment(&payment, &within)?);
            }
        }
        Ok(found)
    }

    /// The customers that the merchant knows under a reference, in one scope.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn customers_of_reference(
        &self,
        reference: &str,
        scope: &Scope,
    ) -> Result<Vec<ObjectId>, ProjectionError> {
        let prefix = keys::references(&index::hash_reference(reference), scope);
        let mut found = Vec::new();
        for key in self.tree.scan_prefix(&prefix).keys() {
            found.extend(keys::reference_customer(&key?, &prefix));
        }
        found.dedup();
        Ok(found)
    }

    /// A page of objects of one kind, newest first.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn objects(&self, kind: ObjectKind, query: &ListQuery) -> Result<Page<Shown>, ProjectionError> {
        self.page(Collection::Objects(kind), query, |id, scope| {
            let key = ObjectKey { kind, id, scope: scope.clone() };
            let shown = self.object(&key)?;
            Ok(shown.map(|shown| (shown.object.status().map(|status| status.into()), shown)))
        })
    }

    /// A page of payments, newest first.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn payments(&self, query: &ListQuery) -> Result<Page<PaymentRow>, ProjectionError> {
        self.page(Collection::Payments, query, |id, scope| {
            let row = self.payment(&id, scope)?;
            Ok(row.map(|row| (Some(row.payment.status.as_str().into()), row)))
        })
    }

    /// Merges the lists of all scopes that pass, in the one order (created descending, id, scope).
    fn page<T>(
        &self,
        collection: Collection,
        query: &ListQuery,
        load: impl Fn(ObjectId, &Scope) -> Result<Option<(Option<Box<str>>, T)>, ProjectionError>,
    ) -> Result<Page<T>, ProjectionError> {
        let limit = page_limit(query.limit);
        let mut lists = Vec::new();
        for scope in self.scopes()?.into_iter().filter(|scope| query.scope.admits(scope)) {
            lists.push(List::open(&self.tree, collection, query, scope)?);
        }
        let mut page = Page { items: Vec::new(), next: None };
        for _ in 0..SCANNED_KEYS_MAX {
            let next = lists.iter_mut().filter(|list| list.head.is_some()).min_by(|a, b| a.head.cmp(&b.head));
            let Some(list) = next else {
                return Ok(page);
            };
            if page.items.len() == limit {
                return Ok(page);
            }
            let Some(order) = list.advance()? else { continue };
            page.next = Some(list.cursor(&order));
            let item = match keys::list_id(&order) {
                Some(id) => load(id, &list.scope)?,
                None => None,
            };
            let wanted = |status: &Option<Box<str>>| query.status.is_none() || *status == query.status;
            page.items.extend(item.filter(|(status, _)| wanted(status)).map(|(_, item)| item));
            if lists.iter().all(|list| list.head.is_none()) {
                page.next = None;
            }
        }
        Ok(page)
    }

    /// How many records of each type came to which outcome.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn type_counts(&self) -> Result<Vec<TypeCount>, ProjectionError> {
        let mut found = Vec::new();
        for item in self.tree.scan_prefix(keys::counts()) {
            let (key, value) = item?;
            let count: i64 = codec::decode(&value)?;
            let Some((outcome, event_type)) = keys::parse_count(&key) else { continue };
            if let (Some(outcome), Ok(count @ 1..)) = (FoldOutcome::parse(outcome), u64::try_from(count)) {
                found.push(TypeCount { event_type: event_type.into(), outcome, count });
            }
        }
        Ok(found)
    }

    /// Up to `max` records of an outcome that changed no object, by id, behind `after`.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn unfolded(
        &self,
        outcome: FoldOutcome,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(Box<str>, Unfolded)>, ProjectionError> {
        let prefix = keys::unfolded_of(outcome.as_str());
        let start = match after {
            Some(record) => Bound::Excluded(keys::unfolded(outcome.as_str(), record)),
            None => Bound::Included(prefix.clone()),
        };
        let mut found = Vec::new();
        for item in self.tree.range((start, Bound::Unbounded)).take(max) {
            let (key, value) = item?;
            let Some(record) = keys::unfolded_record(&key, &prefix) else { break };
            found.push((record.into(), codec::decode(&value)?));
        }
        Ok(found)
    }

    /// How many objects there are, and how many of them deserve a look.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn census(&self) -> Result<Census, ProjectionError> {
        let mut census = Census::default();
        let prefix = keys::tallies();
        for item in self.tree.scan_prefix(&prefix) {
            let (key, value) = item?;
            let Some((what, kind)) = key.strip_prefix(&*prefix).and_then(keys::parse_tally) else { continue };
            let count = u64::try_from(codec::decode::<i64>(&value)?).unwrap_or_default();
            let sum = match what {
                Tally::Exists => census.objects.entry(kind).or_default(),
                Tally::Ambiguous => &mut census.ambiguous,
                Tally::Inverted => &mut census.created_inversions,
                Tally::Contradictory => &mut census.contradictory,
            };
            *sum = sum.saturating_add(count);
        }
        Ok(census)
    }
}

/// What a page's limit means.
fn page_limit(asked: usize) -> usize {
    if asked == 0 { PAGE_ITEMS_DEFAULT } else { asked.min(PAGE_ITEMS_MAX) }
}

/// One scope's list, read from its head.
struct List {
    scope: Scope,
    scope_bytes: Vec<u8>,
    prefix: Vec<u8>,
    keys: sled::Iter,
    /// What the list goes on with: the order, then the scope as the last tie-break.
    head: Option<(Vec<u8>, Vec<u8>)>,
}

impl List {
    fn open(
        tree: &sled::Tree,
        collection: Collection,
        query: &ListQuery,
        scope: Scope,
    ) -> Result<Self, ProjectionError> {
        let scope_bytes = keys::scope(&scope);
        let status = query.status.as_deref();
        let prefix = keys::list_prefix(collection, &scope, query.customer.as_ref(), status);
        let joined = |tail: &[u8]| [&prefix[..], tail].concat();
        let mut start = Bound::Included(prefix.clone());
        if let Some(before) = query.created_before {
            start = Bound::Included(joined(&keys::descending(before.plus(-1))));
        }
        if let Some(cursor) = &query.after {
            let (order, cursor_scope) = split_cursor(cursor.bytes());
            let seen = scope_bytes.as_slice() <= cursor_scope;
            start = later(start, if seen { Bound::Excluded(joined(order)) } else { Bound::Included(joined(order)) });
        }
        let end = match query.created_from {
            Some(from) => Bound::Excluded(joined(&[&keys::descending(from)[..], &[0xff]].concat())),
            None => Bound::Excluded(joined(&[0xff; 9])),
        };
        let keys = if is_empty(&start, &end) { tree.range(prefix.clone()..prefix.clone()) } else { tree.range((start, end)) };
        let mut list = Self { scope, scope_bytes, prefix, keys, head: None };
        list.advance()?;
        Ok(list)
    }

    /// Takes the head and reads the next one.
    fn advance(&mut self) -> Result<Option<Vec<u8>>, ProjectionError> {
        let head = self.head.take();
        if let Some(item) = self.keys.next() {
            let (key, _) = item?;
            let order = key.strip_prefix(&*self.prefix).unwrap_or_default().to_vec();
            self.head = Some((order, self.scope_bytes.clone()));
        }
        Ok(head.map(|(order, _)| order))
    }

    fn cursor(&self, order: &[u8]) -> Cursor {
        let mut bytes = u16::try_from(order.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        bytes.extend(order);
        bytes.extend(&self.scope_bytes);
        Cursor::new(bytes)
    }
}

/// The order and the scope of a cursor; whatever does not fit reads as the beginning.
fn split_cursor(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return (&[], &[]);
    };
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).unwrap_or((&[], &[]))
}

fn later(a: Bound<Vec<u8>>, b: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match (&a, &b) {
        (Bound::Included(x), Bound::Included(y) | Bound::Excluded(y)) if y >= x => b,
        (Bound::Unbounded, _) => b,
        _ => a,
    }
}

fn is_empty(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b)) => a >= b,
        _ => false,
    }
}
