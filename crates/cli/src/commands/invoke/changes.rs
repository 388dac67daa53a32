//! What became different between two runs over the same conversation.

use std::collections::BTreeMap;

use domain::{Code, LogEntry};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::outcome::{Failure, Outcome};
use crate::screen::style;
use crate::story;

/// Lists are compared entry by entry up to this many pairs; longer ones are taken as replaced in the middle.
const MAX_PAIRS: usize = 1_000_000;
/// Letters of one entry that are shown.
const ENTRY_LETTERS: usize = 160;

/// What two runs differ in. Whatever is the same in both is left out.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Change<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Change<Option<Told>>>,
    #[serde(skip_serializing_if = "Entries::is_empty")]
    logs: Entries,
    #[serde(skip_serializing_if = "Entries::is_empty")]
    metrics: Entries,
    #[serde(skip_serializing_if = "Entries::is_empty")]
    actions: Entries,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    state: BTreeMap<String, Change<Option<Value>>>,
}

/// A value then and now. For a key of state, null stands for one that is not there.
#[derive(Debug, PartialEq, Serialize)]
struct Change<T> {
    was: T,
    now: T,
}

/// An error in a line.
#[derive(Debug, PartialEq, Serialize)]
struct Told {
    code: Code,
    message: String,
    /// `file:line` of the project, where it has one.
    at: Option<String>,
}

/// Entries of a list that went and came, each in its order.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Entries {
    gone: Vec<Value>,
    new: Vec<Value>,
}

impl Entries {
    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

impl Changes {
    /// From one run to the next. Times are no difference.
    pub(super) fn between(was: &Outcome, now: &Outcome) -> Self {
        let (before, after) = (told(was.error.as_ref()), told(now.error.as_ref()));
        let metrics = |outcome: &Outcome| outcome.metrics.iter().map(|one| json!(one)).collect();
        let actions = |outcome: &Outcome| outcome.actions.iter().map(|one| json!(one)).collect();
        let logs = |outcome: &Outcome| outcome.logs.iter().map(log).collect();
        Self {
            status: (was.status != now.status).then_some(Change {
                was: was.status,
                now: now.status,
            }),
            error: (before != after).then_some(Change {
                was: before,
                now: after,
            }),
            logs: entries(logs(was), logs(now)),
            metrics: entries(metrics(was), metrics(now)),
            actions: entries(actions(was), actions(now)),
            state: state(was.state.as_ref(), now.state.as_ref()),
        }
    }

    /// Whether both runs left the same.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is an error that was not there, or another one.
    pub(super) fn has_new_error(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.now.is_some())
    }

    /// For a person: what went with `-`, what came with `+`, what changed with `~`.
    pub(super) fn tell(&self) -> String {
        let mut text = String::new();
        if let Some(error) = &self.error {
            text.push_str(&section("error", |lines| {
                lines.extend(error.was.iter().map(|told| gone(&told.line())));
                lines.extend(error.now.iter().map(|told| new(&told.line())));
            }));
        }
        for (title, entries, line) in [
            ("logs", &self.logs, log_line as fn(&Value) -> String),
            ("metrics", &self.metrics, metric_line),
            ("queued actions", &self.actions, action_line),
        ] {
            if !entries.is_empty() {
                text.push_str(&section(title, |lines| {
                    lines.extend(entries.gone.iter().map(|one| gone(&line(one))));
                    lines.extend(entries.new.iter().map(|one| new(&line(one))));
                }));
            }
        }
        if !self.state.is_empty() {
            text.push_str(&section("state", |lines| {
                lines.extend(self.state.iter().map(|(key, change)| state_line(key, change)));
            }));
        }
        text
    }
}

impl Told {
    fn line(&self) -> String {
        let at = self.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        format!("{} {}{at}", self.code, self.message)
    }
}

fn told(failure: Option<&Failure>) -> Option<Told> {
    let failure = failure?;
    let raised = failure.exception.as_ref();
    let message = match raised {
        Some(raised) if !raised.kind.is_empty() => format!("{}: {}", raised.kind, raised.message),
        _ => failure.message.clone(),
    };
    let own = raised.and_then(|raised| raised.frames.iter().rev().find(|frame| frame.own));
    Some(Told {
        code: failure.code,
        message,
        at: own.map(|frame| format!("{}:{}", frame.file, frame.line)),
    })
}

/// A log entry without its time.
fn log(entry: &LogEntry) -> Value {
    let mut kept = Map::from_iter([
        ("level".to_owned(), json!(entry.level)),
        ("content".to_owned(), json!(entry.content)),
    ]);
    if let Some(fields) = &entry.fields {
        kept.insert("fields".to_owned(), fields.clone());
    }
    Value::Object(kept)
}

