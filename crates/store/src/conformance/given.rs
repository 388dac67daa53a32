//! What the suite's stores are given: conversations, deployments, reports.

use std::sync::Arc;

use domain::run::{Event, Policy, RunState};
use domain::{
    AttemptEnd, AttemptNumber, AttemptReport, Code, ConversationId, DeploymentFacts, DeploymentId,
    Environment, EventId, ForkWay, Incarnation, Lock, LockedPackage, LogEntry, LogLevel, ProjectName,
    ResourceUse, RunId, Source, Timestamp,
};
use jiff::SignedDuration;
use uuid::{Builder, Uuid};

use crate::{
    Acceptance, AcceptedRun, Activation, Applied, Claim, ClaimedRun, DeploymentRecord, NewConversation,
    Store, StoreError,
};

/// The store under test.
pub type Given = Arc<dyn Store>;

/// When everything begins: a whole second of 2025.
pub fn start() -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap()
}

/// So many seconds later.
pub fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

fn uuid(kind: u8, number: u64) -> Uuid {
    let mut random = [kind; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    // Version 7, as all of ours: they sort by number.
    Builder::from_unix_timestamp_millis(1_750_000_000_000 + number, &random).into_uuid()
}

/// The `number`-th run, in the order of their making.
pub fn run_id(number: u64) -> RunId {
    RunId::from_uuid(uuid(1, number))
}

/// The `number`-th conversation.
pub fn conversation_id(number: u64) -> ConversationId {
    ConversationId::from_uuid(uuid(2, number))
}

/// The `number`-th boot.
pub fn boot(number: u64) -> Incarnation {
    Incarnation::from_uuid(uuid(4, number))
}

/// A project's name.
pub fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

/// The project of all that does not say otherwise.
pub fn shop() -> ProjectName {
    project("shop")
}

/// The `number`-th conversation, of project `shop` in `sandbox`; its content follows from the number.
pub fn conversation(number: u64) -> NewConversation {
    let document = format!("{{\"id\": \"call-{number}\", \"turns\": []}}").into_bytes();
    NewConversation {
        conversation: conversation_id(number),
        event: EventId::from_uuid(uuid(3, number)),
        run: run_id(number),
        project: shop(),
        environment: Environment::Sandbox,
        source: Source::native(),
        external_id: format!("call-{number}"),
        numbers: vec![format!("+1555{number:07}"), "+18005550100".to_owned()],
        content_hash: content_hash(number),
        document,
    }
}

/// Stands for the hash of a content.
pub fn content_hash(content: u64) -> [u8; 33] {
    let mut hash = [1; 33];
    hash[25..].copy_from_slice(&content.to_be_bytes());
    hash
}

/// The `number`-th deployment's id.
pub fn deployment_id(number: u8) -> DeploymentId {
    DeploymentId::from_bytes([number; 32])
}

/// The `number`-th deployment, of this project.
pub fn deployment(project: &ProjectName, number: u8) -> DeploymentRecord {
    DeploymentRecord {
        facts: DeploymentFacts {
            id: deployment_id(number),
            project: project.clone(),
            created_at: after(i64::from(number)),
            entry: "functions/end_function.py".into(),
            files: 3,
            bytes: 4_096,
            python: "3.11.7".into(),
            hash_seed: 17,
            fork_way: ForkWay::RawFork,
            fork_reason: "one thread".into(),
            message: Some("the first".into()),
            warnings: vec!["a clock is read at import".into()],
            lock: Some(Lock {
                requirements: "5e".repeat(32),
                packages: vec![LockedPackage {
                    name: "orjson".into(),
                    version: "3.11.0".into(),
                    file: "orjson-3.11.0-cp311-cp311-manylinux_2_17_x86_64.whl".into(),
                    sha256: "0f".repeat(32),
                }],
            }),
        },
    }
}

/// Makes the `number`-th deployment active for this project, there.
pub async fn activate(store: &Given, project: &ProjectName, environment: Environment, number: u8) -> u64 {
    store.put_deployment(deployment(project, number)).await.unwrap();
    let activation = Activation {
        project: project.clone(),
        environment,
        deployment: deployment_id(number),
        at: start(),
    };
    store.activate(activation, &Policy::default()).await.unwrap()
}

/// Accepts one conversation, which must be new.
pub async fn accept(store: &Given, new: NewConversation, now: Timestamp) -> AcceptedRun {
    match store.accept(vec![new], now).await.unwrap().remove(0) {
        Acceptance::Accepted(run) => run,
        other => panic!("expected it to be new, got {other:?}"),
    }
}

/// A store with the `numbers` accepted at one-second steps, all ready to be claimed.
pub async fn queued(store: &Given, numbers: std::ops::Range<u64>) {
    activate(store, &shop(), Environment::Sandbox, 1).await;
    for number in numbers {
        accept(store, conversation(number), after(i64::try_from(number).unwrap())).await;
    }
}

/// Claims for the first boot.
pub async fn claim(store: &Given, limit: u32, now: Timestamp) -> Vec<ClaimedRun> {
    claim_as(store, boot(1), limit, false, now).await
}

/// Claims.
pub async fn claim_as(
    store: &Given,
    incarnation: Incarnation,
    limit: u32,
    nothing_runs: bool,
    now: Timestamp,
) -> Vec<ClaimedRun> {
    let claim = Claim {
        incarnation,
        limit,
        nothing_runs,
    };
    store.claim(claim, &Policy::default(), now).await.unwrap()
}

/// The runs' ids.
pub fn ids(claimed: &[ClaimedRun]) -> Vec<RunId> {
    claimed.iter().map(|run| run.run).collect()
}

/// Applies an event that must be allowed.
pub async fn apply(
    store: &Given,
    run: RunId,
    event: Event,
    report: Option<AttemptReport>,
    now: Timestamp,
) -> Applied {
    store
        .apply(run, event, report, &Policy::default(), now)
        .await
        .unwrap()
}

/// Applies an event that must not be.
pub async fn refused(
    store: &Given,
    run: RunId,
    event: Event,
    report: Option<AttemptReport>,
    now: Timestamp,
) -> StoreError {
    store
        .apply(run, event, report, &Policy::default(), now)
        .await
        .unwrap_err()
}

/// A claimed run's return.
pub fn returned(run: &ClaimedRun) -> Event {
    Event::Returned {
        epoch: run.epoch,
        unsettled_failures: 0,
        unheard_unknown: false,
        jitter: 0.5,
    }
}

/// A claimed run's failure.
pub fn failed(run: &ClaimedRun) -> Event {
    Event::AttemptFailed {
        epoch: run.epoch,
        code: Code::FunctionRaised,
        jitter: 0.5,
    }
}

/// A claimed run returns, with nothing of note.
pub async fn returns(store: &Given, run: &ClaimedRun, now: Timestamp) -> Applied {
    let left = report(run.number, now);
    apply(store, run.run, returned(run), Some(left), now).await
}

/// A claimed run fails.
pub async fn fails(store: &Given, run: &ClaimedRun, now: Timestamp) -> Applied {
    let left = failure_report(run.number, now);
    apply(store, run.run, failed(run), Some(left), now).await
}

/// A run returns that must not any more.
pub async fn returns_too_late(store: &Given, run: &ClaimedRun, now: Timestamp) -> StoreError {
    let left = report(run.number, now);
    refused(store, run.run, returned(run), Some(left), now).await
}

/// What an attempt that returned left, with nothing in it yet.
pub fn report(number: AttemptNumber, now: Timestamp) -> AttemptReport {
    AttemptReport {
        number,
        end: AttemptEnd::Returned {
            unsettled_failures: 0,
        },
        function_started_at: Some(now),
        ended_at: now + SignedDuration::from_millis(250),
        usage: ResourceUse {
            user_us: 1_500,
            system_us: 700,
            max_rss_kib: 12_000,
            minor_faults: 400,
        },
        logs: vec![log("done")],
        metrics: Vec::new(),
        actions: Vec::new(),
        state: None,
        confinement: "landlock 6, seccomp, limits".into(),
        waits_for: None,
        unheard_unknown: false,
    }
}

/// The same of one that raised.
pub fn failure_report(number: AttemptNumber, now: Timestamp) -> AttemptReport {
    let error = domain::ErrorDocument {
        kind: "KeyError".into(),
        message: "'phone'".into(),
        traceback: "Traceback (most recent call last): …".into(),
        frames: Vec::new(),
        cause: None,
    };
    AttemptReport {
        end: AttemptEnd::Failed {
            code: Code::FunctionRaised,
            signal: None,
            exit_status: Some(0),
            message: "end_function raised KeyError".into(),
            error: Some(error),
        },
        ..report(number, now)
    }
}

/// One log entry.
pub fn log(content: &str) -> LogEntry {
    LogEntry {
        level: LogLevel::Info,
        content: content.into(),
        is_pii: false,
        timestamp: start(),
        logger: "conversation_logger".into(),
        fields: Some(serde_json::json!({"tries": 2})),
    }
}

/// Where a run stands.
pub async fn state(store: &Given, run: RunId) -> RunState {
    store.run(run).await.unwrap().unwrap().summary.state
}
