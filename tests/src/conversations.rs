//! Conversations to send: a test's own, and real ones where they are there.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::binary::repository;

/// A small voice call with this id and state.
#[must_use]
pub fn conversation(id: &str, state: &Value) -> Value {
    json!({
        "id": id,
        "channel": "voice",
        "direction": "inbound",
        "started_at": "2026-01-05T09:14:02Z",
        "ended_at": "2026-01-05T09:15:40Z",
        "caller_number": "+15550101201",
        "callee_number": "+15550100000",
        "state": state,
        "metrics": [],
        "turns": [
            {"role": "agent", "text": "Good morning, how can I help?"},
            {"role": "user", "text": "I have one question."},
        ],
    })
}

/// Writes conversations to a file, one a line.
pub fn write_lines(path: &Path, conversations: &[Value]) {
    let lines: String = conversations.iter().map(|one| format!("{one}\n")).collect();
    fs::write(path, lines).unwrap();
}

/// The file of real conversations: `AFTERCALL_TEST_CONVERSATIONS` names it, else it is looked for beside the repository.
#[must_use]
pub fn shared_file() -> PathBuf {
    let beside = || {
        repository()
            .parent()
            .unwrap()
            .join("shared/data/conversations.jsonl")
    };
    std::env::var_os("AFTERCALL_TEST_CONVERSATIONS").map_or_else(beside, PathBuf::from)
}

/// The 600 real conversations; where they are not at hand, 600 that are made here, and a loud word about it.
#[must_use]
pub fn given_or_made() -> Vec<Value> {
    let file = shared_file();
    match fs::read_to_string(&file) {
        Ok(text) => text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        Err(error) => {
            println!("!!! {}: {error}", file.display());
            println!("!!! the real conversations are not here; 600 made-up ones take their place");
            (0..600).map(made).collect()
        }
    }
}

/// Outliers in rotation: what real ones surprise with.
fn made(number: usize) -> Value {
    let mut made = conversation(&format!("made-{number}"), &json!({}));
    made["metrics"] = json!([{"name": "ACTION", "value": "look_up"}, {"name": "ACTION", "value": null}]);
    match number % 8 {
        0 => made["turns"] = json!([]),
        1 => made["state"] = json!({"hotel-book people": "3", "领域.槽位": "北京", "state": {"deep": [1, [2.5, null]]}}),
        2 => made["turns"] = json!([{"role": "user", "text": ""}, {"role": "agent", "text": "Hallo?\t\n\u{200e}"}]),
        3 => made["metrics"] = json!([{"name": "DISCONNECTED", "value": null}, {"name": "REWARD", "value": 0.5}]),
        4 => made["channel"] = json!("chat"),
        5 => made["state"] = json!({"count": 17, "price": 12.25, "ok": true, "nothing": null, "list": ["a", "b"]}),
        6 => made["turns"] = (0..60).map(|turn| json!({"role": if turn % 2 == 0 { "agent" } else { "user" }, "text": format!("turn {turn}")})).collect(),
        _ => made["outcome"] = json!({"handoff": {"destination": "desk", "reason": "complaint"}}),
    }
    made
}
