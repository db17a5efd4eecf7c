//! Reading the feed: pages, followers, cursors. Nothing is shown before it is durable.

use std::time::Duration;

use tokio::sync::watch;

use crate::feed::{FeedCursor, FeedError, PAGE_ENTRIES_MAX};
use crate::model::feed::{Entry, Kind};
use crate::model::id::ObjectId;
use crate::projection::{PAGE_ITEMS_DEFAULT, ScopeFilter};

use crate::engine::{Billfold, QueryError};

/// The most entries that one page looks at while a filter leaves some out.
const SCANNED_ENTRIES_MAX: usize = 10_000;

/// A question for entries, in the order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedQuery {
    /// Go on behind the entry with this number; 0 begins at the beginning.
    pub after: u64,
    /// At most so many entries: 1 to [`PAGE_ENTRIES_MAX`]; 0 stands for [`PAGE_ITEMS_DEFAULT`].
    pub limit: usize,
    /// In which scopes.
    pub scope: ScopeFilter,
    /// Of this customer.
    pub customer: Option<ObjectId>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this object.
    pub object: Option<ObjectId>,
}

/// A page of entries. They are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The entries, ascending.
    pub entries: Vec<Entry>,
    /// Where to go on: everything up to this number was looked at.
    pub next: u64,
    /// The number of the newest entry.
    pub head: u64,
}

impl FeedQuery {
    pub(super) fn fits(&self, entry: &Entry) -> bool {
        self.scope.admits(&entry.scope)
            && (self.customer.is_none() || self.customer == entry.customer)
            && self.kind.is_none_or(|kind| kind == entry.kind)
            && self.object.as_ref().is_none_or(|object| *object == entry.object)
    }

    fn limit(&self) -> usize {
        if self.limit == 0 { PAGE_ITEMS_DEFAULT } else { self.limit.min(PAGE_ENTRIES_MAX) }
    }
}

impl Billfold {
    /// A page of the feed. Looks at a bounded number of entries: with a filter a page may be short, or empty, and still
    /// have a next one.
    ///
    /// # Errors
    /// [`QueryError::Feed`]; [`FeedError::Ahead`] for a number that this feed has not come to: whoever waited there would
    /// miss every entry up to it.
    pub fn feed(&self, query: &FeedQuery) -> Result<FeedPage, QueryError> {
        let feed = &self.shared.feed;
        let (limit, head) = (query.limit(), feed.head());
        if query.after > head {
            return Err(FeedError::Ahead { number: query.after, head }.into());
        }
        let mut page = FeedPage { entries: Vec::new(), next: query.after, head };
        let mut looked_at = 0;
        while page.next < head && looked_at < SCANNED_ENTRIES_MAX {
            let first = page.next.saturating_add(1);
            let span = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
            for entry in feed.read(first..=page.next.saturating_add(span).min(head))? {
                if page.entries.len() == limit {
                    return Ok(page);
                }
                looked_at = looked_at.saturating_add(1);
                page.next = entry.number;
                page.entries.extend(Some(entry).filter(|entry| query.fits(entry)));
            }
            if page.entries.len() == limit {
                break;
            }
        }
        Ok(page)
    }

    /// Follows the feed: the entries that are there, then every new one.
    #[must_use]
    pub fn follow(&self, query: FeedQuery) -> Follower {
        Follower { billfold: self.clone(), head: self.shared.feed.watch(), query }
    }

    /// The number of the newest entry; 0 before the first.
    #[must_use]
    pub fn feed_head(&self) -> u64 {
        self.shared.feed.head()
    }

    /// Tells of new entries: the number of the newest one.
    #[must_use]
    pub fn watch_feed(&self) -> watch::Receiver<u64> {
        self.shared.feed.watch()
    }

    /// Where a named reader is: the number of the last entry that it has done with; none for a name never used.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn feed_cursor(&self, name: &str) -> Result<Option<u64>, QueryError> {
        Ok(self.shared.feed.cursor(name)?)
    }

    /// Every named reader, and how far behind it is.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn feed_cursors(&self) -> Result<Vec<FeedCursor>, QueryError> {
        Ok(self.shared.feed.cursors()?)
    }

    /// A named reader has done with every entry up to and with this number. Durable when it returns.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn acknowledge(&self, name: &str, number: u64) -> Result<(), QueryError> {
        Ok(self.shared.feed.acknowledge(name, number)?)
    }

    /// Forgets a named reader; whether there was one.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub fn remove_feed_cursor(&self, name: &str) -> Result<bool, QueryError> {
        Ok(self.shared.feed.remove_cursor(name)?)
    }
}

/// A reader that waits for new entries. Holds the folder open.
#[derive(Debug)]
pub struct Follower {
    billfold: Billfold,
    head: watch::Receiver<u64>,
    query: FeedQuery,
}

impl Follower {
    /// The next page with at least one entry, as soon as there is one. Cancel-safe: a page that nobody got is read again.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub async fn next(&mut self) -> Result<FeedPage, QueryError> {
        loop {
            let (billfold, query) = (self.billfold.clone(), self.query.clone());
            // Reading may sync, and reads the disk.
            let page = tokio::task::spawn_blocking(move || billfold.feed(&query)).await;
            let page = page.map_err(|_| QueryError::BrokeOff)??;
            self.query.after = page.next;
            if !page.entries.is_empty() {
                return Ok(page);
            }
            let after = self.query.after;
            // The sender lives as long as the folder that this follower holds open.
            let _ = self.head.wait_for(|head| *head > after).await;
        }
    }

    /// The same, but an empty page if nothing comes within `patience`.
    ///
    /// # Errors
    /// [`QueryError::Feed`].
    pub async fn next_within(&mut self, patience: Duration) -> Result<FeedPage, QueryError> {
        match tokio::time::timeout(patience, self.next()).await {
            Ok(page) => page,
            Err(_) => Ok(FeedPage { entries: Vec::new(), next: self.query.after, head: *self.head.borrow() }),
        }
    }

    /// The same for a plain thread: the entries one by one, for ever. It waits where there is none; not for async code.
    #[must_use]
    pub fn into_entries(self) -> Entries {
        Entries { billfold: self.billfold, query: self.query, read: Vec::new().into_iter() }
    }

    /// The number up to which it has looked at everything.
    #[must_use]
    pub const fn after(&self) -> u64 {
        self.query.after
    }
}

/// The entries of a [`Follower`], one by one. Never ends; after an error the next one tries again.
#[derive(Debug)]
pub struct Entries {
    billfold: Billfold,
    query: FeedQuery,
    read: std::vec::IntoIter<Entry>,
}

impl Iterator for Entries {
    type Item = Result<Entry, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.read.next() {
                return Some(Ok(entry));
            }
            // Not for a number that lies ahead: that is an error, at once.
            if self.query.after <= self.billfold.shared.feed.head() {
                self.billfold.shared.feed.wait_beyond(self.query.after);
            }
            match self.billfold.feed(&self.query) {
                Ok(page) => {
                    self.query.after = page.next;
                    self.read = page.entries.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
