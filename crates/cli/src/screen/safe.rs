//! Text of others (what a caller said, what a function logged, the id that a platform gave) as it may be shown.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Characters that are not seen, or that turn the order of what is: Unicode's `Default_Ignorable_Code_Point`, the separators of lines
/// and paragraphs, and the marks of annotations. Left out are the variation selectors, which emoji and Japanese names need, and the
/// two joiners, for which see [`JOINERS`].
const HIDING: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e00ff}',
    '\u{e01f0}'..='\u{e0fff}',
];
/// They change how their neighbours look in scripts of India, in Persian and in emoji, and are not seen in any other. Behind a
/// letter of the others they could only make two texts differ that look alike.
const JOINERS: RangeInclusive<char> = '\u{200c}'..='\u{200d}';
/// Latin, Greek, Cyrillic and Armenian stand before it: scripts in which nothing is joined.
const FIRST_THAT_JOINS: char = '\u{590}';

/// A text in which whatever would steer the terminal, turn the order of what is read, or stand there unseen is shown as its
/// escape. Line ends and tabs stay. What is safe already stays as it is.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(may_mislead) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in text.replace("\r\n", "\n").chars() {
        push(&mut shown, c, before);
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// The same of an answer with its styles, which stay: the last look at what goes out, so that nothing gets there that whoever put it
/// together forgot. A text of others that was forgotten can still give itself a colour, and nothing more.
#[must_use]
pub(super) fn safe_but_styles(text: &str) -> Cow<'_, str> {
    if !text.contains(may_mislead) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut left = text;
    while let Some(start) = left.find('\u{1b}') {
        shown.push_str(&safe(&left[..start]));
        let length = style_length(&left[start..]);
        if length == 0 {
            push(&mut shown, '\u{1b}', None);
        }
        shown.push_str(&left[start..start + length]);
        left = &left[start + length.max(1)..];
    }
    shown.push_str(&safe(left));
    Cow::Owned(shown)
}

/// The bytes of `ESC [ 1 ; 31 m` that a text begins with; 0 if it begins otherwise.
fn style_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let length = parameters
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b';')
        .count();
    if parameters[length..].starts_with('m') {
        length + "\u{1b}[m".len()
    } else {
        0
    }
}

fn push(shown: &mut String, c: char, before: Option<char>) {
    let joins = JOINERS.contains(&c)
        && before.is_some_and(|before| before >= FIRST_THAT_JOINS && !may_mislead(before));
    if may_mislead(c) && !joins {
        shown.extend(c.escape_unicode());
    } else {
        shown.push(c);
    }
}

fn may_mislead(c: char) -> bool {
    let steers = c.is_control() && c != '\n' && c != '\t';
    steers || JOINERS.contains(&c) || HIDING.iter().any(|range| range.contains(&c))
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
            safe("two\r\nlines\tand a tab, 予約 👍🏽\u{7}"),
            "two\nlines\tand a tab, 予約 👍🏽\\u{7}"
        );
    }

    #[test]
    fn nothing_stands_there_unseen() {
        for c in [
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{2066}',
            '\u{feff}',
            '\u{3164}',
            '\u{e0041}',
        ] {
            let escape = c.escape_unicode().to_string();
            assert_eq!(safe(&format!("予{c}約")), format!("予{escape}約"));
        }
        assert_eq!(safe(&safe("\u{feff}a")), "\\u{feff}a", "it is escaped once");
    }

    #[test]
    fn joiners_stay_where_they_join() {
        let joined = [
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "क्\u{200d}ष",
            "می\u{200c}خواهم",
            "葛\u{e0100}",
        ];
        for text in joined {
            assert_eq!(safe(text), text);
        }
        for (text, shown) in [
            ("ad\u{200d}min", "ad\\u{200d}min"),
            ("\u{200c}a", "\\u{200c}a"),
            ("क\u{200d}\u{200d}", "क\u{200d}\\u{200d}"),
        ] {
            assert_eq!(safe(text), shown);
        }
    }

    #[test]
    fn only_styles_go_through_the_last_look() {
        let styled = "\u{1b}[1m\u{1b}[31mfailed\u{1b}[0m\n";
        assert_eq!(safe_but_styles(styled), styled);
        assert_eq!(
            safe_but_styles("\u{1b}[1mid\u{1b}[0m \u{202e}x\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}"),
            "\u{1b}[1mid\u{1b}[0m \\u{202e}x\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{1b}"
        );
    }
}
