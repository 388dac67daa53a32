//! The way out over the network: flow control, then one sending by the gateway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::effect::{Answer, Class, Request, Trouble, of_answer};
use gateway::flow::{Flow, HostKey, NotNow, Outcome, retry_after};
use gateway::request::{Asked, Compartment, Outgoing, TimeOuts};
use gateway::{Failure, Gateway};
use tokio::sync::{Mutex, mpsc};

use crate::request::REQUEST_LIMIT;
use crate::room::Room;
use crate::way_out::{News, Rest, Sending, Sent, WayOut};

/// How long a request waits for its turn with a host before its run waits without a process.
const TURN: Duration = Duration::from_secs(10);

/// News of hosts that nobody has asked for yet.
const NEWS: usize = 64;

/// The way out of a server: one for all its runs.
pub struct Network {
    gateway: Gateway,
    flow: Flow,
    news: (mpsc::Sender<News>, Mutex<mpsc::Receiver<News>>),
    clock: Box<dyn Fn() -> domain::Timestamp + Send + Sync>,
}

impl Network {
    /// By this gateway, no faster than this allows.
    #[must_use]
    pub fn new(
        gateway: Gateway,
        flow: Flow,
        clock: impl Fn() -> domain::Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            gateway,
            flow,
            news: {
                let (tell, told) = mpsc::channel(NEWS);
                (tell, Mutex::new(told))
            },
            clock: Box::new(clock),
        }
    }

    /// What is known of hosts, and what is paused.
    #[must_use]
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Sends it, as long as it is wanted. Until its first byte has left it may have to stay; from then on only the code breaks it off.
    async fn exchange_wanted(&self, outgoing: Outgoing, sending: &Sending<'_>) -> Exchanged {
        let has_left = AtomicBool::new(false);
        let mut exchange = std::pin::pin!(self.exchange(outgoing, sending, &has_left));
        tokio::select! {
            biased;
            came = &mut exchange => return Exchanged::Came(came),
            () = sending.wanted.until_it_must_stay() => {}
        }
        // This task alone moves the exchange on: what has not left by now does not.
        if !has_left.load(Ordering::Acquire) {
            return Exchanged::Stayed;
        }
        tokio::select! {
            biased;
            came = exchange => Exchanged::Came(came),
            () = sending.wanted.until_given_up() => Exchanged::BrokenOff,
        }
    }

    async fn exchange(
        &self,
        outgoing: Outgoing,
        sending: &Sending<'_>,
        has_left: &AtomicBool,
    ) -> Result<(Answer, Came), Failure> {
        let leaves = || has_left.store(true, Ordering::Release);
        let answer = self.gateway.send(outgoing, leaves).await?;
        let head = Answer {
            status: answer.status,
            reason: answer.reason,
            version: answer.version.to_owned(),
            // Header values are bytes; Latin-1 is how HTTP's libraries read them.
            headers: answer
                .headers
                .into_iter()
                .map(|(name, value)| (name, latin1(&value)))
                .collect(),
        };
        if streams(&head) {
            return Ok((head, Came::Piecemeal(Box::new(answer.body))));
        }
        Ok((head, collect(answer.body, sending.room).await))
    }
}

/// Types whose answers are read as they come: events, lines, parts of a model's answer.
const STREAMED: [&str; 6] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/jsonl",
    "application/stream+json",
    "application/vnd.amazon.eventstream",
    "multipart/x-mixed-replace",
];

fn streams(head: &Answer) -> bool {
    let kind = head.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    STREAMED
        .iter()
        .any(|streamed| kind.eq_ignore_ascii_case(streamed))
}

/// What became of a request that was let out.
enum Exchanged {
    Came(Result<(Answer, Came), Failure>),
    /// Nobody wanted it any more before its first byte left.
    Stayed,
    /// The code gave it up when it had left.
    BrokenOff,
}

/// An answer's body.
enum Came {
    Whole(Vec<u8>),
    Piecemeal(Box<gateway::Body>),
    Broken(Vec<u8>, Failure),
}

/// A whole body, as far as there is room for it.
async fn collect(mut body: gateway::Body, room: &Room) -> Came {
    let mut whole = Vec::new();
    while let Some(next) = body.next().await {
        match next {
            Ok(bytes) if room.take(bytes.len()) => whole.extend_from_slice(&bytes),
            Ok(_) => {
                let failure = Failure {
                    trouble: Trouble::TooLarge,
                    message: "no more of the run's answers is recorded".to_owned(),
                };
                return Came::Broken(whole, failure);
            }
            Err(failure) => return Came::Broken(whole, failure),
        }
    }
    Came::Whole(whole)
}

/// A body as it comes.
struct Pieces(gateway::Body);

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

