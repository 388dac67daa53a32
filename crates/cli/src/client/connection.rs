//! One connection at a time, kept open between requests.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use domain::Code;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;

use super::Answer;
use super::tls::Trust;
use crate::error::CliError;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most of an answer that is read, bytes: a conversation and its run are far below.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// The port of an address that names none.
const HTTP_PORT: u16 = 80;
/// The same with TLS.
const HTTPS_PORT: u16 = 443;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A socket on this machine.
    Socket(PathBuf),
    /// A host and port, spoken to in clear.
    Host(String, u16),
    /// A host and port, spoken to by TLS.
    Secure(String, u16),
}

impl Target {
    /// Reads `http://HOST[:PORT]`, `https://HOST[:PORT]` or `unix:PATH`.
    pub(super) fn parse(address: &str) -> Result<Self, Box<CliError>> {
        let bad = |message: String, fix: &str| Err(CliError::usage(Code::BadConfiguration, message, fix));
        if let Some(path) = address.strip_prefix("unix:") {
            return Ok(Self::Socket(path.into()));
        }
        let example = "write it as https://HOST:PORT, http://HOST:PORT, or unix:PATH for a socket";
        let Ok(uri) = address.parse::<Uri>() else {
            return bad(format!("{address:?} is not a server's address"), example);
        };
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return bad(format!("{address:?} is not a server's address"), example),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return bad(format!("{address:?} holds more than a host and a port"), example);
        }
        let host = uri.host().map(str::to_owned);
        match (host, is_secure) {
            (Some(host), true) => Ok(Self::Secure(host, uri.port_u16().unwrap_or(HTTPS_PORT))),
            (Some(host), false) => Ok(Self::Host(host, uri.port_u16().unwrap_or(HTTP_PORT))),
            (None, _) => bad(format!("{address:?} names no host"), example),
        }
    }

    pub(super) fn host(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".to_owned(),
            Self::Host(host, port) | Self::Secure(host, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Host(host, port) => write!(f, "http://{host}:{port}"),
            Self::Secure(host, port) => write!(f, "https://{host}:{port}"),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connections {
    target: Target,
    /// Where the target is spoken to by TLS.
    trust: Option<Trust>,
    open: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Connections {
    /// To this server. `ca_file` says whom to trust, should it be spoken to by TLS.
    pub(super) fn new(target: Target, ca_file: Option<PathBuf>) -> Result<Self, Box<CliError>> {
        let trust = match target {
            Target::Secure(..) => Some(Trust::load(ca_file)?),
            Target::Socket(_) | Target::Host(..) => None,
        };
        Ok(Self {
            target,
            trust,
            open: Mutex::new(None),
        })
    }

    pub(super) const fn target(&self) -> &Target {
        &self.target
    }

    /// Sends over the open connection, or a new one. A failed request is never sent again here: only the caller knows
    /// whether that is safe.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Box<CliError>> {
        let mut open = self.open.lock().await;
        let kept = match open.take() {
            Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
            None => None,
        };
        let mut sender = match kept {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| self.cut_off(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| self.cut_off(&*error))?;
        *open = Some(sender);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Box<CliError>> {
        let connecting = async {
            match &self.target {
                Target::Socket(path) => handshake(UnixStream::connect(path).await?).await,
                Target::Host(host, port) | Target::Secure(host, port) => {
                    let host = host.trim_matches(['[', ']']);
                    let stream = TcpStream::connect((host, *port)).await?;
                    stream.set_nodelay(true)?;
                    match &self.trust {
                        Some(trust) => handshake(trust.secure(host, stream).await?).await,
                        None => handshake(stream).await,
                    }
                }
            }
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(sender)) => Ok(sender),
            Ok(Err(error)) => Err(self.unreachable(&error.to_string())),
            Err(_) => Err(self.unreachable(&format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
        }
    }

    fn unreachable(&self, reason: &str) -> Box<CliError> {
        let fix = match (&self.target, &self.trust) {
            (Target::Socket(_), _) => {
                "start one with `aftercall serve`, name its data folder with --data, or its address with --server"
                    .to_owned()
            }
            (_, Some(trust)) => trust.fix(),
            (_, None) => "look whether it runs and listens there (`aftercall status` on its machine)".to_owned(),
        };
        CliError::fault(
            Code::ServerUnreachable,
            format!("no server answers at {}: {reason}", self.target),
            fix,
        )
    }

    fn cut_off(&self, error: &(dyn std::error::Error + 'static)) -> Box<CliError> {
        CliError::fault(
            Code::ServerUnreachable,
            format!("the connection to {} broke: {error}", self.target),
            "try again: what was sent twice is taken once",
        )
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Box<dyn std::error::Error>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its error is told to whoever waits for the answer.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_read_and_what_is_none_is_refused() {
        assert_eq!(
            Target::parse("http://127.0.0.1:8700").unwrap(),
            Target::Host("127.0.0.1".into(), 8700)
        );
        assert_eq!(
            Target::parse("http://example.com/").unwrap(),
            Target::Host("example.com".into(), 80)
        );
        assert_eq!(
            Target::parse("http://[::1]:1").unwrap(),
            Target::Host("[::1]".into(), 1)
        );
        assert_eq!(
            Target::parse("unix:/run/a.sock").unwrap(),
            Target::Socket("/run/a.sock".into())
        );
        assert_eq!(
            Target::parse("https://example.com").unwrap(),
            Target::Secure("example.com".into(), 443)
        );
        for bad in [
            "",
            "example.com",
            "ftp://x",
            "http://",
            "http://x/path",
            "http://x?y",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad:?}");
        }
    }
}
