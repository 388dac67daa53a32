//! Turns what the YAML reader says, which speaks of types of ours, into what, where and what to do for who wrote the file.

use std::borrow::Cow;

use domain::Code;

use crate::error::ProjectError;

/// How alike two words must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.75;

/// What the reader of YAML itself cannot read (a part of its words): what that is, and what to do.
const NOT_YAML: &[(&str, &str, &str)] = &[
    (
        "scanning an alias",
        "a text that begins with `*` is not in quotes",
        "put it in quotes: '*.example.com'",
    ),
    (
        "unknown anchor",
        "a text that begins with `*` is not in quotes, or no `&` has given that name",
        "put the text in quotes: '*name'",
    ),
    (
        "cannot start any token",
        "a line or a value begins with a tab, or with another sign that it cannot begin with",
        "indent with spaces; put a text that begins with a special sign in quotes",
    ),
    (
        "mapping values are not allowed",
        "a `:` stands where no key can stand",
        "put a text with `: ` in it in quotes, or begin the key on a line of its own",
    ),
    (
        "unexpected end of stream",
        "a quote is not closed",
        "end the text with the quote that it begins with",
    ),
    (
        "did not find expected",
        "a bracket or a quote is not closed, or a line is indented otherwise than those that it belongs to",
        "close what is open; indent what belongs together by the same number of spaces",
    ),
    (
        "unknown escape",
        "`\\` in double quotes stands before a sign that it does not go with",
        "put the text in single quotes, where `\\` is a sign like others",
    ),
    (
        "more than one document",
        "`---` begins a second document",
        "keep one document in the file",
    ),
    (
        "recursion limit",
        "it is nested too deep",
        "keep only configuration in it",
    ),
    (
        "repetition limit",
        "its aliases repeat too much",
        "write out what `*` stands for",
    ),
];

/// `example` is what such a file looks like.
pub(super) fn explain(
    file: &str,
    example: &str,
    error: &serde_path_to_error::Error<serde_norway::Error>,
) -> ProjectError {
    let inner = error.inner();
    let path = error.path().to_string();
    // A step that the reader did not come to has no name.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    let key = Some(path).filter(|path| !path.is_empty());
    let full = inner.to_string();
    let said = Said {
        text: bare(&full),
        key: key.unwrap_or_default(),
        example,
    };
    let (message, expected, fix) = said.misfit().unwrap_or_else(|| not_yaml(&full));
    let mut explained = ProjectError::new(Code::BadProjectConfig, message, fix).in_file(file);
    explained.line = inner.location().and_then(|at| u32::try_from(at.line()).ok());
    explained.key = key.map(Into::into);
    explained.expected = expected.map(Into::into);
    explained
}

/// The reader's own text repeats the path before and the place after what it has to say.
fn bare(full: &str) -> &str {
    let text = full.find(" at line ").map_or(full, |end| &full[..end]);
    let starts = [
        "unknown field",
        "unknown variant",
        "invalid ",
        "duplicate ",
        "missing ",
    ];
    let said = starts.iter().filter_map(|start| text.find(start)).min();
    said.map_or(text, |start| &text[start..])
}

/// What is wrong, what would be right, what to do.
type Explained = (String, Option<String>, String);

struct Said<'a> {
    text: &'a str,
    /// The way to what is wrong (`hosts[0].expected[0]`); empty for the whole.
    key: &'a str,
    example: &'a str,
}

impl Said<'_> {
    /// It is YAML, but not what we take.
    fn misfit(&self) -> Option<Explained> {
        let (said, expected) = self.text.split_once(", expected ").unwrap_or((self.text, ""));
        let word = quoted(said).next().unwrap_or_default();
        let one_of = Some(expected.to_owned()).filter(|words| !words.is_empty());
        if said.starts_with("unknown field") {
            let fix = nearest(word, expected)
                .unwrap_or_else(|| "take the key out, or indent it below what it belongs to".to_owned());
            return Some((format!("there is no key `{word}` here"), one_of, fix));
        }
        if said.starts_with("unknown variant") {
            let fix = nearest(word, expected).unwrap_or_else(|| format!("write {expected}"));
            return Some((format!("`{word}` means nothing here"), one_of, fix));
        }
        if said.starts_with("missing field") {
            let fix = format!("add `{word}`, as in `{}`", self.example);
            return Some((format!("the key `{word}` is missing"), None, fix));
        }
        if let Some(twice) = said.strip_prefix("duplicate ") {
            let name = twice.trim_start_matches("entry with key ");
            let name = name.trim_start_matches("field ").trim_matches(['`', '"']);
            let fix = "leave one of them out".to_owned();
            return Some((format!("the key `{name}` is there twice"), None, fix));
        }
        let found = said
            .strip_prefix("invalid type: ")
            .or_else(|| said.strip_prefix("invalid value: "))?;
        let (words, sample) = wanted(expected);
        let fix = match self.such_as(sample, found) {
            Some(such) => format!("write {words}, {such}"),
            None => format!("write {words}"),
        };
        Some((unfit(found), Some(words.into_owned()), fix))
    }

    /// An example of the value that should be there.
    fn such_as(&self, sample: Sample, found: &str) -> Option<String> {
        let whole = format!("as in `{}`", self.example);
        let last = self.key.rsplit('.').next().unwrap_or_default();
        let (name, listed) = last
            .split_once('[')
            .map_or((last, false), |(name, _)| (name, true));
        let one = match sample {
            Sample::None => return None,
            Sample::Value(value) => value,
            // Who wrote one thing where a list is wanted means a list of one; those at the top hold groups of keys.
            Sample::List if last != self.key => match scalar(found) {
                Some(one) => format!("[{one}]"),
                None => return Some(whole),
            },
            Sample::List | Sample::Keys => return Some(whole),
        };
        match (name, listed) {
            ("", _) => Some(whole),
            (name, true) => Some(format!("for example `{name}: [{one}]`")),
            (name, false) => Some(format!("for example `{name}: {one}`")),
        }
    }
}

