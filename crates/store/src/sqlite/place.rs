//! Where each sealed value belongs: it is bound to its table, column and row, and opens nowhere else.

use crypto::Aad;
use domain::{AttemptNumber, ConversationId, RunId};

/// The place of one sealed value.
pub(super) struct Place {
    table: &'static str,
    column: &'static str,
    /// The primary key as bytes: identifiers as they are, numbers as big-endian `u32`.
    row: Vec<u8>,
}

impl Place {
    fn new(table: &'static str, column: &'static str, id: &[u8; 16], numbers: &[u32]) -> Self {
        let mut row = id.to_vec();
        for number in numbers {
            row.extend_from_slice(&number.to_be_bytes());
        }
        Self { table, column, row }
    }

    /// A conversation's own key, in keys.db.
    pub fn key(conversation: ConversationId) -> Self {
        Self::new("conversation_key", "wrapped", conversation.as_bytes(), &[])
    }

    /// What its platform calls it.
    pub fn external_id(conversation: ConversationId) -> Self {
        Self::new("conversation", "external_id", conversation.as_bytes(), &[])
    }

    /// Its document in a revision.
    pub fn document(conversation: ConversationId, revision: u32) -> Self {
        Self::new("revision", "document", conversation.as_bytes(), &[revision])
    }

    /// What an attempt logged.
    pub fn logs(run: RunId, attempt: AttemptNumber) -> Self {
        Self::new("attempt_record", "logs", run.as_bytes(), &[attempt.0])
    }

    /// Why it failed, in words.
    pub fn failure(run: RunId, attempt: AttemptNumber) -> Self {
        Self::new("attempt_record", "failure", run.as_bytes(), &[attempt.0])
    }

    /// `conv.state` after the run.
    pub fn state(run: RunId) -> Self {
        Self::new("result", "state", run.as_bytes(), &[])
    }

    /// A metric's value.
    pub fn metric(run: RunId, seq: u32) -> Self {
        Self::new("metric", "value", run.as_bytes(), &[seq])
    }

    /// A queued action.
    pub fn action(run: RunId, attempt: AttemptNumber, seq: u32) -> Self {
        Self::new("action", "content", run.as_bytes(), &[attempt.0, seq])
    }

    /// A record of a run's effects.
    pub fn record(run: RunId, seq: u32) -> Self {
        Self::new("effect", "record", run.as_bytes(), &[seq])
    }

    /// As the sealing takes it.
    pub fn aad(&self) -> Aad<'_> {
        Aad {
            table: self.table,
            column: self.column,
            row: &self.row,
        }
    }
}
