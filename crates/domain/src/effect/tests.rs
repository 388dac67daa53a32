//! The rules, each on the smallest journal that shows it.

mod clock;
mod matching;
mod reads;
mod retries;

use super::*;
use crate::Timestamp;
use crate::ids::AttemptNumber;

/// What an attempt writes down, and the next one reads.
struct Life {
    records: Vec<Record>,
    journal: Journal,
    now: Timestamp,
    opening: Opening,
    catalogue: Catalogue,
}

const CRM: &str = "https://crm.example.com/notes";

impl Life {
    fn new() -> Self {
        let opening = Opening {
            attempt: AttemptNumber(1),
            retry_since: AttemptNumber(0),
            fresh_since: AttemptNumber(0),
            deployed_since: AttemptNumber(0),
        };
        Self {
            records: Vec::new(),
            journal: Journal::open(Vec::new(), opening),
            now: Timestamp::from_second(1_795_600_800).unwrap(),
            opening,
            catalogue: Catalogue::shipped().clone(),
        }
    }

    fn knowing(entries: &str) -> Self {
        Self {
            catalogue: Catalogue::with(serde_norway::from_str(&format!("hosts: {entries}")).unwrap()),
            ..Self::new()
        }
    }

    fn next_attempt(&mut self, change: impl Fn(&mut Opening)) {
        self.opening.attempt.0 += 1;
        change(&mut self.opening);
        self.now += jiff::SignedDuration::from_secs(30);
        self.journal = Journal::open(self.records.clone(), self.opening);
    }

    /// The supervisor went, or the host was out.
    fn resume(&mut self) {
        self.next_attempt(|_| {});
    }

    /// The code failed.
    fn retry(&mut self) {
        self.next_attempt(|opening| opening.retry_since = opening.attempt);
    }

    fn asked(&self, lane: &str, method: &str, url: &str, body: &str) -> (Asked, Request) {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let request = Request::new(method, url, headers, body.as_bytes().to_vec()).unwrap();
        let asked = Asked {
            lane: Lane(lane.to_owned()),
            endpoint: request.endpoint(),
            fingerprint: Fingerprint::of(&request, &self.catalogue, self.now),
            terms: self.catalogue.terms(&request),
        };
        (asked, request)
    }

    fn ask(&mut self, lane: &str, method: &str, url: &str, body: &str) -> Course {
        let (asked, _) = self.asked(lane, method, url, body);
        self.journal.ask(&asked, self.now)
    }

    fn write(&mut self, body: &str) -> Course {
        self.ask("0", "POST", CRM, body)
    }

    fn note(&mut self, head: Head) {
        let record = Record {
            at: self.now,
            head,
            body: Vec::new(),
        };
        self.records.push(record.clone());
        self.journal.record(record);
    }

    fn intend(&mut self, lane: &str, method: &str, url: &str, body: &str, course: &Course) -> EffectNumber {
        let (asked, request) = self.asked(lane, method, url, body);
        let (effect, key) = match course {
            Course::Drive { effect, key } => (effect.unwrap_or(self.journal.next_number()), key.clone()),
            other => panic!("not to be sent: {other:?}"),
        };
        let fresh = || {
            Some((
                catalogue::IDEMPOTENCY_KEY.to_owned(),
                format!("key-{}-{}", effect, self.records.len()),
            ))
        };
        let key = match key {
            KeyRule::Keep(key) => key,
            KeyRule::New if asked.terms.add_key => fresh(),
            KeyRule::New => None,
        };
        self.note(Head::Intent(Intent {
            effect,
            attempt: self.opening.attempt,
            lane: asked.lane,
            class: asked.terms.class,
            endpoint: asked.endpoint,
            fingerprint: asked.fingerprint,
            site: "functions/end_function.py:3".to_owned(),
            url: request.url.to_string(),
            headers: Vec::new(),
            key,
            resend: false,
            timed: false,
        }));
        effect
    }

    fn conclude(&mut self, effect: EffectNumber, phase: Phase, status: Option<u16>, heard: bool) {
        let answer = status.map(|status| Answer {
            status,
            reason: String::new(),
            version: "HTTP/1.1".to_owned(),
            headers: Vec::new(),
        });
        self.note(Head::Outcome(Outcome {
            effect,
            attempt: self.opening.attempt,
            phase,
            trouble: answer.is_none().then_some(Trouble::ReadTimeout),
            message: None,
            answer,
            tries: 1,
            latency_us: 1_000,
            streamed: false,
            expected: false,
            heard,
            source: Source::Live,
        }));
    }

    /// Asks and sends, as the only lane does.
    fn send(
        &mut self,
        method: &str,
        url: &str,
        body: &str,
        phase: Phase,
        status: Option<u16>,
    ) -> EffectNumber {
        let course = self.ask("0", method, url, body);
        let effect = self.intend("0", method, url, body, &course);
        self.conclude(effect, phase, status, true);
        effect
    }

    fn done(&mut self, body: &str) -> EffectNumber {
        self.send("POST", CRM, body, Phase::Done, Some(201))
    }
}

fn new() -> Course {
    Course::Drive {
        effect: None,
        key: KeyRule::New,
    }
}

fn given(effect: u32) -> Course {
    Course::Give {
        effect: EffectNumber(effect),
        drifted: false,
    }
}
