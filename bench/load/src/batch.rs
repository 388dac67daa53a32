//! All conversations in one request, one a line, answered line by line as they are committed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;

use crate::document::Document;
use crate::told::Told;
use crate::{Target, connection};

/// Conversations in one piece of the body.
const A_PIECE: u64 = 32;

/// # Errors
/// The connection broke, or an answer is missing.
pub async fn send(target: &Target, document: &Document) -> anyhow::Result<Told> {
    let pieces: Vec<_> = (0..target.count)
        .step_by(A_PIECE as usize)
        .map(|first| lines(document, first, target.count.min(first + A_PIECE)))
        .collect();
    let body = StreamBody::new(stream::iter(
        pieces
            .into_iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data(piece))),
    ));
    let mut sender = connection::open(target).await?;
    let began = Instant::now();
    let answer = sender
        .send_request(connection::request(target, "application/x-ndjson", body)?)
        .await?;
    let status = answer.status();
    let text = connection::read(answer.into_body()).await?;
    let took = began.elapsed();
    ensure!(
        status.is_success(),
        "{status}: {}",
        String::from_utf8_lossy(&text)
    );
    let mut statuses = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line = serde_json::from_slice(line).context("a line of the answer is no JSON")?;
        *statuses.entry(line.status).or_default() += 1;
    }
    Ok(Told::new(statuses, took, Vec::new()))
}

#[derive(serde::Deserialize)]
struct Line {
    status: u16,
}

fn lines(document: &Document, first: u64, end: u64) -> Bytes {
    let mut piece = BytesMut::new();
    for number in first..end {
        piece.put_slice(&document.numbered(number));
        piece.put_u8(b'\n');
    }
    piece.freeze()
}
