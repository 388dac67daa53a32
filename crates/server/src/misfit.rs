//! What the JSON reader says of a body that is JSON but not what a route takes, in the words of JSON.
//!
//! The reader gives no codes and speaks of types of ours, so its wording is matched.

use std::borrow::Cow;

use domain::Code;

use crate::problem::{ApiError, shown};

/// A refusal that names the field, what is there and what would be right. `path` is the JSON Pointer of the place.
pub(crate) fn misfit(mut path: String, error: &serde_json::Error) -> ApiError {
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(said, _)| said);
    if let Some(field) = said.strip_prefix("missing field ") {
        path = format!("{path}/{}", field.trim_matches('`'));
    }
    let (found, expected) = told(said);
    let place = if path.is_empty() { "The body" } else { &path };
    let stands = if found.is_empty() { "missing" } else { &found };
    let fix = "Correct it; GET /v1/openapi.json describes the body.";
    let detail = format!("{place}: {stands}, expected {expected}.");
    let mut problem = api::Problem::new(Code::BadRequest, 400, detail, fix);
    problem.errors.push(api::FieldError {
        path,
        found: shown(&found),
        expected: expected.into_owned(),
        fix: fix.to_owned(),
    });
    problem.into()
}

/// What is there (empty: nothing), and what should be.
fn told(said: &str) -> (String, Cow<'_, str>) {
    if said.starts_with("missing field ") {
        return (String::new(), "a value".into());
    }
    if let Some(name) = said.strip_prefix("duplicate field ") {
        return (format!("{name} twice"), "each field once".into());
    }
    // All that the reader says where one word of a few should be and a number or an array is.
    if said == "expected value" {
        return ("another kind of value".to_owned(), "one word of a few".into());
    }
    let Some((found, expected)) = said.split_once(", expected ") else {
        // What a type of ours says of a text that it cannot read: "`x` is not a name".
        return match said.split_once(" is not ") {
            Some((found, expected)) => (found.to_owned(), expected.into()),
            None => (said.to_owned(), "something else".into()),
        };
    };
    let found = found
        .strip_prefix("invalid type: ")
        .or_else(|| found.strip_prefix("invalid value: "))
        .map_or_else(|| found.to_owned(), value);
    (found, wanted(expected))
}

/// A value that does not fit: ``integer `5` ``, `string "five"`, `sequence`, `null`.
fn value(said: &str) -> String {
    let written = said.split('`').nth(1).unwrap_or_default();
    match said.split(' ').next().unwrap_or_default() {
        "integer" | "floating" => format!("the number {written}"),
        "boolean" => written.to_owned(),
        "string" => said.replacen("string", "the text", 1),
        "sequence" => "an array".to_owned(),
        "map" => "an object".to_owned(),
        _ => said.to_owned(),
    }
}

/// What should be there.
fn wanted(said: &str) -> Cow<'_, str> {
    match said {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" | "a borrowed string" | "str" => "text".into(),
        "a sequence" => "an array".into(),
        "a map" => "an object".into(),
        _ if said.starts_with("struct ") => "an object".into(),
        _ if said.starts_with("enum ") => "one word of a few".into(),
        _ => said.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Body {
        name: Option<String>,
        runs: Option<Vec<u32>>,
        policy: Option<Policy>,
        on: Option<bool>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Policy {
        Keep,
    }

    fn said(body: &str) -> String {
        let mut reader = serde_json::Deserializer::from_str(body);
        let error = serde_path_to_error::deserialize::<_, Body>(&mut reader).unwrap_err();
        misfit("/field".to_owned(), &error.into_inner()).0.detail
    }

    #[test]
    fn a_wrong_type_is_told_in_the_words_of_json() {
        for (body, expected) in [
            ("{\"name\": 5}", "/field: the number 5, expected text."),
            ("{\"name\": [1]}", "/field: an array, expected text."),
            ("{\"runs\": {}}", "/field: an object, expected an array."),
            (
                "{\"runs\": [-1]}",
                "/field: the number -1, expected a whole number, 0 or more.",
            ),
            (
                "{\"runs\": [\"a\"]}",
                "/field: the text \"a\", expected a whole number, 0 or more.",
            ),
            (
                "{\"on\": \"yes\"}",
                "/field: the text \"yes\", expected true or false.",
            ),
            (
                "{\"policy\": \"send\"}",
                "/field: unknown variant `send`, expected `keep`.",
            ),
            (
                "{\"nmae\": 1}",
                "/field: unknown field `nmae`, expected one of `name`, `runs`, `policy`, `on`.",
            ),
            (
                "{\"on\": true, \"on\": true}",
                "/field: `on` twice, expected each field once.",
            ),
            (
                "{\"policy\": 5}",
                "/field: another kind of value, expected one word of a few.",
            ),
            ("5", "/field: the number 5, expected an object."),
        ] {
            assert_eq!(said(body), expected, "{body}");
        }
    }
}
