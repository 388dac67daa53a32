//! One request out, its answer back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::effect::Trouble;
use http::header::{HeaderMap, HeaderName};
use http::{Method, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::body::{Body, Time};
use crate::config::{BadOption, GatewayOptions};
use crate::connect::Connector;
use crate::failure::Failure;
use crate::pool::{Lease, Pool};
use crate::request::Outgoing;
use crate::resolve::{Cached, OwnAddresses, Resolve, SystemResolver};
use crate::spelling::{Spelt, title_case};
use crate::trouble;
use crate::wire::{Progress, Sender};

/// Requests under way at a time, of all projects: each may hold a connection, and a process has so many files.
const REQUESTS: usize = 2_048;
/// Connections that a request is offered before it is told that none takes it.
const CONNECTIONS_TRIED: usize = 3;

/// What an answer says of the connection it came over, and of its own framing: that is not given on.
const HEADERS_OF_THE_CONNECTION: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "trailer",
    "transfer-encoding",
];

/// Outgoing HTTP. One for the whole process.
pub struct Gateway {
    connector: Connector,
    pool: Arc<Pool>,
    places: Arc<Semaphore>,
    request_limit: Duration,
    answer_limit: u64,
}

/// A whole head, and the body as it comes.
#[derive(Debug)]
pub struct Answer {
    /// 200 to 999.
    pub status: u16,
    /// The words after it, in Latin-1; the usual ones where HTTP/2 has none.
    pub reason: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// As sent, in order, names repeated, spelt as HTTP/1.1 spells them. The body's coding is not undone.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The bytes, as sent but for the framing.
    pub body: Body,
}

impl Answer {
    /// The first header of a name, in any spelling.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }
}

/// What came of one connection.
enum Tried {
    Answered(Response<Incoming>),
    /// Not a byte was written: another connection may have it.
    Unsent(String),
}

impl Gateway {
    /// With the system's resolver. To be called within a runtime: it closes idle connections in the background.
    ///
    /// # Errors
    /// An option cannot be used, or the machine's own addresses cannot be read.
    pub fn new(options: &GatewayOptions) -> Result<Self, BadOption> {
        let own = OwnAddresses::of_system().map_err(|e| {
            BadOption::of_all(
                "allow",
                format!("this machine's own addresses, which are refused, cannot be read: {e}"),
            )
        })?;
        let resolver = Cached::new(SystemResolver::new(options.control_names.clone()));
        Self::with(options, Arc::new(resolver), own)
    }

    /// With a resolver and own addresses of the caller's.
    ///
    /// # Errors
    /// An option cannot be used.
    pub fn with(
        options: &GatewayOptions,
        resolver: Arc<dyn Resolve>,
        own: OwnAddresses,
    ) -> Result<Self, BadOption> {
        options.check()?;
        let pool = Arc::<Pool>::default();
        Pool::sweep(&pool);
        Ok(Self {
            connector: Connector::new(options, resolver, own)?,
            pool,
            places: Arc::new(Semaphore::new(REQUESTS)),
            request_limit: options.request_limit(),
            answer_limit: options.answer_limit,
        })
    }

    /// Sends a request once. `on_first_byte` is called once, when a connection stands and before a byte of the request can
    /// leave. Dropping the future breaks the request off; to finish what was begun is the caller's to see to.
    ///
    /// # Errors
    /// There is no answer. The cause says whether a byte can have left. A read that ended as `reset` may be asked again.
    pub async fn send(
        &self,
        outgoing: Outgoing,
        on_first_byte: impl FnOnce() + Send,
    ) -> Result<Answer, Failure> {
        let until = Instant::now() + outgoing.time_outs.total.min(self.request_limit);
        let time = Time {
            read: outgoing.time_outs.read,
            until,
        };
        let who = outgoing.origin.to_string();
        let connect_by = until.min(Instant::now() + outgoing.time_outs.connect);
        let place = self.place(&who, connect_by).await?;
        let mut on_first_byte = Some(on_first_byte);
        let mut unsent = String::new();
        for tried in 0..CONNECTIONS_TRIED {
            let mut lease = self.lease(&outgoing, tried == 0, connect_by).await?;
            if let Some(on_first_byte) = on_first_byte.take() {
                on_first_byte();
            }
            let tried = exchange(&mut lease, &outgoing, &who, time).await;
            match tried.map_err(|failure| {
                self.connector
                    .told(failure, &outgoing.origin, &outgoing.compartment)
            })? {
                Tried::Answered(response) => {
                    return Ok(self.answer(response, &outgoing, lease, place, who, time));
                }
                Tried::Unsent(why) => unsent = why,
            }
        }
        Err(Failure::new(
            Trouble::ConnectionRefused,
            format!("{who} closes connections at once, before a request is written ({unsent})"),
        ))
    }

