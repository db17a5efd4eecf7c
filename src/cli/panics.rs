//! What a person reads of a panic inside the storage. Each of them is caught and told as an error where it happens; its own
//! words would only frighten, and may hold stored bytes.

use super::failure::eprint_line;

/// Says in one line that the storage broke off, and where; tells all other panics as usual.
pub(super) fn listen() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(place) if is_of_the_storage(place.file()) => {
            let file = place.file().rsplit('/').next().unwrap_or_default();
            eprint_line(&format!("warning: the storage broke off ({file}:{})", place.line()));
        }
        _ => tell(panic),
    }));
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
}
