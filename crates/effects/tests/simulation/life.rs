//! A run from its acceptance to its end, through as many attempts and boots as that takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::effect::{Catalogue, EffectNumber, Head, Outcome, Parked, Phase, Record, Source};
use domain::run::{Decision, End, Event, Policy, RunState, Status, step};
use domain::{Code, DeploymentId, Environment, Incarnation, RunId};
use effects::{Conclusion, Halt, Session, Surroundings as _, Terms, Tries};

use crate::function::{Ended, Program, play};
use crate::world::{Chance, Shared, World, id_of};

/// Attempts after which a life is taken to have no end.
const MOST_ATTEMPTS: u32 = 400;
/// What is known of the hosts.
const KNOWN: &str = r#"{"hosts": [{"host": "keyed.example", "idempotency": {"window_s": 86400}}]}"#;

/// What happened in lives.
#[derive(Debug, Default)]
pub struct Told {
    pub lives: u32,
    pub crashes: u32,
    pub waits: u32,
    pub decisions: u32,
    pub retries: u32,
    pub swallowed: u32,
}

impl Told {
    pub fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.crashes += other.crashes;
        self.waits += other.waits;
        self.decisions += other.decisions;
        self.retries += other.retries;
        self.swallowed += other.swallowed;
    }
}

/// How one attempt was over.
enum Over {
    Crashed,
    Halted(Halt),
    Ended(Ended, Conclusion),
}

/// Lives one life.
pub fn live(seed: u64) -> Result<Told, String> {
    let mut chance = Chance::new(seed);
    let program = Program::any(&mut chance);
    let world: Shared = Arc::new(World::new(chance));
    let mut told = Told {
        lives: 1,
        ..Told::default()
    };
    let mut state = RunState::accepted(world.now(), None);
    let policy = Policy::default();
    while state.status != Status::Ended {
        if state.attempt.0 > MOST_ATTEMPTS {
            return Err(format!("no end after {MOST_ATTEMPTS} attempts: {program:?}"));
        }
        if state.status == Status::NeedsDecision {
            decide(&world, &mut told)?;
            let decision = Decision::Happened;
            state = step(
                &state,
                &Event::Decided {
                    decision,
                    open: 0,
                    unsettled_failures: 0,
                },
                world.now(),
                &policy,
            )
            .map_err(|e| e.to_string())?
            .state;
        }
        world.pass(state.due_at);
        let claimed = Event::Claimed {
            incarnation: Incarnation::from_uuid(uuid::Uuid::nil()),
            active: DeploymentId::from_bytes([1; 32]),
        };
        state = step(&state, &claimed, world.now(), &policy)
            .map_err(|e| e.to_string())?
            .state;
        {
            let mut world = world.state();
            (world.epoch, world.running) = (state.epoch, true);
            // A boot lasts a while, or not.
            world.fuse = if world.chance.once_in(2) {
                Some(world.chance.below(40))
            } else {
                None
            };
        }
        let over = attempt(&world, &program, &state);
        world.state().running = false;
        let epoch = state.epoch;
        let event = match over {
            Over::Crashed => {
                told.crashes += 1;
                Event::Interrupted { epoch }
            }
            Over::Halted(Halt::Wait { origin, until }) => {
                told.waits += 1;
                Event::OutageBegan {
                    epoch,
                    host: origin,
                    until,
                }
            }
            Over::Halted(Halt::Park) => Event::Parked { epoch },
            Over::Halted(other) => return Err(format!("{other:?}")),
            Over::Ended(Ended::Raised, _) => {
                told.retries += 1;
                let code = Code::FunctionRaised;
                Event::AttemptFailed {
                    epoch,
                    code,
                    jitter: 0.5,
                }
            }
            Over::Ended(Ended::Returned, conclusion) => Event::Returned {
                epoch,
                unsettled_failures: u32::try_from(conclusion.unsettled.len()).unwrap(),
                unheard_unknown: !conclusion.unheard_unknown.is_empty(),
                jitter: 0.5,
            },
        };
        // Interruptions are the simulation's own doing: a run that is there at each of them is no reason to set it aside.
        state.interruptions = 0;
        state.alone = false;
        state = step(&state, &event, world.now(), &policy)
            .map_err(|e| e.to_string())?
            .state;
    }
    told.swallowed += u32::from(state.end == Some(End::CompletedWithFailures));
    judge(&world, &program, &state)?;
    Ok(told)
}

