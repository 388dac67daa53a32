//! What a retried function takes for the time: that of then, while it is given back what it was told, and the time it is from there on.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Gate, Place, Receiver, Reply, conversation, until, wall_clock};

use crate::support::{outcomes, project, send, setup, status};

/// Reads the clock wherever it may matter; the last write is under way when the server is killed.
const FUNCTION: &str = r#"
import concurrent.futures
import datetime
import time

import requests


def end_function(conv):
    conv.state.times = []
    read(conv)
    post(conv, "one")
    read(conv)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        before, after = zip(*pool.map(lambda name: around(conv, name), ["two", "three"]))
    conv.state.before, conv.state.after = list(before), list(after)
    read(conv)
    print("now")
    requests.get(f"{conv.state.crm}/stop", timeout=600)
    read(conv)
    post(conv, "last")
    read(conv)
    conv.state.day = datetime.date.today().isoformat()


def read(conv):
    conv.state.times = [*conv.state.times, time.time()]


def around(conv, name):
    before = time.time()
    post(conv, name)
    return before, time.time()


def post(conv, name):
    # In the address: a clock that differs would make it another write.
    hour = int(time.time()) // 3600
    requests.put(f"{conv.state.crm}/notes/{hour}/{name}", json={"mark": name}, timeout=60).raise_for_status()
"#;
const PROJECT: &str = "clocks";
/// The server is away for so long.
const AWAY: Duration = Duration::from_secs(6);
/// Two readings of one clock that are as good as the same: the machine may be busy.
const SAME_S: f64 = 3.0;

#[test]
fn a_retried_function_has_the_time_of_then_until_it_goes_on_and_what_is_logged_has_the_time_it_is() {
    let (place, crm) = (Place::new(), Receiver::new());
    let gate = Gate::closed();
    let behind = gate.clone();
    crm.behave(move |seen| match seen.path.as_str() {
        "/stop" => Reply::done().behind(&behind),
        _ => Reply::done(),
    });
    let setup = setup(&place);
    let server = setup.start();
    server.deploy(project(FUNCTION, &[]).path(), PROJECT);
    let run = send(&server, PROJECT, &conversation("c", &json!({"crm": crm.url()})));
    until("it stops", || {
        crm.seen().iter().any(|seen| seen.path == "/stop").then_some(())
    });
    let then = now_s();
    server.kill();
    server.wait_until_nothing_is_left();
    std::thread::sleep(AWAY);
    let server = setup.start();
    let restarted = now_s();
    gate.open();
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["interrupted", "returned"]);

    let state = &detail["state_after"];
    let times = seconds(&state["times"]);
    assert!(times.is_sorted(), "{times:?}");
    let (before, after) = (seconds(&state["before"]), seconds(&state["after"]));
    // The read at which it stopped is made anew, and may be signed: the clock before it is right.
    let (recorded, real) = times.split_at(2);
    let is_then = |time: &f64| (time - then).abs() < SAME_S;
    assert!(recorded.iter().chain(&before).all(is_then), "{state:#}, {then}");
    let is_now = |time: &f64| *time >= restarted - SAME_S;
    assert!(real.iter().chain(&after).all(is_now), "{state:#}, {restarted}");
    let logged = detail["attempts"][1]["logs"][0]["timestamp"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    assert!(is_now(&seconds_of(logged)), "{logged}");
}

fn seconds(times: &Value) -> Vec<f64> {
    times
        .as_array()
        .unwrap()
        .iter()
        .map(|time| time.as_f64().unwrap())
        .collect()
}

fn now_s() -> f64 {
    seconds_of(wall_clock())
}

fn seconds_of(time: jiff::Timestamp) -> f64 {
    time.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs_f64()
}
