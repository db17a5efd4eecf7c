//! Power cuts: what a process told the disk is replayed onto a model of it, cut anywhere, and what is left is opened.
//!
//! The image of one cut becomes the folder of the next process, again and again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use billfold::lab::Dice;
use tempfile::TempDir;

use crate::audit::{Acked, audit};
use crate::bodies::{Sizes, is_sent};
use crate::child::{Job, acked};
use crate::disk::{Disk, Honours, Leaves};
use crate::running::{asked, folder, panics, seed};
use crate::shim::{self, CHANGING, Control, Refusal};
use crate::trace::{Kind, Trace};

/// How many images are opened in `cargo test`.
const CUTS: u64 = 40;
/// Images of one process's work.
const CUTS_A_PROCESS: u64 = 10;
/// After so many processes a folder has grown enough: another one begins.
const PROCESSES_A_FOLDER: u64 = 6;
/// Events of one process.
const EVENTS: u64 = 150;
/// Where the process says what was acknowledged. It is no part of an image.
const ACKS: &str = "acks";

/// What a process did to a folder, and what it was told in return.
struct Done {
    before: Disk,
    trace: Trace,
    /// The calls that told of an acknowledgement, by place in the trace.
    acks: BTreeMap<usize, Acked>,
    /// Acknowledged by earlier processes.
    known: Acked,
}

/// A folder whose every change is written down.
struct Watched {
    place: TempDir,
    top: PathBuf,
    known: Acked,
    first: u64,
}

impl Watched {
    fn new() -> Self {
        let place = folder();
        let top = place.path().join("disk");
        std::fs::create_dir(&top).unwrap();
        Self { place, top, known: Acked::new(), first: 0 }
    }

    /// Lets a process work on it to its end, after one that is killed before one of its first calls, if that is wanted: what
    /// the second finds there may be in the system's memory alone.
    fn work(&mut self, sizes: Sizes, rebuilds: bool, killed_first: Option<usize>) -> Done {
        let (trace, acks) = (self.place.path().join("trace"), self.top.join(ACKS));
        std::fs::write(&acks, b"").unwrap();
        let before = Disk::of(&self.top);
        let data = self.top.join("data");
        let control = Control::new(self.place.path().join("control"));
        for kill_at in killed_first.map(Some).into_iter().chain([None]) {
            let (data, acks) = (data.clone(), Some(acks.clone()));
            let mut command = Job { data, first: self.first, count: EVENTS, sizes, rebuilds, acks }.command();
            self.first += EVENTS;
            shim::watch(&mut command, &self.top, Some(&trace), Some(&control));
            control.refuse_nothing();
            if let Some(call) = kill_at {
                control.refuse(Refusal::kill_at(call, CHANGING), &self.top);
            }
            let status = command.status().unwrap();
            assert!(status.success() || (kill_at.is_some() && status.code().is_none()), "{status}");
        }
        let done = Done::new(before, Trace::read(&trace), self.known.clone());
        std::fs::remove_file(trace).unwrap();
        let whole = std::fs::read_to_string(acks).unwrap();
        assert_eq!(
            done.acks.values().map(BTreeMap::len).sum::<usize>(),
            done.told(&whole),
            "the trace has holes"
        );
        done
    }

    /// Goes on with what a cut left.
    fn go_on_with(&mut self, image: &Path, known: Acked) {
        std::fs::remove_dir_all(&self.top).unwrap();
        std::fs::rename(image, &self.top).unwrap();
        self.known = known;
    }
}

impl Done {
    fn new(before: Disk, trace: Trace, known: Acked) -> Self {
        let mut acks = BTreeMap::new();
        for (place, call) in trace.calls.iter().enumerate() {
            if call.kind == Kind::Write && before.is_named(call.file, ACKS) {
                let text = std::str::from_utf8(&trace.bytes[call.data.clone()]).unwrap();
                acks.insert(place, text.lines().filter_map(acked).collect());
            }
        }
        Self { before, trace, acks, known }
    }

    /// How many acknowledgements a text holds, counted as those of the trace are.
    fn told(&self, text: &str) -> usize {
        let all: Acked = text.lines().filter_map(acked).collect();
        let of_trace: Acked = self.acks.values().flatten().map(|(id, at)| (id.clone(), *at)).collect();
        if all == of_trace { self.acks.values().map(BTreeMap::len).sum() } else { usize::MAX }
    }

    /// What was acknowledged before the call at a place.
    fn acked_before(&self, place: usize) -> Acked {
        let mut acked = self.known.clone();
        acked.extend(self.acks.range(..place).flat_map(|(_, acks)| acks.clone()));
        acked
    }

    /// Cuts the power at some places, in order, and hands out each image with what had been acknowledged by then.
    fn cut(&self, cuts: u64, honours: Honours, dice: &mut Dice, mut look: impl FnMut(&Cut<'_>, &mut Dice)) {
        let calls = self.trace.calls.len();
        let mut places: Vec<usize> = (0..cuts).map(|_| dice.below(calls + 1)).collect();
        places.sort_unstable();
        let (mut disk, mut done) = (self.before.clone(), 0);
        for place in places {
            for call in &self.trace.calls[done..place] {
                disk.apply(call, &self.trace.bytes, honours);
            }
            done = place;
            let leaves = leaves(dice);
            look(
                &Cut {
                    disk: &disk,
                    bytes: &self.trace.bytes,
                    leaves,
                    acked: self.acked_before(place),
                    place,
                },
                dice,
            );
        }
    }
}

/// One moment at which the power goes, and what it leaves.
struct Cut<'a> {
    disk: &'a Disk,
    bytes: &'a [u8],
    leaves: Leaves,
    acked: Acked,
    place: usize,
}

