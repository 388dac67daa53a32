//! What tells whether two requests are the same one, asked for again.

use std::fmt;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::catalogue::Catalogue;
use super::request::Request;
use super::volatile::{self, PLACEHOLDER};
use crate::json;

/// Headers that say what a request is about; all others say who asks, when, or how.
const COUNTED_HEADERS: [&str; 8] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "soapaction",
    "x-amz-target",
    "idempotency-key",
];
/// The version of what is hashed. A change to it takes the next number, so that hashes of two forms are never equal.
const VERSION: u8 = 1;
/// Of a body that is compared by leaf, at most; a larger one is compared as it is.
const LIMITS: json::Limits = json::Limits {
    bytes: 8 * 1024 * 1024,
    depth: json::MAX_DEPTH,
    values: 200_000,
};

/// Two hashes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Equal for the same request.
    pub exact: [u8; 32],
    /// Equal too for one that differs only in volatile tokens.
    pub shape: [u8; 32],
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [hex(&self.exact), hex(&self.shape)].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [exact, shape] = <[String; 2]>::deserialize(deserializer)?;
        let read = |text: &str| unhex(text).ok_or_else(|| D::Error::custom(format!("{text:?} is no hash")));
        Ok(Self {
            exact: read(&exact)?,
            shape: read(&shape)?,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |hash: &[u8; 32]| {
            hash[..4]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        write!(
            f,
            "Fingerprint({}, shape {})",
            short(&self.exact),
            short(&self.shape)
        )
    }
}

impl Fingerprint {
    /// Of a request that an attempt makes whose clock says `clock`.
    #[must_use]
    pub fn of(request: &Request, catalogue: &Catalogue, clock: Timestamp) -> Self {
        let mut exact = Vec::with_capacity(512 + request.body.len());
        exact.push(VERSION);
        field(&mut exact, request.method.as_bytes());
        field(&mut exact, request.origin().as_bytes());
        field(&mut exact, request.url.path().as_bytes());
        for (name, value) in sorted_query(request, catalogue) {
            field(&mut exact, name.as_bytes());
            field(&mut exact, value.as_bytes());
        }
        let mut headers: Vec<(String, &str)> = Vec::new();
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            if COUNTED_HEADERS.contains(&name.as_str()) {
                headers.push((name, value));
            }
        }
        headers.sort();
        for (name, value) in headers {
            field(&mut exact, name.as_bytes());
            field(&mut exact, value.as_bytes());
        }
        let content_type = request.header("content-type").unwrap_or_default();
        let mut shape = exact.clone();
        field(&mut exact, content_type.as_bytes());
        match Body::of(content_type, &request.body) {
            Body::Json(mut value) => {
                field(&mut exact, &json::canonical(&value));
                field(&mut shape, content_type.as_bytes());
                flatten(&mut value, "", clock);
                field(&mut shape, &json::canonical(&value));
            }
            Body::Form(pairs) => {
                field(&mut shape, content_type.as_bytes());
                for (name, value) in pairs {
                    field(&mut exact, name.as_bytes());
                    field(&mut exact, value.as_bytes());
                    field(&mut shape, name.as_bytes());
                    let flat = if volatile::number(&value, &name, clock) {
                        PLACEHOLDER.to_owned()
                    } else {
                        flat(&value, clock)
                    };
                    field(&mut shape, flat.as_bytes());
                }
            }
            Body::Multipart(boundary) => {
                field(&mut exact, &request.body);
                field(
                    &mut shape,
                    content_type.replace(&boundary, PLACEHOLDER).as_bytes(),
                );
                field(&mut shape, &without(&request.body, boundary.as_bytes()));
            }
            Body::Text(text) => {
                field(&mut exact, text.as_bytes());
                field(&mut shape, content_type.as_bytes());
                field(&mut shape, flat(text, clock).as_bytes());
            }
            Body::Bytes => {
                field(&mut exact, &request.body);
                field(&mut shape, content_type.as_bytes());
                field(&mut shape, &request.body);
            }
        }
        Self {
            exact: Sha256::digest(&exact).into(),
            shape: Sha256::digest(&shape).into(),
        }
    }
}

/// With its length before it, so that no two sequences of fields are the same bytes.
fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Sorted, since libraries build it from dictionaries; without what the catalogue calls secret or a signature.
fn sorted_query(request: &Request, catalogue: &Catalogue) -> Vec<(String, String)> {
    let pairs = request.url.query_pairs().into_owned();
    let mut query: Vec<_> = pairs
        .filter(|(name, _)| !catalogue.is_secret_parameter(name))
        .collect();
    query.sort();
    query
}

enum Body<'a> {
    Json(Value),
    Form(Vec<(String, String)>),
    Multipart(String),
    Text(&'a str),
    Bytes,
}

impl<'a> Body<'a> {
    fn of(content_type: &str, body: &'a [u8]) -> Self {
        let kind = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let looks_like_json = matches!(body.first(), Some(b'{' | b'['));
        if (kind.ends_with("json") || looks_like_json)
            && let Ok(value) = json::parse(body, LIMITS)
        {
            return Self::Json(value);
        }
        if kind == "application/x-www-form-urlencoded" {
            let mut pairs: Vec<_> = url::form_urlencoded::parse(body).into_owned().collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0)); // stable: values of one name keep their order
            return Self::Form(pairs);
        }
        if let Some(boundary) = multipart_boundary(content_type) {
            return Self::Multipart(boundary);
        }
        std::str::from_utf8(body).map_or(Self::Bytes, Self::Text)
    }
}

