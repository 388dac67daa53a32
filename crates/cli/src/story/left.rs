//! What an attempt that returned left behind.

use api::RunDetail;
use domain::{Action, Metric};
use serde_json::Value;

use super::short;
use crate::screen::{style, table};

/// Letters of a value that are shown.
const VALUE_LETTERS: usize = 80;

pub(super) fn tell(detail: &RunDetail, state_before: Option<&Value>) -> String {
    let mut text = metrics(&detail.metrics) + &actions(&detail.actions);
    if let Some(after) = &detail.state_after {
        text.push_str(&state_changes(state_before, after));
    }
    text
}

/// Metrics, in order; nothing if there are none.
#[must_use]
pub fn metrics(metrics: &[Metric]) -> String {
    if metrics.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = metrics
        .iter()
        .map(|metric| (metric.name.as_str(), value(&metric.value)))
        .collect();
    format!(
        "{}\n{}",
        style::strong("metrics"),
        super::indented(&table::pairs(&rows), 2)
    )
}

/// Queued actions, in order; nothing if there are none.
#[must_use]
pub fn actions(actions: &[Action]) -> String {
    if actions.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = actions
        .iter()
        .map(|action| {
            (
                action.kind.as_str(),
                short(&Value::Object(action.fields.clone()).to_string(), VALUE_LETTERS),
            )
        })
        .collect();
    format!(
        "{}\n{}",
        style::strong("queued actions"),
        super::indented(&table::pairs(&rows), 2)
    )
}

/// How state differs from what came in: `+` new, `~` changed, `-` gone. Nothing if it does not.
#[must_use]
pub fn state_changes(before: Option<&Value>, after: &Value) -> String {
    let empty = serde_json::Map::new();
    let before = before.and_then(Value::as_object).unwrap_or(&empty);
    let after = after.as_object().unwrap_or(&empty);
    let mut lines = String::new();
    for (key, now) in after {
        let was = before.get(key);
        let key = short(key, VALUE_LETTERS);
        match was {
            None => lines.push_str(&format!("  {} {key} = {}\n", style::good("+"), value(now))),
            Some(was) if was != now => {
                let change = format!(
                    "  {} {key} = {} {}\n",
                    style::warn("~"),
                    value(now),
                    style::faint(&format!("(was {})", value(was)))
                );
                lines.push_str(&change);
            }
            Some(_) => {}
        }
    }
    for (key, was) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        lines.push_str(&format!(
            "  {} {} {}\n",
            style::bad("-"),
            short(key, VALUE_LETTERS),
            style::faint(&format!("(was {})", value(was)))
        ));
    }
    if lines.is_empty() {
        lines
    } else {
        format!("{}\n{lines}", style::strong("state"))
    }
}

/// A value in the wire form, as a person reads it: `datetime 2026-01-05T10:00:00`.
fn value(value: &Value) -> String {
    let tagged = value.as_object().and_then(|object| {
        let tag = object.get("$type")?.as_str()?;
        let name = object.get("class").and_then(Value::as_str).unwrap_or(tag);
        let mut held = object
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "$type" | "class"));
        match (held.next(), held.next()) {
            (Some((_, Value::String(text))), None) => Some(format!("{name} {text}")),
            (Some((_, only)), None) => Some(format!("{name} {only}")),
            _ => None,
        }
    });
    short(&tagged.unwrap_or_else(|| value.to_string()), VALUE_LETTERS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tagged_values_read_as_their_type_and_content() {
        for (wire, text) in [
            (
                json!({"$type": "datetime", "value": "2026-01-05T10:00:00"}),
                "datetime 2026-01-05T10:00:00",
            ),
            (json!({"$type": "set", "items": [1, 2]}), "set [1,2]"),
            (
                json!({"$type": "object", "class": "functions.models.Order", "fields": {"id": 1}}),
                "functions.models.Order {\"id\":1}",
            ),
            (
                json!({"$type": "timedelta", "days": 1, "seconds": 2, "microseconds": 0}),
                r#"{"$type":"timedelta","days":1,"seconds":2,"mi…"#,
            ),
            (json!("plain"), "\"plain\""),
        ] {
            let expected: String = text.trim_end_matches('…').to_owned();
            assert!(value(&wire).starts_with(&expected), "{}", value(&wire));
        }
    }
}
