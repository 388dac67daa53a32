//! What differs between two documents, for whoever sent the second.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::describe::shorten;
use super::{Path, canonical, describe};

/// Differences that are told.
pub const MAX_DIFFERENCES: usize = 20;
/// A value whose text is longer than this, in bytes, is only described.
const SHOWN_BYTES: usize = 200;

/// One place where two documents differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Where: a JSON pointer, empty for the whole document.
    pub path: String,
    /// What the kept one has there, shortened; absent where it has nothing.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub kept: Option<Value>,
    /// What the sent one has there, shortened; absent where it has nothing.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub sent: Option<Value>,
}

/// `null` is a value of its own here: only a missing member means that nothing was there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The first [`MAX_DIFFERENCES`] places where `sent` differs from `kept` in content, in the order of `kept`. Empty when
/// both have the same [`super::content_hash`].
#[must_use]
pub fn diff(kept: &Value, sent: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Some(kept), Some(sent), &Path::Root, &mut found);
    found
}

fn compare(kept: Option<&Value>, sent: Option<&Value>, path: &Path<'_>, found: &mut Vec<Difference>) {
    if found.len() == MAX_DIFFERENCES {
        return;
    }
    match (kept, sent) {
        (Some(Value::Object(kept)), Some(Value::Object(sent))) => compare_members(kept, sent, path, found),
        (Some(Value::Array(kept)), Some(Value::Array(sent))) => {
            for index in 0..kept.len().max(sent.len()) {
                compare(kept.get(index), sent.get(index), &Path::Index(path, index), found);
            }
        }
        (Some(kept), Some(sent)) if same_scalar(kept, sent) => {}
        _ => found.push(Difference {
            path: path.to_string(),
            kept: kept.map(shown),
            sent: sent.map(shown),
        }),
    }
}

fn compare_members(
    kept: &Map<String, Value>,
    sent: &Map<String, Value>,
    path: &Path<'_>,
    found: &mut Vec<Difference>,
) {
    for (key, value) in kept {
        compare(Some(value), sent.get(key), &Path::Key(path, key), found);
    }
    for (key, value) in sent.iter().filter(|(key, _)| !kept.contains_key(*key)) {
        compare(None, Some(value), &Path::Key(path, key), found);
    }
}

fn same_scalar(kept: &Value, sent: &Value) -> bool {
    match (kept, sent) {
        (Value::Number(_), Value::Number(_)) => canonical(kept) == canonical(sent),
        _ => kept == sent,
    }
}

/// A value as it is told: itself where it is short, else a text about it.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > SHOWN_BYTES => Value::String(shorten(text)),
        Value::Array(_) | Value::Object(_) | Value::Number(_) if canonical(value).len() > SHOWN_BYTES => {
            Value::String(describe(value))
        }
        short => short.clone(),
    }
}
