//! Query parameters: each known by name, given once, and parsed with an error that names it.
//!
//! A parameter that a route does not know is refused, not ignored: `?enviroment=live` must not mean sandbox.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;

use crate::problem::{ApiError, ApiResult, bad_field};

/// Below this likeness (Jaro–Winkler, 0 to 1) a name is no typing error of another.
const LIKENESS_MIN: f64 = 0.8;

/// What a path names: the part of it that the route leaves open.
#[derive(Debug)]
pub(crate) struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(bad_field(
                "The path",
                parts.uri.path(),
                "an id in percent-encoded UTF-8",
                "Encode each byte of the id that is no letter or digit as %XX.",
            )),
        }
    }
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default().to_owned();
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(bad_field(
                "?",
                &query,
                "name=value pairs, percent-encoded",
                "Encode the query string.",
            )),
        }
    }
}

/// The query of a request that takes no parameter.
pub(crate) struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Params::from_request_parts(parts, state).await?.only(&[])?;
        Ok(Self)
    }
}

impl Params {
    /// Refuses any parameter that is not one of these, and any that is given twice.
    pub fn only(&self, known: &[&str]) -> ApiResult<()> {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let path = format!("?{name}");
            if !known.contains(&name.as_str()) {
                let fix = match closest(name, known) {
                    Some(close) => format!("Write ?{close}= instead."),
                    None => "Leave it out.".to_owned(),
                };
                let expected = match known {
                    [] => "no parameter".to_owned(),
                    _ => format!("one of {}", known.join(", ")),
                };
                return Err(bad_field(&path, name, &expected, &fix));
            }
            if self.0[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(bad_field(&path, value, "one value", "Give it once."));
            }
        }
        Ok(())
    }

    /// The text of one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// One, parsed.
    pub fn get<T: FromStr>(&self, name: &str, expected: &str) -> ApiResult<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(bad_field(
                &format!("?{name}"),
                text,
                expected,
                "Correct it, or leave it out.",
            )),
        }
    }

    /// One that lists several, parsed.
    pub fn list<T: FromStr>(&self, name: &str, expected: &str) -> ApiResult<Vec<T>> {
        let Some(text) = self.text(name) else {
            return Ok(Vec::new());
        };
        text.split(',')
            .map(|part| {
                part.parse().map_err(|_| {
                    bad_field(
                        &format!("?{name}"),
                        part,
                        expected,
                        "Correct it; several are separated by commas.",
                    )
                })
            })
            .collect()
    }
}

fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|word| (strsim::jaro_winkler(name, word), *word))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
