//! What a decision is to a journal.
#![allow(clippy::unwrap_used)]

use api::{Verdict, Where};
use domain::effect::{
    Class, EffectNumber, Endpoint, Fingerprint, Head, Intent, Lane, Outcome, PairVerdict, Parked, Phase,
    Record, Source, Trouble,
};
use domain::run::{Decision, End, Event, RunState, Status};
use domain::{AttemptNumber, ConversationId, Environment, Epoch, RunId, Timestamp};
use serde_json::json;
use store::RunSummary;
use uuid::Uuid;

use super::many::wish;
use super::plan::{Plan, Planned, Why, Wish};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn record(head: Head) -> Record {
    Record {
        at: NOW,
        head,
        body: Vec::new(),
    }
}

fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        method: "POST".into(),
        origin: format!("https://{host}"),
        path: "/notes".into(),
    }
}

fn intent(effect: u32, host: &str) -> Record {
    record(Head::Intent(Intent {
        effect: EffectNumber(effect),
        attempt: AttemptNumber(1),
        lane: Lane::main(),
        class: Class::Write,
        endpoint: endpoint(host),
        fingerprint: Fingerprint {
            exact: [u8::try_from(effect).unwrap(); 32],
            shape: [u8::try_from(effect).unwrap(); 32],
        },
        site: String::new(),
        url: format!("https://{host}/notes"),
        headers: Vec::new(),
        key: None,
        resend: false,
        timed: false,
    }))
}

fn outcome(effect: u32, phase: Phase) -> Record {
    record(Head::Outcome(Outcome {
        phase,
        trouble: Some(Trouble::Reset),
        answer: None,
        ..effects::assumed(EffectNumber(effect), AttemptNumber(1), Source::Live)
    }))
}

fn mismatch(beside: &[u32]) -> Record {
    record(Head::Parked(Parked::Mismatch {
        attempt: AttemptNumber(2),
        lane: Lane::main(),
        endpoint: endpoint("crm.example.com"),
        fingerprint: Fingerprint {
            exact: [9; 32],
            shape: [9; 32],
        },
        url: String::new(),
        site: String::new(),
        beside: beside.iter().map(|number| EffectNumber(*number)).collect(),
    }))
}

fn unknown_asked(effect: u32) -> Record {
    record(Head::Parked(Parked::Unknown {
        attempt: AttemptNumber(2),
        effect: EffectNumber(effect),
    }))
}

fn run(status: Status, end: Option<End>) -> RunSummary {
    let mut state = RunState::accepted(NOW, None);
    (state.status, state.end) = (status, end);
    (state.attempt, state.epoch) = (AttemptNumber(2), Epoch(2));
    RunSummary {
        run: RunId::from_uuid(Uuid::from_u128(3)),
        conversation: ConversationId::from_uuid(Uuid::from_u128(1)),
        external_id: "call-1".to_owned(),
        project: "support".parse().unwrap(),
        environment: Environment::Sandbox,
        accepted_at: NOW,
        changed_at: NOW,
        state,
    }
}

fn parked() -> RunSummary {
    run(Status::NeedsDecision, None)
}

fn say(run: &RunSummary, records: &[Record], verdict: Verdict, effect: Option<u32>) -> Result<Planned, Why> {
    let wish = Wish {
        verdict,
        answer: None,
        effects: effect.map(|number| vec![EffectNumber(number)]),
    };
    Plan::read(run, records.to_vec()).say(&wish, NOW)
}

/// What is written down, and what it is to the run.
fn said(planned: Result<Planned, Why>) -> (Vec<u32>, Vec<Record>, Event) {
    match planned.unwrap() {
        Planned::Say { effects, decided } => (effects, decided.records, decided.event),
        Planned::Already { effects } => panic!("said before of {effects:?}"),
    }
}

fn already(planned: Result<Planned, Why>) -> Vec<u32> {
    match planned.unwrap() {
        Planned::Already { effects } => effects,
        Planned::Say { .. } => panic!("it was not said before"),
    }
}

