//! Sending: an intent, as many tries as nobody needs to see, an outcome; and what is done when the host is out.

use std::time::Duration;

use domain::effect::{
    Asked, Class, EffectNumber, Head, Header, Intent, KeyRule, MAX_EFFECTS, MAX_RECORDED_BYTES, Phase,
    Record, Request, Resolution, Source, Trouble, Try, Wait, catalogue, names_secret, next_wait,
    paused_until, resolve,
};
use domain::{Code, Timestamp};
use tokio::time::Instant;

use crate::answer::{ASSUMED_BODY, assumed, told};
use crate::judged::{Judged, is_success, whole};
use crate::request::{AskedRequest, refused};
use crate::session::Inner;
use crate::stream::Streaming;
use crate::told::{Halt, Told};
use crate::wants::{Waiter, Want};
use crate::way_out::{Sending, Sent};

/// Before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Headers that hold secrets, beside those whose names say so (`X-Api-Key`, `X-Shopify-Access-Token`): they are not written down.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-amz-credential",
];

/// What the tries came to, or the beginning of it.
enum Tried {
    Judged(Judged),
    Streams(Streaming),
}

impl Inner {
    /// Sends a request for the first time, or again with its own bytes.
    pub(crate) async fn drive(
        &self,
        waiter: &Waiter,
        asked: &AskedRequest,
        known: &Asked,
        effect: Option<EffectNumber>,
        key: KeyRule,
    ) -> Option<Told> {
        if effect.is_some() {
            self.room.take_anyway(asked.request.body.len());
        } else if let Some(beyond) = self.beyond_limits(asked) {
            return Some(self.refuse(*refused(
                waiter.request,
                Trouble::Forbidden,
                Code::EffectsLimit,
                beyond,
            )));
        }
        let key = self.key(asked, known, key);
        let mut request = asked.request.clone();
        if let Some((name, value)) = &key
            && request.header(name).is_none()
        {
            request.headers.push((name.clone(), value.clone()));
        }
        let intent = self.intent(asked, known, key);
        self.send(waiter, asked, known, request, |next| Intent {
            effect: effect.unwrap_or(next),
            ..intent
        })
        .await
    }

    /// Sends the recorded bytes of an unknown write again, with their key, to learn what became of them.
    pub(crate) async fn resend(
        &self,
        waiter: &Waiter,
        asked: &AskedRequest,
        known: &Asked,
        effect: EffectNumber,
    ) -> Option<Told> {
        let (last, body) = {
            let journal = self.journal();
            let last = journal.effect(effect)?.last();
            (last.intent.clone(), last.body.clone())
        };
        // Who asks, and with which signature, is of now; what is asked is of then.
        let mut request = asked.request.clone();
        request.method.clone_from(&last.endpoint.method);
        request.url = last.url.parse().ok()?;
        request.spelled.clone_from(&last.url);
        request.body = (*body).clone();
        if let Some((name, value)) = &last.key {
            request
                .headers
                .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            request.headers.push((name.clone(), value.clone()));
        }
        self.room.take_anyway(request.body.len());
        let intent = Intent {
            attempt: self.terms.opening.attempt,
            resend: true,
            ..(*last).clone()
        };
        self.send(waiter, asked, known, request, |_| intent).await
    }

    async fn send(
        &self,
        waiter: &Waiter,
        asked: &AskedRequest,
        known: &Asked,
        request: Request,
        intent: impl FnOnce(EffectNumber) -> Intent,
    ) -> Option<Told> {
        let class = known.terms.class;
        let body = if class == Class::Credential {
            Vec::new()
        } else {
            request.body.clone()
        };
        store::fail_point!("effects.before_intent");
        let (effect, resending, durable) = {
            let mut journal = self.journal();
            let intent = intent(journal.next_number());
            let (effect, resending) = (intent.effect, intent.resend);
            let record = Record {
                at: self.surroundings.now(),
                head: Head::Intent(intent),
                body,
            };
            journal.record(record.clone());
            (effect, resending, self.writer.put(record))
        };
        if !durable.await.unwrap_or(false) {
            return None;
        }
        store::fail_point!("effects.before_send");
        let judged = if self.is_over() || waiter.wanted.must_stay() {
            self.judge(Sent::stayed(), known, &request, effect, resending)
        } else {
            match self
                .tries(waiter, asked, known, &request, effect, resending)
                .await
            {
                Tried::Judged(judged) => judged,
                Tried::Streams(streaming) => return self.stream(waiter, streaming).await,
            }
        };
        store::fail_point!("effects.before_outcome");
        self.conclude(waiter, known, &request, judged).await
    }

