//! Checking: every entry against its checksum and its place, and what was said last against the last entries.

use super::{Feed, FeedError, PAGE_ENTRIES_MAX};

/// The most findings that are told.
pub const FINDINGS_MAX: usize = 100;

/// What checking found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries that are as they were written.
    pub entries: u64,
    /// Subjects whose last standing is that of their last entry.
    pub subjects: u64,
    /// What is not as it was written, at most [`FINDINGS_MAX`].
    pub findings: Vec<Box<str>>,
}

impl Checked {
    fn note(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding.into());
        }
    }
}

impl Feed {
    /// Looks at everything. Damage is no error: it is what is asked for.
    ///
    /// # Errors
    /// [`FeedError::Storage`].
    pub fn check(&self) -> Result<Checked, FeedError> {
        let mut checked = Checked::default();
        for number in 1..=self.head() {
            match self.check_entry(number) {
                Ok(None) => checked.entries = checked.entries.saturating_add(1),
                Ok(Some(finding)) => checked.note(finding),
                Err(error @ FeedError::Storage { .. }) => return Err(error),
                Err(error) => checked.note(format!("entry {number} of the feed: {error}")),
            }
        }
        // An entry of the subject, and none behind it (above): so it is the last one.
        let mut after = None;
        loop {
            let page = self.subjects(after.as_ref(), PAGE_ENTRIES_MAX)?;
            let Some(last) = page.last() else { return Ok(checked) };
            after = Some(last.clone());
            for subject in &page {
                let found = self.store.latest(subject).and_then(|latest| match latest {
                    Some((standing, number)) => Ok(self
                        .store
                        .entry(number)?
                        .is_some_and(|entry| entry.subject() == *subject && entry.to == standing)),
                    None => Ok(true),
                });
                match found {
                    Ok(true) => checked.subjects = checked.subjects.saturating_add(1),
                    Ok(false) => checked
                        .note(format!("what the feed said last of {} is not its last entry", subject.object)),
                    Err(error @ FeedError::Storage { .. }) => return Err(error),
                    Err(error) => {
                        checked.note(format!("what the feed said last of {}: {error}", subject.object));
                    }
                }
            }
        }
    }

    fn check_entry(&self, number: u64) -> Result<Option<String>, FeedError> {
        let Some(entry) = self.store.entry(number)? else {
            return Ok(Some(format!("entry {number} of the feed is missing")));
        };
        let latest = self.store.latest(&entry.subject())?;
        let is_known = latest.is_some_and(|(_, last)| last >= number);
        Ok((!is_known)
            .then(|| format!("what the feed said last of {} is older than entry {number}", entry.object)))
    }
}
