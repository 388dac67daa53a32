//! A run is attempted again after its function failed: what is done is given back, what failed is tried anew.

use std::collections::BTreeSet;

use serde_json::json;
use system_tests::{Place, Receiver, Reply, conversation};

use crate::support::{outcomes, project, send, setup, status};

/// Fails after its writes, twice; or as soon as one of them is answered with no.
const FUNCTION: &str = r#"
import requests


def end_function(conv):
    for name in ("first", "second"):
        requests.post(f"{conv.state.crm}/notes", json={"mark": name}, timeout=30).raise_for_status()
    if conv.run.attempt < conv.state.fails_before:
        raise LookupError("a bug after the writes")
"#;
const PROJECT: &str = "retried";

#[test]
fn however_often_a_run_is_attempted_what_is_done_is_not_sent_again() {
    let (place, crm) = (Place::new(), Receiver::new());
    let server = setup(&place).start();
    server.deploy(project(FUNCTION, &[]).path(), PROJECT);
    let state = json!({"crm": crm.url(), "fails_before": 4});
    let run = send(&server, PROJECT, &conversation("bug", &state));
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["failed", "failed", "failed", "returned"]);
    assert_eq!(crm.seen().len(), 2, "{:#?}", crm.seen());
}

#[test]
fn a_write_that_was_answered_with_no_is_sent_anew_by_the_next_attempt_and_by_nothing_else() {
    let (place, crm) = (Place::new(), Receiver::new());
    let server = setup(&place).start();
    server.deploy(project(FUNCTION, &[]).path(), PROJECT);
    let mut noes = 0;
    crm.behave(move |seen| {
        let says_no = seen.mark() == "second" && noes < 2;
        noes += u32::from(says_no);
        if says_no {
            Reply::status(409)
        } else {
            Reply::done()
        }
    });
    let state = json!({"crm": crm.url(), "fails_before": 0});
    let run = send(&server, PROJECT, &conversation("no", &state));
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["failed", "failed", "returned"]);
    let asked: Vec<_> = crm.seen().iter().map(|seen| seen.mark()).collect();
    assert_eq!(asked, ["first", "second", "second", "second"]);
    assert_eq!(
        crm.works(),
        [("first".to_owned(), 1), ("second".to_owned(), 1)].into()
    );
}

/// Writes what nobody could tell beforehand, from the main thread and from others, and fails then in each run's first attempt.
const MAKES_UP: &str = r#"
import concurrent.futures
import random
import secrets
import uuid

import requests


def end_function(conv):
    made = uuid.uuid4().hex
    send("POST", conv, "orders", json={"order": made, "token": random.getrandbits(64)})
    send("PUT", conv, f"links/{secrets.token_urlsafe()}", json={"mark": "link"})
    send("POST", conv, "payments", json={"mark": "payment"}, headers={"Idempotency-Key": str(uuid.uuid4())})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: send("PUT", conv, f"notes/{n}/{uuid.uuid4()}", json={"n": random.random()}), range(8)))
    if conv.run.attempt == 1:
        raise LookupError("a bug after the writes")


def send(method, conv, path, **more):
    requests.request(method, f"{conv.state.crm}/{path}", timeout=30, **more).raise_for_status()
"#;
/// How many writes it makes.
const MADE_UP: usize = 11;

#[test]
fn a_write_that_holds_what_the_code_made_up_is_sent_once_and_another_when_the_run_is_done_again() {
    let (place, crm) = (Place::new(), Receiver::new());
    let server = setup(&place).start();
    server.deploy(project(MAKES_UP, &[]).path(), PROJECT);
    let run = send(
        &server,
        PROJECT,
        &conversation("made up", &json!({"crm": crm.url()})),
    );
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["failed", "returned"]);
    assert_eq!(written(&crm).len(), MADE_UP);
    assert_eq!(crm.seen().len(), MADE_UP, "{:#?}", crm.seen());

    server.cli(&["runs", "retry", &run, "--again"]).expect(0);
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["failed", "returned", "returned"]);
    // Nothing that was made up the first time is there again.
    assert_eq!(written(&crm).len(), 2 * MADE_UP);
    assert_eq!(crm.seen().len(), 2 * MADE_UP, "{:#?}", crm.seen());
}

/// Each write that came, with all that the code chose of it, once.
fn written(crm: &Receiver) -> BTreeSet<(String, String, Option<String>)> {
    let seen = crm.seen().into_iter();
    seen.map(|seen| (seen.path, seen.body.to_string(), seen.key))
        .collect()
}