    /// Sends it until something is known that the code must hear of, or tries are used up.
    async fn tries(
        &self,
        waiter: &Waiter,
        asked: &AskedRequest,
        known: &Asked,
        request: &Request,
        effect: EffectNumber,
        mut resending: bool,
    ) -> Tried {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        for tries in 1.. {
            let sending = Sending {
                project: &self.terms.project,
                environment: self.terms.environment,
                request,
                time_outs: asked.time_outs,
                demands: &asked.demands,
                is_write: known.terms.class.is_write(),
                wanted: &waiter.wanted,
                room: &self.room,
            };
            let sent_at = Instant::now();
            let sent = self.way_out.send(sending).await;
            let latency_us = u64::try_from(sent_at.elapsed().as_micros()).unwrap_or(u64::MAX);
            let sent = match sent {
                Sent::Streaming { answer, rest } if !resending && is_success(answer.status) => {
                    return Tried::Streams(Streaming {
                        effect,
                        answer,
                        rest,
                        tries,
                        latency_us,
                    });
                }
                Sent::Streaming { answer, rest } => whole(answer, rest).await,
                other => other,
            };
            let mut judged = self.judge(sent, known, request, effect, resending);
            judged.outcome.tries = tries;
            judged.outcome.latency_us = latency_us;
            let phase = judged.outcome.phase;
            if phase == Phase::Unknown && known.terms.class.is_write() {
                match self.resolution(effect, known) {
                    Resolution::Resend => {
                        resending = true;
                        judged.later = true;
                    }
                    Resolution::AssumeDone => {
                        judged.outcome = assumed(effect, self.terms.opening.attempt, Source::Policy);
                        judged.body = ASSUMED_BODY.to_vec();
                    }
                    Resolution::None => {}
                }
            }
            let wait = match judged.not_before {
                Some(until) => Duration::try_from(until.duration_since(self.surroundings.now()))
                    .unwrap_or_default()
                    .max(pause),
                None => pause,
            };
            let last = tries >= self.terms.tries.count || began.elapsed() + wait > self.terms.tries.within;
            let again = judged.later || (phase == Phase::Unknown && known.terms.class == Class::Read);
            if !again || last || judged.paused || waiter.wanted.must_stay() || self.is_over() {
                return Tried::Judged(judged);
            }
            self.room.give(judged.body.len()); // of this try nothing is recorded
            self.pause(wait).await;
            pause *= 2;
        }
        unreachable!("the loop ends by itself")
    }

    /// What became of the request, written down, and told unless the run is to wait.
    async fn conclude(
        &self,
        waiter: &Waiter,
        known: &Asked,
        request: &Request,
        mut judged: Judged,
    ) -> Option<Told> {
        let may_wait = self.terms.may_wait && waiter.wanted.now() == Want::Wanted && !self.is_over();
        let waits = judged.later && may_wait && known.terms.class != Class::Telemetry;
        let until = if waits {
            self.next_wait(known, request, &judged)
        } else {
            None
        };
        judged.outcome.heard = until.is_none() && !self.is_over();
        let told = told(waiter.request, &judged.outcome, &judged.body);
        let is_secret = known.terms.class == Class::Credential && !known.terms.is_once_only(&judged.body);
        let body = if is_secret { Vec::new() } else { judged.body };
        let wait = until.map(|until| Wait {
            attempt: self.terms.opening.attempt,
            effect: judged.outcome.effect,
            origin: request.origin(),
            until,
            message: judged.outcome.message.clone().unwrap_or_default(),
            paused: judged.paused,
        });
        let written = {
            let mut journal = self.journal();
            let heads = [
                Some((Head::Outcome(judged.outcome), body)),
                wait.map(|wait| (Head::Wait(wait), Vec::new())),
            ];
            let mut written = Vec::new();
            for (head, body) in heads.into_iter().flatten() {
                let record = Record {
                    at: self.surroundings.now(),
                    head,
                    body,
                };
                journal.record(record.clone());
                written.push(self.writer.put(record));
            }
            written
        };
        let Some(until) = until else {
            // In the queue before whoever is told can ask for more: an intent commits no earlier than what was handed out before it.
            return Some(told);
        };
        for written in written {
            if !written.await.unwrap_or(false) {
                return None;
            }
        }
        self.halt(Halt::Wait {
            origin: request.origin(),
            until,
        });
        None
    }

