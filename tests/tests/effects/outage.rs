//! An outage of whoever is written to makes a run late, and is none of its function's business.

use std::time::Duration;

use serde_json::json;
use system_tests::{Place, Receiver, Reply, conversation, until};

use crate::support::{outcomes, project, send, setup, status};

/// As end functions are recommended to be: nothing in it can fail, all that goes wrong is logged to a monitor.
pub const RECOMMENDED: &str = r#"
import requests


def end_function(conv):
    try:
        contact = requests.post(f"{conv.state.crm}/contacts", json={"mark": "contact", "phone": conv.caller_number}, timeout=10)
        contact.raise_for_status()
        conv.state.contact = contact.json()
    except Exception as error:
        requests.post(f"{conv.state.monitor}/errors", json={"mark": "error", "error": repr(error)}, timeout=10)
"#;

const PROJECT: &str = "recommended";
/// What the CRM asks for: more than the tries that nobody sees would wait.
const RETRY_AFTER_S: u32 = 12;

#[test]
fn an_outage_makes_a_run_late_with_one_record_and_no_word_to_the_monitor() {
    let (crm, monitor) = (Receiver::new(), Receiver::new());
    let place = Place::new();
    let setup = setup(&place);
    let server = setup.start();
    server.deploy(project(RECOMMENDED, &[]).path(), PROJECT);
    let state = json!({"crm": crm.url(), "monitor": monitor.url()});

    // It refuses connections …
    crm.go_down();
    let run = send(&server, PROJECT, &conversation("late", &state));
    let detail = server.reached(&run, |status| status == "waiting");
    assert_eq!(outcomes(&detail), ["waiting"]);
    assert!(
        server.runs("status=running").is_empty(),
        "no process waits with it"
    );

    // … then it asks for time, once …
    let mut asked = 0;
    crm.behave(move |_| {
        asked += 1;
        if asked == 1 {
            Reply::later(RETRY_AFTER_S)
        } else {
            Reply::done()
        }
    });
    crm.come_back();
    until("it was asked again", || (!crm.seen().is_empty()).then_some(()));
    let detail = server.reached(&run, |status| status == "waiting");
    assert_eq!(outcomes(&detail), ["waiting", "waiting"]);

    // … meanwhile the server is killed, and then all is well.
    server.kill();
    drop(server);
    let server = setup.start();
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    assert_eq!(outcomes(&detail), ["waiting", "waiting", "returned"]);
    assert_eq!(detail["run"]["failures"], 0, "waiting is no failure");
    assert_eq!(detail["state_after"]["contact"]["status"], 201);

    let seen = crm.seen();
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert!(
        seen[1].at - seen[0].at >= Duration::from_secs(RETRY_AFTER_S.into()),
        "it was given the time that it asked for"
    );
    assert_eq!(seen[0].key, seen[1].key, "one record, one key");
    assert_eq!(crm.works(), [("contact".to_owned(), 1)].into());
    assert!(monitor.seen().is_empty(), "{:#?}", monitor.seen());
}

#[test]
fn a_no_goes_to_the_code_at_once_and_the_failure_that_it_swallows_is_seen_all_the_same() {
    let (crm, monitor) = (Receiver::new(), Receiver::new());
    let place = Place::new();
    let server = setup(&place).start();
    server.deploy(project(RECOMMENDED, &[]).path(), PROJECT);
    crm.behave(|_| Reply::status(422));
    let state = json!({"crm": crm.url(), "monitor": monitor.url()});
    let run = send(&server, PROJECT, &conversation("no", &state));
    let detail = server.finished(&run);
    assert_eq!(status(&detail), "completed_with_failures", "{detail:#}");
    assert_eq!(outcomes(&detail), ["returned"]);
    assert_eq!(crm.seen().len(), 1);
    assert_eq!(monitor.works(), [("error".to_owned(), 1)].into());
    let told = monitor.seen()[0].body["error"].as_str().unwrap().to_owned();
    assert!(told.contains("422"), "{told}");
}
