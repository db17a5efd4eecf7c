//! Parameters: the query of a request, every name and value checked against what the route allows.
//!
//! Never guesses: what does not fit is named, with the list of what is allowed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::{
    Account, AsOf, Cursor, EventQuery, FeedQuery, FoldOutcome, ListQuery, PAGE_ITEMS_MAX, ScopeFilter,
};
use crate::log::Position;
use crate::model::feed::Kind;
use crate::model::id::{AccountId, ObjectId};
use crate::model::time::{Millis, Seconds};

use super::feed::{FEED_WAIT_SECONDS_MAX, FeedAsked};
use super::problem::{Problem, ProblemKind, echo};

/// The longest status or event type that is looked for, in bytes.
pub const WORD_BYTES_MAX: usize = 128;
/// The longest merchant's own id that is looked for, in bytes (the provider's limit for metadata values).
pub const REFERENCE_BYTES_MAX: usize = 500;
/// The longest window of the counts, in seconds: about a year.
pub const WINDOW_SECONDS_MAX: i64 = 366 * 86_400;
/// The window of the counts where nobody asked for one, in seconds: a day.
pub const WINDOW_SECONDS_DEFAULT: i64 = 86_400;

/// What every route that looks for one object takes.
pub(super) const SCOPE: &[&str] = &["account", "livemode"];
/// The same as of a moment.
pub(super) const SINGLE: &[&str] = &["account", "livemode", "as_of", "by_created"];
/// What every list of objects takes.
pub(super) const LIST: &[&str] = &[
    "account",
    "livemode",
    "status",
    "customer",
    "created_from",
    "created_before",
    "limit",
    "after",
    "as_of",
    "by_created",
];
/// What access by the merchant's own id takes.
pub(super) const REFERENCE: &[&str] = &["ref", "account", "livemode", "as_of", "by_created"];
/// What an explanation takes.
pub(super) const WHY: &[&str] = &["account", "livemode", "limit", "as_of", "by_created"];
/// What a history takes.
pub(super) const HISTORY: &[&str] = &["account", "livemode", "limit"];
/// What a comparison of two moments takes.
pub(super) const DIFF: &[&str] = &["account", "livemode", "from", "to", "by_created"];
/// What one stored event takes.
pub(super) const EVENT: &[&str] = &["account", "livemode", "body"];
/// What the counts take.
pub(super) const STATS: &[&str] = &["window"];
/// What the start of a rebuild takes.
pub(super) const REBUILD: &[&str] = &["diff"];
/// What the doctor takes.
pub(super) const DOCTOR: &[&str] = &["silence"];
/// What the stored records take.
pub(super) const LOG: &[&str] = &["after"];
/// What the feed takes.
pub(super) const FEED: &[&str] =
    &["after", "as", "limit", "wait", "customer", "kind", "object", "account", "livemode"];
/// What following the feed takes.
pub(super) const FOLLOW: &[&str] = &["after", "as", "customer", "kind", "object", "account", "livemode"];
/// What the list of events takes.
pub(super) const EVENTS: &[&str] =
    &["account", "livemode", "type", "outcome", "object", "limit", "after", "as_of", "by_created"];

