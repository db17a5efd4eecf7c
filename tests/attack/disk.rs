//! A disk with a volatile cache: what it holds, what it has been told and may forget, and what a power cut leaves of it.
//!
//! A file's writes and lengths are pending until that file is synced, a folder's names until that folder is synced.
//! `sync_file_range` changes nothing here. Of what is pending any part may survive, torn at the borders of sectors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use billfold::lab::Dice;

use crate::trace::{Call, Kind};

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;
/// What is left out of an image's file when it holds zeros alone.
const HOLE_BYTES: usize = 64 * 1024;

/// A file or folder, by its place in the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Folder(usize),
}

#[derive(Debug, Clone)]
enum Change {
    /// From a place on, with a range of the trace.
    Write {
        at: usize,
        data: Range<usize>,
    },
    Resize(usize),
}

#[derive(Debug, Clone)]
enum Naming {
    Add(String, Node),
    Remove(String),
    Rename(String, String, Node),
}

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone, Default)]
struct Names {
    durable: BTreeMap<String, Node>,
    live: BTreeMap<String, Node>,
    pending: Vec<Naming>,
}

/// Which syncs count: a disk, or a program, may leave some out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Honours {
    /// `fdatasync`.
    pub(crate) fdatasync: bool,
    /// `fsync` of a folder.
    pub(crate) names: bool,
}

impl Honours {
    pub(crate) const ALL: Self = Self { fdatasync: true, names: true };
}

/// What a power cut leaves of what was pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// What was synced, and nothing else.
    Synced,
    /// Everything.
    All,
    /// Of each file's writes, in percent; of each folder's names, in percent, in any combination.
    Some { writes: u32, names: u32 },
    /// As `Some`, but every name is there.
    SomeWrites(u32),
}

/// The disk below one folder.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    contents: Vec<Content>,
    folders: Vec<Names>,
    inodes: BTreeMap<u64, Node>,
}

impl Disk {
    /// What lies below a folder, all of it durable.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut disk = Self { contents: Vec::new(), folders: Vec::new(), inodes: BTreeMap::new() };
        disk.take_in(folder);
        disk
    }

    fn take_in(&mut self, folder: &Path) -> Node {
        let node = Node::Folder(self.folders.len());
        self.folders.push(Names::default());
        self.inodes.insert(std::fs::metadata(folder).unwrap().ino(), node);
        for entry in std::fs::read_dir(folder).unwrap() {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            let inner = if path.is_dir() {
                self.take_in(&path)
            } else {
                let inner = self.new_file(std::fs::metadata(&path).unwrap().ino());
                self.content(inner).durable = std::fs::read(&path).unwrap();
                inner
            };
            let names = self.names(node);
            names.durable.insert(name.into_string().unwrap(), inner);
            names.live = names.durable.clone();
        }
        node
    }

    fn new_file(&mut self, inode: u64) -> Node {
        let node = Node::File(self.contents.len());
        self.contents.push(Content::default());
        self.inodes.insert(inode, node);
        node
    }

    fn content(&mut self, node: Node) -> &mut Content {
        match node {
            Node::File(file) => &mut self.contents[file],
            Node::Folder(_) => panic!("a folder is written to"),
        }
    }

    fn names(&mut self, node: Node) -> &mut Names {
        match node {
            Node::Folder(folder) => &mut self.folders[folder],
            Node::File(_) => panic!("a file has names in it"),
        }
    }

    /// The folder that a path lies in, as things are now, and the last part of the path.
    fn place<'a>(&mut self, path: &'a str) -> (&mut Names, &'a str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut node = Node::Folder(0);
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            node = self.names(node).live[part];
        }
        (self.names(node), name)
    }

    /// What one call makes of it.
    pub(crate) fn apply(&mut self, call: &Call, bytes: &[u8], honours: Honours) {
        match call.kind {
            Kind::Create => {
                let node = self.new_file(call.file);
                self.add_name(&call.path, node);
            }
            Kind::Mkdir => {
                let node = Node::Folder(self.folders.len());
                self.folders.push(Names::default());
                self.inodes.insert(call.file, node);
                self.add_name(&call.path, node);
            }
            Kind::Unlink | Kind::Rmdir => {
                let (names, name) = self.place(&call.path);
                names.live.remove(name);
                names.pending.push(Naming::Remove(name.to_owned()));
            }
            Kind::Rename => {
                let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
                assert_eq!(folder(&call.path), folder(&call.to), "a rename between folders is not foreseen");
                let to = call.to.rsplit('/').next().unwrap().to_owned();
                let (names, from) = self.place(&call.path);
                let node = names.live.remove(from).unwrap();
                names.live.insert(to.clone(), node);
                names.pending.push(Naming::Rename(from.to_owned(), to, node));
            }
            Kind::Write => {
                let change = Change::Write { at: usize::try_from(call.at).unwrap(), data: call.data.clone() };
                self.content(self.inodes[&call.file]).pending.push(change);
            }
            Kind::Resize => {
                let change = Change::Resize(usize::try_from(call.at).unwrap());
                self.content(self.inodes[&call.file]).pending.push(change);
            }
            Kind::Fdatasync if !honours.fdatasync => {}
            Kind::Fsync | Kind::Fdatasync => match self.inodes[&call.file] {
                Node::File(file) => self.contents[file].sync(bytes),
                Node::Folder(folder) if honours.names => self.folders[folder].sync(),
                Node::Folder(_) => {}
            },
        }
    }

    fn add_name(&mut self, path: &str, node: Node) {
        let (names, name) = self.place(path);
        names.live.insert(name.to_owned(), node);
        names.pending.push(Naming::Add(name.to_owned(), node));
    }

    /// Whether a file lies in the topmost folder under this name.
    pub(crate) fn is_named(&self, inode: u64, name: &str) -> bool {
        self.inodes.get(&inode).is_some_and(|node| self.folders[0].live.get(name) == Some(node))
    }

    /// Fails unless a folder holds just what this disk was told.
    #[track_caller]
    pub(crate) fn assert_is(&self, bytes: &[u8], folder: &Path) {
        self.assert_folder_is(0, bytes, folder);
    }

    fn assert_folder_is(&self, number: usize, bytes: &[u8], folder: &Path) {
        let names = &self.folders[number].live;
        let there =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(there.collect::<BTreeSet<_>>(), names.keys().cloned().collect(), "{}", folder.display());
        for (name, node) in names {
            let path = folder.join(name);
            match node {
                Node::Folder(inner) => self.assert_folder_is(*inner, bytes, &path),
                Node::File(file) => {
                    let told = self.contents[*file].left(bytes, Leaves::All, &mut Dice::new(0));
                    assert!(
                        told == std::fs::read(&path).unwrap(),
                        "{} was changed past the trace",
                        path.display()
                    );
                }
            }
        }
    }

    /// Something was told and is not durable yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.contents.iter().any(|content| !content.pending.is_empty())
            || self.folders.iter().any(|names| !names.pending.is_empty())
    }

    /// Writes what a power cut leaves into an empty folder. Files named `without` are left out.
    pub(crate) fn image(&self, bytes: &[u8], leaves: Leaves, dice: &mut Dice, target: &Path, without: &str) {
        self.image_of(0, bytes, leaves, dice, target, without);
    }

    fn image_of(
        &self,
        folder: usize,
        bytes: &[u8],
        leaves: Leaves,
        dice: &mut Dice,
        target: &Path,
        without: &str,
    ) {
        for (name, node) in self.folders[folder].left(leaves, dice) {
            let path = target.join(&name);
            match node {
                Node::Folder(inner) => {
                    std::fs::create_dir(&path).unwrap();
                    self.image_of(inner, bytes, leaves, dice, &path, without);
                }
                Node::File(_) if name == without => {}
                Node::File(file) => write_with_holes(&path, &self.contents[file].left(bytes, leaves, dice)),
            }
        }
    }
}

