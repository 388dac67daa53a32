//! A receiver's socket: listened on, or only held, so that whoever connects is refused and nobody else gets the port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::reply::{Reply, Then};
use super::{Seen, Shared, lock};

const BACKLOG: u32 = 1024;

/// How the address is held.
pub(super) enum Listening {
    Up {
        address: SocketAddr,
        accepting: JoinHandle<Infallible>,
    },
    Down {
        address: SocketAddr,
        socket: TcpSocket,
    },
}

impl Listening {
    pub fn begin(runtime: &Runtime, address: SocketAddr, shared: &Arc<Shared>) -> Self {
        listen(runtime, bound(runtime, address), shared)
    }

    pub const fn address(&self) -> SocketAddr {
        match self {
            Self::Up { address, .. } | Self::Down { address, .. } => *address,
        }
    }

    /// Every connection ends with the task that accepted it.
    pub fn stop(self, runtime: &Runtime) -> Self {
        match self {
            Self::Up { address, accepting } => {
                accepting.abort();
                // It ends by that alone.
                let _ = runtime.block_on(accepting);
                let socket = bound(runtime, address);
                Self::Down { address, socket }
            }
            down @ Self::Down { .. } => down,
        }
    }

    pub fn resume(self, runtime: &Runtime, shared: &Arc<Shared>) -> Self {
        match self {
            Self::Down { socket, .. } => listen(runtime, socket, shared),
            up @ Self::Up { .. } => up,
        }
    }
}

fn bound(runtime: &Runtime, address: SocketAddr) -> TcpSocket {
    let _runtime = runtime.enter();
    let socket = TcpSocket::new_v4().unwrap();
    // Connections of its last life do not keep it from the port.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

fn listen(runtime: &Runtime, socket: TcpSocket, shared: &Arc<Shared>) -> Listening {
    let _runtime = runtime.enter();
    let listener = socket.listen(BACKLOG).unwrap();
    Listening::Up {
        address: listener.local_addr().unwrap(),
        accepting: runtime.spawn(accept_all(listener, Arc::clone(shared))),
    }
}

async fn accept_all(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&shared)));
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    match &shared.tls {
        None => serve(stream, &shared).await,
        Some(tls) => {
            let accepted = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await;
            // Whoever was killed in its handshake asks for nothing.
            if let Ok(stream) = accepted {
                serve(stream, &shared).await;
            }
        }
    }
}

async fn serve<S>(stream: S, shared: &Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| answer(request, Arc::clone(shared)));
    // A connection that breaks off is told by what the other side makes of it.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up")]
struct HungUp;

type Body = Either<Full<Bytes>, Channel<Bytes>>;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, HungUp> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
    let seen = Seen::of(&head, &body);
    let reply = {
        let mut behaviour = lock(&shared.behaviour);
        let mut book = lock(&shared.book);
        if book.arrived(&seen, shared.honours_keys) {
            Reply::done()
        } else {
            let reply = behaviour(&seen);
            if reply.works {
                book.worked(&seen);
            }
            reply
        }
    };
    tokio::time::sleep(reply.after).await;
    if let Some(gate) = &reply.gate {
        gate.passed().await;
    }
    match reply.then {
        Then::HangUp => Err(HungUp),
        Then::Events { count, every } => {
            let (sender, body) = Channel::new(1);
            tokio::spawn(events(sender, count, every));
            let response = Response::builder().header("content-type", "text/event-stream");
            Ok(response.body(Either::Right(body)).unwrap())
        }
        Then::Answer {
            status,
            headers,
            body,
        } => {
            let mut response = Response::builder()
                .status(status)
                .header("content-type", "application/json");
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let body = Full::new(Bytes::from(body.to_string()));
            Ok(response.body(Either::Left(body)).unwrap())
        }
    }
}

async fn events(mut body: Sender<Bytes>, count: u32, every: Duration) {
    for number in 0..count {
        let event = Bytes::from(format!("data: {number}\n\n"));
        // Whoever asked may be gone.
        if body.send_data(event).await.is_err() {
            return;
        }
        tokio::time::sleep(every).await;
    }
}
