//! The few styles that there are. The stream takes them out again where nobody wants to see them. Each makes its text safe: it may be
//! one of others. So a style is never put into another one.

use anstyle::{AnsiColor, Style};

pub use super::safe::safe;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// A line's end stays outside: a style that reaches into the next line colours what is put before it.
fn styled(style: Style, text: &str) -> String {
    let text = safe(text);
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
        _ => safe(word).into_owned(),
    }
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
    fn a_style_makes_its_text_safe_and_ends_what_it_began() {
        let told = strong("a\u{1b}[2J\u{202e}b");
        assert!(told.contains("a\\u{1b}[2J\\u{202e}b"), "{told:?}");
        assert_eq!(
            strong(&safe("\u{200b}")),
            strong("\u{200b}"),
            "it is escaped once"
        );
    }

    #[test]
    fn a_style_ends_before_its_line_does() {
        assert!(faint("x\n").ends_with("m\n"), "{:?}", faint("x\n"));
    }
}
