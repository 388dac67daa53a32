//! One key that begins everything and ends nothing keeps nobody else out.

use std::time::Duration;

use domain::Environment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::post;
use crate::house::{House, conversation};

/// Clients that send a head and then nothing.
const SILENT: usize = 200;
/// Within this another key is answered: a tenth of what the silent ones are waited for ([`server::Limits`]).
const PROMPT: Duration = Duration::from_secs(1);

async fn silent(house: &House, key: &str, media_type: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = format!(
        "POST /v1/conversations?project=support HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn is_answered_promptly(house: &House, key: &str, id: &str) {
    let body = conversation(id).to_string();
    for (status, ask) in [
        (202, post("/v1/conversations?project=support").text(&body)),
        (
            200,
            post("/v1/conversations?project=support").ndjson(body.clone().into_bytes()),
        ),
    ] {
        let began = Instant::now();
        let answer = ask.key(key).over_tcp(house.address).await;
        assert_eq!(answer.status, status, "{:?}", answer.body);
        assert!(began.elapsed() < PROMPT, "{id} took {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_of_one_key_keep_no_other_key_waiting() {
    let house = House::new().await;
    house.deploy("support", 0xa1, Environment::Sandbox).await;
    let greedy = house.key("ingest", Some("support"), &["sandbox"]).await;
    let other = house.key("ingest", Some("support"), &["sandbox"]).await;
    let mut clients = Vec::new();
    for number in 0..SILENT {
        let media_type = ["application/json", "application/x-ndjson"][number % 2];
        clients.push(silent(&house, &greedy, media_type).await);
    }
    for number in 0..5 {
        is_answered_promptly(&house, &other, &format!("call-{number}")).await;
    }

    // Those that found no room were told so, soon; the rest still has its place.
    tokio::time::sleep(2 * PROMPT).await;
    let mut refused = 0;
    for client in &mut clients {
        let mut answer = [0; 4096];
        if let Ok(Ok(read)) = tokio::time::timeout(Duration::from_millis(1), client.read(&mut answer)).await {
            let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
            if answer.starts_with("HTTP/1.1 503 ") {
                assert!(
                    answer.contains("AC0109") && answer.contains("retry-after: 2"),
                    "{answer}"
                );
                refused += 1;
            }
        }
    }
    let limits = server::Limits::default();
    let placed = limits.bodies_per_key + limits.batches_per_key;
    assert!(
        (SILENT - placed..SILENT).contains(&refused),
        "{refused} were refused"
    );
    is_answered_promptly(&house, &other, "afterwards").await;
}
