//! A batch of conversations, one a line: taken in, committed and answered as it arrives.
//!
//! What has come by the time that the last commit is done goes into the next one, so a client that trickles is answered
//! at once and one that pours is committed in large batches. The reading side runs as a task of its own: the client may
//! send all before it reads any answer, as far as the buffer for answers reaches.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use api::LineAnswer;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use domain::KeyId;
use futures_util::{FutureExt as _, stream};
use http::header;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::accepting::Way;
use crate::admission::Admitted;
use crate::app::{Limits, Shared};
use crate::body::{discard, incomplete};
use crate::lines::{Line, Lines};
use crate::pace::Pace;
use crate::problem::{ApiError, ApiResult, draining, internal, stalled, too_large};

/// Answers a batch. The answer begins before the batch has ended.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    key: Option<KeyId>,
    way: Way,
    body: Body,
) -> ApiResult<Response> {
    let admitted = match shared.admission.batch(key).await {
        Ok(admitted) => admitted,
        Err(busy) => {
            discard(body).await;
            return Err(busy);
        }
    };
    let answers = Arc::new(Answers::default());
    let intake = Intake {
        lines: Lines::new(shared.limits.conversation_bytes),
        shared,
        way,
        body,
        admitted,
        pace: Pace::begin(),
        answers: Arc::clone(&answers),
    };
    tokio::spawn(intake.run());
    // Dropped with the response, finished or not: so the intake learns that nobody listens any more.
    let reader = Reader(answers);
    let stream = stream::unfold(reader, |reader| async move {
        let answers = reader.0.next().await?;
        Some((Ok::<_, Infallible>(answers), reader))
    });
    Ok(([(header::CONTENT_TYPE, api::NDJSON)], Body::from_stream(stream)).into_response())
}

/// What came of waiting for a piece of the body.
enum Piece {
    Data(Bytes),
    End,
    Broken(ApiError),
}

struct Intake {
    body: Body,
    lines: Lines,
    shared: Arc<Shared>,
    way: Way,
    admitted: Admitted,
    pace: Pace,
    answers: Arc<Answers>,
}

impl Intake {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let limits = &shared.limits;
        let mut ended = None;
        let mut batch = Batch::default();
        while !self.answers.is_abandoned() {
            while !batch.is_full(limits)
                && let Some((number, line)) = self.lines.next()
            {
                batch.push(number, line, limits);
            }
            if batch.is_full(limits) || (ended.is_some() && !batch.is_empty()) {
                self.commit(&mut batch).await;
                continue;
            }
            if ended.is_some() {
                break;
            }
            let piece = match self.piece_at_hand() {
                Some(piece) => piece,
                None if !batch.is_empty() => {
                    self.commit(&mut batch).await;
                    continue;
                }
                None => self.next_piece().await,
            };
            match piece {
                Piece::Data(data) => {
                    let ended_a_line = data.contains(&b'\n');
                    self.lines.push(&data);
                    self.pace.piece(ended_a_line);
                    let held = self.lines.held() + batch.bytes;
                    if let Err(busy) = self.admitted.share.resize(held).await {
                        ended = Some(Piece::Broken(busy));
                    }
                }
                Piece::End => {
                    // What is left without an end of its own is a line all the same.
                    if let Some((number, line)) = self.lines.last() {
                        batch.push(number, line, limits);
                    }
                    ended = Some(Piece::End);
                }
                // A cut-off line may be half a conversation: it is not taken.
                broken @ Piece::Broken(_) => ended = Some(broken),
            }
        }
        let Some(Piece::Broken(why)) = ended else {
            return self.answers.finish(None);
        };
        self.answers.finish(Some(broken(self.lines.next_number(), why)));
        drop(self.admitted);
        // Its client may be sending yet, and is to hear why it was broken off.
        discard(self.body).await;
    }

    /// What has come already.
    fn piece_at_hand(&mut self) -> Option<Piece> {
        self.body.frame().now_or_never().map(piece)
    }

    async fn next_piece(&mut self) -> Piece {
        let (until, missing, patience) = self.pace.until(&self.shared.limits, self.lines.in_a_line());
        tokio::select! {
            biased;
            frame = self.body.frame() => piece(frame),
            () = self.shared.drain.begun() => Piece::Broken(draining()),
            () = sleep_until(until) => Piece::Broken(stalled(missing, patience)),
        }
    }

    async fn commit(&mut self, batch: &mut Batch) {
        let batch = std::mem::take(batch);
        let offers = self.way.read(batch.documents).await;
        let is_stopping = self.shared.drain.has_begun();
        let mut offers = offers.into_iter().map(|offer| match offer {
            Ok(_) if is_stopping => Err(draining()),
            offer => offer,
        });
        let offers = batch
            .entries
            .iter()
            .map(|entry| match entry.refused {
                Some(limit) => Err(too_large("The line", limit)),
                None => offers
                    .next()
                    .unwrap_or_else(|| Err(internal(&"fewer conversations than lines"))),
            })
            .collect();
        let answered = self.way.accept(offers).await;
        let mut text = BytesMut::new();
        for (entry, answer) in batch.entries.iter().zip(answered) {
            let (status, accepted, problem) = match answer {
                Ok((status, accepted)) => (status, Some(accepted), None),
                Err(ApiError(problem)) => (problem.status, None, Some(*problem)),
            };
            write_line(
                &mut text,
                &LineAnswer {
                    line: entry.line,
                    status,
                    accepted,
                    problem,
                },
            );
        }
        self.answers.add(text.freeze());
        // Should nobody read them, the connection ends ([`crate::patient`]) and with it this wait.
        self.answers
            .until_room(self.shared.limits.unread_answer_bytes)
            .await;
        self.pace.waited_for_us();
        // Less than before, so there is room.
        let _ = self.admitted.share.resize(self.lines.held()).await;
    }
}

