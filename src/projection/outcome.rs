//! What the fold made of a record, in one word.

/// What the fold made of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FoldOutcome {
    /// Observed: it is part of an object's state.
    Folded,
    /// A type of the provider that moves no projection.
    NotFolded,
    /// A type that this version has never heard of.
    UnknownType,
    /// A notification without content.
    Thin,
    /// A type that is folded, in a shape that is not understood.
    Unreadable,
    /// No JSON, or no id.
    Quarantined,
}

impl FoldOutcome {
    /// Every outcome.
    pub const ALL: [Self; 6] =
        [Self::Folded, Self::NotFolded, Self::UnknownType, Self::Thin, Self::Unreadable, Self::Quarantined];

    /// Its word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::NotFolded => "not_folded",
            Self::UnknownType => "unknown_type",
            Self::Thin => "thin",
            Self::Unreadable => "unreadable",
            Self::Quarantined => "quarantined",
        }
    }

    /// The outcome behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}
