//! What is wrong with a document: everything, in its order.

use serde_json::{Map, Value};

use super::field::{Field, Shape};
use super::turn::Role;
use super::{MAX_ID_BYTES, MAX_METRIC_NAME_BYTES, MAX_METRICS, MAX_NUMBER_BYTES, MAX_TURNS, moment};
use crate::json::{Path, Problems, grouped};
use crate::state;

/// What others call the id: named in the fix when `id` is missing.
const OTHER_NAMES_OF_ID: &[&str] = &["conversation_id", "call_id", "session_id", "call_sid"];
/// What others call a turn's text and role.
const OTHER_NAMES_OF_TEXT: &[&str] = &["content", "message", "transcript", "utterance"];
const OTHER_NAMES_OF_ROLE: &[&str] = &["speaker", "type", "sender"];
/// What others call the two roles.
const OTHER_WORDS_FOR_USER: &[&str] = &["customer", "caller", "human", "USER", "User"];
const OTHER_WORDS_FOR_AGENT: &[&str] = &["assistant", "bot", "ai", "AGENT", "Agent"];

pub(super) fn check(document: &Value, path: &Path<'_>, problems: &mut Problems) {
    let Value::Object(members) = document else {
        let fix = "send the conversation as one object, {\"id\": …}";
        return problems.unexpected(path, document, "an object", fix);
    };
    let mut checker = Checker { problems };
    for (name, value) in members {
        if let Some(field) = Field::named(name) {
            checker.field(field, value, &Path::Key(path, name));
        }
    }
    if !members.contains_key("id") {
        checker.missing(
            members,
            "id",
            path,
            OTHER_NAMES_OF_ID,
            "the platform's own id of the conversation",
        );
    }
    checker.order_of_times(members, path);
}

struct Checker<'p> {
    problems: &'p mut Problems,
}

