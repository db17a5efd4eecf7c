//! Pages of lists, over all scopes that pass, in the one order (created descending, id, scope). Never writes.

use std::ops::Bound;

use crate::model::id::{ObjectId, ObjectKey, Scope};
use crate::model::kind::ObjectKind;

use super::query::{Collection, Cursor, InvalidCursor, ListQuery, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page};
use super::read::Shown;
use super::view::Rows;
use super::{PaymentRow, ProjectionError, View, keys};

/// What an order has beside the id: its second, and the zero behind the id.
const ORDER_BYTES_BESIDE_ID: usize = 8 + 1;

/// The most list keys that one page looks at while a second filter leaves items out.
const SCANNED_KEYS_MAX: usize = 10_000;

impl View<'_> {
    /// A page of objects of one kind, newest first.
    ///
    /// # Errors
    /// [`ProjectionError`].
    pub fn objects(&self, kind: ObjectKind, query: &ListQuery) -> Result<Page<Shown>, ProjectionError> {
        self.page(Collection::Objects(kind), query, |id, scope| {
            let key = ObjectKey { kind, id, scope: scope.clone() };
            let shown = self.object(&key)?;
            Ok(shown.map(|shown| (shown.object.status().map(Into::into), shown)))
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
            lists.push(List::open(self, collection, query, scope)?);
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
}

/// What a page's limit means.
fn page_limit(asked: usize) -> usize {
    if asked == 0 { PAGE_ITEMS_DEFAULT } else { asked.min(PAGE_ITEMS_MAX) }
}

/// One scope's list, read from its head.
struct List<'v> {
    scope: Scope,
    scope_bytes: Vec<u8>,
    prefix: Vec<u8>,
    rows: Rows<'v>,
    /// What the list goes on with: the order, then the scope as the last tie-break.
    head: Option<(Vec<u8>, Vec<u8>)>,
}

impl<'v> List<'v> {
    fn open(
        view: &'v View<'_>,
        collection: Collection,
        query: &ListQuery,
        scope: Scope,
    ) -> Result<Self, ProjectionError> {
        let scope_bytes = keys::scope(&scope);
        let status = query.status.as_deref().filter(|_| keys::lists_by_status(collection));
        let prefix = keys::list_prefix(collection, &scope, query.customer.as_ref(), status);
        let joined = |tail: &[u8]| [&prefix[..], tail].concat();
        let mut start = Bound::Included(prefix.clone());
        if let Some(before) = query.created_before {
            start = Bound::Included(joined(&keys::descending(before.plus(-1))));
        }
        if let Some(cursor) = &query.after {
            let (order, cursor_scope) = split_cursor(cursor.bytes())?;
            let seen = scope_bytes.as_slice() <= cursor_scope;
            start = later(
                start,
                if seen { Bound::Excluded(joined(order)) } else { Bound::Included(joined(order)) },
            );
        }
        let end = match query.created_from {
            Some(from) => Bound::Excluded(joined(&[&keys::descending(from)[..], &[0xff]].concat())),
            None => Bound::Excluded(joined(&[0xff; 9])),
        };
        let rows = view.range((start, end));
        let mut list = Self { scope, scope_bytes, prefix, rows, head: None };
        list.advance()?;
        Ok(list)
    }

    /// Takes the head and reads the next one.
    fn advance(&mut self) -> Result<Option<Vec<u8>>, ProjectionError> {
        let head = self.head.take();
        if let Some(item) = self.rows.next() {
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

/// The order and the scope of a cursor, if a list made it.
fn split_cursor(bytes: &[u8]) -> Result<(&[u8], &[u8]), InvalidCursor> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(InvalidCursor)?;
    let (order, scope) =
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(InvalidCursor)?;
    let is_order =
        keys::list_id(order).is_some_and(|id| order.len() == ORDER_BYTES_BESIDE_ID + id.as_str().len());
    let is_scope = keys::parse_scope(scope.get(1..).unwrap_or_default())
        .is_some_and(|parsed| keys::scope(&parsed) == scope);
    if is_order && is_scope { Ok((order, scope)) } else { Err(InvalidCursor) }
}

fn later(a: Bound<Vec<u8>>, b: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match (&a, &b) {
        (Bound::Included(x), Bound::Included(y) | Bound::Excluded(y)) if y >= x => b,
        (Bound::Unbounded, _) => b,
        _ => a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::AccountId;
    use crate::model::time::Seconds;

    fn cursor(scope: &Scope) -> Vec<u8> {
        let order = keys::list_order(Seconds(1), &ObjectId::parse("cus_1").unwrap());
        let length = u16::try_from(order.len()).unwrap().to_be_bytes();
        [&length[..], &order, &keys::scope(scope)].concat()
    }

    #[test]
    fn only_a_whole_cursor_is_one() {
        for account in [None, Some(AccountId::parse("acct_1").unwrap())] {
            let whole = cursor(&Scope { account, livemode: true });
            assert!(split_cursor(&whole).is_ok());
            for end in 0..whole.len() {
                assert!(split_cursor(&whole[..end]).is_err(), "{end} bytes of it");
            }
            for more in [0_u8, 1, b'a'] {
                assert!(split_cursor(&[&whole[..], &[more]].concat()).is_err(), "and {more}");
            }
        }
        for foreign in [&[0xff; 4][..], &[0, 0], &7_u64.to_be_bytes(), b"evt_1"] {
            assert!(split_cursor(foreign).is_err(), "{foreign:?}");
        }
    }
}
