//! What disk.c wrote down, read again.

use std::ops::Range;
use std::path::Path;

/// The numbers before each entry: entry, file, at, and the lengths of path, second path and data.
const HEAD: usize = 6 * 8;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Write,
    Resize,
    Fsync,
    Fdatasync,
    Mkdir,
    Unlink,
    Rmdir,
    Rename,
}

/// One call that changed something or made it durable.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    /// The inode, where the call is about a file's content or makes one.
    pub(crate) file: u64,
    /// Where a write begins; how long a file becomes.
    pub(crate) at: u64,
    /// Below the watched folder, without a slash in front.
    pub(crate) path: String,
    /// What a rename makes of it.
    pub(crate) to: String,
    /// What was written, as a range of [`Trace::bytes`].
    pub(crate) data: Range<usize>,
}

/// Everything that one process did, in the order in which the disk saw it.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) bytes: Vec<u8>,
    pub(crate) calls: Vec<Call>,
}

impl Trace {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut calls = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let number = |place: usize| {
                let from = at + place * 8;
                u64::from_ne_bytes(bytes[from..from + 8].try_into().unwrap())
            };
            let length = |place| usize::try_from(number(place)).unwrap();
            let (path, to) =
                (at + HEAD..at + HEAD + length(3), at + HEAD + length(3)..at + HEAD + length(3) + length(4));
            let data = to.end..to.end + length(5);
            let text = |range: Range<usize>| {
                String::from_utf8(bytes[range].to_vec()).unwrap().trim_start_matches('/').to_owned()
            };
            let (kind, end) = (kind(number(0)), data.end);
            calls.push(Call { kind, file: number(1), at: number(2), path: text(path), to: text(to), data });
            at = end;
        }
        Self { bytes, calls }
    }
}

/// As disk.c numbers them.
fn kind(number: u64) -> Kind {
    use Kind::{Create, Fdatasync, Fsync, Mkdir, Rename, Resize, Rmdir, Unlink, Write};
    match number {
        1 => Create,
        2 => Write,
        3 => Resize,
        4 => Fsync,
        5 => Fdatasync,
        6 => Mkdir,
        7 => Unlink,
        8 => Rmdir,
        9 => Rename,
        other => panic!("disk.c wrote the unknown entry {other}"),
    }
}
