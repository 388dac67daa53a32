//! A gateway that may reach loopback, names of the test's own, and servers that do as they are told.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::Environment;
use domain::effect::Trouble;
use gateway::request::{Asked, Compartment, Demands, Outgoing, TimeOuts};
use gateway::resolve::{OwnAddresses, Resolve};
use gateway::{Failure, Gateway, GatewayOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longer than anything takes here, shorter than a person waits.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Names, and what they resolve to: the first answer first, the last one for ever.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: AtomicUsize,
}

impl Names {
    pub fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers.iter().map(parsed).collect());
        self
    }
}

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let Some(answers) = answers.get_mut(name) else {
            return Err(Failure {
                trouble: Trouble::NoSuchName,
                message: format!("the name {name} does not exist"),
            });
        };
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }
}

/// Options that let loopback through.
pub fn options() -> GatewayOptions {
    GatewayOptions {
        allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        system_ca: false,
        ..GatewayOptions::default()
    }
}

pub fn gateway(options: &GatewayOptions) -> Gateway {
    gateway_with(options, Names::default().with("local.example", &[&["127.0.0.1"]]))
}

pub fn gateway_with(options: &GatewayOptions, names: Names) -> Gateway {
    gateway_of(options, Arc::new(names))
}

pub fn gateway_of(options: &GatewayOptions, names: Arc<Names>) -> Gateway {
    let own = OwnAddresses::read_by(|| Ok(Vec::new())).unwrap();
    Gateway::with(options, names, own).unwrap()
}

pub fn compartment(secrets: u8) -> Compartment {
    Compartment {
        project: "p".parse().unwrap(),
        environment: Environment::Live,
        secrets: [secrets; 32],
    }
}

/// Of another project or environment.
pub fn of(project: &str, environment: Environment, mut asked: Asked) -> Outgoing {
    asked.compartment.project = project.parse().unwrap();
    asked.compartment.environment = environment;
    asked.check().unwrap()
}

pub fn asked(method: &str, url: &str) -> Asked {
    Asked {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        time_outs: TimeOuts {
            connect: PATIENCE,
            read: PATIENCE,
            total: PATIENCE,
        },
        must_be_fresh: false,
        compartment: compartment(0),
        demands: Demands::default(),
    }
}

pub fn get(url: &str) -> Outgoing {
    asked("GET", url).check().unwrap()
}

/// A write with a small body.
pub fn post(url: &str) -> Outgoing {
    let mut asked = asked("POST", url);
    asked.body = Bytes::from_static(b"{}");
    asked.must_be_fresh = true;
    asked.check().unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Whole {
    pub status: u16,
    pub reason: String,
    pub version: &'static str,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

impl Whole {
    pub fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }
}

pub async fn send(gateway: &Gateway, outgoing: Outgoing) -> Result<Whole, Failure> {
    let answer = gateway.send(outgoing, || {}).await?;
    Ok(Whole {
        status: answer.status,
        reason: answer.reason,
        version: answer.version,
        headers: answer.headers,
        body: answer.body.collect().await.map_err(|(_, failure)| failure)?,
    })
}

pub fn trouble(sent: Result<Whole, Failure>) -> Trouble {
    match sent {
        Ok(whole) => panic!("it was answered {}: {:?}", whole.status, whole.body),
        Err(failure) => failure.trouble,
    }
}

/// A server on loopback. It ends with the test.
pub struct Server {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Hands each connection over, with its number.
    pub async fn start<F, Fut>(on_connection: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(on_connection(number, stream));
            }
        });
        Self {
            port,
            connections,
            task,
        }
    }

    /// Answers every request by the same bytes, on connections that stay.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer).await.unwrap();
                }
            }
        })
        .await
    }

    /// Answers the first request by these bytes and closes.
    pub async fn answering_once(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::start(move |_, mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                if read_request(&mut stream).await.is_some() {
                    stream.write_all(&answer).await.unwrap();
                }
            }
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, head and body; `None` at the end.
pub async fn read_request<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Option<String> {
    let mut read = Vec::new();
    let mut whole = None;
    loop {
        if whole.is_none() {
            whole = whole_length(&read);
        }
        if whole.is_some_and(|whole| read.len() >= whole) {
            return Some(String::from_utf8_lossy(&read).into_owned());
        }
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// How long the request is, head and body, once its head is there.
fn whole_length(read: &[u8]) -> Option<usize> {
    let head = read.windows(4).position(|end| end == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let body = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(head + 4 + body.unwrap_or(0))
}

/// Closes at once, so that the other side hears of a reset.
pub fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}