/// Checked names with their values, which the typed questions below take out.
pub(super) struct Parameters<'a> {
    allowed: &'static [&'static str],
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Parameters<'a> {
    /// Each name must be allowed and come once.
    pub(super) fn new(
        query: &'a [(String, String)],
        allowed: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        for (name, value) in query {
            if !allowed.contains(&name.as_str()) {
                return Err(refused(name, "is not known here", allowed));
            }
            if values.insert(name.as_str(), value.as_str()).is_some() {
                return Err(refused(name, "is given twice", allowed));
            }
        }
        Ok(Self { allowed, values })
    }

    /// Whether it is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// What is wrong with a parameter, and which are allowed.
    pub(super) fn refused(&self, name: &str, why: &str) -> Problem {
        refused(name, why, self.allowed)
    }

    fn read<T>(
        &self,
        name: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.values.get(name) else { return Ok(None) };
        match parse(value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(refused(name, &format!("does not fit: it takes {wanted}"), self.allowed)),
        }
    }

    pub(super) fn scope(&self) -> Result<ScopeFilter, Problem> {
        Ok(ScopeFilter {
            account: self.read("account", "`self` or a connected account's id (acct_…)", parse_account)?,
            livemode: self.flag("livemode")?,
        })
    }

    /// A position in the log; its beginning unless it is said.
    pub(super) fn position(&self, name: &str) -> Result<Position, Problem> {
        let found =
            self.read(name, "a position in the log: 0 or a whole number", |value| value.parse().ok())?;
        Ok(found.map_or(Position::START, Position::new))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.read(name, "`true` or `false`", |value| value.parse().ok())
    }

    /// The question for a list. `statuses` are all words that the status can have, where they are ours.
    pub(super) fn list(&self, statuses: Option<&[&str]>) -> Result<ListQuery, Problem> {
        let status = match statuses {
            Some(words) => {
                self.read("status", &words.join(", "), |value| words.contains(&value).then(|| value.into()))?
            }
            None => self.word("status")?,
        };
        Ok(ListQuery {
            scope: self.scope()?,
            status,
            customer: self.id("customer")?,
            created_from: self.moment("created_from")?,
            created_before: self.moment("created_before")?,
            after: self.cursor()?,
            limit: self.limit()?,
        })
    }

    pub(super) fn events(&self) -> Result<EventQuery, Problem> {
        let outcomes: Vec<&str> = FoldOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        Ok(EventQuery {
            scope: self.scope()?,
            event_type: self.word("type")?,
            outcome: self.read("outcome", &outcomes.join(", "), FoldOutcome::parse)?,
            object: self.id("object")?,
            after: self.cursor()?,
            limit: self.limit()?,
        })
    }

    /// The question for entries of the feed. A cursor's name is not looked up here.
    pub(super) fn feed(&self) -> Result<FeedAsked, Problem> {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let wanted = format!("0 to {FEED_WAIT_SECONDS_MAX} seconds, such as `30s`");
        let wait = self.read("wait", &wanted, |value| {
            let seconds = value.strip_suffix('s').unwrap_or(value).parse().ok()?;
            (0..=FEED_WAIT_SECONDS_MAX).contains(&seconds).then_some(Duration::from_secs(seconds))
        })?;
        let after =
            self.read("after", "the `id` of an entry, or `next` of a page", |value| value.parse().ok())?;
        let query = FeedQuery {
            after: after.unwrap_or(0),
            limit: self.limit()?,
            scope: self.scope()?,
            customer: self.id("customer")?,
            kind: self.read("kind", &kinds.join(", "), Kind::parse)?,
            object: self.id("object")?,
        };
        Ok(FeedAsked { query, wait: wait.unwrap_or_default() })
    }

    /// In whose name the feed is read.
    pub(super) fn cursor_name(&self) -> Option<&'a str> {
        self.values.get("as").copied()
    }

    /// The merchant's own id of a user.
    pub(super) fn reference(&self) -> Result<&'a str, Problem> {
        let wanted = format!("your own id of the user, 1 to {REFERENCE_BYTES_MAX} bytes");
        match self.values.get("ref") {
            Some(value) if (1..=REFERENCE_BYTES_MAX).contains(&value.len()) => Ok(value),
            Some(_) => Err(refused("ref", &format!("does not fit: it takes {wanted}"), self.allowed)),
            None => Err(refused("ref", &format!("is missing: it takes {wanted}"), self.allowed)),
        }
    }

    /// How far the counts look back, in seconds.
    pub(super) fn window(&self) -> Result<i64, Problem> {
        let wanted = "a whole number and a unit (`90s`, `15m`, `24h`, `7d`), at most 366 days";
        Ok(self.read("window", wanted, parse_window)?.unwrap_or(WINDOW_SECONDS_DEFAULT))
    }

    /// How old the newest event may be, in seconds.
    pub(super) fn silence(&self) -> Result<Option<i64>, Problem> {
        self.read(
            "silence",
            "a whole number and a unit (`90s`, `15m`, `24h`, `7d`), at most 366 days",
            parse_window,
        )
    }

    fn word(&self, name: &str) -> Result<Option<Box<str>>, Problem> {
        let wanted = format!("one word of 1 to {WORD_BYTES_MAX} printable ASCII characters");
        self.read(name, &wanted, |value| {
            let fits = (1..=WORD_BYTES_MAX).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic());
            fits.then(|| value.into())
        })
    }

    fn id(&self, name: &str) -> Result<Option<ObjectId>, Problem> {
        self.read(name, "an id", |value| ObjectId::parse(value).ok())
    }

    fn moment(&self, name: &str) -> Result<Option<Seconds>, Problem> {
        self.read(name, "Unix seconds or an RFC 3339 time (2026-01-31T00:00:00Z)", parse_moment)
    }

    /// A moment of the past as it is asked for; none for now.
    pub(super) fn as_of(&self, name: &str) -> Result<Option<AsOf>, Problem> {
        let wanted = "a time (Unix seconds or RFC 3339), or @ and a position in the log, such as @42";
        let asked = self.read(name, wanted, parse_as_of)?;
        let by_created = self.flag("by_created")?.unwrap_or(false);
        match (asked, by_created) {
            (Some(AsOf::Received(millis)), true) => Ok(Some(AsOf::Created(millis.seconds()))),
            (Some(AsOf::Position(_)), true) => {
                Err(refused("by_created", "needs a time, not a position", self.allowed))
            }
            (asked, _) => Ok(asked),
        }
    }

    fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        self.read("after", "the value of `next` from the previous answer, unchanged", |value| {
            Cursor::parse(value).ok()
        })
    }

    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let wanted = format!("a whole number from 1 to {PAGE_ITEMS_MAX}");
        let limit = self.read("limit", &wanted, |value| {
            value.parse().ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit))
        })?;
        // Zero stands for the default number of items.
        Ok(limit.unwrap_or(0))
    }
}

