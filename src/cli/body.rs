//! A body from a file or standard input, byte for byte.

use std::io::{self, Read};
use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;
use crate::log::BODY_BYTES_MAX;

/// Where standard input is named as a file.
pub(super) const STDIN: &str = "-";

/// The whole body.
///
/// # Errors
/// When it cannot be read or is longer than any that is stored.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = BODY_BYTES_MAX as u64 + 1;
    let mut body = Vec::new();
    let read = if path.as_os_str() == STDIN {
        io::stdin().lock().take(limit).read_to_end(&mut body)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut body))
    };
    read.map_err(|error| Failure::reading(path, &error))?;
    if body.len() > BODY_BYTES_MAX {
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is longer than {BODY_BYTES_MAX} bytes", path.display()),
        ));
    }
    Ok(body)
}
