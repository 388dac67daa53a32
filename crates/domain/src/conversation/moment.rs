use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::Timestamp;
use crate::state::Cursor;

/// What a time in the document should look like.
pub(super) const EXPECTED: &str = "a time in RFC 3339 with its offset, such as 2026-01-05T10:00:00Z";

/// Digits of a fraction of a second that can be kept: nanoseconds.
const FRACTION_DIGITS: usize = 9;

/// A time in RFC 3339 in the spelling that Python's `fromisoformat` reads too: upper-case `T` and `Z`, no leap second.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    Cursor(text).whole(|cursor| {
        let date = cursor.date()?;
        let time = cursor.after('T')?.time(FRACTION_DIGITS)?;
        let offset = Offset::from_seconds(cursor.offset()?).ok()?;
        offset.to_timestamp(DateTime::from_parts(date, time)).ok()
    })
}
