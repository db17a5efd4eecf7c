//! Something of sled's, closed without a panic: the last of them that goes ends in a sync, and sled panics if that fails.
//! Whatever is not on disk then is folded again.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
pub(super) struct Closing<T>(Option<T>);

impl<T> Closing<T> {
    pub(super) const fn new(open: T) -> Self {
        Self(Some(open))
    }
}

impl<T> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(open) => open,
            None => unreachable!("it is closed when nobody has it any more"),
        }
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        let open = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(open)));
    }
}
