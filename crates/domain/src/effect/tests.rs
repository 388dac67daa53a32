//! The rules, each on the smallest journal that shows it.

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

#[test]
fn what_is_done_is_given_back_and_never_sent_again() {
    let mut life = Life::new();
    life.done("1");
    life.done("2");
    for _ in 0..3 {
        life.retry();
        assert_eq!(life.write("1"), given(1));
        assert_eq!(life.write("2"), given(2));
        assert_eq!(life.write("3"), new());
    }
}

#[test]
fn the_same_write_asked_for_twice_is_two_writes() {
    let mut life = Life::new();
    life.done("1");
    life.done("1");
    life.resume();
    assert_eq!(life.write("1"), given(1));
    assert_eq!(life.write("1"), given(2));
    assert_eq!(life.write("1"), new());
}

#[test]
fn an_intent_cut_off_by_a_crash_is_sent_again_only_with_its_key_or_by_policy() {
    let cut_off = |mut life: Life, url: &str| {
        let course = life.ask("0", "POST", url, "1");
        life.intend("0", "POST", url, "1", &course);
        life.resume();
        life.ask("0", "POST", url, "1")
    };
    let effect = EffectNumber(1);
    assert_eq!(cut_off(Life::new(), CRM), Course::Park { effect });
    assert_eq!(
        cut_off(Life::new(), "https://api.stripe.com/v1/refunds"),
        Course::Resend { effect }
    );
    let policy = |word: &str| Life::knowing(&format!("[{{host: crm.example.com, on_unknown: {word}}}]"));
    assert_eq!(cut_off(policy("resend"), CRM), Course::Resend { effect });
    assert_eq!(cut_off(policy("assume_done"), CRM), Course::Assume { effect });
    let mut read = Life::new();
    let course = read.ask("0", "GET", CRM, "");
    read.intend("0", "GET", CRM, "", &course);
    read.resume();
    assert!(matches!(
        read.ask("0", "GET", CRM, ""),
        Course::Drive {
            effect: Some(EffectNumber(1)),
            ..
        }
    ));
}

#[test]
fn a_key_outside_of_its_window_proves_nothing() {
    let mut life = Life::knowing("[{host: crm.example.com, idempotency: {window_s: 60}}]");
    let course = life.write("1");
    life.intend("0", "POST", CRM, "1", &course);
    life.now += jiff::SignedDuration::from_secs(31);
    life.resume();
    assert_eq!(
        life.write("1"),
        Course::Park {
            effect: EffectNumber(1)
        }
    );
}

#[test]
fn after_a_wait_what_was_heard_is_given_back_and_what_was_not_is_driven() {
    let mut life = Life::new();
    let refused = life.send("POST", CRM, "heard", Phase::Rejected, Some(422));
    let course = life.write("1");
    let effect = life.intend("0", "POST", CRM, "1", &course);
    life.conclude(effect, Phase::NotSent, None, false);
    life.resume();
    assert_eq!(life.write("heard"), given(refused.0));
    let again = life.write("1");
    let key = life.journal.effect(effect).unwrap().intent().key.clone();
    assert_eq!(
        again,
        Course::Drive {
            effect: Some(effect),
            key: KeyRule::Keep(key)
        }
    );
}

#[test]
fn a_retry_reopens_failures_that_nothing_made_good_and_a_resume_none() {
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Rejected, Some(422));
    life.resume();
    assert_eq!(life.write("1"), given(1));
    life.retry();
    let again = Course::Drive {
        effect: Some(EffectNumber(1)),
        key: KeyRule::New,
    };
    assert_eq!(life.write("1"), again, "a rejected write gets a new key");
    // An interruption before the code came there again: it is still to be driven.
    life.resume();
    assert_eq!(life.write("1"), again);
    let effect = life.intend("0", "POST", CRM, "1", &again);
    life.conclude(effect, Phase::Rejected, Some(422), true);
    life.resume();
    assert_eq!(
        life.write("1"),
        given(1),
        "what this retry was told, a resume of it is told too"
    );
    assert_eq!(
        life.journal.effect(effect).unwrap().tries.len(),
        2,
        "one record, history kept"
    );
}

#[test]
fn a_heard_unknown_write_is_never_driven_blindly() {
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Unknown, None);
    life.retry();
    assert_eq!(life.write("1"), given(1), "the code hears the true error again");
    let mut keyed = Life::knowing("[{host: crm.example.com, idempotency: {window_s: 3600}}]");
    keyed.send("POST", CRM, "1", Phase::Unknown, None);
    keyed.retry();
    assert_eq!(
        keyed.write("1"),
        Course::Resend {
            effect: EffectNumber(1)
        }
    );
}

