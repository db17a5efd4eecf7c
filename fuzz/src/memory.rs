//! A bound on memory: what a few bytes claim must not make us allocate without end.
//!
//! A sanitizer would watch this for us; the targets run without one, for Billfold holds no unsafe code.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Runs `work`; ends the process, which is a finding, when it holds more than `bytes` at a time.
pub fn bounded<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    // The limit counts what is allocated already. Setting it fails only if that is more than the limit.
    ALLOCATOR.set_limit(ALLOCATOR.allocated().saturating_add(bytes)).unwrap();
    let done = work();
    ALLOCATOR.set_limit(usize::MAX).unwrap();
    done
}
