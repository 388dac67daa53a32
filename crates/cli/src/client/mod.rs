//! The HTTP API, from this end: over the socket in the data folder, or to a server's address with a key.

mod connection;
mod problem;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use domain::Code;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::configuration::Configuration;
use crate::error::CliError;
use connection::{Connections, Target};

pub use problem::{details as problem_details, from_answer as problem};

/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);
/// How long it may take to deploy: packages are found and installed, each within `dependencies.timeout_s`, and the project is
/// imported.
const DEPLOY_TIMEOUT: Duration = Duration::from_secs(2 * 3_600 + 180);
/// The wait that a 503 means where it does not say one.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest wait that a 503 can impose.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// How long the server asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        let said = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        said.map_or(DEFAULT_RETRY_AFTER, Duration::from_secs)
            .min(MAX_RETRY_AFTER)
    }

    /// The body, as what it should be.
    ///
    /// # Errors
    /// The problem that the server told, if it did; `AC0801` for anything that is not one of our documents.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Box<CliError>> {
        if !self.status.is_success() {
            return Err(problem(self));
        }
        deep(&self.body).map_err(|error| {
            CliError::fault(
                Code::ServerUnreachable,
                format!("the server's answer cannot be read: {error}"),
                "compare `aftercall version` here and there: the two may be too far apart",
            )
        })
    }
}

/// Reads what a server wrote, as deep as it is: a state may nest deeper than the reader's own limit, and was bounded there.
fn deep<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    reader.disable_recursion_limit();
    T::deserialize(&mut reader)
}

/// A server's API.
#[derive(Debug)]
pub struct Client {
    connections: Connections,
    key: Option<HeaderValue>,
}

impl Client {
    /// The server that the configuration names: by address, else the one that uses the data folder.
    ///
    /// # Errors
    /// `AC0803` for an address, a key or a file of authorities that cannot be used.
    pub fn new(configuration: &Configuration) -> Result<Self, Box<CliError>> {
        let target = match configuration.text("server") {
            Some(address) => Target::parse(address)?,
            None => Target::Socket(configuration.data_folder()?.join(api::SOCKET_NAME)),
        };
        let key = configuration.text("key").map(|key| {
            let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| {
                CliError::usage(
                    Code::BadConfiguration,
                    "the API key holds characters that no key has",
                    "copy it again",
                )
            })?;
            value.set_sensitive(true);
            Ok::<_, Box<CliError>>(value)
        });
        Ok(Self {
            connections: Connections::new(target, configuration.path("ca_file"))?,
            key: key.transpose()?,
        })
    }

    /// What it talks to, for messages.
    #[must_use]
    pub fn target(&self) -> String {
        self.connections.target().to_string()
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// As [`Self::send`], and the problem that the server tells.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Box<CliError>> {
        self.send(Method::GET, path, None, Bytes::new()).await?.read()
    }

    /// Hands in a document, gets one back.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post<Q: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Q,
    ) -> Result<T, Box<CliError>> {
        let body = serde_json::to_vec(body).map_err(|error| {
            CliError::fault(
                Code::Internal,
                format!("the request cannot be written: {error}"),
                "please report this",
            )
        })?;
        self.send(Method::POST, path, Some("application/json"), body.into())
            .await?
            .read()
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `AC0801` if there was no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Result<Answer, Box<CliError>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.connections.target().host())
            .header(USER_AGENT, concat!("aftercall/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "application/json");
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let patience = match content_type {
            Some(api::TAR) => DEPLOY_TIMEOUT,
            _ => ANSWER_TIMEOUT,
        };
        let request = request.body(Full::new(body)).map_err(|error| {
            CliError::fault(
                Code::Internal,
                format!("the request cannot be made: {error}"),
                "please report this",
            )
        })?;
        match tokio::time::timeout(patience, self.connections.send(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CliError::fault(
                Code::ServerUnreachable,
                format!("{} did not answer within {} s", self.target(), patience.as_secs()),
                "look at the server's log, then try again: what was sent twice is taken once",
            )),
        }
    }
}

/// A path with a query: values that are not there are left out, all are escaped.
#[must_use]
pub fn query(path: &str, values: &[(&str, Option<String>)]) -> String {
    let mut text = path.to_owned();
    let given = values
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    for (index, (name, value)) in given.enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&escape(value));
    }
    text
}

/// A text as one part of a path or query: everything but letters, digits and `-_.~` escaped.
#[must_use]
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_id_holds_stays_one_part_of_the_path() {
        assert_eq!(escape("a/b?c=d&e #f%é"), "a%2Fb%3Fc%3Dd%26e%20%23f%25%C3%A9");
        let values = [
            ("a", Some("1".to_owned())),
            ("b", None),
            ("c", Some("x y".to_owned())),
        ];
        assert_eq!(query("/v1/runs", &values), "/v1/runs?a=1&c=x%20y");
    }
}
