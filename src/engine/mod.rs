//! Ingest, catch up, rebuild, read: the sole owner of derived state.
//!
//! Never knows HTTP or a terminal, never reads a clock: the doors pass the time in.

mod query;

pub use query::{
    Account, Collection, CURSOR_TEXT_BYTES_MAX, Cursor, EventQuery, FoldOutcome, InvalidCursor, ListQuery,
    PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, ScopeFilter,
};
