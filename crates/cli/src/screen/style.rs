//! The few styles that there are. The stream takes them out again where nobody wants to see them.

use anstyle::{AnsiColor, Style};

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Headings and names.
#[must_use]
pub fn strong(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// What may be skipped.
#[must_use]
pub fn faint(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

/// It is well.
#[must_use]
pub fn good(text: &str) -> String {
    styled(colour(AnsiColor::Green), text)
}

/// It needs a look.
#[must_use]
pub fn warn(text: &str) -> String {
    styled(colour(AnsiColor::Yellow), text)
}

/// It is not well.
#[must_use]
pub fn bad(text: &str) -> String {
    styled(colour(AnsiColor::Red).bold(), text)
}

/// A run's status or end.
#[must_use]
pub fn status(word: &str) -> String {
    match word {
        "succeeded" => good(word),
        "failed" => bad(word),
        "completed_with_failures" | "needs_decision" | "backoff" | "waiting" | "cancelled" => warn(word),
        _ => word.to_owned(),
    }
}

/// How wide a text is on a terminal, its styles not counted.
#[must_use]
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(anstream::adapter::strip_str(text).to_string().as_str())
}
