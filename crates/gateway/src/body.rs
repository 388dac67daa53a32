//! An answer's body, as it comes.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use domain::effect::Trouble;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::pool::{Lease, Pool};
use crate::trouble;

/// Bytes of one chunk.
pub const CHUNK_LIMIT: usize = 64 * 1024;

/// The rest of an answer. Dropped before its end, it breaks off: of HTTP/1.1 the connection, of HTTP/2 the stream.
pub struct Body {
    pub(crate) incoming: Incoming,
    /// Read, and not handed out yet.
    pub(crate) pending: Bytes,
    /// Goes back to the pool at the end.
    pub(crate) lease: Option<Lease>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) keep_alive: Option<Duration>,
    /// A place among the gateway's requests.
    pub(crate) place: Option<OwnedSemaphorePermit>,
    pub(crate) who: String,
    pub(crate) time: Time,
    /// Bytes that may still come.
    pub(crate) left: u64,
    pub(crate) limit: u64,
    pub(crate) is_over: bool,
}

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) read: Duration,
    pub(crate) until: Instant,
}

impl Time {
    /// A wait that was too long, told.
    pub(crate) fn over(&self, who: &str, what: &str) -> Failure {
        let why = if Instant::now() >= self.until {
            "the time for the whole request is used up".to_owned()
        } else {
            format!("nothing came for {:.1} s", self.read.as_secs_f64())
        };
        Failure::new(Trouble::ReadTimeout, format!("{who}: {what}: {why}"))
    }
}

impl Body {
    /// The next bytes, at most [`CHUNK_LIMIT`]; `None` once, and only if, the answer is whole or has failed.
    ///
    /// # Errors
    /// `reset`, `not_http`, `read_timeout`, `too_large`: it will never be whole. Nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if self.pending.is_empty() {
            match self.read().await {
                Some(Ok(bytes)) => self.pending = bytes,
                Some(Err(failure)) => {
                    self.is_over = true;
                    (self.lease, self.place) = (None, None);
                    return Some(Err(failure));
                }
                None => return None,
            }
        }
        let size = self.pending.len().min(CHUNK_LIMIT);
        Some(Ok(self.pending.split_to(size)))
    }

    /// All of it, for those who do not stream.
    ///
    /// # Errors
    /// As [`Self::next`], with what came before.
    pub async fn collect(mut self) -> Result<Bytes, (Bytes, Failure)> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await {
            match chunk {
                // Mostly there is one: it is not copied.
                Ok(chunk) if whole.is_empty() && self.is_over && self.pending.is_empty() => return Ok(chunk),
                Ok(chunk) => whole.extend_from_slice(&chunk),
                Err(failure) => return Err((whole.freeze(), failure)),
            }
        }
        Ok(whole.freeze())
    }

    async fn read(&mut self) -> Option<Result<Bytes, Failure>> {
        while !self.is_over {
            let until = self.time.until.min(Instant::now() + self.time.read);
            let frame = match tokio::time::timeout_at(until, self.incoming.frame()).await {
                Err(_) => return Some(Err(self.time.over(&self.who, "the answer stopped"))),
                Ok(None) => {
                    self.end();
                    return None;
                }
                Ok(Some(Err(error))) => return Some(Err(trouble::within_an_answer(&self.who, &error))),
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers are not given on: none of the libraries that user code has shows them.
            let Ok(bytes) = frame.into_data() else { continue };
            let size = bytes.len() as u64;
            if size > self.left {
                let (who, limit) = (&self.who, self.limit);
                return Some(Err(Failure::new(
                    Trouble::TooLarge,
                    format!("{who}: the answer is longer than the {limit} bytes of [gateway] answer_limit"),
                )));
            }
            self.left -= size;
            if self.incoming.is_end_stream() {
                self.end();
            }
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
        None
    }

    /// The last byte was read: connection and place are free before anybody asks for more.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
        self.place = None;
        if let Some(lease) = self.lease.take() {
            lease.give_back(&self.pool, self.keep_alive);
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("who", &self.who)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}
