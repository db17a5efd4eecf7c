//! A page of entries in the making: compared with what was said last, here and in the store, and written in one piece.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::{Feed, FeedError, Maker, Meta, Through, locked};
use crate::model::feed::{Cause, Entry, Standing, Subject, changes};
use crate::model::id::ObjectId;
use crate::model::time::Millis;

/// Why and when entries are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Why.
    pub cause: Cause,
    /// The position in the log up to which they are true.
    pub position: u64,
    /// When the record there came.
    pub received_at: Millis,
}

/// A page of entries. Dropped without [`Draft::publish`], nothing of it was said. There is one at a time.
#[derive(Debug)]
pub struct Draft<'f> {
    feed: &'f Feed,
    _alone: MutexGuard<'f, ()>,
    meta: Meta,
    entries: Vec<Entry>,
    latest: BTreeMap<Subject, (Standing, u64)>,
}

impl Feed {
    /// Begins a page of entries; waits for another one to be finished.
    #[must_use]
    pub fn draft(&self) -> Draft<'_> {
        let alone = locked(&self.drafting);
        Draft { feed: self, _alone: alone, meta: self.meta(), entries: Vec::new(), latest: BTreeMap::new() }
    }
}

impl Draft<'_> {
    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// It has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How far the feed is made without it.
    #[must_use]
    pub fn through(&self) -> Through {
        self.meta.through
    }

    /// What was said last of a subject, in this page or before; none if nothing was.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn said(&self, subject: &Subject) -> Result<Option<Standing>, FeedError> {
        match self.latest.get(subject) {
            Some((standing, _)) => Ok(Some(standing.clone())),
            None => self.feed.said(subject),
        }
    }

    /// Says what is true of a subject now. Makes entries of what is new in it.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn tell(
        &mut self,
        subject: &Subject,
        now: &Standing,
        made: &Made,
        customer: Option<&ObjectId>,
        ambiguous: bool,
    ) -> Result<(), FeedError> {
        let said = self.said(subject)?;
        for change in changes(said.as_ref(), now, made.received_at.seconds()) {
            let number = self.next_number();
            self.latest.insert(subject.clone(), (change.to.clone(), number));
            self.entries.push(Entry {
                number,
                position: made.position,
                received_at: made.received_at,
                kind: change.kind,
                scope: subject.scope.clone(),
                object: subject.object.clone(),
                customer: customer.cloned(),
                from: change.from,
                to: change.to,
                cause: made.cause.clone(),
                ambiguous,
            });
        }
        Ok(())
    }

    fn next_number(&self) -> u64 {
        let ahead = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        self.meta.head.saturating_add(ahead).saturating_add(1)
    }

    /// Writes the page: the feed is made through this record, by this maker. Readers are told; nothing is durable yet.
    ///
    /// # Errors
    /// [`FeedError`]; then nothing of the page was said.
    pub fn publish(self, through: Through, maker: Maker) -> Result<(), FeedError> {
        self.feed.check_sound()?;
        let head = self.next_number().saturating_sub(1);
        let meta = Meta { head, through, maker, ..self.meta };
        self.feed.store.write(&self.entries, self.latest.iter(), &meta)?;
        *locked(&self.feed.meta) = meta;
        self.feed.show(head);
        self.feed.sync_if_due()
    }
}

#[cfg(test)]
impl Feed {
    /// As if something else had been said last of these subjects.
    pub(crate) fn forge(&self, said: &BTreeMap<Subject, Standing>) {
        let alone = locked(&self.drafting);
        let forged: BTreeMap<_, _> =
            said.iter().map(|(subject, standing)| (subject, (standing.clone(), self.meta().head))).collect();
        self.store.write(&[], forged.iter().map(|(subject, said)| (*subject, said)), &self.meta()).unwrap();
        drop(alone);
    }
}
