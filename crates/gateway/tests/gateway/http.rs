//! Plain HTTP/1.1, as it is outside.

use bytes::Bytes;
use domain::effect::Trouble;
use gateway::CHUNK_LIMIT;
use tokio::io::AsyncWriteExt;

use crate::support::{Server, asked, gateway, get, options, post, read_request, send};

#[tokio::test]
async fn an_answer_comes_as_it_was_sent() {
    let server = Server::answering(
        "HTTP/1.1 207 Multi Whatever\r\nETag: \"a\"\r\nset-cookie: one\r\nWWW-Authenticate: x\r\nset-cookie: two\r\n\
         X-Latin: \u{e9}\r\nContent-Encoding: gzip\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\
         Content-Length: 8\r\n\r\nnot gzip",
    )
    .await;
    let whole = send(&gateway(&options()), get(&server.url("/"))).await.unwrap();
    assert_eq!(
        (whole.status, whole.reason.as_str(), whole.version),
        (207, "Multi Whatever", "HTTP/1.1")
    );
    let expected = [
        "ETag",
        "set-cookie",
        "set-cookie",
        "WWW-Authenticate",
        "X-Latin",
        "Content-Encoding",
        "Content-Length",
    ];
    assert_eq!(whole.names(), expected);
    assert_eq!(whole.headers[4].1, "\u{e9}".as_bytes());
    assert_eq!(whole.body, "not gzip");
}

#[tokio::test]
async fn the_words_after_the_status_are_kept_in_latin_1() {
    let interim = b"HTTP/1.1 103 \xfcber\r\n\r\n".as_slice();
    for (said, kept) in [
        (
            b"Schlie\xdfen nicht m\xf6glich".as_slice(),
            "Schlie\u{df}en nicht m\u{f6}glich",
        ),
        // UTF-8 is read so too, by every library outside.
        ("\u{e9}".as_bytes(), "\u{c3}\u{a9}"),
        (b"Fine \tby me", "Fine \tby me"),
        (b"", ""),
        (b"OK", "OK"),
    ] {
        for before in [b"".as_slice(), interim, b"\r\n"] {
            let rest = b"\r\nContent-Length: 0\r\n\r\n".as_slice();
            let server = Server::answering([before, b"HTTP/1.1 200 ", said, rest].concat()).await;
            let gateway = gateway(&options());
            for _ in 0..2 {
                let whole = send(&gateway, get(&server.url("/"))).await.unwrap();
                assert_eq!(whole.reason, kept, "{said:?} after {before:?}");
                assert_eq!(whole.names(), ["Content-Length"]);
            }
        }
    }
}

