//! How a server of HTTP/1.1 spells the names of its headers, and the words after its status.
//!
//! To HTTP the spelling means nothing and our library folds it, but user code copies headers into plain dictionaries and
//! asks them for `ETag`. Words in anything but ASCII it drops. So the bytes of an answer's head are listened to as they go by.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http::HeaderName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::Stream;
use crate::wire::HEAD_LIMIT;

/// What was heard since it was asked to listen; `None`: it does not listen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Option<Vec<u8>>>>);

impl Heard {
    /// An answer is to come.
    pub(crate) fn listen(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// The head that was heard.
    pub(crate) fn head(&self) -> Spelt {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        spelt(&heard.unwrap_or_default())
    }
}

/// How a head was spelt.
#[derive(Debug, Default)]
pub(crate) struct Spelt {
    /// Each name's spelling. The last one, where a name was spelt in two ways.
    pub(crate) names: HashMap<HeaderName, String>,
    /// The words after the status, in Latin-1, as the libraries of user code read them.
    pub(crate) reason: Option<String>,
}

/// What follows version and status in the first line of a head.
fn reason(status_line: &[u8]) -> String {
    let words = status_line.splitn(3, |byte| *byte == b' ').nth(2);
    latin1(words.unwrap_or_default())
}

/// Bytes as HTTP reads them where nothing says otherwise.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn spelt(heard: &[u8]) -> Spelt {
    let mut names = HashMap::new();
    let lines = heard.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut lines = lines.skip_while(|line| line.is_empty()); // as our library does
    loop {
        let Some(status) = lines.next() else {
            return Spelt { names, reason: None };
        };
        let code = status.split(|byte| *byte == b' ').nth(1);
        let is_interim = code.is_some_and(|code| code.starts_with(b"1"));
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let name = line
                .split(|byte| *byte == b':')
                .next()
                .unwrap_or_default()
                .trim_ascii_end();
            if let (Ok(key), Ok(spelt)) = (HeaderName::from_bytes(name), std::str::from_utf8(name)) {
                names.insert(key, spelt.to_owned());
            }
        }
        if !is_interim {
            let reason = Some(reason(status));
            return Spelt { names, reason }; // what follows is the body
        }
    }
}

/// As servers of HTTP/1.1 mostly spell it: for those who speak HTTP/2, which has small letters only.
pub(crate) fn title_case(name: &HeaderName) -> String {
    let mut begins = true;
    let spelt = name.as_str().chars().map(|letter| {
        let letter = if begins {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        begins = letter == '-';
        letter
    });
    spelt.collect()
}

/// A stream that is listened to.
pub(crate) struct Listened {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) heard: Heard,
}

impl AsyncRead for Listened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if let Some(heard) = self
            .heard
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            let room = HEAD_LIMIT.saturating_sub(heard.len());
            let new = &buf.filled()[before..];
            heard.extend_from_slice(&new[..new.len().min(room)]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Listened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_last_head_are_heard_and_nothing_of_the_body() {
        let heard = b"HTTP/1.1 103 Early Hints\r\nLINK: x\r\n\r\nHTTP/1.1 200 OK\r\nETag: a\r\nWWW-Authenticate : b\r\n\
            X-broken\xff: c\r\n folded\r\n\r\nContent-TYPE: in the body\r\n";
        let head = spelt(heard);
        let spelt = |name: &'static str| head.names.get(&HeaderName::from_static(name)).map(String::as_str);
        assert_eq!(spelt("etag"), Some("ETag"));
        assert_eq!(spelt("www-authenticate"), Some("WWW-Authenticate"));
        assert_eq!(spelt("content-type"), None);
        assert_eq!(head.reason.as_deref(), Some("OK"));
    }

    #[test]
    fn small_letters_become_the_usual_spelling() {
        assert_eq!(
            title_case(&HeaderName::from_static("x-request-id")),
            "X-Request-Id"
        );
    }
}