fn piece(frame: Option<Result<hyper::body::Frame<Bytes>, axum::Error>>) -> Piece {
    match frame {
        None => Piece::End,
        // Trailers say nothing to us.
        Some(Ok(frame)) => Piece::Data(frame.into_data().unwrap_or_default()),
        Some(Err(error)) => Piece::Broken(incomplete(&error.to_string())),
    }
}

/// The last answer to a batch that broke off: about the line that did not come, or not whole.
fn broken(line: u64, ApiError(problem): ApiError) -> Bytes {
    let mut text = BytesMut::new();
    write_line(
        &mut text,
        &LineAnswer {
            line,
            status: problem.status,
            accepted: None,
            problem: Some(*problem),
        },
    );
    text.freeze()
}

fn write_line(text: &mut BytesMut, answer: &LineAnswer) {
    let begin = text.len();
    if let Err(error) = serde_json::to_writer((&mut *text).writer(), answer) {
        // Our own document: its keys are texts, so this cannot be. Were it to be, no half line may leave.
        tracing::error!(%error, "an answer could not be written");
        text.truncate(begin);
    }
    text.put_u8(b'\n');
}

/// Lines that are to be committed together.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    documents: Vec<Bytes>,
    bytes: usize,
}

struct Entry {
    line: u64,
    /// The limit that it exceeds, if it does; then it has no document.
    refused: Option<usize>,
}

impl Batch {
    fn push(&mut self, number: u64, line: Line, limits: &Limits) {
        let refused = match line {
            Line::Whole(document) => {
                self.bytes += document.len();
                self.documents.push(document);
                None
            }
            Line::TooLong => Some(limits.conversation_bytes),
        };
        self.entries.push(Entry {
            line: number,
            refused,
        });
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.entries.len() >= limits.batch_lines || self.bytes >= limits.batch_bytes
    }
}

/// Answers on their way from the intake to the response.
#[derive(Default)]
struct Answers {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    finished: bool,
    abandoned: bool,
}

impl Answers {
    fn add(&self, piece: Bytes) {
        self.change(|waiting| {
            waiting.bytes += piece.len();
            waiting.pieces.push_back(piece);
        });
    }

    fn finish(&self, last: Option<Bytes>) {
        self.change(|waiting| {
            waiting.pieces.extend(last);
            waiting.finished = true;
        });
    }

    fn abandon(&self) {
        self.change(|waiting| waiting.abandoned = true);
    }

    fn is_abandoned(&self) -> bool {
        self.look(|waiting| waiting.abandoned)
    }

    /// Waits until less than `most` bytes wait, or nobody listens.
    async fn until_room(&self, most: usize) {
        self.until(|waiting| (waiting.abandoned || waiting.bytes < most).then_some(()))
            .await;
    }

    /// The next piece; `None` after the last.
    async fn next(&self) -> Option<Bytes> {
        let next = |waiting: &mut Waiting| match waiting.pieces.pop_front() {
            Some(piece) => {
                waiting.bytes = waiting.bytes.saturating_sub(piece.len());
                Some(Some(piece))
            }
            None => waiting.finished.then_some(None),
        };
        let piece = self.until(next).await;
        self.changed.notify_waiters();
        piece
    }

    async fn until<T>(&self, mut ready: impl FnMut(&mut Waiting) -> Option<T>) -> T {
        loop {
            // Registered before looking, so that no change in between is missed.
            let changed = self.changed.notified();
            if let Some(value) = self.look(&mut ready) {
                return value;
            }
            changed.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        self.look(change);
        self.changed.notify_waiters();
    }

    fn look<T>(&self, look: impl FnOnce(&mut Waiting) -> T) -> T {
        look(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The response's end of [`Answers`].
struct Reader(Arc<Answers>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
