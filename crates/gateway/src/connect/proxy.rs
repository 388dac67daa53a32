//! The operator's forward proxy, and what goes past it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ProjectName;
use domain::effect::Trouble;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use url::{Host, Url};

use super::Stream;
use super::hosts::Hosts;
use crate::config::{BadOption, Section, WayOptions};
use crate::failure::Failure;
use crate::request::Origin;

/// A proxy for all hosts but some.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where it is.
    pub(super) origin: Origin,
    /// What it wants to see.
    pub(super) authorization: Option<HeaderValue>,
    /// What is reached without it.
    past: Hosts,
    section: Section,
}

/// The operator's proxy, or that there is none.
#[derive(Debug)]
pub(super) struct Forward {
    proxy: Option<Proxy>,
    section: Section,
}

impl Forward {
    pub(super) fn new(options: &WayOptions) -> Result<Self, BadOption> {
        Ok(Self {
            proxy: Proxy::new(options)?,
            section: options.proxy.section.clone(),
        })
    }

    /// The proxy by way of which a host is reached.
    pub(super) fn serving(&self, host: &Host<String>) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.serves(host))
    }

    /// Holds a proxy that code names against the operator's. Where it is the same, what the operator has for it holds: the user and
    /// password, and which hosts go past it.
    ///
    /// # Errors
    /// `forbidden`: it is another.
    pub(super) fn check(&self, named: &str, to: &Origin, project: &ProjectName) -> Result<(), Failure> {
        let host = to.name();
        let Some((named, url)) = Named::read(named) else {
            let message =
                format!("the proxy that the code names for {host} is no URL: http://host:port is one");
            return Err(Failure::new(Trouble::Forbidden, message));
        };
        let own = self.proxy.as_ref();
        if own.is_some_and(|own| own.origin == named.origin && named.scheme == "http") {
            return Ok(());
        }
        let goes = match own {
            Some(own) => format!("it goes by {}", own.origin),
            None => "there is none".to_owned(),
        };
        let section = match own {
            Some(_) => self.section.clone(),
            None => self.section.of_project(project),
        };
        Err(Failure::new(
            Trouble::Forbidden,
            format!(
                "the code names the proxy {url} for {host}. By which one a request leaves is the operator's to say, and {goes}. If it \
                 may go by this one, add to aftercall.toml:\n{section}\nproxy = \"{url}\""
            ),
        ))
    }
}

/// A proxy that code names.
struct Named {
    scheme: String,
    origin: Origin,
}

impl Named {
    /// With how it is told: its user and password are not.
    fn read(text: &str) -> Option<(Self, String)> {
        let url = Url::parse(text).ok()?;
        let scheme = url.scheme().to_owned();
        // Only of the usual schemes does the parser know how a host is written.
        let host = Host::parse(url.host_str()?).ok()?;
        let origin = Origin {
            is_https: false,
            host,
            port: url.port_or_known_default().unwrap_or(80),
        };
        let user = if url.username().is_empty() {
            ""
        } else {
            "USER:PASSWORD@"
        };
        let told = format!("{scheme}://{user}{}:{}", origin.host, origin.port);
        Some((Self { scheme, origin }, told))
    }
}

impl Proxy {
    /// The proxy of the options, if there is one.
    fn new(options: &WayOptions) -> Result<Option<Self>, BadOption> {
        let (text, section) = (&options.proxy.value, &options.proxy.section);
        if text.is_empty() {
            return Ok(None);
        }
        // The text is not repeated: it may hold a password.
        let bad = |problem: &str| {
            BadOption::new(
                section,
                "proxy",
                format!("{problem}: http://host:port is expected"),
            )
        };
        let url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
        if url.scheme() != "http" {
            return Err(bad("it is spoken to by plain HTTP"));
        }
        let host = url.host().ok_or_else(|| bad("it names no host"))?.to_owned();
        let port = url.port().unwrap_or(80);
        let authorization = (!url.username().is_empty()).then(|| basic(&url)).transpose();
        Ok(Some(Self {
            origin: Origin {
                is_https: false,
                host,
                port,
            },
            authorization: authorization.map_err(|_| bad("its user or password cannot be sent"))?,
            past: Hosts::read(&options.no_proxy.value),
            section: section.clone(),
        }))
    }

    /// Whether a host is reached by way of it.
    fn serves(&self, host: &Host<String>) -> bool {
        !self.past.hold(host)
    }

    /// A way through it, to the host's own end.
    pub(super) async fn tunnel(&self, io: Box<dyn Stream>, to: &Origin) -> Result<Box<dyn Stream>, Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(
                Trouble::Unreachable,
                format!("the proxy {} gave no way to {}: {error}", self.origin, to.name()),
            )
        };
        let place = format!("{}:{}", to.host, to.port);
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(place.parse::<Uri>().map_err(|e| broken(&e))?)
            .header(HOST, &place);
        if let Some(authorization) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|e| broken(&e))?;
        let (mut sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(io))
            .await
            .map_err(|e| broken(&e))?;
        let connection = tokio::spawn(connection.with_upgrades());
        let answer = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = answer.status();
        if status.is_success() {
            let upgraded = hyper::upgrade::on(answer).await.map_err(|e| broken(&e))?;
            return Ok(Box::new(TokioIo::new(upgraded)));
        }
        connection.abort();
        // It is there and says no: that is a rule of the house. A failure of its own (5xx) passes.
        let is_rule = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        let trouble = if is_rule {
            Trouble::Forbidden
        } else {
            Trouble::Unreachable
        };
        let mut message = format!(
            "the proxy {} answered {status} when asked for a way to {}",
            self.origin,
            to.name()
        );
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            let (section, place) = (&self.section, self.origin.authority());
            message += &format!(
                ". Who it lets through stands in aftercall.toml:\n{section}\nproxy = \"http://USER:PASSWORD@{place}\""
            );
        }
        Err(Failure::new(trouble, message))
    }
}

fn basic(url: &Url) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let decoded = |text: &str| -> Vec<u8> {
        url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned().into_bytes())
            .unwrap_or_default()
    };
    let mut plain = decoded(url.username());
    plain.push(b':');
    plain.extend(decoded(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain)))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GatewayOptions;

    #[test]
    fn what_goes_past_the_proxy_is_told_by_name_and_by_network() {
        let options = GatewayOptions {
            proxy: "http://user:p%40ss@proxy.example:3128".to_owned(),
            no_proxy: ["internal.example", ".dot.example", "10.0.0.0/8"]
                .map(str::to_owned)
                .to_vec(),
            ..GatewayOptions::default()
        };
        let proxy = Proxy::new(&options.way_of_all()).unwrap().unwrap();
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic dXNlcjpwQHNz");
        for (url, serves) in [
            ("http://internal.example", false),
            ("http://a.internal.example", false),
            ("http://notinternal.example", true),
            ("http://x.dot.example", false),
            ("http://10.1.2.3", false),
            ("http://11.1.2.3", true),
            ("http://public.example", true),
        ] {
            let host = Url::parse(url).unwrap().host().unwrap().to_owned();
            assert_eq!(proxy.serves(&host), serves, "{url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_is_told_without_its_password() {
        let options = GatewayOptions {
            proxy: "https://user:hunter2@proxy.example".to_owned(),
            ..GatewayOptions::default()
        };
        let error = Proxy::new(&options.way_of_all()).unwrap_err().to_string();
        assert!(error.contains("proxy") && !error.contains("hunter2"), "{error}");
    }
}
