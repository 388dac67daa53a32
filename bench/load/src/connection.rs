//! One connection that is kept open, and made again when the server has closed it.

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Target;

/// A connection for one request after the other.
pub struct Kept {
    sender: SendRequest<Full<Bytes>>,
    /// It has carried an answer, so that the server may have closed it since.
    used: bool,
}

impl Kept {
    /// # Errors
    /// Nobody listens, or not HTTP.
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let sender = open(target).await?;
        Ok(Self { sender, used: false })
    }

    /// Hands in a body, and answers as soon as the answer begins. A server closes a connection that idles, and may do so just as
    /// a request comes: it is then sent on a new one, since a conversation that is sent twice is one run.
    ///
    /// # Errors
    /// A new connection could not be made, or broke before its answer.
    pub async fn send(&mut self, target: &Target, body: Bytes) -> anyhow::Result<Response<Incoming>> {
        let answer = match self.offer(target, body.clone()).await {
            Err(_closed) if self.used => {
                *self = Self::open(target).await?;
                self.offer(target, body).await?
            }
            other => other?,
        };
        self.used = true;
        Ok(answer)
    }

    async fn offer(&mut self, target: &Target, body: Bytes) -> anyhow::Result<Response<Incoming>> {
        let request = request(target, "application/json", Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// # Errors
/// Nobody listens, or not HTTP.
pub async fn open<B>(target: &Target) -> anyhow::Result<SendRequest<B>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(target.address)
        .await
        .with_context(|| format!("nothing answers at {}", target.address))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How the connection ends is told by the request on it.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// A request that hands in `body`.
///
/// # Errors
/// A path or key that cannot be in a request.
pub fn request<B>(target: &Target, media_type: &str, body: B) -> anyhow::Result<Request<B>> {
    let mut request = Request::post(&target.path)
        .header("host", target.address.to_string())
        .header("content-type", media_type);
    if let Some(key) = &target.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    Ok(request.body(body)?)
}

/// # Errors
/// The connection broke before the answer's end.
pub async fn read(mut body: Incoming) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const BODY: &[u8] = b"{}";

    const ANSWER: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

    /// Reads one request; tells whether there was one.
    async fn read_one(stream: &mut TcpStream) -> bool {
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            if stream.read_buf(&mut request).await.unwrap() == 0 {
                return false;
            }
        }
        true
    }

    /// Takes so many connections, answers on each so many requests, reads one more if there is one, and closes it. Tells how many
    /// requests there were.
    async fn serve(listener: TcpListener, connections: &[usize]) -> usize {
        let mut read = 0;
        for answers in connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..*answers {
                read += usize::from(read_one(&mut stream).await);
                stream.write_all(ANSWER).await.unwrap();
            }
            read += usize::from(read_one(&mut stream).await);
        }
        read
    }

    async fn target() -> (TcpListener, Target) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target {
            address: listener.local_addr().unwrap(),
            path: "/v1/conversations".to_owned(),
            key: None,
            document: PathBuf::new(),
            prefix: String::new(),
            count: 0,
        };
        (listener, target)
    }

    async fn ask(kept: &mut Kept, target: &Target) {
        let answer = kept.send(target, Bytes::from_static(BODY)).await.unwrap();
        assert_eq!(answer.status(), 202);
        read(answer.into_body()).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_closing_connection_did_not_answer_is_sent_on_a_new_one() {
        let (listener, target) = target().await;
        let ask_all = async {
            let mut kept = Kept::open(&target).await.unwrap();
            for _ in 0..4 {
                ask(&mut kept, &target).await;
            }
        };
        // Each connection but the last is closed with a request unanswered on it.
        let (read, ()) = tokio::join!(serve(listener, &[1, 2, 1]), ask_all);
        assert_eq!(read, 4 + 2);
    }

    #[tokio::test]
    async fn one_that_was_closed_while_it_idled_is_made_again() {
        let (listener, target) = target().await;
        let mut kept = Kept::open(&target).await.unwrap();
        let answer_and_close = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(read_one(&mut stream).await);
            stream.write_all(ANSWER).await.unwrap();
        };
        tokio::join!(answer_and_close, ask(&mut kept, &target));
        while kept.sender.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
        let serve = tokio::spawn(async move { serve(listener, &[1]).await });
        ask(&mut kept, &target).await;
        drop(kept);
        assert_eq!(serve.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_an_error() {
        let (listener, target) = target().await;
        let mut kept = Kept::open(&target).await.unwrap();
        let ask = kept.send(&target, Bytes::from_static(BODY));
        let (read, answer) = tokio::join!(serve(listener, &[0]), ask);
        assert_eq!(read, 1);
        assert!(answer.is_err());
    }
}
