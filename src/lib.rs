//! Your billing state, folded from verified webhooks: embedded, replayable, right in any order.
//!
//! Reading order, one corridor: **delivery → record → event → projection**.
//!
//! | module | is | never |
//! |---|---|---|
//! | [`mod@model`] | what billing is: objects, the fold, derived statuses, access | does IO, reads a clock, knows JSON |
//! | [`mod@stripe`] | what Stripe's bytes mean: signature, envelope, decoding | stores anything, knows the log |
//! | [`mod@log`] | ground state: the durable, append-only event log | looks into a body |
//! | [`mod@projection`] | derived state on disk, disposable | is written by anything but the fold |
//! | [`mod@feed`] | ground state: every real change, once, numbered | decides what a change is |
//! | `storage` | what sled leaves undone: syncs, locks, panics | knows what is stored |
//! | `engine` | ingest, catch up, rebuild, read | knows HTTP or a terminal |
//! | [`mod@api`] | questions and answers in JSON, one shape for HTTP and terminal | writes, knows HTTP or a terminal |
//! | [`mod@lab`] | whole lives with the truth known, delivered in any order | takes its truth from the fold that it judges |
//! | `http`, `cli` | the doors | decide anything about billing |
#![forbid(unsafe_code)]

pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod feed;
#[cfg(feature = "http")]
pub mod http;
pub mod lab;
pub mod log;
pub mod model;
pub mod projection;
mod storage;
pub mod stripe;

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
