//! What decides which event of a second is the last one, what leaves doubt, and who may listen while it is decided.
//!
//! The fold and its explanation are one decision: whoever explains listens to [`Watch`], and never decides again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::EventId;
use super::observation::Entry;

/// What decided which event of a second is the last one. The weaker ones come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// It is the only event of its second.
    Alone,
    /// All events of the second show the same content.
    SameContent,
    /// It shows a status that nothing leaves.
    Terminal,
    /// The others show the object's creation.
    Creation,
    /// Its status is further on in the lifecycle.
    LifecycleRank,
    /// A number that never falls is higher.
    Numbers,
    /// The others are reminders and change nothing.
    Change,
    /// The changes of the second form a walk that ends with it.
    Walk,
    /// The changes of the second lead back to the state before it.
    ClosedWalk,
    /// A rule of the lifecycle puts the others before it.
    NamedRule,
    /// Only the usual order of the types speaks for it. Uncertain.
    TypeRank,
    /// Nothing speaks for it; its id is the highest. Uncertain.
    EventId,
}

impl Decision {
    /// Every word, the stronger evidence first.
    pub const ALL: [Self; 12] = [
        Self::Alone,
        Self::SameContent,
        Self::Terminal,
        Self::Creation,
        Self::LifecycleRank,
        Self::Numbers,
        Self::Change,
        Self::Walk,
        Self::ClosedWalk,
        Self::NamedRule,
        Self::TypeRank,
        Self::EventId,
    ];

    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::SameContent => "same_content",
            Self::Terminal => "terminal",
            Self::Creation => "creation",
            Self::LifecycleRank => "lifecycle_rank",
            Self::Numbers => "numbers",
            Self::Change => "change",
            Self::Walk => "walk",
            Self::ClosedWalk => "closed_walk",
            Self::NamedRule => "named_rule",
            Self::TypeRank => "type_rank",
            Self::EventId => "event_id",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a decision may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// Only a convention chose between the contents that were left.
    Convention,
    /// It rests on an earlier state that was itself in doubt.
    Anchor,
    /// Equal changes may be two changes or one that is reported twice, and it matters.
    EqualChanges,
    /// The provider cut a list: equal parts prove no equal state.
    CutList,
}

impl Doubt {
    /// Every doubt.
    pub const ALL: [Self; 4] = [Self::Convention, Self::Anchor, Self::EqualChanges, Self::CutList];

    /// A stable word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Convention => "convention",
            Self::Anchor => "anchor",
            Self::EqualChanges => "equal_changes",
            Self::CutList => "cut_list",
        }
    }
}

/// The last event of a second.
#[derive(Clone, Copy)]
pub(super) struct Verdict<'a> {
    pub(super) winner: &'a Entry,
    pub(super) decided_by: Decision,
    /// None where it is certain.
    pub(super) doubt: Option<Doubt>,
    /// The event whose content is known to come before, where that is part of the proof.
    pub(super) rests_on: Option<&'a EventId>,
}

impl<'a> Verdict<'a> {
    /// Nothing speaks against it, and it needs no state before it.
    pub(super) const fn sure(winner: &'a Entry, decided_by: Decision) -> Self {
        Self { winner, decided_by, doubt: None, rests_on: None }
    }
}

/// Told how a second is decided, while it is decided.
pub(super) trait Watch<'a> {
    /// After this step these may still be the last one. First of all, before any step: all of them.
    fn left(&mut self, step: Decision, candidates: &[&'a Entry]);

    /// This is the last one.
    fn decided(&mut self, verdict: &Verdict<'a>);
}

/// Nobody listens: what the fold itself runs with, at no cost.
pub(super) struct Unwatched;

impl<'a> Watch<'a> for Unwatched {
    fn left(&mut self, _: Decision, _: &[&'a Entry]) {}

    fn decided(&mut self, _: &Verdict<'a>) {}
}
