//! `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use super::{WAIT_LIMIT, after};

/// When to come again; `None` if it cannot be read. Never in the past, never later than in 24 h.
#[must_use]
pub fn retry_after(value: &[u8], now: Timestamp) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let text = std::str::from_utf8(value).ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().unwrap_or(i64::MAX); // more digits than a number holds: very long
        return Some(after(now, SignedDuration::from_secs(seconds).min(WAIT_LIMIT)));
    }
    let then = PARSER.parse_timestamp(text).ok()?;
    Some(then.clamp(now, after(now, WAIT_LIMIT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_kept_within_a_day() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |value: &str| retry_after(value.as_bytes(), now);
        assert_eq!(read("120"), Some(after(now, SignedDuration::from_secs(120))));
        assert_eq!(
            read("Sun, 01 Mar 2026 12:00:30 GMT"),
            Some(after(now, SignedDuration::from_secs(30)))
        );
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(now));
        assert_eq!(read("99999999999999999999"), Some(after(now, WAIT_LIMIT)));
        assert_eq!(
            read("Sun, 01 Mar 2048 12:00:30 GMT"),
            Some(after(now, WAIT_LIMIT))
        );
        for nothing in ["", "-5", "1.5", "soon"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }
}
