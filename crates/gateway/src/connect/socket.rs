//! One TCP connection, which the pool can look at while HTTP runs over it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{RecvFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// A connection, and when it was last heard of.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    began: Instant,
    /// Milliseconds after `began`.
    last_read: AtomicU64,
    last_written: AtomicU64,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        // A request is one or two small segments: nothing is won by waiting for more.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            began: Instant::now(),
            last_read: AtomicU64::new(0),
            last_written: AtomicU64::new(0),
        })
    }

    /// This machine's end and the other one.
    pub(crate) fn ends(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.stream.local_addr()?, self.stream.peer_addr()?))
    }

    /// How long the other side has been silent.
    pub(crate) fn silent_for(&self) -> Duration {
        (self.began + Duration::from_millis(self.last_read.load(Ordering::Relaxed))).elapsed()
    }

    /// When bytes last went through, in either direction.
    pub(crate) fn last_active(&self) -> Instant {
        let last = self
            .last_read
            .load(Ordering::Relaxed)
            .max(self.last_written.load(Ordering::Relaxed));
        self.began + Duration::from_millis(last)
    }

    /// Whether there is nothing to read, not even an end: asked of the kernel, now. A connection that is not quiet while
    /// nothing is owed has been closed by the other side, or holds bytes that belong to nobody.
    pub(crate) fn is_quiet(&self) -> bool {
        let seen = rustix::net::recv(
            &self.stream,
            &mut [0; 1][..],
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        );
        matches!(seen, Err(rustix::io::Errno::AGAIN))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The end that HTTP, or TLS below it, reads and writes.
#[derive(Debug)]
pub(crate) struct SocketIo(pub(crate) Arc<Socket>);

impl AsyncRead for SocketIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = &self.0;
        loop {
            ready!(socket.stream.poll_read_ready(cx))?;
            match socket.stream.try_read_buf(buf) {
                Ok(_) => {
                    socket.last_read.store(socket.now(), Ordering::Relaxed);
                    return Poll::Ready(Ok(()));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl AsyncWrite for SocketIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = &self.0;
        loop {
            ready!(socket.stream.poll_write_ready(cx))?;
            match socket.stream.try_write_vectored(bufs) {
                Ok(written) => {
                    socket.last_written.store(socket.now(), Ordering::Relaxed);
                    return Poll::Ready(Ok(written));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // the kernel has it
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match rustix::net::shutdown(&self.0.stream, Shutdown::Write) {
            // Who closed first does not matter.
            Ok(()) | Err(rustix::io::Errno::NOTCONN) => Poll::Ready(Ok(())),
            Err(e) => Poll::Ready(Err(e.into())),
        }
    }
}
