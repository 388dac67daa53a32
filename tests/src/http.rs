//! HTTP as a client speaks it, over a server's socket or address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};

/// For one request: only a hang takes this long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Target {
    /// A socket in the file system.
    Socket(PathBuf),
    /// An address.
    Tcp(SocketAddr),
}

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 202 and the like.
    pub status: u16,
    /// Names in lower case.
    pub headers: HeaderMap,
    /// As it came.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The body as JSON, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let lines = self
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {self:?}")))
            .collect()
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// One request on a connection of its own.
///
/// # Errors
/// When the server cannot be reached, or goes in the middle of it.
pub fn request(
    target: &Target,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, String> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let answered = tokio::time::timeout(PATIENCE, async {
            match target {
                Target::Socket(path) => exchange(UnixStream::connect(path).await, request).await,
                Target::Tcp(address) => exchange(TcpStream::connect(address).await, request).await,
            }
        });
        answered
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    })
}

async fn exchange<S>(stream: std::io::Result<S>, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let stream = stream.map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // How the connection ends is told by the request on it.
    tokio::spawn(async move { connection.await.ok() });
    let (head, body) = sender
        .send_request(request)
        .await
        .map_err(|error| error.to_string())?
        .into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}
