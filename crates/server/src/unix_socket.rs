//! The local socket: who may connect is a matter of the file's mode and of whom the kernel says is at the other end.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The socket's mode: its owner alone.
const MODE: u32 = 0o600;
/// What the system takes as a socket's path, in bytes, with its final zero.
const PATH_MAX: usize = 108;

/// A bound socket. Its file goes with it.
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    own_uid: u32,
}

impl LocalSocket {
    /// Takes the place of a socket that an earlier boot left; the store's lock on the data folder tells that none lives.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() >= PATH_MAX {
            let message = format!(
                "the path of a socket may have {} bytes at most; use a shorter data folder",
                PATH_MAX - 1
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        match std::fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
            Ok(_) => {
                let message = "something that is not a socket is in its place";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        // Until here others could have connected; whoever did is asked for his credentials like everybody.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            own_uid: rustix::process::geteuid().as_raw(),
        })
    }

    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Whether the other end is this server's own user, or root.
    pub fn is_trusted(&self, stream: &UnixStream) -> bool {
        match stream.peer_cred() {
            Ok(peer) => peer.uid() == self.own_uid || peer.uid() == 0,
            Err(error) => {
                tracing::warn!(%error, "who is at the other end of the local socket could not be told");
                false
            }
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the local socket's file could not be removed");
        }
    }
}
