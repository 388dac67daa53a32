//! One logical request of a run, and every sending of it.

use std::sync::Arc;

use super::record::{EffectNumber, Intent, Lane, Outcome};
use super::{Class, Phase};
use crate::Timestamp;

/// One sending of an effect, and what became of it.
#[derive(Debug, Clone)]
pub struct Try {
    /// When it was about to leave.
    pub at: Timestamp,
    /// What was about to leave.
    pub intent: Arc<Intent>,
    /// The request's body.
    pub body: Arc<Vec<u8>>,
    /// The pieces of an answer that was handed out as it came.
    pub chunks: Vec<Arc<Vec<u8>>>,
    /// `None` while it is under way.
    pub outcome: Option<Concluded>,
}

/// What became of one sending.
#[derive(Debug, Clone)]
pub struct Concluded {
    /// When.
    pub at: Timestamp,
    /// After how many others of its run.
    pub order: u32,
    /// What.
    pub outcome: Arc<Outcome>,
    /// The answer's body.
    pub body: Arc<Vec<u8>>,
}

/// One logical request: asked for by every attempt, sent once if all goes well.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Which.
    pub number: EffectNumber,
    /// Oldest first; at least one.
    pub tries: Vec<Try>,
}

impl Effect {
    /// The last sending.
    #[must_use]
    pub fn last(&self) -> &Try {
        &self.tries[self.tries.len() - 1]
    }

    /// What was asked for last.
    #[must_use]
    pub fn intent(&self) -> &Intent {
        &self.last().intent
    }

    /// The path that first asked for it.
    #[must_use]
    pub fn lane(&self) -> &Lane {
        &self.tries[0].intent.lane
    }

    /// What became of it; `None` while it is under way.
    #[must_use]
    pub fn concluded(&self) -> Option<&Concluded> {
        self.last().outcome.as_ref()
    }

    /// What is known of it; `None` while it is under way.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.concluded().map(|concluded| concluded.outcome.phase)
    }

    /// Whether it may have changed something on the other side.
    pub(super) fn may_stand(&self) -> bool {
        self.intent().class.is_write() && matches!(self.phase(), None | Some(Phase::Done | Phase::Unknown))
    }

    pub(super) fn is_failure(&self) -> bool {
        let counts = self.intent().class != Class::Telemetry;
        counts
            && self
                .concluded()
                .is_some_and(|c| c.outcome.phase.is_failure() && !c.outcome.expected)
    }

    /// The first sending of the bytes that were sent last, with their key: from it the host's memory of the key counts.
    pub(super) fn first_with_this_key(&self) -> &Try {
        let key = &self.intent().key;
        self.tries
            .iter()
            .find(|one| one.intent.key == *key)
            .unwrap_or(self.last())
    }
}
