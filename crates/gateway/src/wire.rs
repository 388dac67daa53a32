//! HTTP/1.1 or HTTP/2 over a connection that stands.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use http::{Request, Uri};
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use crate::connect::{Connected, ProxyForm};
use crate::failure::Failure;
use crate::request::Outgoing;
use crate::spelling::{Heard, Listened};
use crate::trouble;

/// Bytes of an answer's head.
pub(crate) const HEAD_LIMIT: usize = 128 * 1024;
/// Headers of an answer: as many as those bytes hold when each counts for 32 more than its own, as HTTP/2 counts them (RFC 9113 §6.5.2).
pub(crate) const HEADERS_LIMIT: usize = HEAD_LIMIT / 32;
/// Requests that share one connection of HTTP/2.
pub(crate) const STREAMS: u32 = 100;
/// Bytes that one answer may have under way. The connection has room for all of them, so that an answer that nobody reads on
/// does not stop the others.
const STREAM_WINDOW: u32 = 128 * 1024;
/// How often the other side of HTTP/2 is asked whether it lives while it owes answers, and how long it has to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Bytes of a request's body that are handed over at a time.
const UPLOAD_CHUNK: usize = 64 * 1024;

/// What requests are sent by.
pub(crate) enum Sender {
    H1 {
        sender: http1::SendRequest<Upload>,
        heard: Heard,
        proxy: Option<ProxyForm>,
    },
    H2(http2::SendRequest<Upload>),
}

impl Sender {
    /// Begins HTTP; the connection lives on in a task of its own until both sides are done with it.
    pub(crate) async fn begin(connected: Connected, who: &str) -> Result<Self, Failure> {
        if connected.is_h2 {
            let began = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(STREAM_WINDOW * STREAMS)
                .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
                .keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_EVERY)
                .handshake(TokioIo::new(connected.io))
                .await;
            let (sender, connection) = began.map_err(|e| trouble::at_the_beginning(who, &e))?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of HTTP/2 ended");
                }
            });
            return Ok(Self::H2(sender));
        }
        let heard = Heard::default();
        let io = Listened {
            stream: connected.io,
            heard: heard.clone(),
        };
        let began = http1::Builder::new()
            .title_case_headers(true)
            // As lenient as the libraries that user code has outside.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .max_buf_size(HEAD_LIMIT)
            .max_header_size(HEAD_LIMIT)
            .max_headers(HEADERS_LIMIT)
            .handshake(TokioIo::new(io))
            .await;
        let (sender, connection) = began.map_err(|e| trouble::at_the_beginning(who, &e))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of HTTP/1.1 ended");
            }
        });
        Ok(Self::H1 {
            sender,
            heard,
            proxy: connected.proxy,
        })
    }

    pub(crate) const fn is_h2(&self) -> bool {
        matches!(self, Self::H2(_))
    }

    /// The request in the form that this connection wants.
    pub(crate) fn form(
        &self,
        outgoing: &Outgoing,
        progress: &Arc<Progress>,
    ) -> Result<Request<Upload>, Failure> {
        let mut headers: HeaderMap = outgoing.headers.clone();
        let uri = match self {
            Self::H1 { proxy: None, .. } => Uri::from(outgoing.target.clone()),
            Self::H1 {
                proxy: Some(proxy), ..
            } => {
                if let Some(authorization) = &proxy.authorization {
                    headers.insert(PROXY_AUTHORIZATION, authorization.clone());
                }
                outgoing.absolute()?
            }
            Self::H2(_) => {
                headers.remove(HOST); // it stands in `:authority`
                outgoing.absolute()?
            }
        };
        let mut request = Request::new(Upload {
            rest: outgoing.body.clone(),
            progress: Arc::clone(progress),
        });
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// When a request's own body last moved.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    last: AtomicU64,
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
        })
    }

    pub(crate) fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

/// A request's body, handed over piece by piece so that its progress shows.
pub(crate) struct Upload {
    rest: Bytes,
    progress: Arc<Progress>,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let passed = self.progress.began.elapsed().as_millis();
        self.progress
            .last
            .store(u64::try_from(passed).unwrap_or(u64::MAX), Ordering::Relaxed);
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.rest.len().min(UPLOAD_CHUNK);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