impl Content {
    fn sync(&mut self, bytes: &[u8]) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Write { at, data } => put(&mut self.durable, at, &bytes[data]),
                Change::Resize(length) => self.durable.resize(length, 0),
            }
        }
    }

    fn left(&self, bytes: &[u8], leaves: Leaves, dice: &mut Dice) -> Vec<u8> {
        let share = match leaves {
            Leaves::Synced => return self.durable.clone(),
            Leaves::All => 100,
            Leaves::Some { writes, .. } | Leaves::SomeWrites(writes) => writes,
        };
        let mut left = self.durable.clone();
        let mut longest = left.len();
        for change in &self.pending {
            match change {
                Change::Resize(length) if dice.chance(share) => left.resize(*length, 0),
                Change::Resize(_) => {}
                Change::Write { at, data } => {
                    longest = longest.max(at + data.len());
                    let data = &bytes[data.clone()];
                    match dice.below(3) {
                        _ if share == 100 => put(&mut left, *at, data),
                        0 => put_torn(&mut left, *at, data, share, dice),
                        _ if dice.chance(share) => put(&mut left, *at, data),
                        _ => {}
                    }
                }
            }
        }
        // The length may have come to the disk before what it is the length of.
        if share < 100 && dice.chance(25) && left.len() < longest {
            left.resize(longest, 0);
        }
        left
    }
}

fn put(content: &mut Vec<u8>, at: usize, data: &[u8]) {
    if content.len() < at + data.len() {
        content.resize(at + data.len(), 0);
    }
    content[at..at + data.len()].copy_from_slice(data);
}

/// Of a write, some sectors.
fn put_torn(content: &mut Vec<u8>, at: usize, data: &[u8], share: u32, dice: &mut Dice) {
    let mut from = 0;
    while from < data.len() {
        // Sectors lie at their places in the file, not in the write.
        let to = data.len().min((at + from + SECTOR_BYTES) / SECTOR_BYTES * SECTOR_BYTES - at);
        if dice.chance(share) {
            put(content, at + from, &data[from..to]);
        }
        from = to;
    }
}

impl Names {
    fn sync(&mut self) {
        self.pending.clear();
        self.durable = self.live.clone();
    }

    fn left(&self, leaves: Leaves, dice: &mut Dice) -> BTreeMap<String, Node> {
        let share = match leaves {
            Leaves::Synced => return self.durable.clone(),
            Leaves::All | Leaves::SomeWrites(_) => return self.live.clone(),
            Leaves::Some { names, .. } => names,
        };
        let mut left = self.durable.clone();
        for naming in self.pending.iter().filter(|_| dice.chance(share)) {
            match naming {
                Naming::Add(name, node) => drop(left.insert(name.clone(), *node)),
                Naming::Remove(name) => drop(left.remove(name)),
                Naming::Rename(from, to, node) => {
                    left.remove(from);
                    left.insert(to.clone(), *node);
                }
            }
        }
        left
    }
}

fn write_with_holes(path: &Path, content: &[u8]) {
    let file = File::create(path).unwrap();
    file.set_len(content.len() as u64).unwrap();
    for (number, part) in content.chunks(HOLE_BYTES).enumerate() {
        if part.iter().any(|byte| *byte != 0) {
            file.write_all_at(part, (number * HOLE_BYTES) as u64).unwrap();
        }
    }
}
