//! What user code asks for, and what of it may be sent.

mod demands;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use domain::effect::Trouble;
use domain::{Environment, ProjectName};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri};
use url::{Host, Url};

use crate::failure::Failure;

pub use demands::{Demands, Trust};

/// How long one request may take in all, whatever its library allows.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Bytes of a URL: what widely used servers take.
pub const URL_LIMIT: usize = 16 * 1024;
/// Bytes of a host's name (RFC 1035 §2.3.4).
const NAME_LIMIT: usize = 253;
/// Headers of a request.
pub const HEADERS_LIMIT: usize = 256;
/// Bytes of all headers of a request, names and values.
pub const HEADER_BYTES_LIMIT: usize = 128 * 1024;
/// Bytes of a request's body.
pub const REQUEST_BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Methods that are not for user code: a tunnel goes past every rule, and an echo shows what proxies add.
const METHODS_REFUSED: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// What a message says of the connection it goes over, and of its own framing (RFC 9110 §7.6.1): this connection is ours.
const HEADERS_OF_THE_CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host", // made of the URL, after it was compared with it
];

/// How long the parts of a request may take, as its library was told. They hold for one try; of each no more
/// than [`REQUEST_LIMIT`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOuts {
    /// From nothing to a connection that is ready, encryption included.
    pub connect: Duration,
    /// Between two signs of life, once connected.
    pub read: Duration,
    /// All of it.
    pub total: Duration,
}

impl TimeOuts {
    fn within_limits(self) -> Self {
        Self {
            connect: self.connect.min(REQUEST_LIMIT),
            read: self.read.min(REQUEST_LIMIT),
            total: self.total.min(REQUEST_LIMIT),
        }
    }
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            read: REQUEST_LIMIT,
            total: REQUEST_LIMIT,
        }
    }
}

/// Who may share a connection. What one knows of the other side (an identity of TLS, a logged-in connection, a session to
/// resume) is never used for the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compartment {
    /// The project whose code asks.
    pub project: ProjectName,
    /// Where it runs.
    pub environment: Environment,
    /// A digest of the secrets that the request is made with; zeros if there are none.
    pub secrets: [u8; 32],
}

/// A request as user code asks for it: nothing is checked yet.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// In the order in which they are sent; names may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
    /// How long it may take.
    pub time_outs: TimeOuts,
    /// A write: it takes no connection that may have gone stale.
    pub must_be_fresh: bool,
    /// Whose connections it may use.
    pub compartment: Compartment,
    /// What the code says of the connection.
    pub demands: Demands,
}

/// A request that may be sent, as far as can be told without looking at the network.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    /// Path and query, spelt as they were asked for: signatures are made over the spelling.
    pub(crate) target: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) time_outs: TimeOuts,
    pub(crate) must_be_fresh: bool,
    pub(crate) compartment: Compartment,
    pub(crate) demands: Demands,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether by TLS.
    pub is_https: bool,
    /// A name in ASCII, lower case, or an address in its one spelling.
    pub host: Host<String>,
    /// The port, the scheme's own if none was given.
    pub port: u16,
}

