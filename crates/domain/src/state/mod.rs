//! State as it travels: JSON, with a tag (`{"$type": "datetime", "value": …}`) for what JSON lacks.
//!
//! The Python side writes and reads the same form (`aftercall.state`); this side checks it before anything else sees
//! it and never needs the classes that it names. Nothing here knows of pickle. docs/conversation.md tells every tag.

mod decode;
mod encode;
mod scalar;
mod tag;
mod value;

#[cfg(test)]
mod tests;

pub use decode::{check, decode};
pub use encode::encode;
pub(crate) use scalar::Cursor;
pub use scalar::{Date, DateTime, DecimalText, IntegerText, NotA, Time, TimeDelta, ZoneKey};
pub use value::{NonFinite, StateValue};

/// Containers of one state (lists, dicts, tuples, sets, objects) nest at most this deep, the root being 1. Brackets
/// inside a tag do not count.
pub const MAX_DEPTH: usize = 64;
/// Keys of one dict, or fields of one object.
pub const MAX_KEYS: usize = 10_000;
/// Digits of one integer: CPython's own default limit for converting text to `int`.
pub const MAX_INT_DIGITS: usize = crate::json::MAX_NUMBER_DIGITS;
/// Bytes of a class's name, an enum member's name or a time zone's key.
pub const MAX_NAME_BYTES: usize = 1_024;
/// The key that marks a tag.
pub const TAG: &str = "$type";