    fn next_wait(&self, known: &Asked, request: &Request, judged: &Judged) -> Option<Timestamp> {
        let (now, chance) = (self.surroundings.now(), self.surroundings.chance());
        if judged.paused {
            return Some(paused_until(now, chance));
        }
        let journal = self.journal();
        next_wait(
            journal.waits(),
            &request.origin(),
            known.terms.patience_s,
            judged.not_before,
            now,
            chance,
        )
    }

    fn resolution(&self, effect: EffectNumber, known: &Asked) -> Resolution {
        let journal = self.journal();
        let Some(effect) = journal.effect(effect) else {
            return Resolution::None;
        };
        let key = &effect.intent().key;
        let with_key = |one: &&Try| one.intent.key == *key;
        let first = effect.tries.iter().find(with_key).unwrap_or(effect.last());
        resolve(first, &known.terms, self.surroundings.now())
    }

    fn intent(&self, asked: &AskedRequest, known: &Asked, key: Option<Header>) -> Intent {
        let own_key = key.as_ref().map(|(name, _)| name.as_str());
        let keeps = |(name, _): &&Header| {
            let is_secret = SECRET_HEADERS
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret))
                || names_secret(name)
                || self.terms.catalogue.hides(name);
            !is_secret || own_key.is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        Intent {
            effect: EffectNumber(0), // given when it is written down
            attempt: self.terms.opening.attempt,
            lane: known.lane.clone(),
            class: known.terms.class,
            endpoint: known.endpoint.clone(),
            fingerprint: known.fingerprint,
            site: asked.site.clone(),
            url: asked.request.spelled.clone(),
            headers: asked.request.headers.iter().filter(keeps).cloned().collect(),
            key,
            resend: false,
            timed: known.terms.timed,
        }
    }

    /// The key that goes with a request: the code's own, that of an earlier sending, or a new one where one is to be added.
    fn key(&self, asked: &AskedRequest, known: &Asked, rule: KeyRule) -> Option<Header> {
        let header = known
            .terms
            .idempotency
            .as_ref()
            .map_or(catalogue::IDEMPOTENCY_KEY, |idempotency| &idempotency.header);
        if let Some(own) = asked.request.header(header) {
            return Some((header.to_owned(), own.to_owned()));
        }
        match rule {
            KeyRule::Keep(Some(key)) => Some(key),
            KeyRule::Keep(None) => None,
            KeyRule::New => {
                let wanted = known.terms.class.is_write() && known.terms.add_key;
                wanted.then(|| (header.to_owned(), self.surroundings.key()))
            }
        }
    }

    /// Takes room for a new request, or says why there is none.
    fn beyond_limits(&self, asked: &AskedRequest) -> Option<String> {
        if self.journal().effects().len() >= MAX_EFFECTS {
            return Some(format!(
                "the run has made {MAX_EFFECTS} requests: no more are recorded, so no more are sent"
            ));
        }
        (!self.room.take(asked.request.body.len())).then(|| {
            format!("no more than {MAX_RECORDED_BYTES} bytes of the run's requests and answers are recorded, and they are used up")
        })
    }
}
