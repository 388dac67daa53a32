//! The texts inside tags, checked: each type holds one that Python reads back as the value that it stands for, and
//! keeps the spelling, so that what was read is written again as it was.

use jiff::civil;

use super::{MAX_INT_DIGITS, MAX_NAME_BYTES};

/// A text that does not stand for what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {expected}")]
pub struct NotA {
    /// What was expected, with an example.
    pub expected: &'static str,
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// What is expected of the text, with an example.
            pub const EXPECTED: &'static str = $expected;

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotA;
            fn try_from(text: String) -> Result<Self, NotA> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(NotA { expected: Self::EXPECTED }) }
            }
        }
    };
}

checked_text!(
    /// A `datetime.date`: a day that exists, of the years 1 to 9999.
    Date,
    |text| Cursor(text).whole(Cursor::date).is_some(),
    "a date such as 2026-01-05"
);
checked_text!(
    /// An `int`, in decimal digits without leading zeros.
    IntegerText,
    is_integer,
    "an integer in decimal digits, at most 4,300 of them, such as -9007199254740993"
);
checked_text!(
    /// A `decimal.Decimal`, as `str()` writes it.
    DecimalText,
    is_decimal,
    "a decimal such as 12.50, 1E+3, NaN or -Infinity"
);
checked_text!(
    /// The key of a `zoneinfo.ZoneInfo`. Whether the zone exists only the machine that reads it knows.
    ZoneKey,
    is_zone_key,
    "a time zone's key such as Europe/Madrid"
);

/// A `datetime.datetime`, aware or naive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateTime {
    text: String,
    fold: bool,
    zone: Option<ZoneKey>,
}

impl DateTime {
    /// What is expected of the text, with an example.
    pub const EXPECTED: &'static str =
        "a date and time such as 2026-01-05T10:00:00 or 2026-01-05T10:00:00.250000+01:00";

    /// `text` in ISO 8601 as `isoformat()` writes it; `fold` picks the second of two equal wall clock times; `zone`
    /// is the key of its `ZoneInfo`, if it has one.
    ///
    /// # Errors
    /// Where the text is not such a time, of a day that exists in the years 1 to 9999.
    pub fn new(text: String, fold: bool, zone: Option<ZoneKey>) -> Result<Self, NotA> {
        match Cursor(&text).whole(Cursor::date_time) {
            Some(_) => Ok(Self { text, fold, zone }),
            None => Err(NotA {
                expected: Self::EXPECTED,
            }),
        }
    }

    /// ISO 8601, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The second of two equal wall clock times is meant.
    #[must_use]
    pub fn fold(&self) -> bool {
        self.fold
    }

    /// The time zone by name.
    #[must_use]
    pub fn zone(&self) -> Option<&ZoneKey> {
        self.zone.as_ref()
    }
}

/// A `datetime.time`, aware or naive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Time {
    text: String,
    fold: bool,
    zone: Option<ZoneKey>,
}

impl Time {
    /// What is expected of the text, with an example.
    pub const EXPECTED: &'static str = "a time such as 10:00:00 or 10:00:00.250000+01:00";

    /// As for [`DateTime::new`].
    ///
    /// # Errors
    /// Where the text is not a time of day.
    pub fn new(text: String, fold: bool, zone: Option<ZoneKey>) -> Result<Self, NotA> {
        match Cursor(&text).whole(Cursor::time_and_offset) {
            Some(_) => Ok(Self { text, fold, zone }),
            None => Err(NotA {
                expected: Self::EXPECTED,
            }),
        }
    }

    /// ISO 8601, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The second of two equal wall clock times is meant.
    #[must_use]
    pub fn fold(&self) -> bool {
        self.fold
    }

    /// The time zone by name.
    #[must_use]
    pub fn zone(&self) -> Option<&ZoneKey> {
        self.zone.as_ref()
    }
}

/// A `datetime.timedelta`, normalised as Python keeps it: only the days may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeDelta {
    days: i32,
    seconds: u32,
    microseconds: u32,
}

impl TimeDelta {
    /// Days either way that Python's type holds.
    pub const MAX_DAYS: i64 = 999_999_999;
    /// Seconds of a day, less one.
    pub const MAX_SECONDS: i64 = 86_399;
    /// Microseconds of a second, less one.
    pub const MAX_MICROSECONDS: i64 = 999_999;

    /// None where a part is out of its range.
    #[must_use]
    pub fn new(days: i64, seconds: i64, microseconds: i64) -> Option<Self> {
        let within = days.abs() <= Self::MAX_DAYS
            && (0..=Self::MAX_SECONDS).contains(&seconds)
            && (0..=Self::MAX_MICROSECONDS).contains(&microseconds);
        if !within {
            return None;
        }
        Some(Self {
            days: i32::try_from(days).ok()?,
            seconds: u32::try_from(seconds).ok()?,
            microseconds: u32::try_from(microseconds).ok()?,
        })
    }

    /// May be negative.
    #[must_use]
    pub fn days(self) -> i32 {
        self.days
    }

