//! Journals as they are told, to the letter.
#![allow(clippy::unwrap_used)]

use api::{AttemptOutcome, AttemptView};
use domain::effect::{
    Answer, Catalogue, ChunkOf, Class, EffectNumber, Endpoint, Fingerprint, Head, Intent, Lane, Outcome,
    Parked, Phase, Record, Replayed, Source, Trouble, Wait,
};
use domain::run::{End, RunState, Status};
use domain::{AttemptNumber, ConversationId, DeploymentId, Environment, ResourceUse, RunId, Timestamp};
use serde_json::json;
use store::RunSummary;
use uuid::Uuid;

use super::{Reading, Told};
use crate::next;

const CRM: &str = "https://crm.example.com";

fn at(seconds: i64) -> Timestamp {
    "2026-01-05T10:00:00Z".parse::<Timestamp>().unwrap()
        + std::time::Duration::from_secs(u64::try_from(seconds).unwrap())
}

fn record(seconds: i64, head: Head, body: &str) -> Record {
    Record {
        at: at(seconds),
        head,
        body: body.as_bytes().to_vec(),
    }
}

/// A POST of attempt `attempt`, asked for at the function's line 10 + its number.
fn intent(seconds: i64, attempt: u32, effect: u32, path: &str, body: &str) -> Record {
    let head = Head::Intent(Intent {
        effect: EffectNumber(effect),
        attempt: AttemptNumber(attempt),
        lane: Lane::main(),
        class: Class::Write,
        endpoint: Endpoint {
            method: "POST".into(),
            origin: CRM.into(),
            path: path.into(),
        },
        fingerprint: Fingerprint {
            exact: [u8::try_from(effect).unwrap(); 32],
            shape: [u8::try_from(effect).unwrap(); 32],
        },
        site: format!("functions/end_function.py:{}", 10 + effect),
        url: format!("{CRM}{path}?access_token=s3cret"),
        headers: Vec::new(),
        key: Some(("Idempotency-Key".into(), "k".into())),
        resend: false,
        timed: false,
    });
    record(seconds, head, body)
}

fn outcome(seconds: i64, attempt: u32, effect: u32, change: impl FnOnce(&mut Outcome), body: &str) -> Record {
    let mut outcome = Outcome {
        message: None,
        answer: None,
        tries: 1,
        latency_us: 45_200,
        ..effects::assumed(EffectNumber(effect), AttemptNumber(attempt), Source::Live)
    };
    change(&mut outcome);
    record(seconds, Head::Outcome(outcome), body)
}

fn answered(status: u16, reason: &str, phase: Phase) -> impl FnOnce(&mut Outcome) {
    move |outcome| {
        outcome.phase = phase;
        outcome.answer = Some(Answer {
            status,
            reason: reason.to_owned(),
            version: "HTTP/1.1".into(),
            headers: Vec::new(),
        });
    }
}

fn not_sent(outcome: &mut Outcome) {
    outcome.phase = Phase::NotSent;
    outcome.trouble = Some(Trouble::ConnectionRefused);
    outcome.message = Some("nobody listens at crm.example.com:443".into());
    outcome.tries = 3;
    outcome.heard = false;
}

fn wait(seconds: i64, attempt: u32, until: i64) -> Record {
    let wait = Wait {
        attempt: AttemptNumber(attempt),
        effect: EffectNumber(1),
        origin: CRM.into(),
        until: at(until),
        message: "nobody listens at crm.example.com:443".into(),
        paused: false,
    };
    record(seconds, Head::Wait(wait), "")
}

fn attempt(number: u32, seconds: i64, outcome: AttemptOutcome) -> AttemptView {
    AttemptView {
        attempt: AttemptNumber(number),
        outcome,
        deployment: DeploymentId::from_bytes([0xa1; 32]),
        claimed_at: at(seconds),
        started_at: Some(at(seconds)),
        ended_at: Some(at(seconds + 1)),
        duration_ms: Some(1_000),
        code: None,
        message: None,
        signal: None,
        exit_status: None,
        error: None,
        usage: ResourceUse::default(),
        confinement: String::new(),
        logs: Vec::new(),
    }
}

