//! Which connection a request goes over.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use domain::effect::Trouble;
use tokio::io::AsyncWriteExt;

use crate::support::{Server, asked, compartment, gateway, get, options, post, read_request, send, trouble};

const HI: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// Lets the clock alone pass: nothing else moves meanwhile.
async fn pass(time: Duration) {
    // What is under way in the background, such as a connection that becomes ready, is let come to its end.
    tokio::time::sleep(Duration::from_millis(20)).await;
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn requests_after_each_other_share_a_connection() {
    let server = Server::answering(HI).await;
    let gateway = gateway(&options());
    for _ in 0..5 {
        send(&gateway, get(&server.url("/"))).await.unwrap();
        send(&gateway, post(&server.url("/"))).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_write_takes_no_connection_that_was_idle_for_long_and_a_read_does() {
    let server = Server::answering(HI).await;
    let gateway = gateway(&options());
    send(&gateway, get(&server.url("/"))).await.unwrap();
    pass(Duration::from_millis(3_900)).await;
    send(&gateway, post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1, "it was idle for less than 4 s");
    pass(Duration::from_millis(4_100)).await;
    send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1, "a read may be made again");
    pass(Duration::from_millis(4_100)).await;
    send(&gateway, post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 2, "a write may not");
    pass(Duration::from_secs(31)).await;
    send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 3, "nothing is kept for ever");
}

#[tokio::test]
async fn what_the_server_announces_counts_if_it_is_less() {
    let server =
        Server::answering("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=3, max=9\r\nContent-Length: 2\r\n\r\nhi")
            .await;
    let gateway = gateway(&options());
    send(&gateway, get(&server.url("/"))).await.unwrap();
    pass(Duration::from_millis(1_900)).await;
    send(&gateway, post(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 1);
    pass(Duration::from_millis(2_100)).await;
    send(&gateway, post(&server.url("/"))).await.unwrap();
    assert_eq!(
        server.connections(),
        2,
        "a second before its end it is not used any more"
    );
}

/// A server in a thread of its own. After its first answer, and when it is told to, it says `last`, or closes if that is
/// nothing, and tells that it has.
fn parting(last: &'static [u8]) -> Parting {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (part, told) = std::sync::mpsc::sync_channel(1);
    let (tell, parted) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        assert!(first.read(&mut buffer).unwrap() > 0);
        first.write_all(HI.as_bytes()).unwrap();
        told.recv().unwrap();
        first.write_all(last).unwrap();
        let _kept = (!last.is_empty()).then_some(first);
        tell.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        let size = second.read(&mut buffer).unwrap();
        second.write_all(HI.as_bytes()).unwrap();
        size
    });
    Parting {
        port,
        part,
        parted,
        thread,
    }
}

struct Parting {
    port: u16,
    part: SyncSender<()>,
    parted: Receiver<()>,
    thread: std::thread::JoinHandle<usize>,
}

#[tokio::test(flavor = "current_thread")]
async fn a_write_takes_no_connection_that_was_closed_or_holds_stray_bytes() {
    for last in [b"".as_slice(), b"HTTP/1.1 408 Request Timeout\r\n\r\n"] {
        let server = parting(last);
        let gateway = gateway(&options());
        let url = format!("http://127.0.0.1:{}/", server.port);
        send(&gateway, get(&url)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await; // the connection is idle now
        // The runtime stands still: nobody but the kernel knows what the server does meanwhile.
        server.part.send(()).unwrap();
        server.parted.recv().unwrap();
        let whole = send(&gateway, post(&url)).await.unwrap();
        assert_eq!(
            (whole.status, whole.body.as_ref()),
            (200, b"hi".as_slice()),
            "{last:?}"
        );
        assert!(server.thread.join().unwrap() > 0);
    }
}

#[tokio::test]
async fn a_kept_connection_that_breaks_under_a_request_is_told_and_the_next_one_is_fresh() {
    let server = Server::start(|number, mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(HI.as_bytes()).await.unwrap();
        // The first connection takes a second request, and dies of it.
        if number > 0 {
            read_request(&mut stream).await;
        } else {
            read_request(&mut stream).await.unwrap();
        }
    })
    .await;
    let gateway = gateway(&options());
    send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(
        trouble(send(&gateway, get(&server.url("/"))).await),
        Trouble::Closed
    );
    send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn compartments_share_no_connection() {
    let server = Server::answering(HI).await;
    let gateway = gateway(&options());
    let of = |secrets, environment: &str| {
        let mut asked = asked("GET", &server.url("/"));
        asked.compartment = compartment(secrets);
        asked.compartment.environment = environment.parse().unwrap();
        asked.check().unwrap()
    };
    for _ in 0..2 {
        for (secrets, environment) in [(0, "live"), (1, "live"), (0, "sandbox")] {
            send(&gateway, of(secrets, environment)).await.unwrap();
        }
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_to_its_end_leaves_no_connection_behind() {
    let server = Server::answering(format!("{HI}{HI}")).await; // more than was asked for
    let gateway = gateway(&options());
    send(&gateway, get(&server.url("/"))).await.unwrap();
    let whole = send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(whole.body, "hi");
    assert_eq!(server.connections(), 2, "stray bytes are nobody's answer");

    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}",
        "a".repeat(100_000)
    );
    let server = Server::answering(long).await;
    let mut answer = gateway.send(get(&server.url("/")), || {}).await.unwrap();
    answer.body.next().await.unwrap().unwrap();
    drop(answer);
    send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(server.connections(), 2);
}
