//! sled's database, closed without a panic.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sled::Db;

/// sled's database. Closing it ends in a sync, and sled panics if that fails. Everything that counts is durable before.
pub(super) struct Database(Option<Db>);

impl Database {
    pub(super) const fn new(db: Db) -> Self {
        Self(Some(db))
    }
}

impl Deref for Database {
    type Target = Db;

    fn deref(&self) -> &Db {
        match &self.0 {
            Some(db) => db,
            None => unreachable!("it is closed when nobody has it any more"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let db = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
    }
}
