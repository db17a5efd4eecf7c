//! What bearer tokens are told apart by. Never says which route needs which.

/// What a bearer token may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenScope {
    /// The state, and why it is so.
    Read,
    /// The changes, and readers' places in them.
    Feed,
    /// The whole log, and what changes the server's own state.
    Admin,
}

impl TokenScope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Feed, Self::Admin];

    /// The word, as tokens are made with it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Feed => "feed",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}
