//! Whether a backup is one of the log that is repaired: only then may its records fill gaps.
//!
//! Two records with one digest have their whole histories in common. So the last position that both have decides; without
//! one, records side by side have to link. Never takes a backup on trust.

use super::{Candidate, Salvage};
use crate::log::error::CopyError;
use crate::log::record::{Digest, Position};

impl Salvage {
    /// Refuses a backup of another history, or one that cannot be shown to have the same.
    ///
    /// # Errors
    /// [`CopyError::OtherHistory`].
    pub(super) fn refuse_strangers(&self) -> Result<(), CopyError> {
        for (number, folder) in self.folders.iter().enumerate().skip(1) {
            self.check_kin(number).map_err(|at| CopyError::OtherHistory { backup: folder.clone(), at })?;
        }
        Ok(())
    }

    /// Holds a folder against those before it. The error says at which position they differ, if that is known.
    fn check_kin(&self, number: usize) -> Result<(), Option<Position>> {
        let is_kept = |candidate: &&Candidate| candidate.files.iter().any(|file| *file < number);
        let is_theirs = |candidate: &&Candidate| candidate.files.contains(&number);
        let mut is_kin = false;
        if let Some(mark) = self.mark {
            let known = self.found.get(&mark.position.get()).into_iter().flatten().filter(is_theirs);
            let digests: Vec<Digest> = known.map(|candidate| candidate.digest).collect();
            is_kin = digests.contains(&mark.digest);
            if !digests.is_empty() && !is_kin {
                return Err(Some(mark.position));
            }
        }
        let (mut any_kept, mut any_theirs) = (false, false);
        let mut behind = None;
        for (&position, candidates) in self.found.iter().rev() {
            let kept = candidates.iter().any(|candidate| is_kept(&candidate));
            let theirs = candidates.iter().any(|candidate| is_theirs(&candidate));
            if kept && theirs {
                let mut both = candidates.iter().filter(is_theirs);
                let is_same =
                    both.any(|one| candidates.iter().filter(is_kept).any(|kept| kept.digest == one.digest));
                return if is_same { Ok(()) } else { Err(Some(Position::new(position))) };
            }
            any_kept |= kept;
            any_theirs |= theirs;
            if !kept && !theirs {
                continue;
            }
            if let Some((next, next_is_kept)) = behind.replace((position, kept))
                && next == position.saturating_add(1)
                && next_is_kept != kept
            {
                let links = self.links(position, next);
                is_kin |= links;
                // Behind a loss the log may have gone on without the record that the backup still has.
                let is_noted = next_is_kept && self.notes.get(&next).is_some_and(|note| note.file < number);
                if !links && !is_noted {
                    return Err(Some(Position::new(next)));
                }
            }
        }
        if is_kin || !any_kept || !any_theirs { Ok(()) } else { Err(None) }
    }

    /// Whether a record at `next` follows from one at `position`.
    fn links(&self, position: u64, next: u64) -> bool {
        let before = self.found.get(&position).into_iter().flatten();
        let before: Vec<Digest> = before.map(|candidate| candidate.digest).collect();
        let mut behind = self.found.get(&next).into_iter().flatten();
        behind.any(|candidate| {
            self.read(next, candidate).is_some_and(|(record, _)| {
                before.iter().any(|digest| record.digest_after(*digest) == record.digest)
            })
        })
    }

    /// Whether the log itself has gone on behind `before` without the record at `position`, which only a backup has.
    pub(super) fn is_passed_over(&self, position: u64, before: (Position, Digest)) -> bool {
        let of_backup = |candidate: &Candidate| !candidate.files.contains(&0);
        if !self.found.get(&position).is_some_and(|candidates| candidates.iter().all(of_backup)) {
            return false;
        }
        let note = self.notes.range(position.saturating_add(1)..).next();
        note.filter(|(_, note)| note.after == before.0.get()).is_some_and(|(&next, _)| {
            let mut behind = self.found.get(&next).into_iter().flatten();
            behind.any(|candidate| {
                let read = self.read(next, candidate);
                read.is_some_and(|(record, _)| record.digest_after(before.1) == record.digest)
            })
        })
    }
}