#[async_trait]
impl Rest for Pieces {
    async fn next(&mut self) -> Option<Result<Vec<u8>, (Trouble, String)>> {
        let next = self.0.next().await?;
        Some(
            next.map(|bytes| bytes.to_vec())
                .map_err(|failure| (failure.trouble, failure.message)),
        )
    }
}

/// The host, with its port where that is not the scheme's own.
fn authority(request: &Request) -> String {
    let origin = request.origin();
    origin
        .split_once("://")
        .map_or(origin.clone(), |(_, rest)| rest.to_owned())
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// As the library wrote it: what it wrote as Latin-1 goes out so, all else as UTF-8.
fn bytes(text: &str) -> Vec<u8> {
    let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    latin1.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[async_trait]
impl WayOut for Network {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        let request = sending.request;
        let asked = Asked {
            method: request.method.clone(),
            url: request.spelled.clone(),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), bytes(value)))
                .collect(),
            body: Bytes::from(request.body.clone()),
            time_outs: TimeOuts {
                connect: sending.time_outs.connect,
                read: sending.time_outs.read,
                total: REQUEST_LIMIT,
            },
            must_be_fresh: sending.is_write,
            compartment: Compartment {
                project: sending.project.clone(),
                environment: sending.environment,
                secrets: [0; 32],
            },
            demands: sending.demands.clone(),
        };
        let failed = |failure: Failure| Sent::Failed {
            trouble: failure.trouble,
            message: failure.message,
        };
        let outgoing = match asked.check() {
            Ok(outgoing) => outgoing,
            Err(failure) => return failed(failure),
        };
        let key = HostKey {
            project: sending.project.clone(),
            environment: sending.environment,
            host: authority(request),
        };
        let admitted = tokio::select! {
            biased;
            () = sending.wanted.until_it_must_stay() => return Sent::stayed(),
            admitted = self.flow.admit(&key, TURN) => admitted,
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(NotNow::Until(until)) => {
                let _ = self.news.0.try_send(News::Out {
                    project: key.project,
                    environment: key.environment,
                    host: key.host.clone(),
                });
                return Sent::NotAdmitted {
                    until: Some(until),
                    paused: false,
                    message: format!("{} is left alone until {until}", key.host),
                };
            }
            Err(NotNow::Paused) => {
                return Sent::NotAdmitted {
                    until: None,
                    paused: true,
                    message: format!("{} is paused by an operator", key.host),
                };
            }
            Err(NotNow::Held) => {
                return Sent::NotAdmitted {
                    until: None,
                    paused: false,
                    message: format!(
                        "{} was not asked: others came first for {} s",
                        key.host,
                        TURN.as_secs()
                    ),
                };
            }
        };
        let exchanged = match self.exchange_wanted(outgoing, &sending).await {
            Exchanged::Came(exchanged) => exchanged,
            Exchanged::Stayed => return Sent::stayed(),
            Exchanged::BrokenOff => {
                return Sent::Failed {
                    trouble: Trouble::ReadTimeout,
                    message: format!(
                        "{}: the code gave the request up before it was answered",
                        key.host
                    ),
                };
            }
        };
        match exchanged {
            Ok((answer, came)) => {
                let asks = answer.header("retry-after");
                let until = asks.and_then(|value| retry_after(value.as_bytes(), (self.clock)()));
                let class = if sending.is_write {
                    Class::Write
                } else {
                    Class::Read
                };
                let phase = of_answer(class, answer.status, asks.is_some(), false);
                let told = match &came {
                    // That we have no room for its answer is not the host's doing.
                    Came::Broken(_, failure) if failure.trouble != Trouble::TooLarge => {
                        Outcome::of(failure.trouble.phase(), None, failure.message.clone())
                    }
                    _ => Outcome::of(phase, until, format!("it answered {}", answer.status)),
                };
                if admitted.is_trial() && told == Outcome::Well {
                    // Full only if nobody asks: then runs go on at their own times.
                    let _ = self.news.0.try_send(News::Recovered { host: key.host });
                }
                admitted.report(told);
                match came {
                    Came::Broken(body, failure) => Sent::Broken {
                        answer,
                        body,
                        trouble: failure.trouble,
                        message: failure.message,
                    },
                    Came::Whole(body) => Sent::Answered { answer, body },
                    Came::Piecemeal(body) => Sent::Streaming {
                        answer,
                        rest: Box::new(Pieces(*body)),
                    },
                }
            }
            Err(failure) => {
                let said_nothing = matches!(failure.trouble, Trouble::Forbidden | Trouble::Malformed);
                let told = if said_nothing {
                    Outcome::Untold
                } else {
                    Outcome::of(failure.trouble.phase(), None, failure.message.clone())
                };
                admitted.report(told);
                failed(failure)
            }
        }
    }

    async fn news(&self) -> News {
        match self.news.1.lock().await.recv().await {
            Some(news) => news,
            None => std::future::pending().await, // cannot be: the sender is here
        }
    }
}
