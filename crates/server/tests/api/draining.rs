//! Stopping.

use std::time::Duration;

use insta::assert_snapshot;
use server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{get, post};
use crate::house::{House, Plan, conversation};

/// Begins to hand a conversation in, and keeps back the end of it.
async fn begin(house: &House) -> (TcpStream, String) {
    let text = conversation("in flight").to_string();
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "POST /v1/conversations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        house.admin,
        text.len()
    );
    let (first, rest) = text.split_at(20);
    stream.write_all((head + first).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    (stream, rest.to_owned())
}

#[tokio::test]
async fn what_is_in_flight_is_finished_and_what_comes_is_sent_away() {
    let mut house = House::with_support().await;
    let idle = TcpStream::connect(house.address).await.unwrap();
    let (mut stream, rest) = begin(&house).await;
    house.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_snapshot!("sent_away", house.send(conversation("late")).await.told());
    assert_snapshot!(
        "not_ready_while_draining",
        get("/readyz").over_tcp(house.address).await.told()
    );
    let batch = house
        .ask(post("/v1/conversations").ndjson(conversation("late").to_string()))
        .await;
    assert_eq!(
        (batch.status.as_u16(), batch.header("retry-after")),
        (503, Some("10"))
    );
    assert_eq!(house.read("/v1/status").await["draining"], true);
    assert!(
        !house.stopped.is_finished(),
        "it did not wait for what was in flight"
    );

    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), &mut house.stopped)
        .await
        .expect("it did not stop")
        .unwrap();
    assert!(
        TcpStream::connect(house.address).await.is_err(),
        "the address is still open"
    );
    drop(idle);
}

#[tokio::test]
async fn whoever_does_not_finish_is_broken_off_in_the_end() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut house = House::limited(limits).await;
    let (_stream, _rest) = begin(&house).await;
    house.stop();
    let began = Instant::now();
    tokio::time::timeout(Duration::from_secs(5), &mut house.stopped)
        .await
        .expect("it did not stop")
        .unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_server_that_nobody_uses_stops_at_once() {
    let mut house = House::new().await;
    let _idle = TcpStream::connect(house.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    house.stop();
    tokio::time::timeout(Duration::from_secs(2), &mut house.stopped)
        .await
        .expect("it did not stop")
        .unwrap();
}

#[tokio::test]
async fn whoever_watches_is_told_of_the_drain_until_what_runs_has_ended() {
    let plan = Plan {
        works: true,
        ..Plan::default()
    };
    let mut house = House::with_support_and(plan).await;
    house.stop();
    for _ in 0..3 {
        // Nobody is connected meanwhile.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ready = get("/readyz").over_tcp(house.address).await;
        assert_eq!(
            (ready.status.as_u16(), ready.json()["draining"].clone()),
            (503, true.into())
        );
        assert_eq!(house.read("/v1/status").await["draining"], true);
        assert_eq!(house.send(conversation("late")).await.code(), "AC0108");
    }
    assert!(!house.stopped.is_finished(), "it did not wait for what runs");
    house.end_work();
    tokio::time::timeout(Duration::from_secs(2), &mut house.stopped)
        .await
        .expect("it did not stop")
        .unwrap();
    assert!(
        TcpStream::connect(house.address).await.is_err(),
        "the address is still open"
    );
}
