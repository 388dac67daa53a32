//! How a request fails that gets no whole answer.

use domain::effect::Trouble;

/// Why there is no whole answer: one word for the rules, one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The cause. It says by itself whether a byte of the request can have left ([`Trouble::phase`]).
    pub trouble: Trouble,
    /// Which host, what happened there, and what mends it. It names no path, query, header or body: those hold secrets.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self {
            trouble,
            message: message.into(),
        }
    }
}