fn multipart_boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let named = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then(|| value.to_owned())
    };
    parameters.split(';').find_map(named)
}

/// A body with its boundaries taken out.
fn without(body: &[u8], boundary: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.windows(boundary.len()).position(|window| window == boundary) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(PLACEHOLDER.as_bytes());
        rest = &rest[at + boundary.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Replaces the volatile tokens in every leaf.
fn flatten(value: &mut Value, key: &str, clock: Timestamp) {
    match value {
        Value::String(text) => {
            if !volatile::tokens(text, clock).is_empty() {
                *text = flat(text, clock);
            }
        }
        Value::Number(number) => {
            if volatile::number(&number.to_string(), key, clock) {
                *value = Value::String(PLACEHOLDER.to_owned());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| flatten(item, key, clock)),
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(key, item)| flatten(item, key, clock)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn flat(text: &str, clock: Timestamp) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for token in volatile::tokens(text, clock) {
        out.push_str(&text[from..token.start]);
        out.push_str(PLACEHOLDER);
        from = token.end;
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_600_800 + 60 * minute).unwrap()
    }

    fn of(url: &str, headers: &[(&str, &str)], body: &str, minute: i64) -> Fingerprint {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let request = Request::new("POST", url, headers, body.as_bytes().to_vec()).unwrap();
        Fingerprint::of(&request, Catalogue::shipped(), clock(minute))
    }

    fn json(body: &str, minute: i64) -> Fingerprint {
        of(
            "https://crm.example.com/notes",
            &[("Content-Type", "application/json")],
            body,
            minute,
        )
    }

    const AT: &str = "https://crm.example.com/notes";

    #[test]
    fn the_order_of_keys_and_who_asks_make_no_difference() {
        assert_eq!(json(r#"{"a":1,"b":[2]}"#, 0), json(r#"{ "b": [2], "a": 1 }"#, 0));
        assert_ne!(json(r#"{"a":1}"#, 0).exact, json(r#"{"a":1.0}"#, 0).exact);
        let one = of(
            &format!("{AT}?b=2&a=1&access_token=x"),
            &[("Authorization", "Bearer 1"), ("Date", "now")],
            "",
            0,
        );
        let other = of(
            &format!("{AT}?a=1&access_token=y&b=2"),
            &[("authorization", "Bearer 2"), ("traceparent", "t")],
            "",
            0,
        );
        assert_eq!(one, other);
    }

    #[test]
    fn what_it_is_about_makes_a_difference() {
        assert_ne!(
            of(AT, &[("If-Match", "1")], "", 0).exact,
            of(AT, &[("If-Match", "2")], "", 0).exact
        );
        assert_ne!(
            of(AT, &[("Idempotency-Key", "1")], "", 0).shape,
            of(AT, &[("Idempotency-Key", "2")], "", 0).shape
        );
        assert_ne!(
            of(AT, &[], "a", 0).exact,
            of("https://crm.example.com/note", &[], "a", 0).exact
        );
        assert_ne!(
            of(&format!("{AT}?a=1&b="), &[], "", 0).exact,
            of(&format!("{AT}?a=&b=1"), &[], "", 0).exact
        );
    }

    #[test]
    fn the_time_of_the_attempt_changes_the_hash_and_not_the_shape() {
        let one = json(
            r#"{"text":"hi","at":"2026-11-25T10:00:00.1Z","call":{"duration_s":1.5}}"#,
            0,
        );
        let other = json(
            r#"{"text":"hi","at":"2026-11-25T10:30:00.9Z","call":{"duration_s":2.25}}"#,
            30,
        );
        assert_ne!(one.exact, other.exact);
        assert_eq!(one.shape, other.shape);
        let data = json(
            r#"{"text":"hi","at":"2026-11-26T10:30:00.9Z","call":{"duration_s":2.25}}"#,
            30,
        );
        assert_ne!(one.shape, data.shape, "a time that is not this attempt's is data");
    }

    #[test]
    fn forms_and_texts_have_shapes_too() {
        let form = |body: &str, minute| {
            of(
                AT,
                &[("content-type", "application/x-www-form-urlencoded")],
                body,
                minute,
            )
        };
        assert_eq!(form("b=2&a=1", 0), form("a=1&b=2", 0));
        assert_ne!(form("a=1&a=2", 0).exact, form("a=2&a=1", 0).exact);
        assert_eq!(
            form("a=1&t=1795600801", 0).shape,
            form("a=1&t=1795602601", 30).shape
        );
        let xml = |body: &str, minute| of(AT, &[("content-type", "text/xml")], body, minute);
        let one = xml("<m><at>2026-11-25T10:00:00Z</at></m>", 0);
        assert_eq!(one.shape, xml("<m><at>2026-11-25T10:30:00Z</at></m>", 30).shape);
        assert_ne!(one.exact, xml("<m><at>2026-11-25T10:30:00Z</at></m>", 30).exact);
    }

    #[test]
    fn a_boundary_is_no_content() {
        let multipart = |boundary: &str, text: &str| {
            let kind = format!("multipart/form-data; boundary={boundary}");
            let body = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n{text}\r\n--{boundary}--\r\n"
            );
            of(AT, &[("Content-Type", &kind)], &body, 0)
        };
        assert_eq!(multipart("aaaa1111", "x").shape, multipart("bbbb22", "x").shape);
        assert_ne!(multipart("aaaa1111", "x").exact, multipart("bbbb22", "x").exact);
        assert_ne!(multipart("aaaa1111", "x").shape, multipart("aaaa1111", "y").shape);
    }
}