fn refused(name: &str, why: &str, allowed: &[&str]) -> Problem {
    let allowed_here = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    let shown = echo(name);
    let detail = format!("the query parameter `{shown}` {why}; allowed here: {allowed_here}");
    Problem::new(ProblemKind::InvalidParameter, detail).with("parameter", shown).with("allowed", allowed)
}

fn parse_account(value: &str) -> Option<Account> {
    match value {
        "self" => Some(Account::Own),
        id if id.starts_with("acct_") => AccountId::parse(id).ok().map(Account::Connected),
        _ => None,
    }
}

fn parse_as_of(value: &str) -> Option<AsOf> {
    if let Some(position) = value.strip_prefix('@') {
        return position.parse().ok().map(|position| AsOf::Position(Position::new(position)));
    }
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(AsOf::Received(Millis::from(Seconds(seconds))));
    }
    let moment: Timestamp = value.parse().ok()?;
    Some(AsOf::Received(Millis(moment.as_millisecond())))
}

/// Unix seconds, or an RFC 3339 time; what lies between two seconds counts as the later one,
/// so that `from` and `before` keep exactly what they name.
fn parse_moment(value: &str) -> Option<Seconds> {
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(Seconds(seconds));
    }
    let moment: Timestamp = value.parse().ok()?;
    let up = i64::from(moment.subsec_nanosecond() > 0);
    moment.as_second().checked_add(up).map(Seconds)
}

fn parse_window(value: &str) -> Option<i64> {
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let window = number.parse::<u32>().ok().map(i64::from)?.checked_mul(seconds)?;
    (1..=WINDOW_SECONDS_MAX).contains(&window).then_some(window)
}

#[cfg(test)]
mod tests;