#[test]
fn an_unknown_write_is_decided_once_and_saying_it_again_says_so() {
    let mut records = vec![intent(1, "crm.example.com"), unknown_asked(1)];
    let (effects, added, event) = said(say(&parked(), &records, Verdict::NotSent, None));
    let expected = Event::Decided {
        decision: Decision::NotSent,
        open: 0,
        unsettled_failures: 0,
    };
    assert_eq!((effects, event), (vec![1], expected));
    records.extend(added);
    let queued = run(Status::Queued, None);
    assert_eq!(already(say(&queued, &records, Verdict::NotSent, None)), [1]);
    assert_eq!(already(say(&queued, &records, Verdict::NotSent, Some(1))), [1]);
    let otherwise = Why::Otherwise {
        effect: EffectNumber(1),
        said: Verdict::NotSent,
    };
    assert_eq!(
        say(&queued, &records, Verdict::Happened, None).unwrap_err(),
        otherwise
    );
    assert_eq!(
        say(&queued, &records, Verdict::Happened, Some(1)).unwrap_err(),
        otherwise
    );
}

#[test]
fn what_happened_is_done_with_the_answer_that_was_given() {
    let records = [intent(1, "crm.example.com"), unknown_asked(1)];
    let (_, added, _) = said(say(&parked(), &records, Verdict::Happened, None));
    let Head::Outcome(assumed) = &added[0].head else {
        panic!()
    };
    let answer = assumed.answer.as_ref().unwrap();
    assert_eq!(
        (assumed.phase, answer.header(effects::ASSUMED)),
        (Phase::Done, Some("1"))
    );
    assert_eq!(added[0].body, b"{}");

    let wish = Wish {
        verdict: Verdict::Happened,
        answer: Some(json!({"id": 7})),
        effects: None,
    };
    let (_, added, _) = said(Plan::read(&parked(), records.to_vec()).say(&wish, NOW));
    let Head::Outcome(given) = &added[0].head else {
        panic!()
    };
    let answer = given.answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.header(effects::ASSUMED)), (200, None));
    assert_eq!(
        (answer.header("content-length"), &added[0].body[..]),
        (Some("8"), &br#"{"id":7}"#[..])
    );
}

#[test]
fn of_several_it_must_be_said_which_and_the_run_waits_until_all_is_said() {
    let mut records = vec![intent(1, "crm.example.com"), intent(2, "erp.example.com")];
    let several = Why::Several(vec![EffectNumber(1), EffectNumber(2)]);
    assert_eq!(
        say(&parked(), &records, Verdict::Happened, None).unwrap_err(),
        several
    );
    let (_, added, event) = said(say(&parked(), &records, Verdict::Happened, Some(2)));
    assert!(matches!(event, Event::Decided { open: 1, .. }), "{event:?}");
    records.extend(added);
    let (effects, _, event) = said(say(&parked(), &records, Verdict::Happened, None));
    assert!(matches!(event, Event::Decided { open: 0, .. }), "{event:?}");
    assert_eq!(effects, [1]);
}

#[test]
fn a_pair_is_kept_or_sent() {
    let records = [
        intent(1, "crm.example.com"),
        outcome(1, Phase::Done),
        mismatch(&[1]),
    ];
    let (effects, added, _) = said(say(&parked(), &records, Verdict::Keep, None));
    let Head::Paired(pair) = &added[0].head else {
        panic!()
    };
    assert_eq!(
        (effects, pair.verdict, pair.fingerprint.exact),
        (vec![1], PairVerdict::Keep, [9; 32])
    );
    let mut after = records.to_vec();
    after.extend(added);
    assert_eq!(
        already(say(&run(Status::Queued, None), &after, Verdict::Keep, None)),
        [1]
    );
    assert!(matches!(
        say(&run(Status::Queued, None), &after, Verdict::Send, None),
        Err(Why::Otherwise {
            said: Verdict::Keep,
            ..
        })
    ));
    assert!(matches!(
        say(&parked(), &records, Verdict::Happened, None),
        Err(Why::Nothing(_))
    ));

    let two = [
        intent(1, "crm.example.com"),
        outcome(1, Phase::Done),
        intent(2, "crm.example.com"),
        outcome(2, Phase::Done),
        mismatch(&[1, 2]),
    ];
    assert!(matches!(
        say(&parked(), &two, Verdict::Keep, None),
        Err(Why::Several(_))
    ));
    assert_eq!(said(say(&parked(), &two, Verdict::Keep, Some(2))).0, [2]);
    assert!(matches!(
        say(&parked(), &two, Verdict::Keep, Some(3)),
        Err(Why::Nothing(_))
    ));
}

