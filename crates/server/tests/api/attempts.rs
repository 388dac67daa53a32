//! Attempts as a runner makes them, for the runs that are read back and decided about.

use domain::run::{Event, Policy};
use domain::{
    Action, AttemptEnd, AttemptReport, Code, ErrorDocument, Frame, Incarnation, LogEntry, LogLevel, Metric,
    ResourceUse,
};
use serde_json::json;
use store::{Claim, ClaimedRun, Store as _};
use uuid::Uuid;

use crate::house::House;

pub async fn claim(house: &House) -> ClaimedRun {
    let claim = Claim {
        incarnation: Incarnation::from_uuid(Uuid::from_u128(9)),
        limit: 1,
        nothing_runs: true,
    };
    house
        .store
        .claim(claim, &Policy::default(), house.now())
        .await
        .unwrap()
        .remove(0)
}

pub fn report(house: &House, claimed: &ClaimedRun, end: AttemptEnd) -> AttemptReport {
    AttemptReport {
        number: claimed.number,
        end,
        function_started_at: Some(house.now()),
        ended_at: house.now() + std::time::Duration::from_millis(250),
        usage: ResourceUse {
            user_us: 1200,
            system_us: 300,
            max_rss_kib: 20_480,
            minor_faults: 900,
        },
        logs: vec![LogEntry {
            level: LogLevel::Info,
            content: format!("attempt {}", claimed.number),
            is_pii: false,
            timestamp: house.now(),
            logger: "conversation_logger".to_owned(),
            fields: Some(json!({"topic": "delivery"})),
        }],
        metrics: Vec::new(),
        actions: Vec::new(),
        state: None,
        confinement: "landlock, seccomp".to_owned(),
        waits_for: None,
        unheard_unknown: false,
    }
}

pub async fn fail(house: &House) -> ClaimedRun {
    let claimed = claim(house).await;
    let error = ErrorDocument {
        kind: "KeyError".to_owned(),
        message: "'phone'".to_owned(),
        traceback: "Traceback (most recent call last): …".to_owned(),
        frames: vec![Frame {
            file: "functions/end_function.py".to_owned(),
            line: 12,
            function: "end_function".to_owned(),
            source: "    number = conv.state[\"phone\"]".to_owned(),
            own: true,
        }],
        cause: None,
    };
    let end = AttemptEnd::Failed {
        code: Code::FunctionRaised,
        signal: None,
        exit_status: None,
        message: "KeyError: 'phone'".to_owned(),
        error: Some(error),
    };
    let event = Event::AttemptFailed {
        epoch: claimed.epoch,
        code: Code::FunctionRaised,
        jitter: 0.5,
    };
    let report = report(house, &claimed, end);
    complete(house, claimed, event, report).await
}

pub async fn succeed(house: &House) -> ClaimedRun {
    let claimed = claim(house).await;
    let event = Event::Returned {
        epoch: claimed.epoch,
        unsettled_failures: 0,
        unheard_unknown: false,
        jitter: 0.5,
    };
    let report = AttemptReport {
        metrics: vec![Metric {
            name: "CALL_RATING".to_owned(),
            value: json!(4.5),
        }],
        actions: vec![Action {
            kind: "sms".to_owned(),
            fields: json!({"to": "+15550100", "content": "Thank you."})
                .as_object()
                .unwrap()
                .clone(),
        }],
        state: Some(json!({"topic": "delivery", "tries": 3, "rating": 4.50})),
        ..report(
            house,
            &claimed,
            AttemptEnd::Returned {
                unsettled_failures: 0,
            },
        )
    };
    complete(house, claimed, event, report).await
}

async fn complete(house: &House, claimed: ClaimedRun, event: Event, report: AttemptReport) -> ClaimedRun {
    house
        .store
        .apply(claimed.run, event, Some(report), &Policy::default(), house.now())
        .await
        .unwrap();
    claimed
}