impl Checker<'_> {
    fn field(&mut self, field: &Field, value: &Value, path: &Path<'_>) {
        if value.is_null() && field.shape != Shape::Id {
            return;
        }
        match field.shape {
            Shape::Id => self.id(value, path),
            Shape::Text => self.text(value, path),
            Shape::Number => self.number(value, path),
            Shape::Word(words) => self.word(value, words, path),
            Shape::Moment => self.moment(value, path),
            Shape::Turns => self.each(value, path, MAX_TURNS, "turns", Self::turn),
            Shape::Metrics => self.each(value, path, MAX_METRICS, "metrics", Self::metric),
            Shape::State => state::check(value, path, self.problems),
            Shape::Object => self.object(value, path),
            Shape::Objects => self.members(value, path, Self::object),
            Shape::Texts => self.members(value, path, Self::text),
            Shape::TextList => self.each(value, path, usize::MAX, "texts", Self::text),
            Shape::ObjectList => self.each(value, path, usize::MAX, "objects", Self::object),
            Shape::Link => self.link(value, path),
            Shape::Any => {}
        }
    }

    fn id(&mut self, value: &Value, path: &Path<'_>) {
        let expected = format!("a text of 1 to {MAX_ID_BYTES} bytes without control characters");
        match value.as_str() {
            Some(id) if id.is_empty() || id.chars().any(char::is_control) => {
                let fix = "send the platform's own id of the conversation";
                self.problems.unexpected(path, value, expected, fix);
            }
            Some(id) => self.bytes(id, MAX_ID_BYTES, path),
            None if value.is_number() => {
                self.problems
                    .unexpected(path, value, expected, "put the number in quotes");
            }
            None => self
                .problems
                .unexpected(path, value, expected, "send the id as a text"),
        }
    }

    fn text(&mut self, value: &Value, path: &Path<'_>) {
        if !value.is_string() {
            let fix = if value.is_number() {
                "put the number in quotes"
            } else {
                "send a text, or leave it out"
            };
            self.problems.unexpected(path, value, "a text", fix);
        }
    }

    fn number(&mut self, value: &Value, path: &Path<'_>) {
        match value.as_str() {
            Some(text) => self.bytes(text, MAX_NUMBER_BYTES, path),
            None => self.text(value, path),
        }
    }

    fn bytes(&mut self, text: &str, most: usize, path: &Path<'_>) {
        if text.len() > most {
            let found = format!("{} bytes", grouped(text.len()));
            self.problems
                .add(path, found, format!("at most {most} bytes"), "shorten it");
        }
    }

    fn word(&mut self, value: &Value, words: &[&str], path: &Path<'_>) {
        if !words.iter().any(|word| value == word) {
            let expected = format!("one of {}", words.join(", "));
            self.problems
                .unexpected(path, value, expected, "use one of these words, or leave it out");
        }
    }

    fn moment(&mut self, value: &Value, path: &Path<'_>) {
        if value.as_str().and_then(moment::parse).is_none() {
            let fix = if value.is_number() {
                "write the number of seconds as a time, in Python datetime.fromtimestamp(n, UTC).isoformat()"
            } else {
                "correct it, with the offset or Z; in Python datetime.isoformat() of an aware datetime"
            };
            self.problems.unexpected(path, value, moment::EXPECTED, fix);
        }
    }

    fn object(&mut self, value: &Value, path: &Path<'_>) {
        if !value.is_object() {
            self.problems
                .unexpected(path, value, "an object", "send an object, or leave it out");
        }
    }

    fn link(&mut self, value: &Value, path: &Path<'_>) {
        let good = value.is_string() || value.get("url").is_some_and(Value::is_string);
        if !good {
            let fix = "send the URL, or leave it out";
            self.problems
                .unexpected(path, value, "a URL, or an object with a text url", fix);
        }
    }

    fn members(&mut self, value: &Value, path: &Path<'_>, check: fn(&mut Self, &Value, &Path<'_>)) {
        let Value::Object(members) = value else {
            return self.object(value, path);
        };
        for (name, member) in members {
            check(self, member, &Path::Key(path, name));
        }
    }

    fn each(
        &mut self,
        value: &Value,
        path: &Path<'_>,
        most: usize,
        what: &str,
        check: fn(&mut Self, &Value, &Path<'_>),
    ) {
        let Value::Array(items) = value else {
            let expected = format!("an array of {what}");
            return self
                .problems
                .unexpected(path, value, expected, "send an array, [] if there are none");
        };
        if items.len() > most {
            let found = format!("{} {what}", grouped(items.len()));
            let expected = format!("at most {} {what}", grouped(most));
            return self
                .problems
                .add(path, found, expected, "leave out what the function does not need");
        }
        for (index, item) in items.iter().enumerate() {
            check(self, item, &Path::Index(path, index));
        }
    }

    fn turn(&mut self, value: &Value, path: &Path<'_>) {
        let Value::Object(members) = value else {
            let fix = "send each turn as an object: its role, user or agent, and its text";
            return self
                .problems
                .unexpected(path, value, "an object with role and text", fix);
        };
        match members.get("role") {
            Some(role) => self.role(role, &Path::Key(path, "role")),
            None => self.missing(members, "role", path, OTHER_NAMES_OF_ROLE, "user or agent"),
        }
        match members.get("text") {
            Some(Value::String(_)) => {}
            Some(other) => {
                let fix = "send a text, \"\" for silence";
                self.problems
                    .unexpected(&Path::Key(path, "text"), other, "a text", fix);
            }
            None => self.missing(members, "text", path, OTHER_NAMES_OF_TEXT, "\"\" for silence"),
        }
    }

    fn role(&mut self, value: &Value, path: &Path<'_>) {
        let word = value.as_str().unwrap_or_default();
        if Role::from_document(word).is_some() {
            return;
        }
        let fix = if OTHER_WORDS_FOR_USER.contains(&word) {
            "write user"
        } else if OTHER_WORDS_FOR_AGENT.contains(&word) {
            "write agent"
        } else {
            "write user for the customer, agent for the other side"
        };
        self.problems.unexpected(path, value, "user or agent", fix);
    }

    fn metric(&mut self, value: &Value, path: &Path<'_>) {
        let Value::Object(members) = value else {
            let fix = "send each metric as {\"name\": …, \"value\": …}";
            return self
                .problems
                .unexpected(path, value, "an object with name and value", fix);
        };
        match members.get("name") {
            Some(Value::String(name)) if !name.is_empty() => {
                self.bytes(name, MAX_METRIC_NAME_BYTES, &Path::Key(path, "name"));
            }
            Some(other) => {
                let fix = "name the metric, or leave it out";
                self.problems
                    .unexpected(&Path::Key(path, "name"), other, "a text that is not empty", fix);
            }
            None => self.missing(members, "name", path, &[], "the metric's name"),
        }
        if let Some(container @ (Value::Array(_) | Value::Object(_))) = members.get("value") {
            let fix = "send it as JSON text, as write_metric would keep it";
            let path = Path::Key(path, "value");
            self.problems
                .unexpected(&path, container, "a text, a number, true, false or null", fix);
        }
    }

    /// `name` is not there; `others` are what it may have been called instead.
    fn missing(
        &mut self,
        members: &Map<String, Value>,
        name: &str,
        path: &Path<'_>,
        others: &[&str],
        what: &str,
    ) {
        let fix = match others.iter().find(|other| members.contains_key(**other)) {
            Some(other) => format!("rename {other} to {name}"),
            None => format!("add {name}: {what}"),
        };
        self.problems
            .add(path, format!("no {name}"), format!("the member {name}"), fix);
    }

    fn order_of_times(&mut self, members: &Map<String, Value>, path: &Path<'_>) {
        let time = |name: &str| members.get(name).and_then(Value::as_str).and_then(moment::parse);
        if let (Some(started), Some(ended)) = (time("started_at"), time("ended_at"))
            && ended < started
        {
            self.problems.add(
                &Path::Key(path, "ended_at"),
                format!("{ended}, which is before started_at ({started})"),
                "a time at or after started_at",
                "correct one of the two; see to their offsets",
            );
        }
    }
}
