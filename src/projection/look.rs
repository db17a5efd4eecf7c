//! Looking on while a page is folded: after each record, at what it has changed, before anything of the page is written.

use crate::model::id::{EventId, ObjectId, ObjectKey};
use crate::model::observation::Snapshot;

use super::derive::Settled;
use super::staged::Staged;
use super::{Checkpoint, Projection, ProjectionError, Step, View, fold_one, settle};

/// What a record has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The object that it observes.
    pub object: ObjectKey,
    /// Whose the object was before.
    pub customer_before: Option<ObjectId>,
    /// The payments that were derived anew.
    pub payments: Vec<Settled>,
}

/// Who looks on.
pub trait Look {
    /// Why it cannot.
    type Error: From<ProjectionError>;

    /// Looks at the state after one record, the `place`-th of its page.
    ///
    /// # Errors
    /// Whatever stops the fold; then nothing of the page is written.
    fn after(&mut self, place: usize, touched: &Touched, view: &View<'_>) -> Result<(), Self::Error>;

    /// The page is complete, and is written next.
    ///
    /// # Errors
    /// Whatever stops the fold; then nothing of the page is written.
    fn before_write(&mut self, checkpoint: Checkpoint) -> Result<(), Self::Error>;
}

impl Projection {
    /// As [`Projection::fold`], but record by record, and looked at after each that changes something.
    ///
    /// # Errors
    /// What `look` says, or [`ProjectionError`]; then nothing of the page is written.
    pub fn fold_looking<L: Look>(
        &self,
        page: Vec<Step>,
        checkpoint: Checkpoint,
        recall: &dyn Fn(&EventId) -> Result<Snapshot, ProjectionError>,
        look: &mut L,
    ) -> Result<(), L::Error> {
        let mut staged = Staged::new(&self.view.tree, &self.reference_keys);
        for (place, step) in page.into_iter().enumerate() {
            let before = match &step.observation {
                Some(observation) => {
                    staged.object(&observation.key)?.and_then(|object| object.customer().cloned())
                }
                None => None,
            };
            fold_one(&mut staged, step, recall)?;
            let (changed, payments) = settle(&mut staged)?;
            // A record observes one object.
            if let Some(object) = changed.into_iter().next() {
                let touched = Touched { object, customer_before: before, payments };
                look.after(place, &touched, &staged.view())?;
            }
        }
        look.before_write(checkpoint)?;
        Ok(staged.commit(checkpoint)?)
    }
}
