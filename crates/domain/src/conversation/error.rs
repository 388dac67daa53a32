use std::fmt;

use crate::error_code::Code;
use crate::json::{JsonError, JsonErrorKind, Problem, Problems};

/// Why a document was not taken as a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationError {
    /// It could not be read: too large, not JSON, or JSON that is not taken.
    NotJson(JsonError),
    /// It was read, and something in it is not as it should be.
    Invalid(Problems),
}

impl ConversationError {
    /// The code that it is told under.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotJson(error) => match error.kind {
                JsonErrorKind::TooLarge => Code::TooLarge,
                JsonErrorKind::Syntax => Code::NotJson,
                JsonErrorKind::Refused => Code::BadConversation,
            },
            Self::Invalid(_) => Code::BadConversation,
        }
    }

    /// What is wrong: at least one, at most [`crate::json::MAX_PROBLEMS`].
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::NotJson(error) => vec![error.to_problem()],
            Self::Invalid(problems) => problems.list().to_vec(),
        }
    }

    /// How many problems more there are.
    #[must_use]
    pub fn omitted(&self) -> usize {
        match self {
            Self::NotJson(_) => 0,
            Self::Invalid(problems) => problems.omitted(),
        }
    }
}

impl fmt::Display for ConversationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(error) => error.fmt(f),
            Self::Invalid(problems) => problems.fmt(f),
        }
    }
}

impl std::error::Error for ConversationError {}
