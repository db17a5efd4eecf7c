//! What Stripe's bytes mean, in the order in which it is asked.
//!
//! [`signature`]: are they Stripe's? [`delivery`]: which event are they? [`envelope`]: what does the event say about itself?
//! [`decode`]: what does it say about its object? [`types`]: every type there is. [`doctor`]: why is a delivery refused?
//!
//! Pure: bytes and times in, values out. Never stores anything, never knows the log, reads no clock, opens no connection.

pub mod decode;
pub mod delivery;
pub mod doctor;
pub mod envelope;
pub mod signature;
pub mod types;
