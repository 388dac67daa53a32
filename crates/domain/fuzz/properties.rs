//! What holds for any bytes that are offered as a conversation. The fuzz target and the replay of its corpus share it.

use domain::conversation::Conversation;
use domain::json::{self, Limits, MAX_PROBLEMS};
use domain::state;

/// Panics when a promise is broken. Says whether the bytes are a conversation.
pub fn check(bytes: &[u8]) -> bool {
    let conversation = match Conversation::parse(bytes) {
        Ok(conversation) => conversation,
        Err(error) => {
            let problems = error.problems();
            assert!(!problems.is_empty() && problems.len() <= MAX_PROBLEMS);
            assert!(
                problems
                    .iter()
                    .all(|one| !one.expected.is_empty() && !one.fix.is_empty())
            );
            return false;
        }
    };
    assert!(!conversation.id().is_empty());
    // What the child is given is the same conversation.
    let written = conversation.to_json();
    let again = Conversation::parse(&written).expect("what is written is a conversation");
    assert_eq!(again, conversation);
    assert_eq!(again.content_hash(), conversation.content_hash());
    // So is the canonical form, and it is canonical.
    let canonical = json::canonical(conversation.document());
    let from_canonical = json::parse(&canonical, Limits::CONVERSATION).expect("the canonical form is JSON");
    assert_eq!(json::canonical(&from_canonical), canonical);
    assert!(json::diff(conversation.document(), &from_canonical).is_empty());
    // Every reader gets along with it.
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&written).expect("JSON"),
        *conversation.document()
    );
    // State is written as it was read.
    if let Some(wire) = conversation.state() {
        let decoded = state::decode(wire).expect("a conversation's state was checked");
        assert_eq!(json::canonical(&state::encode(&decoded)), json::canonical(wire));
    }
    assert!(conversation.turns().len() <= domain::conversation::MAX_TURNS);
    assert!(
        conversation
            .started_at()
            .zip(conversation.ended_at())
            .is_none_or(|(start, end)| start <= end)
    );
    true
}
