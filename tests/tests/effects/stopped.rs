//! A run is stopped while somebody owes it an answer: the request is finished, written down, and given back when the run goes on.

use std::time::Duration;

use serde_json::json;
use system_tests::{Gate, Place, Receiver, Reply, Server, Setup, conversation, now, until};

use crate::support::{outcomes, project, send, setup, status};

const FUNCTION: &str = r#"
import requests


def end_function(conv):
    answer = requests.post(f"{conv.state.crm}/notes", json={"mark": "note"}, timeout=60)
    conv.state.answered = answer.json()["status"]
"#;
const PROJECT: &str = "one-write";
/// Long enough for a second attempt to have begun, were it allowed to.
const A_WHILE: Duration = Duration::from_secs(2);

/// A server with one run whose write has arrived and is not answered while the gate is closed.
fn owed<'a>(setup: &Setup<'a>, crm: &Receiver) -> (Server<'a>, String, Gate) {
    let server = setup.start();
    server.deploy(project(FUNCTION, &[]).path(), PROJECT);
    let gate = Gate::closed();
    let behind = gate.clone();
    crm.behave(move |_| Reply::done().behind(&behind));
    let run = send(
        &server,
        PROJECT,
        &conversation("stopped", &json!({"crm": crm.url()})),
    );
    until("the write arrives", || (!crm.seen().is_empty()).then_some(()));
    (server, run, gate)
}

#[test]
fn a_cancelled_run_is_retried_once_its_request_is_answered_and_hears_that_answer() {
    let (place, crm) = (Place::new(), Receiver::new());
    let (server, run, gate) = owed(&setup(&place), &crm);
    server.cli(&["runs", "cancel", &run]).expect(0);
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "cancelled", "{detail:#}");
    server.cli(&["runs", "retry", &run]).expect(0);
    std::thread::sleep(A_WHILE);
    assert_eq!(
        crm.seen().len(),
        1,
        "nothing is asked for while an answer is owed"
    );
    assert_ne!(status(&server.run(&run)), "succeeded");
    gate.open();
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["cancelled", "returned"]);
    assert_eq!(detail["state_after"]["answered"], 201);
    assert_eq!(crm.seen().len(), 1, "{:#?}", crm.seen());
}

#[test]
fn a_server_that_is_told_to_end_finishes_the_request_and_the_next_one_gives_its_answer() {
    let (place, crm) = (Place::new(), Receiver::new());
    let setup = setup(&place).set("drain_s", 1);
    let (server, run, gate) = owed(&setup, &crm);
    let began = now();
    server.terminate();
    std::thread::sleep(A_WHILE);
    gate.open();
    let status_of_end = server.wait_until_ended();
    println!(
        "ended ({status_of_end}) {:?} after it was told to",
        began.elapsed()
    );
    drop(server);

    let server = setup.start();
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(detail["run"]["failures"], 0, "{detail:#}");
    assert_eq!(detail["state_after"]["answered"], 201);
    assert_eq!(crm.seen().len(), 1, "{:#?}", crm.seen());
}
