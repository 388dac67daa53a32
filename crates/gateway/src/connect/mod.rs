//! A connection that stands: the address checked, the time kept, the certificate verified.

mod dial;
mod hosts;
mod proxy;
mod socket;
mod tls;
mod way;

use std::sync::Arc;

use domain::effect::Trouble;
use http::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use socket::Socket;
pub(crate) use tls::{Believed, cause as tls_cause, refuses_the_handshake};

use crate::config::{BadOption, GatewayOptions};
use crate::failure::Failure;
use crate::pool::Key;
use crate::request::{Compartment, Origin, Outgoing};
use crate::resolve::{self, OwnAddresses, Resolve};
use dial::dial;
use proxy::Proxy;
use socket::SocketIo;
use way::{Way, Ways};

/// Bytes both ways, encrypted below or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
pub(crate) struct Connector {
    resolver: Arc<dyn Resolve>,
    ways: Ways,
}

/// A connection over which no request has gone yet.
pub(crate) struct Connected {
    pub(crate) io: Box<dyn Stream>,
    pub(crate) socket: Arc<Socket>,
    pub(crate) is_h2: bool,
    /// Over a proxy that wants to see the whole URL.
    pub(crate) proxy: Option<ProxyForm>,
}

/// How a proxy wants to be asked for plain HTTP.
#[derive(Debug, Clone)]
pub(crate) struct ProxyForm {
    pub(crate) authorization: Option<HeaderValue>,
}

impl Connector {
    pub(crate) fn new(
        options: &GatewayOptions,
        resolver: Arc<dyn Resolve>,
        own: OwnAddresses,
    ) -> Result<Self, BadOption> {
        Ok(Self {
            resolver,
            ways: Ways::new(options, own)?,
        })
    }

    /// What connections a request may share; refuses what may not be at all: an address that is spelt out and may not be reached,
    /// and what the code says of the connection and the operator does not. It is the same answer whether a connection is there
    /// already or not.
    pub(crate) fn check(&self, outgoing: &Outgoing) -> Result<Key, Failure> {
        let Outgoing {
            origin,
            compartment,
            demands,
            ..
        } = outgoing;
        let way = self.ways.of(compartment);
        way.gate.check_literal(origin)?;
        if let Some(proxy) = &demands.proxy {
            way.proxy.check(proxy, origin, &compartment.project)?;
        }
        let believed = if origin.is_https {
            way.tls.demanded(origin, &compartment.project, demands)?
        } else {
            Believed::default() // there is nobody to believe, and nothing to show
        };
        Ok(Key {
            compartment: compartment.clone(),
            origin: origin.clone(),
            believed,
        })
    }

    /// What failed once a connection stood, with what the operator can do about it.
    pub(crate) fn told(&self, failure: Failure, origin: &Origin, compartment: &Compartment) -> Failure {
        if failure.trouble == Trouble::HandshakeBroken {
            return self.ways.of(compartment).tls.with_line(failure, origin);
        }
        failure
    }

    /// Connects. The caller limits the time.
    pub(crate) async fn connect(&self, key: &Key) -> Result<Connected, Failure> {
        let (origin, way) = (&key.origin, self.ways.of(&key.compartment));
        let proxy = way.proxy.serving(&origin.host);
        let socket = match proxy {
            Some(proxy) => self.to_proxy(proxy).await?,
            None => self.to_host(way, origin).await?,
        };
        let mut io: Box<dyn Stream> = Box::new(SocketIo(Arc::clone(&socket)));
        if !origin.is_https {
            let proxy = proxy.map(|proxy| ProxyForm {
                authorization: proxy.authorization.clone(),
            });
            return Ok(Connected {
                io,
                socket,
                is_h2: false,
                proxy,
            });
        }
        if let Some(proxy) = proxy {
            io = proxy.tunnel(io, origin).await?;
        }
        let (stream, is_h2) = way.tls.handshake(key, io).await?;
        Ok(Connected {
            io: Box::new(stream),
            socket,
            is_h2,
            proxy: None,
        })
    }

    async fn to_host(&self, way: &Way, origin: &Origin) -> Result<Arc<Socket>, Failure> {
        let addresses = resolve::addresses(origin, &self.resolver, &way.gate).await?;
        let who = origin.to_string();
        let socket = Socket::new(dial(&who, &addresses, origin.port).await?).map_err(|e| lost(&who, &e))?;
        let (own, other) = socket.ends().map_err(|e| lost(&who, &e))?;
        way.gate.check_connected(origin, own.ip(), other.ip())?;
        Ok(Arc::new(socket))
    }

    /// The proxy's own address is the operator's word: the rule of addresses is for user code's.
    async fn to_proxy(&self, proxy: &Proxy) -> Result<Arc<Socket>, Failure> {
        let who = format!("the proxy {}", proxy.origin);
        let addresses = match proxy.origin.host.clone() {
            url::Host::Domain(name) => self.resolver.resolve(&name).await?,
            url::Host::Ipv4(address) => vec![address.into()],
            url::Host::Ipv6(address) => vec![address.into()],
        };
        let stream = dial(&who, &addresses, proxy.origin.port).await?;
        Ok(Arc::new(Socket::new(stream).map_err(|e| lost(&who, &e))?))
    }
}

/// A connection that was gone before anything was said.
fn lost(who: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        Trouble::ConnectionRefused,
        format!("{who} closed the connection at once: {error}"),
    )
}
