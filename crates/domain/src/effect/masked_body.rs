//! A body as people may see it.

use std::borrow::Cow;

use serde_json::Value;

use super::Catalogue;
use super::masked::{MASK, words};

/// What names a field that is a secret, as a whole word of it, beside those that a project names. Fewer words than in a query: a `code` or a
/// `key` in a body is an article's or a ticket's, as a rule.
const SECRET_WORDS: [&str; 8] = [
    "apikey",
    "authorization",
    "jwt",
    "passwd",
    "password",
    "pwd",
    "secret",
    "token",
];
/// The same, of two words: `api_key`, `privateKey`, `access-key`.
const SECRET_PAIRS: [(&str, &str); 3] = [("access", "key"), ("api", "key"), ("private", "key")];
/// A body of more bytes is shown as it is: nobody reads it through, and whoever asks may read conversations.
const MAX_MASKED: usize = 1024 * 1024;

impl Catalogue {
    /// The body with the values of secret fields masked, where it is JSON or a form; else, and where it holds none, as it was sent.
    #[must_use]
    pub fn masked_body<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        if body.len() > MAX_MASKED {
            return Cow::Borrowed(body);
        }
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => self.masked_json(body),
            Some(_) => self.masked_form(body),
            None => None,
        }
        .map_or(Cow::Borrowed(body), Cow::Owned)
    }

    fn names_secret_field(&self, name: &str) -> bool {
        let words: Vec<String> = words(name).collect();
        self.hides(name)
            || words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
            || words.windows(2).any(|pair| {
                SECRET_PAIRS
                    .iter()
                    .any(|(first, second)| pair[0] == *first && pair[1] == *second)
            })
    }

    fn masked_json(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut value = serde_json::from_slice(body).ok()?;
        self.mask(&mut value).then(|| value.to_string().into_bytes())
    }

    /// Whether there was something to mask.
    fn mask(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(items) => {
                items
                    .iter_mut()
                    .filter_map(|item| self.mask(item).then_some(()))
                    .count()
                    > 0
            }
            Value::Object(members) => members.iter_mut().fold(false, |any, (name, member)| {
                let is_secret = match member {
                    Value::String(text) => !text.is_empty() && self.names_secret_field(name),
                    Value::Number(_) => self.hides(name),
                    Value::Object(_) | Value::Array(_) if self.hides(name) => true,
                    _ => false,
                };
                if is_secret {
                    *member = Value::from(MASK);
                }
                is_secret || self.mask(member) || any
            }),
            _ => false,
        }
    }

    fn masked_form(&self, body: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(body).ok()?;
        let is_of_a_form = |byte: u8| byte.is_ascii_alphanumeric() || b"%&=+-._*~[]".contains(&byte);
        if !text.contains('=') || !text.bytes().all(is_of_a_form) {
            return None;
        }
        let mut any = false;
        let pairs: Vec<Cow<'_, str>> = text
            .split('&')
            .map(|pair| {
                let Some((name, value)) = pair.split_once('=') else {
                    return Cow::Borrowed(pair);
                };
                let spelled_out = url::form_urlencoded::parse(name.as_bytes()).next();
                let is_secret = spelled_out.is_some_and(|(name, _)| self.names_secret_field(&name));
                if !is_secret || value.is_empty() {
                    return Cow::Borrowed(pair);
                }
                any = true;
                Cow::Owned(format!("{name}={MASK}"))
            })
            .collect();
        any.then(|| pairs.join("&").into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_fields_are_masked_wherever_they_stand_and_nothing_else_is_changed() {
        let catalogue = Catalogue::with(Catalogue {
            redact: vec!["SSN".into(), "card".into()],
            ..Catalogue::default()
        });
        for (body, masked) in [
            (r#"{"a": 1, "key": "SUP-7"}"#, r#"{"a": 1, "key": "SUP-7"}"#),
            (
                r#"{"b": [{"clientSecret": "s", "tokens": 12}], "a": 1}"#,
                r#"{"b":[{"clientSecret":"***","tokens":12}],"a":1}"#,
            ),
            (
                r#"{"api_key":"s","apiKey":"s","password":""}"#,
                r#"{"api_key":"***","apiKey":"***","password":""}"#,
            ),
            (
                r#"{"ssn":123456789,"card":{"number":"4"},"n":1.50}"#,
                r#"{"ssn":"***","card":"***","n":1.50}"#,
            ),
            (
                "grant_type=x&client_secret=s%3D&ssn=1&empty_token=",
                "grant_type=x&client_secret=***&ssn=***&empty_token=",
            ),
            ("token=s and prose = as it is", "token=s and prose = as it is"),
            ("{\"token\": broken", "{\"token\": broken"),
            ("", ""),
        ] {
            let shown = catalogue.masked_body(body.as_bytes());
            assert_eq!(String::from_utf8_lossy(&shown), masked);
        }
    }
}
