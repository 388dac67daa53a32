//! Many conversations, one a line.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use insta::assert_snapshot;
use serde_json::{Value, json};
use server::Limits;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::client::post;
use crate::house::{House, Plan, conversation};

const PATH: &str = "/v1/conversations?project=support";

/// A batch that is sent and answered piece by piece.
struct Open {
    pieces: Option<mpsc::Sender<Bytes>>,
    body: Incoming,
    received: Vec<u8>,
    connection: tokio::task::JoinHandle<hyper::Result<()>>,
}

impl Open {
    async fn begin(house: &House) -> Self {
        let stream = TcpStream::connect(house.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (pieces, received) = mpsc::channel::<Bytes>(1);
        let stream = futures_util::stream::unfold(received, |mut received| async {
            received
                .recv()
                .await
                .map(|piece| (Ok::<_, std::io::Error>(Frame::data(piece)), received))
        });
        let request = Request::post(PATH)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", house.admin))
            .header("content-type", api::NDJSON)
            .body(StreamBody::new(Box::pin(stream)))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self {
            pieces: Some(pieces),
            body: response.into_body(),
            received: Vec::new(),
            connection,
        }
    }

    async fn send(&self, text: impl Into<Bytes>) {
        self.pieces.as_ref().unwrap().send(text.into()).await.unwrap();
    }

    /// The next answer; `None` at the end.
    async fn answer(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = tokio::time::timeout(Duration::from_secs(10), self.body.frame())
                .await
                .unwrap()?
                .unwrap();
            self.received.extend_from_slice(&frame.into_data().unwrap());
        }
    }
}

fn line(id: &str) -> String {
    conversation(id).to_string() + "\n"
}

fn statuses(lines: &[Value]) -> Vec<(u64, u64)> {
    lines
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["status"].as_u64().unwrap()))
        .collect()
}