    async fn place(&self, who: &str, by: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        let place = tokio::time::timeout_at(by, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| {
            Failure::new(
                Trouble::ConnectTimeout,
                format!("{who}: no place among the {REQUESTS} requests under way came free in time"),
            )
        })
    }

    async fn lease(&self, outgoing: &Outgoing, may_be_kept: bool, by: Instant) -> Result<Lease, Failure> {
        // A kept connection was checked when it was made; whether the address may be reached can have changed since.
        let key = self.connector.check(outgoing)?;
        if may_be_kept && let Some(lease) = self.pool.take(&key, outgoing.must_be_fresh) {
            return Ok(lease);
        }
        let connecting = async {
            let mut turn = None;
            if let Some(shared) = self.pool.turn(&key) {
                turn = Some(shared.lock_owned().await);
                // Who had the turn before has connected: that connection is as fresh as one can be.
                if may_be_kept && let Some(lease) = self.pool.take(&key, outgoing.must_be_fresh) {
                    return Ok(lease);
                }
            }
            if self.pool.turn(&key).is_none() {
                turn = None; // it turned out to be HTTP/1.1: each makes its own
            }
            let connected = self.connector.connect(&key).await?;
            let socket = Arc::clone(&connected.socket);
            let sender = Sender::begin(connected, &key.origin.to_string()).await?;
            let lease = self.pool.first(key.clone(), sender, socket);
            drop(turn); // not before: now others find it
            Ok(lease)
        };
        tokio::time::timeout_at(by, connecting).await.unwrap_or_else(|_| {
            let limit = outgoing.time_outs.connect.as_secs_f64();
            Err(Failure::new(
                Trouble::ConnectTimeout,
                format!("no connection to {} within {limit:.1} s", outgoing.origin),
            ))
        })
    }

    fn answer(
        &self,
        response: Response<Incoming>,
        outgoing: &Outgoing,
        lease: Lease,
        place: OwnedSemaphorePermit,
        who: String,
        time: Time,
    ) -> Answer {
        let (head, incoming) = response.into_parts();
        let spelt = match &lease.sender {
            Sender::H1 { heard, .. } => heard.head(),
            Sender::H2(_) => Spelt::default(),
        };
        let spell = |name: &HeaderName| spelt.names.get(name).cloned().unwrap_or_else(|| title_case(name));
        let headers = head
            .headers
            .iter()
            .filter(|(name, _)| !HEADERS_OF_THE_CONNECTION.contains(&name.as_str()))
            .map(|(name, value)| (spell(name), value.as_bytes().to_vec()))
            .collect();
        let announced = incoming.size_hint().lower();
        let has_body = outgoing.method != Method::HEAD && head.status != StatusCode::NOT_MODIFIED;
        let mut body = Body {
            incoming,
            pending: Bytes::new(),
            lease: Some(lease),
            pool: Arc::clone(&self.pool),
            keep_alive: keep_alive(&head.headers),
            place: Some(place),
            who,
            time,
            // An answer that announces too much fails with its first byte.
            left: if has_body && announced > self.answer_limit {
                0
            } else {
                self.answer_limit
            },
            limit: self.answer_limit,
            is_over: false,
        };
        if body.incoming.is_end_stream() {
            body.end();
        }
        Answer {
            status: head.status.as_u16(),
            reason: spelt.reason.unwrap_or_else(|| usual_reason(head.status)),
            version: version(head.version),
            headers,
            body,
        }
    }
}