    /// Less than a day.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    /// Less than a second.
    #[must_use]
    pub fn microseconds(self) -> u32 {
        self.microseconds
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => text == "0",
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    canonical && digits.len() <= MAX_INT_DIGITS
}

fn is_decimal(text: &str) -> bool {
    /// Beyond it CPython's `Decimal` raises, less room for the digits themselves.
    const MAX_EXPONENT: u64 = 100_000_000_000_000_000;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "Infinity" {
        return true;
    }
    let digits_of =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= MAX_INT_DIGITS;
    if let Some(payload) = unsigned
        .strip_prefix("sNaN")
        .or_else(|| unsigned.strip_prefix("NaN"))
    {
        return digits_of(payload);
    }
    let (mantissa, exponent) = unsigned.split_once(['E', 'e']).unwrap_or((unsigned, "0"));
    let exponent_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let exponent_fits = !exponent_digits.is_empty()
        && digits_of(exponent_digits)
        && exponent_digits
            .parse::<u64>()
            .is_ok_and(|size| size <= MAX_EXPONENT);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + fraction.len();
    exponent_fits && digits > 0 && digits <= MAX_INT_DIGITS && digits_of(whole) && digits_of(fraction)
}

fn is_zone_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/.".contains(&byte);
    // The key becomes a relative path below the folder of time zones: it must not leave that.
    let stays_inside = text
        .split('/')
        .all(|part| !part.is_empty() && !part.starts_with('.'));
    text.len() <= MAX_NAME_BYTES && text.bytes().all(plain) && stays_inside
}

/// Reads ISO 8601 from the left, in the one spelling that `isoformat()` has, `Z` allowed.
pub(crate) struct Cursor<'a>(pub(crate) &'a str);

/// Digits of a fraction of a second: Python keeps microseconds.
const STATE_FRACTION_DIGITS: usize = 6;
const SECONDS_PER_DAY: i32 = 86_400;

impl<'a> Cursor<'a> {
    /// What `read` makes of the text, if it takes all of it.
    pub(crate) fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        read(&mut self).filter(|_| self.0.is_empty())
    }

    pub(crate) fn date(&mut self) -> Option<civil::Date> {
        let year = self.number(4).filter(|year| *year >= 1)?;
        let month = self.after('-')?.number(2)?;
        let day = self.after('-')?.number(2)?;
        civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }

    /// With a fraction of 1 to `fraction_digits` (at most 9) digits.
    pub(crate) fn time(&mut self, fraction_digits: usize) -> Option<civil::Time> {
        let hour = self.number(2)?;
        let minute = self.after(':')?.number(2)?;
        let second = self.after(':')?.number(2)?;
        let nanosecond = self.fraction(fraction_digits)?;
        civil::Time::new(
            i8::try_from(hour).ok()?,
            i8::try_from(minute).ok()?,
            i8::try_from(second).ok()?,
            nanosecond,
        )
        .ok()
    }

    /// `Z`, or `±HH:MM`: seconds east of UTC.
    pub(crate) fn offset(&mut self) -> Option<i32> {
        if self.after('Z').is_some() {
            return Some(0);
        }
        let sign = if self.after('-').is_some() {
            -1
        } else {
            self.after('+').map(|_| 1)?
        };
        let hours = i32::from(self.number(2)?);
        let minutes = i32::from(self.after(':')?.number(2).filter(|minutes| *minutes < 60)?);
        let seconds = hours * 3_600 + minutes * 60;
        (seconds < SECONDS_PER_DAY).then_some(sign * seconds)
    }

    fn date_time(&mut self) -> Option<()> {
        self.date()?;
        self.after('T')?.time_and_offset()
    }

    /// A time, and unless it ends there an offset, with seconds and microseconds where it has them.
    fn time_and_offset(&mut self) -> Option<()> {
        self.time(STATE_FRACTION_DIGITS)?;
        if self.0.is_empty() {
            return Some(());
        }
        let named = self.0.starts_with('Z');
        self.offset()?;
        if !named && self.after(':').is_some() {
            self.number(2).filter(|seconds| *seconds < 60)?;
            if self.after('.').is_some() {
                self.digits(STATE_FRACTION_DIGITS)?;
            }
        }
        Some(())
    }

    pub(crate) fn after(&mut self, mark: char) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(mark)?;
        Some(self)
    }

    fn digits(&mut self, count: usize) -> Option<&'a str> {
        let digits = self
            .0
            .get(..count)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.0 = &self.0[count..];
        Some(digits)
    }

    fn number(&mut self, digits: usize) -> Option<i16> {
        self.digits(digits)?.parse().ok()
    }

    /// Nanoseconds; 0 where there is no fraction.
    fn fraction(&mut self, most: usize) -> Option<i32> {
        if self.after('.').is_none() {
            return Some(0);
        }
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 || count > most {
            return None;
        }
        format!("{:0<9}", self.digits(count)?).parse().ok()
    }
}
