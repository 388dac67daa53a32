//! A setting's value: read as text or from a file, and checked.

use std::fmt;

use serde::Serialize;

use super::keys::{Key, Kind};

/// A value that fits its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Text, or one of a few words.
    Text(String),
    /// A whole number.
    Number(u64),
    /// `true` or `false`.
    Switch(bool),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Switch(on) => write!(f, "{on}"),
            Self::List(all) => f.write_str(&all.join(", ")),
        }
    }
}

/// What a value of this kind has to look like.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Number(min, max) => format!("a whole number from {min} to {max}"),
        Kind::Choice(words) => format!("one of {}", words.join(", ")),
        Kind::Switch => "true or false".to_owned(),
        Kind::List => "a list of texts".to_owned(),
        Kind::Certificates => {
            "a table: \"crm.example.com\" = { certificate = \"crm.pem\", key = \"crm.key\" }".to_owned()
        }
    }
}

/// Reads what a flag or a variable says. `None` if it does not fit.
pub(super) fn from_text(key: &Key, text: &str) -> Option<Value> {
    match key.kind {
        Kind::Text => Some(Value::Text(text.to_owned())),
        Kind::Number(min, max) => text
            .parse()
            .ok()
            .filter(|number| (min..=max).contains(number))
            .map(Value::Number),
        Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
        Kind::Switch => match text {
            "true" | "1" | "yes" => Some(Value::Switch(true)),
            "false" | "0" | "no" => Some(Value::Switch(false)),
            _ => None,
        },
        Kind::List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::List(parts.map(str::to_owned).collect()))
        }
        Kind::Certificates => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let all: Vec<_> = parts.map(str::to_owned).collect();
            let fits = all.iter().all(|one| certificate(one).is_some());
            fits.then_some(Value::List(all))
        }
    }
}

/// A client certificate as text, `HOST=CERTIFICATE:KEY`: the host, and the two files.
pub(crate) fn certificate(text: &str) -> Option<(&str, &str, &str)> {
    let (host, files) = text.split_once('=')?;
    let (certificate, key) = files.split_once(':')?;
    let all = [host, certificate, key];
    let fits = all.iter().all(|part| !part.is_empty()) && !key.contains(':');
    fits.then_some((host, certificate, key))
}

/// One of a file's table, as text.
fn certificate_text(host: &str, files: &toml::Value) -> Option<String> {
    let files = files.as_table().filter(|files| files.len() == 2)?;
    let file = |name: &str| files.get(name).and_then(toml::Value::as_str);
    let text = format!("{host}={}:{}", file("certificate")?, file("key")?);
    certificate(&text)
        .filter(|_| !text.contains(','))
        .is_some()
        .then_some(text)
}

/// Reads what a file says. `None` if it does not fit.
pub(super) fn from_toml(key: &Key, value: &toml::Value) -> Option<Value> {
    match (key.kind, value) {
        (Kind::Text | Kind::Choice(_), toml::Value::String(text)) => from_text(key, text),
        (Kind::Number(..), toml::Value::Integer(number)) => from_text(key, &number.to_string()),
        (Kind::Switch, toml::Value::Boolean(on)) => Some(Value::Switch(*on)),
        (Kind::List | Kind::Certificates, toml::Value::String(text)) => from_text(key, text),
        (Kind::List, toml::Value::Array(all)) => {
            let texts: Option<Vec<_>> = all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            texts.map(Value::List)
        }
        (Kind::Certificates, toml::Value::Table(hosts)) => {
            let texts = hosts.iter().map(|(host, files)| certificate_text(host, files));
            texts.collect::<Option<_>>().map(Value::List)
        }
        _ => None,
    }
}
