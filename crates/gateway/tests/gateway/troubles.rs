//! Every cause of a failure, from a real cause of it.

use std::time::Duration;

use domain::effect::Trouble;
use gateway::GatewayOptions;
use gateway::request::TimeOuts;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

use crate::support::{
    Names, PATIENCE, Server, asked, gateway, gateway_with, get, options, post, read_request, reset, send,
    trouble,
};

/// Short enough to wait for, long enough for a busy machine.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let failure = send(&gateway(&options()), post(&format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::ConnectionRefused, "{failure}");
}

#[tokio::test]
async fn there_is_no_way() {
    // Nothing is sent: the system refuses to connect a stream to everybody.
    let options = GatewayOptions {
        allow: vec!["255.255.255.255/32".parse().unwrap()],
        ..options()
    };
    let failure = send(&gateway(&options), post("http://255.255.255.255/"))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::Unreachable, "{failure}");
}

#[tokio::test]
async fn connecting_takes_too_long() {
    // A listener whose queue is full lets the next one knock in vain.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let place = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(place)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 100, "the queue never fills");
    }
    let mut asked = asked("POST", &format!("http://{place}/"));
    asked.time_outs.connect = SHORT;
    let began = Instant::now();
    let failure = send(&gateway(&options()), asked.check().unwrap())
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::ConnectTimeout, "{failure}");
    assert!(began.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn the_name_does_not_exist() {
    let gateway = gateway_with(&options(), Names::default());
    assert_eq!(
        trouble(send(&gateway, get("http://nowhere.example/")).await),
        Trouble::NoSuchName
    );
}

#[tokio::test]
async fn the_connection_breaks_before_an_answer() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = Server::answering_once(answer).await;
        let failure = send(&gateway(&options()), post(&server.url("/")))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, Trouble::Closed, "{answer:?}: {failure}");
    }
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        reset(stream);
    })
    .await;
    assert_eq!(
        trouble(send(&gateway(&options()), post(&server.url("/"))).await),
        Trouble::Reset
    );
}

#[tokio::test]
async fn the_connection_breaks_within_an_answer_and_what_came_before_is_there() {
    for (answer, came) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "12345"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde",
            "abcde",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "abc",
        ),
    ] {
        let server = Server::answering_once(answer).await;
        let answer = gateway(&options())
            .send(get(&server.url("/")), || {})
            .await
            .unwrap();
        let (before, failure) = answer.body.collect().await.unwrap_err();
        assert_eq!(failure.trouble, Trouble::Closed, "{failure}");
        assert_eq!(before, came);
    }
    let server = Server::start(|_, mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            .await
            .unwrap();
        tokio::time::sleep(SHORT).await;
        reset(stream);
    })
    .await;
    let mut answer = gateway(&options())
        .send(get(&server.url("/")), || {})
        .await
        .unwrap();
    assert_eq!(answer.body.next().await.unwrap().unwrap(), "12345");
    let failure = answer.body.next().await.unwrap().unwrap_err();
    assert_eq!(failure.trouble, Trouble::Reset, "{failure}");
    assert!(answer.body.next().await.is_none(), "a failure is the end");
}

#[tokio::test]
async fn what_comes_back_is_not_http() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let server = Server::answering_once(garbage).await;
        let failure = send(&gateway(&options()), get(&server.url("/")))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, Trouble::NotHttp, "{garbage:?}: {failure}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(1 << 20));
    let server = Server::start(move |_, mut stream| {
        let endless = endless.clone();
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(endless.as_bytes()).await; // it is not read to its end
        }
    })
    .await;
    assert_eq!(
        trouble(send(&gateway(&options()), get(&server.url("/"))).await),
        Trouble::NotHttp
    );
    let server =
        Server::answering_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
            .await;
    let failure = send(&gateway(&options()), get(&server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::NotHttp, "{failure}");
}

/// Answers with a head and some bytes, and then one byte every so often.
async fn dripping(every: Duration) -> Server {
    Server::start(move |_, mut stream| async move {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            .await
            .unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(every).await;
        }
    })
    .await
}

#[tokio::test]
async fn nothing_comes_for_too_long() {
    let silent = Server::answering("").await;
    let mut asked1 = asked("GET", &silent.url("/"));
    asked1.time_outs.read = SHORT;
    assert_eq!(
        trouble(send(&gateway(&options()), asked1.check().unwrap()).await),
        Trouble::ReadTimeout
    );

    let server = dripping(PATIENCE).await;
    let mut asked2 = asked("GET", &server.url("/"));
    asked2.time_outs.read = SHORT;
    let mut answer = gateway(&options())
        .send(asked2.check().unwrap(), || {})
        .await
        .unwrap();
    assert_eq!(answer.body.next().await.unwrap().unwrap(), "x");
    assert_eq!(
        answer.body.next().await.unwrap().unwrap_err().trouble,
        Trouble::ReadTimeout
    );
}

#[tokio::test]
async fn a_slow_answer_is_taken_until_the_whole_time_is_used_up() {
    let server = dripping(Duration::from_millis(20)).await;
    let mut asked = asked("GET", &server.url("/"));
    asked.time_outs = TimeOuts {
        connect: PATIENCE,
        read: SHORT * 2,
        total: SHORT * 3,
    };
    let began = Instant::now();
    let failure = send(&gateway(&options()), asked.check().unwrap())
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::ReadTimeout, "{failure}");
    assert!(began.elapsed() >= SHORT * 3 && began.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn the_answer_is_too_long() {
    let options = GatewayOptions {
        answer_limit: 1_000,
        ..options()
    };
    let long = "y".repeat(1_001);
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n{long}");
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n{long}\r\n0\r\n\r\n");
    let to_the_end = format!("HTTP/1.1 200 OK\r\n\r\n{long}");
    for answer in [announced, chunked, to_the_end] {
        let server = Server::answering_once(answer).await;
        assert_eq!(
            trouble(send(&gateway(&options), get(&server.url("/"))).await),
            Trouble::TooLarge
        );
    }
    let just = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
        "y".repeat(1_000)
    );
    let server = Server::answering_once(just).await;
    assert_eq!(
        send(&gateway(&options), get(&server.url("/")))
            .await
            .unwrap()
            .body
            .len(),
        1_000
    );
}

#[tokio::test]
async fn the_first_byte_is_told_of_only_when_it_can_leave() {
    let told = std::sync::atomic::AtomicBool::new(false);
    let tell = || told.store(true, std::sync::atomic::Ordering::Relaxed);
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let sent = gateway(&options())
        .send(post(&format!("http://127.0.0.1:{port}/")), tell)
        .await;
    assert!(sent.is_err() && !told.load(std::sync::atomic::Ordering::Relaxed));

    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    gateway(&options())
        .send(post(&server.url("/")), tell)
        .await
        .unwrap();
    assert!(told.load(std::sync::atomic::Ordering::Relaxed));
}
