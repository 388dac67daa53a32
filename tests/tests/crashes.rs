//! `kill -9` of the supervisor, at any moment, loses nothing and leaves nothing running.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Chance, Place, Project, Server, Setup, Target, conversation, now, request, until};

const PROJECT: &str = "crashes";
/// Conversations of one round.
const ROUND: usize = 100;
/// Rounds that end at a random moment; with one for each fail point they are twenty.
const RANDOM_ROUNDS: usize = 9;
/// At most so long after runs are in flight the server is killed.
const RANDOM_MOMENT: Duration = Duration::from_millis(600);
/// Threads that hand conversations in.
const CLIENTS: usize = 4;
/// The promise is 2 s, on a machine on which a server is ready after a fifth of one: half of all restarts take back their runs within
/// so many times what this machine needs to be ready, however slow it is just now.
const TAKE_BACK_PER_START: u32 = 2;
/// Beyond this it hangs.
const TAKE_BACK_BOUND: Duration = Duration::from_secs(30);
/// How long processes may be seen after their supervisor was killed; printed too.
const LEFTOVER_BOUND: Duration = Duration::from_secs(10);

/// A run that is in flight at four kills in a row is taken for their cause and set aside. Rounds that end at a random
/// moment begin with finishing what the last one cut off, so only an unlucky order of fail points gets one there.
const SET_ASIDE_MOST: usize = 3;

