//! Published schemas, as files that anybody can read and check against.

#[cfg(test)]
mod tests;

/// JSON Schema (draft 2020-12) of a conversation, state's tags included. What no schema can say (sizes in bytes, a key
/// twice, times in order, nesting) is in its descriptions; [`crate::conversation::Conversation::parse`] decides.
#[must_use]
pub const fn conversation() -> &'static str {
    include_str!("conversation.schema.json")
}
