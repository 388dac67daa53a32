//! What one sending proves.

use domain::Timestamp;
use domain::effect::{Answer, Asked, EffectNumber, Outcome, Phase, Request, Source, Trouble, of_answer};
use gateway::flow::retry_after;

use crate::session::Inner;
use crate::way_out::{Rest, Sent};

/// What the tries of one request came to.
pub(crate) struct Judged {
    pub outcome: Outcome,
    pub body: Vec<u8>,
    /// The host says when it wants to be asked again.
    pub not_before: Option<Timestamp>,
    /// An operator has stopped it.
    pub paused: bool,
    /// Trying again may bring more: the host is out, or would tell what became of a write.
    pub later: bool,
}

impl Inner {
    /// What one sending proves.
    pub(crate) fn judge(
        &self,
        sent: Sent,
        known: &Asked,
        request: &Request,
        effect: EffectNumber,
        resending: bool,
    ) -> Judged {
        let terms = &known.terms;
        let mut judged = Judged {
            outcome: Outcome {
                effect,
                attempt: self.terms.opening.attempt,
                phase: Phase::NotSent,
                trouble: None,
                message: None,
                answer: None,
                tries: 0,
                latency_us: 0,
                streamed: false,
                expected: false,
                heard: false,
                source: Source::Live,
            },
            body: Vec::new(),
            not_before: None,
            paused: false,
            later: false,
        };
        let outcome = &mut judged.outcome;
        match sent {
            Sent::Answered { answer, body } => {
                judged.not_before = answer
                    .header("retry-after")
                    .and_then(|value| retry_after(value.as_bytes(), self.surroundings.now()));
                let asks = answer.header("retry-after").is_some();
                outcome.phase = of_answer(terms.class, answer.status, asks, terms.turned_away_on_503);
                outcome.expected = terms.expected.contains(&answer.status);
                if resending {
                    outcome.phase = of_resend(&request.method, answer.status, outcome.expected);
                }
                outcome.answer = Some(answer);
                judged.body = body;
            }
            Sent::Streaming { .. } => {} // made whole before
            Sent::Broken {
                answer,
                body,
                trouble,
                message,
            } => {
                outcome.phase = match trouble {
                    // What a write did, its status says; that its answer is long changes nothing of it.
                    Trouble::TooLarge if terms.class.is_write() => {
                        of_answer(terms.class, answer.status, false, false)
                    }
                    _ => trouble.phase(),
                };
                (outcome.trouble, outcome.message, outcome.answer) =
                    (Some(trouble), Some(message), Some(answer));
                judged.body = body;
            }
            Sent::Failed { trouble, message } => {
                outcome.phase = trouble.phase();
                outcome.trouble = Some(trouble);
                outcome.message = Some(message);
            }
            Sent::NotAdmitted {
                until,
                paused,
                message,
            } => {
                judged.paused = paused;
                outcome.trouble = Some(Trouble::Unreachable);
                outcome.message = Some(message);
                judged.not_before = until;
            }
        }
        judged.later = outcome.phase.is_outage();
        if resending && outcome.phase != Phase::Done {
            outcome.phase = Phase::Unknown; // what was not sent now says nothing of what was sent then
        }
        judged
    }
}

pub(crate) const fn is_success(status: u16) -> bool {
    matches!(status, 200..=299)
}

/// An answer that came piece by piece, made whole: a "no" is read before anything is done about it.
pub(crate) async fn whole(answer: Answer, mut rest: Box<dyn Rest>) -> Sent {
    let mut body = Vec::new();
    while let Some(next) = rest.next().await {
        match next {
            Ok(bytes) => body.extend_from_slice(&bytes),
            Err((trouble, message)) => {
                return Sent::Broken {
                    answer,
                    body,
                    trouble,
                    message,
                };
            }
        }
    }
    Sent::Answered { answer, body }
}

/// What the answer to recorded bytes that are sent again settles: success does; that what was to go is gone does too. Any other no is
/// an answer to the second sending, and leaves open what the first one did.
fn of_resend(method: &str, status: u16, expected: bool) -> Phase {
    match status {
        200..=399 => Phase::Done,
        404 | 410 if method == "DELETE" => Phase::Done,
        _ if expected => Phase::Done,
        _ => Phase::Unknown,
    }
}
