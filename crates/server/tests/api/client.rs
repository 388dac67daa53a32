//! A client that is as simple as HTTP allows: one connection for each request.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::contract;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub fn lines(&self) -> Vec<Value> {
        let lines = self
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// What a snapshot holds of it.
    pub fn told(&self) -> String {
        let mut told = serde_json::json!({ "status": self.status.as_u16() });
        for name in ["content-type", "retry-after", "www-authenticate", "allow"] {
            if let Some(value) = self.header(name) {
                told[name] = value.into();
            }
        }
        match self.header("content-type") {
            Some(api::NDJSON) => told["lines"] = self.lines().into(),
            Some(_) => told["body"] = self.json(),
            None => assert!(self.body.is_empty()),
        }
        if let Some(secret) = told["body"]["secret"].as_str() {
            assert!(secret.parse::<crypto::ApiKeySecret>().is_ok());
            // A snapshot with a key in it, even one of nothing, alarms those who look for leaked keys.
            told["body"]["secret"] = "ac_…".into();
        }
        pretty(&told)
    }
}

/// As snapshots hold it.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

pub fn get(path: &str) -> Ask {
    Ask {
        method: Method::GET,
        path: path.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

pub fn delete(path: &str) -> Ask {
    Ask {
        method: Method::DELETE,
        ..get(path)
    }
}

pub fn post(path: &str) -> Ask {
    Ask {
        method: Method::POST,
        ..get(path)
    }
}

impl Ask {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn key(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    pub fn json(self, body: Value) -> Self {
        self.text(&body.to_string())
    }

    pub fn text(mut self, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self.header("content-type", "application/json")
    }

    pub fn ndjson(self, body: impl Into<Bytes>) -> Self {
        self.bytes(api::NDJSON, body)
    }

    pub fn bytes(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    pub async fn over_tcp(self, address: SocketAddr) -> Answer {
        self.over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over_socket(self, path: &Path) -> Answer {
        self.over(UnixStream::connect(path).await.unwrap()).await
    }

    async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Answer {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = sender
            .send_request(request.body(Full::new(self.body)).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(sender);
        connection.abort();
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body,
        };
        contract::hold(&self.method, &self.path, &answer);
        answer
    }
}