#[tokio::test]
async fn every_line_is_answered_in_order_and_a_bad_one_alone() {
    let house = House::with_support().await;
    house.send(conversation("known")).await;
    let mut other = conversation("known");
    other["language"] = "de".into();
    let mut body = Vec::new();
    for text in [
        conversation("first").to_string() + "\r\n",
        "\n  \r\n".to_owned(),
        conversation("known").to_string() + "\n",
        other.to_string() + "\n",
        "{\"id\": \n".to_owned(),
        json!({"id": "", "turns": 3}).to_string() + "\n",
        conversation("first").to_string() + "\n",
    ] {
        body.extend_from_slice(text.as_bytes());
    }
    body.extend_from_slice(b"{\"id\": \"\xff\"}\n");
    body.extend_from_slice(conversation("last").to_string().as_bytes());
    let answer = house.ask(post(PATH).ndjson(body)).await;
    assert_snapshot!(answer.told());
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_alone() {
    let limits = Limits {
        conversation_bytes: 1000,
        ..Limits::default()
    };
    let house = House::limited(limits).await;
    let body = line("a") + &"x".repeat(200_000) + "\n" + &line("b");
    let answer = house.ask(post(PATH).ndjson(body)).await;
    assert_eq!(statuses(&answer.lines()), [(1, 202), (2, 413), (3, 202)]);
    assert_eq!(answer.lines()[1]["problem"]["code"], "AC0104");
}

#[tokio::test]
async fn lines_are_answered_as_they_come() {
    let house = House::with_support().await;
    let mut batch = Open::begin(&house).await;
    for id in ["a", "b", "c"] {
        batch.send(line(id)).await;
        let answer = batch.answer().await.unwrap();
        assert_eq!(answer["accepted"]["external_id"], id);
        let run = answer["accepted"]["run_id"].as_str().unwrap();
        assert_eq!(
            house.read(&format!("/v1/runs/{run}")).await["run"]["external_id"],
            id
        );
    }
    batch.pieces = None;
    assert_eq!(batch.answer().await, None);
}

#[tokio::test]
async fn a_client_that_goes_half_way_loses_nothing_that_was_answered_and_no_half_line_is_taken() {
    let house = House::with_support().await;
    let mut batch = Open::begin(&house).await;
    batch.send(line("whole")).await;
    assert_eq!(batch.answer().await.unwrap()["status"], 202);
    // Valid by itself, were it taken for a line: only the end of the line is missing.
    batch.send(conversation("half").to_string()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    batch.connection.abort();
    drop(batch);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let runs = house.read("/v1/runs").await;
    let ids: Vec<_> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["external_id"].clone())
        .collect();
    assert_eq!(ids, ["whole"]);
}

#[tokio::test]
async fn a_client_may_send_all_before_it_reads() {
    let house = House::with_support_and(Plan {
        queue_limit: 100_000,
        ..Plan::default()
    })
    .await;
    let count = 20_000;
    let body: String = (0..count)
        .map(|number| format!("{{\"id\":\"c-{number}\"}}\n"))
        .collect();
    let mut batch = Open::begin(&house).await;
    let sending = async {
        for piece in body.as_bytes().chunks(10_000) {
            batch.send(Bytes::copy_from_slice(piece)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), sending)
        .await
        .expect("the server stopped reading");
    batch.pieces = None;
    for number in 0..count {
        let answer = batch.answer().await.unwrap();
        assert_eq!(answer["accepted"]["external_id"], format!("c-{number}"));
    }
    assert_eq!(batch.answer().await, None);
}

#[tokio::test]
async fn a_client_that_never_reads_is_ended() {
    let limits = Limits {
        unread_answer_bytes: 1000,
        unread_timeout: Duration::from_millis(500),
        ..Limits::default()
    };
    let house = House::with_support_and(Plan {
        limits,
        queue_limit: 1_000_000,
        ..Plan::default()
    })
    .await;
    let mut batch = Open::begin(&house).await;
    let pieces = batch.pieces.take().unwrap();
    // Until the buffers of both ends are full of answers and the server gives up.
    let pouring = async {
        for number in 0_u64.. {
            let piece: String = (0..500)
                .map(|n| format!("{{\"id\":\"{number}-{n}\",\"id\":1}}\n"))
                .collect();
            if pieces.send(piece.into()).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), pouring)
        .await
        .expect("the server took lines for ever");
    let mut rest = batch.body;
    let broken = loop {
        match rest.frame().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(broken, "the answer looked whole");
}

#[tokio::test]
async fn a_queue_that_fills_up_in_a_batch_refuses_the_rest_line_by_line() {
    let house = House::with_support_and(Plan {
        queue_limit: 2,
        ..Plan::default()
    })
    .await;
    let answer = house
        .ask(post(PATH).ndjson(["a", "b", "c", "a"].map(line).concat()))
        .await;
    assert_eq!(
        statuses(&answer.lines()),
        [(1, 202), (2, 202), (3, 503), (4, 200)]
    );
    assert_eq!(answer.lines()[2]["problem"]["code"], "AC0105");
}

#[tokio::test]
async fn an_empty_batch_is_answered_with_nothing() {
    let house = House::with_support().await;
    let answer = house.ask(post(PATH).ndjson("\n\n")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn each_line_says_where_it_belongs_and_the_key_must_allow_it() {
    let house = House::with_support().await;
    let key = house.key("ingest", Some("support"), &["sandbox"]).await;
    let body =
        [json!({"id": "a"}), json!({"id": "b", "environment": "live"})].map(|one| one.to_string() + "\n");
    let answer = post("/v1/conversations")
        .key(&key)
        .ndjson(body.concat())
        .over_tcp(house.address)
        .await;
    assert_eq!(statuses(&answer.lines()), [(1, 202), (2, 403)]);
}

async fn impatient() -> House {
    let limits = Limits {
        first_byte_timeout: Duration::from_millis(300),
        stall_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(900),
        ..Limits::default()
    };
    House::limited(limits).await
}

async fn ends_stalled(batch: &mut Open, line: u64, told: &str) {
    let last = batch.answer().await.unwrap();
    assert_eq!((&last["line"], &last["status"]), (&json!(line), &json!(408)));
    assert_eq!(last["problem"]["code"], "AC0110");
    let detail = last["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains(told), "{detail}");
    assert_eq!(batch.answer().await, None);
}

#[tokio::test]
async fn a_batch_that_does_not_get_on_is_ended_and_keeps_what_was_answered() {
    let house = impatient().await;
    let mut batch = Open::begin(&house).await;
    ends_stalled(&mut batch, 1, "no byte came").await;

    let mut batch = Open::begin(&house).await;
    batch.send(line("a") + "{\"id\":").await;
    assert_eq!(batch.answer().await.unwrap()["status"], 202);
    ends_stalled(&mut batch, 2, "no further byte came").await;

    // Between lines there is more time, and each line begins it anew.
    let mut batch = Open::begin(&house).await;
    for id in ["b", "c", "d"] {
        batch.send(line(id)).await;
        assert_eq!(batch.answer().await.unwrap()["status"], 202);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ends_stalled(&mut batch, 4, "No further line came whole").await;
}

#[tokio::test]
async fn a_line_that_only_trickles_is_not_waited_for() {
    let house = impatient().await;
    let mut batch = Open::begin(&house).await;
    let pieces = batch.pieces.take().unwrap();
    let trickle = async {
        while pieces.send(Bytes::from_static(b" ")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = trickle => {}
        () = ends_stalled(&mut batch, 1, "No further line came whole") => {}
    }
}
