//! What in a body differs from one attempt to the next although the function does the same: the time, how long something
//! took, where an object lies in memory.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;

/// A time stamp this near to the attempt's own clock was read from that clock.
const NEAR: SignedDuration = SignedDuration::from_mins(5);
/// What stands for a token in the shape of a body. No JSON text holds this character unescaped.
pub(super) const PLACEHOLDER: &str = "\u{0}";

/// Keys whose decimals are durations, as whole words of the key (`elapsed_ms`, `responseTime`).
const DURATION_WORDS: [&str; 12] = [
    "duration",
    "elapsed",
    "latency",
    "took",
    "runtime",
    "seconds",
    "secs",
    "ms",
    "millis",
    "milliseconds",
    "processing",
    "response",
];

/// Dates with times of day, as ISO 8601 and its relatives write them, HTTP dates, dates with slashes, bare counts of seconds to
/// nanoseconds since 1970, and addresses (`0x7f3a5c0d1e80`).
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)? ?(?:Z|UTC|[+-]\d{2}:?\d{2})?",
        r"\d{8}T\d{6}Z",
        r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|[+-]\d{4})",
        r"\d{1,2}/\d{1,2}/\d{4},? \d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?",
        r"0x[0-9a-f]{6,16}",
        r"\d{9,19}(?:\.\d{1,9})?",
    ];
    #[expect(clippy::unwrap_used, reason = "a constant: a test makes it")]
    Regex::new(&parts.map(|part| format!("(?:{part})")).join("|")).unwrap()
});

/// Where in a text its volatile tokens stand, in order. `clock` is the attempt's.
pub(super) fn tokens(text: &str, clock: Timestamp) -> Vec<Range<usize>> {
    let found = TOKENS.find_iter(text).map(|token| token.range());
    found
        .filter(|range| stands_alone(text, range) && is_volatile(&text[range.clone()], clock))
        .collect()
}

/// Whether a number is a volatile token: a time, or a decimal under a key that names a duration.
pub(super) fn number(literal: &str, key: &str, clock: Timestamp) -> bool {
    (literal.contains('.') && names_duration(key)) || is_volatile(literal, clock)
}

/// Part of a longer word or number is no token: an order's number holds no time.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..range.start].chars().next_back().is_some_and(part);
    let after = text[range.end..].chars().next().is_some_and(part);
    !before && !after
}

fn is_volatile(token: &str, clock: Timestamp) -> bool {
    if token.starts_with("0x") {
        return true;
    }
    let near = |moment: Timestamp| moment.duration_since(clock).abs() <= NEAR;
    if token.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return since_1970(token).is_some_and(near);
    }
    moments(token.trim_end()).into_iter().any(near)
}

/// Seconds, milliseconds, microseconds or nanoseconds, told by how many digits there are.
fn since_1970(literal: &str) -> Option<Timestamp> {
    let (whole, fraction) = literal.split_once('.').unwrap_or((literal, ""));
    let count: i128 = whole.parse().ok()?;
    let unit_ns: i128 = match whole.len() {
        9..=11 => 1_000_000_000,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        18..=19 => 1,
        _ => return None,
    };
    let part: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Timestamp::from_nanosecond(count * unit_ns + part * unit_ns / 1_000_000_000).ok()
}

/// Every moment that a date with a time of day may mean; one without an offset is taken as UTC.
fn moments(token: &str) -> Vec<Timestamp> {
    if let Ok(moment) = token.replace(" UTC", "Z").replace(',', ".").parse::<Timestamp>() {
        return vec![moment];
    }
    if let Ok(moment) = jiff::fmt::rfc2822::parse(token) {
        return vec![moment.timestamp()];
    }
    if let Ok(civil) = token.replacen(' ', "T", 1).parse::<DateTime>() {
        return utc(civil).into_iter().collect();
    }
    const FORMS: [&str; 8] = [
        "%Y%m%dT%H%M%SZ",
        "%Y-%m-%dT%H:%M:%S%.f%z",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %I:%M %p",
        "%m/%d/%Y %I:%M:%S %p",
    ];
    let plain = token.replace(',', "");
    let read = |form: &&str| {
        let broken_down = strtime::parse(form, &plain).ok()?;
        broken_down
            .to_timestamp()
            .ok()
            .or_else(|| broken_down.to_datetime().ok().and_then(utc))
    };
    FORMS.iter().filter_map(read).collect()
}

fn utc(civil: DateTime) -> Option<Timestamp> {
    civil
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Whether a word of the key says that its value is a duration.
fn names_duration(key: &str) -> bool {
    let mut words = vec![String::new()];
    for c in key.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words
                .last_mut()
                .into_iter()
                .for_each(|word| word.extend(c.to_lowercase()));
        }
    }
    words.iter().any(|word| DURATION_WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Timestamp {
        "2026-11-25T10:00:00Z".parse().unwrap()
    }

    fn volatile(text: &str) -> Vec<&str> {
        tokens(text, clock())
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn the_attempts_own_time_is_volatile_in_every_spelling() {
        for token in [
            "2026-11-25T10:00:01.123456",
            "2026-11-25T09:58:00+00:00",
            "2026-11-25T11:00:59+0100",
            "2026-11-25 10:00:00 UTC",
            "2026-11-25 10:01",
            "20261125T100000Z",
            "Wed, 25 Nov 2026 10:00:00 GMT",
            "25/11/2026 10:02",
            "11/25/2026, 10:02 AM",
            "1795600800",
            "1795600800.25",
            "1795600800123",
            "1795600800123456",
            "1795600800123456789",
            "0x7f3a5c0d1e80",
        ] {
            let text = format!("ended ({token}).");
            assert_eq!(volatile(&text), [token], "{text}");
        }
    }

    #[test]
    fn other_times_and_numbers_are_data() {
        for text in [
            "2026-11-25T10:05:01Z",
            "2026-11-24T10:00:00Z",
            "appointment on 2026-11-25",
            "+14155550100",
            "order 1795600800A",
            "A1795600800",
            "order 1795605000",
            "3f2b8c7e-0000-4000-8000-1795600800ab",
            "0x7f",
        ] {
            assert_eq!(volatile(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_decimal_is_a_duration_where_its_key_says_so() {
        for key in [
            "duration",
            "elapsed_ms",
            "responseTime",
            "took",
            "call.latency",
            "processing_seconds",
        ] {
            assert!(number("12.75", key, clock()), "{key}");
        }
        assert!(!number("12.75", "amount", clock()));
        assert!(
            !number("12", "duration", clock()),
            "a whole number may be what was agreed"
        );
        assert!(number("1795600801", "at", clock()));
    }
}
