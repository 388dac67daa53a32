//! HTTP/2: shared connections, and what it says of requests that were not looked at.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::effect::Trouble;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_rustls::server::TlsStream;

use crate::support::{Server, gateway, get, post, send};
use crate::tls::{Authority, acceptor, serve};

fn url(server: &Server) -> String {
    format!("https://local.example:{}/a?b", server.port)
}

/// Echoes method, URL and Host header; requests wait for each other.
async fn meeting(authority: &Authority, size: usize) -> Server {
    let barrier = Arc::new(Barrier::new(size));
    let leaf = authority.leaf(&["local.example"], |_| {});
    serve(acceptor(&leaf, None, &["h2", "http/1.1"]), move |_, stream| {
        let barrier = Arc::clone(&barrier);
        async move {
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let barrier = Arc::clone(&barrier);
                async move {
                    barrier.wait().await;
                    let host = request.headers().get("host").is_some();
                    let said = format!("{} {} {host}", request.method(), request.uri());
                    let answer = hyper::Response::builder()
                        .header("x-request-id", "7")
                        .body(Full::new(Bytes::from(said)));
                    Ok::<_, Infallible>(answer.unwrap())
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = connection.serve_connection(TokioIo::new(stream), service).await; // it ends with the test
        }
    })
    .await
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_connection() {
    let authority = Authority::new();
    let server = meeting(&authority, 1).await;
    let gateway = Arc::new(gateway(&authority.options()));
    let first = send(&gateway, get(&url(&server))).await.unwrap();
    assert_eq!(
        first.body,
        format!("GET https://local.example:{}/a?b false", server.port)
    );
    assert_eq!((first.version, first.reason.as_str()), ("HTTP/2", "OK"));
    assert!(first.names().contains(&"X-Request-Id"), "{:?}", first.names());

    let server = meeting(&authority, 40).await;
    let all = (0..40).map(|_| {
        let (gateway, outgoing) = (Arc::clone(&gateway), post(&url(&server)));
        tokio::spawn(async move { send(&gateway, outgoing).await.unwrap().status })
    });
    let all: Vec<_> = all.collect();
    for one in all {
        assert_eq!(one.await.unwrap(), 200); // they answer only once all have arrived
    }
    assert_eq!(
        server.connections(),
        1,
        "those that came while it was made have waited for it"
    );
}

#[tokio::test]
async fn headers_are_limited_by_their_bytes_as_they_are_in_http_1() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example"], |_| {});
    // As many headers as the path says, each of as many bytes.
    let server = serve(acceptor(&leaf, None, &["h2"]), |_, stream| async move {
        let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
            let (count, size) = request.uri().path()[1..].split_once('x').unwrap();
            let value = "v".repeat(size.parse().unwrap());
            let mut answer = hyper::Response::new(Full::new(Bytes::from("hi")));
            for n in 0..count.parse::<u32>().unwrap() {
                let name: http::HeaderName = format!("x{n}").parse().unwrap();
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            Ok::<_, Infallible>(answer)
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = connection.serve_connection(TokioIo::new(stream), service).await; // it ends with the test
    })
    .await;
    let gateway = gateway(&authority.options());
    let to = |path: &str| post(&format!("https://local.example:{}{path}", server.port));
    let whole = send(&gateway, to("/3000x1")).await.unwrap();
    assert!(
        whole.headers.len() >= 3_000 && whole.body == "hi",
        "{}",
        whole.headers.len()
    );
    for path in ["/40x4096", "/5000x1"] {
        let sent = send(&gateway, to(path)).await;
        let failure = sent.err().unwrap();
        assert_eq!(failure.trouble, Trouble::NotHttp, "{path}: {failure}");
        assert!(failure.message.contains("131072 bytes"), "{failure}");
    }
}

/// A server that shakes hands, waits for a request's headers (the first stream is 1), and says `frames`.
async fn saying(authority: &Authority, frames: Vec<u8>) -> Server {
    let leaf = authority.leaf(&["local.example"], |_| {});
    serve(acceptor(&leaf, None, &["h2"]), move |_, stream| {
        let frames = frames.clone();
        async move { say(stream, &frames).await }
    })
    .await
}

async fn say(mut stream: TlsStream<TcpStream>, frames: &[u8]) {
    const PREFACE: usize = 24;
    stream.write_all(&frame(4, 0, 0, b"")).await.unwrap(); // our settings
    let mut preface = [0; PREFACE];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == 1 {
            break; // the headers of a request
        }
    }
    stream.write_all(frames).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let _ = stream.shutdown().await; // the other side may be gone
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn reset(code: u32) -> Vec<u8> {
    frame(3, 0, 1, &code.to_be_bytes())
}

fn go_away(last_stream: u32, code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last_stream.to_be_bytes(), code.to_be_bytes()].concat())
}

#[tokio::test]
async fn only_a_request_that_was_not_looked_at_counts_as_refused() {
    const NO_ERROR: u32 = 0;
    const INTERNAL_ERROR: u32 = 2;
    const REFUSED_STREAM: u32 = 7;
    const ENHANCE_YOUR_CALM: u32 = 11;
    let authority = Authority::new();
    for (what, frames, expected) in [
        (
            "the stream is refused",
            reset(REFUSED_STREAM),
            Trouble::StreamRefused,
        ),
        ("the stream failed", reset(INTERNAL_ERROR), Trouble::Reset),
        (
            "it goes, and we are beyond",
            go_away(0, NO_ERROR),
            Trouble::StreamRefused,
        ),
        (
            "it goes in anger, and we are beyond",
            go_away(0, ENHANCE_YOUR_CALM),
            Trouble::StreamRefused,
        ),
        (
            "it goes, and had begun with us",
            go_away(1, NO_ERROR),
            Trouble::Reset,
        ),
        (
            "it goes in anger, and had begun with us",
            go_away(1, INTERNAL_ERROR),
            Trouble::Reset,
        ),
        (
            "it goes later than we",
            go_away(0x7fff_ffff, NO_ERROR),
            Trouble::Reset,
        ),
        ("it closes without a word", Vec::new(), Trouble::Reset),
        (
            "what it says is no frame",
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            Trouble::NotHttp,
        ),
    ] {
        let server = saying(&authority, frames).await;
        let failure = send(&gateway(&authority.options()), post(&url(&server)))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, expected, "{what}: {failure}");
    }
}

#[tokio::test]
async fn a_stream_that_is_refused_within_its_answer_has_been_looked_at() {
    let authority = Authority::new();
    // `:status: 200` from the static table; then the stream is "refused".
    let frames = [frame(1, 4, 1, &[0x88]), reset(7)].concat();
    let server = saying(&authority, frames).await;
    let failure = send(&gateway(&authority.options()), post(&url(&server)))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::Reset, "{failure}");
}

#[tokio::test]
async fn a_write_takes_no_shared_connection_that_was_silent_for_long() {
    let authority = Authority::new();
    let server = meeting(&authority, 1).await;
    let gateway = gateway(&authority.options());
    send(&gateway, get(&url(&server))).await.unwrap();
    send(&gateway, post(&url(&server))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(4_500)).await;
    tokio::time::resume();
    send(&gateway, get(&url(&server))).await.unwrap();
    assert_eq!(server.connections(), 1);
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(4_500)).await;
    tokio::time::resume();
    send(&gateway, post(&url(&server))).await.unwrap();
    assert_eq!(server.connections(), 2);
}
