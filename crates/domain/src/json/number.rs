//! Numbers by their exact value. An integer is written without `.`, `e` or `E`; everything else is a float to Python,
//! even `1.0`, so that the two are never the same content.

use super::{MAX_EXPONENT, MAX_NUMBER_DIGITS};

/// Why a number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFault {
    TooManyDigits(usize),
    NotFinite,
    ExponentTooLarge,
}

/// The parts of a number in JSON's grammar.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// None when there is none; also the mark of an integer, together with an absent fraction.
    exponent: Option<&'a str>,
    is_integer: bool,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_integer = exponent.is_none() && !mantissa.contains('.');
        Self {
            negative,
            whole,
            fraction,
            exponent,
            is_integer,
        }
    }

    /// None when it is beyond [`MAX_EXPONENT`].
    fn exponent(&self) -> Option<i64> {
        let Some(text) = self.exponent else { return Some(0) };
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = digits.trim_start_matches('0');
        let size: i64 = if digits.is_empty() {
            0
        } else {
            digits.parse().ok()?
        };
        (size <= MAX_EXPONENT).then_some(sign * size)
    }
}

/// Whether every reader of ours keeps this number, which JSON's grammar already let pass.
pub(super) fn check(text: &str) -> Result<(), NumberFault> {
    let parts = Parts::of(text);
    let digits = parts.whole.len() + parts.fraction.len();
    if digits > MAX_NUMBER_DIGITS {
        return Err(NumberFault::TooManyDigits(digits));
    }
    if parts.is_integer {
        return Ok(());
    }
    if parts.exponent().is_none() {
        return Err(NumberFault::ExponentTooLarge);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(()),
        _ => Err(NumberFault::NotFinite),
    }
}

/// Appends the one spelling of a number's value. Integers: as written, `-0` being `0`, as Python reads it. Floats:
/// digits without outer zeros, `e`, exponent (`1.50` → `15e-1`); `-0.0` keeps its sign, which a function can see.
pub(super) fn write_canonical(text: &str, out: &mut Vec<u8>) {
    let parts = Parts::of(text);
    if parts.is_integer {
        out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
        return;
    }
    if parts.negative {
        out.push(b'-');
    }
    let digits = format!("{}{}", parts.whole, parts.fraction);
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        out.extend_from_slice(b"0e0");
        return;
    }
    let Some(written) = parts.exponent() else {
        // Only a number that `check` never saw gets here: its own spelling stands for it.
        out.extend_from_slice(text.trim_start_matches('-').as_bytes());
        return;
    };
    let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
    // Both lengths are at most those of a text in memory, far from the ends of i64.
    let exponent = written - parts.fraction.len() as i64 + trailing_zeros as i64;
    out.extend_from_slice(significant.as_bytes());
    out.extend_from_slice(format!("e{exponent}").as_bytes());
}
