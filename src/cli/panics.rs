//! What a person reads of a panic: where it was, and its words where they cannot hold stored data.
//!
//! One inside the storage is caught and told as an error where it happens; its own words would only frighten. Words that
//! were put together at run time may quote a body, a name or a secret (the standard library's do, about a text that was cut
//! at a wrong place): those are never shown.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};

use super::failure::eprint_line;

/// Tells panics in a line; with `RUST_BACKTRACE` the way to them, too.
pub(super) fn listen() {
    std::panic::set_hook(Box::new(move |panic| {
        let (file, line) = panic.location().map_or(("", 0), |place| (place.file(), place.line()));
        eprint_line(&told(file, line, panic.payload()));
        let way = Backtrace::capture();
        if way.status() == BacktraceStatus::Captured && !is_of_the_storage(file) {
            eprint_line(&way.to_string());
        }
    }));
}

fn told(file: &str, line: u32, payload: &dyn Any) -> String {
    if is_of_the_storage(file) {
        let file = file.rsplit('/').next().unwrap_or_default();
        return format!("warning: the storage broke off ({file}:{line})");
    }
    // A text that stands in the program is a literal; all others were formatted.
    let words = payload.downcast_ref::<&'static str>().copied();
    let words = words.unwrap_or("its words may hold stored data and are not shown");
    format!("panic at {file}:{line}: {words}\n  this is a fault of Billfold: report it with this line")
}

/// Whether a source file is one of sled's: from a registry, or a copy of it.
fn is_of_the_storage(file: &str) -> bool {
    file.contains("/sled-0.") || file.contains("/sled/src/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_files_are_not_the_storage() {
        assert!(is_of_the_storage("/registry/src/index-1/sled-0.34.7/src/pagecache/logger.rs"));
        assert!(is_of_the_storage("vendor/sled/src/tree.rs"));
        assert!(!is_of_the_storage("src/log/sled/store.rs"));
        assert!(!is_of_the_storage("src/projection/mod.rs"));
    }

    #[track_caller]
    fn check(panics: fn(&str), shown: &str) {
        let payload = std::panic::catch_unwind(|| panics("é whsec_hidden")).expect_err("it panics");
        let line = told("src/a.rs", 7, &*payload);
        assert!(line.starts_with("panic at src/a.rs:7: ") && line.contains(shown), "{line}");
        assert!(!line.contains("hidden"), "{line}");
    }

    #[test]
    fn words_that_may_hold_data_are_not_shown() {
        check(|_| panic!("a literal"), "a literal");
        check(|text| panic!("about {text}"), "not shown");
        check(|text| drop(text[1..].to_owned()), "not shown");
        check(|text| assert_eq!(text.parse::<u64>().map_err(|_| text.to_owned()), Ok(0)), "not shown");
    }
}
