//! A crash campaign: a server is killed over and over, at any moment and at each named point, while many runs write to receivers that
//! count. Afterwards nothing may be lost, and nothing done twice but where a policy said so.

mod report;
mod sides;

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asking::is_over;
use crate::chance::Chance;
use crate::conversations::conversation;
use crate::place::Place;
use crate::server::{Server, Setup};
use crate::wait::now;

pub use report::Report;
use sides::Sides;

const PROJECT: &str = "campaign";
/// Where a server dies, and at most how many passes later than the first.
const POINTS: [(&str, u64); 13] = [
    ("effects.before_intent", 12),
    ("effects.before_send", 12),
    ("effects.before_outcome", 12),
    ("store.intent.before_commit", 8),
    ("store.intent.after_commit", 8),
    ("store.outcome.before_commit", 8),
    ("store.outcome.after_commit", 8),
    ("store.accept.before_commit", 0),
    ("store.accept.after_commit", 0),
    ("store.claim.after_commit", 3),
    ("store.apply.before_commit", 4),
    ("store.apply.after_commit", 4),
    ("runner.before_completion", 6),
];
/// Conversations of one round.
const ROUND: usize = 6;
/// At most so long after runs are in flight the server is killed.
const RANDOM_MOMENT: Duration = Duration::from_millis(500);
/// A point that is not passed by then is not passed in this round: the server is killed all the same.
const POINT_PATIENCE: Duration = Duration::from_secs(4);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// How long the last server may take over what is left, for each crash before it, and at least.
const FINISH: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(120));

/// What is known of the conversations from outside.
#[derive(Default)]
struct Accepted {
    /// Not answered yet: handed in again to the next server.
    waiting: Vec<(usize, Value)>,
    /// By the id of its conversation: to which side it writes, and its run.
    runs: BTreeMap<String, (usize, String)>,
}

/// Kills a server so often, and looks what became of everything.
#[must_use]
pub fn run(crashes: usize) -> Report {
    let began = now();
    let mut chance = Chance::new("crash campaign");
    let place = Place::new();
    let sides = Sides::new(&place, &mut chance);
    let setup = sides.setup(&place);
    setup.start().deploy(sides.project().path(), PROJECT);
    let mut accepted = Accepted::default();
    for round in 1..=crashes {
        for number in 0..ROUND {
            let at = usize::try_from(chance.between(0, sides.all().len() as u64 - 1)).unwrap();
            let side = &sides.all()[at];
            let id = format!("{}-{round}-{number}", side.name);
            let state = json!({"crm": side.receiver.url(), "parallel": side.parallel, "pause_ms": chance.between(0, 20)});
            accepted.waiting.push((at, conversation(&id, &state)));
        }
        // Every second crash is at a named point, each in its turn.
        let point = round.is_multiple_of(2).then(|| POINTS[round / 2 % POINTS.len()]);
        crash(&setup, point, &mut chance, &mut accepted);
        if round.is_multiple_of(100) {
            println!(
                "{round} crashes, {} runs, {:?}",
                accepted.runs.len(),
                began.elapsed()
            );
        }
    }
    let server = setup.start();
    hand_in(&server, &mut accepted);
    let retried = finish(&server, crashes);
    let mut report = Report::new(crashes, retried);
    for (id, (side, run)) in &accepted.runs {
        let side = &sides.all()[*side];
        report.run(side, id, &server.run(run));
    }
    report.sides(sides.all(), began.elapsed());
    report
}

/// A server is started, handed conversations, and killed.
fn crash(
    setup: &Setup<'_>,
    point: Option<(&'static str, u64)>,
    chance: &mut Chance,
    accepted: &mut Accepted,
) {
    let server = match point {
        Some((name, later)) => setup
            .clone()
            .fail_point(name, 1 + chance.between(0, later))
            .spawn(),
        None => setup.spawn(),
    };
    if server.wait_until_ready().is_ok() {
        hand_in(&server, accepted);
        match point {
            Some(_) => wait_while_it_lives(&server, POINT_PATIENCE),
            None => wait_while_it_lives(&server, chance.within(RANDOM_MOMENT)),
        }
    }
    if server.ended().is_none() {
        server.kill();
    }
    assert!(server.was_killed(), "{point:?}: {}", server.log_tail());
    server.wait_until_nothing_is_left();
}

fn wait_while_it_lives(server: &Server<'_>, time: Duration) {
    let began: Instant = now();
    while began.elapsed() < time && server.ended().is_none() {
        sleep(BETWEEN_LOOKS);
    }
}

fn hand_in(server: &Server<'_>, accepted: &mut Accepted) {
    for (side, document) in std::mem::take(&mut accepted.waiting) {
        let path = format!("/v1/conversations?project={PROJECT}");
        match server.try_post(&path, &document) {
            // 200: it had been committed, and the server went before it could say so.
            Ok(answer) => {
                assert!(matches!(answer.status, 200 | 202), "{answer:?}");
                let run = answer.json()["run_id"].as_str().unwrap().to_owned();
                let id = document["id"].as_str().unwrap().to_owned();
                accepted.runs.insert(id, (side, run));
            }
            Err(_) => accepted.waiting.push((side, document)),
        }
    }
}

/// Waits until nothing goes on by itself any more. What was set aside because it had been there at too many crashes is for a person to
/// look at: who is this campaign, and retries it. Gives how many those were.
fn finish(server: &Server<'_>, crashes: usize) -> usize {
    let patience = (FINISH.0 * u32::try_from(crashes).unwrap()).max(FINISH.1);
    let mut retried = 0;
    loop {
        let began = now();
        while !server.runs("status=queued,running,backoff,waiting").is_empty() {
            assert!(
                began.elapsed() < patience,
                "what is left takes longer than {patience:?}"
            );
            sleep(Duration::from_millis(200));
        }
        let failed = server.runs("status=failed");
        let set_aside: Vec<_> = failed
            .iter()
            .filter(|run| run["dead_letter"] == "AC0315")
            .collect();
        if set_aside.is_empty() {
            return retried;
        }
        for run in set_aside {
            server
                .cli(&["runs", "retry", run["run_id"].as_str().unwrap()])
                .expect(0);
            retried += 1;
        }
    }
}

/// Whether nothing more happens to a run by itself.
fn is_settled(status: &str) -> bool {
    is_over(status) || status == "needs_decision"
}
