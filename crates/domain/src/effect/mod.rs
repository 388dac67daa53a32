//! Effects: what leaves a run, what is written down of it, and what a later attempt may do.
//!
//! Pure rules that decide every case; a gateway only carries them out.

mod at_rest;
pub mod catalogue;
mod clock;
mod course;
mod fingerprint;
mod graphql;
mod journal;
mod masked;
mod masked_body;
mod matching;
mod one;
mod patience;
mod phase;
mod record;
mod request;
mod settled;
mod unknown;
mod volatile;

pub use at_rest::{AtRest, Question};
pub use catalogue::{Catalogue, OnUnknown, Terms};
pub use course::{Course, KeyRule};
pub use fingerprint::Fingerprint;
pub use journal::{Asked, Journal, Opening};
pub use masked::{MASK, names_secret};
pub use one::{Concluded, Effect, Try};
pub use patience::{Waited, next_wait, patience_used, paused_until};
pub use phase::{Phase, Trouble, of_answer};
pub use record::{
    Answer, BadRecord, ChunkOf, EffectNumber, Head, Header, Intent, Lane, MAX_EFFECTS, MAX_RECORDED_BYTES,
    Outcome, PairVerdict, Paired, Parked, Record, Replayed, Source, Wait,
};
pub use request::{BadRequest, Endpoint, MAX_URL, Request};
pub use unknown::{Resolution, resolve};

use serde::{Deserialize, Serialize};

/// How an effect is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It changes nothing: it may always be made again.
    Read,
    /// Monitors and log collectors: it never waits, parks or fails a run.
    Telemetry,
    /// It fetches a token: its answer is not kept, and it is made live each time.
    Credential,
    /// It changes something: it is sent once.
    Write,
}

impl Class {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Telemetry => "telemetry",
            Self::Credential => "credential",
            Self::Write => "write",
        }
    }

    /// Whether it must not be made twice.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Write)
    }
}

#[cfg(test)]
mod tests;