#[test]
fn a_failure_is_settled_by_the_same_request_or_by_the_other_half_of_an_upsert() {
    let left = |life: &Life| {
        life.journal
            .unsettled_failures()
            .iter()
            .map(|effect| effect.0)
            .collect::<Vec<_>>()
    };
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Unknown, Some(502));
    assert_eq!(left(&life), [1]);
    life.done("1");
    assert_eq!(left(&life), [0; 0]);

    let mut upsert = Life::new();
    upsert.send(
        "PATCH",
        "https://crm.example.com/contacts/7",
        "{}",
        Phase::Rejected,
        Some(404),
    );
    assert_eq!(left(&upsert), [1]);
    upsert.send(
        "POST",
        "https://crm.example.com/contacts",
        "{}",
        Phase::Done,
        Some(201),
    );
    assert_eq!(left(&upsert), [0; 0]);
    upsert.retry();
    assert_eq!(
        upsert.ask("0", "PATCH", "https://crm.example.com/contacts/7", "{}"),
        given(1),
        "settled: not reopened"
    );

    let mut no_upsert = Life::new();
    no_upsert.send("POST", CRM, "1", Phase::Rejected, Some(422));
    no_upsert.send(
        "PUT",
        "https://crm.example.com/other",
        "{}",
        Phase::Done,
        Some(200),
    );
    assert_eq!(
        left(&no_upsert),
        [1],
        "only 404 and 409 ask which half of an upsert it is"
    );
}

#[test]
fn monitors_are_no_failures_and_expected_statuses_neither() {
    let mut life = Life::new();
    life.send(
        "POST",
        "https://o1.ingest.sentry.io/api/1/envelope/",
        "{}",
        Phase::NotSent,
        None,
    );
    assert!(life.journal.unsettled_failures().is_empty());
}

#[test]
fn an_own_retry_of_an_unknown_write_keeps_the_key_if_it_comes_at_once() {
    let mut life = Life::new();
    let first = life.send("POST", CRM, "1", Phase::Unknown, None);
    let key = life.journal.effect(first).unwrap().intent().key.clone();
    assert!(key.is_some());
    let kept = Course::Drive {
        effect: None,
        key: KeyRule::Keep(key),
    };
    assert_eq!(life.write("1"), kept);
    assert_eq!(life.write("2"), new(), "other bytes, other key");
}

#[test]
fn parallel_code_that_changes_places_finds_its_records() {
    let mut life = Life::new();
    for (lane, body) in [("0.1", "a"), ("0.2", "b"), ("0.1", "c")] {
        let course = life.ask(lane, "POST", CRM, body);
        let effect = life.intend(lane, "POST", CRM, body, &course);
        life.conclude(effect, Phase::Done, Some(201), true);
    }
    life.resume();
    assert_eq!(life.ask("0.2", "POST", CRM, "a"), given(1));
    assert_eq!(life.ask("0.1", "POST", CRM, "b"), given(2));
    assert_eq!(life.ask("0.2", "POST", CRM, "c"), given(3));
}

