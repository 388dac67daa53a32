//! What is taken from a channel, whatever becomes of its other end.

#![allow(clippy::unwrap_used)]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::*;
use crate::frame::Effect;

fn listener(channel: UnixStream) -> Listener {
    let (_, printed) = tokio::net::unix::pipe::pipe().unwrap();
    let (reader, writer) = channel.into_split();
    Listener {
        reader,
        writer,
        buffer: BytesMut::new(),
        output: Output::new(printed),
        logs: LogBook::new(LogLimits::default()),
        requests: Requests::none(),
        result: None,
        is_heard: false,
        left_its_start: false,
    }
}

/// A child's daemon thread asks for something while its main thread hands in the result and ends.
#[tokio::test]
async fn a_result_behind_a_request_that_nobody_waits_for_is_taken() {
    let (ours, mut childs) = UnixStream::pair().unwrap();
    let effect = Effect {
        request: 1,
        lane: "1".into(),
        kind: "http".into(),
        head: ByteVec::from(br#"{"method":"POST","url":"https://crm.example/"}"#.to_vec()),
        body: None,
    };
    let result = ResultFrame {
        outcome: "returned".into(),
        state: None,
        metrics: None,
        actions: None,
        error: None,
        timing: None,
    };
    let mut said = frame::encode(frame::kind::EFFECT, &effect).unwrap();
    said.extend(frame::encode(frame::kind::RESULT, &result).unwrap());
    childs.write_all(&said).await.unwrap();
    drop(childs);
    let mut listener = listener(ours);
    let verdict = listener.serve(Ok(Vec::new()), &|| Timestamp::UNIX_EPOCH).await;
    assert_eq!(verdict, Verdict::Result);
    assert_eq!(listener.result.unwrap().outcome, "returned");
}

/// By that, an exit status of ours is told from the same one of the function's own.
#[tokio::test]
async fn a_child_that_has_not_read_its_start_is_told_from_one_that_has() {
    // More than a socket holds, and little.
    for size in [8 << 20, 100] {
        for reads in [true, false] {
            let (ours, mut childs) = UnixStream::pair().unwrap();
            let mut listener = listener(ours);
            let child = async move {
                childs.readable().await.unwrap();
                if reads {
                    childs.read_exact(&mut vec![0; size]).await.unwrap();
                }
            };
            let served = listener.serve(Ok(vec![7; size]), &|| Timestamp::UNIX_EPOCH);
            let (verdict, ()) = tokio::join!(served, child);
            assert_eq!(
                (verdict, listener.left_its_start),
                (Verdict::ChannelClosed, !reads),
                "{size}"
            );
        }
    }
}

/// An answer that nobody waited for is no start.
#[tokio::test]
async fn a_child_that_was_heard_has_read_its_start_whatever_it_leaves_unread() {
    let (ours, mut childs) = UnixStream::pair().unwrap();
    let mut listener = listener(ours);
    let effect = Effect {
        request: 1,
        lane: "0".into(),
        kind: "http".into(),
        head: ByteVec::from(br#"{"method":"POST","url":"https://crm.example/"}"#.to_vec()),
        body: None,
    };
    let child = async move {
        childs.read_exact(&mut [0; 7]).await.unwrap();
        let asked = frame::encode(frame::kind::EFFECT, &effect).unwrap();
        childs.write_all(&asked).await.unwrap();
        childs.readable().await.unwrap();
    };
    let served = listener.serve(Ok(vec![7; 7]), &|| Timestamp::UNIX_EPOCH);
    let (verdict, ()) = tokio::join!(served, child);
    assert_eq!(
        (verdict, listener.left_its_start),
        (Verdict::ChannelClosed, false)
    );
}
