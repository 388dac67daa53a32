//! Addresses, connections, and how they end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use domain::Code;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::{App, Limits, Shared};
use crate::auth::Peer;
use crate::connections::{Connections, Place};
use crate::patient::Patient;
use crate::router::router;
use crate::unix_socket::LocalSocket;

/// The wait after a connection could not be taken for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection whose place is needed may take to send what was answered.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(50);

/// Where to listen, and how much to take.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Addresses; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// The local socket's path, over which the server's own user needs no key.
    pub unix_socket: Option<PathBuf>,
    /// Ask for no keys at all; only with loopback addresses.
    pub insecure_no_auth: bool,
    /// How much to take at once.
    pub limits: Limits,
}

/// Why a server did not begin to listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Without keys, an address must be reachable from this machine only.
    #[error(
        "without keys the server listens on loopback only, and {0} is none; listen on 127.0.0.1 or [::1], or drop --insecure-no-auth"
    )]
    InsecureAddress(SocketAddr),
    /// Something else has the address, or the system does not give it.
    #[error("cannot listen on {address}: {error}; choose another with --listen")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The local socket cannot be made.
    #[error("cannot listen on the socket {path}: {error}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ServeError {
    /// The code that people meet.
    #[must_use]
    pub const fn code(&self) -> Code {
        Code::BadConfiguration
    }
}

/// Addresses that are open. Connections are taken by the system from now on, and answered by [`Self::run`].
pub struct Bound {
    tcp: Vec<TcpListener>,
    local: Option<LocalSocket>,
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
}

/// Opens the addresses.
///
/// # Errors
/// [`ServeError`]; none of them is open then.
pub async fn bind(options: ServeOptions, app: App) -> Result<Bound, ServeError> {
    if options.insecure_no_auth
        && let Some(open) = options.listen.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(ServeError::InsecureAddress(*open));
    }
    let mut tcp = Vec::new();
    let mut addresses = Vec::new();
    for address in options.listen {
        let failed = |error| ServeError::Address { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        addresses.push(listener.local_addr().map_err(failed)?);
        tcp.push(listener);
    }
    let local = match options.unix_socket {
        None => None,
        Some(path) => Some(LocalSocket::bind(&path).map_err(|error| ServeError::Socket { path, error })?),
    };
    let shared = Arc::new(Shared::new(app, options.limits, options.insecure_no_auth));
    Ok(Bound {
        tcp,
        local,
        addresses,
        shared,
    })
}

impl Bound {
    /// The addresses, with the ports that the system chose, in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Answers until `shutdown`. Then it drains: what comes is told to come back later (`AC0108`), and `/readyz` and
    /// `/v1/status` say so. Once every request in flight is answered, or the drain's time is over, and `drained` has
    /// returned (whatever else must end first), it closes and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>, drained: impl Future<Output = ()>) {
        let limits = &self.shared.limits;
        let (alive, mut none_alive) = mpsc::channel::<()>(1);
        let listening = Arc::new(Listening {
            router: router(Arc::clone(&self.shared)),
            shared: Arc::clone(&self.shared),
        });
        let mut loops = JoinSet::new();
        for listener in self.tcp {
            loops.spawn(Arc::clone(&listening).take(Socket::Tcp(listener), alive.clone()));
        }
        if let Some(local) = self.local {
            loops.spawn(Arc::clone(&listening).take(Socket::Local(local), alive.clone()));
        }
        drop(alive);
        shutdown.await;
        tracing::info!("stopping: requests in flight are finished, nothing new is taken");
        self.shared.drain.begin();
        let answered = async {
            let in_time = tokio::time::timeout(limits.drain_timeout, none_alive.recv()).await;
            if in_time.is_err() {
                tracing::warn!("some requests did not end in time and are broken off");
            }
        };
        tokio::join!(answered, drained);
        loops.shutdown().await;
    }
}

enum Socket {
    Tcp(TcpListener),
    Local(LocalSocket),
}

enum Stream {
    Tcp(TcpStream),
    Local(UnixStream, Peer),
}

impl Socket {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and awaited.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Local(socket) => {
                let stream = socket.accept().await?;
                let peer = if socket.is_trusted(&stream) {
                    Peer::Local
                } else {
                    Peer::Network
                };
                Ok(Stream::Local(stream, peer))
            }
        }
    }
}

/// What all connections share.
struct Listening {
    router: Router,
    shared: Arc<Shared>,
}

impl Listening {
    /// Takes connections until it is dropped, which ends them all. `alive` is held by those that are there before the
    /// drain begins; those that come after it are only told to come back later.
    async fn take(self: Arc<Self>, socket: Socket, alive: mpsc::Sender<()>) {
        // Each address has its own, so that whoever fills one from afar does not keep the owner from the local socket.
        let all = Connections::new(self.shared.limits.connections);
        let mut connections = JoinSet::new();
        let mut alive = Some(alive);
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = self.shared.drain.begun(), if alive.is_some() => {
                    alive = None;
                    continue;
                }
            };
            match accepted {
                Ok(stream) => {
                    let place = all.place().await;
                    connections.spawn(Arc::clone(&self).connection(stream, place, alive.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: Stream, place: Place, alive: Option<mpsc::Sender<()>>) {
        match stream {
            Stream::Tcp(stream) => self.answer(stream, Peer::Network, &place, alive.is_some()).await,
            Stream::Local(stream, peer) => self.answer(stream, peer, &place, alive.is_some()).await,
        }
        drop((place, alive));
    }

    async fn answer(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        place: &Place,
        before_drain: bool,
    ) {
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let under_way = place.begin();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answer = self.router.clone().oneshot(request);
            async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| under_way.until_sent(body)))
            }
        });
        let stream = Patient::new(stream, self.shared.limits.unread_timeout);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.shared.limits.head_timeout)
            .keep_alive(before_drain)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            // One that was never used is closed by this; those that come later end after one request anyway.
            () = self.shared.drain.begun(), if before_drain => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = place.is_needed() => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(LEAVE_TIMEOUT, connection.as_mut()).await {
                    Ok(ended) => ended,
                    // A request had come just then.
                    Err(_) if place.is_busy() => connection.await,
                    // Half a head, or an answer that nobody takes.
                    Err(_) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}
