//! Cursors: named places in the feed, one for each reader that wants its place kept. Ground state, as entries are.

use super::{Feed, FeedError, locked};

/// The longest name of a cursor, in bytes.
pub const CURSOR_NAME_BYTES_MAX: usize = 64;
/// The most cursors of one feed: each is a metric of its own.
pub const CURSORS_MAX: usize = 100;

/// A reader's place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCursor {
    /// Its name.
    pub name: Box<str>,
    /// The number of the last entry that its reader has done with.
    pub after: u64,
    /// How many entries lie behind it.
    pub lag: u64,
}

impl Feed {
    /// Where a reader is: the number of the last entry that it has done with; none for a name that was never used.
    ///
    /// # Errors
    /// [`FeedError::CursorName`].
    pub fn cursor(&self, name: &str) -> Result<Option<u64>, FeedError> {
        check_name(name)?;
        self.store.cursor(name)
    }

    /// Every cursor, by name.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn cursors(&self) -> Result<Vec<FeedCursor>, FeedError> {
        let head = self.head();
        let cursors = self.store.cursors()?.into_iter();
        Ok(cursors.map(|(name, after)| FeedCursor { name, after, lag: head.saturating_sub(after) }).collect())
    }

    /// Puts a cursor behind the entry with this number, durably. It may go back, too.
    ///
    /// # Errors
    /// [`FeedError::CursorName`], [`FeedError::Ahead`], [`FeedError::TooManyCursors`].
    pub fn acknowledge(&self, name: &str, number: u64) -> Result<(), FeedError> {
        check_name(name)?;
        let head = self.head();
        if number > head {
            return Err(FeedError::Ahead { number, head });
        }
        // One at a time, so that no two new ones pass the limit together.
        let alone = locked(&self.cursors);
        let before = self.store.cursor(name)?;
        if before.is_none() {
            if self.store.cursors()?.len() >= CURSORS_MAX {
                return Err(FeedError::TooManyCursors);
            }
            if head == 0 {
                // Nothing may lie in a feed that does not say how far it is made: it would be taken for damaged.
                let draft = self.draft();
                let (through, maker) = (draft.through(), self.maker());
                draft.publish(through, maker)?;
            }
        }
        self.check_sound()?;
        if before != Some(number) {
            self.store.put_cursor(name, number)?;
        }
        drop(alone);
        // Where nothing was put, too: whoever put it before may not have come so far.
        self.sync()
    }

    /// Forgets a cursor, durably; whether there was one.
    ///
    /// # Errors
    /// [`FeedError::CursorName`].
    pub fn remove_cursor(&self, name: &str) -> Result<bool, FeedError> {
        check_name(name)?;
        self.check_sound()?;
        let was_there = self.store.remove_cursor(name)?;
        self.sync()?;
        Ok(was_there)
    }
}

/// A name is shown in metrics and paths: nothing in it needs care there.
fn check_name(name: &str) -> Result<(), FeedError> {
    let fits = (1..=CURSOR_NAME_BYTES_MAX).contains(&name.len());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if fits && name.bytes().all(is_plain) { Ok(()) } else { Err(FeedError::CursorName) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::feed::Maker;

    fn open(folder: &Path) -> Feed {
        Feed::open(folder, 1 << 20, Maker { reducer: 4, policy: [7; 32] }).unwrap()
    }

    #[test]
    fn a_reader_may_come_before_the_first_entry() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("feed");
        open(&place).acknowledge("mail", 0).unwrap();
        let feed = open(&place);
        assert_eq!(feed.cursor("mail").unwrap(), Some(0));
        assert_eq!((feed.head(), feed.through()), (0, crate::feed::Through::START));
    }

    #[test]
    fn a_cursor_that_could_not_be_made_durable_is_not_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let feed = open(&folder.path().join("feed"));
        feed.acknowledge("mail", 0).unwrap();
        feed.poisoned.set("the disk is gone".into()).unwrap();
        assert!(matches!(feed.acknowledge("mail", 0), Err(FeedError::Poisoned { .. })));
    }
}
