//! A request as a child asks for it, and where it goes.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest URL, bytes: what widely used servers take.
pub const MAX_URL: usize = 16 * 1024;
/// The longest path that an endpoint shows, bytes.
const MAX_ENDPOINT_PATH: usize = 512;

/// A request, whole: it is known to its last byte before anything of it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// `http` or `https`, without a fragment.
    pub url: Url,
    /// The URL as it was asked for: signatures are made over the spelling.
    pub spelled: String,
    /// As user code's library wrote them, in order.
    pub headers: Vec<(String, String)>,
    /// To its last byte.
    pub body: Vec<u8>,
}

/// A request that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRequest(pub String);

impl Request {
    /// Takes what a child wrote.
    ///
    /// # Errors
    /// The method is not a token, the URL is none of `http` or `https`, or too long.
    pub fn new(
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Result<Self, BadRequest> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if method.is_empty() || method.len() > 32 || !method.chars().all(is_token) {
            return Err(BadRequest(format!("{method:?} is not an HTTP method")));
        }
        if url.len() > MAX_URL {
            return Err(BadRequest(format!(
                "a URL of {} bytes: at most {MAX_URL} are sent",
                url.len()
            )));
        }
        // It is not quoted: it may hold a password.
        let mut parsed =
            Url::parse(url).map_err(|error| BadRequest(format!("the URL is not one: {error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(BadRequest(format!(
                "{}: only http and https are sent",
                parsed.scheme()
            )));
        }
        parsed.set_fragment(None);
        Ok(Self {
            method: method.to_ascii_uppercase(),
            url: parsed,
            spelled: url.to_owned(),
            headers,
            body,
        })
    }

    /// The first header of this name, without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let of_name = |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        self.headers.iter().find(of_name).map(|(_, value)| value.as_str())
    }

    /// `scheme://host:port`, the port only where it is not the scheme's own.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The host, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// What kind of request it is: where it goes, without who it is about.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let mut path = String::new();
        for segment in self.url.path().split('/').skip(1) {
            path.push('/');
            path.push_str(&collapsed(segment));
        }
        truncate(&mut path, MAX_ENDPOINT_PATH);
        if let Some(operation) = self.operation() {
            path.push('#');
            path.push_str(&operation);
        }
        Endpoint {
            method: self.method.clone(),
            origin: self.origin(),
            path,
        }
    }

    /// What services that have one path for everything name in a header: AWS's JSON services, SOAP.
    fn operation(&self) -> Option<String> {
        let named = self
            .header("x-amz-target")
            .or_else(|| self.header("soapaction"))?;
        let mut operation: String = named.trim_matches('"').to_owned();
        truncate(&mut operation, 128);
        (!operation.is_empty()).then_some(operation)
    }
}

fn truncate(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = (0..=bytes)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
    }
}

/// A path's segment, with `{id}` in place of what names one object: anything with a digit that is no version (`v3`,
/// `v59.0`), and addresses. Two endpoints taken for one only make a run more careful.
fn collapsed(segment: &str) -> String {
    let (stem, extension) = match segment.rsplit_once('.') {
        Some((stem, extension)) if matches!(extension, "json" | "xml" | "csv") => (stem, Some(extension)),
        _ => (segment, None),
    };
    let version = stem.strip_prefix(['v', 'V']).is_some_and(|rest| {
        !rest.is_empty() && rest.len() <= 5 && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    let names_one = stem.contains('@') || stem.contains("%40") || stem.bytes().any(|b| b.is_ascii_digit());
    if version || !names_one {
        return segment.to_owned();
    }
    extension.map_or_else(|| "{id}".to_owned(), |extension| format!("{{id}}.{extension}"))
}

/// A kind of request: method, origin, and path with the identifiers in it collapsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// In capitals.
    pub method: String,
    /// `https://api.example.com`.
    pub origin: String,
    /// `/contacts/{id}`, and behind `#` the operation where a header names one.
    pub path: String,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.origin, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(method: &str, url: &str) -> String {
        Request::new(method, url, Vec::new(), Vec::new())
            .unwrap()
            .endpoint()
            .to_string()
    }

    #[test]
    fn an_endpoint_is_the_path_without_who_it_is_about() {
        for (url, path) in [
            (
                "https://api.hubapi.com/crm/v3/objects/contacts/151",
                "/crm/v3/objects/contacts/{id}",
            ),
            (
                "https://x.my.salesforce.com/services/data/v59.0/sobjects/Case/5003000000D8cuI",
                "/services/data/v59.0/sobjects/Case/{id}",
            ),
            (
                "https://acme.zendesk.com/api/v2/tickets/35436.json?x=1#top",
                "/api/v2/tickets/{id}.json",
            ),
            (
                "https://api.example.com/users/jo%40example.com/notes",
                "/users/{id}/notes",
            ),
            ("https://api.example.com", "/"),
        ] {
            let origin = Url::parse(url).unwrap().origin().ascii_serialization();
            assert_eq!(endpoint("post", url), format!("POST {origin}{path}"));
        }
    }

    #[test]
    fn services_with_one_path_are_told_apart_by_what_they_are_asked_for() {
        let put = |target: &str| {
            let headers = vec![("X-Amz-Target".to_owned(), target.to_owned())];
            Request::new(
                "POST",
                "https://dynamodb.eu-west-1.amazonaws.com/",
                headers,
                Vec::new(),
            )
            .unwrap()
            .endpoint()
        };
        assert_eq!(
            put("DynamoDB_20120810.PutItem").path,
            "/#DynamoDB_20120810.PutItem"
        );
        assert_ne!(put("A"), put("B"));
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_reason() {
        for (method, url) in [
            ("GET", "ftp://example.com/"),
            ("G T", "http://example.com/"),
            ("GET", "/relative"),
            ("", "http://a/"),
        ] {
            assert!(
                Request::new(method, url, Vec::new(), Vec::new()).is_err(),
                "{method} {url}"
            );
        }
        let long = format!("http://a/{}", "x".repeat(MAX_URL));
        assert!(Request::new("GET", &long, Vec::new(), Vec::new()).is_err());
    }
}
