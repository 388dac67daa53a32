//! A run is attempted again after its function failed: what is done is given back, what failed is tried anew.

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
