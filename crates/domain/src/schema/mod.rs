//! Published schemas, as files that anybody can read and check against.

#[cfg(test)]
mod effects_tests;
#[cfg(test)]
mod tests;

/// JSON Schema (draft 2020-12) of a conversation, state's tags included. What no schema can say (sizes in bytes, a key
/// twice, times in order, nesting) is in its descriptions; [`crate::conversation::Conversation::parse`] decides.
#[must_use]
pub const fn conversation() -> &'static str {
    include_str!("conversation.schema.json")
}

/// JSON Schema (draft 2020-12) of a project's `config/effects.yaml`, for editors; [`crate::effect::Catalogue`] decides.
#[must_use]
pub const fn effects() -> &'static str {
    include_str!("effects.schema.json")
}