#[test]
fn nothing_is_decided_of_what_is_known_or_under_way() {
    let records = [intent(1, "crm.example.com"), outcome(1, Phase::Done)];
    let over = run(Status::Ended, Some(End::Succeeded));
    for verdict in [
        Verdict::Happened,
        Verdict::NotSent,
        Verdict::Keep,
        Verdict::Send,
        Verdict::Abort,
    ] {
        assert!(
            matches!(say(&over, &records, verdict, None), Err(Why::Nothing(_))),
            "{verdict}"
        );
        assert_eq!(
            say(&run(Status::Running, None), &records, verdict, None).unwrap_err(),
            Why::Running
        );
    }
    assert!(matches!(
        say(&over, &records, Verdict::Happened, Some(1)),
        Err(Why::Nothing(_))
    ));
    assert_eq!(
        say(&over, &records, Verdict::Happened, Some(7)).unwrap_err(),
        Why::NoSuchEffect(EffectNumber(7))
    );
    let cancelled = run(Status::Ended, Some(End::Cancelled));
    assert_eq!(already(say(&cancelled, &records, Verdict::Abort, None)), [0; 0]);
}

#[test]
fn a_swallowed_unknown_of_a_run_that_is_over_can_be_decided() {
    let mut over = run(Status::Ended, Some(End::CompletedWithFailures));
    over.state.attempt = AttemptNumber(1);
    let records = [intent(1, "crm.example.com"), outcome(1, Phase::Unknown)];
    let (_, _, event) = said(say(&over, &records, Verdict::Happened, None));
    assert!(
        matches!(
            event,
            Event::Decided {
                unsettled_failures: 0,
                ..
            }
        ),
        "{event:?}"
    );
    let (_, _, event) = said(say(&over, &records, Verdict::NotSent, None));
    assert!(
        matches!(
            event,
            Event::Decided {
                unsettled_failures: 1,
                ..
            }
        ),
        "{event:?}"
    );
}

#[test]
fn in_bulk_only_what_is_meant_is_decided() {
    let run = parked();
    let records = vec![intent(1, "crm.example.com:8443"), intent(2, "erp.example.com")];
    let plan = Plan::read(&run, records);
    let of = |of: serde_json::Value, verdict| {
        let of: Where = serde_json::from_value(of).unwrap();
        wish(&plan, verdict, &of).map(|wish| {
            wish.effects
                .map(|all| all.iter().map(|one| one.0).collect::<Vec<_>>())
        })
    };
    let crm = json!({"host": "CRM.example.com"});
    assert_eq!(of(crm.clone(), Verdict::Happened), Some(Some(vec![1])));
    assert_eq!(
        of(json!({"host": "crm.example.com:8443"}), Verdict::NotSent),
        Some(Some(vec![1]))
    );
    assert_eq!(of(json!({"host": "crm.example.com:443"}), Verdict::NotSent), None);
    assert_eq!(
        of(
            json!({"endpoint": "POST https://erp.example.com/notes"}),
            Verdict::Happened
        ),
        Some(Some(vec![2]))
    );
    assert_eq!(
        of(
            json!({"host": "erp.example.com", "status": 502}),
            Verdict::Happened
        ),
        None
    );
    assert_eq!(of(crm.clone(), Verdict::Abort), Some(None));
    assert_eq!(of(crm, Verdict::Keep), None, "it asks about no pair");
}