impl Cut<'_> {
    /// The image, twice the same for the same dice.
    fn image(&self, dice: &Dice, target: &Path) {
        std::fs::create_dir(target).unwrap();
        self.disk.image(self.bytes, self.leaves, &mut dice.clone(), target, ACKS);
    }

    fn audit(&self, image: &Path, sizes: Sizes) -> Result<u64, String> {
        audit(&image.join("data"), &self.acked, &|id, stored| is_sent(id, stored, sizes))
    }
}

fn leaves(dice: &mut Dice) -> Leaves {
    let share = *dice.pick(&[3, 20, 50, 80, 97]).unwrap();
    match dice.below(8) {
        0 => Leaves::Synced,
        1 => Leaves::All,
        2..=4 => Leaves::SomeWrites(share),
        _ => Leaves::Some { writes: share, names: *dice.pick(&[0, 20, 50, 80]).unwrap() },
    }
}

/// Keeps an image that shows a fault, for whoever looks into it.
fn keep(cut: &Cut<'_>, dice: &Dice) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("attack-found-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&kept);
    cut.image(dice, &kept);
    kept
}

/// Cuts anywhere, images of every kind, chains of them: nothing acknowledged is lost, every image opens.
pub(crate) fn cuts() -> String {
    let (all, mut dice) = (asked("BILLFOLD_CUTS", CUTS), Dice::of(seed(), 10));
    let (mut opened, mut processes, mut pending, mut most) = (0, 0, 0, 0);
    while opened < all {
        let mut watched = Watched::new();
        for process in 0..PROCESSES_A_FOLDER {
            let killed_first = dice.chance(50).then(|| dice.below(60));
            let done = watched.work(Sizes::Long, process % 2 == 1, killed_first);
            check_the_model(&done, &watched.top);
            processes += 1;
            let (image, next) = (watched.place.path().join("image"), watched.place.path().join("next"));
            let (mut chained, mut left) = (None, CUTS_A_PROCESS.min(all - opened));
            done.cut(left, Honours::ALL, &mut dice, |cut, dice| {
                cut.image(dice, &image);
                pending += u64::from(cut.disk.is_pending());
                if let Err(fault) = cut.audit(&image, Sizes::Long) {
                    let (kept, place, leaves) = (keep(cut, dice), cut.place, cut.leaves);
                    panic!(
                        "image {opened}, cut before call {place}, {leaves:?}: {fault}; kept in {}",
                        kept.display()
                    );
                }
                most = most.max(cut.acked.len());
                opened += 1;
                std::fs::remove_dir_all(&image).unwrap();
                left -= 1;
                if left == 0 || (chained.is_none() && dice.chance(25)) {
                    // Raw: the next process recovers it, and is cut in that, too.
                    let _ = std::fs::remove_dir_all(&next);
                    cut.image(dice, &next);
                    chained = Some(cut.acked.clone());
                }
                dice.next();
            });
            match chained {
                Some(known) if opened < all => watched.go_on_with(&next, known),
                _ => break,
            }
        }
    }
    let panics = panics();
    format!(
        "{opened} images of {processes} processes, {pending} of them with something not yet synced, up to {most} events \
         acknowledged: none lost, all opened ({panics} panics inside sled on projections, which were folded anew)"
    )
}

/// Everything that the process told the disk, and nothing else, is what lies there: no call went past the trace.
fn check_the_model(done: &Done, folder: &Path) {
    let mut disk = done.before.clone();
    for call in &done.trace.calls {
        disk.apply(call, &done.trace.bytes, Honours::ALL);
    }
    disk.assert_is(&done.trace.bytes, folder);
}

/// How many of some images of a disk, or a program, that leaves out syncs do not hold what must hold.
fn broken(honours: Honours, seed_number: u64) -> (u64, u64, Option<String>) {
    let mut dice = Dice::of(seed(), seed_number);
    let (mut watched, mut images, mut broken, mut example) = (Watched::new(), 0, 0, None);
    let done = watched.work(Sizes::Usual, false, None);
    let image = watched.place.path().join("image");
    done.cut(CUTS_A_PROCESS, honours, &mut dice, |cut, dice| {
        cut.image(dice, &image);
        images += 1;
        if let Err(fault) = cut.audit(&image, Sizes::Usual) {
            broken += 1;
            example = Some(fault);
        }
        std::fs::remove_dir_all(&image).unwrap();
        dice.next();
    });
    (images, broken, example)
}

fn assert_broken(honours: Honours, seed_number: u64) -> String {
    let (images, broken, example) = broken(honours, seed_number);
    assert!(broken > 0, "none of {images} images shows that the sync is missing");
    format!("{broken} of {images} images are broken, such as: {}", example.unwrap())
}

/// The attack has teeth: without the one sync that comes before every acknowledgement it finds the loss.
pub(crate) fn without_fdatasync_events_are_lost() -> String {
    assert_broken(Honours { fdatasync: false, ..Honours::ALL }, 11)
}

/// And without the syncs of folders.
pub(crate) fn without_synced_names_events_are_lost() -> String {
    assert_broken(Honours { names: false, ..Honours::ALL }, 12)
}
