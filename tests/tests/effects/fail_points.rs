//! The server dies at a named point between two writes: what is known goes on, and what nobody can know a policy decides, or a person.

use serde_json::json;
use system_tests::{Authority, Place, Project, Receiver, Server, Setup, conversation, is_over};

use crate::support::{project, send, setup, status};

const FUNCTION: &str = r#"
import requests


def end_function(conv):
    for name in ("first", "second"):
        mark = f"{conv.id}/{name}"
        requests.post(f"{conv.state.crm}/notes", json={"mark": mark}, timeout=60).raise_for_status()
"#;
const PROJECT: &str = "two-writes";

/// What is known of the second write once the server is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// That it has not left.
    NotSent,
    /// Nothing: it was about to leave, and has not.
    NothingAndNotSent,
    /// Nothing: it has left, and is done.
    NothingAndDone,
    /// That it is done.
    Done,
}

/// Each with the pass at which the second write is there.
const POINTS: [(&str, u64, Known); 11] = [
    ("effects.before_intent", 2, Known::NotSent),
    ("store.intent.before_commit", 2, Known::NotSent),
    ("store.intent.after_commit", 2, Known::NothingAndNotSent),
    ("effects.before_send", 2, Known::NothingAndNotSent),
    ("effects.before_outcome", 2, Known::NothingAndDone),
    ("store.outcome.before_commit", 2, Known::NothingAndDone),
    ("store.outcome.after_commit", 2, Known::Done),
    ("runner.before_completion", 1, Known::Done),
    ("store.apply.before_commit", 1, Known::Done),
    ("store.apply.after_commit", 1, Known::Done),
    ("runner.after_completion", 1, Known::Done),
];

/// One server that dies after another, over one journal.
struct Deaths<'a> {
    setup: Setup<'a>,
    crm: Receiver,
}

impl<'a> Deaths<'a> {
    fn new(setup: Setup<'a>, crm: Receiver, policy: Option<&str>) -> Self {
        let hosts: Vec<_> = policy
            .iter()
            .map(|policy| format!("{{ host: \"{}\", {policy} }}", crm.host()))
            .collect();
        let project: Project = project(FUNCTION, &hosts);
        setup.start().deploy(project.path(), PROJECT);
        Self { setup, crm }
    }

    /// Where the run of a server that died at this point ends, and how often its second write is done. The first is done once.
    fn at(&self, (point, nth, known): (&str, u64, Known)) -> (String, usize) {
        let id = format!("{point}:{nth}");
        let state = json!({"crm": self.crm.url()});
        let server = self.setup.clone().fail_point(point, nth).start();
        let run = send(&server, PROJECT, &conversation(&id, &state));
        server.wait_until_ended();
        assert!(server.was_killed(), "{id}: {}", server.log_tail());
        drop(server);
        let done = |name: &str| {
            self.crm
                .works()
                .get(&format!("{id}/{name}"))
                .copied()
                .unwrap_or(0)
        };
        let before = usize::from(matches!(known, Known::Done | Known::NothingAndDone));
        assert_eq!(done("second"), before, "{id}: as it was when the server died");

        let server: Server<'_> = self.setup.start();
        let detail = server.reached(&run, |status| is_over(status) || status == "needs_decision");
        let ends = status(&detail).to_owned();
        println!(
            "{id}: {known:?}: {ends}, second write done {} times",
            done("second")
        );
        assert_eq!(done("first"), 1, "{id}: {detail:#}");
        (ends, done("second"))
    }
}

#[test]
fn without_a_policy_nothing_is_sent_twice_and_only_what_nobody_can_know_waits_for_a_person() {
    let place = Place::new();
    let deaths = Deaths::new(setup(&place), Receiver::new(), None);
    for point in POINTS {
        let expected = match point.2 {
            Known::NotSent | Known::Done => ("succeeded".to_owned(), 1),
            Known::NothingAndNotSent => ("needs_decision".to_owned(), 0),
            Known::NothingAndDone => ("needs_decision".to_owned(), 1),
        };
        assert_eq!(deaths.at(point), expected, "{point:?}");
    }
}

#[test]
fn to_a_host_that_honours_keys_each_write_is_done_once_and_nobody_is_asked() {
    let place = Place::new();
    let ca_file = place.path("ca.pem");
    let crm = Receiver::https(&Authority::new(&ca_file), true);
    let setup = setup(&place).set("gateway.ca_files", ca_file.display());
    let deaths = Deaths::new(setup, crm, Some("idempotency: { window_s: 86400 }"));
    for point in POINTS {
        assert_eq!(deaths.at(point), ("succeeded".to_owned(), 1), "{point:?}");
    }
    assert!(deaths.crm.misused_keys().is_empty());
}

#[test]
fn a_policy_resends_or_takes_for_done_what_nobody_can_know() {
    let doubtful = || {
        POINTS
            .into_iter()
            .filter(|point| matches!(point.2, Known::NothingAndNotSent | Known::NothingAndDone))
    };
    for (policy, when_not_sent, when_done) in [("resend", 1, 2), ("assume_done", 0, 1)] {
        let place = Place::new();
        let deaths = Deaths::new(
            setup(&place),
            Receiver::new(),
            Some(&format!("on_unknown: {policy}")),
        );
        for point in doubtful() {
            let times = if point.2 == Known::NothingAndDone {
                when_done
            } else {
                when_not_sent
            };
            assert_eq!(
                deaths.at(point),
                ("succeeded".to_owned(), times),
                "{policy}: {point:?}"
            );
        }
    }
}
