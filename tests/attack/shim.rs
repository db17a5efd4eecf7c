//! disk.c from this side: compiled once, loaded into a process, told what to refuse.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The longest path of the system, with its end.
const PATH_BYTES: usize = 4096;

/// Kinds of calls, as disk.c numbers them.
pub(crate) const OPENING: u64 = 1;
pub(crate) const OPENING_TO_WRITE: u64 = 2;
pub(crate) const WRITING: u64 = 4;
pub(crate) const SYNCING: u64 = 8;
pub(crate) const NAMING: u64 = 16;
/// All of them that change something.
pub(crate) const CHANGING: u64 = OPENING_TO_WRITE | WRITING | SYNCING | NAMING;

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    /// A set of kinds: they are counted.
    pub(crate) kinds: u64,
    /// The first counted call that fails, from 1.
    pub(crate) first: u64,
    /// The last one.
    pub(crate) last: u64,
    /// The error's number; 0 kills the process before the call.
    pub(crate) error: u64,
}

impl Refusal {
    /// The process dies before one of its calls, counted from 0.
    pub(crate) fn kill_at(call: usize, kinds: u64) -> Self {
        Self { kinds, first: u64::try_from(call).unwrap() + 1, last: u64::MAX, error: 0 }
    }
}

/// The page that the process and we look at.
pub(crate) struct Control {
    path: PathBuf,
    page: File,
}

impl Control {
    /// Refuses nothing yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        std::fs::write(&path, vec![0; 6 * 8 + PATH_BYTES]).unwrap();
        let page = File::options().read(true).write(true).open(&path).unwrap();
        Self { path, page }
    }

    /// Counts, from now on, calls below a folder, and refuses some.
    pub(crate) fn refuse(&self, refusal: Refusal, below: &Path) {
        self.refuse_nothing();
        let Refusal { kinds, first, last, error } = refusal;
        for (place, value) in [(1, first), (2, last), (3, error), (4, 0), (5, 0)] {
            self.put(place, value);
        }
        let mut path = below.to_str().unwrap().as_bytes().to_vec();
        path.resize(PATH_BYTES, 0);
        self.page.write_all_at(&path, 6 * 8).unwrap();
        // Last: from here on the process counts.
        self.put(0, kinds);
    }

    /// Lets everything through.
    pub(crate) fn refuse_nothing(&self) {
        self.put(0, 0);
    }

    /// How many calls were refused.
    pub(crate) fn refused(&self) -> u64 {
        let mut value = [0; 8];
        self.page.read_exact_at(&mut value, 5 * 8).unwrap();
        u64::from_ne_bytes(value)
    }

    fn put(&self, place: u64, value: u64) {
        self.page.write_all_at(&value.to_ne_bytes(), place * 8).unwrap();
    }
}

/// Loads the shim into the process that `command` starts, for everything below `folder`.
pub(crate) fn watch(command: &mut Command, folder: &Path, trace: Option<&Path>, control: Option<&Control>) {
    command.env("LD_PRELOAD", compiled()).env("ATTACK_FOLDER", folder);
    if let Some(trace) = trace {
        command.env("ATTACK_TRACE", trace);
    }
    if let Some(control) = control {
        command.env("ATTACK_CONTROL", &control.path);
    }
}

/// Where the compiled shim lies.
fn compiled() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attack/disk.c");
        // Of this process alone: another run of the tests may be loading its own.
        let name = format!("attack-disk-{}.so", std::process::id());
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-Wall", "-Wextra", "-O1", "-shared", "-fPIC", "-pthread", "-o"]);
        let told =
            cc.arg(&library).arg(&source).output().expect("cc is needed to compile tests/attack/disk.c");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        library
    })
}

/// Takes away what was compiled.
pub(crate) fn clean() {
    let name = format!("attack-disk-{}.so", std::process::id());
    // Not there when no attack needed it.
    let _ = std::fs::remove_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
}
