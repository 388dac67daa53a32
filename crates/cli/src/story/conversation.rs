//! What came in.

use serde_json::Value;

use super::short;
use crate::screen::style;

/// How many turns are shown from the beginning, and how many from the end.
const TURNS_SHOWN: usize = 2;
/// Letters of a turn that are shown.
const TURN_LETTERS: usize = 90;

/// A conversation's first line: `voice, inbound, 12 turns, from +1… to +1…`.
#[must_use]
pub fn heading(document: &Value) -> String {
    let text = |key: &str| {
        document
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let count = |key: &str| match document.get(key) {
        Some(Value::Array(all)) => all.len(),
        Some(Value::Object(all)) => all.len(),
        _ => 0,
    };
    let mut parts: Vec<String> = ["channel", "direction"]
        .iter()
        .filter_map(|key| text(key))
        .map(str::to_owned)
        .collect();
    parts.push(counted(count("turns"), "turn"));
    for (word, key) in [("from", "caller_number"), ("to", "callee_number")] {
        parts.extend(text(key).map(|number| format!("{word} {number}")));
    }
    parts.push(counted(count("state"), "state key"));
    if count("metrics") > 0 {
        parts.push(counted(count("metrics"), "metric"));
    }
    crate::screen::style::safe(&parts.join(", ")).into_owned()
}

pub(super) fn tell(document: &Value) -> String {
    let mut text = format!("{}\n  {}\n", style::strong("came in"), heading(document));
    let none = Vec::new();
    let turns = document.get("turns").and_then(Value::as_array).unwrap_or(&none);
    for (index, turn) in turns.iter().enumerate() {
        if index == TURNS_SHOWN && turns.len() > 2 * TURNS_SHOWN {
            text.push_str(&style::faint(&format!(
                "  … {} more turns …\n",
                turns.len() - 2 * TURNS_SHOWN
            )));
        }
        if index < TURNS_SHOWN || index + TURNS_SHOWN >= turns.len() {
            text.push_str(&tell_turn(turn));
        }
    }
    text
}

fn tell_turn(turn: &Value) -> String {
    let role = turn.get("role").and_then(Value::as_str).unwrap_or("?");
    let said = turn.get("text").and_then(Value::as_str).unwrap_or_default();
    let said = if said.is_empty() {
        style::faint("(nothing)")
    } else {
        short(said, TURN_LETTERS)
    };
    format!("  {} {said}\n", style::faint(&format!("{role:>5}:")))
}

fn counted(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}
