//! The lab: whole lives of customers with the truth known, delivered in any order.
//!
//! [`world`] plays the provider's billing on a virtual clock and says what every object is at the end, as a life of the
//! dice or as a story with a name; [`saas`] tells the lives of many customers in one sequence;
//! [`delivery`] brings the events late, twice and in the wrong order; [`check`] folds them and compares; [`compare`] does
//! the same with the rules in use elsewhere, and [`losses`] with an event missing. For our own tests and benchmarks, and for anybody who wants to try a webhook
//! endpoint of theirs. Everything follows from a seed: the same seed, the same bytes, everywhere.
//!
//! Never opens a connection or a file, reads no clock, and never takes its truth from the fold that it judges.

pub mod check;
pub mod compare;
pub mod crowd;
pub mod delivery;
mod dice;
mod fold;
pub mod losses;
mod oracle;
#[cfg(test)]
mod properties;
mod render;
pub mod saas;
pub mod world;

pub use dice::Dice;
pub use render::Version;