impl Origin {
    /// The host without brackets.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// What stands in `Host`: the port only where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let own = if self.is_https { 443 } else { 80 };
        if self.port == own {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub(crate) const fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

impl Asked {
    /// Checks what can be checked without the network.
    ///
    /// # Errors
    /// `malformed`: it cannot be sent as HTTP. `forbidden`: it may not be. Both before anything left.
    pub fn check(self) -> Result<Outgoing, Failure> {
        let method = method(&self.method)?;
        let url = parse(&self.url)?;
        let origin = origin(&url)?;
        let target = target(&self.url, &url)?;
        let mut headers = headers(&self.headers, &origin)?;
        if self.body.len() > REQUEST_BODY_LIMIT {
            let length = self.body.len();
            return Err(malformed(&format!(
                "the body has {length} bytes; {REQUEST_BODY_LIMIT} may be sent at once"
            )));
        }
        let always_tells_length = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        if !self.body.is_empty() || always_tells_length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        Ok(Outgoing {
            method,
            origin,
            target,
            headers,
            body: self.body,
            time_outs: self.time_outs.within_limits(),
            must_be_fresh: self.must_be_fresh,
            compartment: self.compartment,
            demands: self.demands,
        })
    }
}

impl Outgoing {
    /// Where it goes.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The absolute form, as a proxy and HTTP/2 want it.
    pub(crate) fn absolute(&self) -> Result<Uri, Failure> {
        Uri::builder()
            .scheme(self.origin.scheme())
            .authority(self.origin.authority())
            .path_and_query(self.target.clone())
            .build()
            .map_err(|e| malformed(&format!("the URL for {} cannot be sent: {e}", self.origin)))
    }
}

fn malformed(message: &str) -> Failure {
    Failure::new(Trouble::Malformed, message)
}

fn forbidden(message: &str) -> Failure {
    Failure::new(Trouble::Forbidden, message)
}

fn method(asked: &str) -> Result<Method, Failure> {
    if METHODS_REFUSED
        .iter()
        .any(|refused| asked.eq_ignore_ascii_case(refused))
    {
        return Err(forbidden(&format!("the method {asked} is not for user code")));
    }
    Method::from_bytes(asked.as_bytes()).map_err(|_| malformed("the method is not a token of HTTP"))
}

fn parse(asked: &str) -> Result<Url, Failure> {
    if asked.len() > URL_LIMIT {
        let length = asked.len();
        return Err(malformed(&format!(
            "the URL has {length} bytes; {URL_LIMIT} are the limit"
        )));
    }
    // The parser drops tabs and line ends, as browsers do: what is sent would not be what was asked for.
    if asked.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(malformed(
            "the URL holds a space or a control character: percent-encode it",
        ));
    }
    let url = Url::parse(asked).map_err(|e| malformed(&format!("the URL cannot be read: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(forbidden(&format!(
            "the scheme {} is not for user code: http and https are",
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed(
            "the URL holds a user name or password: send them as an Authorization header",
        ));
    }
    Ok(url)
}

fn origin(url: &Url) -> Result<Origin, Failure> {
    let host = url.host().ok_or_else(|| malformed("the URL names no host"))?;
    if let Host::Domain(name) = host
        && !is_name(name)
    {
        return Err(malformed("the URL's host holds what no name of a host holds"));
    }
    let port = url
        .port_or_known_default()
        .filter(|port| *port != 0)
        .ok_or_else(|| malformed("the URL names port 0"))?;
    Ok(Origin {
        is_https: url.scheme() == "https",
        host: host.to_owned(),
        port,
    })
}

/// Letters, digits, `-`, `.`, and the `_` that some names have against the rule. URLs allow more, of which each reader makes
/// something else.
fn is_name(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    name.len() <= NAME_LIMIT && name.bytes().all(is_usual)
}

/// Path and query as they were spelt; as the parser spells them only where the spelling cannot be sent.
fn target(asked: &str, url: &Url) -> Result<PathAndQuery, Failure> {
    let rest = asked
        .split_once("://")
        .map(|(_, rest)| rest)
        .filter(|rest| !rest.starts_with(['/', '\\']))
        .ok_or_else(|| malformed("the URL does not begin with scheme, ://, and a host"))?;
    let from = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let spelt = rest[from..].split('#').next().unwrap_or_default();
    let spelt = if spelt.starts_with('/') {
        spelt.to_owned()
    } else {
        format!("/{spelt}")
    };
    if spelt.is_ascii()
        && !spelt.contains('\\')
        && let Ok(target) = PathAndQuery::try_from(spelt)
    {
        return Ok(target);
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    PathAndQuery::try_from(format!("{}{query}", url.path()))
        .map_err(|_| malformed("the path or query of the URL cannot be sent: percent-encode it"))
}

fn headers(asked: &[(String, Vec<u8>)], origin: &Origin) -> Result<HeaderMap, Failure> {
    let bytes: usize = asked.iter().map(|(name, value)| name.len() + value.len()).sum();
    if asked.len() > HEADERS_LIMIT || bytes > HEADER_BYTES_LIMIT {
        let count = asked.len();
        return Err(malformed(&format!(
            "{count} headers of {bytes} bytes; {HEADERS_LIMIT} of {HEADER_BYTES_LIMIT} are the limit"
        )));
    }
    let mut headers = HeaderMap::with_capacity(asked.len() + 2);
    headers.insert(header::HOST, host_value(origin)?);
    for (name, value) in asked {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| malformed("a header's name holds what no name may hold"))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            malformed(&format!(
                "the header {name} holds a line end or another control character"
            ))
        })?;
        if name == header::HOST && !names(&value, origin) {
            return Err(forbidden(&format!(
                "the Host header names another host than the URL, which goes to {origin}"
            )));
        }
        if !HEADERS_OF_THE_CONNECTION.contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

fn host_value(origin: &Origin) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(origin.authority()).map_err(|_| malformed("the URL's host cannot be sent"))
}

/// Whether a `Host` header says where the request goes anyway, in whatever spelling.
fn names(value: &HeaderValue, origin: &Origin) -> bool {
    let Ok(text) = value.to_str() else { return false };
    if text.contains(['/', '\\', '?', '#', '@']) {
        return false;
    }
    let said = Url::parse(&format!("{}://{text}/", origin.scheme()));
    said.is_ok_and(|said| {
        said.host().map(|host| host.to_owned()).as_ref() == Some(&origin.host)
            && said.port_or_known_default() == Some(origin.port)
    })
}

#[cfg(test)]
mod tests;
