//! Bodies that are too large, too slow or cut off.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;
use server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{get, post};
use crate::house::{House, Plan, conversation};

async fn small() -> House {
    let limits = Limits {
        conversation_bytes: 1000,
        body_timeout: Duration::from_millis(900),
        first_byte_timeout: Duration::from_millis(300),
        stall_timeout: Duration::from_millis(300),
        head_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    House::limited(limits).await
}

/// Writes a request by hand and reads until the server closes.
async fn by_hand(house: &House, text: &str) -> String {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn head(house: &House, rest: &str) -> String {
    format!(
        "POST /v1/conversations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\n{rest}\r\n\r\n",
        house.admin
    )
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_or_without_a_length() {
    let house = small().await;
    let mut long = conversation("call-1");
    long["summary"] = "x".repeat(5000).into();
    assert_snapshot!(house.send(long.clone()).await.told());
    let text = long.to_string();
    let chunked = format!(
        "{}{:x}\r\n{text}\r\n0\r\n\r\n",
        head(&house, "transfer-encoding: chunked"),
        text.len()
    );
    let answer = by_hand(&house, &chunked).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("AC0104"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken() {
    let house = small().await;
    let mut largest = conversation("call-1");
    largest["summary"] = String::new().into();
    let room = 1000 - largest.to_string().len();
    largest["summary"] = "x".repeat(room).into();
    assert_eq!(largest.to_string().len(), 1000);
    assert_eq!(house.send(largest).await.status, 202);
}

#[tokio::test]
async fn a_body_in_many_pieces_is_one_body() {
    let house = small().await;
    let text = conversation("call-1").to_string();
    let mut request = head(&house, "transfer-encoding: chunked");
    for piece in text.as_bytes().chunks(7) {
        request += &format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap());
    }
    request += "0\r\n\r\n";
    let answer = by_hand(&house, &request).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let kept = house.read("/v1/conversations/call-1").await;
    assert_eq!(kept["document"], conversation("call-1"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = small().await;
    for (body, told) in [
        ("", "no byte of it came"),
        ("{\"id\":", "no further byte of it came"),
    ] {
        let began = Instant::now();
        let answer = by_hand(&house, &(head(&house, "content-length: 500") + body)).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("AC0110") && answer.contains(told),
            "{answer}"
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_only_trickles_is_not_waited_for() {
    let house = small().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let mut answer = Vec::new();
    let request = head(&house, "content-length: 500");
    stream.write_all(request.as_bytes()).await.unwrap();
    // A byte each time that it would else be given up.
    for _ in 0..20 {
        let reading = tokio::time::timeout(Duration::from_millis(100), stream.read_buf(&mut answer));
        if reading.await.is_ok() || stream.write_all(b" ").await.is_err() {
            break;
        }
    }
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("did not come whole"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let house = small().await;
    let answer = tokio::time::timeout(Duration::from_secs(10), by_hand(&house, "POST /v1/conv"))
        .await
        .unwrap();
    assert!(!answer.contains(" 20"), "{answer}");
}

#[tokio::test]
async fn whoever_opens_every_connection_and_asks_nothing_keeps_nobody_out() {
    let limits = Limits {
        connections: 8,
        ..Limits::default()
    };
    let house = House::limited(limits).await;
    let body = conversation("in flight").to_string();
    let mut under_way = TcpStream::connect(house.address).await.unwrap();
    let begun = head(&house, &format!("content-length: {}", body.len())) + &body[..20];
    under_way.write_all(begun.as_bytes()).await.unwrap();
    let mut silent = Vec::new();
    for number in 0..20 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"GET /healthz HT").await.unwrap();
        }
        silent.push(stream);
    }
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(get("/healthz").over_tcp(house.address).await.status, 200);
        // Well below the time that a head is waited for.
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
    let mut rest = [0; 512];
    let first = silent[0].read(&mut rest);
    let first = tokio::time::timeout(Duration::from_secs(1), first).await;
    assert!(
        matches!(first, Ok(Ok(0) | Err(_))),
        "the one idle longest is still there: {first:?}"
    );

    // What is under way has its place all the same.
    under_way.write_all(&body.as_bytes()[20..]).await.unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

#[tokio::test]
async fn bodies_beyond_the_budget_are_told_to_come_back_and_only_what_has_come_counts() {
    let limits = Limits {
        body_budget_bytes: 4096,
        key_budget_bytes: 4096,
        admission_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let house = House::limited(limits).await;
    let mut long = conversation("slow");
    long["summary"] = "x".repeat(3000).into();
    let text = long.to_string();
    let (first, rest) = text.split_at(10);
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    let chunked = head(&house, &format!("content-length: {}", text.len())) + first;
    slow.write_all(chunked.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // What it says that it will be is not there yet.
    assert_eq!(house.send(json!({"id": "second"})).await.status, 202);
    let (more, end) = rest.split_at(rest.len() - 10);
    slow.write_all(more.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut other = conversation("third");
    other["summary"] = "x".repeat(3000).into();
    let refused = house.send(other.clone()).await;
    assert_eq!(
        (
            refused.status.as_u16(),
            refused.code(),
            refused.header("retry-after")
        ),
        (503, "AC0109".to_owned(), Some("2"))
    );
    slow.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(house.send(other).await.status, 202);
}

#[tokio::test]
async fn an_archive_has_a_limit_of_its_own() {
    let limits = Limits {
        archive_bytes: 100,
        ..Limits::default()
    };
    let house = House::with(Plan {
        limits,
        ..Plan::default()
    })
    .await;
    let ask = post("/v1/deployments?project=support").bytes(api::TAR, vec![0; 101]);
    assert_eq!(house.ask(ask).await.code(), "AC0104");
}
