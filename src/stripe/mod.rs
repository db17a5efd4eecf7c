//! What Stripe's bytes mean. [`envelope`]: what does an event say about itself?
//!
//! Pure: bytes and times in, values out. Never stores anything, never knows the log, reads no clock, opens no connection.

pub mod envelope;
