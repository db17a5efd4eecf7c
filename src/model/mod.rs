//! What billing is: ids, money, object kinds, the fold and what is derived from it.
//!
//! Pure: no IO, no clock, no async, no randomness, no hash order, no JSON. Time is an argument.

pub mod access;
pub mod apply;
pub mod catalog;
pub(crate) mod causal;
pub mod checkout;
pub mod customer;
mod decision;
pub mod derived;
pub mod event_type;
pub mod evidence;
pub mod explain;
mod facts;
pub mod feed;
pub mod fingerprint;
pub mod id;
pub mod invoice;
pub mod joined;
pub mod kind;
pub mod money;
pub mod object;
pub mod observation;
pub mod open;
pub mod payment;
pub mod private;
pub mod register;
pub mod subscription;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
mod walk;
pub mod watch;
