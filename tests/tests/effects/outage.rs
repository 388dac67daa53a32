//! An outage of whoever is written to makes a run late, and is none of its function's business.

use std::time::Duration;

use serde_json::json;
use system_tests::{Place, Receiver, Reply, conversation, is_over, until};

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

/// Three hosts side by side, and a word about each to the first one as soon as it has answered.
const SIDE_BY_SIDE: &str = r#"
import concurrent.futures

import requests


def post(url, mark):
    requests.post(f"{url}/notes", json={"mark": mark}, timeout=30).raise_for_status()
    return mark


def end_function(conv):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(post, url, name) for name, url in conv.state.hosts.items()]
        for future in concurrent.futures.as_completed(futures):
            post(conv.state.hosts["crm"], f"after-{future.result()}")
"#;

#[test]
fn one_host_that_is_out_holds_up_none_of_what_goes_on_beside_it_and_nothing_is_asked_twice() {
    let (crm, desk, stock) = (Receiver::new(), Receiver::new(), Receiver::new());
    let place = Place::new();
    let server = setup(&place).start();
    server.deploy(project(SIDE_BY_SIDE, &[]).path(), PROJECT);
    // Slower than the one that is out will be, once it is back: who is first then is another one than before.
    stock.behave(|_| Reply::done().after(Duration::from_millis(300)));
    desk.go_down();
    let hosts = json!({"hosts": {"crm": crm.url(), "desk": desk.url(), "stock": stock.url()}});
    let run = send(&server, PROJECT, &conversation("side-by-side", &hosts));
    let _ = server.reached(&run, |status| status == "waiting");
    assert_eq!(
        crm.works().len() + stock.works().len(),
        4,
        "what could go on has gone on"
    );
    desk.come_back();
    let detail = server.reached(&run, |status| is_over(status) || status == "needs_decision");
    assert_eq!(status(&detail), "succeeded", "{detail:#}");
    let works: Vec<_> = [&crm, &desk, &stock]
        .iter()
        .flat_map(|host| host.works())
        .collect();
    assert_eq!(works.len(), 6, "{works:#?}");
    assert!(works.iter().all(|(_, times)| *times == 1), "{works:#?}");
    let asked: usize = [&crm, &desk, &stock].iter().map(|host| host.seen().len()).sum();
    assert_eq!(asked, 6, "what is known is given back");
}
