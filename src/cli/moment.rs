//! Times and spans as people type and read them: RFC 3339, dates, Unix seconds, `24h`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::time::{Millis, Seconds};

/// The latest second that is accepted and shown: the end of year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A moment: Unix seconds, RFC 3339, or a date (its first second in UTC).
///
/// # Errors
/// A text for the person who typed it.
pub(super) fn parse_moment(text: &str) -> Result<Seconds, String> {
    parse_moment_millis(text).map(Millis::seconds)
}

/// As [`parse_moment`], to the millisecond where one is given.
///
/// # Errors
/// A text for the person who typed it.
pub(super) fn parse_moment_millis(text: &str) -> Result<Millis, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return if (0..=SECONDS_MAX).contains(&seconds) {
            Ok(Millis::from(Seconds(seconds)))
        } else {
            Err("not a time in Unix seconds (milliseconds? leave the last three digits out)".to_owned())
        };
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(Millis(moment.as_millisecond()));
    }
    let date = text.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    date.map(|midnight| Millis(midnight.timestamp().as_millisecond()))
        .ok_or_else(|| "not a time: write 2026-01-31, 2026-01-31T12:00:00Z or Unix seconds".to_owned())
}

/// A span in whole seconds: `90s`, `15m`, `24h`, `7d`, or plain seconds.
///
/// # Errors
/// A text for the person who typed it.
pub(super) fn parse_span(text: &str) -> Result<i64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (Some(text), 1),
    };
    let number = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds =
        number.and_then(|number| number.parse::<i64>().ok()).and_then(|number| number.checked_mul(unit));
    seconds
        .filter(|seconds| (1..=SECONDS_MAX).contains(seconds))
        .ok_or_else(|| "not a span: write 90s, 15m, 24h or 7d".to_owned())
}

/// `2026-01-31T12:00:00Z`; the number itself where the calendar ends.
pub(super) fn show_seconds(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |moment| moment.to_string())
}

/// A millisecond as RFC 3339 text; the parser lets nothing pass that has none.
pub(super) fn millis_text(moment: Millis) -> String {
    Timestamp::from_millisecond(moment.0)
        .map_or_else(|_| moment.seconds().0.to_string(), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_moment(text: &str, expected: Option<i64>) {
        assert_eq!(parse_moment_millis(text).ok().map(|moment| moment.0), expected, "{text}");
    }

    #[test]
    fn moments() {
        check_moment("0", Some(0));
        check_moment("1767225600", Some(1_767_225_600_000));
        check_moment("2026-01-01", Some(1_767_225_600_000));
        check_moment("2026-01-01T00:00:00Z", Some(1_767_225_600_000));
        check_moment("2026-01-01T01:00:00.250+01:00", Some(1_767_225_600_250));
        check_moment("1767225600000", None);
        check_moment("-1", None);
        check_moment("yesterday", None);
        check_moment("2026-13-01", None);
        check_moment("", None);
    }

    #[track_caller]
    fn check_span(text: &str, expected: Option<i64>) {
        assert_eq!(parse_span(text).ok(), expected, "{text}");
    }

    #[test]
    fn spans() {
        check_span("90", Some(90));
        check_span("90s", Some(90));
        check_span("15m", Some(900));
        check_span("24h", Some(86_400));
        check_span("7d", Some(604_800));
        for text in ["", "h", "-1h", "1.5h", "0", "1y", "99999999999999d", "1 h", "ü"] {
            check_span(text, None);
        }
    }

    #[test]
    fn moments_are_shown_in_utc() {
        assert_eq!(show_seconds(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(show_seconds(i64::MAX), i64::MAX.to_string());
    }
}