fn run(attempts: u32, change: impl FnOnce(&mut RunState)) -> RunSummary {
    let mut state = RunState::accepted(at(0), None);
    state.attempt = AttemptNumber(attempts);
    change(&mut state);
    RunSummary {
        run: RunId::from_uuid(Uuid::from_u128(3)),
        conversation: ConversationId::from_uuid(Uuid::from_u128(1)),
        external_id: "call-1".to_owned(),
        project: "support".parse().unwrap(),
        environment: Environment::Sandbox,
        accepted_at: at(0),
        changed_at: at(40),
        state,
    }
}

fn tell(run: &RunSummary, attempts: &[AttemptView], records: Vec<Record>) -> Told {
    Reading {
        run,
        attempts,
        catalogue: Catalogue::shipped(),
        shows_bodies: true,
        now: at(60),
    }
    .tell(records)
}

fn pretty(run: &RunSummary, told: &Told) -> String {
    let all = json!({
        "effects": told.effects, "waits": told.waits, "parked": told.parked, "summary": told.summary,
        "next": next::with_effects(run, told),
    });
    serde_json::to_string_pretty(&all).unwrap()
}

#[test]
fn an_outage_that_ended() {
    let records = vec![
        intent(1, 1, 1, "/notes", r#"{"text":"hello"}"#),
        outcome(9, 1, 1, not_sent, ""),
        wait(9, 1, 19),
        intent(20, 2, 1, "/notes", r#"{"text":"hello"}"#),
        outcome(20, 2, 1, answered(201, "Created", Phase::Done), r#"{"n":1}"#),
        intent(21, 2, 2, "/tickets", "\u{0}"),
        // The server was killed here, and attempt 3 was told by the host's answer to the same key.
        outcome(31, 3, 2, answered(201, "Created", Phase::Done), ""),
        record(
            32,
            Head::Replayed(Replayed {
                attempt: AttemptNumber(3),
                given: vec![EffectNumber(1)],
                ..Replayed::default()
            }),
            "",
        ),
    ];
    let run = run(3, |state| {
        (state.status, state.end) = (Status::Ended, Some(End::Succeeded));
    });
    let attempts = [
        attempt(1, 0, AttemptOutcome::Waiting),
        attempt(2, 19, AttemptOutcome::Interrupted),
        attempt(3, 30, AttemptOutcome::Returned),
    ];
    let told = tell(&run, &attempts, records);
    insta::assert_snapshot!(pretty(&run, &told));
}

#[test]
fn a_run_that_waits_says_how_much_patience_it_has() {
    let run = run(1, |state| {
        state.status = Status::Waiting;
        state.waiting_for = Some(CRM.to_owned());
        state.due_at = at(609);
    });
    let records = vec![
        intent(1, 1, 1, "/notes", "{}"),
        outcome(9, 1, 1, not_sent, ""),
        wait(9, 1, 609),
    ];
    let told = tell(&run, &[attempt(1, 0, AttemptOutcome::Waiting)], records);
    insta::assert_snapshot!(next::with_effects(&run, &told).sentence, @"It waits for https://crm.example.com until 2026-01-05T10:10:09Z, and then asks again. 10 min of its patience of 24 h are used; after that the function is told the error.");
}

#[test]
fn a_run_that_needs_a_decision_says_what_to_type() {
    let parked = run(2, |state| state.status = Status::NeedsDecision);
    let attempts = [
        attempt(1, 0, AttemptOutcome::Interrupted),
        attempt(2, 5, AttemptOutcome::Parked),
    ];
    let unknown = vec![
        intent(1, 1, 1, "/notes", "{}"),
        record(
            6,
            Head::Parked(Parked::Unknown {
                attempt: AttemptNumber(2),
                effect: EffectNumber(1),
            }),
            "",
        ),
    ];
    let told = tell(&parked, &attempts, unknown);
    assert_eq!(
        (told.effects[0].phase, told.effects[0].undecided),
        (Some(Phase::Unknown), true)
    );
    let asks = next::with_effects(&parked, &told);
    insta::assert_snapshot!(format!("{}\n{}", asks.sentence, asks.commands.join("\n")));

    let mismatch = vec![
        intent(1, 1, 1, "/notes", r#"{"text":"hello"}"#),
        outcome(1, 1, 1, answered(201, "Created", Phase::Done), ""),
        record(
            6,
            Head::Parked(Parked::Mismatch {
                attempt: AttemptNumber(2),
                lane: Lane::main(),
                endpoint: Endpoint {
                    method: "POST".into(),
                    origin: CRM.into(),
                    path: "/notes".into(),
                },
                fingerprint: Fingerprint {
                    exact: [9; 32],
                    shape: [9; 32],
                },
                url: format!("{CRM}/notes?access_token=s3cret"),
                site: "functions/end_function.py:12".into(),
                beside: vec![EffectNumber(1)],
            }),
            r#"{"text":"hello again"}"#,
        ),
    ];
    let told = tell(&parked, &attempts, mismatch);
    insta::assert_snapshot!(pretty(&parked, &told));
}

#[test]
fn what_the_code_swallowed_is_named_and_can_be_decided() {
    let ended = run(1, |state| {
        (state.status, state.end) = (Status::Ended, Some(End::CompletedWithFailures));
    });
    let records = vec![
        intent(1, 1, 1, "/notes", "{}"),
        outcome(1, 1, 1, answered(502, "Bad Gateway", Phase::Unknown), "oops"),
        intent(2, 1, 2, "/tickets", "{}"),
        outcome(
            2,
            1,
            2,
            answered(422, "Unprocessable Entity", Phase::Rejected),
            "no",
        ),
    ];
    let told = tell(&ended, &[attempt(1, 0, AttemptOutcome::Returned)], records);
    assert_eq!(
        (told.summary.unsettled.clone(), told.summary.undecided.clone()),
        (vec![1, 2], vec![1])
    );
    let asks = next::with_effects(&ended, &told);
    insta::assert_snapshot!(format!("{}\n{}", asks.sentence, asks.commands.join("\n")));
}

#[test]
fn an_answer_that_was_handed_out_in_pieces_is_shown_whole() {
    let running = run(1, |state| state.status = Status::Running);
    let piece = |body: &str| {
        let of = ChunkOf {
            effect: EffectNumber(1),
            attempt: AttemptNumber(1),
        };
        record(1, Head::Chunk(of), body)
    };
    let streamed = |outcome: &mut Outcome| {
        answered(200, "OK", Phase::Done)(outcome);
        outcome.streamed = true;
    };
    let records = vec![
        intent(1, 1, 1, "/notes", "{}"),
        piece("data: a\n\n"),
        piece("data: b\n\n"),
        outcome(2, 1, 1, streamed, ""),
    ];
    let told = tell(&running, &[attempt(1, 0, AttemptOutcome::Running)], records);
    let body = told.effects[0].sendings[0].outcomes[0].body.clone().unwrap();
    assert_eq!(body.text.as_deref(), Some("data: a\n\ndata: b\n\n"));
}

#[test]
fn who_may_not_read_conversations_sees_how_long_bodies_are() {
    let ended = run(1, |state| state.status = Status::Running);
    let told = Reading {
        run: &ended,
        attempts: &[attempt(1, 0, AttemptOutcome::Running)],
        catalogue: Catalogue::shipped(),
        shows_bodies: false,
        now: at(60),
    }
    .tell(vec![intent(1, 1, 1, "/notes", r#"{"text":"hello"}"#)]);
    let effect = &told.effects[0];
    assert_eq!((effect.phase, effect.undecided), (None, false), "it is under way");
    let request = &effect.sendings[0].request;
    assert_eq!((request.bytes, &request.text), (16, &None));
}
