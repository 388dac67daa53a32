use serde_json::{Map, Value};

use super::tag::decode_tag;
use super::{MAX_DEPTH, MAX_KEYS, StateValue, TAG};
use crate::json::{Path, Problems, grouped};

/// Reads a whole state from its wire form.
///
/// # Errors
/// Every problem found, with its path: an unknown tag, a tag whose members are not what they should be, nesting or
/// sizes beyond the limits, a state that is not a dict.
pub fn decode(state: &Value) -> Result<StateValue, Problems> {
    let mut problems = Problems::default();
    let value = Decoder {
        problems: &mut problems,
    }
    .root(state, &Path::Root);
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}

/// Adds to `problems` everything that [`decode`] would refuse, building nothing but what tags hold. `path` is where the
/// state stands in its document.
pub fn check(state: &Value, path: &Path<'_>, problems: &mut Problems) {
    let mut decoder = Decoder { problems };
    if is_plain_object(state) {
        decoder.check(state, 1, path);
    } else {
        decoder.root(state, path);
    }
}

fn is_plain_object(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|members| !members.contains_key(TAG))
}

/// Walks a state; what is wrong is noted and the walk goes on, `None` in its place.
pub(super) struct Decoder<'p> {
    pub(super) problems: &'p mut Problems,
}

impl Decoder<'_> {
    fn root(&mut self, state: &Value, path: &Path<'_>) -> StateValue {
        let is_dict = match state {
            Value::Object(members) => members.get(TAG).is_none_or(|kind| kind == "dict"),
            _ => false,
        };
        if !is_dict {
            self.problems.unexpected(
                path,
                state,
                "an object from variable to value",
                "send the variables of the conversation as one object, {} if there are none",
            );
            return StateValue::None;
        }
        self.value(state, 1, path)
    }

    /// `depth` is what the value has if it is a container.
    pub(super) fn value(&mut self, value: &Value, depth: usize, path: &Path<'_>) -> StateValue {
        match value {
            Value::Null => StateValue::None,
            Value::Bool(flag) => StateValue::Bool(*flag),
            Value::Number(number) => StateValue::Number(number.clone()),
            Value::String(text) => StateValue::Text(text.clone()),
            Value::Array(items) => StateValue::List(self.items(items, depth, path)),
            Value::Object(members) => match members.get(TAG) {
                Some(kind) => decode_tag(self, kind, members, depth, path),
                None => StateValue::Dict(self.members(members, depth, path)),
            },
        }
    }

    pub(super) fn items(&mut self, items: &[Value], depth: usize, path: &Path<'_>) -> Vec<StateValue> {
        if !self.enter(depth, path) {
            return Vec::new();
        }
        let mut decoded = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            decoded.push(self.value(item, depth + 1, &Path::Index(path, index)));
        }
        decoded
    }

    pub(super) fn members(
        &mut self,
        members: &Map<String, Value>,
        depth: usize,
        path: &Path<'_>,
    ) -> Vec<(String, StateValue)> {
        if !self.enter(depth, path) || !self.few(members.len(), path) {
            return Vec::new();
        }
        let mut decoded = Vec::with_capacity(members.len());
        for (key, member) in members {
            decoded.push((key.clone(), self.value(member, depth + 1, &Path::Key(path, key))));
        }
        decoded
    }

    /// As [`Self::value`], for what has no tags: nothing is built.
    fn check(&mut self, value: &Value, depth: usize, path: &Path<'_>) {
        match value {
            Value::Array(items) if self.enter(depth, path) => {
                for (index, item) in items.iter().enumerate() {
                    self.check(item, depth + 1, &Path::Index(path, index));
                }
            }
            Value::Object(members) => match members.get(TAG) {
                Some(kind) => drop(decode_tag(self, kind, members, depth, path)),
                None if self.enter(depth, path) && self.few(members.len(), path) => {
                    for (key, member) in members {
                        self.check(member, depth + 1, &Path::Key(path, key));
                    }
                }
                None => {}
            },
            _ => {}
        }
    }

    /// Whether a container may stand at this depth.
    pub(super) fn enter(&mut self, depth: usize, path: &Path<'_>) -> bool {
        if depth <= MAX_DEPTH {
            return true;
        }
        self.problems.add(
            path,
            format!("a container at level {depth} of state"),
            format!("at most {MAX_DEPTH} levels"),
            "flatten it, or keep the inner part as text",
        );
        false
    }

    /// Whether a dict or an object may have so many keys.
    pub(super) fn few(&mut self, keys: usize, path: &Path<'_>) -> bool {
        if keys <= MAX_KEYS {
            return true;
        }
        self.problems.add(
            path,
            format!("{} keys", grouped(keys)),
            format!("at most {} in one dict", grouped(MAX_KEYS)),
            "keep the entries as a list, or leave out what the function does not need",
        );
        false
    }
}
