//! Keys of the one tree that holds the feed: a table byte, then fields that sort as they should.

use crate::model::feed::{Subject, Topic};
use crate::model::id::{AccountId, ObjectId, Scope};

/// How far the feed is made, and by what.
pub(super) const META: &[u8] = b"m";

const ENTRY: u8 = b'e';
const LATEST: u8 = b'l';
const CURSOR: u8 = b'c';

/// An entry.
pub(super) fn entry(number: u64) -> [u8; 9] {
    let mut key = [ENTRY; 9];
    let (_, place) = key.split_at_mut(1);
    place.copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in an entry's key.
pub(super) fn entry_number(key: &[u8]) -> Option<u64> {
    key.strip_prefix(&[ENTRY])?.try_into().ok().map(u64::from_be_bytes)
}

/// All subjects.
pub(super) const fn subjects() -> [u8; 1] {
    [LATEST]
}

/// What was said last of a subject.
pub(super) fn latest(subject: &Subject) -> Vec<u8> {
    let Subject { scope, topic, object } = subject;
    let account = scope.account.as_ref().map_or("", AccountId::as_str);
    let mut key = vec![LATEST, topic.code(), u8::from(scope.livemode)];
    // No id holds a zero byte.
    key.extend(account.as_bytes());
    key.push(0);
    key.extend(object.as_str().as_bytes());
    key
}

/// The subject of such a key.
pub(super) fn subject(key: &[u8]) -> Option<Subject> {
    let [code, livemode, rest @ ..] = key.strip_prefix(&[LATEST])? else { return None };
    let (account, object) = rest.split_at_checked(rest.iter().position(|byte| *byte == 0)?)?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let account = match text(account)? {
        "" => None,
        account => Some(AccountId::parse(account).ok()?),
    };
    Some(Subject {
        scope: Scope { account, livemode: *livemode == 1 },
        topic: Topic::from_code(*code)?,
        object: ObjectId::parse(text(object.get(1..)?)?).ok()?,
    })
}

/// All cursors.
pub(super) const fn cursors() -> [u8; 1] {
    [CURSOR]
}

/// A cursor.
pub(super) fn cursor(name: &str) -> Vec<u8> {
    [&[CURSOR], name.as_bytes()].concat()
}

/// The name in a cursor's key.
pub(super) fn cursor_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(&[CURSOR])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read_back() {
        for account in [None, Some(AccountId::parse("acct_1").unwrap())] {
            for (topic, livemode) in Topic::ALL.into_iter().zip([true, false].into_iter().cycle()) {
                let wanted = Subject {
                    scope: Scope { account: account.clone(), livemode },
                    topic,
                    object: ObjectId::parse("sub_1").unwrap(),
                };
                assert_eq!(subject(&latest(&wanted)), Some(wanted));
            }
        }
    }

    #[test]
    fn numbers_sort() {
        let numbers = [0, 1, 255, 256, u64::MAX];
        assert!(numbers.map(entry).is_sorted());
        assert_eq!(numbers.map(|number| entry_number(&entry(number)).unwrap()), numbers);
    }
}
