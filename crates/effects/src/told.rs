//! What a session says: to the child of its requests, and to whoever has the child.

use domain::effect::{Answer, EffectNumber, Lane, Trouble};
use domain::{Code, Timestamp};

/// Why the child is to be ended, although its code has done nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// A host is out.
    Wait {
        /// Which: scheme, host and port.
        origin: String,
        /// When the run is to go on.
        until: Timestamp,
    },
    /// Only a person can say what is to become of a write.
    Park,
    /// The run is of another epoch: nothing is begun for this one any more.
    Stale,
    /// The journal cannot be written.
    Fault(String),
}

/// What is told to a child of one of its requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The child's number for it.
    pub request: u64,
    /// See [`domain::effect::Phase`].
    pub phase: &'static str,
    /// Ours, where it was refused.
    pub code: Option<Code>,
    /// For a person.
    pub message: Option<String>,
    /// The answer's head, where there is one.
    pub answer: Option<Answer>,
    /// Its body, or the first of it.
    pub body: Vec<u8>,
    /// Why there is none.
    pub trouble: Option<Trouble>,
    /// Where this stands among what is told of the request.
    pub part: Part,
    /// What time it is for the code from here on; `None`: the time it is.
    pub clock: Option<Timestamp>,
    /// Lanes for which it is the time it is from here on, beside that of whoever asked.
    pub real_lanes: Vec<Lane>,
}

/// Part of an answer, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All there is.
    #[default]
    Whole,
    /// The head: pieces follow.
    Head,
    /// A piece: more follow.
    Piece,
    /// The last piece, which may be empty, or broken off by `trouble`.
    Last,
}

/// What an attempt's effects came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// Failures that nothing made good.
    pub unsettled: Vec<EffectNumber>,
    /// Requests that were refused before they could be recorded: failures too.
    pub unrecorded: usize,
    /// Writes of unknown fate that no code ever heard of.
    pub unheard_unknown: Vec<EffectNumber>,
}

impl Conclusion {
    /// How many failures nothing made good.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.unsettled.len() + self.unrecorded
    }
}
