use std::fmt::Write as _;

use serde_json::Value;

/// Characters of a text that are shown.
const SHOWN_CHARS: usize = 60;

/// What a value is, in a few words: `the text "voice"`, `the number 5`, `an array of 3 items`.
#[must_use]
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {}", shorten(&number.to_string())),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("the text {}", quote(text)),
        Value::Array(items) => format!("an array of {}", count(items.len(), "item")),
        Value::Object(members) => format!("an object of {}", count(members.len(), "member")),
    }
}

/// A text in quotes, shortened, its control characters made visible.
pub(crate) fn quote(text: &str) -> String {
    format!("{:?}", shorten(text))
}

/// At most [`SHOWN_CHARS`] characters of a text.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// `3 items`, `1 item`, `10,000 items`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        let comma = if index > 0 && (digits.len() - index).is_multiple_of(3) {
            ","
        } else {
            ""
        };
        // Writing to a String cannot fail; `write!` only says so by its type.
        let _ = write!(text, "{comma}{digit}");
    }
    text
}