/// Its name, and from where to where the number of passes is drawn.
type FailPoint = (&'static str, u64, u64);

/// Each with the range that its number of passes is drawn from: late enough that every round gets something done, so that
/// no run is in flight at so many kills that it is taken for their cause and set aside.
const FAIL_POINTS: [FailPoint; 11] = [
    ("store.accept.before_commit", 5, 15),
    ("store.accept.after_commit", 5, 15),
    ("store.claim.before_commit", 5, 12),
    ("store.claim.after_commit", 5, 12),
    ("store.apply.before_commit", 8, 20),
    ("store.apply.after_commit", 8, 20),
    ("runner.before_fork", 20, 60),
    ("runner.after_fork", 20, 60),
    ("runner.fork_unheard", 20, 60),
    ("runner.before_completion", 20, 60),
    ("runner.after_completion", 20, 60),
];
const ROUNDS: usize = FAIL_POINTS.len() + RANDOM_ROUNDS;

/// Everything that it leaves names its conversation and its attempt.
const FUNCTION: &str = r#"
import signal
import time


def end_function(conv):
    mark = {"attempt": conv.run.attempt, "conversation": conv.id}
    conv.log.info("began", **mark)
    if conv.state.stubborn:
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
    conv.write_metric("ATTEMPT", conv.run.attempt)
    conv.write_metric("CONVERSATION", conv.id)
    conv.state.mark = mark
    time.sleep(conv.state.pause_ms / 1000)
    conv.send_email("desk@example.com", conv.id, str(conv.run.attempt))
    conv.log.info("ended", **mark)
"#;

/// What a 202 promised of a conversation.
struct Promise {
    document: Value,
    run: String,
}

/// What is known of the conversations from outside.
#[derive(Default)]
struct Sent {
    waiting: Vec<Value>,
    promised: BTreeMap<String, Promise>,
}

impl Sent {
    /// Begins to hand in what waits, with several clients at once.
    fn begin(&mut self, server: &Server<'_>) -> Vec<JoinHandle<(Vec<Promise>, Vec<Value>)>> {
        let waiting = std::mem::take(&mut self.waiting);
        let parts = waiting
            .chunks(waiting.len().div_ceil(CLIENTS).max(1))
            .map(<[Value]>::to_vec);
        let client = |part| {
            let target = server.target();
            thread::spawn(move || hand_in(&target, part))
        };
        parts.map(client).collect()
    }

    /// Keeps what was promised; what was not answered waits for the next server.
    fn end(&mut self, clients: Vec<JoinHandle<(Vec<Promise>, Vec<Value>)>>) {
        for client in clients {
            let (promises, unanswered) = client.join().unwrap();
            self.promised
                .extend(promises.into_iter().map(|one| (text(&one.document["id"]), one)));
            self.waiting.extend(unanswered);
        }
    }
}

fn hand_in(target: &Target, part: Vec<Value>) -> (Vec<Promise>, Vec<Value>) {
    let (mut promises, mut unanswered) = (Vec::new(), Vec::new());
    let path = format!("/v1/conversations?project={PROJECT}");
    for document in part {
        match request(
            target,
            "POST",
            &path,
            &[("content-type", "application/json")],
            document.to_string(),
        ) {
            // 200: it had been committed, and the server went before it could say so.
            Ok(answer) if matches!(answer.status, 200 | 202) => {
                promises.push(Promise {
                    document,
                    run: text(&answer.json()["run_id"]),
                });
            }
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => unanswered.push(document),
        }
    }
    (promises, unanswered)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// How long a server needed to be ready, and then to take back what the one before it had left.
#[derive(Clone, Copy)]
struct Restart {
    ready: Duration,
    taken_back: Duration,
}

#[derive(Default)]
struct Figures {
    restarts: Vec<Restart>,
    leftover: Duration,
}

impl Figures {
    fn median(&self, of: impl Fn(&Restart) -> Duration) -> Duration {
        let mut all: Vec<_> = self.restarts.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }
}

#[test]
fn two_thousand_conversations_outlive_twenty_kills_each_with_one_succeeded_attempt_from_which_alone_everything_comes()
 {
    let mut chance = Chance::new("crashes");
    let place = Place::new();
    let setup = place.server().set("concurrency", 16).set("backoff.base_s", 0);
    let project = Project::of(FUNCTION);
    {
        let server = setup.start();
        server.deploy(project.path(), PROJECT);
    }
    let mut sent = Sent::default();
    let mut figures = Figures::default();
    let mut moments: Vec<_> = FAIL_POINTS
        .into_iter()
        .map(Some)
        .chain([None; RANDOM_ROUNDS])
        .collect();
    for round in 1..=ROUNDS {
        let left = u64::try_from(moments.len() - 1).unwrap();
        let moment = moments.swap_remove(usize::try_from(chance.between(0, left)).unwrap());
        sent.waiting.extend((0..ROUND).map(|number| {
            let state = json!({"pause_ms": chance.between(0, 60), "stubborn": chance.between(0, 9) == 0});
            conversation(&format!("crash-{round}-{number}"), &state)
        }));
        one_kill(&setup, moment, &mut chance, &mut sent, &mut figures);
    }

    let server = setup.start();
    figures.restarts.push(taken_back(&server).unwrap());
    while !sent.waiting.is_empty() {
        let clients = sent.begin(&server);
        sent.end(clients);
    }
    server.wait_until_done();
    let set_aside = retry_what_was_set_aside(&server);
    assert_eq!(sent.promised.len(), ROUNDS * ROUND);
    assert_eq!(
        server.runs("").len(),
        sent.promised.len(),
        "each conversation has one run"
    );
    let attempts: usize = sent
        .promised
        .iter()
        .map(|(id, promise)| check(&server, id, promise))
        .sum();
    let [ready, taken_back] =
        [|of: &Restart| of.ready, |of: &Restart| of.taken_back].map(|of| figures.median(of));
    let longest = figures
        .restarts
        .iter()
        .map(|restart| restart.taken_back)
        .max()
        .unwrap();
    println!(
        "{} conversations succeeded in {attempts} attempts, {set_aside} of them set aside before; ready after {ready:?}, taken back {taken_back:?} later, {longest:?} at worst, and a process left for {:?}",
        sent.promised.len(),
        figures.leftover
    );
    assert!(attempts > sent.promised.len(), "kills interrupted attempts");
    assert!(
        taken_back < ready * TAKE_BACK_PER_START,
        "{taken_back:?}, where a start takes {ready:?}"
    );
    assert!(longest < TAKE_BACK_BOUND);
    assert!(figures.leftover < LEFTOVER_BOUND);
}

/// A server is started, handed conversations, and killed.
fn one_kill(
    setup: &Setup<'_>,
    moment: Option<FailPoint>,
    chance: &mut Chance,
    sent: &mut Sent,
    figures: &mut Figures,
) {
    let (server, name) = match moment {
        Some((name, low, high)) => {
            let nth = chance.between(low, high);
            (
                setup.clone().fail_point(name, nth).spawn(),
                format!("{name}:{nth}"),
            )
        }
        None => (setup.spawn(), "a random moment".to_owned()),
    };
    let restart = taken_back(&server);
    if moment.is_none() {
        finish_what_was_cut_off(&server);
    }
    let clients = sent.begin(&server);
    if moment.is_none() {
        kill_with_runs_in_flight(&server, chance.within(RANDOM_MOMENT));
    }
    let status = server.wait_until_ended();
    sent.end(clients);
    assert!(server.was_killed(), "{name}: {status}\n{}", server.log_tail());
    let left = server.wait_until_nothing_is_left();
    let taken_back = restart.map(|restart| restart.taken_back);
    println!(
        "killed at {name}; runs taken back {taken_back:?} after it was ready; nothing left {left:?} after its end"
    );
    figures.leftover = figures.leftover.max(left);
    figures.restarts.extend(restart);
}

/// How long it took until a server was ready, and then until no run was any more what the one before it had left; `None` if it died before
/// that.
fn taken_back(server: &Server<'_>) -> Option<Restart> {
    let (started_at, spawned) = (server.spawned_at(), now());
    server.wait_until_ready().ok()?;
    let (ready, began) = (spawned.elapsed(), now());
    until("runs are taken back", || {
        let Ok(answer) = server.request("GET", "/v1/runs?status=running&limit=1000", &[], "") else {
            return server.ended().map(|_| None);
        };
        let runs = answer.expect(200).json();
        let mut changed = runs["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| text(&run["changed_at"]));
        changed
            .all(|at| at.parse::<jiff::Timestamp>().unwrap() >= started_at)
            .then(|| {
                Some(Restart {
                    ready,
                    taken_back: began.elapsed(),
                })
            })
    })
}

/// Lets the runs that the last kill cut off end before the next one: see [`SET_ASIDE_MOST`].
fn finish_what_was_cut_off(server: &Server<'_>) {
    until("what was cut off ends", || {
        let page = server.get("/v1/runs?status=queued,running&limit=1000");
        let mut runs = page["runs"].as_array().unwrap().iter();
        let begun_before =
            |run: &Value| run["attempts"].as_u64() > Some(u64::from(run["status"] == "running"));
        (!runs.any(begun_before)).then_some(())
    });
}

/// What was set aside is for a person to look at: who is this test. Gives how many there were.
fn retry_what_was_set_aside(server: &Server<'_>) -> usize {
    let failed = server.runs("status=failed");
    assert!(failed.len() <= SET_ASIDE_MOST, "{failed:#?}");
    for run in &failed {
        assert_eq!(run["last_error"], "AC0315", "{run:#}");
        server
            .cli(&["runs", "retry", run["run_id"].as_str().unwrap()])
            .expect(0);
    }
    server.wait_until_done();
    failed.len()
}

fn kill_with_runs_in_flight(server: &Server<'_>, later: Duration) {
    until("runs are in flight", || {
        (server.get("/v1/status")["runner"]["running"] != 0).then_some(())
    });
    sleep(later);
    server.kill();
}

/// Checks one conversation's run, and gives how many attempts it took.
fn check(server: &Server<'_>, id: &str, promise: &Promise) -> usize {
    let again = server.send(PROJECT, &promise.document).expect(200).json();
    assert_eq!(
        again["run_id"], promise.run,
        "{id} is still the run that was promised"
    );
    let detail = server.run(&promise.run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let attempts = detail["attempts"].as_array().unwrap();
    let returned: Vec<_> = attempts
        .iter()
        .filter(|attempt| attempt["outcome"] == "returned")
        .collect();
    let [returned] = returned[..] else {
        panic!("{id}: not one attempt that returned: {detail:#}")
    };
    let others = attempts
        .iter()
        .filter(|attempt| attempt["attempt"] != returned["attempt"]);
    assert!(
        others.clone().all(|attempt| attempt["outcome"] == "interrupted"),
        "{detail:#}"
    );

    let number = &returned["attempt"];
    let mark = json!({"attempt": number, "conversation": id});
    assert_eq!(detail["state_after"]["mark"], mark);
    assert_eq!(
        detail["metrics"],
        json!([{"name": "ATTEMPT", "value": number}, {"name": "CONVERSATION", "value": id}])
    );
    let actions =
        json!([{"kind": "email", "to": "desk@example.com", "subject": number.to_string(), "body": id}]);
    assert_eq!(detail["actions"], actions);
    let logs = returned["logs"].as_array().unwrap();
    let said: Vec<_> = logs
        .iter()
        .map(|entry| (&entry["content"], &entry["fields"]))
        .collect();
    assert_eq!(said, [(&json!("began"), &mark), (&json!("ended"), &mark)]);
    attempts.len()
}

/// Sleeps for good, and listens to no signal that can be ignored or blocked.
const STUBBORN: &str = r#"
import signal
import time


def end_function(conv):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        time.sleep(1)
"#;

#[test]
fn no_process_outlives_its_supervisor_not_one_that_ignores_signals_nor_one_that_is_just_being_forked() {
    let place = Place::new();
    let project = Project::of(STUBBORN);
    let setup = place.server().set("concurrency", 8);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    let conversations: Vec<_> = (0..4)
        .map(|number| conversation(&format!("stubborn-{number}"), &json!({})))
        .collect();
    server.send_all(PROJECT, &conversations);
    let ignores_sigterm = 15;
    until("all four sleep and listen to nothing", || {
        let deaf = server
            .processes()
            .into_iter()
            .filter(|process| process.ignores(ignores_sigterm))
            .count();
        (deaf >= conversations.len()).then_some(())
    });
    server.kill();
    println!(
        "nothing left {:?} after the kill, with four children that ignore signals",
        server.wait_until_nothing_is_left()
    );

    // The runs of the dead server are forked again: the kill comes while the fourth child is on its way.
    let server = setup.clone().fail_point("runner.after_fork", 4).spawn();
    server.wait_until_ended();
    assert!(server.was_killed(), "{}", server.log_tail());
    println!(
        "nothing left {:?} after the kill, with a child on its way",
        server.wait_until_nothing_is_left()
    );
}

/// Its first attempt is told of, then sleeps for good and listens to no signal; the second returns.
const STUBBORN_AT_FIRST: &str = r#"
import os
import signal
import time


def end_function(conv):
    if conv.run.attempt > 1:
        return
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    os.write(1, b"here\n")
    while True:
        time.sleep(1)
"#;

#[test]
fn a_fault_of_ours_in_an_attempt_ends_that_attempt_and_its_child_and_nothing_else() {
    let place = Place::new();
    let project = Project::of(STUBBORN_AT_FIRST);
    // Passed as the child is told what to run, then as it has printed.
    let setup = place
        .server()
        .set("backoff.base_s", 0)
        .panic_point("runner.during_attempt", 2);
    let server = setup.start();
    server.deploy(project.path(), PROJECT);
    let sent = server
        .send(PROJECT, &conversation("broken-off", &json!({})))
        .expect(202);
    let run = text(&sent.json()["run_id"]);
    server.wait_until_done();
    let detail = server.run(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let attempts = detail["attempts"].as_array().unwrap();
    let ends: Vec<_> = attempts
        .iter()
        .map(|one| (&one["outcome"], &one["code"]))
        .collect();
    assert_eq!(
        ends,
        [
            (&json!("failed"), &json!("AC0901")),
            (&json!("returned"), &Value::Null)
        ],
        "{detail:#}"
    );
    let ignores_sigterm = 15;
    until("the child that nobody listens to any more is ended", || {
        let processes = server.processes();
        (!processes.iter().any(|one| one.ignores(ignores_sigterm))).then_some(())
    });
    assert_eq!(server.get("/v1/status")["runner"]["running"], 0);
}

#[test]
fn a_fault_of_ours_in_a_loop_that_all_runs_need_ends_the_server_with_an_error() {
    for (point, what) in [
        ("runner.before_claim", "claiming runs broke off"),
        (
            "runner.before_sweep",
            "taking back runs of earlier boots broke off",
        ),
    ] {
        let place = Place::new();
        let server = place.server().panic_point(point, 1).spawn();
        assert_eq!(server.wait_until_ended().code(), Some(3), "{}", server.log_tail());
        assert!(server.log_tail().contains(what), "{}", server.log_tail());
    }
}
