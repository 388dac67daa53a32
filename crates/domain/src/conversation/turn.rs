use serde_json::{Map, Value};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The customer.
    User,
    /// The agent, machine or person.
    Agent,
}

impl Role {
    /// The word in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
        }
    }

    pub(super) fn from_document(word: &str) -> Option<Self> {
        [Self::User, Self::Agent]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// One turn of a checked conversation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn<'c> {
    /// Who spoke.
    pub role: Role,
    /// What was said; empty for silence.
    pub text: &'c str,
    document: &'c Value,
}

impl<'c> Turn<'c> {
    pub(super) fn of(document: &'c Value) -> Self {
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
        Self {
            role: Role::from_document(text("role")).unwrap_or(Role::User),
            text: text("text"),
            document,
        }
    }

    /// All of its members, those that are not known here included.
    #[must_use]
    pub fn members(&self) -> Option<&'c Map<String, Value>> {
        self.document.as_object()
    }
}
