//! A finished conversation: one JSON document, checked as a whole and then kept as it was sent. Only `id` must be
//! there; what Aftercall knows nothing of is kept and shown to the function all the same. docs/conversation.md tells
//! every field, [`crate::schema`] publishes them.

mod check;
mod error;
mod field;
mod moment;
mod turn;

#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Map, Value};

pub use error::ConversationError;
pub use field::{FIELDS, Field, Shape};
pub use turn::{Role, Turn};

use crate::Timestamp;
use crate::ids::Environment;
use crate::json::{self, ContentHash, Limits, Path, Problems};

/// The longest `id`, in bytes.
pub const MAX_ID_BYTES: usize = 512;
/// The longest `caller_number` and `callee_number`, in bytes: they are looked for, and on chat may be an e-mail address.
pub const MAX_NUMBER_BYTES: usize = 512;
/// Turns of one conversation.
pub const MAX_TURNS: usize = 10_000;
/// Metrics of one conversation.
pub const MAX_METRICS: usize = 10_000;
/// The longest name of a metric, in bytes.
pub const MAX_METRIC_NAME_BYTES: usize = 512;

/// Which side began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The customer called or wrote.
    Inbound,
    /// The agent did.
    Outbound,
}

impl Direction {
    /// The word in the document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// A conversation whose document has been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// An object with a good `id`.
    document: Value,
}

impl Conversation {
    /// Reads and checks one document of at most [`json::MAX_CONVERSATION_BYTES`].
    ///
    /// # Errors
    /// [`ConversationError`]: it is too large, not JSON, or not a conversation, with every problem found.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConversationError> {
        let document = json::parse(bytes, Limits::CONVERSATION).map_err(ConversationError::NotJson)?;
        Self::from_document(document)
    }

    /// Checks a document that is read already.
    ///
    /// # Errors
    /// [`ConversationError::Invalid`], with every problem found.
    pub fn from_document(mut document: Value) -> Result<Self, ConversationError> {
        let mut problems = Problems::default();
        check::check(&document, &Path::Root, &mut problems);
        if !problems.is_empty() {
            return Err(ConversationError::Invalid(problems));
        }
        spell_environment(&mut document);
        Ok(Self { document })
    }

    /// Which of our projects it says that it is of.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.text("project")
    }

    /// The whole document, as it was sent; only the environment is in its one spelling.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The document as JSON text without spaces, its keys in the order in which they were sent.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.document).expect("a JSON value can always be written to memory")
    }

    /// What tells whether two conversations have the same content.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        json::content_hash(&self.document)
    }

    /// What its platform calls it: the external id. Never empty.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Where it took place, if it says.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.text("environment")?.parse().ok()
    }

    /// `voice`, `chat`, `sms`, or what its platform calls the channel.
    #[must_use]
    pub fn channel(&self) -> Option<&str> {
        self.text("channel")
    }

    /// Which side began; inbound when it is not said.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self.text("direction") {
            Some("outbound") => Direction::Outbound,
            _ => Direction::Inbound,
        }
    }

    /// When it began.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        self.text("started_at").and_then(moment::parse)
    }

    /// When it ended; not before it began.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.text("ended_at").and_then(moment::parse)
    }

    /// The customer's number, or another id of theirs on chat. Never empty.
    #[must_use]
    pub fn caller_number(&self) -> Option<&str> {
        self.text("caller_number").filter(|number| !number.is_empty())
    }

    /// The number that was called. Never empty.
    #[must_use]
    pub fn callee_number(&self) -> Option<&str> {
        self.text("callee_number").filter(|number| !number.is_empty())
    }

    /// What was said, in order.
    pub fn turns(&self) -> impl ExactSizeIterator<Item = Turn<'_>> {
        self.array("turns").iter().map(Turn::of)
    }

    /// Metrics written during the conversation, oldest first: name and value. Names repeat.
    pub fn metrics(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.array("metrics").iter().map(|metric| {
            let name = metric["name"].as_str().unwrap_or_default();
            (name, &metric["value"])
        })
    }

    /// The variables of the conversation, in their wire form ([`crate::state`]).
    #[must_use]
    pub fn state(&self) -> Option<&Value> {
        self.document.get("state").filter(|state| !state.is_null())
    }

    /// The flow that it ended in.
    #[must_use]
    pub fn current_flow(&self) -> Option<&str> {
        self.text("current_flow")
    }

    /// The step that it ended in.
    #[must_use]
    pub fn current_step(&self) -> Option<&str> {
        self.text("current_step")
    }

    /// The language, such as `en-GB`.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.text("language")
    }

    /// The transfer that ended it: `destination`, `reason`.
    #[must_use]
    pub fn handoff(&self) -> Option<&Map<String, Value>> {
        self.document.get("handoff").and_then(Value::as_object)
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.document.get(field).and_then(Value::as_str)
    }

    fn array(&self, field: &str) -> &[Value] {
        self.document
            .get(field)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

/// `pre_release` and `pre-release` are one environment and one content.
fn spell_environment(document: &mut Value) {
    let Some(Value::String(word)) = document.get_mut("environment") else {
        return;
    };
    if let Ok(environment) = word.parse::<Environment>()
        && word != environment.as_str()
    {
        environment.as_str().clone_into(word);
    }
}
