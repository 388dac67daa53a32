//! The few styles that there are. The stream takes them out again where nobody wants to see them.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use anstyle::{AnsiColor, Style};

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// A line's end stays outside: a style that reaches into the next line colours what is put before it.
fn styled(style: Style, text: &str) -> String {
    let line = text.trim_end_matches('\n');
    format!("{style}{line}{style:#}{}", &text[line.len()..])
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

/// Text of others (what a caller said, what a function logged) as it may go to a terminal: what would steer it, or turn
/// the order of what is read, is shown as its escape. Line ends and tabs stay.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    const TURNING: [RangeInclusive<char>; 2] = ['\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || TURNING.iter().any(|range| range.contains(&c))
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| {
        if steers(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.replace("\r\n", "\n").chars().map(one).collect())
}

/// How wide a text is on a terminal, its styles not counted.
#[must_use]
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(anstream::adapter::strip_str(text).to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_others_steers_the_terminal() {
        assert_eq!(
            safe("a\u{1b}[2Jb\u{9b}0m\u{7}\u{202e}c"),
            "a\\u{1b}[2Jb\\u{9b}0m\\u{7}\\u{202e}c"
        );
        assert_eq!(
            safe("two\r\nlines\tand a tab, 予約 👍🏽\u{200e}"),
            "two\nlines\tand a tab, 予約 👍🏽\u{200e}"
        );
    }

    #[test]
    fn a_style_ends_before_its_line_does() {
        assert!(faint("x\n").ends_with("m\n"), "{:?}", faint("x\n"));
    }
}