fn not_yaml(full: &str) -> Explained {
    let Some((_, message, fix)) = NOT_YAML.iter().find(|(part, ..)| full.contains(part)) else {
        let fix = "correct the file there; a YAML file is indented with spaces and writes `key: value`";
        return (bare(full).to_owned(), None, fix.to_owned());
    };
    // Where it stopped, and where that began what it was reading.
    let mut lines = full
        .split(" at line ")
        .skip(1)
        .filter_map(|place| place.split(' ').next());
    let message = match (lines.next(), lines.next()) {
        (Some(stopped), Some(began)) if began != stopped => {
            format!("{message} (what it stands in begins on line {began})")
        }
        _ => (*message).to_owned(),
    };
    (message, None, (*fix).to_owned())
}

/// What an example of a value is made of.
enum Sample {
    Value(String),
    List,
    Keys,
    None,
}

/// `u64`, `a boolean`, `struct Catalogue` and the like in words; what already is in words stays as it is.
fn wanted(said: &str) -> (Cow<'_, str>, Sample) {
    let value = |words: &'static str, value: &str| (words.into(), Sample::Value(value.to_owned()));
    match said {
        "u8" => value("a whole number from 0 to 255", "60"),
        "u16" => value("a whole number from 0 to 65535", "404"),
        "u32" | "u64" | "usize" => value("a whole number, 0 or more", "60"),
        "i8" | "i16" | "i32" | "i64" | "isize" => value("a whole number", "60"),
        "f32" | "f64" => value("a number", "1.5"),
        "a boolean" | "bool" => value("true or false", "true"),
        "a string" | "str" | "string" | "a borrowed string" => value("a text", "'some text'"),
        "a sequence" | "sequence" => ("a list".into(), Sample::List),
        "a map" | "map" => ("keys with values".into(), Sample::Keys),
        // How a list or a group of keys is refused where one word of several is wanted.
        "a YAML tag starting with '!'" => ("one word".into(), Sample::None),
        _ if said.starts_with("struct ") => ("keys with values".into(), Sample::Keys),
        _ if said.starts_with("enum ") => ("one word".into(), Sample::None),
        _ => {
            let range = said.strip_prefix("a whole number from ");
            let least = range.and_then(|range| range.split(' ').next());
            (
                said.into(),
                least.map_or(Sample::None, |least| Sample::Value(least.to_owned())),
            )
        }
    }
}

/// What is wrong with a value: ``integer `0` `` and the like.
fn unfit(found: &str) -> String {
    let word = quoted(found).next().unwrap_or_default();
    let what = match found.split(' ').next().unwrap_or_default() {
        // No more than 64 bits are read.
        "integer" if found.ends_with("128") => return format!("the number {word} is too large"),
        "integer" | "floating" => format!("the number {word}"),
        "boolean" => word.to_owned(),
        "string" => found.replacen("string", "the text", 1),
        "unit" | "null" | "Option" => return "nothing stands here".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a group of keys".to_owned(),
        _ => found.to_owned(),
    };
    format!("{what} does not belong here")
}

/// A single value as it stands in the file.
fn scalar(found: &str) -> Option<&str> {
    found.strip_prefix("string ").or_else(|| quoted(found).next())
}

fn nearest(found: &str, expected: &str) -> Option<String> {
    let words = quoted(expected).map(|word| (strsim::jaro_winkler(found, word), word));
    let alike = words.filter(|(alike, _)| *alike >= ALIKE);
    let (_, word) = alike.max_by(|left, right| left.0.total_cmp(&right.0))?;
    Some(format!("did you mean `{word}`?"))
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests;
