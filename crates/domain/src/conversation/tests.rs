#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::error_code::Code;

/// One document that is not a conversation.
pub(crate) struct Bad {
    pub document: Value,
    pub path: &'static str,
    /// A part of what is found or expected.
    pub says: &'static str,
    /// A part of the fix.
    pub fix: &'static str,
    /// No schema can say it, or not so that every validator checks it.
    pub beyond_schema: bool,
}

fn with(field: &str, value: Value) -> Value {
    json!({"id": "c", field: value})
}

#[rustfmt::skip] // a case a line
pub(crate) fn bad_documents() -> Vec<Bad> {
    let bad = |document, path, says, fix| Bad {
        document,
        path,
        says,
        fix,
        beyond_schema: false,
    };
    let beyond = |document, path, says, fix| Bad {
        document,
        path,
        says,
        fix,
        beyond_schema: true,
    };
    let turn = |turn: Value| with("turns", json!([{"role": "user", "text": ""}, turn]));
    let mut all = vec![
        bad(json!([]), "", "an array of 0 items", "one object"),
        bad(json!({}), "", "no id", "add id"),
        bad(json!({"conversation_id": "x"}), "", "no id", "rename conversation_id to id"),
        bad(json!({"id": null}), "/id", "null", "as a text"),
        bad(json!({"id": ""}), "/id", "an empty text", "platform's own id"),
        bad(json!({"id": "a\nb"}), "/id", "control characters", "platform's own id"),
        bad(json!({"id": 17}), "/id", "the number 17", "in quotes"),
        bad(json!({"id": "x".repeat(MAX_ID_BYTES + 1)}), "/id", "513 bytes", "shorten"),
        beyond(json!({"id": "é".repeat(MAX_ID_BYTES / 2 + 1)}), "/id", "514 bytes", "shorten"),
        bad(with("environment", json!("draft")), "/environment", "\"draft\"", "one of these words"),
        bad(with("environment", json!("Live")), "/environment", "sandbox, pre-release", "one of these words"),
        bad(with("direction", json!("in")), "/direction", "inbound, outbound", "one of these words"),
        bad(with("channel", json!(["voice"])), "/channel", "an array of 1 item", "a text"),
        bad(with("caller_number", json!(15550100123_u64)), "/caller_number", "15550100123", "in quotes"),
        bad(with("caller_number", json!("1".repeat(513))), "/caller_number", "513 bytes", "shorten"),
        bad(with("sip_headers", json!({"X": 1})), "/sip_headers/X", "the number 1", "in quotes"),
        bad(with("turns", json!({})), "/turns", "an array of turns", "[]"),
        bad(turn(json!("hello")), "/turns/1", "the text \"hello\"", "as an object"),
        bad(turn(json!({"text": "x"})), "/turns/1", "no role", "add role"),
        bad(turn(json!({"speaker": "user", "text": "x"})), "/turns/1", "no role", "rename speaker to role"),
        bad(turn(json!({"role": "assistant", "text": ""})), "/turns/1/role", "assistant", "write agent"),
        bad(turn(json!({"role": "caller", "text": ""})), "/turns/1/role", "caller", "write user"),
        bad(turn(json!({"role": "system", "text": ""})), "/turns/1/role", "system", "user for the customer"),
        bad(turn(json!({"role": "user"})), "/turns/1", "no text", "\"\" for silence"),
        bad(turn(json!({"role": "user", "content": "x"})), "/turns/1", "no text", "rename content to text"),
        bad(turn(json!({"role": "user", "text": null})), "/turns/1/text", "null", "\"\" for silence"),
        bad(with("turns", json!(vec![json!({"role": "user", "text": ""}); MAX_TURNS + 1])), "/turns", "10,001 turns", "leave out"),
        bad(with("metrics", json!([1])), "/metrics/0", "the number 1", "\"name\""),
        bad(with("metrics", json!([{"value": 1}])), "/metrics/0", "no name", "add name"),
        bad(with("metrics", json!([{"name": ""}])), "/metrics/0/name", "an empty text", "name the metric"),
        bad(with("metrics", json!([{"name": "A", "value": [1]}])), "/metrics/0/value", "an array", "JSON text"),
        bad(with("state", json!([])), "/state", "an array", "one object"),
        bad(with("state", json!("x")), "/state", "the text \"x\"", "one object"),
        bad(with("state", json!({"$type": "set", "items": []})), "/state", "an object", "one object"),
        bad(with("state", json!({"a/b": [{"$type": "moment"}]})), "/state/a~1b/0/$type", "moment", "\"dict\""),
        bad(with("state", json!({"d": {"$type": "date", "value": "2026-02-30"}})), "/state/d/value", "2026-02-30", "correct"),
        bad(with("state", json!({"d": {"$type": "date", "value": "2026-02-03", "x": 1}})), "/state/d/x", "does not have", "leave it out"),
        bad(with("state", json!({"d": {"$type": "timedelta", "days": 1, "seconds": -1, "microseconds": 0}})), "/state/d/seconds", "-1", "correct"),
        bad(with("state", json!({"o": {"$type": "object", "class": "a.B", "fields": {"n": {"$type": "int", "value": "0x1"}}}})), "/state/o/fields/n/value", "0x1", "correct"),
        beyond(with("state", json!({"s": {"$type": "set", "items": [[]]}})), "/state/s/items/0", "a list", "tuple"),
        beyond(with("state", json!({"s": {"$type": "set", "items": [1, 1]}})), "/state/s/items/1", "second time", "leave one out"),
        bad(with("entities", json!({"phone": "x"})), "/entities/phone", "an object", "an object"),
        bad(with("variant", json!({"name": "x"})), "/variant", "an object", "a text"),
        bad(with("handoff", json!("front desk")), "/handoff", "front desk", "an object"),
        bad(with("transcript_alternatives", json!([1])), "/transcript_alternatives/0", "the number 1", "in quotes"),
        bad(with("generic_external_events", json!([[]])), "/generic_external_events/0", "an array", "an object"),
        bad(with("recording", json!({"id": 1})), "/recording", "a URL", "the URL"),
        beyond(json!({"id": "c", "started_at": "2026-01-05T10:00:00+01:00", "ended_at": "2026-01-05T09:30:00+01:00"}), "/ended_at", "before started_at", "offsets"),
    ];
    let times = [
        "2026-01-05 10:00:00Z",
        "2026-01-05T10:00:00",
        "2026-01-05",
        "05/01/2026",
        "",
        "2026-01-05t10:00:00z",
        "2026-02-30T10:00:00Z",
        "2026-01-05T25:00:00Z",
        "2026-01-05T10:00:60Z",
        "2026-01-05T10:00:00.Z",
        "2026-01-05T10:00:00.1234567890Z",
        "2026-01-05T10:00Z",
        "0000-01-05T10:00:00Z",
        "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00+0100",
        "2026-01-05T10:00:00Z ",
        "2026-01-05T10:00:00+01:00[Europe/Madrid]",
    ];
    all.extend(times.map(|time| {
        bad(
            with("started_at", json!(time)),
            "/started_at",
            "RFC 3339",
            "correct it",
        )
    }));
    all.push(bad(
        with("ended_at", json!(1_767_607_200)),
        "/ended_at",
        "1767607200",
        "fromtimestamp",
    ));
    all
}

