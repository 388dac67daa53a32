//! The 600 real conversations that lie beside the project, where they do: each is taken, kept as it is, and valid by
//! the published schema.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use domain::conversation::{Conversation, Role};
use domain::{json, schema, state};
use serde_json::Value;

#[test]
fn all_real_conversations_are_taken_and_kept_as_they_are() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conversations.jsonl");
    let file = std::env::var_os("AFTERCALL_TEST_CONVERSATIONS").map_or(beside, PathBuf::from);
    let Ok(lines) = std::fs::read_to_string(&file) else {
        eprintln!("not run: there is no {}", file.display());
        return;
    };
    let published: Value = serde_json::from_str(schema::conversation()).unwrap();
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&published)
        .unwrap();
    let (mut hashes, mut turns, mut metrics) = (HashSet::new(), 0, 0);
    for (index, line) in lines.lines().enumerate() {
        let conversation =
            Conversation::parse(line.as_bytes()).unwrap_or_else(|error| panic!("line {index}: {error}"));
        assert!(validator.is_valid(conversation.document()), "line {index}");
        // What comes out reads, by an independent parser, as what went in.
        let kept: Value = serde_json::from_slice(&conversation.to_json()).unwrap();
        assert_eq!(kept, serde_json::from_str::<Value>(line).unwrap(), "line {index}");
        let state = conversation.state().unwrap();
        let again = state::encode(&state::decode(state).unwrap());
        assert_eq!(json::canonical(&again), json::canonical(state), "line {index}");
        assert!(conversation.ended_at() >= conversation.started_at());
        assert!(conversation.environment().is_some() && conversation.caller_number().is_some());
        turns += conversation
            .turns()
            .filter(|turn| turn.role == Role::User)
            .count();
        metrics += conversation.metrics().count();
        hashes.insert(conversation.content_hash());
    }
    // Counted in the file by other means.
    assert_eq!((hashes.len(), turns, metrics), (600, 4815, 7950));
}
