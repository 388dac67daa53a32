//! Packets over `SOCK_SEQPACKET` unix sockets, with file descriptors beside them: how supervisor, launcher and zygotes talk.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The largest packet either side sends, in bytes: two seccomp programs and some hundred paths fit many times over.
pub const PACKET_MAX: usize = 128 * 1024;
/// The most descriptors that one packet carries.
const FDS_MAX: usize = 4;

/// A connected pair, both ends closed on exec.
///
/// # Errors
/// Whatever the system says, out of descriptors above all.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends one packet.
///
/// # Errors
/// Whatever the system says; `EPIPE` where the other end is closed.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too many descriptors for one packet",
        ));
    }
    sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Receives one packet; an empty one means that the other end is closed.
///
/// # Errors
/// Whatever the system says.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(buffer)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut fds = Vec::new();
    for part in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            fds.extend(rights);
        }
    }
    Ok((message.bytes, fds))
}

/// One end, for use in tasks.
pub struct Packets(AsyncFd<OwnedFd>);

impl Packets {
    /// Takes an end over and makes it non-blocking.
    ///
    /// # Errors
    /// Whatever the system says.
    #[expect(
        deprecated,
        reason = "what it warns of, a descriptor that changes under it, an OwnedFd rules out"
    )]
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self(AsyncFd::new(socket)?))
    }

    /// Sends one packet, waiting for room.
    ///
    /// # Errors
    /// As [`send`].
    pub async fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.0
            .async_io(Interest::WRITABLE, |socket| send(socket.as_fd(), bytes, fds))
            .await
    }

    /// Receives one packet into `buffer`; 0 bytes mean that the other end is closed.
    ///
    /// # Errors
    /// As [`receive`].
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        self.0
            .async_io(Interest::READABLE, |socket| receive(socket.as_fd(), buffer))
            .await
    }

    /// Receives one packet of JSON; `None` when the other end is closed.
    ///
    /// # Errors
    /// As [`receive`], and `InvalidData` where it is not what was expected.
    pub async fn receive_json<T: serde::de::DeserializeOwned>(
        &self,
    ) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        let mut buffer = vec![0; PACKET_MAX];
        let (length, fds) = self.receive(&mut buffer).await?;
        if length == 0 {
            return Ok(None);
        }
        let document = serde_json::from_slice(&buffer[..length])
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some((document, fds)))
    }
}