#[tokio::test]
async fn headers_are_limited_by_their_bytes_and_not_by_their_number() {
    let lines: String = (0..4_000).map(|n| format!("{n}:\r\n")).collect();
    let server = Server::answering(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 2\r\n\r\nhi")).await;
    let whole = send(&gateway(&options()), post(&server.url("/"))).await.unwrap();
    assert_eq!(
        (whole.headers.len(), whole.body.as_ref()),
        (4_001, b"hi".as_slice())
    );

    for value in [128 * 1024, 1024 * 1024] {
        let value = "x".repeat(value);
        let server = Server::answering(format!(
            "HTTP/1.1 200 OK\r\nA: {value}\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        let sent = send(&gateway(&options()), post(&server.url("/"))).await;
        let failure = sent.err().unwrap();
        assert_eq!(failure.trouble, Trouble::NotHttp, "{failure}");
        assert!(failure.message.contains("131072 bytes"), "{failure}");
    }
}

#[tokio::test]
async fn more_headers_than_can_be_held_break_nothing() {
    let lines = "a:\n".repeat(40_000);
    let server = Server::answering(format!("HTTP/1.1 200 OK\n{lines}Content-Length: 0\n\n")).await;
    let sent = send(&gateway(&options()), post(&server.url("/"))).await;
    let failure = sent.err().unwrap();
    assert_eq!(failure.trouble, Trouble::NotHttp, "{failure}");
    assert!(failure.message.contains("or 4096"), "{failure}");
}

#[tokio::test]
async fn a_request_arrives_as_it_was_asked_for() {
    let server = Server::start(|_, mut stream| async move {
        let request = read_request(&mut stream).await.unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}",
            request.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let mut asked = asked("POST", &server.url("/a/../b?x=%20y&x=1"));
    asked.headers = vec![
        ("X-One".to_owned(), b"1".to_vec()),
        ("connection".to_owned(), b"close".to_vec()),
        ("X-One".to_owned(), b"2".to_vec()),
        ("Transfer-Encoding".to_owned(), b"chunked".to_vec()),
    ];
    asked.body = Bytes::from_static(b"{}");
    let whole = send(&gateway(&options()), asked.check().unwrap()).await.unwrap();
    let expected = format!(
        "POST /a/../b?x=%20y&x=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: 2\r\n\r\n{{}}",
        server.port
    );
    assert_eq!(whole.body, expected);
}

#[tokio::test]
async fn an_answer_without_a_body_is_whole_and_the_connection_goes_on() {
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
        ("POST", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let server = Server::answering(answer).await;
        let gateway = gateway(&options());
        for _ in 0..3 {
            let whole = send(&gateway, asked(method, &server.url("/")).check().unwrap())
                .await
                .unwrap();
            assert!(whole.body.is_empty(), "{answer}");
        }
        assert_eq!(server.connections(), 1, "{answer}");
    }
}

#[tokio::test]
async fn interim_answers_are_skipped() {
    let server = Server::answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLINK: </x>\r\n\r\n\
         HTTP/1.1 200 OK\r\nLink: </y>\r\nContent-Length: 2\r\n\r\nhi",
    )
    .await;
    let whole = send(&gateway(&options()), get(&server.url("/"))).await.unwrap();
    assert_eq!(
        (whole.status, whole.names()),
        (200, vec!["Link", "Content-Length"])
    );
    assert_eq!(whole.body, "hi");
}

#[tokio::test]
async fn every_way_to_end_a_body_is_understood() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nX-Trailer: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nabcde",
        "HTTP/1.0 200 OK\r\n\r\nabcde",
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nabcde",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length : 5\r\n\r\nabcde",
    ] {
        let server = Server::answering_once(answer).await;
        let whole = send(&gateway(&options()), get(&server.url("/"))).await.unwrap();
        assert_eq!(whole.body, "abcde", "{answer:?}");
        assert!(!whole.names().contains(&"Transfer-Encoding"));
    }
}

#[tokio::test]
async fn a_stream_is_handed_on_as_it_comes() {
    let (next, wanted) = tokio::sync::mpsc::channel::<()>(1);
    let wanted = std::sync::Arc::new(tokio::sync::Mutex::new(wanted));
    let server = Server::start(move |_, mut stream| {
        let wanted = std::sync::Arc::clone(&wanted);
        async move {
            read_request(&mut stream).await;
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            while wanted.lock().await.recv().await.is_some() {
                stream.write_all(b"9\r\ndata: 1\n\n\r\n").await.unwrap();
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let mut answer = gateway(&options())
        .send(get(&server.url("/")), || {})
        .await
        .unwrap();
    for _ in 0..3 {
        next.send(()).await.unwrap(); // the server has sent nothing further until here
        assert_eq!(answer.body.next().await.unwrap().unwrap(), "data: 1\n\n");
    }
    drop(next);
    assert!(answer.body.next().await.is_none());
}

#[tokio::test]
async fn a_large_body_goes_both_ways_in_bounded_chunks() {
    let size = 6 * 1024 * 1024;
    let answer = [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").into_bytes(),
        vec![b'z'; size],
    ]
    .concat();
    let server = Server::answering(answer).await;
    let mut asked = asked("PUT", &server.url("/"));
    asked.body = Bytes::from(vec![b'u'; size]);
    let mut answer = gateway(&options())
        .send(asked.check().unwrap(), || {})
        .await
        .unwrap();
    let mut came = 0;
    while let Some(chunk) = answer.body.next().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty() && chunk.len() <= CHUNK_LIMIT && chunk.iter().all(|byte| *byte == b'z'));
        came += chunk.len();
    }
    assert_eq!(came, size);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_whole_request_was_taken_is_heard() {
    let server = Server::start(|_, mut stream| async move {
        use tokio::io::AsyncReadExt;
        let mut some = [0; 1024];
        let _ = stream.read(&mut some).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
            .await
            .unwrap();
        // It reads on for a while, as servers do that want their answer heard.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let mut asked = asked("POST", &server.url("/"));
    asked.body = Bytes::from(vec![0; 4 * 1024 * 1024]);
    let whole = send(&gateway(&options()), asked.check().unwrap()).await.unwrap();
    assert_eq!((whole.status, whole.body.as_ref()), (413, b"no".as_slice()));
}