#[test]
fn time_stamps_in_a_body_are_a_drift_of_the_same_write() {
    let body = |life: &Life| format!(r#"{{"at":"{}"}}"#, life.now);
    let mut life = Life::new();
    let first = body(&life);
    life.done(&first);
    life.resume();
    let again = body(&life);
    assert_ne!(first, again);
    let drifted = Course::Give {
        effect: EffectNumber(1),
        drifted: true,
    };
    assert_eq!(life.write(&again), drifted);
    assert_eq!(life.journal.replayed().drifted, [EffectNumber(1)]);
    // On another deployment the difference may be the repair.
    life.next_attempt(|opening| opening.deployed_since = opening.attempt);
    let now = body(&life);
    assert!(matches!(life.write(&now), Course::Hold { .. }));
}

#[test]
fn a_write_that_fits_nothing_is_held_while_one_of_its_kind_is_left() {
    let mut life = Life::new();
    let old = life.done(r#"{"summary":"old"}"#);
    life.resume();
    let beside = vec![old];
    assert_eq!(
        life.write(r#"{"summary":"new"}"#),
        Course::Hold {
            beside: beside.clone()
        }
    );
    assert_eq!(
        life.ask("0", "POST", "https://crm.example.com/tickets", "{}"),
        new(),
        "another endpoint is free"
    );
    assert!(
        matches!(life.ask("0", "GET", CRM, ""), Course::Drive { .. }),
        "reads never park"
    );
    // Another lane asks for it: then the new one is new indeed.
    assert_eq!(life.ask("0.1", "POST", CRM, r#"{"summary":"old"}"#), given(1));
    assert_eq!(life.write(r#"{"summary":"new"}"#), new());
}

#[test]
fn a_failed_write_that_is_left_holds_nobody() {
    let mut life = Life::new();
    life.send("POST", CRM, "old", Phase::Rejected, Some(422));
    life.retry();
    assert_eq!(life.write("repaired"), new());
}

#[test]
fn a_decision_on_a_pair_is_heard_once_and_sends_once() {
    for verdict in [PairVerdict::Keep, PairVerdict::Send] {
        let mut life = Life::new();
        let old = life.done("old");
        life.next_attempt(|opening| opening.deployed_since = opening.attempt);
        assert!(matches!(life.write("new"), Course::Hold { .. }));
        let (asked, _) = life.asked("0", "POST", CRM, "new");
        life.note(Head::Paired(Paired {
            effect: old,
            fingerprint: asked.fingerprint,
            verdict,
        }));
        life.resume();
        let course = life.write("new");
        if verdict == PairVerdict::Keep {
            assert_eq!(
                course,
                Course::Give {
                    effect: old,
                    drifted: true
                }
            );
            continue;
        }
        assert_eq!(course, new());
        let effect = life.intend("0", "POST", CRM, "new", &course);
        life.conclude(effect, Phase::Done, Some(201), true);
        life.resume();
        assert_eq!(
            life.write("new"),
            given(effect.0),
            "sent once, however often the run goes on"
        );
    }
}

#[test]
fn an_old_read_is_made_live_unless_a_write_of_the_run_stands_after_it() {
    let mut life = Life::new();
    life.send("GET", CRM, "", Phase::Done, Some(200));
    life.resume();
    assert_eq!(life.ask("0", "GET", CRM, ""), given(1));
    life.now += jiff::SignedDuration::from_secs(61);
    life.resume();
    assert!(matches!(
        life.ask("0", "GET", CRM, ""),
        Course::Drive {
            effect: Some(EffectNumber(1)),
            ..
        }
    ));

    let mut written = Life::new();
    written.send("GET", CRM, "", Phase::Done, Some(200));
    written.done("1");
    written.now += jiff::SignedDuration::from_secs(999);
    written.resume();
    assert_eq!(written.ask("0", "GET", CRM, ""), given(1));
}

#[test]
fn a_model_says_the_same_again_however_late() {
    let mut life = Life::new();
    let completions = "https://api.openai.com/v1/chat/completions";
    life.send("POST", completions, "{}", Phase::Done, Some(200));
    life.now += jiff::SignedDuration::from_hours(9);
    life.resume();
    assert_eq!(life.ask("0", "POST", completions, "{}"), given(1));
}

#[test]
fn a_token_is_fetched_by_every_attempt() {
    let mut life = Life::new();
    let (token, form) = (
        "https://login.example.com/token",
        "grant_type=client_credentials&scope=x",
    );
    let ask = |life: &mut Life| {
        let headers = vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let request = Request::new("POST", token, headers, form.as_bytes().to_vec()).unwrap();
        let asked = Asked {
            lane: Lane::main(),
            endpoint: request.endpoint(),
            fingerprint: Fingerprint::of(&request, &life.catalogue, life.now),
            terms: life.catalogue.terms(&request),
        };
        let course = life.journal.ask(&asked, life.now);
        (asked, course)
    };
    let (asked, course) = ask(&mut life);
    assert!(matches!(course, Course::Drive { effect: None, .. }));
    life.note(Head::Intent(Intent {
        effect: EffectNumber(1),
        attempt: AttemptNumber(1),
        lane: asked.lane,
        class: asked.terms.class,
        endpoint: asked.endpoint,
        fingerprint: asked.fingerprint,
        site: String::new(),
        url: token.to_owned(),
        headers: Vec::new(),
        key: None,
        resend: false,
    }));
    life.conclude(EffectNumber(1), Phase::Done, Some(200), true);
    life.resume();
    let (_, again) = ask(&mut life);
    assert!(
        matches!(
            again,
            Course::Drive {
                effect: Some(EffectNumber(1)),
                ..
            }
        ),
        "{again:?}"
    );
}

#[test]
fn a_run_that_is_run_again_on_purpose_does_everything_again() {
    let mut life = Life::new();
    life.done("1");
    life.next_attempt(|opening| opening.fresh_since = opening.attempt);
    let course = life.write("1");
    assert_eq!(course, new());
    let effect = life.intend("0", "POST", CRM, "1", &course);
    life.conclude(effect, Phase::Done, Some(201), true);
    life.resume();
    assert_eq!(life.write("1"), given(2));
}

#[test]
fn what_nobody_asked_for_again_is_listed_and_what_nobody_knows_of_is_asked_about() {
    let mut life = Life::new();
    life.done("1");
    let course = life.write("2");
    life.intend("0", "POST", CRM, "2", &course);
    life.resume();
    assert_eq!(life.journal.replayed().left_over, [EffectNumber(1)]);
    assert_eq!(life.journal.unheard_unknown(), [EffectNumber(2)]);
    life.write("1");
    life.write("2");
    assert!(life.journal.unheard_unknown().is_empty());
    assert!(life.journal.replayed().left_over.is_empty());
}
