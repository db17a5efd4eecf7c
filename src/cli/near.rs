//! The word that somebody may have meant. Never acts on it: it is only told.

/// The word of `known` that is nearest to `typed`, if any is near enough to be meant.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    // A third of the letters may be wrong, and one always.
    let wrong_max = (typed.chars().count() / 3).max(1);
    let measured = known.into_iter().map(|word| (distance(&typed, &word.to_ascii_lowercase()), word));
    measured.filter(|(wrong, _)| *wrong <= wrong_max).min_by_key(|(wrong, _)| *wrong).map(|(_, word)| word)
}

/// How many letters have to be put in, left out, replaced or exchanged with their neighbour (Damerau and Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let mut letter_before = None;
    for (row, letter) in (1_usize..).zip(from.chars()) {
        let mut line = Vec::with_capacity(above.len());
        let mut left = row;
        line.push(left);
        for (column, other) in to.iter().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&above, column).saturating_add(usize::from(*other != letter));
            let mut least = replaced.min(at(&above, column + 1) + 1).min(left + 1);
            let exchanged = column
                .checked_sub(1)
                .filter(|previous| letter_before == Some(*other) && to.get(*previous) == Some(&letter));
            if let Some(previous) = exchanged {
                least = least.min(at(&before, previous) + 1);
            }
            line.push(least);
            left = least;
        }
        before = std::mem::replace(&mut above, line);
        letter_before = Some(letter);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(nearest(typed, ["listen", "body_limit", "tolerance", "name"]), expected, "{typed}");
    }

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        check("lsten", Some("listen"));
        check("lisetn", Some("listen"));
        check("LISTEN", Some("listen"));
        check("body-limit", Some("body_limit"));
        check("tolerence", Some("tolerance"));
        check("nam", Some("name"));
        check("port", None);
        check("", None);
    }

    #[test]
    fn letters_are_counted() {
        for (from, to, wrong) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("ab", "ba", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), wrong, "{from} {to}");
        }
    }
}
