//! What is taken from a channel, whatever becomes of its other end.

#![allow(clippy::unwrap_used)]
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::*;

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
    let (_, printed) = tokio::net::unix::pipe::pipe().unwrap();
    let (reader, writer) = ours.into_split();
    let mut listener = Listener {
        reader,
        writer,
        buffer: BytesMut::new(),
        output: Output::new(printed),
        logs: LogBook::new(LogLimits::default()),
        result: None,
    };
    let verdict = listener.serve(Ok(Vec::new()), &|| Timestamp::UNIX_EPOCH).await;
    assert_eq!(verdict, Verdict::Result);
    assert_eq!(listener.result.unwrap().outcome, "returned");
}