/// One attempt in a boot of its own.
fn attempt(world: &Shared, program: &Program, state: &RunState) -> Over {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let over = runtime.block_on(async {
        world.boots();
        let terms = Terms {
            run: RunId::from_uuid(uuid::Uuid::nil()),
            epoch: state.epoch,
            opening: state.opening(),
            project: "shop".parse().unwrap(),
            environment: Environment::Sandbox,
            catalogue: Arc::new(Catalogue::with(serde_json::from_str(KNOWN).unwrap())),
            may_wait: true,
            tries: Tries {
                count: 2,
                within: Duration::from_secs(5),
            },
            on_blocked: Arc::new(|_| {}),
        };
        let died = world.died.notified();
        let (session, told) = Session::open(terms, world.clone(), world.clone(), world.clone())
            .await
            .unwrap();
        let life = async {
            let halted = session.halted();
            let playing = play(
                program.clone(),
                state.attempt.0,
                session.clone(),
                told,
                world.clone(),
            );
            let ended = tokio::select! { biased; halt = halted => Err(halt), ended = playing => Ok(ended) };
            // The child is gone; what it began is finished.
            let conclusion = session.close(ended == Ok(Ended::Returned)).await;
            match ended {
                Ok(ended) => Over::Ended(ended, conclusion),
                Err(halt) => Over::Halted(halt),
            }
        };
        let over = tokio::select! { biased; () = died => Over::Crashed, over = life => over };
        world.halts();
        over
    });
    // Every task of the boot ends here, wherever it stands.
    drop(runtime);
    over
}

/// A person looks at the hosts and says what they see.
fn decide(world: &Shared, told: &mut Told) -> Result<(), String> {
    told.decisions += 1;
    let now = world.now();
    let mut state = world.state();
    let open = unknown(&state.records);
    if let Some(Record {
        head: Head::Parked(Parked::Mismatch { url, beside, .. }),
        ..
    }) = state.records.last()
    {
        return Err(format!("parked for a mismatch at {url} beside {beside:?}"));
    }
    if open.is_empty() {
        return Err("a decision is asked for, and nothing is unknown".to_owned());
    }
    for (effect, key) in open {
        let happened = state.hosts.values().any(|host| host.by_key.contains_key(&key));
        let attempt = domain::AttemptNumber(0);
        let outcome = if happened {
            effects::assumed(effect, attempt, Source::Decision)
        } else {
            Outcome {
                phase: Phase::NotSent,
                answer: None,
                heard: false,
                ..effects::assumed(effect, attempt, Source::Decision)
            }
        };
        state.records.push(Record {
            at: now,
            head: Head::Outcome(outcome),
            body: if happened { b"{}".to_vec() } else { Vec::new() },
        });
    }
    Ok(())
}

/// Writes whose last sending has no outcome, or one that no code heard and that says nothing; with their keys.
fn unknown(records: &[Record]) -> Vec<(EffectNumber, String)> {
    let mut last: HashMap<EffectNumber, Option<(Phase, bool)>> = HashMap::new();
    let mut keys: HashMap<EffectNumber, String> = HashMap::new();
    for record in records {
        match &record.head {
            Head::Intent(intent) if intent.class.is_write() => {
                last.insert(intent.effect, None);
                keys.insert(
                    intent.effect,
                    intent.key.clone().map(|(_, key)| key).unwrap_or_default(),
                );
            }
            Head::Outcome(outcome) if keys.contains_key(&outcome.effect) => {
                last.insert(outcome.effect, Some((outcome.phase, outcome.heard)));
            }
            _ => {}
        }
    }
    let is_open = |said: &Option<(Phase, bool)>| matches!(said, None | Some((Phase::Unknown, false)));
    let open = last.into_iter().filter(|(_, said)| is_open(said));
    open.map(|(effect, _)| (effect, keys.remove(&effect).unwrap_or_default()))
        .collect()
}

/// What must hold at the end of every life.
fn judge(world: &Shared, program: &Program, run: &RunState) -> Result<(), String> {
    let state = world.state();
    let tell = |what: String| {
        Err(format!(
            "{what}; run {:?}; {program:?}\n{}",
            run.end,
            journal(&state.records)
        ))
    };
    if let Some(violation) = state.violations.first() {
        return tell(violation.clone());
    }
    for (host, id) in program.writes() {
        let done = state.hosts[host].done.get(&id).copied().unwrap_or_default();
        if done > 1 {
            return tell(format!("{id} was done {done} times at {host}"));
        }
        if done == 0 && run.end == Some(End::Succeeded) {
            return tell(format!(
                "{id} was lost at {host}, and the run says that it succeeded"
            ));
        }
    }
    Ok(())
}

fn journal(records: &[Record]) -> String {
    let line = |record: &Record| match &record.head {
        Head::Intent(intent) => format!(
            "  {} intent {} attempt {} lane {} {} {} key {:?} resend {}",
            record.at,
            intent.effect,
            intent.attempt,
            intent.lane,
            intent.endpoint,
            if record.body.is_empty() {
                String::new()
            } else {
                id_of(&record.body)
            },
            intent.key,
            intent.resend
        ),
        Head::Outcome(outcome) => format!(
            "  {} outcome {} attempt {} {} {:?} heard {} {:?}",
            record.at,
            outcome.effect,
            outcome.attempt,
            outcome.phase,
            outcome.trouble,
            outcome.heard,
            outcome.source
        ),
        other => format!("  {} {other:?}", record.at),
    };
    records.iter().map(line).collect::<Vec<_>>().join("\n")
}
