//! What the fuzz targets share: real objects in events, the fold in memory, objects in few states, JSON that is changed with sense, a bound on memory.
//!
//! Never decides what is right: that stands in the targets, in words of their own.

pub mod bytes;
pub mod dice;
pub mod fixtures;
pub mod fold;
pub mod json;
pub mod memory;
pub mod states;
