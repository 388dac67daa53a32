//! Bodies that are too large, too slow or cut off.

use std::time::Duration;

use domain::Environment;
use insta::assert_snapshot;
use serde_json::json;
use server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::post;
use crate::house::{House, Plan, conversation};

async fn small() -> House {
    let limits = Limits {
        conversation_bytes: 1000,
        body_timeout: Duration::from_millis(300),
        head_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let house = House::with(Plan {
        limits,
        ..Plan::default()
    })
    .await;
    house.deploy("support", 0xa1, Environment::Sandbox).await;
    house
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
    let answer = by_hand(&house, &(head(&house, "content-length: 500") + "{\"id\":")).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not come in time"),
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
async fn bodies_beyond_the_budget_wait_their_turn() {
    // Room for one body at a time.
    let limits = Limits {
        body_budget_bytes: 1024,
        conversation_bytes: 1000,
        ..Limits::default()
    };
    let house = House::with(Plan {
        limits,
        ..Plan::default()
    })
    .await;
    house.deploy("support", 0xa1, Environment::Sandbox).await;
    let mut slow = TcpStream::connect(house.address).await.unwrap();
    let text = conversation("slow").to_string();
    let (first, rest) = text.split_at(10);
    let request = head(&house, &format!("content-length: {}", text.len())) + first;
    slow.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = house.send(json!({"id": "second"}));
    tokio::pin!(second);
    let waited = tokio::time::timeout(Duration::from_millis(300), second.as_mut()).await;
    assert!(
        waited.is_err(),
        "the second was taken while the first held all room"
    );
    slow.write_all(rest.as_bytes()).await.unwrap();
    assert_eq!(second.await.status, 202);
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
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
