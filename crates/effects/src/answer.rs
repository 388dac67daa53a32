//! What a child is told: of what has just become of a request, or of what became of it before.

use std::time::Duration;

use domain::Timestamp;
use domain::effect::{Answer, EffectNumber, Head, Lane, Outcome, Phase, Source, Trouble};

use crate::session::Inner;
use crate::told::{Part, Told};

/// The header that marks an answer which nobody gave: a policy, or a person without the real one, says that it happened.
pub const ASSUMED: &str = "Aftercall-Assumed";
/// No recorded answer is given back later than this after it was asked for.
const MAX_LATENCY: Duration = Duration::from_secs(60);

impl Inner {
    /// Gives back what became of an effect before. While more than one lane is alive, no sooner than it came then: what races in
    /// the code shall end as it did.
    pub(crate) async fn give_back(
        &self,
        request: u64,
        lane: &Lane,
        effect: EffectNumber,
        asked: Timestamp,
    ) -> Option<Told> {
        let concluded = self.journal().effect(effect)?.concluded()?.clone();
        if self.lanes.alive() > 1 {
            let _place = self.place(concluded.order);
            let latency = Duration::from_micros(concluded.outcome.latency_us).min(MAX_LATENCY);
            let passed =
                Duration::try_from(self.surroundings.now().duration_since(asked)).unwrap_or_default();
            self.pause(latency.saturating_sub(passed)).await;
            self.turn(concluded.order).await;
        }
        let now = self.surroundings.now();
        let (clock, real_lanes) = {
            let journal = self.journal();
            (
                journal.clock(lane, Some(effect), now),
                journal.real_above(lane, now),
            )
        };
        let told = Told {
            clock,
            real_lanes,
            ..told(request, &concluded.outcome, &concluded.body)
        };
        if concluded.outcome.streamed {
            return self.stream_again(effect, told).await;
        }
        Some(told)
    }

    /// Takes an unknown write for done, and gives that.
    pub(crate) async fn assume(&self, request: u64, effect: EffectNumber) -> Option<Told> {
        let outcome = assumed(effect, self.terms.opening.attempt, Source::Policy);
        let told = told(request, &outcome, ASSUMED_BODY);
        let record = domain::effect::Record {
            at: self.surroundings.now(),
            head: Head::Outcome(outcome),
            body: ASSUMED_BODY.to_vec(),
        };
        self.journal().record(record.clone());
        self.writer.write(record).await.then_some(told)
    }
}

/// The body of an answer that nobody gave.
pub const ASSUMED_BODY: &[u8] = b"{}";

/// What is taken for the answer to a write that is said to have happened.
#[must_use]
pub fn assumed(effect: EffectNumber, attempt: domain::AttemptNumber, source: Source) -> Outcome {
    let headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", "2"),
        (ASSUMED, "1"),
    ];
    Outcome {
        effect,
        attempt,
        phase: Phase::Done,
        trouble: None,
        message: Some("taken for done: nobody knows".to_owned()),
        answer: Some(Answer {
            status: 200,
            reason: "OK".to_owned(),
            version: "HTTP/1.1".to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }),
        tries: 0,
        latency_us: 0,
        streamed: false,
        expected: false,
        heard: true,
        source,
    }
}

/// An outcome in the child's words.
pub(crate) fn told(request: u64, outcome: &Outcome, body: &[u8]) -> Told {
    let code = (outcome.phase == Phase::Refused && outcome.trouble == Some(Trouble::Forbidden))
        .then_some(domain::Code::EffectRefused);
    Told {
        request,
        phase: outcome.phase.as_str(),
        code,
        message: outcome.message.clone(),
        answer: outcome.answer.clone(),
        body: body.to_vec(),
        trouble: outcome.trouble,
        part: Part::Whole,
        clock: None,
        real_lanes: Vec::new(),
    }
}
