//! JSON as Aftercall takes it: read within limits, compared by content, explained to whoever sent it.
//!
//! What `serde_json` alone lets pass is refused here: a key twice in one object, a number that no reader keeps, nesting
//! and sizes without end. Numbers keep their digits (`arbitrary_precision`), objects the order of their keys.

mod canonical;
mod describe;
mod diff;
mod error;
mod number;
mod path;
mod problem;
mod read;

#[cfg(test)]
pub(crate) mod tests;

pub use canonical::{ContentHash, canonical, content_hash};
pub use describe::describe;
pub(crate) use describe::grouped;
pub use diff::{Difference, MAX_DIFFERENCES, diff};
pub use error::{JsonError, JsonErrorKind};
pub use path::Path;
pub use problem::{MAX_PROBLEMS, Problem, Problems};
pub use read::parse;

/// Brackets of one document nest at most this deep; the outermost is 1.
pub const MAX_DEPTH: usize = 64;
/// The largest conversation, in bytes.
pub const MAX_CONVERSATION_BYTES: usize = 8 * 1024 * 1024;
/// The largest state that a child may leave behind, in bytes: a frame of its channel holds no more.
pub const MAX_STATE_BYTES: usize = 16 * 1024 * 1024;
/// Digits of one number: what CPython converts from text to an integer by default.
pub const MAX_NUMBER_DIGITS: usize = 4_300;
/// The largest exponent of a number, either way, so that arithmetic on it cannot overflow.
pub const MAX_EXPONENT: i64 = 999_999_999;
/// Values of one conversation. A value of two bytes (`0,`) takes some hundred in memory, so bytes alone bound too little.
pub const MAX_CONVERSATION_VALUES: usize = 1_000_000;
/// Values of one state that a child leaves behind.
pub const MAX_STATE_VALUES: usize = 2_000_000;
/// Brackets that one value of state takes at most on the wire: a tagged dict is object, list of pairs, pair.
const BRACKETS_PER_STATE_LEVEL: usize = 3;

/// How much one document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Nesting of brackets, the outermost being 1.
    pub depth: usize,
    /// Values in all, members of arrays and objects included.
    pub values: usize,
}

impl Limits {
    /// A conversation that is offered.
    pub const CONVERSATION: Self = Self {
        bytes: MAX_CONVERSATION_BYTES,
        depth: MAX_DEPTH,
        values: MAX_CONVERSATION_VALUES,
    };

    /// State in its wire form, as a child leaves it behind: deeper in brackets than in values.
    pub const STATE: Self = Self {
        bytes: MAX_STATE_BYTES,
        depth: crate::state::MAX_DEPTH * BRACKETS_PER_STATE_LEVEL,
        values: MAX_STATE_VALUES,
    };
}