fn state(was: Option<&Value>, now: Option<&Value>) -> BTreeMap<String, Change<Option<Value>>> {
    // Without state there was no end to leave one: that is told by the error.
    let (Some(Value::Object(was)), Some(Value::Object(now))) = (was, now) else {
        return BTreeMap::new();
    };
    was.keys()
        .chain(now.keys())
        .filter(|key| was.get(*key) != now.get(*key))
        .map(|key| {
            let change = Change {
                was: was.get(key).cloned(),
                now: now.get(key).cloned(),
            };
            (key.clone(), change)
        })
        .collect()
}

/// What went and what came, by the longest sequence that both have.
fn entries(was: Vec<Value>, now: Vec<Value>) -> Entries {
    let first = was.iter().zip(&now).take_while(|(was, now)| was == now).count();
    let (was, now) = (&was[first..], &now[first..]);
    let last = was
        .iter()
        .rev()
        .zip(now.iter().rev())
        .take_while(|(was, now)| was == now)
        .count();
    let (was, now) = (&was[..was.len() - last], &now[..now.len() - last]);
    if was.len() * now.len() > MAX_PAIRS {
        return Entries {
            gone: was.to_vec(),
            new: now.to_vec(),
        };
    }
    // common[i][j]: the length of that sequence of was[i..] and now[j..].
    let mut common = vec![vec![0_usize; now.len() + 1]; was.len() + 1];
    for i in (0..was.len()).rev() {
        for j in (0..now.len()).rev() {
            common[i][j] = if was[i] == now[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let mut found = Entries::default();
    let (mut i, mut j) = (0, 0);
    while i < was.len() || j < now.len() {
        if i < was.len() && j < now.len() && was[i] == now[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == now.len() || (i < was.len() && common[i + 1][j] >= common[i][j + 1]) {
            found.gone.push(was[i].clone());
            i += 1;
        } else {
            found.new.push(now[j].clone());
            j += 1;
        }
    }
    found
}

fn section(title: &str, fill: impl FnOnce(&mut Vec<String>)) -> String {
    let mut lines = Vec::new();
    fill(&mut lines);
    format!(
        "{}\n{}",
        style::strong(title),
        story::indented(&lines.concat(), 2)
    )
}

fn gone(line: &str) -> String {
    format!("{} {}\n", style::bad("-"), story::short(line, ENTRY_LETTERS))
}

fn new(line: &str) -> String {
    format!("{} {}\n", style::good("+"), story::short(line, ENTRY_LETTERS))
}

fn log_line(entry: &Value) -> String {
    let fields = entry
        .get("fields")
        .map(|fields| format!("  {fields}"))
        .unwrap_or_default();
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}{fields}", text("level"), text("content"))
}

fn metric_line(metric: &Value) -> String {
    let name = metric.get("name").and_then(Value::as_str).unwrap_or_default();
    format!("{name} = {}", metric.get("value").unwrap_or(&Value::Null))
}

fn action_line(action: &Value) -> String {
    let kind = action.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut others = action.as_object().cloned().unwrap_or_default();
    others.remove("kind");
    format!("{kind} {}", Value::Object(others))
}

fn state_line(key: &str, change: &Change<Option<Value>>) -> String {
    match (&change.was, &change.now) {
        (Some(was), None) => gone(&format!("{key} = {was}")),
        (None, Some(now)) => new(&format!("{key} = {now}")),
        (was, now) => {
            let shown = |value: &Option<Value>| {
                let text = value.as_ref().map(ToString::to_string).unwrap_or_default();
                story::short(&text, ENTRY_LETTERS / 2)
            };
            let before = style::faint(&format!("(was {})", shown(was)));
            format!(
                "{} {} = {} {before}\n",
                style::warn("~"),
                style::safe(key),
                shown(now)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Value> {
        text.split_whitespace().map(|word| json!(word)).collect()
    }

    #[test]
    fn lists_differ_by_what_went_and_what_came() {
        for (was, now, gone, new) in [
            ("a b c", "a b c", "", ""),
            ("a b c", "a x c", "b", "x"),
            ("a b c", "b c d", "a", "d"),
            ("", "a a", "", "a a"),
            ("a b a b", "b a", "a b", ""),
            ("x a y b z", "a b", "x y z", ""),
        ] {
            let found = entries(list(was), list(now));
            assert_eq!((found.gone, found.new), (list(gone), list(new)), "{was} -> {now}");
        }
    }

    #[test]
    fn long_lists_are_compared_in_bounded_time() {
        let was: Vec<_> = (0..2_000).map(|n| json!(n)).collect();
        let now: Vec<_> = (0..2_000).map(|n| json!(n + 5_000)).collect();
        let found = entries(was, now);
        assert_eq!((found.gone.len(), found.new.len()), (2_000, 2_000));
    }

    #[test]
    fn a_key_of_state_that_became_null_is_not_one_that_went() {
        let (was, now) = (json!({"a": 1, "b": 1}), json!({"a": null}));
        let found = state(Some(&was), Some(&now));
        let changed = Change {
            was: Some(json!(1)),
            now: Some(Value::Null),
        };
        assert_eq!(found["a"], changed);
        assert!(state_line("a", &changed).contains("null"));
        assert!(state_line("b", &found["b"]).contains('-'));
    }
}
