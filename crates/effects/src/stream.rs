//! Answers that come piece by piece: handed out as they come, written down in the same pieces, given back in them.

use domain::effect::{Answer, ChunkOf, EffectNumber, Head, Outcome, Phase, Record, Source, Trouble};
use tokio::sync::oneshot;

use crate::answer::told;
use crate::session::Inner;
use crate::told::{Part, Told};
use crate::wants::Waiter;
use crate::way_out::Rest;

/// A stream as it begins.
pub(crate) struct Streaming {
    pub effect: EffectNumber,
    pub answer: Answer,
    pub rest: Box<dyn Rest>,
    pub tries: u32,
    pub latency_us: u64,
}

impl Inner {
    /// Hands an answer out as it comes. It ends by itself, or where the code closes it, or breaks; when the child is gone the rest is
    /// written down to its end all the same.
    pub(crate) async fn stream(&self, waiter: &Waiter, mut streaming: Streaming) -> Option<Told> {
        let mut outcome = Outcome {
            effect: streaming.effect,
            attempt: self.terms.opening.attempt,
            phase: Phase::Done,
            trouble: None,
            message: None,
            answer: Some(streaming.answer),
            tries: streaming.tries,
            latency_us: streaming.latency_us,
            streamed: true,
            expected: false,
            heard: false,
            source: Source::Live,
        };
        let request = waiter.request;
        self.tell(Told {
            part: Part::Head,
            ..told(request, &outcome, &[])
        })
        .await;
        loop {
            let next = tokio::select! {
                biased;
                () = waiter.wanted.until_nobody_reads() => None,
                next = streaming.rest.next() => next,
            };
            match next {
                None => break,
                Some(Ok(bytes)) if !self.room.take(bytes.len()) => {
                    (outcome.phase, outcome.trouble) = (Trouble::TooLarge.phase(), Some(Trouble::TooLarge));
                    outcome.message = Some("no more of the run's answers is recorded".to_owned());
                    break;
                }
                Some(Ok(bytes)) => {
                    let of = ChunkOf {
                        effect: outcome.effect,
                        attempt: outcome.attempt,
                    };
                    // Durable before it is handed out: so a stream is read no faster than it can be written down.
                    if !self.put(Head::Chunk(of), bytes.clone()).await.unwrap_or(false) {
                        break;
                    }
                    self.tell(piece(request, bytes, Part::Piece, None)).await;
                }
                Some(Err((trouble, message))) => {
                    (outcome.phase, outcome.trouble, outcome.message) =
                        (trouble.phase(), Some(trouble), Some(message));
                    break;
                }
            }
        }
        outcome.heard = !self.is_over();
        let trouble = outcome.trouble;
        drop(self.put(Head::Outcome(outcome), Vec::new())); // what comes after it waits for it
        Some(piece(request, Vec::new(), Part::Last, trouble))
    }

    /// Gives a recorded stream back, with the boundaries that it had.
    pub(crate) async fn stream_again(&self, effect: EffectNumber, whole: Told) -> Option<Told> {
        let chunks = self.journal().effect(effect)?.last().chunks.clone();
        let (request, trouble) = (whole.request, whole.trouble);
        self.tell(Told {
            part: Part::Head,
            trouble: None,
            body: Vec::new(),
            ..whole
        })
        .await;
        for chunk in chunks {
            self.tell(piece(request, (*chunk).clone(), Part::Piece, None))
                .await;
        }
        Some(piece(request, Vec::new(), Part::Last, trouble))
    }

    /// Writes a record down behind those that wait.
    fn put(&self, head: Head, body: Vec<u8>) -> oneshot::Receiver<bool> {
        let record = Record {
            at: self.surroundings.now(),
            head,
            body,
        };
        self.journal().record(record.clone());
        self.writer.put(record)
    }

    async fn tell(&self, told: Told) {
        if !self.is_over() {
            // A child that is gone wants to know nothing.
            let _ = self.told.send(told).await;
        }
    }
}

fn piece(request: u64, body: Vec<u8>, part: Part, trouble: Option<Trouble>) -> Told {
    Told {
        request,
        phase: Phase::Done.as_str(),
        code: None,
        message: None,
        answer: None,
        body,
        trouble,
        part,
        clock: None,
        real_lanes: Vec::new(),
    }
}