#[test]
fn a_document_that_is_no_conversation_is_told_where_and_how_to_mend_it() {
    for bad in bad_documents() {
        let text = bad.document.to_string();
        let error = Conversation::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::BadConversation);
        let problems = error.problems();
        let [problem] = problems.as_slice() else {
            panic!("{text:.200}: {error}")
        };
        assert_eq!(problem.path, bad.path, "{text:.200}: {error}");
        assert!(
            problem.found.contains(bad.says) || problem.expected.contains(bad.says),
            "{text:.200}: {error}"
        );
        assert!(problem.fix.contains(bad.fix), "{text:.200}: {error}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_document() {
    let document = json!({
        "turns": [{"role": "bot", "text": "x"}, {"role": "user", "text": 1}],
        "started_at": "yesterday",
        "state": {"a": {"$type": "date", "value": ""}},
        "direction": "up",
    });
    let error = Conversation::from_document(document).unwrap_err();
    let paths: Vec<String> = error.problems().into_iter().map(|one| one.path).collect();
    assert_eq!(
        paths,
        [
            "/turns/0/role",
            "/turns/1/text",
            "/started_at",
            "/state/a/value",
            "/direction",
            ""
        ]
    );
    let many = json!({"id": "c", "turns": vec![json!({}); 100]});
    let error = Conversation::from_document(many).unwrap_err();
    assert_eq!((error.problems().len(), error.omitted()), (20, 180));
    assert!(error.to_string().ends_with("and 180 more"));
}

#[test]
fn what_cannot_be_read_has_codes_of_its_own() {
    let code = |bytes: &[u8]| Conversation::parse(bytes).unwrap_err().code();
    assert_eq!(code(b"{"), Code::NotJson);
    assert_eq!(code(b"{\"id\": \"a\", \"id\": \"b\"}"), Code::BadConversation);
    assert_eq!(
        code(&vec![b' '; json::MAX_CONVERSATION_BYTES + 1]),
        Code::TooLarge
    );
    let error = Conversation::parse(b"{\"id\": \"a\",\n \"x\": 1,,}").unwrap_err();
    assert!(error.problems()[0].found.contains("line 2, column 9"), "{error}");
}

#[test]
fn an_id_is_enough() {
    let conversation = Conversation::parse(br#"{"id": "only"}"#).unwrap();
    assert_eq!(conversation.id(), "only");
    assert_eq!(conversation.environment(), None);
    assert_eq!(conversation.direction(), Direction::Inbound);
    assert_eq!(
        (
            conversation.channel(),
            conversation.caller_number(),
            conversation.callee_number()
        ),
        (None, None, None)
    );
    assert_eq!((conversation.started_at(), conversation.ended_at()), (None, None));
    assert_eq!(
        (
            conversation.turns().len(),
            conversation.metrics().len(),
            conversation.state()
        ),
        (0, 0, None)
    );
    // Defaults are nowhere written.
    assert_eq!(conversation.to_json(), br#"{"id":"only"}"#);
}

#[test]
fn null_is_the_same_as_nothing() {
    let mut document = json!({"id": "c"});
    for field in FIELDS.iter().filter(|field| field.name != "id") {
        document[field.name] = Value::Null;
    }
    let conversation = Conversation::from_document(document.clone()).unwrap();
    assert_eq!(conversation.document(), &document);
    assert_eq!((conversation.state(), conversation.turns().len()), (None, 0));
}

#[test]
fn everything_is_kept_and_what_is_known_can_be_asked_for() {
    let text = r#"{"source":{"dataset":"ours"},"id":"c","environment":"pre_release","channel":"voice","direction":"outbound","started_at":"2026-01-05T10:00:00+01:00","ended_at":"2026-01-05T09:00:00.000000001Z","caller_number":"+15550100123","callee_number":"","turns":[{"role":"agent","text":"¿Hola?","confidence":0.10},{"role":"user","text":""}],"metrics":[{"name":"A","value":1.50},{"name":"A"}],"state":{"n":100000000000000000001},"current_flow":"booking","handoff":{"destination":"desk"},"1":[1e+2]}"#;
    let conversation = Conversation::parse(text.as_bytes()).unwrap();
    let kept = text.replace("pre_release", "pre-release");
    assert_eq!(String::from_utf8(conversation.to_json()).unwrap(), kept);
    assert_eq!(conversation.environment(), Some(Environment::PreRelease));
    assert_eq!(
        (conversation.channel(), conversation.direction()),
        (Some("voice"), Direction::Outbound)
    );
    assert_eq!(
        conversation.started_at().unwrap().to_string(),
        "2026-01-05T09:00:00Z"
    );
    assert_eq!(
        conversation.ended_at().unwrap().to_string(),
        "2026-01-05T09:00:00.000000001Z"
    );
    assert_eq!(
        (conversation.caller_number(), conversation.callee_number()),
        (Some("+15550100123"), None)
    );
    let turns: Vec<_> = conversation.turns().map(|turn| (turn.role, turn.text)).collect();
    assert_eq!(turns, [(Role::Agent, "¿Hola?"), (Role::User, "")]);
    let first = conversation.turns().next().unwrap();
    assert_eq!(first.members().unwrap()["confidence"].to_string(), "0.10");
    let metrics: Vec<_> = conversation
        .metrics()
        .map(|(name, value)| (name, value.to_string()))
        .collect();
    assert_eq!(metrics, [("A", "1.50".to_owned()), ("A", "null".to_owned())]);
    assert_eq!(conversation.current_flow(), Some("booking"));
    assert_eq!(conversation.handoff().unwrap()["destination"], "desk");
}

#[test]
fn one_content_has_one_hash() {
    let hash = |text: &str| Conversation::parse(text.as_bytes()).unwrap().content_hash();
    let first = hash(r#"{"id":"c","environment":"pre-release","n":1}"#);
    assert_eq!(
        first,
        hash(r#" {"n": 1, "environment": "pre_release", "\u0069d": "c"}"#)
    );
    assert_ne!(first, hash(r#"{"id":"c","environment":"pre-release","n":1.0}"#));
    assert_ne!(first, hash(r#"{"id":"c","environment":"live","n":1}"#));
}

#[test]
fn the_largest_of_everything_is_taken() {
    let document = json!({
        "id": "x".repeat(MAX_ID_BYTES),
        "caller_number": "1".repeat(MAX_NUMBER_BYTES),
        "turns": vec![json!({"role": "user", "text": "x"}); MAX_TURNS],
        "metrics": vec![json!({"name": "m".repeat(MAX_METRIC_NAME_BYTES)}); MAX_METRICS],
    });
    let conversation = Conversation::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(conversation.turns().len(), MAX_TURNS);
}