async fn exchange(lease: &mut Lease, outgoing: &Outgoing, who: &str, time: Time) -> Result<Tried, Failure> {
    let progress = Progress::new();
    let request = lease.sender.form(outgoing, &progress)?;
    // Of a connection that others use too, its signs of life are not this request's.
    let socket = (!lease.sender.is_h2()).then(|| Arc::clone(&lease.socket));
    let last_sign = || {
        let own = progress.last();
        socket
            .as_ref()
            .map_or(own, |socket| own.max(socket.last_active()))
    };
    let answered = match &mut lease.sender {
        Sender::H1 { sender, heard, .. } => {
            heard.listen();
            within(time, last_sign, sender.try_send_request(request)).await
        }
        Sender::H2(sender) => within(time, last_sign, sender.try_send_request(request)).await,
    };
    let Some(answered) = answered else {
        return Err(time.over(who, "no answer"));
    };
    match answered {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => Err(Failure::new(
            Trouble::NotHttp,
            format!("{who} wants to speak another protocol, and was not asked to"),
        )),
        Ok(response) => Ok(Tried::Answered(response)),
        Err(mut error) => {
            let is_unsent = error.take_message().is_some();
            let error = error.into_error();
            if is_unsent {
                return Ok(Tried::Unsent(error.to_string()));
            }
            Err(trouble::without_an_answer(who, &error, lease.is_first))
        }
    }
}

/// What comes of `future`, unless nothing moves for too long.
async fn within<F: Future>(time: Time, last_sign: impl Fn() -> Instant, future: F) -> Option<F::Output> {
    tokio::pin!(future);
    let began = Instant::now();
    loop {
        let by = time.until.min(began.max(last_sign()) + time.read);
        if let Ok(output) = tokio::time::timeout_at(by, &mut future).await {
            return Some(output);
        }
        if Instant::now() >= time.until.min(began.max(last_sign()) + time.read) {
            return None;
        }
    }
}

fn usual_reason(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().to_owned()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// How long the server says that it keeps the connection: `Keep-Alive: timeout=5`.
fn keep_alive(headers: &HeaderMap) -> Option<Duration> {
    let value = headers
        .get(HeaderName::from_static("keep-alive"))?
        .to_str()
        .ok()?;
    let seconds = value
        .split(',')
        .find_map(|part| part.trim().strip_prefix("timeout="))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::connect::{Believed, Connected, Socket};
    use crate::pool::Key;
    use crate::request::{Asked, Compartment, Demands, TimeOuts};

    #[tokio::test]
    async fn a_connection_that_ends_before_the_request_is_written_has_sent_nothing() {
        let asked = Asked {
            method: "POST".to_owned(),
            url: "http://closing.example/".to_owned(),
            headers: Vec::new(),
            body: Bytes::from_static(b"{}"),
            time_outs: TimeOuts::default(),
            must_be_fresh: true,
            compartment: Compartment {
                project: "p".parse().unwrap(),
                environment: domain::Environment::Live,
                secrets: [0; 32],
            },
            demands: Demands::default(),
        };
        let outgoing = asked.check().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let socket = Arc::new(Socket::new(stream).unwrap());
        let (io, other_end) = tokio::io::duplex(1_024);
        drop(other_end);
        let connected = Connected {
            io: Box::new(io),
            socket: Arc::clone(&socket),
            is_h2: false,
            proxy: None,
        };
        let key = Key {
            compartment: outgoing.compartment.clone(),
            origin: outgoing.origin.clone(),
            believed: Believed::default(),
        };
        let sender = Sender::begin(connected, "closing.example").await.unwrap();
        let mut lease = Pool::default().first(key, sender, socket);
        let time = Time {
            read: Duration::from_secs(5),
            until: Instant::now() + Duration::from_secs(5),
        };
        let tried = exchange(&mut lease, &outgoing, "closing.example", time)
            .await
            .unwrap();
        assert!(matches!(tried, Tried::Unsent(_)));
    }
}
